"""The packaged rubric gives exactly the points that the assignment's contract names, and hides no parameter."""

from __future__ import annotations

import jsonschema
import yaml

from grader.checks import registry as checks
from grader.rubric.load import default_path, load
from grader.rubric.model import RubricItem
from grader.rubric.schema import json_schema

POINTS = {
    "folder.present": 10,
    "readme.present": 5,
    "readme.instructions": 15,
    "evidence.screenshot": 20,
    "model.present": 10,
    "aws.entry-point": 8,
    "aws.model-fn": 17,
    "aws.model-fn-loads": 10,
    "aws.framework-version": 5,
    "gcp.model-filename": 10,
    "gcp.runtime-version": 20,
    "gcp.framework-version": 10,
}
PENALTIES = {
    "gcp.python-version": 3,
    "tutorial.as-matrix": 5,
    "tutorial.runtime-version": 5,
    "tutorial.python-version": 3,
    "hygiene.secrets": 10,
}
TOLD = {
    "model.safe",
    "tutorial.externals",
    "rehearsal.loads",
    "rehearsal.ping",
    "rehearsal.predicts",
    "live.in-service",
    "live.predicts",
}


def items() -> list[RubricItem]:
    return [item for section in load(None).sections for item in section.items]


def test_points_and_penalties() -> None:
    assert {i.id: i.points for i in items() if i.points} == POINTS
    assert {i.id: i.penalty for i in items() if i.penalty} == PENALTIES
    assert {i.id for i in items() if not i.points and not i.penalty} == TOLD


def test_a_hundred_on_either_platform() -> None:
    rubric = load(None)
    assert rubric.platforms == ("aws", "gcp")
    for platform in rubric.platforms:
        assert sum(item.points for _, item in rubric.items(platform)) == 100


def test_every_parameter_is_written_out_at_its_default() -> None:
    registry = checks.load_builtin()
    for item in items():
        defaults = {name: p.default for name, p in registry[item.check].parameters.items()}
        assert dict(item.parameters) == defaults, item.id


def test_it_fits_the_schema_that_editors_use() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(default_path().read_text(encoding="utf-8")), schema)
