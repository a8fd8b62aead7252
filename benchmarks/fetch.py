"""What obtaining by URL adds, against `git clone --depth 1` of the same repository from the same server, one by one.

The server is git's own over loopback HTTP, with the latency and bandwidth of a line put between. `grade URL` less
`grade FOLDER` is what fetching costs; the clone's time is what any grader that clones would pay.
"""

from __future__ import annotations

import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from common import HEADER, ROOT, Row, installed, run
from sample import notebook

sys.path.insert(0, str(ROOT))
from tests.servers import Behaviour, Server, repository, served, serving

RUNS = 7
LATENCY = 0.08  # seconds a request
BANDWIDTH = 1_500_000.0  # bytes a second
UNASKED = 25_000_000


def rows() -> Iterator[Row]:
    """Figures of wall time."""
    noise = random.Random(11)
    typical = {
        "README.md": b"# A project\n",
        "aws_deploy/README.md": b"# Deploying\n" + b"Upload the model, create the endpoint, call it.\n" * 20,
        "aws_deploy/inference.py": b"import joblib\n\n\ndef model_fn(model_dir):\n    return joblib.load(model_dir)\n",
        "aws_deploy/shot.png": noise.randbytes(300_000),
        "exploration.ipynb": notebook().encode(),
        "data/train.csv": noise.randbytes(600_000),
    }
    with installed() as bin_, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        grade = str(bin_ / "grade")
        for name, files in (
            ("lab", typical),
            ("large", {**typical, "data/unasked.parquet": noise.randbytes(UNASKED)}),
        ):
            served(repository(home / "made" / name, files), home / "root" / f"{name}.git")
        with serving(home / "root", Behaviour(latency=LATENCY, bandwidth=BANDWIDTH)) as server:
            yield _row(
                "a typical submission: `grade URL` less `grade FOLDER`",
                grade,
                server,
                "lab",
                home,
                1.15,
                RUNS,
            )
            yield _row("the same with 25 MB that nobody asks for", grade, server, "large", home, 0.1, 3)


def _row(title: str, grade: str, server: Server, name: str, home: Path, aim: float, runs: int) -> Row:
    """Pairwise: each round takes the URL, the folder and the clone, one after the other; medians of the rounds."""
    ours, theirs, ratios = [], [], []
    for number in range(runs + 1):
        target = home / "cloned"
        shutil.rmtree(target, ignore_errors=True)
        url = server.url(f"{name}.git")
        by_url = run([grade, url, "--format", "json"]).wall
        clone = run(["git", "clone", "--quiet", "--depth=1", url, str(target)]).wall
        by_folder = run([grade, str(target), "--format", "json"]).wall
        if number:  # the first round warms up
            ours.append(by_url - by_folder)
            theirs.append(clone)
            ratios.append((by_url - by_folder) / clone)
    return Row(
        title,
        f"{statistics.median(ours):.2f} s",
        f"{statistics.median(theirs):.2f} s",
        statistics.median(ratios),
        aim,
    )


if __name__ == "__main__":
    print(HEADER)
    for row in rows():
        print(row, flush=True)
