"""Words with their variables resolved, and with the place where each stretch of their letters stands.

A shell does this when it runs; here it is done as far as the text tells. What cannot be told stays as
written, and the word says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from grader.facts.code import Origin
from grader.facts.shell.lexer import parts_of
from grader.facts.shell.parts import SH, Letters, Part, RawWord, Style, Substitution
from grader.patterns import pattern

MOST_VALUE = 4_000
"""Characters of a variable's value that are followed; a longer one stays as written."""
_MOST_GROWTH = 400_000


class Span(NamedTuple):
    """From ``offset`` on, the letters of a word stand at ``line``, or in a variable's literal at
    ``origin``.
    """

    offset: int
    line: int
    origin: Origin | None


class Word(NamedTuple):
    """A word of a command. ``known`` is False where a part of it could not be resolved and stands as
    written.
    """

    text: str
    line: int
    known: bool = True
    quoted: bool = False
    spans: tuple[Span, ...] = ()

    def at(self, offset: int) -> Span:
        """Where the letter at ``offset`` stands."""
        index = bisect_right(self.spans, offset, key=lambda span: span.offset) - 1
        return self.spans[index] if index >= 0 else Span(0, self.line, None)


class Value(NamedTuple):
    """What a variable holds. ``known`` False: a part could not be resolved. ``origin``: where its literal
    stands.
    """

    text: str
    origin: Origin | None
    known: bool = True


class _Building:
    """A word as it grows."""

    __slots__ = ("known", "length", "line", "pieces", "quoted", "spans")

    def __init__(self, line: int) -> None:
        self.line, self.length = line, 0
        self.pieces: list[str] = []
        self.spans: list[Span] = []
        self.known, self.quoted = True, False

    def add(self, text: str, line: int, origin: Origin | None) -> None:
        if not text:
            return
        last = self.spans[-1] if self.spans else None
        if last is None or last.line != line or last.origin != origin:
            self.spans.append(Span(self.length, line, origin))
        if origin is None and "\n" in text:
            for match in _LINE_END.finditer(text):
                line += 1
                self.spans.append(Span(self.length + match.end(), line, None))
        self.pieces.append(text)
        self.length += len(text)

    def word(self) -> Word:
        return Word("".join(self.pieces), self.line, self.known, self.quoted, tuple(self.spans))


_LINE_END = pattern("\n")
_BRACES = pattern(r"\{\{?\s?([A-Za-z_]\w{0,100})\s?\}?\}")
_FIELD = pattern(r"\S+")


@dataclass(slots=True)
class Scope:
    """The variables of one text as of now. ``given`` are what surrounds it (a notebook's Python names)."""

    path: str
    cell: int | None
    given: Mapping[str, str]
    origins: Mapping[str, Origin]
    style: Style = SH
    values: dict[str, Value | None] = field(default_factory=dict)
    growth: int = 0

    def get(self, name: str) -> Value | None:
        """The value of ``name``, None where it is not known."""
        if name in self.values:
            return self.values[name]
        if name in self.given:
            return Value(self.given[name], self.origins.get(name))
        return None

    def set(self, name: str, value: Word) -> None:
        """``name`` holds ``value`` from here on; where the value came whole from a variable, that one's
        literal counts.
        """
        if self.style.variables == "%":
            name = name.upper()
        first = value.spans[0] if value.spans else Span(0, value.line, None)
        whole = first.origin if first.origin and len(value.spans) == 1 else None
        origin = whole or Origin(self.path, self.cell, first.line, "shell-variable")
        self.values[name] = Value(value.text[: MOST_VALUE + 1], origin, value.known)

    def unset(self, name: str) -> None:
        """``name`` holds what nobody here knows (``read NAME``)."""
        self.values[name] = None

    # Expansion

    def words(self, raw: RawWord) -> list[Word]:
        """The words that one written word becomes: usually one, none for an empty variable, more where a
        value splits.
        """
        done: list[Word] = []
        building = _Building(raw.line)
        started = False
        for part, split in self._pieces(raw.parts, 0):
            text, line, origin, known = part
            building.known = building.known and known
            if not split or not text or not _splits(text):
                building.add(text, line, origin)
                started = started or bool(text) or not split
                building.quoted = building.quoted or not split
                continue
            position = 0
            for match in _FIELD.finditer(text):
                if match.start() > position or (match.start() and not position):
                    if started:
                        done.append(building.word())
                    building, started = _Building(line), False
                building.add(match.group(), line, origin)
                building.known, started, position = known, True, match.end()
            if position < len(text) and started:
                done.append(building.word())
                building, started = _Building(line), False
        if started:
            done.append(building.word())
        return done

    def whole(self, parts: Iterable[Part], line: int) -> Word:
        """The parts as one word, nothing split (values, redirection targets, here-documents)."""
        building = _Building(line)
        for (text, at, origin, known), _ in self._pieces(parts, 0):
            building.add(text, at, origin)
            building.known = building.known and known
        return building.word()

    def document(self, text: str, line: int) -> Word:
        """A here-document's text with its variables resolved."""
        return self.whole(parts_of(text, line, self.style), line)

    def _pieces(
        self, parts: Iterable[Part], depth: int
    ) -> Iterator[tuple[tuple[str, int, Origin | None, bool], bool]]:
        """((text, line, origin, known), whether a shell would split it) for each stretch."""
        for part in parts:
            if isinstance(part, Letters):
                if self.given and "{" in part.text:
                    yield from ((piece, False) for piece in self._braces(part))
                else:
                    # Bare letters hold no blanks, so they never split; quoted empty ones make an empty word.
                    yield (part.text, part.line, None, True), not part.quoted
                continue
            if isinstance(part, Substitution):
                yield (part.raw, part.line, None, False), False
                continue
            value = self.get(part.name)
            if value is None or (not value.text and part.default):
                if part.default is not None and depth < 4:
                    for piece, _ in self._pieces(part.default, depth + 1):
                        yield piece, not part.quoted
                else:
                    yield (part.raw, part.line, None, False), False
                continue
            self.growth += len(value.text)
            if len(value.text) > MOST_VALUE or self.growth > _MOST_GROWTH:
                yield (part.raw, part.line, None, False), False
            else:
                yield (
                    (value.text, part.line, value.origin, value.known),
                    value.known and (not part.quoted or part.each),
                )

    def _braces(self, part: Letters) -> Iterator[tuple[str, int, Origin | None, bool]]:
        """IPython's ``{NAME}`` in letters, where that name is known."""
        position, line = 0, part.line
        for match in _BRACES.finditer(part.text):
            value = self.get(match.group(1))
            if value is None or len(value.text) > MOST_VALUE or self.growth > _MOST_GROWTH:
                continue
            self.growth += len(value.text)
            before = part.text[position : match.start()]
            yield before, line, None, True
            line += before.count("\n")
            yield value.text, line, value.origin, value.known
            position = match.end()
        yield part.text[position:], line, None, True


def _splits(text: str) -> bool:
    return any(char.isspace() for char in text)
