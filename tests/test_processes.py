"""A child and its messages, whichever way the system starts it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable

import pytest

from grader import processes
from grader.processes import Child, Send, ready, start

FORK_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="this system cannot fork")


def heard(child: Child, most: int = 10_000_000) -> list[bytes]:
    """Everything that a child sends until it closes its end."""
    found: list[bytes] = []
    while ready([child], 20.0):
        messages = child.messages(most)
        if messages is None:
            break
        found += messages
    return found


def says(send: Send, *words: str) -> None:
    for word in words:
        send(word.encode())


def leaves(send: Send, code: int) -> None:
    sys.exit(code)


@pytest.mark.parametrize("forks", [pytest.param(True, marks=FORK_ONLY), False])
def test_messages_arrive_whole_and_in_order(forks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_FORKS", forks)
    words = ["one", "", "x" * 300_000, "two"]
    child = start(says, *words)
    assert [m.decode() for m in heard(child)] == words
    assert child.ended(20.0)
    assert child.code == 0
    child.close()


@FORK_ONLY
@pytest.mark.parametrize(("code", "told"), [(0, 0), (7, 7)])
def test_the_exit_code_is_told(code: int, told: int) -> None:
    child = start(leaves, code)
    assert heard(child) == []
    assert child.ended(5.0)
    assert child.code == told
    child.close()


@FORK_ONLY
@pytest.mark.parametrize("at_once", [True, False])
def test_a_child_that_does_not_end_is_ended(at_once: bool) -> None:
    def sleeps(send: Send) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        send(b"asleep")
        time.sleep(600)

    child = start(sleeps)
    assert ready([child], 5.0) == [child]
    assert not child.ended(0.0)
    assert child.code is None
    child.end(at_once=at_once)
    assert child.ended(5.0)
    assert child.code == -(signal.SIGKILL if at_once else signal.SIGTERM)
    child.end(at_once=True)  # it is gone, and nobody else is meant
    child.close()


@FORK_ONLY
def test_a_message_beyond_the_bound_is_taken_for_the_end() -> None:
    child = start(says, "y" * 200_000)
    assert heard(child, most=100) == []
    child.end(at_once=True)
    assert child.ended(5.0)
    child.close()


@FORK_ONLY
def test_nothing_that_was_to_run_at_exit_runs_in_the_child(capfd: pytest.CaptureFixture[str]) -> None:
    import atexit

    handler: Callable[[], None] = lambda: print("at exit")  # noqa: E731
    atexit.register(handler)
    try:
        child = start(says, "done")
        assert heard(child) == [b"done"]
        assert child.ended(5.0)
        child.close()
    finally:
        atexit.unregister(handler)
    assert capfd.readouterr() == ("", "")
