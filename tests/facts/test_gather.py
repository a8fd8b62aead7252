"""Which files the one module that knows all readers hands to which reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.checks import Status
from grader.facts.gather import gather, wanted
from grader.facts.records import Facts
from grader.limits import Limits
from grader.submission import source
from grader.testing import ask, tree_of

KEY = "aws_secret_access_key = " + "wJq8lrXUtnF3MI7K7MDE" + "NGbPxRfiCYzQ8LpT2vNs\n"
ROWS = "3\t0.25\t17\n"


def facts(root: Path, limits: Limits) -> Facts:
    (root / "work").mkdir()
    submission = source.obtain(source.parse(str(root / "given")), root / "work", limits, wanted=wanted)
    try:
        return gather(submission.tree, limits)
    finally:
        submission.close()


@pytest.mark.parametrize("path", ["data/rows.txt", "aws_deploy/rows.txt"])
def test_a_data_set_of_text_is_searched_to_its_end(tmp_path: Path, path: str) -> None:
    limits = Limits(text_bytes=10_000)
    file = tmp_path / "given" / path
    file.parent.mkdir(parents=True)
    file.write_text(ROWS * 5_000 + KEY, encoding="utf-8")
    found = facts(tmp_path, limits)
    assert [(s.path, s.line, s.kind) for s in found.secrets] == [(path, 5_001, "aws-secret-access-key")]
    assert found.unread == ()


def test_one_beyond_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "rows.txt").write_text(ROWS * 20_000, encoding="utf-8")
    (note,) = facts(tmp_path, Limits(text_bytes=10_000)).unread
    assert note.path == "rows.txt"
    assert "more than" in note.why


STEPS = (
    "the sources together",
    "the commands together",
    "the deployments together",
    "the containers together",
)
WORK = {
    "aws_deploy/README.md": "# Deploying",
    "aws_deploy/inference.py": "import joblib, os\n\ndef model_fn(model_dir):\n    return joblib.load(model_dir)\n",
    "gcp_deploy/README.md": "# Deploying",
    "gcp_deploy/deploy.sh": "gcloud ai-platform versions create v --runtime-version 2.11 --python-version 3.7\n",
}
HANGING = {
    "aws": ("aws.entry-point", "aws.model-fn", "aws.framework-version"),
    "gcp": ("gcp.runtime-version", "gcp.python-version", "gcp.model-filename"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_over_all_files_that_ends_its_reader_costs_no_points(step: str) -> None:
    """What a step's own trouble leaves unknown is a person's; nothing that passes without it turns into a fault."""
    whole = gather(tree_of(WORK), Limits())
    found = gather(tree_of(WORK), Limits(), skip={f"({step})": "its reader was ended"})
    assert [(note.path, note.why) for note in found.unread] == [(".", f"{step}: its reader was ended")]
    for platform, checks in HANGING.items():
        for check in checks:
            before, after = ask(check, whole, platform=platform), ask(check, found, platform=platform)
            assert after.status in (before.status, Status.REVIEW), (check, after)
