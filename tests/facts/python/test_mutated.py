"""Sources and notebooks of the fixtures, cut and mixed: nothing raises, nothing takes long, nothing is lost in silence."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import pytest

from grader.facts.notebooks import read_notebook
from grader.submission.errors import Unreadable
from tests.facts.python.helpers import facts

FIXTURES = Path(__file__).parents[3] / "fixtures"
SECONDS = 2.0


def _originals(ending: str) -> list[bytes]:
    found = {path.read_bytes() for path in sorted(FIXTURES.rglob(f"*{ending}")) if path.is_file()}
    return sorted((raw for raw in found if len(raw) < 60_000), key=lambda raw: (len(raw), raw))


def _mutated(raw: bytes, other: bytes, dice: random.Random) -> bytes:
    """``raw`` with one to four faults: bytes changed, lines moved, cut off, pieces of another file put in."""
    data = bytearray(raw)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data) + 1)
        kind = dice.randrange(6)
        if kind == 0:
            data[at:at] = bytes(dice.randrange(256) for _ in range(dice.randint(1, 4)))
        elif kind == 1:
            del data[at : at + dice.randint(1, 30)]
        elif kind == 2:
            start = dice.randrange(len(other) + 1)
            data[at:at] = other[start : start + dice.randint(1, 400)]
        elif kind == 3:
            lines = bytes(data).split(b"\n")
            lines.insert(dice.randrange(len(lines)), lines.pop(dice.randrange(len(lines))))
            data = bytearray(b"\n".join(lines))
        elif kind == 4:
            data[at:at] = dice.choice(
                [b"(", b"[", b"{", b"'", b'"""', b"\\", b"    ", b"\t", b"f'{", b"%%writefile ", b"lambda "]
            )
        else:
            del data[at:]
    return bytes(data)  # fmt: skip


def _mutated_notebook(raw: bytes, other: bytes, dice: random.Random) -> bytes:
    """The notebook with faults in the text of two cells, so that most still are notebooks."""
    try:
        cells = json.loads(raw)["cells"]
    except (ValueError, KeyError, TypeError):
        return _mutated(raw, other, dice)
    for cell in dice.sample(cells, min(2, len(cells))):
        text = "".join(cell.get("source", ""))
        cell["source"] = _mutated(text.encode("utf-8", "replace"), other, dice).decode("utf-8", "replace")
    return json.dumps({"nbformat": 4, "metadata": {}, "cells": cells}).encode()


def _rounds(ending: str, count: int, seed: int) -> None:
    dice = random.Random(seed)
    originals = _originals(ending)
    others = _originals(".py")
    assert len(originals) > 5
    for number in range(count):
        mutate = _mutated_notebook if ending == ".ipynb" else _mutated
        raw = mutate(dice.choice(originals), dice.choice(others), dice)
        name = f"aws_deploy/x{ending}"
        if ending == ".ipynb":
            try:
                read_notebook(name, raw)
            except Unreadable:
                continue
        start = time.process_time()
        found = facts({name: raw})
        assert time.process_time() - start < SECONDS, (number, raw[:200])
        assert all(fn.line >= 1 for fn in found.model_fns), (number, raw[:200])


@pytest.mark.parametrize("ending", [".py", ".ipynb"])
def test_a_few(ending: str) -> None:
    _rounds(ending, 40, 1)


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".py", ".ipynb"])
def test_many(ending: str) -> None:
    _rounds(ending, 3_000, 2)
