"""``--no-sandbox``: the same program with the same limits as far as they go, for a student's own code.

The paths of a sandbox do not exist; what they stand for is taken from where it lies.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from grader.rehearsal.job import CODE, PROGRAMS, SCRATCH, Job


def placed(job: Job, inside: str, scratch: str | None) -> str:
    """The real path of ``inside``; as it is where no pair of ``job.readable`` holds it, nor ``scratch`` stands for it."""
    pairs = [(at, str(outside)) for outside, at in job.readable]
    pairs.append((CODE, str(PROGRAMS)))
    if scratch is not None:
        pairs.append((SCRATCH, scratch))
    for at, outside in sorted(pairs, key=lambda pair: -len(pair[0])):
        if inside == at:
            return outside
        if inside.startswith(at.rstrip("/") + "/"):
            return str(Path(outside, inside[len(at.rstrip("/")) + 1 :]))
    return inside


def real(job: Job, scratch: str) -> Job:
    """``job`` with real paths."""

    def put(text: str) -> str:
        return placed(job, text, scratch) if text.startswith("/") else text

    return Job(
        command=tuple(put(word) for word in job.command),
        readable=job.readable,
        variables={name: put(value) for name, value in job.variables.items()},
        folder=put(job.folder),
        listener=job.listener,
    )


def spawn(
    command: Sequence[str], *, passed: Sequence[int], stdin: int, output: int
) -> subprocess.Popen[bytes]:
    """Start ``command`` in a session of its own, with nothing of ours but the descriptors."""
    return subprocess.Popen(
        list(command),
        stdin=stdin,
        stdout=output,
        stderr=output,
        pass_fds=tuple(passed),
        env={},
        cwd="/",
        start_new_session=True,
    )


def already_running() -> int:
    """Processes and threads of this user, which the system counts together with those that are limited."""
    me, found = os.geteuid(), 0
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                if process.stat().st_uid == me:
                    found += sum(1 for _ in (process / "task").iterdir())
    return found
