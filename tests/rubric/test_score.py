"""Verdicts into points: worked examples by hand, and what holds whatever the verdicts are."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rubric_samples import REGISTRY, an_item, rubric_of

from grader.checks.verdict import (
    Status,
    Verdict,
    error,
    failed,
    not_applicable,
    partial,
    passed,
    review,
    skipped,
)
from grader.report.model import Report, SubmissionReport, for_audience
from grader.rubric.marks import MarkEntry, SubmissionMarks
from grader.rubric.model import Rubric, Section
from grader.rubric.score import Graded, rounded, score

F, R, H = "folder.present", "readme.present", "hygiene.secrets"


def graded(rubric: Rubric, verdicts: dict[str, Verdict], platform: str | None = "aws", **rest: Any) -> Graded:
    return score(rubric, {platform: verdicts}, registry=REGISTRY, **rest)


BASE = rubric_of(an_item(F, 10), an_item(R, 5), an_item(H, penalty=4))
OK = {F: passed("."), R: passed("."), H: passed(".")}


# Statuses of folder.present (10), readme.present (5) and hygiene.secrets (penalty 4), then low, high, possible, open.
WORKED = [
    ("all there", {}, (15, 15, 15, 0), (10, 5, 0)),
    ("a failure", {R: failed("."), H: passed(".")}, (10, 10, 15, 0), (10, 0, 0)),
    ("a deduction", {H: failed(".")}, (11, 11, 15, 0), (10, 5, -4)),
    ("half a deduction", {H: partial(".", fraction=0.5)}, (13, 13, 15, 0), (10, 5, -2)),
    ("a quarter of a deduction is taken", {H: partial(".", fraction=0.75)}, (14, 14, 15, 0), (10, 5, -1)),
    ("a third of the points", {R: partial(".", fraction=1 / 3)}, (11.67, 11.67, 15, 0), (10, 1.67, 0)),
    ("open", {R: review(".")}, (10, 15, 15, 1), (10, None, 0)),
    ("trouble of ours", {F: error(".")}, (5, 15, 15, 1), (None, 5, 0)),
    ("an open deduction", {H: review(".")}, (11, 15, 15, 1), (10, 5, None)),
    ("skipped", {F: failed("."), R: skipped(F, open=False)}, (0, 0, 15, 0), (0, 0, 0)),
    (
        "skipped behind an open one",
        {F: error("."), R: skipped(F, open=True)},
        (0, 15, 15, 2),
        (None, None, 0),
    ),
    ("a skipped deduction", {H: skipped(F, open=False)}, (15, 15, 15, 0), (10, 5, 0)),
    ("does not apply", {R: not_applicable(".")}, (10, 10, 10, 0), (10, 0, 0)),
    ("never below 0", {F: failed("."), R: failed("."), H: failed(".")}, (0, 0, 15, 0), (0, 0, -4)),
]


@pytest.mark.parametrize(
    ("verdicts", "expected", "points"), [row[1:] for row in WORKED], ids=[row[0] for row in WORKED]
)
def test_worked_by_hand(
    verdicts: dict[str, Verdict], expected: tuple[float, ...], points: tuple[Any, ...]
) -> None:
    found = graded(BASE, {**OK, **verdicts})
    assert (found.score.low, found.score.high, found.score.possible, found.score.open_items) == expected
    assert tuple(item.points for item in found.result.items) == points
    assert found.result.items[2].penalty
    assert (found.result.items[2].possible, found.result.items[2].deduction) == (0, 4)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("2.625", 2.63),
        ("2.675", 2.68),
        ("1.005", 1.01),
        ("0.125", 0.13),
        ("-2.625", -2.63),
        ("0.004", 0.0),
        ("7", 7.0),
    ],
)
def test_halves_go_up_as_people_round(number: str, expected: float) -> None:
    assert rounded(Fraction(number)) == expected
    assert str(rounded(Fraction("-0.001"))) == "0.0"


def test_sums_are_rounded_once() -> None:
    thirds = rubric_of(an_item(F, 0.1), an_item(R, 0.2))
    assert graded(thirds, {F: passed("."), R: passed(".")}).score.low == 0.3
    found = graded(
        rubric_of(an_item(F, 10), an_item(R, 5)),
        {F: partial(".", fraction=1 / 3), R: partial(".", fraction=2 / 3)},
    )
    assert found.score.low == 6.67


def test_a_check_that_was_not_asked_is_open() -> None:
    found = graded(BASE, {F: passed("."), H: passed(".")})
    assert found.result.items[1].status is Status.ERROR
    assert (found.score.low, found.score.high) == (10, 15)


def test_told_only_opens_no_range() -> None:
    found = graded(rubric_of(an_item(F, 10), an_item(R)), {F: passed("."), R: review(".")})
    assert (found.score.low, found.score.high, found.score.open_items) == (10, 10, 0)
    assert found.result.items[1].points is None


AWS, GCP = "aws.model-fn", "gcp.runtime-version"
BOTH = rubric_of(an_item(F, 10), an_item(AWS, 5), an_item(GCP, 5))


@pytest.mark.parametrize(
    ("aws", "gcp", "best"),
    [
        (passed("."), failed("."), "aws"),
        (failed("."), passed("."), "gcp"),
        (failed("."), review("."), "gcp"),  # equal low ends: the higher high end
        (passed("."), review("."), "aws"),
        (passed("."), passed("."), "aws"),  # equal: the rubric's order
    ],
)
def test_the_better_platform_counts(aws: Verdict, gcp: Verdict, best: str) -> None:
    results = {"gcp": {F: passed("."), GCP: gcp}, "aws": {F: passed("."), AWS: aws}}
    found = score(BOTH, results, registry=REGISTRY)
    assert found.platform == best == found.result.platform
    assert found.score == found.result.score
    assert len(found.others) == 1
    turned = score(BOTH._replace(platforms=("gcp", "aws")), results, registry=REGISTRY)
    assert turned.platform == ("gcp" if aws.status is gcp.status else best)


def test_with_all_the_mean_counts() -> None:
    every = BOTH._replace(choose="all")
    results = {"aws": {F: passed("."), AWS: passed(".")}, "gcp": {F: review("."), GCP: skipped(F, open=True)}}
    found = score(every, results, registry=REGISTRY)
    assert (found.score.low, found.score.high, found.score.possible) == (7.5, 15, 15)
    assert found.score.open_items == 2
    assert (found.platform, found.others[0].platform) == ("aws", "gcp")


def test_without_a_folder_the_first_platforms_items_are_told() -> None:
    found = graded(BOTH, {F: failed("."), AWS: skipped(F, open=False)}, platform=None)
    assert found.platform is None
    assert [item.id for item in found.result.items] == [F, AWS]
    assert found.score.possible == 15


def test_on_request_and_selected() -> None:
    rubric = rubric_of(an_item(F, 10), an_item("live.predicts"))
    verdicts = {F: passed("."), "live.predicts": error(".")}
    assert [i.id for i in graded(rubric, verdicts).result.items] == [F]
    assert len(graded(rubric, verdicts, requested=frozenset({"live"})).result.items) == 2
    only = graded(BASE, OK, selected=frozenset({R}))
    assert (only.score.low, only.score.possible) == (5, 5)


def test_hints_and_titles() -> None:
    def hint(verdict: Verdict, hints: bool = True, **rest: Any) -> str | None:
        return graded(rubric_of(an_item(F, 1, **rest), hints=hints), {F: verdict}).result.items[0].hint

    assert hint(failed(".")) == "Mend folder.present."
    assert hint(failed(".", hint="Own.")) == "Own."
    assert hint(failed(".", hint="Own."), hint="Rubric's.") == "Rubric's."
    assert hint(failed(".", hint="Own."), hint=False) is None
    assert hint(failed("."), hints=False) is None
    assert hint(passed(".")) is None
    assert hint(not_applicable(".")) is None
    found = graded(rubric_of(an_item(F, 1), an_item(R, 1, title="Mine")), OK).result.items
    assert [item.title for item in found] == ["Title of folder.present", "Mine"]


def mark(item: str, **rest: Any) -> MarkEntry:
    return MarkEntry(
        **{"submission": "s", "item": item, "status": None, "points": None, "comment": "", "line": 1, **rest}
    )


def marked(rubric: Rubric, verdicts: dict[str, Verdict], *entries: MarkEntry) -> Graded:
    return graded(rubric, verdicts, marks=SubmissionMarks({entry.item: entry for entry in entries}))


MANUAL = rubric_of(
    an_item(F, 10), an_item("talk", 5, title="The talk"), an_item("late", penalty=2, title="Late")
)


def test_a_manual_item_waits_for_its_mark() -> None:
    open_still = graded(MANUAL, OK)
    assert (open_still.score.low, open_still.score.high, open_still.score.open_items) == (8, 15, 2)
    assert "person" in open_still.result.items[1].message
    closed = marked(MANUAL, OK, mark("talk", points=3.5, comment="Clear."), mark("late", status=Status.FAIL))
    assert (closed.score.low, closed.score.high, closed.score.open_items) == (11.5, 11.5, 0)
    talk, late = closed.result.items[1:]
    assert (talk.status, talk.message) == (Status.PARTIAL, "Marked by a person: Clear.")
    assert talk.mark is not None
    assert (late.status, late.points) == (Status.FAIL, -2)


def test_a_mark_closes_only_what_is_open() -> None:
    found = marked(
        BASE,
        {**OK, R: review(".")},
        mark(R, status=Status.PASS),
        mark(F, points=0),
        mark("reamde.present", points=1),
    )
    assert (found.score.low, found.score.high) == (15, 15)
    assert len(found.notes) == 2
    assert "not open" in found.notes[0]
    assert "no such item; did you mean readme.present" in found.notes[1]


def test_a_mark_beyond_what_is_possible_is_told_and_not_used() -> None:
    found = marked(BASE, {**OK, R: review(".")}, mark(R, points=6))
    assert (found.score.low, found.score.high) == (10, 15)
    assert "more or less" in found.notes[0]


def test_a_manual_item_behind_a_failure_is_skipped() -> None:
    rubric = rubric_of(an_item(F, 10), an_item("talk", 5, title="T", requires=(F,)))
    found = graded(rubric, {F: failed(".")}).result.items[1]
    assert (found.status, found.because, found.points) == (Status.SKIPPED, F, 0)
    assert graded(rubric, {F: error(".")}).result.items[1].open
    closed = marked(rubric, {F: error(".")}, mark(F, status=Status.PASS))
    assert closed.result.items[1].status is Status.REVIEW


def test_what_an_audience_sees() -> None:
    rubric = rubric_of(
        an_item(F, 10), an_item(R, 5, visibility="hidden"), an_item(H, penalty=4, visibility="after_due_date")
    )
    found = graded(rubric, OK, marks=SubmissionMarks({R: mark(R, points=1)}))
    one = SubmissionReport(
        "s", None, None, None, (), "graded", None, found.score, found.result, (), found.notes
    )
    report = Report("0", {}, "R", (one,))
    (student,) = for_audience(report, "student").submissions
    assert student.result is not None
    assert [item.id for item in student.result.items] == [F]
    assert (student.score, student.hidden, student.notes) == (found.score, 2, ())
    assert for_audience(report, "staff") == report
    with pytest.raises(ValueError, match="student or staff"):
        for_audience(report, "everyone")


_FRACTIONS = st.floats(0, 1)
_VERDICTS = st.one_of(
    st.sampled_from([passed("."), failed("."), review("."), error("."), not_applicable(".")]),
    st.sampled_from([skipped("x.y", open=True), skipped("x.y", open=False)]),
    _FRACTIONS.map(lambda f: partial(".", fraction=f)),
)
_POINTS = st.floats(0, 100).map(lambda p: round(p, 3))
_ANY = st.tuples(_POINTS, _POINTS, _POINTS, _VERDICTS, _VERDICTS, _VERDICTS)


def _made(drawn: Any) -> tuple[Rubric, dict[str, Verdict]]:
    a, b, c, *verdicts = drawn
    return rubric_of(an_item(F, a), an_item(R, b), an_item(H, penalty=c)), dict(
        zip((F, R, H), verdicts, strict=True)
    )


@given(_ANY)
def test_a_score_is_a_range_within_bounds(drawn: Any) -> None:
    rubric, verdicts = _made(drawn)
    found = graded(rubric, verdicts).score
    assert 0 <= found.low <= found.high <= found.possible
    if not any(item.open for item in graded(rubric, verdicts).result.items):
        assert found.low == found.high
        assert not found.open_items


@given(_ANY, st.sampled_from([Status.PASS, Status.FAIL]), st.sampled_from([F, R, H]))
def test_marking_narrows_the_range(drawn: Any, status: Status, item: str) -> None:
    rubric, verdicts = _made(drawn)
    before = graded(rubric, verdicts).score
    after = marked(rubric, verdicts, mark(item, status=status)).score
    assert before.low <= after.low <= after.high <= before.high


@given(_ANY)
def test_the_order_of_sections_changes_nothing(drawn: Any) -> None:
    rubric, verdicts = _made(drawn)
    apart = tuple(Section(item.id, (item,)) for item in rubric.sections[0].items)
    assert graded(rubric._replace(sections=apart[::-1]), verdicts).score == graded(rubric, verdicts).score


@given(_ANY)
def test_what_does_not_apply_is_neutral(drawn: Any) -> None:
    rubric, verdicts = _made(drawn)
    without = rubric_of(*(i for i in rubric.sections[0].items if i.id != R))
    assert graded(rubric, {**verdicts, R: not_applicable(".")}).score == graded(without, verdicts).score
