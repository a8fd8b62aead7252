"""``grade inspect``: the promised fields by name and in order, and a list that people can read."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.facts import records
from grader.facts.records import Facts, to_json
from grader.report import inspecting

# The fields that scripts rely on, as documented, in their order.
FIELDS = {
    "deploy_folders": "path platform exact",
    "readmes": "path words images code_blocks",
    "images": "path format width height embedded_in",
    "model_fns": "path cell line via parameters callable_with_one loader loads from_model_dir returns_on_all_paths "
    "estimator_homonym",
    "model_calls": "path cell line via class entry_point source_dir model_data framework_version",
    "archives": "path members",
    "models": "path member format compression class sklearn_versions n_features globals dangerous problem",
    "as_matrix": "path cell line",
    "sklearn_externals": "path cell line",
    "versions": "path cell line form runtime_version python_version container",
    "commands": "path cell line program verb",
    "secrets": "path cell line kind",
    "unread": "path why",
}
FACTS = Facts(
    files=(records.File("aws_deploy/README.md", 900),),
    deploy_folders=(records.DeployFolder("Sagemaker-deploy", "aws", False),),
    readmes=(records.Readme("aws_deploy/README.md", 285, ("shot.png",), 1),),
    images=(records.Image("aws_deploy/shot.png", "PNG", 1280, 720, ("aws_deploy/README.md",)),),
    model_fns=(
        records.ModelFn(
            "aws_deploy/inference.py",
            None,
            12,
            "module",
            ("model_dir",),
            True,
            "joblib",
            ("model.joblib",),
            True,
            False,
            False,
        ),
    ),
    model_calls=(
        records.ModelCall(
            "deploy.ipynb", 3, 2, "cell", "SKLearnModel", "inference.py", None, "s3://b/m.tar.gz", "1.2-1"
        ),
    ),
    archives=(
        records.Archive("aws_deploy/model.tar.gz", ("model.joblib",)),
        records.Archive("empty.tar.gz", ()),
    ),
    models=(
        records.Model(
            "aws_deploy/model.tar.gz",
            "model.joblib",
            "joblib",
            "none",
            "sklearn.pipeline.Pipeline",
            ("1.2.1",),
            13,
        ),
    ),
    as_matrix=(records.Use("gcp.ipynb", 2, 5),),
    sklearn_externals=(records.Use("old.py", None, 3),),
    versions=(records.Version("gcp.ipynb", 7, 2, "flag", "2.6", "", None),),
    commands=(records.Command("gcp.ipynb", 7, 1, "gcloud", "ai-platform versions create"),),
    tutorials=(records.Tutorial("gcp.ipynb", "gcp", ("census",)),),
    secrets=(records.Secret("notes.txt", None, 3, "aws-secret-access-key"),),
    unread=(records.Unread("broken.ipynb", "not valid JSON: line 5 column 3"),),
)


def test_the_promised_fields_come_first_and_in_order() -> None:
    found = inspecting.inspect_json(FACTS, "https://host.example/u/r", "a" * 40)
    assert list(found)[:3] == ["schema", "source", "commit"]
    assert list(found)[3 : 3 + len(FIELDS)] == list(FIELDS)
    assert found["schema"] == "grade.inspect/1"
    for name, promised in FIELDS.items():
        (first, *_) = found[name]
        assert list(first)[: len(promised.split())] == promised.split(), name
    assert json.loads(inspecting.as_text(found)) == found


def test_nothing_known_is_left_out() -> None:
    found = inspecting.inspect_json(Facts(), "x", None)
    assert {f.name for f in fields(Facts)} <= set(found)
    assert all(found[f.name] == [] for f in fields(Facts))
    assert found["commit"] is None


def test_facts_that_are_plain_already_give_the_same() -> None:
    assert inspecting.inspect_json(to_json(FACTS), "x", None) == inspecting.inspect_json(FACTS, "x", None)


def test_an_unreadable_one_has_three_fields() -> None:
    found = inspecting.problem_json("https://me:pw@host.example/u/r", "There is no such repository.")
    assert found == {
        "schema": "grade.inspect/1",
        "source": "https://***@host.example/u/r",
        "problem": "There is no such repository.",
    }
    told = inspecting.for_people(found)
    assert told.splitlines() == ["https://***@host.example/u/r", "There is no such repository."]


@pytest.mark.parametrize(
    "line",
    [
        "  Sagemaker-deploy, aws, not the exact name at the root",
        "  aws_deploy/README.md, 285 words, 1 code block, 1 image",
        "  aws_deploy/shot.png, PNG, 1280×720, embedded in aws_deploy/README.md",
        "  aws_deploy/inference.py:12 (module), model_fn(model_dir), loads model.joblib by joblib, does not return on every path",
        "  deploy.ipynb, cell 4, line 2 (cell), SKLearnModel, entry_point inference.py, model_data s3://b/m.tar.gz, "
        "framework_version 1.2-1",
        "  aws_deploy/model.tar.gz: model.joblib",
        "  empty.tar.gz: no members",
        "  aws_deploy/model.tar.gz, in it model.joblib, joblib, sklearn.pipeline.Pipeline, written by scikit-learn 1.2.1, "
        "13 features",
        "  gcp.ipynb, cell 3, line 5",
        "  gcp.ipynb, cell 8, line 2 (flag), runtime 2.6, python blank",
        "  gcp.ipynb, cell 8, line 1: gcloud ai-platform versions create",
        "  notes.txt:3, aws-secret-access-key",
        "  broken.ipynb: not valid JSON: line 5 column 3",
    ],
)
def test_people_read_a_line_for_each_fact(line: str) -> None:
    told = inspecting.for_people(inspecting.inspect_json(FACTS, "x", "a" * 40), width=200)
    assert line in told.splitlines()


def test_what_there_is_none_of_is_said() -> None:
    told = inspecting.for_people(inspecting.inspect_json(Facts(), "x", None), width=300)
    assert "None of these: Deploy folders; READMEs; Images;" in told


def test_a_credential_among_a_commands_arguments_is_hidden() -> None:
    key = "wJalrXUtnFEMIbK7MDENGabPxRfiCYzzzzKEYab1"
    command = records.Command("a.sh", None, 1, "aws", "configure set", ("aws_secret_access_key", key))
    telling = records.Command("a.sh", None, 2, "aws", "s3 cp", (f"--header=aws_secret_access_key={key}",))
    text = inspecting.as_text(inspecting.inspect_json(Facts(commands=(command, telling)), "x", None))
    assert key not in text


def strategy(hint: Any) -> st.SearchStrategy[Any]:
    """Values for a field's type, with strings of every kind."""
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{f.name: strategy(hints[f.name]) for f in fields(hint)})
    if hasattr(hint, "_fields"):
        hints = get_type_hints(hint)
        return st.builds(hint, **{name: strategy(hints[name]) for name in hint._fields})
    if hint is str:
        return st.text(st.characters(exclude_categories=()), max_size=12)
    arguments = get_args(hint)
    if hint is bool:
        return st.booleans()
    if hint is int:
        return st.integers(0, 99)
    if hint is type(None):
        return st.none()
    if getattr(hint, "__origin__", None) is tuple:
        return st.lists(strategy(arguments[0]), max_size=2).map(tuple)
    if all(isinstance(a, str) for a in arguments):
        return st.sampled_from(arguments)
    return st.one_of([strategy(a) for a in arguments])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_fact_acts_on_a_terminal(data: st.DataObject) -> None:
    hints = get_type_hints(Facts)
    record = {name: get_args(hint)[0] for name, hint in hints.items()}
    facts = Facts(
        **{name: tuple(data.draw(st.lists(strategy(kind), max_size=1))) for name, kind in record.items()}
    )
    found = inspecting.inspect_json(facts, data.draw(st.text(max_size=9)), None)
    unsafe = "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
    assert not re.search(unsafe, inspecting.as_text(found))
    assert not re.search(unsafe, inspecting.for_people(found, width=60))


def test_models_that_data_declare_stand_apart_from_calls() -> None:
    called = records.ModelCall("deploy.py", None, 3, "module", "SKLearnModel", "i.py", None, None, "1.2-1")
    declared = records.ModelCall(
        "stack.yaml", None, 9, "module", "create_model", "i.py", None, None, "1.2-1", declared=True
    )
    found = inspecting.inspect_json(Facts(model_calls=(called, declared)), "x", None)
    assert [call["path"] for call in found["model_calls"]] == ["deploy.py"]
    assert [call["path"] for call in found["declared_models"]] == ["stack.yaml"]
