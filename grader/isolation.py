"""Work on hostile input, each piece in a process of its own, with limits; a crash or a hang costs that piece only.

The parent is single-threaded and forks; where the system cannot fork (Windows) a fresh interpreter is
started. What a child says is data: JSON, bounded in size. The parent never imports or unpickles anything of it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from grader.limits import Limits
from grader.processes import Child, Send, ready, start

_MOST_ANSWER = 64_000_000  # bytes of one child's answer
_GRACE = 5.0  # seconds beyond a stage's own bound, in which a child may still end by itself
_ATTEMPTS = 4


class OutOfTime(BaseException):
    """The CPU time of one file is used up. Not an Exception: no reader's ``except Exception`` may swallow it."""


class Outcome(NamedTuple):
    """How a piece of work ended: with an answer, or with ``problem``, one sentence."""

    answer: Mapping[str, Any] | None
    problem: str | None = None
    stage: Literal["obtain", "read"] = "read"


class Channel:
    """The child's end: tells the parent where the work is, so that a death can be laid to the right file."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def stage(self, name: Literal["obtain", "read"]) -> None:
        """A stage begins; the parent starts that stage's clock."""
        self._tell({"stage": name})

    def asking(self, seconds: float) -> None:
        """From now on a process aside is waited for, ``seconds`` at most; the clock of reading stands still."""
        self._tell({"asking": seconds})

    def asked(self) -> None:
        """The process aside has answered; the clock of reading goes on."""
        self._tell({"asking": None})

    def note(self, sentence: str) -> None:
        """Tell a person who waits what is being done."""
        self._tell({"note": sentence})

    def at(self, path: str) -> None:
        """The file that is being read from now on."""
        self._tell({"at": path})

    def done(self, answer: Mapping[str, Any]) -> None:
        """The work is finished."""
        self._tell({"done": answer})

    def _tell(self, message: Mapping[str, Any]) -> None:
        self._send(json.dumps(message).encode("ascii"))


Work = Callable[[Any, Mapping[str, str], Channel], None]
"""(task, files to leave out with the reason, channel): does the work and calls ``channel.done``."""


@dataclass(slots=True)
class _Running:
    index: int
    child: Child
    deadline: float
    read_seconds: float
    stage: Literal["obtain", "read"] = "obtain"
    at: str | None = None
    answer: Mapping[str, Any] | None = None
    late: bool = False
    began: float | None = None  # to read
    left: float = 0.0  # of the time for reading, while a process aside is waited for
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Waiting:
    index: int
    skip: dict[str, str] = field(default_factory=dict)
    attempt: int = 1
    read_seconds: float = 0.0


def run_all(
    tasks: Sequence[Any],
    work: Work,
    jobs: int,
    limits: Limits,
    told: Callable[[int, str], None] = lambda _index, _sentence: None,
) -> Generator[tuple[int, Outcome], None, None]:
    """Do ``work`` on every task, ``jobs`` at a time; yields (index, outcome) as they end, in any order.

    ``told`` gets (index, sentence) of what a child says for a person who waits.

    A child that dies or hangs while it reads a file is started anew without that file, a few times, within the same
    total time. Closing the generator ends all children.
    """
    waiting = deque(_Waiting(index, read_seconds=limits.read_seconds) for index in range(len(tasks)))
    origin: dict[int, _Waiting] = {}
    running: dict[Child, _Running] = {}
    try:
        while waiting or running:
            while waiting and len(running) < max(1, jobs):
                job = waiting.popleft()
                origin[job.index] = job
                child = start(_child, work, tasks[job.index], job.skip, os.getpid())
                deadline = time.monotonic() + limits.fetch_seconds + _GRACE
                running[child] = _Running(job.index, child, deadline, job.read_seconds)
            soonest = min(r.deadline for r in running.values())
            for child in ready(list(running), max(0.0, soonest - time.monotonic())):
                one = running[child]
                if _listen(one):
                    for sentence in one.notes:
                        told(one.index, sentence)
                    one.notes.clear()
                    continue
                del running[child]
                outcome, again = _ended(one, origin[one.index], one.began)
                if again is not None:
                    waiting.appendleft(again)
                else:
                    yield one.index, outcome
            now = time.monotonic()
            for one in running.values():
                if now >= one.deadline:
                    one.late = True
                    one.deadline = now + 3600
                    _end(one)
    finally:
        for one in running.values():
            _end(one)
            one.child.close()


