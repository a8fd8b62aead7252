"""The fixtures that label a rehearsal, rehearsed for real: environments, sandbox, server, requests, verdicts.

All in one call of the command line, which builds each environment once, in a cache of this run's own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.test_fixtures import NAMES, copied, expected, once

REHEARSED = [name for name in NAMES if "rehearsal" in expected(name)]
CHECKS = ("loads", "ping", "predicts")

pytestmark = pytest.mark.slow


def rehearse(home: Path, folders: list[str]) -> list[dict[str, Any]]:
    """The items of a rehearsal of each folder, by one call; environments are kept in ``home``."""
    ran = subprocess.run(
        [sys.executable, "-m", "grader", *folders, "--rehearse", "--select", "rehearsal",
         "--jobs", "2", "--format", "json"],
        capture_output=True, text=True, timeout=900, check=False,
        env={**os.environ, "GRADE_CACHE": str(home / "cache")},
    )  # fmt: skip
    assert ran.returncode == 0, f"exit code {ran.returncode}:\n{ran.stderr[-4000:]}"
    report: dict[str, Any] = json.loads(ran.stdout)
    return [{item["id"]: item for item in entry["items"]} for entry in report["submissions"]]


@pytest.fixture(scope="session")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The items of every labelled rehearsal."""

    def made(home: Path) -> dict[str, Any]:
        folders = [str(copied(name, home)) for name in REHEARSED]
        found = rehearse(home, folders)
        for folder in [*folders, str(home / "cache")]:
            shutil.rmtree(folder, ignore_errors=True)
        return dict(zip(REHEARSED, found, strict=True))

    found: dict[str, dict[str, Any]] = once(tmp_path_factory, "rehearsed", made, seconds=900)
    return found


@pytest.mark.parametrize("name", REHEARSED)
def test_a_rehearsal_shows_what_its_label_says(name: str, rehearsed: dict[str, dict[str, Any]]) -> None:
    label, items = expected(name)["rehearsal"], rehearsed[name]
    told = []
    for check in CHECKS:
        item = items[f"rehearsal.{check}"]
        if item["status"] != label[check]["status"]:
            told.append(
                f"  {check}: expected {label[check]['status']}, got {item['status']}: {item['message']}"
            )
        elif (says := label[check].get("says")) and says not in item["message"] + (item["hint"] or ""):
            told.append(f"  {check} does not speak of {says!r}: {item['message']} {item['hint']}")
    assert not told, "\n".join([name, *told])


@pytest.mark.parametrize("name", REHEARSED)
def test_a_rehearsal_that_fails_says_how_to_mend_it(name: str, rehearsed: dict[str, dict[str, Any]]) -> None:
    for item in rehearsed[name].values():
        if item["status"] == "fail":
            assert len(item["hint"].split()) > 8, item
            assert item["evidence"], item
            assert "\n" not in item["message"]


def test_labels_show_both_platforms_from_the_oldest_to_the_newest() -> None:
    assert len(REHEARSED) >= 16
    works = [n for n in REHEARSED if expected(n)["rehearsal"]["predicts"]["status"] == "pass"]
    for start in ("rehearse-aws-", "rehearse-gcp-"):
        assert sum(name.startswith(start) for name in works) >= 3
        assert sum(name.startswith(start) for name in REHEARSED if name not in works) >= 3
