"""A typical submission, written anew: a fixture's files and a 40-cell notebook beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from common import ROOT

FIXTURE = ROOT / "fixtures" / "aws-sklearnmodel-complete" / "submission"


def notebook(cells: int = 40) -> str:
    """A notebook of ``cells`` cells, a third of them prose, with outputs as a run leaves them."""
    found = []
    for number in range(cells):
        if number % 3 == 0:
            source = [
                f"## Step {number}\n",
                "Here the data are looked at once more, *before* anything is fitted.\n",
            ]
            found.append({"cell_type": "markdown", "metadata": {}, "source": source})
            continue
        source = [
            f"frame_{number} = pd.read_csv('data/part_{number}.csv')\n",
            f"features_{number} = frame_{number}[['age', 'balance', 'duration']].values\n",
            f"for column in frame_{number}.columns:\n",
            f"    print(column, frame_{number}[column].nunique(), {number})\n",
        ]
        if number % 10 == 1:
            source.append(f"!gsutil cp data/part_{number}.csv gs://bucket-of-the-course/part_{number}.csv\n")
        output = {
            "output_type": "stream",
            "name": "stdout",
            "text": [f"age {n} {number}\n" for n in range(12)],
        }
        cell = {
            "cell_type": "code",
            "execution_count": number,
            "metadata": {},
            "source": source,
            "outputs": [output],
        }
        found.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": found}, indent=1
    )


def submission(folder: Path) -> Path:
    """Write it to ``folder`` and return that."""
    shutil.copytree(FIXTURE, folder)
    (folder / "exploration.ipynb").write_text(notebook(), encoding="utf-8")
    return folder
