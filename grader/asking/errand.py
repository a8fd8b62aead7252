"""A process aside that does what costs - environments, sandboxes, networks - for the process that reads a submission.

The reader has hard limits on memory and processor time, so it cannot start such work itself. This process is forked from
it before anything of the submission is there, waits for orders, carries them out and answers. Orders and answers are JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from grader import processes

_MOST = 32_000_000  # bytes of all orders, or of one answer
_GRACE = 10.0  # seconds beyond the promised time, in which it may still clean up and answer

_LOOK = 1.0  # seconds between two looks at whether whoever asked is still there

Told = Callable[[str], None]
"""Takes one sentence on what is being done, for a person who waits."""

Work = Callable[[Mapping[str, Any], Told], Mapping[str, Any]]
"""Carries one order out."""


class ErrandFailed(Exception):
    """The process aside died, hung or said nothing; the message is one sentence."""


class Errand(Protocol):
    """Where orders are given. Used as a context manager: leaving it ends whatever is still going on."""

    def __enter__(self) -> Errand: ...

    def __exit__(self, *_: object) -> None: ...

    def carry_out(
        self, orders: Sequence[Mapping[str, Any]], seconds: float, told: Told
    ) -> list[Mapping[str, Any]]:
        """The answers to ``orders``, in their order, within ``seconds`` of wall time. May be called once.

        Raises:
            ErrandFailed: it died, or took longer.
        """


def start(work: Work) -> Errand:
    """A process aside, waiting for orders; where the system cannot fork, they are carried out in this process."""
    return _Aside(work) if hasattr(os, "fork") else _Here(work)


class _Here:
    """No process aside: the systems without ``fork`` have no limits on the reader either."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def __enter__(self) -> Errand:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def carry_out(
        self, orders: Sequence[Mapping[str, Any]], seconds: float, told: Told
    ) -> list[Mapping[str, Any]]:
        del seconds
        return [self._work(order, told) for order in orders]


class _Aside:
    def __init__(self, work: Work) -> None:
        self._asker = os.getppid()
        theirs, self._orders = os.pipe()
        self._child = processes.start(_life, work, theirs, self._orders, os.getpid())
        os.close(theirs)
        self._open = True

    def __enter__(self) -> Errand:
        return self

    def __exit__(self, *_: object) -> None:
        self._close_orders()
        if not self._child.ended(0.2):
            self._child.end(at_once=False)  # it closes its sandbox and its files
            if not self._child.ended(3.0):
                self._child.end(at_once=True)
                self._child.ended(2.0)
        self._child.close()

    def _close_orders(self) -> None:
        if self._open:
            self._open = False
            os.close(self._orders)

    def carry_out(
        self, orders: Sequence[Mapping[str, Any]], seconds: float, told: Told
    ) -> list[Mapping[str, Any]]:
        raw = json.dumps(list(orders)).encode("ascii")
        if len(raw) > _MOST:
            raise ErrandFailed(f"The orders take {len(raw)} bytes, more than the bound of {_MOST}.")
        try:
            view = memoryview(raw)
            while view:
                view = view[os.write(self._orders, view) :]
        except OSError as problem:
            raise ErrandFailed(f"The process that was to do it is gone ({problem}).") from None
        finally:
            self._close_orders()
        end = time.monotonic() + seconds + _GRACE
        answers: list[Mapping[str, Any]] = []
        while len(answers) < len(orders):
            left = end - time.monotonic()
            if left <= 0:
                raise ErrandFailed(f"It took longer than the {seconds:.0f} s that it may.")
            if not processes.ready([self._child], min(left, _LOOK)):
                if os.getppid() != self._asker:  # killed: nobody will hear, so nothing is to go on
                    raise ErrandFailed("Whoever asked for it is gone.")
                continue
            messages = self._child.messages(_MOST)
            if messages is None:
                self._child.ended(2.0)
                raise ErrandFailed(f"The process that was to do it ended with code {self._child.code}.")
            for message in map(json.loads, messages):
                if "told" in message:
                    told(message["told"])
                elif "failed" in message:
                    raise ErrandFailed(message["failed"])
                else:
                    answers.append(message["answer"])
        return answers


def _life(send: processes.Send, work: Work, orders: int, other_end: int, parent: int) -> None:
    """The life of the process aside."""
    os.close(other_end)
    signal.signal(signal.SIGTERM, _ended)
    _die_with_parent(parent)
    with open(orders, "rb") as pipe:
        raw = pipe.read(_MOST + 1)
    if not raw:
        return  # nothing is to be done

    def say(message: Mapping[str, Any]) -> None:
        send(json.dumps(message).encode("ascii"))

    for order in json.loads(raw):
        try:
            say({"answer": work(order, lambda sentence: say({"told": sentence}))})
        except Exception as problem:  # a defect of ours: it must not look like the submission's
            say({"failed": f"The grader itself failed: {type(problem).__name__}: {problem}."})
            return


def _die_with_parent(parent: int) -> None:
    """Have the system end this process when the reader dies, however that comes about (Linux)."""
    if sys.platform != "linux":
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        raise SystemExit(1)


def _ended(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)
