"""The process aside: it answers, and whatever becomes of it or of its parent, nothing goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from grader.asking import errand
from grader.asking.errand import ErrandFailed, Told


def work(order: Mapping[str, Any], told: Told) -> Mapping[str, Any]:
    told(f"doing {order['do']}")
    match order["do"]:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            time.sleep(60)
        case "raise":
            raise ValueError("a defect")
        case "large":
            return {"large": "x" * 3_000_000}
    return {"pid": os.getpid(), "did": order["do"]}


def test_orders_are_carried_out_aside_and_in_order() -> None:
    heard: list[str] = []
    with errand.start(work) as aside:
        answers = aside.carry_out([{"do": "a"}, {"do": "b"}], 10, heard.append)
    assert [a["did"] for a in answers] == ["a", "b"]
    assert heard == ["doing a", "doing b"]
    assert answers[0]["pid"] not in (os.getpid(), None)


def test_large_orders_and_answers_pass() -> None:
    with errand.start(work) as aside:
        (answer,) = aside.carry_out([{"do": "large", "ballast": "y" * 3_000_000}], 10, print)
    assert len(answer["large"]) == 3_000_000


@pytest.mark.parametrize(
    ("what", "seconds", "why"),
    [
        ("die", 10, "ended with code -9"),
        ("raise", 10, "The grader itself failed: ValueError: a defect."),
        ("hang", 0.2, "longer than the 0 s"),
    ],
)
def test_what_becomes_of_it_is_one_sentence(
    what: str, seconds: float, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errand, "_GRACE", 0.2)
    with errand.start(work) as aside, pytest.raises(ErrandFailed, match=why):
        aside.carry_out([{"do": what}], seconds, lambda _: None)


def test_without_orders_it_just_ends() -> None:
    began = time.monotonic()
    with errand.start(work):
        pass
    assert time.monotonic() - began < 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_it_dies_with_the_process_that_gave_the_orders(tmp_path: Path) -> None:
    script = (
        "import os, sys, time\nfrom grader.asking import errand\n"
        "def work(order, told):\n"
        f"    open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n    time.sleep(60)\n"
        "with errand.start(work) as aside:\n    aside.carry_out([{}], 60, print)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    pid = tmp_path / "pid"
    for _ in range(100):
        if pid.exists() and pid.read_text():
            break
        time.sleep(0.05)
    number = int(pid.read_text())
    parent.kill()
    parent.wait()
    for _ in range(100):
        if not Path(f"/proc/{number}").exists() or "Z" in Path(f"/proc/{number}/stat").read_text().split()[2]:
            return
        time.sleep(0.05)
    os.kill(number, signal.SIGKILL)
    pytest.fail("the process aside went on")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no process aside")
def test_it_ends_when_the_one_behind_the_asker_is_killed(tmp_path: Path) -> None:
    """As when the whole grader is killed: the process of the submission notices, and its errand with it."""
    told = tmp_path / "pid"
    code = f"""
import os, pathlib, time
from grader.asking import errand

def work(order, told):
    at = pathlib.Path({str(told)!r})
    at.with_suffix(".new").write_text(f"{{os.getpid()}} {{os.getppid()}}")
    at.with_suffix(".new").rename(at)
    time.sleep(60)

if os.fork() == 0:
    with errand.start(work) as aside:
        aside.carry_out([{{}}], 60, lambda sentence: None)
    os._exit(0)
os.wait()
"""
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as grader:
        end = time.monotonic() + 20
        while not told.exists() and time.monotonic() < end:
            time.sleep(0.02)
        grader.kill()
    pids = [int(pid) for pid in told.read_text().split()]
    end = time.monotonic() + 10
    while any(
        Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids
    ):
        assert time.monotonic() < end, "it went on"
        time.sleep(0.05)
