"""Which files the one module that knows all readers hands to which reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.facts.gather import gather, wanted
from grader.facts.records import Facts
from grader.limits import Limits
from grader.submission import source

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
