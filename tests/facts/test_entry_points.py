"""Entry points in data files."""

from __future__ import annotations

import pytest

from grader.facts.entry_points import in_data


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
