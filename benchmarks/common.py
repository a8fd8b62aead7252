"""Side by side in one run: ratios of medians, never seconds as a promise."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Cost:
    """What one run of a command took: CPU and wall time in seconds, peak memory of its largest process in bytes."""

    cpu: float
    wall: float
    memory: int


@dataclass(frozen=True)
class Row:
    """One line of the result: ``ratio`` of ours to theirs, ``aim`` the most it should be."""

    name: str
    ours: str
    theirs: str
    ratio: float
    aim: float

    def __str__(self) -> str:
        verdict = "ok" if self.ratio <= self.aim else "MISSED"
        return f"| {self.name} | {self.ours} | {self.theirs} | {self.ratio:.2f} | {self.aim:g} | {verdict} |"


HEADER = "| what | ours | theirs | ratio | aim | |\n|---|---|---|---|---|---|"


def run(command: Sequence[str], *, cwd: Path | None = None, ok: Sequence[int] = (0,)) -> Cost:
    """Run ``command``, its output thrown away, and account for it and all its children."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    error = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    process.stderr.close()
    if process.returncode not in ok:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {error.decode()[-800:]}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * unit)


def median(costs: Sequence[Cost], of: Callable[[Cost], float]) -> float:
    """The median of one figure."""
    return statistics.median(of(cost) for cost in costs)


def in_turn(a: Callable[[], Cost], b: Callable[[], Cost], runs: int) -> tuple[list[Cost], list[Cost]]:
    """Both, one after the other, ``runs`` times after one warm-up: a machine's moods hit both alike."""
    a()
    b()
    ours, theirs = [], []
    for _ in range(runs):
        ours.append(a())
        theirs.append(b())
    return ours, theirs


@contextmanager
def installed(*more: str) -> Iterator[Path]:
    """A fresh environment with the wheel of this tree, byte-compiled, and ``more`` packages; yields its ``bin``."""
    with tempfile.TemporaryDirectory(prefix="grade-bench-") as folder:
        home = Path(folder)
        python = home / "env" / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", str(home / "env")], check=True)
        # A copy: building must not leave files in the tree.
        source = home / "source"
        shutil.copytree(
            ROOT, source, ignore=shutil.ignore_patterns(".git", ".venv", "fixtures", "tests", "dist")
        )
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--compile"]
        subprocess.run([*pip, str(source), *more], check=True, stderr=subprocess.DEVNULL)
        yield python.parent
