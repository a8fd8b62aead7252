"""The gate through which every report goes before it is rendered: after it, no text can act on a terminal or a page.

Control characters, bidirectional marks and undecodable bytes become visible escapes, credentials in addresses become
``***``. What is left for a renderer is the escaping of its own format.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from grader.facts.asked import LiveEndpoint
from grader.facts.records import Place
from grader.facts.secrets import hide
from grader.report.model import Item, PlatformResult, Report, SubmissionReport
from grader.text import redact_url, visible


def line(text: str) -> str:
    r"""Text that may hold something of a submission: one line, everything unsafe shown (``\x1b``, ``\x0a``)."""
    return visible(redact_url(text))


def prose(text: str) -> str:
    """Text of the rubric, a check or a marker: line breaks are layout and become spaces, the rest as ``line``."""
    return line(" ".join(text.split()))


def _maybe(text: str | None) -> str | None:
    return None if text is None else line(text)


def place(found: Place) -> Place:
    """A place with its path and excerpt made visible, and no credential in the excerpt (the path stands)."""
    excerpt = None if found.excerpt is None else line(hide(found.excerpt))
    return found._replace(path=visible(found.path), excerpt=excerpt)


def item(found: Item) -> Item:
    """An item with every text made visible."""
    return found._replace(
        id=line(found.id),
        title=prose(found.title),
        section=prose(found.section),
        message=line(found.message),
        hint=prose(found.hint) if found.hint is not None else None,
        evidence=tuple(place(p) for p in found.evidence),
        because=_maybe(found.because),
        mark=found.mark._replace(comment=prose(found.mark.comment)) if found.mark is not None else None,
    )


def platform(found: PlatformResult) -> PlatformResult:
    """A platform's result with every text made visible."""
    return found._replace(platform=_maybe(found.platform), items=tuple(item(i) for i in found.items))


def endpoint(found: LiveEndpoint) -> LiveEndpoint:
    """A live endpoint with every text made visible; where it was asked, credentials in its answers were hidden already."""
    return LiveEndpoint(*(_texts(value) for value in found))


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        return line(value)
    if isinstance(value, tuple):
        made = [_texts(part) for part in value]
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    return value


def submission(found: SubmissionReport, *, source: bool = True) -> SubmissionReport:
    """A submission's report with every text made visible; ``source`` False leaves the source as given."""
    return found._replace(
        source=line(found.source) if source else redact_url(found.source),
        ref=_maybe(found.ref),
        commit=_maybe(found.commit),
        committed_at=_maybe(found.committed_at),
        excluded=tuple(line(glob) for glob in found.excluded),
        problem=_maybe(found.problem),
        result=platform(found.result) if found.result is not None else None,
        other_platforms=tuple(platform(p) for p in found.other_platforms),
        notes=tuple(line(note) for note in found.notes),
        timings=MappingProxyType({line(name): seconds for name, seconds in found.timings.items()}),
        endpoints=tuple(endpoint(one) for one in found.endpoints),
    )


def report(found: Report, *, sources: bool = True) -> Report:
    """A report with every text made visible. ``sources`` False leaves them as given, but for credentials (JSON)."""
    return found._replace(
        grader_version=line(found.grader_version),
        rubric=MappingProxyType(
            {key: line(value) if isinstance(value, str) else value for key, value in found.rubric.items()}
        ),
        rubric_title=prose(found.rubric_title),
        submissions=tuple(submission(s, source=sources) for s in found.submissions),
    )
