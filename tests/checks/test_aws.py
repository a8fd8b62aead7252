"""The three checks on SageMaker's script, on facts made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from grader.checks import archived, aws
from grader.checks.subject import Subject
from grader.facts.records import (
    Archive,
    Command,
    DeployFolder,
    Facts,
    File,
    Model,
    ModelCall,
    ModelFn,
    Packing,
    Source,
)

FOLDER = DeployFolder("aws_deploy", "aws", True)
SCRIPT = "aws_deploy/inference.py"
CALL = ModelCall(
    "aws_deploy/deploy.py", None, 3, "module", "SKLearnModel", "inference.py", None, None, "1.2-1",
    entry_point_given=True, script=SCRIPT, framework="sklearn",
)  # fmt: skip
FN = ModelFn(
    SCRIPT, None, 4, "module", ("model_dir",), True, "joblib", ("model.joblib",), True, True, False,
    script=SCRIPT, names=("parameter",),
)  # fmt: skip
ARCHIVE = Archive("aws_deploy/model.tar.gz", ("model.joblib",), "model")
LOOSE = Model("aws_deploy/model.joblib", None, "joblib", "none")
FACTS = Facts(
    files=(File(SCRIPT, 1), File("aws_deploy/model.joblib", 1)),
    folders=("aws_deploy",),
    deploy_folders=(FOLDER,),
    sources=(Source(SCRIPT, 9, True),),
    model_fns=(FN,),
    model_calls=(CALL,),
    archives=(ARCHIVE,),
)


def status(check: Any, facts: Facts) -> str:
    verdict = check(Subject(facts, "aws", FOLDER))
    assert verdict.message.endswith(".")
    assert verdict.status.value == "pass" or verdict.evidence
    return str(verdict.status.value)


def call(**changes: Any) -> tuple[ModelCall, ...]:
    return (replace(CALL, **changes),)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "pass"),
        ({"model_calls": call(entry_point="infernce.py", script=None)}, "fail"),
        ({"model_calls": call(source_dir="old", script=None)}, "partial"),
        ({"model_calls": call(source_dir="code", script=None), "commands": (Command(CALL.path, None, 1, "cp", "", ("inference.py", "code/")),)}, "pass"),
        ({"model_calls": call(source_dir="code", script=None), "commands": (Command(CALL.path, None, 1, "cp", "", ("-r", "inference.py", "code/inference.py")),)}, "pass"),
        ({"model_calls": call(source_dir="code", script=None), "commands": (Command(CALL.path, None, 1, "cp", "", ("inference.py", "other/")),)}, "partial"),
        ({"model_calls": call(source_dir="code", script=None), "commands": (Command(CALL.path, None, 1, "cp", "", ("gone/inference.py", "code/")),)}, "partial"),
        ({"model_calls": call(source_dir="s3://b/code", script=None)}, "review"),
        ({"model_calls": call(entry_point=None, script=None)}, "review"),
        ({"model_calls": ()}, "partial"),
        ({"model_calls": (), "model_fns": ()}, "fail"),
        (
            {
                "model_calls": call(class_name="create_model", entry_point="i.py", script=None, submit_directory="/opt/ml/model/code"),
                "archives": (Archive("aws_deploy/model.tar.gz", ("model.joblib", "code/i.py"), "model"),),
            },
            "pass",
        ),
        ({"model_calls": (), "commands": (Command("aws_deploy/d.sh", None, 1, "aws", "sagemaker create-model", ('{"SAGEMAKER_PROGRAM": "inference.py"}',)),)}, "pass"),
    ],
)  # fmt: skip
def test_entry_point(changes: dict[str, Any], expected: str) -> None:
    assert status(aws.entry_point, replace(FACTS, **changes)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "pass"),
        ({"decorated": True}, "pass"),
        ({"defined_in": "aws_deploy/helper.py"}, "pass"),
        ({"defined_in": "?"}, "review"),
        ({"via": "writefile"}, "pass"),
        ({"via": "nested"}, "fail"),
        ({"via": "method"}, "fail"),
        ({"is_async": True}, "fail"),
        ({"callable_with_one": False}, "fail"),
        ({"returns_on_all_paths": False, "returns_none": 7}, "fail"),
        ({"source_whole": False}, "fail"),
        ({"estimator_homonym": True}, "fail"),
        ({"via": "string"}, "pass"),
        ({"via": "nested", "names": ("main-guard",)}, "fail"),
    ],
)
def test_model_fn(changes: dict[str, Any], expected: str) -> None:
    assert status(aws.model_fn, replace(FACTS, model_fns=(FN._replace(**changes),))) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"class_name": "Estimator", "framework": "xgboost"}, "review"),
        ({"class_name": "Estimator", "framework": None}, "review"),
        ({"class_name": "create_model", "framework": None, "image": "1.dkr.ecr.us-east-1.amazonaws.com/own:1"}, "review"),
        ({"class_name": "create_model", "framework": "sklearn"}, "fail"),
        ({"class_name": "SKLearn", "framework": None}, "fail"),
    ],
)  # fmt: skip
def test_a_model_fn_is_asked_for_where_scikit_learn_serves(changes: dict[str, Any], expected: str) -> None:
    made = call(entry_point=None, entry_point_given=False, script=None, **changes)
    assert status(aws.model_fn, replace(FACTS, model_fns=(), model_calls=made)) == expected


@pytest.mark.parametrize("via", ["cell", "string"])
def test_model_fn_that_no_file_comes_from(via: Any) -> None:
    fn = FN._replace(path="aws_deploy/n.ipynb", cell=2, via=via, script=None)
    assert status(aws.model_fn, replace(FACTS, model_fns=(fn,), model_calls=())) == "partial"


def test_the_script_that_is_named_is_judged_and_no_other() -> None:
    other = FN._replace(path="aws_deploy/other.py", script="aws_deploy/other.py")
    assert status(aws.model_fn, replace(FACTS, model_fns=(other,))) == "fail"


def test_a_script_that_only_has_the_name_is_not_judged_where_another_has_the_model_fn() -> None:
    files = (File("aws_deploy/container/inference.py", 9), File("aws_deploy/serve.py", 9))
    other = FN._replace(path="aws_deploy/serve.py", script="aws_deploy/serve.py")
    made = call(script=None, source_dir="gone")
    facts = replace(FACTS, files=files, model_fns=(other,), model_calls=made)
    assert status(aws.model_fn, facts) == "pass"
    facts = replace(FACTS, files=files, model_fns=(), model_calls=made)
    assert status(aws.model_fn, facts) == "fail"


@pytest.mark.parametrize(
    ("fn", "changes", "expected"),
    [
        ({}, {}, "pass"),
        ({}, {"archives": (ARCHIVE._replace(members=("model/model.joblib",)),)}, "partial"),
        ({"loads": ("model/model.joblib",)}, {"archives": (ARCHIVE._replace(members=("model/model.joblib",)),)}, "pass"),
        ({}, {"archives": (ARCHIVE._replace(members=("other.joblib",)),)}, "fail"),
        ({}, {"archives": (Archive("aws_deploy/old-model.tar.gz", ("x.pkl",), "model"),), "commands": (Command("aws_deploy/p.sh", None, 1, "tar", "czf", ("czf", "model.tar.gz", "model.joblib")),)}, "pass"),
        ({}, {"archives": (Archive("aws_deploy/model.tar.gz", ("x.pkl",), "model"),), "commands": (Command("aws_deploy/p.sh", None, 1, "tar", "czf", ("czf", "model.tar.gz", "model.joblib")),)}, "fail"),
        ({}, {"archives": (Archive("aws_deploy/old-model.tar.gz", ("x.pkl",), "model"),), "commands": (Command("aws_deploy/p.sh", None, 1, "tar", "czf", ("czf", "model.tar.gz", "data.csv")),)}, "fail"),
        ({}, {"archives": (ARCHIVE._replace(problem="cut off"),)}, "review"),
        ({}, {"archives": ()}, "review"),
        ({}, {"archives": (), "commands": (Command("aws_deploy/p.sh", None, 1, "tar", "", ("-czf", "model.tar.gz", "model.joblib")),)}, "pass"),
        ({}, {"archives": (), "commands": (Command("aws_deploy/p.sh", None, 1, "tar", "", ("czf", "model.tar.gz", "out/model.joblib")),)}, "partial"),
        ({}, {"archives": (), "models": (LOOSE,), "packings": (Packing("aws_deploy/p.py", None, 1, "model.joblib", "model.joblib"),)}, "pass"),
        ({"loads": ("*",), "names": ("parameter", "listing")}, {}, "review"),
        ({"from_model_dir": None, "names": ("environment",)}, {}, "review"),
        ({"from_model_dir": False, "loads": ("/opt/ml/model/model.joblib",), "names": ("absolute",)}, {}, "partial"),
        ({"from_model_dir": False, "loads": ("/tmp/model.joblib",), "names": ("absolute",)}, {}, "fail"),
        ({"from_model_dir": False, "names": ("file",)}, {}, "partial"),
        ({"from_model_dir": False, "loads": ("gone.joblib",), "names": ("file",)}, {}, "fail"),
        ({"from_model_dir": False, "names": ("relative",)}, {}, "fail"),
        ({"names": ("no-separator",)}, {}, "fail"),
        ({"loads": ("model.joblib", "m/model.joblib"), "alternatives": (("model.joblib",), ("m/model.joblib",))}, {}, "pass"),
        ({"loads": ("model.joblib", "m/model.joblib")}, {}, "partial"),
        ({"loads": ("a", "b"), "alternatives": (("a",), ("b",))}, {}, "fail"),
        ({"loads": ("model.joblib", "b", "c"), "alternatives": (("model.joblib",), ("b",))}, {}, "fail"),
        ({"loader": "other", "uncertain": ("what `load` loads, and with what, cannot be told",)}, {}, "review"),
        ({"loads": (), "loader": None, "from_model_dir": None}, {}, "fail"),
        ({"loader": "pickle"}, {"models": (LOOSE._replace(path=ARCHIVE.path, member="model.joblib"),)}, "fail"),
        ({"loader": "joblib"}, {"models": (LOOSE._replace(path=ARCHIVE.path, member="model.joblib", format="pickle"),)}, "pass"),
    ],
)  # fmt: skip
def test_loads(fn: dict[str, Any], changes: dict[str, Any], expected: str) -> None:
    assert (
        status(archived.model_fn_loads, replace(FACTS, model_fns=(FN._replace(**fn),), **changes)) == expected
    )
