"""The report as JSON: the fields that other people's scripts rely on, in the documented order."""

from __future__ import annotations

import json
import re
from typing import Any

from grader.facts import asked
from grader.patterns import pattern
from grader.report.model import SCHEMA, Item, PlatformResult, Report, Score, SubmissionReport
from grader.report.words import number

# What JSON itself lets through raw, and a terminal would obey: written as JSON's own escape. Lone surrogates are no
# text at all, and are shown as the bytes they stand for.
_RAW = pattern("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_LONE = pattern("[\ud800-\udfff]")


def dump(value: Any) -> str:
    """``value`` as indented JSON text without any raw control character, bidirectional mark or lone surrogate."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    text = _RAW.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
    return _LONE.sub(_lone, text)


def _lone(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\\\u{code:04x}"


def render(report: Report) -> str:
    """The whole report as JSON text."""
    return dump(as_json(report))


def as_json(report: Report) -> dict[str, Any]:
    """The whole report as plain values, schema ``grade.report/1``."""
    return {
        "schema": SCHEMA,
        "grader": {"version": report.grader_version},
        "rubric": {key: report.rubric.get(key) for key in ("id", "version", "sha256")},
        "submissions": [_submission(s) for s in report.submissions],
    }


def _submission(found: SubmissionReport) -> dict[str, Any]:
    result = found.result
    return {
        "source": found.source,
        "ref": found.ref,
        "commit": found.commit,
        "committed_at": found.committed_at,
        "excluded": list(found.excluded),
        "outcome": found.outcome,
        "platform": result.platform if result else None,
        "score": _score(found.score),
        "items": [_item(i) for i in result.items] if result else [],
        "other_platforms": [_platform(p) for p in found.other_platforms],
        "timings": dict(found.timings),
        "problem": found.problem,
        "notes": list(found.notes),
        "hidden": found.hidden,
        "platform_score": _score(result.score) if result else None,
        "endpoints": [asked.out(endpoint) for endpoint in found.endpoints],
    }


def _platform(found: PlatformResult) -> dict[str, Any]:
    return {
        "platform": found.platform,
        "score": _score(found.score),
        "items": [_item(i) for i in found.items],
    }


def _score(score: Score | None) -> dict[str, Any] | None:
    if score is None:
        return None
    return {"low": number(score.low), "high": number(score.high), "possible": number(score.possible)}


def _item(item: Item) -> dict[str, Any]:
    mark = item.mark
    return {
        "id": item.id,
        "title": item.title,
        "status": item.status.value,
        "points": None if item.points is None else number(item.points),
        "possible": number(item.possible),
        "penalty": item.penalty,
        "deduction": number(item.deduction),
        "message": item.message,
        "hint": item.hint,
        "evidence": [
            {"path": p.path, "cell": p.cell, "line": p.line, "excerpt": p.excerpt} for p in item.evidence
        ],
        "section": item.section,
        "mark": None
        if mark is None
        else {
            "status": mark.status.value,
            "points": None if mark.points is None else number(mark.points),
            "comment": mark.comment,
        },
        "more_evidence": item.more_evidence,
        "open": item.open,
    }
