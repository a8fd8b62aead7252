"""This repository is itself a submission: the lab done, on both platforms."""

from __future__ import annotations

from typing import Any

import pytest

from tests.calls import ROOT, grade, statuses

_FINE = {"pass", "not-applicable"}


def graded(*options: str) -> dict[str, Any]:
    done = grade(ROOT, "--exclude", "fixtures", "--exclude", "tests", "--format", "json", *options)
    assert done.code == 0, done.err
    (submission,) = done.submissions
    return submission


@pytest.mark.parametrize("platform", ["aws", "gcp"])
def test_nothing_failed_and_only_the_screenshot_is_open(platform: str) -> None:
    submission = graded("--platform", platform)
    assert submission["platform"] == platform
    left = {i["id"]: (i["status"], i["message"]) for i in submission["items"] if i["status"] not in _FINE}
    assert {identifier: status for identifier, (status, _) in left.items()} == {
        "evidence.screenshot": "review"
    }, left
    assert submission["score"] == {"low": 80, "high": 100, "possible": 100}


def test_both_platforms_are_there() -> None:
    submission = graded()
    assert {submission["platform"], *(o["platform"] for o in submission["other_platforms"])} == {"aws", "gcp"}


def test_the_tutorials_are_there_and_repaired() -> None:
    assert {i: s for i, s in statuses(graded()).items() if i.startswith("tutorial.")} == {
        "tutorial.as-matrix": "pass",
        "tutorial.runtime-version": "pass",
        "tutorial.python-version": "not-applicable",  # Vertex AI has none to leave blank
        "tutorial.externals": "pass",
    }
