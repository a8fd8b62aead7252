"""What is run in a sandbox, within which bounds, and how it ended: the words that the rooms around the sandbox share."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

SCRATCH = "/scratch"
"""Inside: a folder that can be written, empty at first, gone at the end; HOME and TMPDIR."""

WRITABLE = (SCRATCH, "/tmp", "/dev/shm")  # noqa: S108
"""Inside: the folders in memory that can be written. The last two are for code that knows no other place."""

CODE = "/rehearsal"
"""Inside: the grader's own programs, ``launch.py`` and ``server.py``, read-only."""

PROGRAMS = Path(__file__).parent / "inside"
"""Outside: where those lie."""


class NoSandbox(Exception):
    """No sandbox can be had, or nothing could be started in it: trouble of ours, in one sentence for the user."""


class Bounds(NamedTuple):
    """What a rehearsal may take. Sizes in bytes, times in seconds.

    ``memory``, ``processes`` and ``cpu_seconds`` count for all processes together; ``memory`` includes what lies in the
    scratch folders, ``processes`` includes threads. ``file_bytes`` is the largest single file, ``scratch_bytes`` what one scratch
    folder holds, ``output_bytes`` all that is printed.
    """

    seconds: float = 120.0
    memory: int = 2_000_000_000
    processes: int = 64
    cpu_seconds: float = 120.0
    file_bytes: int = 500_000_000
    open_files: int = 512
    output_bytes: int = 10_000_000
    scratch_bytes: int = 500_000_000


@dataclass(frozen=True, slots=True)
class Job:
    """A command and all that it may see.

    Every path is as seen inside. ``command`` is the argument vector, its first word an absolute path.
    ``readable`` are pairs (outside path, inside path), shown read-only; beyond them there are the system's libraries and
    the grader's own programs at :data:`CODE`. Where the grader is root, the command runs as another user, so these have
    to be readable for everybody (the folders above them need not be). A pair whose inside path lies within
    another's needs that folder to exist there.
    ``variables`` is the whole environment, above a small one: HOME, TMPDIR, PATH, LANG, and one BLAS thread.
    ``folder`` is the working directory. ``listener`` is a listening socket made outside, which the command finds as
    descriptor 3; it stays the caller's to close.

    Without a sandbox there are no inside paths. Those in ``command``, ``variables`` (values that are one path) and
    ``folder`` are then put into real ones by :func:`grader.rehearsal.sandbox.start`; for those in files, which are
    written before, there is :func:`grader.rehearsal.sandbox.place`.
    """

    command: tuple[str, ...]
    readable: tuple[tuple[Path, str], ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: str = SCRATCH
    listener: socket.socket | None = None


Limit = Literal["time", "memory", "cpu", "processes", "file size", "output"]


class Ending(NamedTuple):
    """How it ended. By the time this is known, every process is gone.

    ``limit`` is the bound that broke, None where it ended by itself; ``code`` its exit code then, minus the number of
    the signal that ended it. ``sentence`` is for the report. ``ours``: the sandbox itself failed, and nothing follows
    from it for the student.
    """

    limit: Limit | None
    code: int | None
    sentence: str
    ours: bool = False


class Usage(NamedTuple):
    """What was used so far: the most memory and processes at a time, seconds of processor and wall time."""

    memory: int = 0
    processes: int = 0
    cpu_seconds: float = 0.0
    seconds: float = 0.0
