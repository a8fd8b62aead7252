"""A rubric, read and found faultless, and what scoring by it makes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from grader.checks.verdict import Status
from grader.facts.records import Place

Visibility = Literal["visible", "hidden", "after_due_date", "after_published"]
MANUAL = "manual"
"""The check of an item that only a person can mark."""


class RubricItem(NamedTuple):
    """One line of a rubric: a check and what it is worth.

    ``id`` is the check's id; of a ``manual`` item, what the rubric calls it. ``points`` or ``penalty``, never both; neither is 0
    points, told only. ``hint`` None: the check's own remedy; False: none. ``platform``: asked of that platform only.
    """

    id: str
    check: str
    points: float = 0.0
    penalty: float = 0.0
    parameters: Mapping[str, Any] = MappingProxyType({})
    requires: tuple[str, ...] = ()
    visibility: Visibility = "visible"
    title: str | None = None
    hint: str | Literal[False] | None = None
    platform: str | None = None
    on_request: str | None = None

    @property
    def is_penalty(self) -> bool:
        """Whether the item takes points away instead of giving them."""
        return self.penalty > 0


class Section(NamedTuple):
    """Items under a heading."""

    title: str
    items: tuple[RubricItem, ...]


class Rubric(NamedTuple):
    """A whole rubric. ``sha256`` is that of the file's bytes; ``check_files`` are Python files it takes checks from."""

    id: str
    version: int
    title: str
    platforms: tuple[str, ...]
    choose: Literal["best", "all"]
    sections: tuple[Section, ...]
    sha256: str
    check_files: tuple[str, ...] = ()
    hints: bool = True

    def items(
        self, platform: str | None, requested: frozenset[str] = frozenset()
    ) -> tuple[tuple[Section, RubricItem], ...]:
        """The items that a report on ``platform`` has: its own, the common ones, and those asked for, in order."""
        return tuple(
            (section, item)
            for section in self.sections
            for item in section.items
            if item.platform in (None, platform) and (item.on_request is None or item.on_request in requested)
        )


class Score(NamedTuple):
    """A range in points: one number only where nothing is open. ``open_items`` counts what a person must look at."""

    low: float
    high: float
    possible: float
    open_items: int = 0


class Mark(NamedTuple):
    """What a person said of an item."""

    status: Status
    points: float | None
    comment: str = ""


class Item(NamedTuple):
    """One item of a report. ``points`` is what it earned, None while open; ``deduction`` what a penalty may cost."""

    id: str
    title: str
    section: str
    status: Status
    points: float | None
    possible: float
    penalty: bool
    deduction: float
    message: str
    hint: str | None = None
    evidence: tuple[Place, ...] = ()
    more_evidence: int = 0
    open: bool = False
    because: str | None = None
    mark: Mark | None = None
    visibility: str = "visible"


class PlatformResult(NamedTuple):
    """The items and score of one platform (None: no deploy folder at all)."""

    platform: str | None
    score: Score
    items: tuple[Item, ...]
