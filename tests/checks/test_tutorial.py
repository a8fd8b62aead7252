"""The tutorials' checks, on facts made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.checks import tutorial
from grader.checks.subject import Subject
from grader.checks.verdict import Status
from grader.facts.records import DeployFolder, Facts, ModelCall, Source, Tutorial, Unread, Use, Version
from grader.facts.tutorials import CENSUS, CREATES_VERSION

FOLDER = DeployFolder("aws_deploy", "aws", True)
LAB = Tutorial("gcp.ipynb", "gcp", (CENSUS, CREATES_VERSION))
OWN = Tutorial("own.py", "gcp", (CREATES_VERSION,))
NEW = "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6:latest"
BROKEN = Unread("broken.ipynb", "not valid JSON")


def ask(check: object, **facts: object) -> Status:
    subject = Subject(Facts(deploy_folders=(FOLDER,), **facts))  # type: ignore[arg-type]
    verdict = check(subject)  # type: ignore[operator]
    quiet = verdict.status in (Status.PASS, Status.NOT_APPLICABLE)
    assert quiet or verdict.evidence
    found: Status = verdict.status
    return found


def version(
    runtime: str | None, python: str | None = None, path: str = "gcp.ipynb", **more: object
) -> Version:
    return Version(path, 3, 2, "yaml", runtime, python, None, **more)  # type: ignore[arg-type]


def vertex(container: str) -> Version:
    return Version("gcp.ipynb", 3, 2, "flag", None, None, container, "vertex")


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"as_matrix": (Use("gcp.ipynb", 2, 5),), "tutorials": (LAB,)}, Status.FAIL),
        ({"as_matrix": (Use("aws_deploy/x.py", None, 5),)}, Status.FAIL),
        ({"as_matrix": (Use("gcp.ipynb", 2, 5),), "unread": (BROKEN,)}, Status.FAIL),
        ({"tutorials": (LAB,)}, Status.PASS),
        ({"tutorials": (LAB,), "values_called": (Use("gcp.ipynb", 2, 5),)}, Status.FAIL),
        ({"tutorials": (LAB,), "unread": (BROKEN,)}, Status.PASS),
        ({"unread": (BROKEN,)}, Status.REVIEW),
        ({"unread": (Unread("x.py", "no Python 3 parses it"),)}, Status.REVIEW),
        (
            {
                "unread": (Unread("x.py", "no Python 3 parses it"),),
                "sources": (Source("x.py", 9, False, True),),
            },
            Status.NOT_APPLICABLE,
        ),
        ({"unread": (Unread("aws_deploy/broken.ipynb", "not valid JSON"),)}, Status.NOT_APPLICABLE),
        ({"unread": (Unread("model.tar.gz", "damaged"),)}, Status.NOT_APPLICABLE),
        ({"unread": (Unread(".", "more than 20000 files"),)}, Status.REVIEW),
        ({"tutorials": (Tutorial("a.ipynb", "aws", ("x",)),)}, Status.NOT_APPLICABLE),
        ({}, Status.NOT_APPLICABLE),
    ],
)
def test_as_matrix(facts: dict[str, object], status: Status) -> None:
    assert ask(tutorial.as_matrix, **facts) is status


def call(version: str | None, script: str = "aws_deploy/inference.py") -> ModelCall:
    return ModelCall(
        "aws_deploy/go.py",
        None,
        9,
        "module",
        "SKLearnModel",
        "inference.py",
        None,
        None,
        version,
        script=script,
    )


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"sklearn_externals": (Use("gcp.ipynb", 1, 1),), "tutorials": (LAB,)}, Status.FAIL),
        ({"sklearn_externals": (Use("aws_deploy/inference.py", None, 1),)}, Status.FAIL),
        ({"sklearn_externals": (Use("aws_deploy/inference.py", None, 1, guarded=True),)}, Status.PASS),
        (
            {
                "sklearn_externals": (Use("aws_deploy/inference.py", None, 1),),
                "model_calls": (call("0.20.0"),),
            },
            Status.PASS,
        ),
        (
            {
                "sklearn_externals": (Use("aws_deploy/inference.py", None, 1),),
                "model_calls": (call("0.23-1"),),
            },
            Status.FAIL,
        ),
        (
            {
                "sklearn_externals": (Use("aws_deploy/inference.py", None, 1),),
                "model_calls": (replace(call("0.20.0"), script=None, source_dir="code"),),
            },
            Status.PASS,
        ),
        (  # the first SDK has 0.20.0 where nothing is asked for; the second takes an image instead of a version
            {
                "sklearn_externals": (Use("aws_deploy/inference.py", None, 1),),
                "model_calls": (replace(call("0.20.0"), framework_version=None, framework="sklearn"),),
            },
            Status.PASS,
        ),
        (
            {
                "sklearn_externals": (Use("aws_deploy/inference.py", None, 1),),
                "model_calls": (
                    replace(call("0.20.0"), framework_version=None, framework="sklearn", image_given=True),
                ),
            },
            Status.FAIL,
        ),
        (
            {"sklearn_externals": (Use("gcp.ipynb", 1, 1),), "model_calls": (call("0.20.0"),)},
            Status.FAIL,
        ),
        ({"tutorials": (LAB,)}, Status.PASS),
        ({"unread": (BROKEN,)}, Status.REVIEW),
        ({}, Status.NOT_APPLICABLE),
    ],
)
def test_externals(facts: dict[str, object], status: Status) -> None:
    assert ask(tutorial.externals, **facts) is status


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"versions": (version("2.4"),)}, Status.PASS),
        ({"versions": (version("2.11"),)}, Status.PASS),
        ({"versions": (version("1.4"),)}, Status.FAIL),
        ({"versions": (version("2.3"),)}, Status.FAIL),
        ({"versions": (version(None),)}, Status.PARTIAL),
        ({"versions": (version(None, unresolved=("runtime_version",)),)}, Status.REVIEW),
        ({"versions": (vertex(NEW),)}, Status.PASS),
        ({"versions": (vertex(NEW.replace("1-6", "0-24")),)}, Status.PARTIAL),
        ({"versions": (version("1.4"), version("2.4"))}, Status.PASS),
        ({"versions": (version("2.4", path="config.yaml", declared_by="gcp.ipynb"),)}, Status.PASS),
        ({"versions": (version("1.4", path="gcp_deploy/x.sh"),)}, Status.REVIEW),
        ({"versions": (version("1.4", path="README.md", via="readme"),)}, Status.REVIEW),
        # The tutorial's own notebook counts before a script that merely deploys something.
        ({"versions": (version("1.4"), version("2.8", path="own.py")), "tutorials": (LAB, OWN)}, Status.FAIL),
        ({"versions": (version("2.8", path="own.py"),), "tutorials": (LAB, OWN)}, Status.PASS),
        ({}, Status.REVIEW),
        ({"tutorials": ()}, Status.NOT_APPLICABLE),
        ({"tutorials": (), "unread": (BROKEN,)}, Status.REVIEW),
    ],
)
def test_runtime_version(facts: dict[str, object], status: Status) -> None:
    assert ask(tutorial.runtime_version, **{"tutorials": (LAB,), **facts}) is status


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"versions": (version("2.4"),)}, Status.PASS),
        ({"versions": (version("2.4", ""),)}, Status.PASS),
        ({"versions": (version("2.4", "3.5"),)}, Status.FAIL),
        ({"versions": (version("2.4", unresolved=("python_version",)),)}, Status.REVIEW),
        ({"versions": (vertex(NEW),)}, Status.NOT_APPLICABLE),
        ({}, Status.NOT_APPLICABLE),
        ({"tutorials": ()}, Status.NOT_APPLICABLE),
        ({"tutorials": (), "unread": (BROKEN,)}, Status.REVIEW),
    ],
)
def test_python_version(facts: dict[str, object], status: Status) -> None:
    assert ask(tutorial.python_version, **{"tutorials": (LAB,), **facts}) is status
