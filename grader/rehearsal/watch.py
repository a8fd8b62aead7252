"""What the processes of a rehearsal take, all together, as seen from outside.

A sandbox's own ``/proc`` and scratch folder are looked into through its first process; so what is seen is all of it and
nothing else, and nothing that runs inside can hide from it or add to it. Without a sandbox they are the children's children
of the process that guards them.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import NamedTuple

from grader.rehearsal.job import WRITABLE

_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_INODE = 1024  # bytes of the kernel's memory for an empty file in a scratch folder
_SOCKET = 212_992  # bytes that a socket may hold unread (net.core.wmem_default)


class Seen(NamedTuple):
    """Bytes of memory, processes and threads, seconds of processor time, and whether a scratch folder is full."""

    memory: int
    processes: int
    cpu_seconds: float
    full: bool = False


class View:
    """A view on the processes of one rehearsal. Closed when done with: it keeps the scratch folder alive."""

    def __init__(self, pid: int, *, sandboxed: bool) -> None:
        """``pid``: the first process inside, or the guard.

        Raises:
            OSError: it is gone, or may not be looked into.
        """
        self._guard = None if sandboxed else str(pid)
        self._folders: list[int] = []
        self._spent: dict[tuple[str, str], float] = {}
        self._gone = 0.0
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        self._proc = os.open(f"/proc/{pid}/root/proc" if sandboxed else "/proc", flags)
        try:
            for name in WRITABLE if sandboxed else ():
                self._folders.append(os.open(f"/proc/{pid}/root{name}", flags))
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Give the view up. May be called again."""
        for descriptor in (self._proc, *self._folders):
            if descriptor >= 0:
                os.close(descriptor)
        self._proc, self._folders = -1, []

    def look(self, memory: int) -> Seen:
        """What is taken now. Memory is estimated cheaply; only what looks like more than ``memory`` is counted exactly."""
        pids = self._pids()
        private, shared, threads = 0, 0, 0
        for pid in pids:
            status = self._read(pid, "status")
            private += _field(status, b"RssAnon:")
            shared += _field(status, b"RssShmem:")
            threads += _field(status, b"Threads:") // 1024
        stored, full = self._stored()
        sockets = self._sockets()
        taken = private + shared + stored + sockets
        if taken > memory:
            private, shared = self._exactly(pids)
            # A file of the scratch folder that is mapped as well is counted once.
            taken = private + max(shared, stored) + sockets
        return Seen(taken, threads, self._cpu(pids), full)

    def empty(self) -> bool:
        """Whether no process is left. A dead first process that nobody has asked after yet has no others any more."""
        try:
            if self._guard is not None:
                return not self._pids()
            return all(
                name == "1" and self._stat(name)[:1] in ([], [b"Z"], [b"X"]) for name in self._listed()
            )
        except OSError:
            return True

    def _pids(self) -> list[str]:
        """The processes, without the first one, which is not the student's."""
        names = self._listed()
        if self._guard is None:
            return [name for name in names if name != "1"]
        children: dict[str, list[str]] = {}
        for name in names:
            fields = self._stat(name)
            if fields:
                children.setdefault(fields[1].decode(), []).append(name)
        found: list[str] = []
        waiting = [self._guard]
        while waiting:
            below = children.pop(waiting.pop(), [])
            found += below
            waiting += below
        return found

    def _listed(self) -> list[str]:
        return [name for name in os.listdir(self._proc) if name.isdigit()]  # noqa: PTH208 - a descriptor

    def _read(self, pid: str, name: str) -> bytes:
        """A file of a process, empty when it is gone."""
        try:
            descriptor = os.open(f"{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
        except OSError:
            return b""
        try:
            return os.read(descriptor, 65536)
        except OSError:
            return b""
        finally:
            os.close(descriptor)

    def _stat(self, pid: str) -> list[bytes]:
        return self._read(pid, "stat").rpartition(b")")[2].split()

    def _cpu(self, pids: list[str]) -> float:
        """Seconds of all that there ever was: by what is seen, or by what the system tells parents, whichever is more."""
        told = 0.0
        now: dict[tuple[str, str], float] = {}
        first = self._guard or "1"
        for pid in (first, *pids):
            fields = self._stat(pid)
            if len(fields) < 20:
                continue
            own = int(fields[11]) + int(fields[12])
            told += own + int(fields[13]) + int(fields[14])
            if pid != first:
                now[pid, fields[19].decode()] = own / _TICK
        self._gone += sum(spent for key, spent in self._spent.items() if key not in now)
        self._spent = now
        return max(told / _TICK, self._gone + sum(now.values()))

    def _exactly(self, pids: list[str]) -> tuple[int, int]:
        """Private and shared memory, each page counted once however many processes hold it."""
        private, shared = 0, 0
        for pid in pids:
            counts = self._read(pid, "smaps_rollup")
            if b"Pss_Anon:" in counts:
                private += _field(counts, b"Pss_Anon:")
                shared += _field(counts, b"Pss_Shmem:")
            else:
                status = self._read(pid, "status")
                private += _field(status, b"RssAnon:")
                shared += _field(status, b"RssShmem:")
        return private, shared

    def _stored(self) -> tuple[int, bool]:
        stored, full = 0, False
        for descriptor in self._folders:
            with contextlib.suppress(OSError):
                told = os.fstatvfs(descriptor)
                stored += (told.f_blocks - told.f_bfree) * told.f_frsize
                stored += (told.f_files - told.f_ffree) * _INODE
                full = full or told.f_bfree * told.f_frsize < 65536
        return stored, full

    def _sockets(self) -> int:
        if self._guard is not None:
            return 0
        for line in self._read("1", "net/sockstat").splitlines():
            if line.startswith(b"sockets: used "):
                return int(line.split()[2]) * _SOCKET
        return 0


def _field(text: bytes, name: bytes) -> int:
    """A field of ``status`` or ``smaps_rollup``, in kB there, in bytes here."""
    at = text.find(b"\n" + name)
    if at < 0:
        return 0
    words = text[at + 1 + len(name) : at + 80].split(None, 1)
    return int(words[0]) * 1024 if words and words[0].isdigit() else 0


def wait_empty(view: View, seconds: float) -> bool:
    """Whether no process is left, waiting up to ``seconds`` for that."""
    end, pause = time.monotonic() + seconds, 0.0005
    while not view.empty():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
        pause = min(2 * pause, 0.02)
    return True
