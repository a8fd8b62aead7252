"""The page on checks of one's own, tried: its blocks are taken out of it and run as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.calls import ROOT, Call, grade, statuses, write
from tests.pages import Block, blocks_of

PAGE = ROOT / "docs" / "extending.md"
FILES: dict[str, str | bytes] = {"aws_deploy/README.md": "# Deploying\n\nHow it is done.\n"}


def block(language: str, *, holds: str) -> Block:
    """The only block of the page in ``language`` with ``holds`` in it."""
    (found,) = [b for b in blocks_of(PAGE) if b.language == language and holds in b.text]
    return found


@pytest.fixture
def course(tmp_path: Path) -> Path:
    check, rubric = block("python", holds="@check("), block("yaml", holds="checks: [")
    assert (check.file, rubric.file) == ("course_checks.py", "my-lab.yaml")
    return write(tmp_path / "course", {"course_checks.py": check.text, "my-lab.yaml": rubric.text})


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    return write(tmp_path / "submission", FILES)


def notebook(cells: int) -> str:
    cell: dict[str, object] = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": "x = 1",
    }
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell] * cells})


def size_of_notebooks(done: Call) -> dict[str, object]:
    assert done.code == 0, done.err
    (item,) = [i for i in done.submissions[0]["items"] if i["id"] == "course.notebook-size"]
    assert isinstance(item, dict)
    return item


def test_the_console_shows_what_is_printed(course: Path) -> None:
    console = block("console", holds="rubric check")
    command, printed, *_ = console.text.splitlines()
    done = grade(*command.removeprefix("$ grade ").split(), cwd=course)
    assert (done.code, done.out.splitlines()) == (0, [printed])


def test_the_check_judges_and_its_parameter_counts(course: Path, submission: Path) -> None:
    rubric = ("--rubric", course / "my-lab.yaml", "--format", "json")
    assert size_of_notebooks(grade(submission, *rubric))["status"] == "pass"
    write(submission, {"long.ipynb": notebook(41)})  # the rubric says 40, the check's own bound is 60
    item = size_of_notebooks(grade(submission, *rubric))
    assert (item["status"], item["points"], item["possible"]) == ("fail", 0, 5)
    assert [place["path"] for place in item["evidence"]] == ["long.ipynb"]  # type: ignore[attr-defined]
    assert item["hint"] == "Move what is no longer needed to another notebook, or delete it."
    write(submission, {"long.ipynb": notebook(40)})
    assert size_of_notebooks(grade(submission, *rubric))["status"] == "pass"
    (submission / "aws_deploy" / "README.md").rename(submission / "README.md")
    (submission / "aws_deploy").rmdir()
    assert size_of_notebooks(grade(submission, *rubric))["status"] == "skipped", "it requires the folder"


def test_the_test_of_the_page_passes_and_can_fail(course: Path) -> None:
    text = block("python", holds="def test_").text
    write(course, {"test_course.py": text, "test_other.py": text.replace("* 80", "* 8")})
    environment = {**os.environ, "PYTEST_ADDOPTS": ""}

    def run(name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", name],
            cwd=course, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    right, wrong = run("test_course.py"), run("test_other.py")
    assert right.returncode == 0, right.stdout + right.stderr
    assert "1 passed" in right.stdout
    assert wrong.returncode == 1
    assert "'pass' == 'fail'" in wrong.stdout


def installed(target: Path, checks: str) -> dict[str, str]:
    """Install a package with ``checks`` by its metadata, as the page says; the environment that finds it."""
    toml = block("toml", holds="entry-points").text
    group = re.search(r'\[project\.entry-points\."([^"]+)"\]', toml)
    point = re.search(r'^(\w+) = "([\w.]+)"$', toml, re.MULTILINE)
    assert group
    assert point
    package, module = point[2].split(".")
    write(
        target,
        {
            f"{package}/__init__.py": "",
            f"{package}/{module}.py": checks,
            f"{package}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n",
            f"{package}-1.0.dist-info/entry_points.txt": f"[{group[1]}]\n{point[1]} = {point[2]}\n",
        },
    )
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(target), os.environ.get("PYTHONPATH"))))}


def test_as_a_package(course: Path, submission: Path, tmp_path: Path) -> None:
    environment = installed(tmp_path / "target", (course / "course_checks.py").read_text(encoding="utf-8"))
    rubric = re.sub(
        r"^checks: .*\n", "", (course / "my-lab.yaml").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    write(tmp_path, {"packaged.yaml": rubric})
    call = ("--rubric", tmp_path / "packaged.yaml", "--format", "json")
    item = size_of_notebooks(grade(submission, *call, env=environment))
    assert item["status"] == "pass"
    page = grade("checks", "course.notebook-size", env=environment)
    assert page.code == 0
    assert "nobody can follow it" in " ".join(page.out.split())
    without = grade(submission, *call)
    assert without.code == 2
    assert "course.notebook-size" in without.err


def test_a_package_that_breaks_costs_nobody_else(submission: Path, tmp_path: Path) -> None:
    environment = installed(tmp_path / "target", "raise ImportError('out of order')\n")
    done = grade(submission, "--format", "json", env=environment)
    assert (done.code, done.err) == (0, "")
    assert statuses(done.submissions[0])["folder.present"] == "pass"
    listing = grade("checks", env=environment)
    assert listing.code == 0
    assert "out of order" in listing.err
