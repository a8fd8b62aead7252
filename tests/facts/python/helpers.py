"""Sources and notebooks to facts, for the tables here."""

from __future__ import annotations

import json
from collections.abc import Mapping

from grader.facts.code import CodeBlock
from grader.facts.notebooks import read_notebook
from grader.facts.python.found import PythonFacts
from grader.facts.python.project import Project


def notebook(*cells: str) -> bytes:
    """A notebook of code cells, as bytes."""
    listed = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in cells]
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": listed}).encode()


def facts(
    files: Mapping[str, str | bytes], *blocks: CodeBlock, deploy: tuple[str, ...] = ("aws_deploy",)
) -> PythonFacts:
    """The Python facts of a submission of these files."""
    project = Project(frozenset(files), deploy)
    for path, text in files.items():
        raw = text.encode() if isinstance(text, str) else text
        if path.endswith(".ipynb"):
            project.add_notebook(read_notebook(path, raw))
        elif path.endswith(".py"):
            project.add_source(path, raw)
    for block in blocks:
        project.add_block(block)
    found = project.finish()
    assert not [note for note in found.unread if "the reader failed" in note.why]
    return found
