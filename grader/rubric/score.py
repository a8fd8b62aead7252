"""What verdicts are worth by a rubric: one pure function, called in one place, for every output format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

from grader.checks import registry as checks
from grader.checks.registry import Check, Registry, Requirement
from grader.checks.run import unmet
from grader.checks.verdict import Status, Verdict, error, review, skipped
from grader.rubric.marks import MarkEntry, SubmissionMarks
from grader.rubric.model import MANUAL, Item, Mark, PlatformResult, Rubric, RubricItem, Score

_OPEN = (Status.REVIEW, Status.ERROR)
_NO_HINT = (Status.PASS, Status.NOT_APPLICABLE)


class Graded(NamedTuple):
    """A submission's score. ``result`` is the platform told first, ``others`` the rest; with ``choose: all`` ``score``
    is the mean of all of them, else that of ``result``. ``notes`` are sentences about marks that were not used.
    """

    platform: str | None
    score: Score
    result: PlatformResult
    others: tuple[PlatformResult, ...]
    notes: tuple[str, ...] = ()


class _Sum(NamedTuple):
    """Points exactly, before rounding."""

    low: Fraction
    high: Fraction
    possible: Fraction
    open_ids: frozenset[str]

    def score(self) -> Score:
        return Score(rounded(self.low), rounded(self.high), rounded(self.possible), len(self.open_ids))


class _Line(NamedTuple):
    """An item and what it adds to the low end, the high end and what is possible."""

    item: Item
    low: Fraction
    high: Fraction
    possible: Fraction


def exactly(number: float) -> Fraction:
    """The decimal number that a person wrote (0.1 is a tenth), not the binary one beside it."""
    return Fraction(repr(number))


def rounded(number: Fraction) -> float:
    """To 2 decimals, halves away from zero, as people round: 2.625 is 2.63."""
    hundredths = (abs(number) * 200 + 1) // 2
    return float(Fraction(hundredths, 100) * (-1 if number < 0 and hundredths else 1))


def score(
    rubric: Rubric,
    results: Mapping[str | None, Mapping[str, Verdict]],
    *,
    requested: frozenset[str] = frozenset(),
    marks: SubmissionMarks | None = None,
    selected: frozenset[str] | None = None,
    registry: Registry | None = None,
) -> Graded:
    """The score of one submission.

    ``results`` are verdicts by check, by platform; the one key None where there is no deploy folder: then the items are
    those of the rubric's first platform. ``requested``: ``rehearse``, ``live``. ``marks``: a person's, for this
    submission. ``selected``: the only item ids to report, None for all. ``registry`` tells titles and remedies (None:
    the checks that are loaded).

    Raises:
        ValueError: ``results`` is empty.
    """
    if not results:
        raise ValueError("a submission without any results has no score")
    registry = checks.registry if registry is None else registry
    marks = marks or SubmissionMarks()
    order = {platform: index for index, platform in enumerate(rubric.platforms)}
    graded: list[tuple[_Sum, PlatformResult]] = []
    used: set[str] = set()
    for platform in sorted(results, key=lambda p: order.get(p or "", -1)):
        items = [
            (section.title, item)
            for section, item in rubric.items(platform or rubric.platforms[0], requested)
            if selected is None or item.id in selected
        ]
        lines = _lines(rubric, items, results[platform], marks, registry)
        used |= {line.item.id for line in lines if line.item.mark is not None}
        total = _total(lines)
        graded.append((total, PlatformResult(platform, total.score(), tuple(line.item for line in lines))))

    notes = _unused(rubric, [result for _, result in graded], marks, used)
    if rubric.choose == "all" and len(graded) > 1:
        overall = _mean([total for total, _ in graded]).score()
    else:
        # Sorted in the rubric's order and stable: between equals the first stays first.
        graded.sort(key=lambda pair: (-pair[1].score.low, -pair[1].score.high))
        overall = graded[0][1].score
    first, *others = (result for _, result in graded)
    return Graded(first.platform, overall, first, tuple(others), notes)


def _total(lines: Iterable[_Line]) -> _Sum:
    low = high = possible = Fraction(0)
    open_ids = set()
    for line in lines:
        low, high, possible = low + line.low, high + line.high, possible + line.possible
        if line.low != line.high:
            open_ids.add(line.item.id)
    return _Sum(max(low, Fraction(0)), max(high, Fraction(0)), possible, frozenset(open_ids))


def _mean(sums: list[_Sum]) -> _Sum:
    count = len(sums)
    return _Sum(
        sum((s.low for s in sums), Fraction(0)) / count,
        sum((s.high for s in sums), Fraction(0)) / count,
        sum((s.possible for s in sums), Fraction(0)) / count,
        frozenset().union(*(s.open_ids for s in sums)),
    )


def _lines(
    rubric: Rubric,
    items: list[tuple[str, RubricItem]],
    verdicts: Mapping[str, Verdict],
    marks: SubmissionMarks,
    registry: Registry,
) -> list[_Line]:
    told = dict(verdicts)
    told.update(_manual(items, told, marks))
    return [_line(rubric, title, item, told.get(item.id), marks, registry) for title, item in items]


def _manual(
    items: list[tuple[str, RubricItem]], verdicts: Mapping[str, Verdict], marks: SubmissionMarks
) -> dict[str, Verdict]:
    """Verdicts of the items that only a person can mark: ``review``, or ``skipped`` behind what they require."""
    by_id = {item.id: item for _, item in items}
    manual = {name: item for name, item in by_id.items() if item.check == MANUAL}
    found: dict[str, Verdict] = {}

    def ask(item: RubricItem) -> Verdict:
        if item.id not in found:
            found[item.id] = review("A person marks this item; no mark has been given yet.")
            waiting: Verdict | None = None
            for name in item.requires:
                if name not in manual and name not in verdicts:  # not asked this time
                    continue
                required = ask(manual[name]) if name in manual else verdicts[name]
                entry = marks.entries.get(name) if _is_open(required) else None
                if entry is not None and name in by_id and not entry.beyond(by_id[name]):
                    required = Verdict(entry.status_of(by_id[name]), "")
                if not unmet(Requirement(name), required):
                    continue
                is_open = required.status is Status.ERROR or (
                    required.status is Status.SKIPPED and required.open
                )
                behind = skipped(required.because or name, open=is_open)
                if not is_open:
                    waiting = behind
                    break
                waiting = waiting or behind
            found[item.id] = waiting or found[item.id]
        return found[item.id]

    for item in manual.values():
        ask(item)
    return found


def _line(
    rubric: Rubric,
    section: str,
    item: RubricItem,
    verdict: Verdict | None,
    marks: SubmissionMarks,
    registry: Registry,
) -> _Line:
    if verdict is None:
        verdict = error("The check was not asked; this is not the student's doing.")
    check = _check(registry, item.check)
    is_open = _is_open(verdict)
    entry = marks.entries.get(item.id) if is_open else None
    mark: Mark | None = None
    status, message, because = verdict.status, verdict.message, verdict.because
    if entry is not None and not entry.beyond(item):
        status, is_open, because = entry.status_of(item), False, None
        mark = Mark(status, entry.points, entry.comment)
        message = f"Marked by a person: {entry.comment or status.value}"
    points, penalty = exactly(item.points), exactly(item.penalty)
    possible = points
    low = high = Fraction(0)
    if status is Status.NOT_APPLICABLE:
        possible = Fraction(0)
    elif is_open:
        low, high = -penalty, points
    elif mark is not None and entry is not None and entry.points is not None:
        low = high = exactly(entry.points)
    elif status is Status.PASS:
        low = high = points
    elif status is Status.PARTIAL:
        fraction = exactly(verdict.fraction)
        low = high = points * fraction - penalty * (1 - fraction)
    elif status is Status.FAIL:
        low = high = -penalty
    title = item.title or (check.title if check else None) or item.id
    told = Item(
        id=item.id,
        title=title,
        section=section,
        status=status,
        points=None if is_open else rounded(low),
        possible=rounded(exactly(item.points)),
        penalty=item.is_penalty,
        deduction=rounded(penalty),
        message=message,
        hint=_hint(rubric, item, status, verdict, check.remedy if check else ""),
        evidence=verdict.evidence,
        more_evidence=verdict.more_evidence,
        open=is_open,
        because=because,
        mark=mark,
        visibility=item.visibility,
    )
    return _Line(told, low, high, possible)


def _check(registry: Registry, identifier: str) -> Check | None:
    return registry[identifier] if identifier in registry else None  # noqa: SIM401 - a registry is no dict


def _is_open(verdict: Verdict) -> bool:
    return verdict.status in _OPEN or (verdict.status is Status.SKIPPED and verdict.open)


def _hint(rubric: Rubric, item: RubricItem, status: Status, verdict: Verdict, remedy: str) -> str | None:
    if not rubric.hints or item.hint is False or status in _NO_HINT:
        return None
    return item.hint or verdict.hint or remedy or None


def _unused(
    rubric: Rubric, results: list[PlatformResult], marks: SubmissionMarks, used: set[str]
) -> tuple[str, ...]:
    """A sentence for each mark that closed nothing."""
    reported = {item.id for result in results for item in result.items}
    of_rubric = {item.id: item for section in rubric.sections for item in section.items}
    notes = list(marks.notes)
    for name, entry in marks.entries.items():
        if name in used:
            continue
        notes.append(
            f"The mark for {name} (line {entry.line}) was not used: {_why(name, entry, of_rubric, reported)}."
        )
    return tuple(notes)


def _why(name: str, entry: MarkEntry, items: Mapping[str, RubricItem], reported: set[str]) -> str:
    from grader.rubric.faults import did_you_mean

    if name not in items:
        return f"the rubric has no such item{did_you_mean(name, items)}".rstrip("?")
    if name not in reported:
        return "the item is not part of this report"
    if entry.beyond(items[name]):
        return "it gives more or less than the item can have"
    return "the item is not open"
