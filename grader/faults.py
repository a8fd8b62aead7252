"""What is wrong with a file that a person wrote, all of it at once, each with its place and a sentence."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from grader.text import visible

Kind = Literal["text", "shape", "reference"]


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault. ``line`` and ``column`` count from 1.

    ``kind``: ``text`` (how it is written: YAML itself), ``shape`` (what the JSON Schema says as well), ``reference``
    (what only the whole shows: duplicates, cycles, files).
    """

    line: int
    column: int
    message: str
    kind: Kind = field(default="shape", compare=False)


class FaultyFile(Exception):
    """A file that cannot be taken as it is; ``faults`` are all of its faults, in the order of the file."""

    def __init__(self, file: str, faults: Iterable[Fault]) -> None:
        self.file = file
        self.faults: tuple[Fault, ...] = tuple(sorted(set(faults)))
        super().__init__(file, self.faults)

    def __str__(self) -> str:
        """One ``FILE:LINE:COL: message`` a line."""
        return "\n".join(
            visible(f"{self.file}:{fault.line}:{fault.column}: {fault.message}") for fault in self.faults
        )


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """``; did you mean NAME?`` or, where nothing is near, the empty text."""
    names = list(known)
    folded = {name.lower().replace("-", "_"): name for name in names}
    near = difflib.get_close_matches(wrong[:100].lower().replace("-", "_"), folded, 1, cutoff=0.7)
    return f"; did you mean {folded[near[0]]}?" if near else ""


def quoted(text: str, width: int = 60) -> str:
    """A word of the file as a message shows it."""
    shown = visible(text[: 2 * width])
    return f"`{shown if len(shown) <= width else shown[: width - 1] + '…'}`"
