"""The sandbox of a rehearsal: starts a command in it, watches it from outside, ends it with all that came of it.

    sandbox = find()
    with start(job, bounds, sandbox=sandbox) as running:
        ...                      # ask what listens there
        ending = running.ended() # None while it runs

Inside there are no network, no environment, no home, no files but those of the job and the system's libraries, no other
processes, no privileges. Limits on one process are the system's (``launch.py`` sets them); those on all of them together are
watched from outside, twenty times a second. A control group of the kernel's would watch more closely, but it takes a right
that neither an ordinary user nor a container usually has; so that a verdict does not depend on who runs the grader where,
there is one way for all.
"""

from __future__ import annotations

import os
import sys

from grader.rehearsal import finding, plain
from grader.rehearsal.bubblewrap import Sandbox
from grader.rehearsal.job import CODE, SCRATCH, Bounds, Ending, Job, NoSandbox, Usage
from grader.rehearsal.running import Running

__all__ = [
    "CODE",
    "SCRATCH",
    "Bounds",
    "Ending",
    "Job",
    "NoSandbox",
    "Running",
    "Sandbox",
    "Usage",
    "find",
    "place",
    "start",
]

_found: dict[int, Sandbox | NoSandbox] = {}


def find() -> Sandbox:
    """A sandbox that works here; looked for and tried out once in a process.

    Raises:
        NoSandbox: there is none; says what to install or to switch on.
    """
    user = os.geteuid()
    if user not in _found:
        try:
            _found[user] = finding.prove()
        except NoSandbox as problem:
            _found[user] = problem
    found = _found[user]
    if isinstance(found, NoSandbox):
        raise found.with_traceback(None)
    return found


def place(job: Job, inside: str, *, sandbox: Sandbox | None) -> str:
    """Where ``inside`` is for what will run: there, or without a sandbox the real path that it stands for.

    For paths that are written into files before the start. Those below :data:`SCRATCH` are known only then
    (:meth:`Running.path`, or by HOME and TMPDIR inside).
    """
    return inside if sandbox is not None else plain.placed(job, inside, None)


def start(job: Job, bounds: Bounds = Bounds(), *, sandbox: Sandbox | None) -> Running:  # noqa: B008 - immutable
    """Start ``job``; ``sandbox`` None is ``--no-sandbox``. Returns when its command is about to run.

    Raises:
        NoSandbox: it could not be started, by no fault of the student's.
        ValueError: the job is not well-formed (a path that is not absolute, a NUL).
    """
    if sys.platform != "linux":
        raise NoSandbox(finding.NEEDS_LINUX)
    return Running(job, bounds, sandbox)
