"""The words and numbers that every format shares, so that none of them tells a score in its own way."""

from __future__ import annotations

from typing import NamedTuple

from grader.checks.verdict import Status
from grader.facts.records import Place
from grader.patterns import pattern
from grader.report.model import Item, PlatformResult, Score, SubmissionReport


class Look(NamedTuple):
    """How a status looks to people: a sign of one column, a word, and one sentence of meaning."""

    sign: str
    word: str
    meaning: str


LOOKS: dict[Status, Look] = {
    Status.PASS: Look("✓", "pass", "Asked for and there."),
    Status.PARTIAL: Look("◐", "partial", "Partly there; the message says which part is missing."),
    Status.FAIL: Look("✗", "fail", "Asked for and not there."),
    Status.REVIEW: Look("?", "review", "A person has to look; until then the points are open."),
    Status.ERROR: Look("!", "error", "The grader or its surroundings failed; the points are open."),
    Status.SKIPPED: Look("»", "skipped", "Not looked at, because another check comes first."),
    Status.NOT_APPLICABLE: Look("·", "n/a", "Does not concern this submission."),
}

QUIET = (Status.PASS, Status.NOT_APPLICABLE)
"""Statuses that need no explanation."""


def number(value: float) -> int | float:
    """``value`` rounded to 2 decimals, an int where it is whole: 80, 7.5, 66.67."""
    rounded = round(value, 2)
    return int(rounded) if rounded == int(rounded) else rounded


def amount(value: float) -> str:
    """A number for people, with a true minus sign."""
    return f"{number(value)}".replace("-", "−")


def counted(count: int, noun: str) -> str:
    """``1 item``, ``3 items``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def counted_points(points: float) -> str:
    """``1 point``, ``7.5 points``."""
    return f"{amount(points)} point{'' if points == 1 else 's'}"


def score_sentence(score: Score | None) -> str:
    """The score in words, the same in every format: ``80 of 100``, ``71–86 of 100, 2 items to review``."""
    if score is None:
        return "no score"
    if not score.possible:
        return "nothing here earns points"
    if not score.open_items:
        return f"{amount(score.low)} of {amount(score.possible)}"
    span = f"{amount(score.low)}–{amount(score.high)}"
    return f"{span} of {amount(score.possible)}, {counted(score.open_items, 'item')} to review"


def earned(item: Item) -> str:
    """What an item earned of what it can: ``7.5/15``, ``?/20`` while open, ``−5/−5`` of a deduction, ``–`` without points."""
    stake = -item.deduction if item.penalty else item.possible
    if item.status is Status.NOT_APPLICABLE or not stake:
        return "–"
    got = "?" if item.points is None else amount(item.points)
    return f"{got}/{amount(stake)}"


def where(place: Place) -> str:
    """A place for people: ``path:7``, ``path, cell 3, line 5`` (cells counted from 1), or the path alone."""
    path = "the root of the repository" if place.path in (".", "") else place.path
    if place.cell is not None:
        cell = f"{path}, cell {place.cell + 1}"
        return f"{cell}, line {place.line}" if place.line is not None else cell
    return f"{path}:{place.line}" if place.line is not None else path


def more_places(item: Item, told: int) -> str | None:
    """``and 12 more places`` where only the first ``told`` of an item's places are told, or None."""
    rest = len(item.evidence[told:]) + item.more_evidence
    return f"and {counted(rest, 'more place')}" if rest else None


def needs_words(item: Item) -> bool:
    """Whether a report explains the item: whatever is not quietly in order, was marked, or was asked for specially.

    Who has a deployment rehearsed or an endpoint asked wants to see the answer also when all is well.
    """
    told = item.status is Status.PASS and item.id.partition(".")[0] in ("rehearsal", "live")
    return item.status not in QUIET or item.mark is not None or (told and bool(item.message))


def advice(item: Item) -> str | None:
    """How to mend an item. Of a skipped one the message names what to mend first, which is advice enough."""
    return None if item.status is Status.SKIPPED or not needs_words(item) else item.hint


