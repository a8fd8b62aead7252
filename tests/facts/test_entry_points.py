"""Entry points in data files."""

from __future__ import annotations

import pytest

from grader.facts.entry_points import in_data


def test_names_in_terraform_stand_in_quotes() -> None:
    text = 'environment = {\n  SAGEMAKER_PROGRAM = "serve.py"\n}\nother = {\n  SAGEMAKER_PROGRAM = var.script\n}\n'
    assert [(entry.line, entry.name) for entry in in_data({"main.tf": text})] == [(2, "serve.py")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{\n "SAGEMAKER_PROGRAM": "inference.py"}', [(2, "inference.py")]),
        ("Environment:\n  SAGEMAKER_PROGRAM: code/serve.py\n", [(2, "code/serve.py")]),
        ("SAGEMAKER_PROGRAM:\n", []),
        ("SAGEMAKER_REGION: x\n", []),
    ],
)
def test_names(text: str, found: list[tuple[int, str]]) -> None:
    assert [(entry.line, entry.name) for entry in in_data({"stack.yaml": text})] == found
