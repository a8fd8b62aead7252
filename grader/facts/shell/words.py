"""Reading one word: its letters, quotes, variables and substitutions."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod

from grader.facts.shell.parts import (
    SH,
    HereDocument,
    Letters,
    Part,
    RawCommand,
    RawWord,
    Style,
    Substitution,
    Variable,
)
from grader.patterns import pattern

MOST_NESTING = 24
"""Substitutions in substitutions; deeper ones are read as letters."""
_MOST_BACKTICKS = 3

_BLANKS = pattern(r"[ \t\r\f\v\0]+")
_PLACEHOLDER = pattern(r"<[A-Za-z_][\w.\-]{0,60}(?:[ /:][\w.\-]{1,40}){0,6}>(?![A-Za-z0-9>&])")
_ASSIGNS = pattern(r"[A-Za-z_]\w{0,100}\+?=\Z")
_NAME = pattern(r"[A-Za-z_]\w*")
_SPECIAL = pattern(r"[0-9@*#?$!-]")
_BRACED = pattern(r"\$\{(?P<length>#?)!?(?P<name>[A-Za-z_]\w*|[0-9@*#?]+)(?P<index>\[[^\]\n]{0,80}\])?")
_OPERATOR = pattern(r":?[-=?+]")
_MAKE_NAME = pattern(r"\$(?:\((?P<a>[\w.\-]{1,100})\)|\{(?P<b>[\w.\-]{1,100})\}|(?P<c>[A-Za-z@<^?*+]))")
_MAKE_SHELL = pattern(r"\$\(shell[ \t]+")
_ENVIRONMENT = pattern(r"\$env:(?P<a>[A-Za-z_]\w*)|\$\{env:(?P<b>[A-Za-z_]\w*)\}", re.IGNORECASE)
_PERCENT = pattern(r"%(?P<a>[A-Za-z_][\w.\-]{0,100})%|!(?P<b>[A-Za-z_][\w.\-]{0,100})!")


class UnclosedError(Exception):
    """A quote that was opened at ``at`` and never closed."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


