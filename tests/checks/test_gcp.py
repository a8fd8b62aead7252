"""The GCP deployment's checks, on facts made by hand."""

from __future__ import annotations

import pytest

from grader.checks import gcp
from grader.checks.subject import Subject
from grader.checks.verdict import Status
from grader.facts.records import (
    Command,
    DeployFolder,
    Facts,
    File,
    Instruction,
    Model,
    Notebook,
    Readme,
    Upload,
    Version,
)

FOLDER = DeployFolder("gcp_deploy", "gcp", True)
NEW = "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6:latest"
GONE = "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-0:latest"
SH = "gcp_deploy/deploy.sh"
CONSOLE = Readme("gcp_deploy/README.md", 90, (), 0, (Instruction("create", 3, "prose", "Click Create"),))
QUIET = Readme("gcp_deploy/README.md", 3, (), 0)
NAMES = Readme("gcp_deploy/README.md", 90, (), 0, names=("notebooks/deploy.ipynb",))
ROOT = Readme("README.md", 90, (), 1)


def subject(**facts: object) -> Subject:
    return Subject(Facts(deploy_folders=(FOLDER,), **facts), "gcp", FOLDER)  # type: ignore[arg-type]


def ai(
    runtime: str | None, python: str | None = None, path: str = SH, line: int = 1, **more: object
) -> Version:
    return Version(path, None, line, "flag", runtime, python, None, **more)  # type: ignore[arg-type]


def vertex(container: str | None, path: str = SH, **more: object) -> Version:
    return Version(path, None, 1, "flag", None, None, container, "vertex", **more)  # type: ignore[arg-type]


def sent(source: str | None, target: str | None, by: str = "command", path: str = SH) -> Upload:
    return Upload(path, None, 1, source, target, by)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"versions": (ai("2.4"),)}, Status.PASS),
        ({"versions": (ai("2.11"),)}, Status.PASS),
        ({"versions": (ai("2.3"),)}, Status.FAIL),
        ({"versions": (ai("1.15"),)}, Status.FAIL),
        ({"versions": (ai("9.9"),)}, Status.PASS),
        ({"versions": (ai("newest"),)}, Status.REVIEW),
        ({"versions": (ai(None),)}, Status.PARTIAL),
        ({"versions": (ai(""),)}, Status.PARTIAL),
        ({"versions": (ai(None, unresolved=("runtime_version",)),)}, Status.REVIEW),
        ({"versions": (vertex(NEW),)}, Status.PASS),
        ({"versions": (vertex(GONE),)}, Status.PARTIAL),
        ({"versions": (vertex(None),)}, Status.PARTIAL),
        ({"versions": (vertex(None, unresolved=("container",)),)}, Status.REVIEW),
        ({"versions": (vertex("gcr.io/p/own:1"),)}, Status.REVIEW),
        ({"versions": (vertex(NEW.replace("sklearn", "xgboost")),)}, Status.REVIEW),
        ({"versions": (vertex(NEW.replace("1-6", "1-9")),)}, Status.FAIL),
        # Made one after another in one file: the last one stays. In two files: which is live cannot be told.
        ({"versions": (ai("1.15"), ai("2.11", line=9))}, Status.PASS),
        ({"versions": (ai("2.11"), ai("1.15", line=9))}, Status.FAIL),
        ({"versions": (ai("2.11"), ai("1.15", path="gcp_deploy/old.sh"))}, Status.REVIEW),
        ({"versions": (ai("2.11"), ai("2.8", path="gcp_deploy/b.sh"))}, Status.PASS),
        # Code before the README's text, the README's before nothing.
        (
            {"versions": (ai("2.11"), ai("1.4", path=QUIET.path, via="readme")), "readmes": (QUIET,)},
            Status.PASS,
        ),
        ({"versions": (ai("2.11", path=QUIET.path, via="readme"),), "readmes": (QUIET,)}, Status.PASS),
        ({"versions": (ai("1.4", path="README.md", via="readme"),), "readmes": (ROOT,)}, Status.FAIL),
        (
            {"versions": (ai("1.4", path="README.md", via="readme"),), "readmes": (ROOT, CONSOLE)},
            Status.REVIEW,
        ),
        ({"versions": (ai("2.6", path="notebooks/deploy.ipynb"),), "readmes": (NAMES,)}, Status.PASS),
        ({"versions": (ai("2.6", path="other.ipynb"),), "readmes": (NAMES,)}, Status.REVIEW),
        ({"versions": (ai("2.6", path="config.yaml", declared_by=SH),)}, Status.PASS),
        ({"readmes": (CONSOLE,)}, Status.REVIEW),
        ({"readmes": (QUIET,)}, Status.FAIL),
        ({"notebooks": (Notebook("gcp_deploy/x.ipynb", 3, 4),)}, Status.REVIEW),
        ({"commands": (Command(SH, None, 1, "gcloud", "init"),)}, Status.REVIEW),
        ({}, Status.FAIL),
    ],
)
def test_runtime_version(facts: dict[str, object], status: Status) -> None:
    verdict = gcp.runtime_version(subject(**facts))
    assert verdict.status is status, verdict.message
    assert status is Status.PASS or verdict.evidence


def test_runtime_is_compared_as_integers_and_can_be_set() -> None:
    assert gcp.runtime_version(subject(versions=(ai("2.8"),)), least_runtime="2.11").status is Status.FAIL
    assert gcp.runtime_version(subject(versions=(ai("2.11"),)), least_runtime="2.9").status is Status.PASS
    with pytest.raises(ValueError, match="least_runtime"):
        gcp.runtime_version(subject(), least_runtime="new")


