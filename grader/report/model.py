"""The one model of what is told. Every renderer prints it; none of them computes a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from grader.checks.verdict import Status
from grader.facts.records import Place

SCHEMA = "grade.report/1"
INSPECT_SCHEMA = "grade.inspect/1"


@dataclass(frozen=True, slots=True)
class Score:
    """A range in points: one number only where nothing is open. ``open_items`` counts what a person must look at."""

    low: float
    high: float
    possible: float
    open_items: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """What a person said of an item."""

    status: Status
    points: float | None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Item:
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


@dataclass(frozen=True, slots=True)
class PlatformResult:
    """The items and score of one platform (None: no deploy folder at all)."""

    platform: str | None
    score: Score
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class SubmissionReport:
    """One submission. ``problem`` is one sentence where the outcome is not ``graded``; then there are no results.

    ``result`` is the platform that counted; with ``choose: all`` ``score`` is the mean, else that platform's.
    ``notes`` are for a person (what is on disk but not committed, a limit that the system lacks). ``hidden`` counts
    items that the audience does not see. ``timings`` in seconds.
    """

    source: str
    ref: str | None
    commit: str | None
    committed_at: str | None
    excluded: tuple[str, ...]
    outcome: Literal["graded", "unreadable", "crashed"]
    problem: str | None = None
    score: Score | None = None
    result: PlatformResult | None = None
    other_platforms: tuple[PlatformResult, ...] = ()
    notes: tuple[str, ...] = ()
    hidden: int = 0
    timings: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Report:
    """All submissions of one call, in the order given."""

    grader_version: str
    rubric: Mapping[str, Any]
    rubric_title: str
    submissions: tuple[SubmissionReport, ...]
