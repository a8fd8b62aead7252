"""`model.present` and `model.safe`, on facts made by hand."""

from __future__ import annotations

import pytest

from grader.checks import model as checks
from grader.checks.registry import registry
from grader.checks.subject import Subject
from grader.checks.verdict import Status
from grader.facts.counted.models import of_deployment
from grader.facts.records import (
    Archive,
    Command,
    DeployFolder,
    Facts,
    File,
    Model,
    ModelCall,
    Readme,
    Tutorial,
    Unread,
    Upload,
    Version,
)

FOLDER = DeployFolder("aws_deploy", "aws", True)
OTHER = DeployFolder("gcp_deploy", "gcp", True)
PIPELINE = "sklearn.pipeline.Pipeline"


def subject(**facts: object) -> Subject:
    return Subject(Facts(deploy_folders=(FOLDER, OTHER), **facts), "aws", FOLDER)  # type: ignore[arg-type]


def model(path: str = "aws_deploy/model.joblib", kind: str | None = "joblib", **more: object) -> Model:
    more.setdefault("class_name", PIPELINE if kind else None)
    more.setdefault("globals", (PIPELINE,) if kind else ())
    return Model(path, None, kind, "none", **more)  # type: ignore[arg-type]


def dump(path: str = "aws_deploy/train.py") -> Upload:
    return Upload(path, None, 3, None, "model.joblib", "dump")


def call(model_data: str | None, name: str = "SKLearnModel", path: str = "aws_deploy/deploy.py") -> ModelCall:
    return ModelCall(path, None, 5, "module", name, "inference.py", None, model_data, "1.2-1")


def files(*paths: str) -> tuple[File, ...]:
    return tuple(File(p, 10) for p in paths)


TABLE = model(class_name="pandas.core.frame.DataFrame", globals=("pandas.core.frame.DataFrame",))
POINTER = model(kind=None, problem="it is a Git LFS pointer; the model itself is not here", lfs=True)
ROOT = "models/model.pkl"


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"models": (model(),)}, Status.PASS),
        ({"models": (model(problem="there is data after its end"),)}, Status.PASS),
        ({"models": (model("aws_deploy/a/b/model.pkl"),)}, Status.PASS),
        ({"models": (model(kind="onnx", class_name=None),)}, Status.PASS),
        ({"archives": (Archive("aws_deploy/m.tar.gz", ("saved_model.pb",), "model"),)}, Status.PASS),
        ({"files": files("aws_deploy/model.safetensors")}, Status.PASS),
        ({"models": (model(ROOT),), "files": files(ROOT), "model_calls": (call("../" + ROOT),)}, Status.PASS),
        (
            {"models": (model(ROOT),), "files": files(ROOT), "model_calls": (call("file://" + ROOT),)},
            Status.PASS,
        ),
        (
            {
                "models": (model(ROOT),),
                "files": files(ROOT),
                "uploads": (Upload("aws_deploy/up.sh", None, 1, ROOT, "s3://b/m", "command"),),
            },
            Status.PASS,
        ),
        (
            {
                "models": (model(ROOT),),
                "files": files(ROOT),
                "readmes": (Readme("aws_deploy/README.md", 90, (), 0, names=("../" + ROOT,)),),
            },
            Status.PASS,
        ),
        ({"models": (model(ROOT),), "files": files(ROOT)}, Status.REVIEW),
        ({"models": (model("gcp_deploy/model.joblib"),)}, Status.FAIL),
        (
            {
                "readmes": (
                    Readme("aws_deploy/README.md", 9, (), 0, model_addresses=("s3://b/model.tar.gz",)),
                )
            },
            Status.REVIEW,
        ),
        ({"readmes": (Readme("aws_deploy/README.md", 9, (), 0),)}, Status.FAIL),
        ({"models": (POINTER,)}, Status.REVIEW),
        ({"models": (POINTER,), "uploads": (dump(),)}, Status.REVIEW),
        ({"models": (model(kind=None, problem="900 bytes, more than the bound of 10"),)}, Status.REVIEW),
        ({"models": (model(kind=None, problem="it is text, no serialized model"),)}, Status.FAIL),
        ({"archives": (Archive("aws_deploy/m.tar.gz", (), "other", "it is cut off"),)}, Status.REVIEW),
        ({"archives": (Archive("aws_deploy/m.tar.gz", (), "empty"),)}, Status.FAIL),
        ({"archives": (Archive("aws_deploy/sourcedir.tar.gz", ("inference.py",), "source"),)}, Status.FAIL),
        (
            {
                "models": (model("aws_deploy/m.tar.gz"),),
                "archives": (Archive("aws_deploy/m.tar.gz", ("m.joblib",), "model", "it is cut off"),),
            },
            Status.REVIEW,
        ),
        ({"models": (TABLE,)}, Status.FAIL),
        (
            {"models": (model(class_name="sklearn.preprocessing._data.StandardScaler"),)},
            Status.REVIEW,
        ),
        (
            {"models": (model(class_name="builtins.dict", globals=("sklearn.svm._classes.SVC",)),)},
            Status.PASS,
        ),
        ({"uploads": (dump(),)}, Status.PARTIAL),
        ({"uploads": (dump("train.ipynb"),)}, Status.PARTIAL),
        ({"uploads": (dump("gcp_deploy/train.py"),)}, Status.FAIL),
        (
            {"uploads": (dump("gcp.ipynb"),), "tutorials": (Tutorial("gcp.ipynb", "gcp", ()),)},
            Status.FAIL,
        ),
        ({"model_calls": (call(None, "SKLearn"),)}, Status.PARTIAL),
        ({"model_calls": (call("s3://bucket/model.tar.gz"),)}, Status.REVIEW),
        ({"model_calls": (call("s3://bucket/model.tar.gz"),), "uploads": (dump(),)}, Status.PARTIAL),
        (
            {
                "commands": (
                    Command(
                        "aws_deploy/d.sh", None, 1, "gcloud", "ai models upload", ("--artifact-uri=gs://b/",)
                    ),
                )
            },
            Status.REVIEW,
        ),
        (
            {
                "versions": (
                    Version("aws_deploy/d.py", None, 2, "python", None, None, "i", origin="gs://b/m"),
                )
            },
            Status.REVIEW,
        ),
        ({"unread": (Unread(".", "more than 20000 files; the rest was not read"),)}, Status.REVIEW),
        ({}, Status.FAIL),
    ],
)
def test_present(facts: dict[str, object], status: Status) -> None:
    verdict = checks.present(subject(**facts))
    assert verdict.status is status, verdict.message
    assert verdict.evidence


