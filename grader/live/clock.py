"""One time budget for one endpoint: what is asked again, how long it waits between, and an end that nothing
outlives."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")
FIRST_WAIT = 0.5
"""Seconds before a second try; each further wait is twice the last, at most :data:`LONGEST_WAIT`."""
LONGEST_WAIT = 8.0


class OutOfTime(Exception):
    """The budget is used up."""


class Clock:
    """A budget of ``seconds`` of wall time, which begins now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, most: float = float("inf")) -> float:
        """Seconds left, at most ``most``.

        Raises:
            OutOfTime: there are none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise OutOfTime
        return min(left, most)

    def again(self, work: Callable[[], _T], passing: Callable[[Exception], bool], *, tries: int = 5) -> _T:
        """``work()``, and once more after a longer and longer wait while it raises what is ``passing``.

        Raises:
            Exception: what ``work`` raised last, once it is not passing, or no time or try is left.
        """
        wait = FIRST_WAIT
        while True:
            tries -= 1
            try:
                return work()
            except Exception as problem:
                if tries <= 0 or not passing(problem) or self._end - time.monotonic() <= wait:
                    raise
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)


class _Job(Generic[_T]):
    def __init__(self, work: Callable[[], _T]) -> None:
        self._work = work
        self.done = threading.Event()
        self.answer: _T | None = None
        self.problem: BaseException | None = None

    def run(self) -> None:
        try:
            self.answer = self._work()
        except BaseException as problem:
            self.problem = problem
        self.done.set()


def within(seconds: float, work: Callable[[], _T]) -> _T:
    """``work()``, or an end after ``seconds``, whatever it waits for: a look-up, a handshake, one byte a
    second.

    The work has a thread of its own, which is left behind where it does not end; it holds nothing but its
    connection.

    Raises:
        OutOfTime: it did not end in time.
    """
    job = _Job(work)
    threading.Thread(target=job.run, daemon=True).start()
    if not job.done.wait(seconds):
        raise OutOfTime
    if job.problem is not None:
        raise job.problem
    return job.answer  # type: ignore[return-value]  # it ended without a problem, so there is one