def version_of(submission: SubmissionReport) -> tuple[str, ...]:
    """Which version of a submission was graded: ref, short commit, day; what is unknown is left out."""
    parts = (
        submission.ref,
        submission.commit[:7] if submission.commit else None,
        submission.committed_at[:10] if submission.committed_at else None,
    )
    return tuple(part for part in parts if part)


def standing(submission: SubmissionReport) -> str:
    """The line under the source: which platform counted, or what came instead of a score."""
    if submission.outcome == "unreadable":
        return "could not be read"
    if submission.outcome == "crashed":
        return "the grader failed on it"
    if submission.result is None or submission.result.platform is None:
        return "no deploy folder was found"
    if own_score(submission) is not None:
        every = (submission.result, *submission.other_platforms)
        return f"mean of {', '.join(p.platform or 'no platform' for p in every)}"
    return f"platform {submission.result.platform}"


def own_score(submission: SubmissionReport) -> Score | None:
    """The score of the platform that is told first, where it is not the score of the submission (a mean of several)."""
    if submission.result is None or submission.result.score == submission.score:
        return None
    return submission.result.score


def platform_heading(result: PlatformResult) -> str:
    """``gcp: 40 of 100``."""
    return f"{result.platform or 'no platform'}: {score_sentence(result.score)}"


def other_heading(submission: SubmissionReport, other: PlatformResult) -> str:
    """The heading of a further platform: one that did not count is ``Also graded, gcp: 40 of 100``."""
    heading = platform_heading(other)
    return heading if own_score(submission) is not None else f"Also graded, {heading}"


def by_section(result: PlatformResult) -> tuple[tuple[str, tuple[Item, ...]], ...]:
    """The items under their sections' titles, in order; a title that comes again later is the same section."""
    sections: dict[str, list[Item]] = {}
    for item in result.items:
        sections.setdefault(item.section, []).append(item)
    return tuple((title, tuple(items)) for title, items in sections.items())


def asides(submission: SubmissionReport) -> tuple[str, ...]:
    """What else is to be told of a submission, a sentence each: notes, what was left out, what is hidden."""
    told = [*submission.notes, *running(submission)]
    if submission.excluded:
        told.append(f"Left out on request: {', '.join(submission.excluded)}")
    if submission.hidden:
        verb = "is" if submission.hidden == 1 else "are"
        told.append(f"{counted(submission.hidden, 'item')} of the rubric {verb} not shown here.")
    return tuple(told)


def running(submission: SubmissionReport) -> tuple[str, ...]:
    """The live endpoints that are up, a sentence each: they cost money until somebody deletes them."""
    up = [endpoint for endpoint in submission.endpoints if endpoint.state == "in-service"]
    if not up:
        return ()
    from grader.checks.live import lasted

    told = []
    for endpoint in up:
        where = ", ".join(part for part in (endpoint.region, endpoint.project or endpoint.account) if part)
        since = f" for {lasted(endpoint.age)}" if endpoint.age is not None else ""
        sentence = f"Endpoint {endpoint.name}{f' ({where})' if where else ''} has been up{since}"
        if not since:
            sentence = sentence.replace(" has been up", " is up")
        told.append(f"{sentence}; delete it with: {endpoint.delete}" if endpoint.delete else f"{sentence}.")
    return tuple(dict.fromkeys(told))


def timing(submission: SubmissionReport) -> str | None:
    """``fetch 0.8 s, facts 0.05 s, checks 0.01 s``, or None."""
    if not submission.timings:
        return None
    return ", ".join(f"{name} {seconds:.2f} s" for name, seconds in submission.timings.items())


_CODE = pattern(r"`([^`]+)`")


def spans(text: str) -> tuple[tuple[bool, str], ...]:
    """``text`` as (is code, text) pieces: what stands between single backticks is code, and the backticks are gone."""
    pieces: list[tuple[bool, str]] = []
    for index, piece in enumerate(_CODE.split(text)):
        if piece:
            pieces.append((index % 2 == 1, piece))
    return tuple(pieces)
