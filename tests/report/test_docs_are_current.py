"""The pages of docs/checks say what the checks say: ``python tools/make_docs.py`` writes them."""

from __future__ import annotations

from pathlib import Path

from grader.checks.registry import load_builtin
from grader.report import explain
from grader.rubric.load import load

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "checks"


def test_the_pages_are_current() -> None:
    pages = explain.documents(load_builtin(), load(None))
    there = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*")}
    stale = sorted(name for name in pages.keys() | there.keys() if pages.get(name) != there.get(name))
    assert not stale, "run: python tools/make_docs.py"
