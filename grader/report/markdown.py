"""The report as Markdown (GitHub's flavour): for an issue, a pull request, a job summary.

Texts of a submission stand in code spans or are escaped, so that they are shown and do nothing: no link, image, HTML,
mention, formula or table cell of their own.
"""

from __future__ import annotations

import re

from grader.patterns import pattern
from grader.report import words
from grader.report.model import Item, PlatformResult, Report, SubmissionReport
from grader.report.statistics import sentences, summarise

_SPECIAL = pattern(r"([\\`*_\[\]<>&~|$])")
# What a code host turns into something without any markup: addresses, mentions, references to issues, emoji.
_ACTIVE = pattern(r"://|www\.|@|#\d|\bGH-\d|mailto:|xmpp:|:[\w+-]+:", re.IGNORECASE)
_OPENING = pattern(r"^([#+=-]|\d+(?=[.)]))")


def text(told: str) -> str:
    """``told`` as plain words in a paragraph, a list item, a heading or a table's cell."""
    return "".join(
        piece if not piece.strip() else code(piece) if _ACTIVE.search(piece) else _SPECIAL.sub(r"\\\1", piece)
        for piece in re.split(r"(\s+)", told.strip())
    )


def opening(made: str) -> str:
    """Markdown ``made`` at the beginning of a block, where ``#``, ``-``, ``+``, ``=`` and ``1.`` would mean something."""
    return _OPENING.sub(_inert, made)


def _inert(match: re.Match[str]) -> str:
    first, rest = match.group()[0], match.group()[1:]
    return f"&#{ord(first)};{rest}" if first.isdigit() else f"\\{first}{rest}"


def code(told: str) -> str:
    """``told`` as a code span, whatever backticks are in it."""
    if not told.strip():
        return "` `"
    longest = max((len(run) for run in re.findall("`+", told)), default=0)
    fence = "`" * (longest + 1)
    padded = f" {told} " if told[0] in "` " or told[-1] in "` " else told
    return f"{fence}{padded}{fence}"


def cell(told: str) -> str:
    """``told`` as a table's cell: as ``inline``, and a bar in it splits nothing, neither inside a code span."""
    if "|" not in told:
        return inline(told)
    return "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in told)


def inline(told: str) -> str:
    """Words of ours with something of a submission in them: what stands between backticks is code, the rest plain."""
    made = ""
    for is_code, piece in words.spans(told):
        if is_code:
            following = code(piece)
        else:
            lead = " " if piece[:1].isspace() else ""
            trail = " " if piece[-1:].isspace() and piece.strip() else ""
            following = f"{lead}{text(piece)}{trail}"
        # Two code spans side by side would run into each other's backticks.
        apart = " " if made.endswith("`") and following.startswith("`") else ""
        made += apart + following
    return made.strip()


def sentence(told: str) -> str:
    """As ``inline``, at the beginning of a block."""
    return opening(inline(told))


def render(report: Report) -> str:
    """The whole report; several submissions are preceded by a table of them all."""
    lines = [f"# {text(report.rubric_title)}", ""]
    if len(report.submissions) > 1:
        lines += _summary(report)
    for submission in report.submissions:
        lines += _submission(submission)
    lines.append(f"<sub>Graded by deploy-lab-grader {text(report.grader_version)}.</sub>")
    return "\n".join(lines) + "\n"


def _submission(found: SubmissionReport) -> list[str]:
    lines = [f"## {code(found.source)}", ""]
    head = [f"**{words.score_sentence(found.score)}**"] if found.score is not None else []
    head.append(text(words.standing(found)))
    head += [code(part) for part in words.version_of(found)]
    lines += [" · ".join(head), ""]
    if found.problem is not None:
        lines += [sentence(found.problem), ""]
    if found.result is not None:
        if words.own_score(found) is not None:
            lines += [f"**{text(words.platform_heading(found.result))}**", ""]
        lines += _table(found.result)
        for item in found.result.items:
            if words.needs_words(item):
                lines += _details(item)
    for other in found.other_platforms:
        heading = text(words.other_heading(found, other))
        lines += ["<details>", f"<summary>{heading}</summary>", "", *_table(other)]
        lines += [
            f"- {words.LOOKS[i.status].sign} **{inline(i.title)}**: {sentence(i.message)}"
            for i in other.items
            if words.needs_words(i) and i.because is None
        ]
        lines += ["", "</details>", ""]
    asides = [*words.asides(found)]
    timing = words.timing(found)
    if timing:
        asides.append(timing)
    lines += [f"- {opening(text(aside))}" for aside in asides]
    return [*lines, ""]


def _table(result: PlatformResult) -> list[str]:
    lines: list[str] = []
    for title, items in words.by_section(result):
        lines += [f"| {cell(title) or ' '} | Status | Points |", "|---|---|---:|"]
        for item in items:
            look = words.LOOKS[item.status]
            marked = " (marked)" if item.mark is not None else ""
            lines.append(f"| {cell(item.title)} | {look.sign} {look.word}{marked} | {words.earned(item)} |")
        lines.append("")
    return lines


def _details(item: Item) -> list[str]:
    look = words.LOOKS[item.status]
    lines = [f"### {look.sign} {look.word}: {inline(item.title)}", "", sentence(item.message), ""]
    for place in item.evidence:
        excerpt = f": {code(place.excerpt)}" if place.excerpt and place.excerpt.strip() else ""
        lines.append(f"- {code(words.where(place))}{excerpt}")
    more = words.more_places(item, len(item.evidence))
    if more:
        lines.append(f"- {more}")
    if item.evidence or more:
        lines.append("")
    if item.mark is not None and item.mark.comment and item.mark.comment not in item.message:
        lines += [f"Marker's comment: {text(item.mark.comment)}", ""]
    hint = words.advice(item)
    if hint:
        lines += [f"**Hint:** {sentence(hint)}", ""]
    return lines


def _summary(report: Report) -> list[str]:
    lines = ["| Submission | Platform | Score |", "|---|---|---|"]
    for found in report.submissions:
        platform = (found.result.platform if found.result else None) or "–"
        told = words.score_sentence(found.score) if found.outcome == "graded" else words.standing(found)
        lines.append(f"| {cell(found.source)} | {cell(platform)} | {told} |")
    lines.append("")
    up = [(found.source, told) for found in report.submissions for told in words.running(found)]
    if up:
        lines += ["Endpoints that are up, and cost money:", ""]
        lines += [f"- {code(source)}: {text(told)}" for source, told in up]
        lines.append("")
    summary = summarise(report)
    if summary is not None:
        lines += [" ".join(sentences(summary)), ""]
        if summary.failed:
            lines += ["Failed most often:", ""]
            lines += [f"- {count}× {inline(title)} ({code(i)})" for i, title, count in summary.failed]
            lines.append("")
    return lines
