"""The report as people read it in a terminal or a pipe: readable from 60 columns on, and without colour."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.report import words
from grader.report.console import STYLES, drawn, prose
from grader.report.model import Item, PlatformResult, Report, Score, SubmissionReport
from grader.report.statistics import sentences, summarise

_INDENT = 12  # where an item's title begins: under it stands what there is to say
_BAR = 40
_PLACES = 6  # of an item; a file (JSON, HTML) tells them all


def render(report: Report, *, width: int, color: bool, encoding: str = "utf-8") -> str:
    """The whole report; several submissions are followed by a table of them all."""

    def draw(console: Console) -> None:
        for index, submission in enumerate(report.submissions):
            if index:
                console.print()
                console.print(Text("─" * console.width, style="dim"))
            _submission(console, submission, report.rubric_title)
        if len(report.submissions) > 1:
            console.print()
            console.print(Text("─" * console.width, style="dim"))
            _summary(console, report)

    return drawn(draw, width=width, color=color, encoding=encoding)


def _submission(console: Console, found: SubmissionReport, rubric_title: str) -> None:
    console.print(Text(found.source, style="bold"))
    version = words.version_of(found)
    if version:
        console.print(Text(" · ".join(version), style="dim"))
    console.print(Text(f"{rubric_title} · {words.standing(found)}", style="dim"))
    console.print()
    if found.problem is not None:
        console.print(Padding(prose(found.problem), (0, 0, 0, 2)))
    _score(console, found)
    if found.result is not None:
        own = words.own_score(found)
        if own is not None:
            console.print()
            console.print(Text(words.platform_heading(found.result), style="bold"))
        for title, items in words.by_section(found.result):
            console.print()
            console.print(Text(title, style="bold"))
            for item in items:
                _line(console, item)
                if words.needs_words(item):
                    _details(console, item)
    for other in found.other_platforms:
        _other(console, found, other)
    last = [*words.asides(found)]
    timing = words.timing(found)
    if timing:
        last.append(timing)
    if last:
        console.print()
    for aside in last:
        console.print(Text(aside, style="dim"))


def _score(console: Console, found: SubmissionReport) -> None:
    if found.score is None:
        return
    console.print(Padding(Text(words.score_sentence(found.score), style="bold"), (0, 0, 0, 2)))
    bar = _bar(found.score)
    if bar is not None:
        console.print(Padding(bar, (0, 0, 0, 2)))


def _bar(score: Score) -> Text | None:
    """Earned, still open, not earned: three densities, so that it reads without colour too."""
    if score.possible <= 0:
        return None
    low = min(_BAR, int(_BAR * score.low / score.possible))
    high = min(_BAR, max(low, round(_BAR * score.high / score.possible)))
    made = Text("█" * low, style="green")
    made.append("▒" * (high - low), style="cyan")
    made.append("░" * (_BAR - high), style="dim")
    return made


def _line(console: Console, item: Item, *, style: str = "") -> None:
    look = words.LOOKS[item.status]
    title = Text(item.title, style=style or ("dim" if STYLES[item.status] == "dim" else ""))
    if item.mark is not None:
        title.append(" (marked)", style="dim")
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(width=_INDENT - 1, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_column(justify="right", no_wrap=True)
    sign = Text(f"  {look.sign} {look.word}", style=STYLES[item.status])
    grid.add_row(sign, title, Text(words.earned(item), style="" if item.points else "dim"))
    console.print(grid)


def _details(console: Console, item: Item) -> None:
    def say(text: Text, deeper: int = 0) -> None:
        text.overflow = "fold"
        console.print(Padding(text, (0, 0, 0, _INDENT + deeper)))

    say(prose(item.message))
    for place in item.evidence[:_PLACES]:
        at = Text("at ", style="dim")
        at.append(words.where(place), style="bold" if place.line is not None else "")
        say(at)
        if place.excerpt:
            excerpt = Text("│ ", style="dim")
            excerpt.append(place.excerpt)
            say(excerpt, 3)
    more = words.more_places(item, _PLACES)
    if more:
        say(Text(more, style="dim"))
    if item.mark is not None and item.mark.comment and item.mark.comment not in item.message:
        say(Text(f"Marker's comment: {item.mark.comment}"))
    hint = words.advice(item)
    if hint:
        say(Text("Hint: ", style="bold").append_text(prose(hint)))


def _other(console: Console, found: SubmissionReport, other: PlatformResult) -> None:
    console.print()
    console.print(Text(words.other_heading(found, other), style="bold"))
    for _, items in words.by_section(other):
        for item in items:
            _line(console, item)
            if words.needs_words(item) and item.because is None:
                console.print(Padding(prose(item.message, "dim"), (0, 0, 0, _INDENT)))


def _summary(console: Console, report: Report) -> None:
    console.print(Text(f"{len(report.submissions)} submissions", style="bold"))
    console.print()
    grid = Table.grid(padding=(0, 2), expand=False)
    grid.add_column(overflow="fold", min_width=12)
    grid.add_column(overflow="fold")
    grid.add_column(overflow="fold", ratio=None)
    head = ("submission", "platform", "score")
    grid.add_row(*(Text(name, style="dim") for name in head))
    for found in report.submissions:
        platform = (found.result.platform if found.result else None) or "–"
        told = words.score_sentence(found.score) if found.outcome == "graded" else words.standing(found)
        grid.add_row(Text(found.source), Text(platform), Text(told))
    console.print(grid)
    up = [(found.source, told) for found in report.submissions for told in words.running(found)]
    if up:
        console.print()
        console.print(Text("Endpoints that are up, and cost money:", style="bold"))
        for source, told in up:
            console.print(Padding(Text(f"{source}: {told}", overflow="fold"), (0, 0, 0, 2)))
    summary = summarise(report)
    if summary is None:
        return
    console.print()
    for sentence in sentences(summary):
        console.print(Text(sentence))
    if summary.failed:
        console.print(Text("Failed most often:"))
        for identifier, title, count in summary.failed:
            console.print(Text(f"  {count}×  {title} ({identifier})"))
