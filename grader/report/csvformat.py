"""The report as a gradebook: CSV with one row a submission.

Columns: ``source``, ``ref``, ``commit``, ``outcome``, ``platform``, ``low``, ``high``, ``possible``, ``open_items``,
``review``, ``fail``, ``partial`` (ids, separated by spaces), ``problem``, then one column an item with the points it
earned: empty while open, where it does not apply, and where it is not asked. Items are those of the platform that
counted.

It begins with a byte order mark, without which spreadsheets misread names outside ASCII; in Python read it as
``utf-8-sig``. Texts that a spreadsheet would take for a formula begin with an apostrophe.
"""

from __future__ import annotations

import csv
import io

from grader.checks.verdict import Status
from grader.report.model import Item, Report, SubmissionReport
from grader.report.words import number

COLUMNS = (
    "source",
    "ref",
    "commit",
    "outcome",
    "platform",
    "low",
    "high",
    "possible",
    "open_items",
    "review",
    "fail",
    "partial",
    "problem",
)
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "|", "%")


def guarded(text: str) -> str:
    """``text`` as a spreadsheet shows it and never runs it."""
    return f"'{text}" if text.lstrip(" '\"").startswith(_FORMULA) else text


def render(report: Report) -> str:
    """The gradebook as CSV text, lines ended by a line feed."""
    items: dict[str, None] = {}
    for submission in report.submissions:
        for platform in (submission.result, *submission.other_platforms):
            items.update(dict.fromkeys(i.id for i in platform.items) if platform else {})
    text = io.StringIO()
    text.write("\ufeff")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *map(guarded, items)])
    for submission in report.submissions:
        writer.writerow(_row(submission, tuple(items)))
    return text.getvalue()


def _row(found: SubmissionReport, ids: tuple[str, ...]) -> list[str | int | float]:
    score = found.score
    ours = found.result.items if found.result else ()
    earned = {i.id: number(i.points) for i in ours if _counts(i) and i.points is not None}
    numbers: list[str | int | float] = ["", "", "", ""]
    if score is not None:
        numbers = [number(score.low), number(score.high), number(score.possible), score.open_items]

    def named(wanted: Status | None) -> str:
        return guarded(" ".join(i.id for i in ours if (i.open if wanted is None else i.status is wanted)))

    return [
        guarded(found.source),
        guarded(found.ref or ""),
        guarded(found.commit or ""),
        found.outcome,
        guarded((found.result.platform if found.result else None) or ""),
        *numbers,
        named(None),
        named(Status.FAIL),
        named(Status.PARTIAL),
        guarded(found.problem or ""),
        *(earned.get(identifier, "") for identifier in ids),
    ]


def _counts(item: Item) -> bool:
    return item.status is not Status.NOT_APPLICABLE
