"""Notebooks as Jupyter opens them; nbformat is the oracle for what is valid."""

from __future__ import annotations

import contextlib
import json

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.facts.notebooks import read_notebook
from grader.submission.errors import Unreadable

CELL = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": ["a\n", "b"]}
FOUR = {
    "nbformat": 4,
    "nbformat_minor": 4,
    "metadata": {},
    "cells": [CELL, {"cell_type": "markdown", "metadata": {}, "source": "# x"}],
}
THREE = {
    "nbformat": 3,
    "nbformat_minor": 0,
    "metadata": {"name": ""},
    "worksheets": [
        {
            "cells": [
                {"cell_type": "heading", "level": 2, "metadata": {}, "source": "Title"},
                {"cell_type": "code", "language": "python", "metadata": {}, "input": ["x = 1"], "outputs": [
                    {"output_type": "display_data", "metadata": {}, "png": "AAAA", "text": ["<fig>"]}]},
            ]
        }
    ],
}  # fmt: skip


def test_version_4_as_nbformat_reads_it() -> None:
    raw = json.dumps(FOUR)
    found = read_notebook("n.ipynb", raw.encode())
    oracle = nbformat.reads(raw, as_version=4)
    assert [(c.kind, c.source) for c in found.cells] == [(c.cell_type, c.source) for c in oracle.cells]
    assert (found.nbformat, found.language) == (4, "python")


def test_version_3() -> None:
    found = read_notebook("n.ipynb", json.dumps(THREE).encode())
    assert found.nbformat == 3
    assert [(c.kind, c.source) for c in found.cells] == [("markdown", "## Title"), ("code", "x = 1")]
    assert found.cells[1].outputs[0].images == ("image/png",)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b'{"cells": [\n  {"a" 1}]}', "not valid JSON: line 2 column 8"),
        (b"[]", "no notebook"),
        (b'{"a": 1}', "no cells"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_unreadable(data: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read_notebook("n.ipynb", data)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + json.dumps(FOUR).encode(),
        json.dumps(FOUR).encode("utf-16"),
        json.dumps({"cells": [CELL], "metadata": None}).encode(),
        json.dumps({"cells": [{"cell_type": "code", "source": "a\nb"}]}).encode(),
        b'{"cells": [{"cell_type": "code", "source": ["a\\n", "b"], "x": "\xe9"}]}',
    ],
)
def test_lenient(data: bytes) -> None:
    assert read_notebook("n.ipynb", data).cells[0].source == "a\nb"


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({}, "python"),
        ({"kernelspec": {"name": "conda_python3"}}, "python"),
        ({"kernelspec": {"name": "ir"}}, "r"),
        ({"language_info": {"name": "julia"}}, "julia"),
        ({"language_info": {"name": "R"}}, "r"),
        ({"kernelspec": {"name": "my-environment"}}, "python"),
    ],
)
def test_language(metadata: dict[str, object], language: str) -> None:
    assert read_notebook("n.ipynb", json.dumps({**FOUR, "metadata": metadata}).encode()).language == language


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["code", "stream", "display_data"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["cells", "cell_type", "source", "outputs", "output_type", "data", "text", "metadata", "worksheets", "nbformat", "traceback"]),
        inner, max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(JSON | st.binary(max_size=80))
def test_only_unreadable_is_raised(content: object) -> None:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    with contextlib.suppress(Unreadable):
        found = read_notebook("n.ipynb", data)
        assert [cell.index for cell in found.cells] == list(range(len(found.cells)))