@pytest.mark.parametrize(
    ("found", "status", "word"),
    [
        (model(), Status.PASS, ""),
        (model(kind="onnx", globals=()), Status.PASS, ""),
        (model(dangerous=("os.system",)), Status.FAIL, "os.system"),
        (model(dangerous=("os.system",), problem="it is cut off"), Status.FAIL, "os.system"),
        (model(problem="there is data after its end"), Status.REVIEW, "after its end"),
        (POINTER, Status.REVIEW, "LFS"),
        (model(globals=(PIPELINE, "__main__.Cleaner")), Status.REVIEW, "__main__.Cleaner"),
        (model(globals=(PIPELINE, "features.Cleaner")), Status.REVIEW, "features.Cleaner"),
        (model(globals=("xgboost.sklearn.XGBClassifier",)), Status.REVIEW, "other than scikit-learn"),
        (model(globals=(PIPELINE, "scipy.signal.lfilter")), Status.REVIEW, "scipy.signal.lfilter"),
        (model(globals=(PIPELINE, "builtins.getattr")), Status.REVIEW, "builtins.getattr"),
        (model(globals=(PIPELINE, "builtins.getattr"), excused=("builtins.getattr",)), Status.PASS, ""),
        (model(kind="hdf5", globals=()), Status.REVIEW, "may hold code"),
        (model(kind="torch", globals=()), Status.REVIEW, "may hold code"),
    ],
)
def test_safe(found: Model, status: Status, word: str) -> None:
    verdict = checks.safe(subject(models=(found,)))
    assert verdict.status is status, verdict.message
    assert word in verdict.message


def test_a_dangerous_file_beside_a_good_one_fails() -> None:
    bad = model("aws_deploy/scaler.pkl", dangerous=("builtins.eval",))
    verdict = checks.safe(subject(models=(model(), bad)))
    assert verdict.status is Status.FAIL
    assert [p.path for p in verdict.evidence] == ["aws_deploy/scaler.pkl"]


def test_a_model_in_the_cloud_is_for_a_person() -> None:
    facts = {"model_calls": (call("s3://bucket/model.tar.gz"),)}
    assert checks.safe(subject(**facts)).status is Status.REVIEW


def test_names_in_messages_are_shown_escaped_and_short() -> None:
    verdict = checks.safe(subject(models=(model(dangerous=("os." + "x" * 500 + "\x1b",)),)))
    assert "\x1b" not in verdict.message
    assert len(verdict.message) < 400


def test_safe_wants_the_whole_model() -> None:
    item = registry["model.safe"]
    assert [(r.check, r.whole) for r in item.requires] == [("folder.present", False), ("model.present", True)]


def test_a_bare_name_in_the_readme_is_no_file_of_another_deployment() -> None:
    ours = model("aws_deploy/model.tar.gz")
    theirs = model("gcp_deploy/model.joblib")
    readme = Readme(
        "aws_deploy/README.md", 80, (), 1, names=("aws_deploy/model.tar.gz", "gcp_deploy/model.joblib")
    )
    found = files(ours.path, theirs.path, readme.path)
    both = subject(models=(ours, theirs), readmes=(readme,), files=found)
    assert of_deployment(both) == (ours,)
    alone = subject(models=(theirs,), readmes=(readme,), files=found)
    assert of_deployment(alone) == (theirs,)