def test_availability_names_its_date() -> None:
    assert "2026-11-22" in gcp.runtime_version(subject(versions=(vertex(GONE),))).message
    assert "2026-11-22" in gcp.runtime_version(subject(versions=(vertex(NEW),))).message


@pytest.mark.parametrize(
    ("versions", "status"),
    [
        ((ai("2.4"),), Status.PASS),
        ((ai("2.4", ""),), Status.PASS),
        ((ai("2.4", "3.7"),), Status.FAIL),
        ((ai("2.4", None, unresolved=("python_version",)),), Status.REVIEW),
        ((ai("2.4", "3.7"), ai("2.4", None, line=9)), Status.PASS),
        ((vertex(NEW),), Status.NOT_APPLICABLE),
        ((), Status.NOT_APPLICABLE),
    ],
)
def test_python_version(versions: tuple[Version, ...], status: Status) -> None:
    assert gcp.python_version(subject(versions=versions)).status is status


def files(*paths: str) -> tuple[File, ...]:
    return tuple(File(path, 10) for path in paths)


PKL = Model("gcp_deploy/iris.pkl", None, "pickle", "none")


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"uploads": (sent("model.joblib", "gs://b/m/"),)}, Status.PASS),
        ({"uploads": (sent("model.pkl", "gs://b"),)}, Status.PASS),
        ({"uploads": (sent("iris.pkl", "gs://b/m/model.pkl"),)}, Status.PASS),
        ({"uploads": (sent("out/model.joblib", "$BUCKET/m"),)}, Status.PASS),
        ({"uploads": (sent("out/model.joblib", "gs://b/m.v2/"),)}, Status.PASS),
        ({"uploads": (sent("model.bst", "gs://b/"),)}, Status.PASS),
        ({"uploads": (sent("iris.pkl", "gs://b/m/"),)}, Status.FAIL),
        ({"uploads": (sent("model.pkl", "gs://b/m/iris.pkl"),)}, Status.FAIL),
        ({"uploads": (sent("Model.joblib", "gs://b/"),)}, Status.FAIL),
        ({"uploads": (sent("model.pickle", "gs://b/"),)}, Status.FAIL),
        ({"uploads": (sent("scaler.pkl", "gs://b/"), sent("model.pkl", "gs://b/"))}, Status.PASS),
        ({"uploads": (sent("data.csv", "gs://b/"),), "readmes": (QUIET,)}, Status.REVIEW),
        ({"uploads": (sent("$MODEL", "gs://b/$X"),)}, Status.REVIEW),
        ({"uploads": (sent("out", "gs://b/"),), "files": files("gcp_deploy/out/model.joblib")}, Status.PASS),
        (
            {"uploads": (sent("./out/*", "gs://b/"),), "files": files("gcp_deploy/out/model.joblib")},
            Status.PASS,
        ),
        ({"uploads": (sent("out", "gs://b/"),), "files": files("gcp_deploy/out/x.joblib")}, Status.REVIEW),
        ({"uploads": (sent("model.joblib", None, "python"),)}, Status.PASS),
        ({"uploads": (sent("iris.joblib", "models/model.joblib", "python"),)}, Status.PASS),
        ({"uploads": (sent(None, "model.joblib", "dump", "gcp_deploy/train.py"),)}, Status.PASS),
        ({"uploads": (sent(None, "iris.joblib", "dump", "gcp_deploy/train.py"),)}, Status.REVIEW),
        ({"uploads": (sent("iris.joblib", "model.joblib"),)}, Status.PASS),
        ({"files": files("gcp_deploy/model.joblib")}, Status.PASS),
        ({"files": files("gcp_deploy/export/model.pkl")}, Status.PASS),
        ({"files": files("model.joblib"), "readmes": (CONSOLE,)}, Status.REVIEW),
        ({"readmes": (CONSOLE,)}, Status.REVIEW),
        ({"files": files("gcp_deploy/iris.pkl"), "models": (PKL,), "readmes": (QUIET,)}, Status.REVIEW),
        ({"readmes": (QUIET,)}, Status.FAIL),
        ({"uploads": (sent("model.joblib", "s3://b/"),)}, Status.REVIEW),
        ({"uploads": (sent("model.joblib", "gs://b/", path="other.sh"),)}, Status.FAIL),
        ({"uploads": (sent("model.joblib", "gs://b/", path="README.md"),), "readmes": (ROOT,)}, Status.PASS),
        (
            {"uploads": (sent("model.pkl", "gs://b/", path="notebooks/deploy.ipynb"),), "readmes": (NAMES,)},
            Status.PASS,
        ),
        ({"versions": (vertex("gcr.io/p/own"),), "uploads": (sent("iris.pkl", "gs://b/"),)}, Status.REVIEW),
        ({"versions": (ai("2.4", framework="TENSORFLOW"),)}, Status.REVIEW),
        ({"files": files("gcp_deploy/saved_model.pb")}, Status.REVIEW),
        (
            {"versions": (ai("2.4", framework="scikit-learn"),), "uploads": (sent("a.pkl", "gs://b/"),)},
            Status.FAIL,
        ),
    ],
)
def test_model_filename(facts: dict[str, object], status: Status) -> None:
    verdict = gcp.model_filename(subject(**facts))
    assert verdict.status is status, verdict.message
    assert verdict.evidence
