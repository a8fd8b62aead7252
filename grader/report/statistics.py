"""What is told of a whole class: one row a submission, and, for more than three, a few numbers. No score is made here."""

from __future__ import annotations

from statistics import median
from typing import NamedTuple

from grader.checks.verdict import Status
from grader.report.model import Report
from grader.report.words import amount, counted, number

LEAST = 4
"""Graded submissions from which on a class is described."""
MOST_FAILED = 5
"""Items that are named as failed most often."""


class ClassSummary(NamedTuple):
    """A class in numbers. ``failed`` holds (id, title, how many failed it), most first, of the platforms that counted."""

    graded: int
    unreadable: int
    crashed: int
    to_review: int
    median_low: float
    median_high: float
    possible: float | None
    failed: tuple[tuple[str, str, int], ...]


def summarise(report: Report) -> ClassSummary | None:
    """The class summary, or None for fewer than four graded submissions."""
    graded = [s for s in report.submissions if s.outcome == "graded" and s.score is not None]
    if len(graded) < LEAST:
        return None
    scores = [s.score for s in graded if s.score is not None]
    failures: dict[str, tuple[str, int]] = {}
    for submission in graded:
        for item in submission.result.items if submission.result else ():
            if item.status is Status.FAIL:
                title, count = failures.get(item.id, (item.title, 0))
                failures[item.id] = (title, count + 1)
    ranked = sorted(
        ((identifier, title, count) for identifier, (title, count) in failures.items()),
        key=lambda row: (-row[2], row[0]),
    )
    possible = {score.possible for score in scores}
    return ClassSummary(
        graded=len(graded),
        unreadable=sum(s.outcome == "unreadable" for s in report.submissions),
        crashed=sum(s.outcome == "crashed" for s in report.submissions),
        to_review=sum(score.open_items > 0 for score in scores),
        median_low=number(median(score.low for score in scores)),
        median_high=number(median(score.high for score in scores)),
        possible=possible.pop() if len(possible) == 1 else None,
        failed=tuple(ranked[:MOST_FAILED]),
    )


def sentences(summary: ClassSummary) -> tuple[str, ...]:
    """The summary in words, the same in every format for people; the failed items come apart, as a list."""
    outcomes = [f"{summary.graded} graded"]
    if summary.unreadable:
        outcomes.append(f"{summary.unreadable} could not be read")
    if summary.crashed:
        outcomes.append(f"{summary.crashed} on which the grader failed")
    middle = amount(summary.median_low)
    if summary.median_high != summary.median_low:
        middle += f"–{amount(summary.median_high)}"
    if summary.possible is not None:
        middle += f" of {amount(summary.possible)}"
    return (
        f"{', '.join(outcomes)}.",
        f"Median: {middle}.",
        f"{counted(summary.to_review, 'submission')} with something to review.",
    )
