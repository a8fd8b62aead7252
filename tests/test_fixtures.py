"""The labelled submissions of ``fixtures/``: what a careful person would say, against what the grader says.

All are graded in one call of the command line, as a class is; then each has its own test. ``docs/fixtures.md`` says how to
add one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from grader.checks.verdict import Status
from tests.made import MAKERS, make

FIXTURES = Path(__file__).parent.parent / "fixtures"
NAMES = sorted(path.name for path in FIXTURES.iterdir() if (path / "expected.yaml").is_file())

COMMON = (
    "folder.present",
    "readme.present",
    "readme.instructions",
    "evidence.screenshot",
    "model.present",
    "model.safe",
    "tutorial.as-matrix",
    "tutorial.externals",
    "tutorial.runtime-version",
    "tutorial.python-version",
    "hygiene.secrets",
)
OF_PLATFORM = {
    "aws": ("aws.entry-point", "aws.model-fn", "aws.model-fn-loads", "aws.framework-version"),
    "gcp": ("gcp.model-filename", "gcp.runtime-version", "gcp.framework-version", "gcp.python-version"),
}
KEYS = {"about", "platform", "checks", "others", "inspect", "made", "score", "rehearsal"}
REQUIRED = {"about", "platform", "checks"}

# Graded as folders and again as zip files.
ZIPPED = (
    "aws-sklearnmodel-complete",
    "aws-boto3-complete",
    "gcp-ai-platform-complete",
    "gcp-vertex-sdk-complete",
    "both-platforms-complete",
    "no-folder-at-all",
    "aws-archive-appledouble",
    "aws-readme-spanish",
)

# What each check can answer, by the contract. `error` is the grader's own trouble: no submission brings it about.
ANSWERS: Mapping[str, str] = {
    "folder.present": "pass partial fail",
    "readme.present": "pass partial fail review skipped",  # `review`: a README in a form that is not read
    "readme.instructions": "pass partial fail review skipped",
    "evidence.screenshot": "review fail skipped",  # never `pass` without reading pictures optically
    "model.present": "pass partial fail review skipped",
    "model.safe": "pass fail review skipped",
    "aws.entry-point": "pass partial fail review skipped",  # `review`: a built-in algorithm has none
    "aws.model-fn": "pass partial fail review skipped",
    "aws.model-fn-loads": "pass partial fail review skipped",
    "aws.framework-version": "pass fail review skipped",
    "gcp.model-filename": "pass fail review",  # without a folder the first platform's items are told: never skipped
    "gcp.runtime-version": "pass partial fail review",
    "gcp.framework-version": "pass fail review",
    "gcp.python-version": "pass fail not-applicable",
    "tutorial.as-matrix": "pass fail review not-applicable",
    "tutorial.externals": "pass fail review not-applicable",
    "tutorial.runtime-version": "pass fail review not-applicable",
    "tutorial.python-version": "pass fail review not-applicable",
    "hygiene.secrets": "pass fail",
}


def expected(name: str) -> dict[str, Any]:
    loaded = yaml.safe_load((FIXTURES / name / "expected.yaml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict), f"{name}/expected.yaml is no mapping"
    return loaded


INSPECTED = [name for name in NAMES if expected(name).get("inspect")]


def copied(name: str, home: Path) -> Path:
    """The fixture's submission as it is graded: a copy, with what is made added to it."""
    target = home / name
    source = FIXTURES / name / "submission"
    if source.is_dir():
        shutil.copytree(source, target)
    else:  # git keeps no empty folder
        target.mkdir(parents=True)
    make(target, expected(name).get("made") or {})
    return target


