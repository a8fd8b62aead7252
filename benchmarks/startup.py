"""What it costs to start: ``grade --version`` against a bare interpreter, one local submission against repo-review."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from common import HEADER, Row, in_turn, installed, median, run
from sample import submission

RUNS = 15


def rows() -> Iterator[Row]:
    """Figures of CPU time."""
    with installed("repo-review", "sp-repo-review") as bin_, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        grade, python = str(bin_ / "grade"), str(bin_ / "python")
        ours, theirs = in_turn(lambda: run([grade, "--version"]), lambda: run([python, "-c", "pass"]), RUNS)
        yield _row("`grade --version` against `python -c pass`", ours, theirs, 4)

        target = submission(home / "one")
        for name in ("json", "terminal"):
            ours, theirs = in_turn(
                lambda name=name: run([grade, str(target), "--format", name]),
                lambda: run([str(bin_ / "repo-review"), str(target)], ok=(0, 2, 3)),
                RUNS,
            )
            yield _row(
                f"a local submission with a 40-cell notebook ({name}) against repo-review", ours, theirs, 0.9
            )


def _row(name: str, ours: list, theirs: list, aim: float) -> Row:
    a, b = median(ours, lambda c: c.cpu), median(theirs, lambda c: c.cpu)
    return Row(name, f"{1000 * a:.0f} ms CPU", f"{1000 * b:.0f} ms CPU", a / b, aim)


if __name__ == "__main__":
    print(HEADER)
    for row in rows():
        print(row, flush=True)
