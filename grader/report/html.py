"""The report as one HTML file: no script, nothing from elsewhere, and a policy that forbids both.

Readable in light and dark, on paper, by keyboard and by ear. Every text goes through ``_e``; nothing else is put
into the page but numbers and fixed words.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape

from grader.report import words
from grader.report.model import Item, PlatformResult, Report, Score, SubmissionReport
from grader.report.statistics import sentences, summarise
from grader.report.style import STYLE


def _e(text: str) -> str:
    return escape(text, quote=True)


def _sentence(text: str) -> str:
    """A sentence of ours: what it has between backticks is code."""
    return "".join(
        f"<code>{_e(piece)}</code>" if is_code else _e(piece) for is_code, piece in words.spans(text)
    )


def render(report: Report) -> str:
    """The whole report as a page; several submissions are preceded by a table of them all."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_e(policy)}">',
        '<meta name="referrer" content="no-referrer">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{_e(report.rubric_title)}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<h1>{_e(report.rubric_title)}</h1>",
    ]
    if len(report.submissions) > 1:
        parts += _summary(report)
    for index, submission in enumerate(report.submissions, 1):
        parts += _submission(submission, index)
    parts += [
        f"<footer>Graded by deploy-lab-grader {_e(report.grader_version)} with the rubric "
        f"{_e(str(report.rubric.get('id', '')))}, version {_e(str(report.rubric.get('version', '')))}.</footer>",
        "</main>",
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def _submission(found: SubmissionReport, index: int) -> list[str]:
    about = " · ".join(_e(part) for part in (words.standing(found), *words.version_of(found)))
    parts = [
        f'<article id="s{index}">',
        f'<h2 class="source">{_e(found.source)}</h2>',
        f'<p class="about">{about}</p>',
    ]
    if found.problem is not None:
        parts.append(f'<p class="problem">{_sentence(found.problem)}</p>')
    if found.score is not None:
        parts.append(f'<p class="score">{words.score_sentence(found.score)}</p>')
        parts += _bar(found.score, index)
    if found.result is not None:
        if words.own_score(found) is not None:
            parts.append(f"<p><strong>{_e(words.platform_heading(found.result))}</strong></p>")
        parts += _items(found.result, level=3)
    for other in found.other_platforms:
        parts += [
            '<details class="other">',
            f"<summary>{_e(words.other_heading(found, other))}</summary>",
            *_items(other, level=3),
            "</details>",
        ]
    asides = [*words.asides(found)]
    timing = words.timing(found)
    if timing:
        asides.append(timing)
    parts += [f'<p class="aside">{_e(aside)}</p>' for aside in asides]
    parts.append("</article>")
    return parts


def _bar(score: Score, index: int) -> list[str]:
    """The range as a bar: earned is full, open is hatched. The sentence above says the same in words."""
    if score.possible <= 0:
        return []
    low = max(0.0, min(100.0, 100 * score.low / score.possible))
    high = max(low, min(100.0, 100 * score.high / score.possible))
    return [
        f'<svg class="bar" role="img" width="100%" height="14" aria-label="{_e(words.score_sentence(score))}">',
        f'<defs><pattern id="open{index}" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect class="hatch" width="3" height="6"/></pattern></defs>',
        '<rect class="rest" width="100%" height="14" rx="3"/>',
        f'<rect fill="url(#open{index})" x="{low:.2f}%" width="{high - low:.2f}%" height="14"/>',
        f'<rect class="low" width="{low:.2f}%" height="14" rx="3"/>',
        "</svg>",
    ]


def _items(result: PlatformResult, *, level: int) -> list[str]:
    parts: list[str] = []
    for title, items in words.by_section(result):
        parts.append(f"<h{level}>{_e(title)}</h{level}>")
        for item in items:
            parts += _item(item)
    return parts


def _item(item: Item) -> list[str]:
    look = words.LOOKS[item.status]
    marked = ' <span class="marked">marked</span>' if item.mark is not None else ""
    return [
        f'<details class="item"{" open" if words.needs_words(item) else ""}>',
        "<summary>"
        f'<span class="chip {item.status.value}"><span aria-hidden="true">{look.sign}</span> {look.word}</span>'
        f'<span class="title">{_sentence(item.title)}{marked}</span>'
        f'<span class="points">{words.earned(item)}</span></summary>',
        f"<p>{_sentence(item.message)}</p>",
        *_places(item),
        *_advice(item),
        f'<p class="id">{_e(item.id)}</p>',
        "</details>",
    ]


def _places(item: Item) -> list[str]:
    if not item.evidence:
        return []
    parts = ['<ul class="places">']
    for place in item.evidence:
        excerpt = f"<pre>{_e(place.excerpt)}</pre>" if place.excerpt else ""
        parts.append(f"<li><code>{_e(words.where(place))}</code>{excerpt}</li>")
    more = words.more_places(item, len(item.evidence))
    if more:
        parts.append(f"<li>{more}</li>")
    return [*parts, "</ul>"]


def _advice(item: Item) -> list[str]:
    parts = []
    if item.mark is not None and item.mark.comment and item.mark.comment not in item.message:
        parts.append(f"<p>Marker’s comment: {_e(item.mark.comment)}</p>")
    hint = words.advice(item)
    if hint:
        parts.append(f'<p class="hint"><strong>Hint:</strong> {_sentence(hint)}</p>')
    return parts


def _summary(report: Report) -> list[str]:
    parts = [
        "<table>",
        f"<caption>{len(report.submissions)} submissions</caption>",
        '<thead><tr><th scope="col">Submission</th><th scope="col">Platform</th><th scope="col">Score</th></tr></thead>',
        "<tbody>",
    ]
    for index, found in enumerate(report.submissions, 1):
        platform = (found.result.platform if found.result else None) or "–"
        told = words.score_sentence(found.score) if found.outcome == "graded" else words.standing(found)
        parts.append(
            f'<tr><th scope="row"><a href="#s{index}">{_e(found.source)}</a></th>'
            f"<td>{_e(platform)}</td><td>{_e(told)}</td></tr>"
        )
    parts += ["</tbody>", "</table>"]
    up = [(found.source, told) for found in report.submissions for told in words.running(found)]
    if up:
        parts.append("<p>Endpoints that are up, and cost money:</p><ul>")
        parts += [f"<li>{_e(source)}: {_e(told)}</li>" for source, told in up]
        parts.append("</ul>")
    summary = summarise(report)
    if summary is not None:
        parts.append(f"<p>{_e(' '.join(sentences(summary)))}</p>")
        if summary.failed:
            parts.append("<p>Failed most often:</p><ul>")
            parts += [
                f"<li>{count}× {_sentence(title)} (<code>{_e(i)}</code>)</li>"
                for i, title, count in summary.failed
            ]
            parts.append("</ul>")
    return parts
