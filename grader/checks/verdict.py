"""What a check answers. Found wrong, could not look and does not apply are three different answers."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from grader.facts.records import Place


class Status(str, Enum):
    """The statuses of the contract, section 2."""

    PASS = "pass"  # noqa: S105 - a status
    PARTIAL = "partial"
    FAIL = "fail"
    REVIEW = "review"
    ERROR = "error"
    SKIPPED = "skipped"
    NOT_APPLICABLE = "not-applicable"


MOST_PLACES = 20
"""Places of evidence told for an item; the rest is counted."""


class Verdict(NamedTuple):
    """The answer of one check on one submission.

    ``message`` says in one sentence what was expected and what was found. ``fraction`` (0 to 1) is what a ``partial``
    is worth. ``hint``, when given, replaces the check's own remedy. ``more_evidence`` counts places beyond the first
    20. ``because`` is the check that made this one ``skipped``, ``open`` whether that one is still undecided.
    """

    status: Status
    message: str
    evidence: tuple[Place, ...] = ()
    fraction: float = 1.0
    hint: str | None = None
    more_evidence: int = 0
    because: str | None = None
    open: bool = False


def _verdict(
    status: Status, message: str, at: tuple[Place, ...], hint: str | None, fraction: float = 1.0
) -> Verdict:
    return Verdict(
        status,
        message,
        at[:MOST_PLACES],
        fraction=fraction,
        hint=hint,
        more_evidence=max(0, len(at) - MOST_PLACES),
        open=status in (Status.REVIEW, Status.ERROR),
    )


def passed(message: str, *at: Place) -> Verdict:
    """Asked for and there."""
    return _verdict(Status.PASS, message, at, None)


def partial(message: str, *at: Place, fraction: float = 0.5, hint: str | None = None) -> Verdict:
    """Partly there; the message says which part is missing."""
    if not 0.0 <= fraction <= 1.0:
        raise ValueError("the fraction of a partial is between 0 and 1")
    return _verdict(Status.PARTIAL, message, at, hint, fraction)


def failed(message: str, *at: Place, hint: str | None = None) -> Verdict:
    """Asked for and not there: the student's to fix."""
    return _verdict(Status.FAIL, message, at, hint)


def review(message: str, *at: Place, hint: str | None = None) -> Verdict:
    """A person must look; the message says why, the places say at what."""
    return _verdict(Status.REVIEW, message, at, hint)


def error(message: str, *at: Place, hint: str | None = None) -> Verdict:
    """The grader or its surroundings failed: never the student's failure."""
    return _verdict(Status.ERROR, message, at, hint)


def not_applicable(message: str) -> Verdict:
    """Does not concern this submission."""
    return _verdict(Status.NOT_APPLICABLE, message, (), None)


def skipped(because: str, *, open: bool, title: str = "") -> Verdict:  # noqa: A002 - the contract's word
    """Not reached, because the check ``because`` did not pass; open when that one is."""
    named = f"`{because}`" + (f" ({title})" if title else "")
    return Verdict(
        Status.SKIPPED,
        f"Not looked at, because {named} {'could not be decided' if open else 'did not pass'}.",
        because=because,
        open=open,
    )