def command_line(*arguments: str) -> dict[str, Any]:
    """What ``python -m grader`` prints as JSON; a call that fails altogether shows what it said."""
    ran = subprocess.run(
        [sys.executable, "-m", "grader", *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert ran.returncode == 0, f"exit code {ran.returncode}:\n{ran.stderr[-4000:]}\n{ran.stdout[-2000:]}"
    answer = json.loads(ran.stdout)
    assert isinstance(answer, dict)
    return answer


def once(
    factory: pytest.TempPathFactory, name: str, make_it: Callable[[Path], Any], seconds: float = 300
) -> Any:
    """What ``make_it`` gives for a folder of its own, as JSON: made by one worker of a test run, read by the others."""
    base = factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / f"fixtures-{name}"
    done, failed = home / "done.json", home / "failed.txt"
    try:
        home.mkdir()
    except FileExistsError:
        for _ in range(int(10 * seconds)):
            if done.exists():
                return json.loads(done.read_text(encoding="utf-8"))
            assert not failed.exists(), failed.read_text(encoding="utf-8")
            time.sleep(0.1)
        pytest.fail("the worker that grades the fixtures does not come to an end")
    try:
        made = make_it(home)
    except BaseException as problem:
        failed.write_text(str(problem), encoding="utf-8")
        raise
    fresh = home / "fresh.json"
    fresh.write_text(json.dumps(made), encoding="utf-8")
    fresh.replace(done)
    return made


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The report's entry for each fixture, from one call."""

    def grade(home: Path) -> dict[str, Any]:
        folders = [str(copied(name, home)) for name in NAMES]
        report = command_line(*folders, "--jobs", "2", "--format", "json")
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        return dict(zip(NAMES, report["submissions"], strict=True))

    entries = once(tmp_path_factory, "graded", grade)
    assert isinstance(entries, dict)
    return entries


_INSPECT = """
import sys
from grader.cli import run
for folder in sys.argv[1:]:
    code = run(["inspect", folder, "--output", folder + ".json"])
    assert code == 0, f"exit code {code} for {folder}"
"""


@pytest.fixture(scope="session")
def inspected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What ``grade inspect`` says of each fixture that labels facts. One process asks for all, to start Python once."""

    def inspect(home: Path) -> dict[str, Any]:
        folders = {name: copied(name, home) for name in INSPECTED}
        ran = subprocess.run(
            [sys.executable, "-c", _INSPECT, *map(str, folders.values())],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr[-4000:]
        facts = {
            name: json.loads(Path(f"{folder}.json").read_text("utf-8")) for name, folder in folders.items()
        }
        for folder in folders.values():
            shutil.rmtree(folder, ignore_errors=True)
        return facts

    entries = once(tmp_path_factory, "inspected", inspect)
    assert isinstance(entries, dict)
    return entries


def statuses(items: list[dict[str, Any]]) -> dict[str, str]:
    return {item["id"]: item["status"] for item in items}


def difference(wanted: Mapping[str, str], items: list[dict[str, Any]], heading: str) -> list[str]:
    """What is not as labelled, one line for each: check, expected, got, and what the grader says."""
    found = {item["id"]: item for item in items}
    lines = []
    for identifier in [*wanted, *(i for i in found if i not in wanted)]:
        want, item = wanted.get(identifier, "(no label)"), found.get(identifier)
        got = item["status"] if item else "(not reported)"
        if want != got:
            lines.append(f"  {identifier}: expected {want}, got {got}: {item['message'] if item else ''}")
    return [heading, *lines] if lines else []


@pytest.mark.parametrize("name", NAMES)
def test_every_status_is_as_labelled(name: str, graded: dict[str, dict[str, Any]]) -> None:
    label, entry = expected(name), graded[name]
    assert entry["outcome"] == "graded", entry.get("problem")
    told = difference(label["checks"], entry["items"], f"{label['platform'] or 'no platform'}:")
    rest = {other["platform"]: other["items"] for other in entry["other_platforms"]}
    for platform, wanted in (label.get("others") or {}).items():
        told += difference(wanted, rest.get(platform, []), f"{platform} (other):")
    extra = set(rest) - set(label.get("others") or {})
    if extra:
        told.append(f"  platforms that are not there: {sorted(extra)}")
    if entry["platform"] != label["platform"]:
        told.append(f"  platform: expected {label['platform']}, got {entry['platform']}")
    for end, wanted in (label.get("score") or {}).items():
        if entry["score"][end] != pytest.approx(wanted, abs=0.005):
            told.append(f"  score, {end} end: expected {wanted}, got {entry['score'][end]}")
    assert not told, "\n".join([f"{name} - {label['about']}", *told])


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_that_is_not_pass_explains_itself(name: str, graded: dict[str, dict[str, Any]]) -> None:
    for item in graded[name]["items"]:
        if item["status"] in ("pass", "not-applicable"):
            continue
        assert item["message"].strip(), f"{item['id']} says nothing"
        assert item["evidence"] or item["status"] == "skipped", f"{item['id']} points at no place"
        told = json.dumps(item, ensure_ascii=False)
        assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in told), (
            f"{item['id']} is not shown escaped"
        )


def matches(wanted: Any, got: Any) -> bool:
    """Whether ``got`` has everything that ``wanted`` names: keys of mappings, items of lists, in any order."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(
            key in got and matches(value, got[key]) for key, value in wanted.items()
        )
    if isinstance(wanted, list) and wanted and isinstance(wanted[0], dict):
        return isinstance(got, list) and all(any(matches(one, other) for other in got) for one in wanted)
    return bool(wanted == got)


@pytest.mark.parametrize("name", INSPECTED)
def test_the_facts_are_as_labelled(name: str, inspected: dict[str, dict[str, Any]]) -> None:
    facts = inspected[name]
    for kind, wanted in expected(name)["inspect"].items():
        assert kind in facts, f"{name}: `inspect` has no {kind}"
        if not wanted:
            assert facts[kind] == [], f"{name}: {kind} should be empty"
            continue
        for one in wanted:
            assert any(matches(one, other) for other in facts[kind]), (
                f"{name}: {kind} has no\n  {json.dumps(one, ensure_ascii=False)}\nbut\n"
                + "\n".join(f"  {json.dumps(other, ensure_ascii=False)}" for other in facts[kind])
            )


def test_a_zip_of_a_submission_is_graded_like_its_folder(
    graded: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    archives = []
    for name in ZIPPED:
        folder = copied(name, tmp_path)
        archives.append(tmp_path / f"{name}.zip")
        with zipfile.ZipFile(archives[-1], "w", zipfile.ZIP_DEFLATED) as zipped:
            for path in sorted(folder.rglob("*")):
                zipped.write(path, path.relative_to(tmp_path))
    report = command_line(*map(str, archives), "--jobs", "2", "--format", "json")
    for name, entry in zip(ZIPPED, report["submissions"], strict=True):
        assert entry["outcome"] == "graded", f"{name}: {entry.get('problem')}"
        assert statuses(entry["items"]) == statuses(graded[name]["items"]), name
        assert entry["score"] == graded[name]["score"], name


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_well_formed(name: str) -> None:
    label = expected(name)
    assert set(label) <= KEYS, f"unknown keys: {sorted(set(label) - KEYS)}"
    assert set(label) >= REQUIRED, f"missing keys: {sorted(REQUIRED - set(label))}"
    assert isinstance(label["about"], str)
    assert len(label["about"].split()) >= 6, "`about` is one sentence"
    assert label["platform"] in (None, "aws", "gcp")
    assert set(label.get("score") or {}) <= {"low", "high"}
    for check, wanted in (label.get("rehearsal") or {}).items():
        assert check in ("loads", "ping", "predicts")
        assert wanted.keys() <= {"status", "says"}
        assert wanted["status"] in ("pass", "fail", "review", "skipped")
    reports = {label["platform"] or "aws": label["checks"], **(label.get("others") or {})}
    for platform, checks in reports.items():
        assert sorted(checks) == sorted(COMMON + OF_PLATFORM[platform]), f"not the items of {platform}"
        for identifier, status in checks.items():
            assert status in ANSWERS[identifier].split(), f"{identifier} cannot be {status}"
    assert label["platform"] not in (label.get("others") or {})


def test_labels_show_every_answer_of_every_check() -> None:
    seen: dict[str, set[str]] = {identifier: set() for identifier in ANSWERS}
    for name in NAMES:
        label = expected(name)
        for checks in (label["checks"], *(label.get("others") or {}).values()):
            for identifier, status in checks.items():
                seen[identifier].add(status)
    missing = [f"{i}: {s}" for i, answers in ANSWERS.items() for s in answers.split() if s not in seen[i]]
    assert not missing, f"no fixture shows {missing}"
    assert {status for answers in ANSWERS.values() for status in answers.split()} == {
        status.value for status in Status
    } - {"error"}


def test_labels_name_the_checks_of_the_default_rubric() -> None:
    from grader.rubric.load import load

    rubric = load(None)
    for platform, checks in OF_PLATFORM.items():
        ours = {item.check for _, item in rubric.items(platform)}
        assert ours == {*COMMON, *checks}, f"the default rubric's items for {platform} are others"


def test_the_table_is_large_and_its_files_are_small() -> None:
    assert len(NAMES) >= 66
    sizes = {path: path.stat().st_size for path in FIXTURES.rglob("*") if path.is_file()}
    assert sum(sizes.values()) < 3_000_000
    strays = [path.name for path in FIXTURES.iterdir() if path.is_dir() and path.name not in NAMES]
    assert not strays, f"folders without expected.yaml: {strays}"


def test_every_maker_is_used() -> None:
    used = {how["by"] for name in NAMES for how in (expected(name).get("made") or {}).values()}
    assert used == set(MAKERS), "a maker without a fixture, or a fixture without its maker"


def test_no_fixture_holds_a_credential() -> None:
    """What looks like a key is made when the tests run; a lookalike is one that the vendors print themselves."""
    key = re.compile(rb"(?:AKIA|ASIA)[A-Z2-7]{16}|-----BEGIN[A-Z ]*PRIVATE KEY-----|AIza[\w-]{35}")
    printed = {b"AKIAIOSFODNN7EXAMPLE", b"AKIA" + b"X" * 16}
    for path in FIXTURES.rglob("*"):
        if path.is_file():
            found = set(key.findall(path.read_bytes())) - printed
            assert not found, f"{path.relative_to(FIXTURES)} holds what looks like a key"
