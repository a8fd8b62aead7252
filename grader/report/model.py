"""The one model of what is told. Every renderer prints it; none of them computes a number."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from grader.facts.asked import LiveEndpoint
from grader.rubric.model import Item, Mark, PlatformResult, Score

__all__ = [
    "INSPECT_SCHEMA",
    "SCHEMA",
    "Item",
    "Mark",
    "PlatformResult",
    "Report",
    "Score",
    "SubmissionReport",
    "for_audience",
]

SCHEMA = "grade.report/1"
INSPECT_SCHEMA = "grade.inspect/1"


class SubmissionReport(NamedTuple):
    """One submission. ``problem`` is one sentence where the outcome is not ``graded``; then there are no results.

    ``result`` is the platform that counted; with ``choose: all`` ``score`` is the mean, else that platform's.
    ``notes`` are for a person (what is on disk but not committed, a limit that the system lacks). ``hidden`` counts
    items that the audience does not see. ``timings`` in seconds. ``endpoints``: the live endpoints that were asked.
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
    timings: Mapping[str, float] = MappingProxyType({})
    endpoints: tuple[LiveEndpoint, ...] = ()


class Report(NamedTuple):
    """All submissions of one call, in the order given."""

    grader_version: str
    rubric: Mapping[str, Any]
    rubric_title: str
    submissions: tuple[SubmissionReport, ...]


def for_audience(report: Report, audience: str) -> Report:
    """What ``audience`` (``student`` or ``staff``) sees of a report; the scores are the same for both.

    A student sees no item whose visibility is anything but ``visible``: the grader knows neither due dates nor whether
    grades are published, so what waits for either stays hidden. ``hidden`` counts those items, and notes that name one
    of them are left out.

    Raises:
        ValueError: no such audience.
    """
    if audience not in ("student", "staff"):
        raise ValueError(f"an audience is student or staff, not {audience!r}")
    if audience == "staff":
        return report
    return report._replace(submissions=tuple(_for_student(s) for s in report.submissions))


def _for_student(submission: SubmissionReport) -> SubmissionReport:
    results = (*((submission.result,) if submission.result else ()), *submission.other_platforms)
    hidden = {item.id for result in results for item in result.items if item.visibility != "visible"}
    return submission._replace(
        result=_visible_part(submission.result) if submission.result else None,
        other_platforms=tuple(_visible_part(result) for result in submission.other_platforms),
        notes=tuple(note for note in submission.notes if not any(name in note for name in hidden)),
        hidden=len(hidden),
        endpoints=() if any(name.startswith("live.") for name in hidden) else submission.endpoints,
    )


def _visible_part(result: PlatformResult) -> PlatformResult:
    return result._replace(items=tuple(item for item in result.items if item.visibility == "visible"))
