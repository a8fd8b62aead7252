"""Processes with limits: what dies or hangs costs itself only."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import replace

import pytest

from grader.isolation import Channel, Outcome, OutOfTime, cpu_budget, limit_process, run_all
from grader.limits import Limits

QUICK = replace(Limits(), fetch_seconds=1.0, read_seconds=1.0)


def work(task: str, skip: Mapping[str, str], channel: Channel) -> None:
    channel.stage("obtain")
    if task == "dies early":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "hangs early":
        time.sleep(600)
    channel.stage("read")
    for path in ("good.py", "bad.py", "other.py"):
        if path in skip:
            continue
        channel.at(path)
        if path == "bad.py":
            if task == "crashes at a file":
                os.kill(os.getpid(), signal.SIGSEGV)
            if task == "hangs at a file":
                time.sleep(600)
            if task == "leaves at a file":
                os._exit(7)
    if task == "crashes always":
        channel.at(f"{len(skip)}.py")
        os.kill(os.getpid(), signal.SIGABRT)
    if task == "raises":
        raise RuntimeError("a defect")
    if task == "writes":
        print("nothing of this is seen")
        os.write(1, b"nor of this")
    channel.done({"task": task, "skipped": dict(skip)})


def run(*tasks: str, jobs: int = 2, limits: Limits = QUICK) -> list[Outcome]:
    found = dict(run_all(tasks, work, jobs, limits))
    return [found[index] for index in range(len(tasks))]


def test_every_task_has_its_outcome_whatever_the_others_do() -> None:
    tasks = ["a", "dies early", "b", "crashes at a file", "raises", "c"]
    outcomes = run(*tasks)
    assert [o.answer["task"] if o.answer else None for o in outcomes] == [
        "a", None, "b", "crashes at a file", None, "c"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("task", "why"),
    [
        ("crashes at a file", "reading it failed: its reader was ended by SIGSEGV"),
        ("leaves at a file", "reading it failed: its reader ended with code 7"),
    ],
)
def test_a_file_that_ends_its_reader_is_left_out(task: str, why: str) -> None:
    (outcome,) = run(task)
    assert outcome.answer == {"task": task, "skipped": {"bad.py": why}}


def test_a_file_at_which_the_reader_hangs_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.isolation._GRACE", 0.5)
    (outcome,) = run("hangs at a file")
    assert outcome.answer is not None
    assert list(outcome.answer["skipped"]) == ["bad.py"]


def test_a_hang_before_reading_is_unobtainable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.isolation._GRACE", 0.2)
    (outcome,) = run("hangs early")
    assert (outcome.answer, outcome.stage) == (None, "obtain")
    assert outcome.problem == "It could not be obtained: it took more time than it may."


def test_a_reader_that_dies_again_and_again_is_given_up() -> None:
    (outcome,) = run("crashes always")
    assert (outcome.answer, outcome.stage) == (None, "read")
    assert outcome.problem is not None
    assert "SIGABRT" in outcome.problem


def test_nothing_that_a_child_prints_is_seen(capfd: pytest.CaptureFixture[str]) -> None:
    (outcome,) = run("writes")
    assert outcome.answer is not None
    assert capfd.readouterr() == ("", "")


def test_closing_the_generator_ends_the_children(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = replace(QUICK, fetch_seconds=600.0)
    stream = run_all(["a", "hangs early", "hangs early"], work, 3, limits)
    index, outcome = next(stream)
    assert index == 0
    assert outcome.answer is not None
    began = time.monotonic()
    stream.close()
    assert time.monotonic() - began < 10


def test_memory_is_limited() -> None:
    def eats(task: str, skip: Mapping[str, str], channel: Channel) -> None:
        channel.stage("read")
        limit_process(replace(Limits(), memory=400_000_000))
        try:
            held = b"x" * 600_000_000
        except MemoryError:
            channel.done({"held": 0})
        else:
            channel.done({"held": len(held)})

    ((_, outcome),) = run_all(["one"], eats, 1, QUICK)
    assert outcome.answer == {"held": 0}


def test_a_budget_of_processor_time_interrupts_a_loop() -> None:
    def spins() -> None:
        with cpu_budget(0.1):
            while True:
                pass

    with pytest.raises(OutOfTime):
        spins()


def test_a_budget_that_is_not_used_up_is_lifted() -> None:
    with cpu_budget(0.2):
        pass
    end = time.process_time() + 0.4
    while time.process_time() < end:
        pass


def asks(task: float, skip: Mapping[str, str], channel: Channel) -> None:
    channel.stage("obtain")
    channel.stage("read")
    channel.at("good.py")
    channel.asking(task)
    channel.note("building an environment")
    time.sleep(2.0)
    channel.asked()
    time.sleep(0.1)
    channel.done({"asked": task})


def test_the_clock_of_reading_stands_still_while_a_process_aside_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("grader.isolation._GRACE", 0.2)
    heard: list[tuple[int, str]] = []
    ((_, outcome),) = run_all([3.0], asks, 1, QUICK, lambda *told: heard.append(told))
    assert outcome.answer == {"asked": 3.0}
    assert heard == [(0, "building an environment")]


def test_one_that_asks_longer_than_it_said_is_ended_and_no_file_is_blamed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("grader.isolation._GRACE", 0.05)
    ((_, outcome),) = run_all([0.3], asks, 1, QUICK)
    assert outcome == Outcome(None, "Reading it failed: it took more time than it may.", "read")
