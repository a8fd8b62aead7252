"""10, 100 and 400 local submissions in one call: linear, and little each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from common import HEADER, Row, installed, median, run
from sample import submission

SIZES = (10, 100, 400)


def rows() -> Iterator[Row]:
    """CPU time a submission: absolute at 400 (the aim is 30 ms), and 400 against 100 as the test of linearity."""
    with installed() as bin_, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        first = submission(home / "0")
        for number in range(1, max(SIZES)):
            shutil.copytree(first, home / str(number))
        each: dict[int, float] = {}
        for size in SIZES:
            sources = [str(home / str(number)) for number in range(size)]
            command = [str(bin_ / "grade"), *sources, "--format", "json"]
            run(command)
            costs = [run(command) for _ in range(5 if size < 400 else 3)]
            each[size] = median(costs, lambda c: c.cpu) / size
            yield Row(
                f"{size} local submissions, CPU each",
                f"{1000 * each[size]:.1f} ms",
                "30 ms",
                each[size] / 0.030,
                1,
            )
        yield Row(
            "each of 400 against each of 100",
            f"{1000 * each[400]:.1f} ms",
            f"{1000 * each[100]:.1f} ms",
            each[400] / each[100],
            1.15,
        )


if __name__ == "__main__":
    print(HEADER)
    for row in rows():
        print(row, flush=True)
