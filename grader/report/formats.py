"""The formats there are: their names, the endings of their files, and the one way to render a report."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from grader.report import shown
from grader.report.model import Report


class Format(NamedTuple):
    """A format: the ``endings`` of its files, and whether it wants sources as they were given (for scripts)."""

    name: str
    endings: tuple[str, ...]
    sources_as_given: bool = False


_FORMATS = {
    f.name: f
    for f in (
        Format("terminal", (".txt",)),
        Format("json", (".json",), sources_as_given=True),
        Format("markdown", (".md", ".markdown")),
        Format("html", (".html", ".htm")),
        Format("csv", (".csv",)),
    )
}


def names() -> tuple[str, ...]:
    """The formats' names, the default first."""
    return tuple(_FORMATS)


def of_file(file: str) -> str | None:
    """The format that the ending of ``file`` names, in any case; None for an unknown ending."""
    lowered = file.lower()
    for known in _FORMATS.values():
        if lowered.endswith(known.endings):
            return known.name
    return None


def render(
    report: Report, name: str, *, width: int = 80, color: bool = False, encoding: str = "utf-8"
) -> str:
    """``report`` in the format ``name``.

    ``width`` in columns, ``color`` and ``encoding`` (of the stream it goes to: what it cannot express is told in
    ASCII) concern the terminal alone.

    Raises:
        KeyError: there is no such format (see ``names``).
    """
    known = _FORMATS[name]
    safe = shown.report(report, sources=not known.sources_as_given)
    return _renderer(name, width, color, encoding)(safe)


def _renderer(name: str, width: int, color: bool, encoding: str) -> Callable[[Report], str]:
    # Each is imported when it is asked for: JSON needs neither rich nor a style sheet.
    if name == "json":
        from grader.report import jsonformat

        return jsonformat.render
    if name == "markdown":
        from grader.report import markdown

        return markdown.render
    if name == "html":
        from grader.report import html

        return html.render
    if name == "csv":
        from grader.report import csvformat

        return csvformat.render
    from grader.report import terminal

    return partial(terminal.render, width=width, color=color, encoding=encoding)