class WordReader(ABC):
    """A position in shell text, and how words are read from there. Commands are its subclass's business."""

    def __init__(self, text: str, line: int, style: Style, depth: int = 0) -> None:
        self.text, self.line, self.style, self.depth = text, line, style, depth
        self.pos = 0
        self.out: list[RawCommand] = []
        self.pending: list[HereDocument] = []
        self.literal_until = 0  # quotes before this position are letters
        self.safe = (0, line, 0)
        self.base_depth = depth
        self.backticks_close = True
        self.in_array = False
        marks = style.escape + ("%!" if style.variables == "%" else "$`")
        self._run = re.compile("[^" + re.escape(' \t\n\r\f\v\0;&|<>()"' + marks + style.quotes) + "]+")
        self._quoted_run = re.compile("[^" + re.escape('"\n' + marks) + "]+")

    @abstractmethod
    def nested(self, closer: str) -> None:
        """Read the commands of a substitution up to ``closer``."""

    @abstractmethod
    def newline(self) -> None:
        """Consume a line's end, and the here-documents that wait for it."""

    @abstractmethod
    def commands_of(self, text: str, line: int) -> list[RawCommand]:
        """The commands of a text of its own, one level deeper."""

    def peek(self) -> str:
        return self.text[self.pos : self.pos + 1]

    def blanks(self) -> None:
        """Skip blanks and continued lines."""
        while True:
            match = _BLANKS.match(self.text, self.pos)
            if match:
                self.pos = match.end()
            if not self.continuation():
                return

    def continuation(self) -> bool:
        """Skip an escaped line end, also with blanks behind the escape: people paste them so."""
        if not self.text.startswith(self.style.escape, self.pos):
            return False
        after = _BLANKS.match(self.text, self.pos + 1)
        end = after.end() if after else self.pos + 1
        if end > self.pos + 40 or not self.text.startswith("\n", end):
            return False
        self.pos = end + 1
        self.line += 1
        return True

    def placeholder(self) -> re.Match[str] | None:
        return _PLACEHOLDER.match(self.text, self.pos) if self.peek() == "<" else None

    def word(self) -> RawWord:
        word = RawWord(self.line)
        add = word.parts.append
        while self.pos < len(self.text):
            run = self._run.match(self.text, self.pos)
            if run:
                add(Letters(run.group(), self.line))
                self.pos = run.end()
                if run.end() == len(self.text):
                    break
            char = self.text[self.pos]
            if char == '"' or (char == "'" and self.style.single_quotes):
                self.quotes(char, word.parts)
            elif char == "<" and (match := self.placeholder()):
                add(Letters(match.group(), self.line, quoted=True))
                self.pos = match.end()
            elif char == "(" and self.assigns(word):
                self.array(word)
            elif char in " \t\n\r\f\v\0;&|<>()":
                break
            elif char == self.style.escape:
                if self.continuation():
                    continue
                letter = self.text[self.pos + 1 : self.pos + 2]
                add(Letters(letter or char, self.line, quoted=True))
                self.line += letter == "\n"
                self.pos += 1 + len(letter)
            else:
                add(self.reference(quoted=False))
        return word

    def assigns(self, word: RawWord) -> bool:
        head = word.plain()
        fits = self.style is SH and head is not None and not self.in_array
        return fits and _ASSIGNS.match(head or "") is not None

    def array(self, word: RawWord) -> None:
        """Elements between parentheses."""
        self.pos += 1
        self.in_array = True
        elements: list[RawWord] = []
        while self.pos < len(self.text):
            self.blanks()
            char = self.peek()
            if char == ")":
                self.pos += 1
                break
            if char == "\n":
                self.newline()
            elif char == "#":
                end = self.text.find("\n", self.pos)
                self.pos = len(self.text) if end < 0 else end
            else:
                before = self.pos
                element = self.word()
                if self.pos == before:
                    self.pos += 1
                else:
                    elements.append(element)
        self.in_array = False
        word.elements = elements

    def quotes(self, mark: str, parts: list[Part]) -> None:
        start = self.pos
        if start < self.literal_until:
            self.pos += 1
            parts.append(Letters(mark, self.line))
            return
        if mark == "'":
            end = self.text.find("'", start + 1)
            if end < 0:
                raise UnclosedError(start)
            inside = self.text[start + 1 : end]
            parts.append(Letters(inside, self.line, quoted=True))
            self.line += inside.count("\n")
            self.pos = end + 1
            return
        self.pos += 1
        parts += self.quoted_parts(start)

    def quoted_parts(self, start: int | None) -> list[Part]:
        """What stands between double quotes; with ``start`` None, up to the end of the text."""
        parts: list[Part] = [Letters("", self.line, quoted=True)]
        while self.pos < len(self.text):
            run = self._quoted_run.match(self.text, self.pos)
            if run:
                parts.append(Letters(run.group(), self.line, quoted=True))
                self.pos = run.end()
                continue
            char = self.text[self.pos]
            if char == '"' and start is not None:
                self.pos += 1
                return parts
            if char == self.style.escape:
                following = self.text[self.pos + 1 : self.pos + 2]
                self.pos += 1 + len(following)
                if following == "\n":
                    self.line += 1
                    continue
                kept = following if following and following in '$`"\\' else char + following
                parts.append(Letters(kept, self.line, quoted=True))
            elif char in "$`%!":
                parts.append(self.reference(quoted=True))
            else:
                parts.append(Letters(char, self.line, quoted=True))
                self.line += char == "\n"
                self.pos += 1
        if start is not None:
            raise UnclosedError(start)
        return parts

    # References

    def reference(self, *, quoted: bool) -> Part:
        """What a ``$``, a backtick or a ``%`` begins; at least one character is consumed."""
        start, line = self.pos, self.line
        char = self.text[start]
        if char == "`" and self.style.escape != "`":
            return self.backticks(quoted)
        if self.style.variables == "%":
            match = _PERCENT.match(self.text, start)
            if match:
                self.pos = match.end()
                return Variable((match["a"] or match["b"]).upper(), match.group(), line, quoted)
            self.pos += 1
            return Letters(char, line, quoted)
        if char != "$":
            self.pos += 1
            return Letters(char, line, quoted)
        if self.style.variables == "make":
            if self.text.startswith("$$", start):
                self.pos += 1  # what the recipe's shell will see as one $
            elif match := _MAKE_NAME.match(self.text, start):
                self.pos = match.end()
                return Variable(match["a"] or match["b"] or match["c"], match.group(), line, quoted)
            elif match := _MAKE_SHELL.match(self.text, start):
                return self.substitution(match.end(), quoted, start)
        if match := _ENVIRONMENT.match(self.text, self.pos):
            self.pos = match.end()
            return Variable(match["a"] or match["b"], match.group(), line, quoted)
        return self.dollar(quoted)

    def dollar(self, quoted: bool) -> Part:
        start, line = self.pos, self.line
        following = self.text[start + 1 : start + 2]
        if following == "(":
            if self.text.startswith("((", start + 1) and self.style.subshells:
                self.arithmetic(start + 3)
                return Substitution(self.text[start : self.pos][:200], line, quoted)
            return self.substitution(start + 2, quoted, start)
        if following == "{":
            return self.braced(quoted)
        if following == "'" and not quoted and start >= self.literal_until:
            end = self.text.find("'", start + 2)
            if end > 0:
                inside = self.text[start + 2 : end]
                self.pos = end + 1
                self.line += inside.count("\n")
                return Letters(inside.replace("\\n", "\n").replace("\\t", "\t"), line, quoted=True)
        match = _NAME.match(self.text, start + 1) or _SPECIAL.match(self.text, start + 1)
        if match:
            self.pos = match.end()
            return Variable(match.group(), "$" + match.group(), line, quoted, each=match.group() == "@")
        self.pos = start + 1
        return Letters("$", line, quoted)

    def substitution(self, inside: int, quoted: bool, start: int) -> Part:
        line = self.line
        if self.depth >= MOST_NESTING:
            self.pos = inside
            return Letters(self.text[start:inside], line, quoted)
        waiting, self.pending = self.pending, []
        self.pos = inside
        self.nested(")")
        self.pending = waiting
        return Substitution(self.text[start : min(self.pos, start + 200)], line, quoted)

    def braced(self, quoted: bool) -> Part:
        start, line = self.pos, self.line
        match = _BRACED.match(self.text, start)
        if match is None or self.depth >= MOST_NESTING:
            self.pos = start + 1
            return Letters("$", line, quoted)
        self.pos = match.end()
        default: tuple[Part, ...] | None = None
        simple = not match["length"]
        if self.peek() != "}":
            operator = _OPERATOR.match(self.text, self.pos)
            inside: list[Part] = []
            if operator:
                self.pos = operator.end()
            self.until_brace(inside)
            if operator and operator.group()[-1] in "-=":
                default = tuple(inside)
            elif not (operator and operator.group()[-1] == "?"):
                simple = False  # ${NAME%suffix}, ${NAME/a/b}: a value of its own
        if self.peek() == "}":
            self.pos += 1
        raw = self.text[start : min(self.pos, start + 200)]
        if not simple:
            return Substitution(raw, line, quoted)
        each = match["index"] in ("[@]", "[*]")
        if match["index"] and not each:
            return Substitution(raw, line, quoted)
        return Variable(match["name"], raw, line, quoted, default, each)

    def until_brace(self, parts: list[Part]) -> None:
        """Parts up to the ``}`` of a ``${...}``, which is left; a line's end ends it too."""
        self.depth += 1
        while self.pos < len(self.text):
            char = self.text[self.pos]
            if char in "}\n":
                break
            if char == '"' or (char == "'" and not (parts and parts[-1].quoted)):
                self.quotes(char, parts)
            elif char == "\\":
                parts.append(Letters(self.text[self.pos + 1 : self.pos + 2], self.line, quoted=True))
                self.line += self.text.startswith("\n", self.pos + 1)
                self.pos += 2
            elif char in "$`" and self.depth < MOST_NESTING:
                parts.append(self.reference(quoted=True))
            else:
                parts.append(Letters(char, self.line, quoted=True))
                self.pos += 1
        self.depth -= 1

    def backticks(self, quoted: bool) -> Part:
        start, line = self.pos, self.line
        end = start + 1 if self.backticks_close else len(self.text)
        while end < len(self.text) and self.text[end] != "`":
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text) or self.depth >= _MOST_BACKTICKS:
            self.backticks_close = end < len(self.text)
            self.pos = start + 1
            return Letters("`", line, quoted)
        inside = self.text[start + 1 : end]
        self.out += self.commands_of(inside.replace("\\`", "`"), line)
        self.pos = end + 1
        self.line += inside.count("\n")
        return Substitution(self.text[start : min(self.pos, start + 200)], line, quoted)

    def arithmetic(self, inside: int) -> None:
        """Skip ``((...))``; parentheses in it balance."""
        depth, self.pos = 2, inside
        while self.pos < len(self.text) and depth:
            char = self.text[self.pos]
            depth += (char == "(") - (char == ")")
            self.line += char == "\n"
            self.pos += 1
