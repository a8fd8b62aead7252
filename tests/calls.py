"""Calling the real command line, as a person or a script does, and measuring what a call cost."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FIXTURES = ROOT / "fixtures"


@dataclass(frozen=True)
class Call:
    """How a call ended. ``seconds`` of wall time; ``memory``: the largest process of it, in bytes."""

    code: int
    out: str
    err: str
    seconds: float
    memory: int

    @property
    def report(self) -> dict[str, Any]:
        """What it printed, as JSON."""
        loaded = json.loads(self.out)
        assert isinstance(loaded, dict)
        return loaded

    @property
    def submissions(self) -> list[dict[str, Any]]:
        """The entries of its JSON report."""
        found = self.report["submissions"]
        assert isinstance(found, list)
        return found


def grade(
    *arguments: object,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 120,
    command: Sequence[str] = (sys.executable, "-m", "grader"),
) -> Call:
    """Run ``grade ARGUMENTS``; everything that it leaves behind is ended when it takes longer than ``timeout``."""
    environment = {**os.environ, "GRADE_TRACEBACK": "", "COLUMNS": "100", **(env or {})}
    environment.pop("PYTHONSAFEPATH", None)
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="surrogateescape",
        cwd=cwd,
        env=environment,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)  # it ends its children itself
        process.communicate(timeout=20)
        raise AssertionError(f"grade took more than {timeout:g} s") from None
    return Call(process.returncode, out, err, time.monotonic() - began, 0)


_METER = """\
import json, os, resource, subprocess, sys, time
began = time.monotonic()
code = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
unit = 1 if sys.platform == "darwin" else 1024
with open(sys.argv[1], "w") as file:
    json.dump({"seconds": time.monotonic() - began, "memory": used.ru_maxrss * unit}, file)
raise SystemExit(code)
"""


def measured(meter: Path, *arguments: object, **more: Any) -> Call:
    """As ``grade``, with the cost of the call's own processes: ``meter`` is a file to write it to."""
    command = (sys.executable, "-c", _METER, str(meter), sys.executable, "-m", "grader")
    done = grade(*arguments, command=command, **more)
    cost = json.loads(meter.read_text(encoding="utf-8"))
    return Call(done.code, done.out, done.err, cost["seconds"], cost["memory"])


def statuses(submission: Mapping[str, Any]) -> dict[str, str]:
    """Check ids and their statuses of one entry of a JSON report."""
    return {item["id"]: item["status"] for item in submission["items"]}


def fixture_files(name: str) -> dict[str, bytes]:
    """The files of a labelled submission, by path."""
    home = FIXTURES / name / "submission"
    return {str(p.relative_to(home)): p.read_bytes() for p in sorted(home.rglob("*")) if p.is_file()}


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write ``files`` below ``folder``, and give it back."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder
