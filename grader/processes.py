"""A child process that sends messages to its parent, with little cost: a fork and a pipe.

Where the system cannot fork (Windows), ``multiprocessing`` starts a fresh interpreter; only there is it imported, for it
takes several milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol

Send = Callable[[bytes], None]
"""Sends one message, which has no line break in it."""

Life = Callable[..., None]
"""What a child does: called with ``send`` and the arguments that :func:`start` was given."""


class Child(Protocol):
    """A child as its parent sees it."""

    def messages(self, most: int) -> list[bytes] | None:
        """What it has sent, None once it has closed its end or sent a message of more than ``most`` bytes."""

    def ended(self, patience: float) -> bool:
        """Whether it has ended, waiting up to ``patience`` seconds for that."""

    @property
    def code(self) -> int | None:
        """Its exit code, minus the number of the signal that ended it; None while it runs."""

    def end(self, *, at_once: bool) -> None:
        """Ask it to end, or end it ``at_once``."""

    def close(self) -> None:
        """Give up what it holds here; it has ended."""


def _write(to: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(to, view) :]


class _Forked:
    """A child by ``fork``; its messages are lines in a pipe."""

    def __init__(self, life: Life, arguments: Sequence[Any]) -> None:
        for stream in (sys.stdout, sys.stderr):  # what is buffered is the parent's to write
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        self.pipe, theirs = os.pipe()
        self.code: int | None = None
        self._begun = bytearray()  # of a message whose end has not come yet
        self._pid = os.fork()
        if self._pid == 0:
            _live(life, theirs, arguments)
        os.close(theirs)

    def messages(self, most: int) -> list[bytes] | None:
        try:
            data = os.read(self.pipe, 1 << 20)
        except OSError:
            return None
        first, *others = data.split(b"\n")
        self._begun += first
        whole: list[bytes] = []
        for part in others:
            whole.append(bytes(self._begun))
            self._begun = bytearray(part)
        return whole if data and len(self._begun) <= most else None

    def ended(self, patience: float) -> bool:
        end, pause = time.monotonic() + patience, 0.0002
        while self.code is None:
            try:
                pid, status = os.waitpid(self._pid, os.WNOHANG)
            except ChildProcessError:  # our caller has the system forget children that ended: no code is told
                pid, status = self._pid, 1 << 8
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() >= end:
                return False
            else:
                time.sleep(pause)
                pause = min(2 * pause, 0.05)
        return True

    def end(self, *, at_once: bool) -> None:
        import signal

        if self.code is None:  # else the number may be another process's by now
            os.kill(self._pid, signal.SIGKILL if at_once else signal.SIGTERM)

    def close(self) -> None:
        os.close(self.pipe)


def _live(life: Life, pipe: int, arguments: Sequence[Any]) -> NoReturn:
    """The child's whole life; nothing of the parent's (handlers at exit, open files) is run or flushed at its end."""
    code = 1
    try:
        life(lambda message: _write(pipe, message + b"\n"), *arguments)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


class _Spawned:
    """A child in a fresh interpreter."""

    def __init__(self, life: Life, arguments: Sequence[Any]) -> None:
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_spawned, args=(life, theirs, tuple(arguments)), daemon=True)
        self._process.start()
        theirs.close()

    def messages(self, most: int) -> list[bytes] | None:
        try:
            return [self.pipe.recv_bytes(most)]
        except (EOFError, OSError):
            return None

    def ended(self, patience: float) -> bool:
        self._process.join(patience)
        return not self._process.is_alive()

    @property
    def code(self) -> int | None:
        return self._process.exitcode

    def end(self, *, at_once: bool) -> None:
        if at_once:
            self._process.kill()
        else:
            self._process.terminate()

    def close(self) -> None:
        self._process.close()
        self.pipe.close()


def _spawned(life: Life, connection: Any, arguments: Sequence[Any]) -> None:
    life(connection.send_bytes, *arguments)


_FORKS = sys.platform != "win32"


def start(life: Life, *arguments: Any) -> Child:
    """A child that does ``life(send, *arguments)`` and ends."""
    return _Forked(life, arguments) if _FORKS else _Spawned(life, arguments)


def ready(children: Sequence[Any], timeout: float) -> list[Any]:
    """Those of ``children`` that have sent something or closed their end, after ``timeout`` seconds at most."""
    if not _FORKS:
        from multiprocessing.connection import wait

        by_pipe = {child.pipe: child for child in children}
        return [by_pipe[pipe] for pipe in wait(list(by_pipe), timeout)]
    poll = select.poll()
    by_number = {child.pipe: child for child in children}
    for number in by_number:
        poll.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(timeout * 1000)]
