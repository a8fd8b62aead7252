"""What typical reports look like, to the letter.

After a change that is meant, look at the difference and take it over:

    UPDATE_SNAPSHOTS=1 pytest tests/report/test_snapshots.py && git diff tests/report/snapshots
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from report_samples import REPORTS

from grader.report import formats

FOLDER = Path(__file__).parent / "snapshots"
CASES = [
    *((name, "terminal", 80, "utf-8", ".txt") for name in REPORTS),
    ("open", "terminal", 60, "utf-8", ".60.txt"),
    ("open", "terminal", 120, "utf-8", ".120.txt"),
    ("class", "terminal", 80, "ascii", ".ascii.txt"),
    ("open", "markdown", 80, "utf-8", ".md"),
    ("class", "csv", 80, "utf-8", ".csv"),
    ("class", "json", 80, "utf-8", ".json"),
    ("open", "html", 80, "utf-8", ".html"),
]


@pytest.mark.parametrize(("name", "kind", "width", "encoding", "ending"), CASES)
def test_looks_as_before(name: str, kind: str, width: int, encoding: str, ending: str) -> None:
    made = formats.render(REPORTS[name](), kind, width=width, encoding=encoding)
    file = FOLDER / f"{name}{ending}"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        file.write_text(made, encoding="utf-8", newline="\n")
    assert file.read_text(encoding="utf-8") == made


def test_no_snapshot_is_left_over() -> None:
    assert {f.name for f in FOLDER.iterdir()} == {f"{case[0]}{case[4]}" for case in CASES}
