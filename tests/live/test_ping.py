"""What holds for every kind of endpoint: a missing client, a defect of ours, the comparison with the rehearsal."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from grader.facts.asked import Attempt, LiveEndpoint, Rehearsal, into, out
from grader.live import ping
from grader.live.clock import Clock, OutOfTime, within
from grader.live.ping import ask, compare, not_asked
from grader.live.targets import Target
from tests.live.asking import request, url_target
from tests.live.webserver import serving

SAGEMAKER = Target("aws", "sagemaker", "penguins", "operator", region="us-east-1", requests=(request(),))


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [("sagemaker", "boto3", "[aws]"), ("vertex", "google.auth", "[gcp]"), ("url", "requests", "[live]")],
)
def test_a_missing_client_is_told_with_the_command(
    kind: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    target = SAGEMAKER._replace(
        kind=kind, name="http://127.0.0.1:9999/" if kind == "url" else "41", allow_private=True
    )
    found = ask(target._replace(region="us-central1" if kind == "vertex" else "us-east-1"), 20)
    assert (found.state, found.trouble) == ("unknown", "no-client")
    assert f"pip install 'deploy-lab-grader{extra}'" in (found.reason or "")


def test_a_defect_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise KeyError("secret word")

    monkeypatch.setattr(ping, "_ask", broken)
    found = ask(SAGEMAKER, 5)
    assert (found.state, found.trouble) == ("unknown", "other")
    assert "KeyError" in (found.reason or "")
    assert "secret word" not in repr(found)


def test_what_is_not_to_be_asked_is_not() -> None:
    found = ask(SAGEMAKER._replace(problem="line 2: no name"), 5)
    assert (found.state, found.trouble, found.reason) == ("refused", None, "line 2: no name")
    found = ask(SAGEMAKER._replace(problem="it is damaged", undecided=True), 5)
    assert (found.state, found.trouble, found.reason) == ("unknown", "unread", "it is damaged")


def test_never_asked() -> None:
    found = not_asked(SAGEMAKER.to_json(), "It took longer than it may.")
    assert (found.name, found.state, found.trouble, found.reason) == (
        "penguins",
        "unknown",
        "other",
        "It took longer than it may.",
    )


def test_who_waits_is_told() -> None:
    told: list[str] = []
    with serving() as web:
        ask(url_target(f"{web.url}/p?token=hunter2", allow_private=True), 30, told.append)
    assert len(told) == 1
    assert "hunter2" not in told[0]


def test_what_was_found_goes_through_json() -> None:
    with serving() as web:
        found = ask(url_target(web.url, allow_private=True)._replace(place=("a", None, 3)), 30)
    assert found.attempts[0].prediction == ("0",)
    assert into(LiveEndpoint, json.loads(json.dumps(out(found)))) == found


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, grader.live.targets, grader.live.ping, grader.checks.live\n"
        "heavy = {'boto3', 'botocore', 'google.api_core', 'google.auth', 'requests', 'urllib3', 'grpc'} & set(sys.modules)\n"
        "raise SystemExit(' '.join(heavy) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# The comparison with the rehearsal

ROW = Attempt("one row of JSON", "application/json", "[[1]]", 200, "[0]", ("0",))
CSV = Attempt("one row of CSV", "text/csv", "1\n", 200, "0.5", ("0.5",))


@pytest.mark.parametrize(
    ("live", "rehearsed", "agrees"),
    [
        ([ROW], [ROW], True),
        ([ROW._replace(prediction=("0.0",))], [ROW], True),
        ([ROW._replace(prediction=("1",))], [ROW], False),
        ([CSV._replace(prediction=("0.50000000001",))], [CSV], True),
        ([ROW._replace(prediction=("Adelie",))], [ROW._replace(prediction=("Gentoo",))], False),
        ([ROW], [CSV], None),
        ([ROW], [], None),
        ([], [ROW], None),
        ([ROW._replace(prediction=(), problem="no")], [ROW], None),
        ([ROW], [ROW._replace(prediction=(), problem="no")], None),
        ([ROW], [ROW._replace(origin="aws_deploy/sample.json")], None),
        ([ROW, CSV], [ROW, CSV._replace(prediction=("9",))], False),
    ],
)
def test_agreement(live: list[Attempt], rehearsed: list[Attempt], agrees: bool | None) -> None:
    endpoint = LiveEndpoint("aws", "sagemaker", "a", "operator", "in-service", attempts=tuple(live))
    rehearsals = [
        Rehearsal("gcp", "asked", attempts=(ROW,)),
        Rehearsal("aws", "asked", attempts=tuple(rehearsed)),
    ]
    assert compare([endpoint], rehearsals)[0].agrees is agrees


def test_without_a_rehearsal_there_is_nothing_to_agree_with() -> None:
    endpoint = LiveEndpoint("aws", "sagemaker", "a", "operator", "in-service", attempts=(ROW,))
    assert compare([endpoint], []) == (endpoint,)


# The clock


def test_it_is_tried_again_while_that_may_help() -> None:
    calls: list[int] = []

    def work() -> int:
        calls.append(1)
        if len(calls) < 3:
            raise ValueError
        return 7

    assert Clock(30).again(work, lambda problem: isinstance(problem, ValueError)) == 7
    assert len(calls) == 3
    with pytest.raises(KeyError):
        Clock(30).again(lambda: {}[1], lambda problem: isinstance(problem, ValueError))


def test_no_wait_goes_beyond_the_budget() -> None:
    began = time.monotonic()
    with pytest.raises(ValueError, match="later"):
        Clock(0.05).again(lambda: int("later"), lambda _: True, tries=1_000)
    assert time.monotonic() - began < 5
    clock = Clock(0)
    with pytest.raises(OutOfTime):
        clock.left()


def test_what_does_not_end_is_left() -> None:
    with pytest.raises(OutOfTime):
        within(0.05, lambda: time.sleep(3))
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)
    assert within(5, lambda: "done") == "done"
