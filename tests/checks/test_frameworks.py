"""Whether a container fits its model, on facts made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from grader.checks import frameworks as checks
from grader.checks.subject import Subject
from grader.checks.verdict import Status
from grader.facts.records import (
    Command,
    DeployFolder,
    Facts,
    Instruction,
    Model,
    ModelCall,
    ModelFn,
    Readme,
    Tutorial,
    Version,
)

AWS = DeployFolder("aws_deploy", "aws", True)
GCP = DeployFolder("gcp_deploy", "gcp", True)
TREE = "sklearn.tree._tree.Tree"


def model(
    version: str | None, folder: str = "aws_deploy", names: tuple[str, ...] = (), **more: object
) -> Model:
    versions = tuple(version.split()) if version else ()
    return Model(
        f"{folder}/model.joblib",
        None,
        "joblib",
        "none",
        "sklearn.pipeline.Pipeline",
        versions,
        globals=("sklearn.pipeline.Pipeline", *names),
        **more,  # type: ignore[arg-type]
    )


def call(
    version: str | None, name: str = "SKLearnModel", path: str = "aws_deploy/deploy.py", **more: object
) -> ModelCall:
    more.setdefault("framework_version_given", version is not None)
    return ModelCall(path, None, 5, "module", name, "inference.py", None, None, version, **more)  # type: ignore[arg-type]


IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


@pytest.mark.parametrize(
    ("made", "models", "status"),
    [
        (call("1.2-1"), (model("1.2.1"),), Status.PASS),
        (call("1.2-1"), (model("1.2.2"),), Status.PASS),
        (call("1.0-1"), (model("1.0.2"),), Status.PASS),
        (call("0.23-1"), (model("0.23.2"),), Status.PASS),
        (call("0.20.0"), (model("0.20.4"),), Status.PASS),
        (call("1.4-2-py312"), (model("1.4.2"),), Status.PASS),
        (call("1.4-2-py312"), (model("1.5.0"),), Status.REVIEW),
        (call("1.9-0"), (model("1.9.1", numpy2=True),), Status.PASS),
        (call("1.4-2"), (model("1.4.2"),), Status.REVIEW),
        (call("1.2-1"), (model("1.3.2"),), Status.FAIL),
        (call("1.2-1"), (model("1.5.1"),), Status.FAIL),
        (call("1.2-1"), (model("1.12.1"),), Status.FAIL),
        (call("0.23-1"), (model("1.2.1"),), Status.FAIL),
        (call("1.2"), (model("1.2.1"),), Status.FAIL),
        (call("1.3-1"), (model("1.3.1"),), Status.FAIL),
        (call(None), (model("1.2.1"),), Status.FAIL),
        (call(None, framework_version_given=True), (model("1.2.1"),), Status.REVIEW),
        (call(None, image_given=True), (model("1.2.1"),), Status.REVIEW),
        (call(None, image=IMAGE), (model("1.2.1"),), Status.PASS),
        (call(None, "create_model", image=IMAGE), (model("1.2.1"),), Status.PASS),
        (
            call(None, "create_model", image="123.dkr.ecr.us-east-1.amazonaws.com/mine:1"),
            (model("1.2.1"),),
            Status.REVIEW,
        ),
        (call(None, "create_model"), (model("1.2.1"),), Status.REVIEW),
        (call("1.2-1", "Model", framework="sklearn"), (model("1.2.1"),), Status.PASS),
        (call("1.7-1", "XGBoostModel"), (model("1.2.1"),), Status.REVIEW),
        (call("1.2-1"), (), Status.REVIEW),
        (call("1.2-1", "SKLearn"), (), Status.PASS),
        (call("1.2-1", "SKLearn"), (model("1.5.0"),), Status.FAIL),
        (call("1.2-1"), (model(None),), Status.REVIEW),
        (call("1.2-1"), (model("1.2.1 1.5.0"),), Status.REVIEW),
        (
            call("1.2-1"),
            (model("1.2.1", names=("numpy._core.multiarray.scalar",), numpy2=True),),
            Status.FAIL,
        ),
        (call("0.23-1"), (model("0.23.2", protocol=5),), Status.FAIL),
        (call("1.2-1"), (model("1.2.1", protocol=5),), Status.PASS),
        (None, (model("1.2.1"),), Status.FAIL),
    ],
)
def test_aws(made: ModelCall | None, models: tuple[Model, ...], status: Status) -> None:
    facts = Facts(deploy_folders=(AWS,), model_calls=(made,) if made else (), models=models)
    verdict = checks.aws_framework_version(Subject(facts, "aws", AWS))
    assert verdict.status is status, verdict.message


def test_a_model_of_another_lesson_does_not_count_where_model_fn_names_its_own() -> None:
    loads = ModelFn(
        "aws_deploy/inference.py", None, 1, "module", ("model_dir",), True, "joblib", ("model.joblib",), True, True,
        False, "aws_deploy/inference.py",
    )  # fmt: skip
    other = model("1.7.1")._replace(path="aws_deploy/lambda/other.joblib")
    facts = Facts(deploy_folders=(AWS,), model_calls=(call("1.2-1"),), models=(model("1.2.1"), other))
    assert checks.aws_framework_version(Subject(facts, "aws", AWS)).status is Status.FAIL
    facts = replace(facts, model_fns=(loads,))
    assert checks.aws_framework_version(Subject(facts, "aws", AWS)).status is Status.PASS


def test_the_tutorials_call_does_not_count() -> None:
    facts = Facts(
        deploy_folders=(AWS,),
        model_calls=(call("1.2-1", path="tutorial.ipynb"),),
        models=(model("1.2.1"),),
        tutorials=(Tutorial("tutorial.ipynb", "aws", ()),),
    )
    assert checks.aws_framework_version(Subject(facts, "aws", AWS)).status is Status.FAIL


def test_a_deployment_by_the_console_is_for_a_person() -> None:
    steps = (Instruction("create", 3, "prose", "Click Create model"),)
    readme = Readme("aws_deploy/README.md", 90, (), 0, steps)
    facts = Facts(deploy_folders=(AWS,), readmes=(readme,), models=(model("1.2.1"),))
    assert checks.aws_framework_version(Subject(facts, "aws", AWS)).status is Status.REVIEW
    pasted = Facts(deploy_folders=(AWS,), readmes=(readme._replace(lab_text=True),), models=(model("1.2.1"),))
    assert checks.aws_framework_version(Subject(pasted, "aws", AWS)).status is Status.FAIL


@pytest.mark.parametrize(("wrote", "status"), [("1.2.1", Status.PASS), ("1.5.0", Status.FAIL)])
def test_an_image_in_a_command_counts(wrote: str, status: Status) -> None:
    arguments = ("--primary-container", f"Image={IMAGE},ModelDataUrl=s3://b/model.tar.gz")
    made = Command("aws_deploy/create.sh", None, 1, "aws", "sagemaker create-model", arguments)
    facts = Facts(deploy_folders=(AWS,), commands=(made,), models=(model(wrote),))
    assert checks.aws_framework_version(Subject(facts, "aws", AWS)).status is status


def test_two_deployments_that_differ_are_for_a_person() -> None:
    facts = Facts(
        deploy_folders=(AWS,), model_calls=(call("1.2-1"), call("0.23-1")), models=(model("1.2.1"),)
    )
    assert checks.aws_framework_version(Subject(facts, "aws", AWS)).status is Status.REVIEW


def test_the_message_says_why_a_pair_cannot_work() -> None:
    facts = Facts(
        deploy_folders=(AWS,), model_calls=(call("1.2-1"),), models=(model("1.3.2", names=(TREE,)),)
    )
    message = checks.aws_framework_version(Subject(facts, "aws", AWS)).message
    assert "1.3.2" in message
    assert "trees are stored differently" in message


def vertex(series: str | None) -> Version:
    uri = f"us-docker.pkg.dev/vertex-ai/prediction/{series}:latest" if series else None
    return Version("gcp_deploy/deploy.sh", None, 1, "flag", None, None, uri, "vertex")


def runtime(version: str | None) -> Version:
    return Version("gcp_deploy/deploy.sh", None, 1, "flag", version, None, None)


NUMERIC = ("numpy._core.numeric._frombuffer",)
SCALAR = ("numpy._core.multiarray.scalar",)


@pytest.mark.parametrize(
    ("declared", "found", "status"),
    [
        (vertex("sklearn-cpu.1-6"), model("1.6.1", "gcp_deploy"), Status.PASS),
        (vertex("sklearn-cpu.1-6"), model("1.6.1", "gcp_deploy", SCALAR, numpy2=True), Status.PASS),
        (vertex("sklearn-cpu.1-6"), model("1.6.1", "gcp_deploy", NUMERIC, numpy2=True), Status.FAIL),
        (vertex("sklearn-cpu.1-5"), model("1.5.2", "gcp_deploy", SCALAR, numpy2=True), Status.REVIEW),
        (vertex("sklearn-cpu.1-0"), model("1.0.2", "gcp_deploy"), Status.PASS),
        (vertex("sklearn-cpu.1-6"), model("1.9.1", "gcp_deploy"), Status.FAIL),
        (vertex("sklearn-cpu.1-6"), None, Status.REVIEW),
        (vertex("xgboost-cpu.1-7"), model("1.6.1", "gcp_deploy"), Status.REVIEW),
        (vertex(None), model("1.6.1", "gcp_deploy"), Status.REVIEW),
        (runtime("1.15"), model("0.20.4", "gcp_deploy"), Status.PASS),
        (runtime("1.15"), model("1.2.1", "gcp_deploy"), Status.FAIL),
        (runtime("2.11"), model("1.0.2", "gcp_deploy"), Status.REVIEW),
        (runtime("2.4"), model("1.5.0", "gcp_deploy"), Status.REVIEW),
        (runtime("9.9"), model("1.5.0", "gcp_deploy"), Status.REVIEW),
        (runtime(None), model("1.5.0", "gcp_deploy"), Status.REVIEW),
        (None, model("1.5.0", "gcp_deploy"), Status.REVIEW),
    ],
)
def test_gcp(declared: Version | None, found: Model | None, status: Status) -> None:
    facts = Facts(
        deploy_folders=(GCP,),
        versions=(declared,) if declared else (),
        models=(found,) if found else (),
    )
    verdict = checks.gcp_framework_version(Subject(facts, "gcp", GCP))
    assert verdict.status is status, verdict.message
    assert verdict.evidence
