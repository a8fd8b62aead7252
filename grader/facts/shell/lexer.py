"""Shell text to simple commands, each a list of words whose parts are not yet expanded.

One pass over the characters, nesting bounded, quotes that never close read as letters (READMEs have them).
Commands inside substitutions, loops, branches and functions count; the text of a here-document does not. What
is understood is what students write, in four styles: POSIX shells with bash's extras, Makefile recipes,
cmd.exe and PowerShell.
"""

from __future__ import annotations

import re

from grader.facts.shell.parts import SH, HereDocument, Letters, Part, RawCommand, RawWord, Style, Substitution
from grader.facts.shell.words import MOST_NESTING, UnclosedError, WordReader
from grader.patterns import pattern

_MOST_REREAD = 200_000
_DOUBTED_MOST = 50

_REDIRECT = pattern(r"[0-9]*(?:<<<|<<-?|<&|<>|<|>>|>&|>\||>)|&>>?")
_DOUBLE = pattern(r"<<-?[ \t]*[\w][^<>\n]{0,80}>>")
_REM = pattern(r"@?rem\b|::", re.IGNORECASE)


def read(text: str, line: int = 1, style: Style = SH) -> list[RawCommand]:
    """The simple commands of ``text``, in the order in which they end; never raises.

    ``line`` is the number of its first line.
    """
    return _Reader(text.replace("\r\n", "\n").replace("\r", "\n"), line, style).all()


def parts_of(text: str, line: int, style: Style = SH) -> list[Part]:
    """``text`` as the inside of double quotes: letters, variables, substitutions (for values and here-
    documents).
    """
    reader = _Reader(text, line, style)
    reader.literal_until = len(text) + 1
    return reader.quoted_parts(None)


class _Reader(WordReader):
    """Commands, one after another."""

    doubted = 0

    def all(self) -> list[RawCommand]:
        read = 0
        while True:
            try:
                while self.pos < len(self.text):
                    self.commands(None)
                break
            except UnclosedError as problem:
                end = self.text.find("\n", problem.at)
                read += len(self.text) - self.safe[0]
                given_up = end < 0 or read > _MOST_REREAD or self.base_depth > 0
                self.literal_until = len(self.text) + 1 if given_up else end
                self.pos, self.line, kept = self.safe
                self.depth = self.base_depth
                self.pending.clear()
                self.in_array = False
                del self.out[kept:]
        return self.out

    def commands_of(self, text: str, line: int) -> list[RawCommand]:
        return _Reader(text, line, self.style, self.depth + 1).all()

    def commands(self, closer: str | None) -> None:
        """Read until ``closer`` (consumed) or the end. Only the outermost call has no closer."""
        current = RawCommand()
        cases = 0
        while True:
            self.blanks()
            char = self.peek()
            if not char:
                self.finish(current)
                return
            if char == "\n":
                current = self.finish(current)
                self.newline()
                if closer is None:
                    self.safe = (self.pos, self.line, len(self.out))
            elif self.comment_here(current):
                end = self.text.find("\n", self.pos)
                self.pos = len(self.text) if end < 0 else end
            elif char in ";&|" and not self.text.startswith("&>", self.pos):
                current = self.finish(current)
                self.pos += 1
            elif char == "(":
                self.pos += 1
                if self.text.startswith(")", self.pos) and len(current.words) == 1:
                    self.pos += 1  # name(): a function's head
                    current = RawCommand()
                elif self.style.subshells and self.text.startswith("(", self.pos) and not current.words:
                    self.arithmetic(self.pos + 1)
                elif self.style.subshells and self.depth < MOST_NESTING:
                    current = self.finish(current)
                    self.nested(")")
                else:
                    current = self.finish(current)
            elif char == ")":
                self.pos += 1
                if cases:
                    current = RawCommand()  # a pattern of case
                elif closer == ")":
                    self.finish(current)
                    return
                else:
                    current = self.finish(current)
            elif (match := _REDIRECT.match(self.text, self.pos)) and not self.placeholder():
                self.redirect(current, match)
            else:
                before = self.pos
                word = self.word()
                if self.pos == before:  # nothing known begins here: a letter
                    self.pos += 1
                    word.parts.append(Letters(char, self.line))
                head = word.plain() if not current.words else None
                cases += (head == "case") - (head == "esac" and cases > 0)
                current.words.append(word)

    def finish(self, command: RawCommand) -> RawCommand:
        if command.words or command.redirects:
            self.out.append(command)
        return RawCommand()

    def nested(self, closer: str) -> None:
        self.depth += 1
        self.commands(closer)
        self.depth -= 1

    def comment_here(self, current: RawCommand) -> bool:
        if self.style.comment:
            return self.text.startswith(self.style.comment, self.pos)
        if current.words:
            return False
        return _REM.match(self.text, self.pos) is not None

    def newline(self) -> None:
        """Consume a line's end and the here-documents that wait for it."""
        self.pos += 1
        self.line += 1
        for document in self.pending:
            document.line = self.line
            lines = []
            start, ended = (self.pos, self.line), False
            while self.pos < len(self.text):
                end = self.text.find("\n", self.pos)
                end = len(self.text) if end < 0 else end
                row = self.text[self.pos : end]
                self.pos = min(end + 1, len(self.text))
                self.line += 1
                if document.strip:
                    row = row.lstrip("\t")
                if row.rstrip(" \t") == document.delimiter:
                    ended = True
                    break
                lines.append(row)
            if document.doubtful and not ended:
                # `--name <<your name>>`: what the reader is to fill in, and no text that begins here
                self.pos, self.line = start
                continue
            document.text = "\n".join(lines)
        self.pending.clear()

    def redirect(self, current: RawCommand, match: re.Match[str]) -> None:
        operator = match.group().lstrip("0123456789")
        if operator in ("<", ">") and self.text.startswith("(", match.end()) and self.depth < MOST_NESTING:
            start = self.pos  # process substitution: a word of the command
            self.pos = match.end() + 1
            line = self.line
            self.nested(")")
            current.words.append(RawWord(line, [Substitution(self.text[start : self.pos][:200], line)]))
            return
        self.pos = match.end()
        self.blanks()
        target = self.word()
        if operator in ("<<", "<<-"):
            letters = "".join(p.text if isinstance(p, Letters) else p.raw for p in target.parts)
            if letters:
                literal = any(isinstance(p, Letters) and p.quoted for p in target.parts)
                document = HereDocument(letters, operator == "<<-", literal)
                if self.doubted < _DOUBTED_MOST and _DOUBLE.match(self.text, match.start()):
                    document.doubtful = True
                    self.doubted += 1
                current.here.append(document)
                self.pending.append(document)
        else:
            current.redirects.append((operator, target))
