"""What shell text consists of, before anything is expanded: commands, words and the parts of words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple


class Style(NamedTuple):
    """How a shell escapes, quotes, comments and names variables."""

    escape: str = "\\"
    single_quotes: bool = True
    comment: str = "#"
    variables: Literal["$", "%", "make"] = "$"
    subshells: bool = True

    @property
    def quotes(self) -> str:
        """The quote besides the double one, if any."""
        return "'" if self.single_quotes else ""


SH = Style()
MAKE = Style(variables="make")
BAT = Style(escape="^", single_quotes=False, comment="", variables="%", subshells=False)
POWERSHELL = Style(escape="`", subshells=False)


class Letters(NamedTuple):
    """Letters as they stand. ``quoted`` letters are never split nor taken for a keyword."""

    text: str
    line: int
    quoted: bool = False


class Variable(NamedTuple):
    """A reference: ``$NAME``, ``${NAME:-default}``, ``$(NAME)`` in a Makefile, ``%NAME%``.

    ``raw`` is what was written. ``default`` are the parts behind ``:-``, ``-``, ``:=`` or ``=``. ``each``:
    all elements of an array, split even inside quotes.
    """

    name: str
    raw: str
    line: int
    quoted: bool = False
    default: tuple[Part, ...] | None = None
    each: bool = False


class Substitution(NamedTuple):
    """``$(...)`` or backticks: its commands are listed on their own, its value is unknown."""

    raw: str
    line: int
    quoted: bool = False


Part = Letters | Variable | Substitution


@dataclass(slots=True)
class RawWord:
    """A word as written; ``elements`` where it assigns an array: ``NAME=(a b)``."""

    line: int
    parts: list[Part] = field(default_factory=list)
    elements: list[RawWord] | None = None

    def plain(self) -> str | None:
        """Its letters where it has nothing but unquoted ones, else None."""
        if self.elements is None and all(isinstance(p, Letters) and not p.quoted for p in self.parts):
            return "".join(p.text for p in self.parts if isinstance(p, Letters))
        return None


@dataclass(slots=True)
class HereDocument:
    """A here-document's text. ``line`` is that of its first line; ``literal``: nothing in it is expanded.

    ``doubtful``: it may be ``<<a placeholder>>``, and is one where no line ends it.
    """

    delimiter: str
    strip: bool
    literal: bool
    text: str = ""
    line: int = 0
    doubtful: bool = False


@dataclass(slots=True)
class RawCommand:
    """A simple command: words, redirections (operator, target) and here-documents."""

    words: list[RawWord] = field(default_factory=list)
    redirects: list[tuple[str, RawWord]] = field(default_factory=list)
    here: list[HereDocument] = field(default_factory=list)