def _listen(one: _Running) -> bool:
    """Take what was sent; False when the child has closed its end."""
    messages = one.child.messages(_MOST_ANSWER)
    if messages is None:
        return False
    for raw in messages:
        try:
            message = json.loads(raw)
        except ValueError:
            return False
        if "stage" in message:
            if message["stage"] == "read" and one.stage == "obtain":
                one.stage, one.began = "read", time.monotonic()
                one.deadline = one.began + one.read_seconds + _GRACE
        elif "at" in message:
            one.at = str(message["at"])
        elif "asking" in message:
            now, seconds = time.monotonic(), message["asking"]
            one.at = None  # no file is being read: a death is not to be laid to one
            if seconds is None:
                one.deadline = now + one.left
            else:
                one.left = max(one.deadline - now, 0.0)
                one.deadline = (
                    now + seconds + 4 * _GRACE
                )  # the process aside keeps its own time; this is for its death
        elif "note" in message:
            one.notes.append(str(message["note"]))
        elif "done" in message:
            one.answer = message["done"]
    return True


def _ended(one: _Running, job: _Waiting, began: float | None) -> tuple[Outcome, _Waiting | None]:
    """The outcome of a child that is gone, and the next attempt if one is worth making."""
    if not one.child.ended(5):
        _end(one)
    code = one.child.code
    one.child.close()
    if one.answer is not None:
        return Outcome(one.answer), None
    if one.late:
        why = "it took more time than it may"
    elif code is not None and code < 0:
        named: str | int = code
        with contextlib.suppress(ValueError):
            named = signal.Signals(-code).name
        why = f"its reader was ended by {named}"
    else:
        why = f"its reader ended with code {code}"
    if one.stage == "read" and one.at is not None and job.attempt < _ATTEMPTS:
        spent = time.monotonic() - began if began is not None else 0.0
        left = job.read_seconds - spent
        # The last attempt gets a little time even if a hang used it all: without that file it may well be enough.
        skip = {**job.skip, one.at: f"reading it failed: {why}"}
        return Outcome(None), _Waiting(job.index, skip, job.attempt + 1, max(left, 5.0))
    if one.stage == "obtain":
        problem = f"It could not be obtained: {why}."
    else:
        problem = f"Reading it failed{f' at {one.at}' if one.at else ''}: {why}."
    return Outcome(None, problem, one.stage), None


def _end(one: _Running) -> None:
    """End a child: politely, so that it ends its own git, then for good."""
    with contextlib.suppress(ValueError, OSError):
        one.child.end(at_once=False)
        if not one.child.ended(2):
            one.child.end(at_once=True)
            one.child.ended(2)


def _child(send: Send, work: Work, task: Any, skip: Mapping[str, str], parent: int) -> None:
    """The child's whole life. Nothing that it or a library prints reaches the terminal."""
    with contextlib.suppress(AttributeError, OSError):
        os.setsid()  # Ctrl-C reaches the parent alone, which then ends its children
    signal.signal(signal.SIGTERM, _terminated)
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.environ.get("GRADE_TRACEBACK") != "1":
        quiet = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(quiet, stream)
        os.close(quiet)
        sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        faulthandler.disable()
    import warnings

    warnings.simplefilter("ignore")
    if hasattr(os, "getppid") and sys.platform != "win32" and os.getppid() != parent:
        return  # the parent died before we began
    gc.freeze()  # the parent's objects are shared pages: collecting this child's own leaves them alone
    gc.enable()
    with contextlib.suppress(BrokenPipeError):
        work(task, skip, Channel(send))


def _terminated(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def limit_process(limits: Limits) -> str | None:
    """Bound memory, CPU time, file size and core dumps of this process; returns a note where the system cannot."""
    try:
        import resource
    except ImportError:
        return "This system has no limits on memory; only the time limit held."
    missing = False
    wanted = [
        (resource.RLIMIT_CPU, int(limits.read_seconds) + 5),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, limits.memory),
    ]
    for which, value in wanted:
        try:
            _, hard = resource.getrlimit(which)
            soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (soft, hard))
        except (ValueError, OSError):
            missing = missing or which == resource.RLIMIT_AS
    if missing or sys.platform == "darwin":  # macOS takes the limit and does not hold it
        return "This system does not limit memory; only the time limit held."
    return None


@contextlib.contextmanager
def cpu_budget(seconds: float) -> Iterator[None]:
    """Raise :class:`OutOfTime` inside when ``seconds`` of CPU are used up (where the system has such a clock)."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    previous = signal.signal(signal.SIGPROF, _out_of_time)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, previous)


def _out_of_time(_number: int, _frame: object) -> None:
    raise OutOfTime
