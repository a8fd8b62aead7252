"""All formats tell the same numbers: they are parsed back out of each and held against the model."""

from __future__ import annotations

import csv
import html
import io
import json
import re

import pytest
from report_samples import REPORTS

from grader.checks.verdict import Status
from grader.report import formats, words
from grader.report.model import PlatformResult, Report, Score

_SENTENCE = re.compile(r"([\d.]+)(?:–([\d.]+))? of ([\d.]+)(?:, (\d+) items? to review)?")
_EARNED = re.compile(r"(?<!\S)(\?|−?[\d.]+)/(−?[\d.]+)(?!\S)|(?<!\S)–(?=\s*(?:\n|\||$))")

Numbers = tuple[float, float, float, int]


def _of(score: Score) -> Numbers:
    return (words.number(score.low), words.number(score.high), score.possible, score.open_items)


def _told(text: str) -> Numbers:
    found = _SENTENCE.search(text)
    assert found is not None, text
    low, high, possible, count = found.groups()
    return (float(low), float(high or low), float(possible), int(count or 0))


def _platforms(report: Report) -> list[PlatformResult]:
    return [p for s in report.submissions for p in (s.result, *s.other_platforms) if p is not None]


def _earned(platforms: list[PlatformResult]) -> list[str]:
    return [words.earned(i) for p in platforms for i in p.items]


@pytest.fixture(params=REPORTS)
def report(request: pytest.FixtureRequest) -> Report:
    return REPORTS[request.param]()


@pytest.mark.parametrize("width", [60, 80, 200])
def test_terminal(report: Report, width: int) -> None:
    text = formats.render(report, "terminal", width=width)
    body = text.split(f"{len(report.submissions)} submissions\n")[0]
    bold = [line for line in body.splitlines() if line.startswith("  ") and _SENTENCE.fullmatch(line.strip())]
    assert [_told(line) for line in bold] == [_of(s.score) for s in report.submissions if s.score]
    headings = [line for line in body.splitlines() if re.match(r"(Also graded, )?(aws|gcp): ", line)]
    assert [_told(line) for line in headings] == [
        _of(p.score)
        for s in report.submissions
        for p in (*([s.result] if s.result and s.result.score != s.score else []), *s.other_platforms)
    ]
    # An item's line ends in its points, or the first of its lines does where the title is long.
    items = re.findall(r"^  [✓◐✗?!»·] \S+ .* (\S+)$", body, re.MULTILINE)
    assert items == _earned(_platforms(report))


def test_json(report: Report) -> None:
    told = json.loads(formats.render(report, "json"))["submissions"]
    assert len(told) == len(report.submissions)
    for given, found in zip(report.submissions, told, strict=True):
        if given.score is None:
            assert (found["score"], found["items"], found["other_platforms"]) == (None, [], [])
            continue
        assert [found["score"][k] for k in ("low", "high", "possible")] == list(_of(given.score)[:3])
        assert given.result is not None
        for platform, items in (
            (given.result, found["items"]),
            *zip(given.other_platforms, (p["items"] for p in found["other_platforms"]), strict=True),
        ):
            assert [(i["points"], i["possible"], i["deduction"]) for i in items] == [
                (i.points, i.possible, i.deduction) for i in platform.items
            ]


def test_markdown(report: Report) -> None:
    text = formats.render(report, "markdown")
    heads = [line for line in text.splitlines() if re.match(r"\*\*[\d.–]+ of", line)]
    assert [_told(line) for line in heads] == [_of(s.score) for s in report.submissions if s.score]
    rows = re.findall(r"^\| .* \| [✓◐✗?!»·] .* \| (\S+) \|$", text, re.MULTILINE)
    assert rows == _earned(_platforms(report))


def test_html(report: Report) -> None:
    text = formats.render(report, "html")
    heads = [html.unescape(t) for t in re.findall(r'<p class="score">(.*?)</p>', text)]
    assert [_told(t) for t in heads] == [_of(s.score) for s in report.submissions if s.score]
    assert re.findall(r'<span class="points">(.*?)</span>', text) == _earned(_platforms(report))
    bars = [float(x) for x in re.findall(r'<rect class="low" width="([\d.]+)%"', text)]
    assert bars == pytest.approx(
        [100 * s.score.low / s.score.possible for s in report.submissions if s.score], abs=0.01
    )


def test_csv(report: Report) -> None:
    text = formats.render(report, "csv").removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(report.submissions)
    for given, row in zip(report.submissions, rows, strict=True):
        if given.score is None:
            assert row["low"] == row["high"] == row["possible"] == ""
            continue
        told = tuple(float(row[k]) for k in ("low", "high", "possible", "open_items"))
        assert told == _of(given.score)
        for item in given.result.items if given.result else ():
            empty = item.points is None or item.status is Status.NOT_APPLICABLE
            assert row[item.id] == ("" if empty else str(words.number(item.points or 0)))


@pytest.mark.parametrize(
    ("score", "told"),
    [
        (Score(80, 80, 100), "80 of 100"),
        (Score(71, 86, 100, 2), "71–86 of 100, 2 items to review"),
        (Score(71, 86, 100, 1), "71–86 of 100, 1 item to review"),
        (Score(80, 80, 100, 1), "80–80 of 100, 1 item to review"),  # never one number while something is open
        (Score(7.5, 66.666666, 99.5, 1), "7.5–66.67 of 99.5, 1 item to review"),
        (Score(0.0, 0.0, 0.0), "nothing here earns points"),
        (None, "no score"),
    ],
)
def test_the_sentence(score: Score | None, told: str) -> None:
    assert words.score_sentence(score) == told
