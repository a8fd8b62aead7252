"""What all terminal texts share: a rich console that writes into a string, and glyphs that the stream can express.

rich is imported here and in the modules for the terminal only. Every text is a ``Text`` object, never markup.
"""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console
from rich.text import Text

from grader.checks.verdict import Status
from grader.report.words import spans

STYLES: dict[Status, str] = {
    Status.PASS: "green",
    Status.PARTIAL: "yellow",
    Status.FAIL: "red",
    Status.REVIEW: "cyan",
    Status.ERROR: "magenta",
    Status.SKIPPED: "dim",
    Status.NOT_APPLICABLE: "dim",
}

# Our own glyphs in ASCII, for streams that know no others.
_PLAIN = {
    "✓": "+",
    "◐": "~",
    "✗": "x",
    "»": ">",
    "·": "-",
    "–": "-",
    "−": "-",
    "…": "...",
    "█": "#",
    "▒": "=",
    "░": ".",
    "─": "-",
    "━": "-",
    "│": "|",
    "×": "x",
}


def drawn(draw: Callable[[Console], None], *, width: int, color: bool, encoding: str = "utf-8") -> str:
    """What ``draw`` prints on a console of ``width`` columns (at least 40), as text for a stream of ``encoding``."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=max(40, width),
        force_terminal=color,
        force_interactive=False,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
        soft_wrap=False,
        # The environment has been asked already, by whoever chose width and colour.
        _environ={},
    )
    draw(console)
    text = "\n".join(line.rstrip() for line in out.getvalue().split("\n"))
    return expressible(text, encoding)


def expressible(text: str, encoding: str) -> str:
    """``text`` with what ``encoding`` lacks in ASCII: our glyphs by likeness, the rest as escapes."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        likeness = {ord(glyph): plain for glyph, plain in _PLAIN.items()}
        return text.translate(likeness).encode(encoding, "backslashreplace").decode(encoding)
    except LookupError:  # a stream with an encoding that Python does not know
        return expressible(text, "ascii")
    return text


def prose(text: str, style: str = "") -> Text:
    """A sentence, what stands between backticks set off (the backticks stay: without colour they are all there is)."""
    made = Text(style=style)
    for is_code, piece in spans(text):
        if is_code:
            made.append(f"`{piece}`", style="bold")
        else:
            made.append(piece)
    return made
