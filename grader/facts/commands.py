"""The commands of a submission: what its scripts, notebooks and READMEs tell a shell to do, with variables
resolved.

Read, never run. Of all commands those become facts that deploy something or that instructions consist of;
copies, renames and files written by a shell are kept beside them, since a deployment may be made of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from grader.facts.code import ShellText, WrittenText
from grader.facts.records import Command, Unread
from grader.facts.shell import lexer
from grader.facts.shell.expand import Scope, Value, Word
from grader.facts.shell.parts import BAT, MAKE, POWERSHELL, SH, Letters, RawCommand, RawWord, Style, Variable
from grader.facts.shell.prefixes import unwrapped
from grader.facts.shell.sources import from_block, from_file, makefile_parts
from grader.facts.shell.verbs import verb_of
from grader.patterns import pattern

__all__ = ["ParsedCommand", "from_block", "from_file", "read", "read_all", "records", "unread_of"]

PROGRAMS = frozenset(
    {"gcloud", "gsutil", "aws", "tar", "cp", "mv", "copy", "move", "curl", "docker", "mlflow"}
    | {"python", "python2", "python3", "py"}
)
"""Programs whose commands are facts: the clouds' own, and those that lay a script in its place, pack a model, serve
it or call an endpoint.
"""

_STYLES: Mapping[str, Style] = {
    "sh": SH,
    "bat": BAT,
    "make": MAKE,
    "powershell": POWERSHELL,
}
_KEYWORDS = frozenset(
    [
        "if",
        "then",
        "elif",
        "else",
        "fi",
        "do",
        "done",
        "while",
        "until",
        "{",
        "}",
        "!",
        "time",
        "coproc",
        "in",
    ]
)
_SHELLS = frozenset({"bash", "sh", "zsh", "ksh", "dash", "powershell", "pwsh"})
_SETTERS = frozenset(["export", "declare", "typeset", "local", "readonly", "set", "setx", "setenv", "env:"])
_ASSIGNMENT = pattern(r"([A-Za-z_]\w{0,100})(\+?)=")
_DASHES = pattern("^[\u2010-\u2015\u2212]+(?=[a-z])")
_FLAG_NAME = pattern(r"--?[A-Za-z][\w-]*\Z")
_EXECUTABLE = pattern(r"\.(?:cmd|exe|bat|ps1)\Z", re.IGNORECASE)
_VERSIONED_PYTHON = pattern(r"python[23]\.[0-9]{1,2}\Z")
_MOST_SOURCED = 20_000
_MOST_SOURCES = 5
MOST_COMMANDS = 20_000
"""Commands of one text, and twice as many of all; what is beyond stays unread, and is told
(``unread_of``).
"""


class ParsedCommand(NamedTuple):
    """A command with its words. ``record`` is the fact, None for what only helps to understand the others.

    ``words`` are all after the program, flags before the verb included; ``input`` is a here-document fed to
    it; ``written`` a file that it writes (``cat > config.yaml <<EOF``, ``echo ... > config.yaml``). ``last``:
    a bound was hit here, and what follows was not read.
    """

    path: str
    cell: int | None
    line: int
    program: str
    words: tuple[Word, ...]
    record: Command | None = None
    input: Word | None = None
    written: WrittenText | None = None
    via: str = "code"
    last: bool = False

    def flag(self, *names: str) -> tuple[Word, int] | None:
        """The word that holds the value of the last of these flags and where the value begins in it.

        A flag without a value gives an empty word.
        """
        found: tuple[Word, int] | None = None
        for index, word in enumerate(self.words):
            name, equals, _ = word.text.partition("=")
            name = normal_flag(name)
            if name not in names:
                continue
            if equals:
                found = (word, len(word.text.partition("=")[0]) + 1)
            elif index + 1 < len(self.words) and not self.words[index + 1].text.startswith("--"):
                found = (self.words[index + 1], 0)
            else:
                found = (Word("", word.line), 0)
        return found

    def value(self, *names: str) -> str | None:
        """The value of the last of these flags, None where none of them is given."""
        found = self.flag(*names)
        return None if found is None else found[0].text[found[1] :]


def normal_flag(name: str) -> str:
    """A flag's name as its program knows it: pasted dashes are dashes, and ``_`` is ``-`` behind them."""
    name = _DASHES.sub("--", name)
    return "--" + name[2:].replace("_", "-") if name.startswith("--") else name


def records(run: Iterable[ParsedCommand]) -> tuple[Command, ...]:
    """The facts among the commands."""
    return tuple(command.record for command in run if command.record is not None)


def unread_of(run: Iterable[ParsedCommand]) -> tuple[Unread, ...]:
    """Where a bound on commands was hit."""
    why = f"more than {MOST_COMMANDS} commands; the rest was not read"
    return tuple(Unread(command.path, why) for command in run if command.last)


def read(text: ShellText) -> tuple[ParsedCommand, ...]:
    """The commands of one text, in order. Never raises."""
    return tuple(_Evaluation(text, {}).all())


def read_all(texts: Iterable[ShellText]) -> tuple[ParsedCommand, ...]:
    """The commands of all texts.

    Variables live on from block to block of one README, as in the reader's own shell, and come from the
    scripts that a script sources.
    """
    kept: dict[str, dict[str, Value | None]] = {}
    out: list[ParsedCommand] = []
    known = tuple(texts)
    scripts = {
        text.path: text
        for text in known
        if text.dialect == "sh" and text.cell is None and len(text.text) <= _MOST_SOURCED
    }
    for text in known:
        shared = kept.setdefault(text.path, {}) if text.via == "readme" else {}
        out += _Evaluation(text, shared, scripts=scripts).all()
        if len(out) >= 2 * MOST_COMMANDS:
            out[-1] = out[-1]._replace(last=True)
            break
    return tuple(out)


class _Evaluation:
    """One text, command by command, with the variables as of each."""

    def __init__(
        self,
        text: ShellText,
        shared: dict[str, Value | None],
        depth: int = 0,
        scripts: Mapping[str, ShellText] | None = None,
    ) -> None:
        self.text, self.depth, self.scripts = text, depth, scripts or {}
        self.sourced = 0
        self.style = _STYLES[text.dialect]
        self.scope = Scope(text.path, text.cell, text.variables, text.origins, self.style, shared)
        self.out: list[ParsedCommand] = []

    def all(self) -> list[ParsedCommand]:
        text = self.text
        if text.dialect != "make":
            self.lines(text.text, text.line)
            return self.out
        variables, recipes = makefile_parts(text.text, text.line)
        # Make expands a variable when it is used: twice over is enough for what refers to later ones.
        for _ in range(2):
            for name, value, line in variables:
                word = self.scope.whole(lexer.parts_of(value, line, self.style), line)
                self.scope.set(name, word)
        for recipe, line in recipes:
            self.lines(recipe, line)
        return self.out

    def lines(self, text: str, line: int) -> None:
        for raw in lexer.read(text, line, self.style):
            if len(self.out) >= MOST_COMMANDS:
                self.out[-1] = self.out[-1]._replace(last=True)
                return
            self.command(raw)

    def command(self, raw: RawCommand) -> None:
        """Take one command in: what it sets, writes or does."""
        words = raw.words
        while words and words[0].plain() in _KEYWORDS:
            words = words[1:]
        if not words:
            return
        head = words[0].plain()
        if head in ("for", "select", "foreach"):
            self.loop(words)
            return
        if head in ("case", "function"):
            return
        if self.powershell_assignment(words):
            return
        prefixed = 0
        for word in words:
            if not self.is_assignment(word):
                break
            prefixed += 1
        if prefixed == len(words):
            for word in words:
                self.assign(word)
            return
        for word in words[:prefixed]:
            # The shell would set these for the command alone; who writes them in front means the same value
            # inside.
            self.assign(word)
        expanded = [w for word in words[prefixed:] for w in self.scope.words(word)]
        self.run(expanded, words[prefixed:], raw)

    # Variables

    def is_assignment(self, word: RawWord) -> bool:
        first = word.parts[0] if word.parts else None
        return (
            isinstance(first, Letters) and not first.quoted and _ASSIGNMENT.match(first.text) is not None
        ) and self.style.variables != "%"

    def assign(self, word: RawWord) -> None:
        first = word.parts[0]
        if not isinstance(first, Letters):
            return
        match = _ASSIGNMENT.match(first.text)
        if match is None:
            return
        if word.elements is not None:
            pieces = [w for element in word.elements for w in self.scope.words(element)]
            value = Word(" ".join(w.text for w in pieces), word.line, all(w.known for w in pieces))
        else:
            rest = Letters(first.text[match.end() :], first.line, first.quoted)
            value = self.scope.whole([rest, *word.parts[1:]], word.line)
        if match.group(2):
            before = self.scope.get(match.group(1))
            joined = f"{before.text} {value.text}" if before and word.elements is not None else None
            text = joined or (before.text if before else "") + value.text
            value = Word(text, value.line, value.known)
        self.scope.set(match.group(1), value)

    def powershell_assignment(self, words: Sequence[RawWord]) -> bool:
        if self.text.dialect != "powershell" or len(words) < 2:
            return False
        first = words[0].parts[0] if len(words[0].parts) == 1 else None
        if not isinstance(first, Variable) or words[1].plain() != "=":
            return False
        if len(words) == 3:
            self.scope.set(first.name, self.scope.whole(words[2].parts, words[2].line))
        else:
            self.scope.unset(first.name)
        return True

    def loop(self, words: Sequence[RawWord]) -> None:
        """``for NAME in a b``: one value is that value, several are nobody's."""
        name = words[1].plain() if len(words) > 1 else None
        if not name or not re.fullmatch(r"\w+", name):
            return
        values = [w for word in words[3:] for w in self.scope.words(word)]
        if len(values) == 1:
            self.scope.set(name, values[0])
        else:
            self.scope.unset(name)

    def set_all(self, words: Sequence[Word], raw: Sequence[RawWord]) -> None:
        """``export A=1 B=2``, ``set X=1`` of cmd.exe (the rest of the line), ``setx X 1``."""
        program = words[0].text.lower()
        if self.style.variables == "%":
            rest = [w for w in words[1:] if not w.text.startswith("/")]
            if program == "setx" and len(rest) > 1:
                self.scope.set(rest[0].text, rest[1])
            elif rest:
                joined = " ".join(w.text for w in rest)
                name, equals, value = joined.partition("=")
                if equals and "/p" not in (w.text.lower() for w in words[1:]):
                    self.scope.set(name.strip(), Word(value, rest[0].line, all(w.known for w in rest)))
            return
        for word in raw[1:]:
            if self.is_assignment(word):
                self.assign(word)
        if program == "setenv" and len(words) > 2:
            self.scope.set(words[1].text, words[2])

    # Commands

    def run(self, words: list[Word], raw: Sequence[RawWord], command: RawCommand) -> None:
        words = unwrapped(words, in_cmd=self.style.variables == "%")
        if not words:
            return
        name = words[0].text
        if name in _SETTERS or (self.style.variables == "%" and name.lower() in ("set", "setx")):
            self.set_all(words, [r for r in raw if r.line >= words[0].line][-len(words) :] or raw)
            return
        if name == "read":
            for word in words[1:]:
                self.scope.unset(word.text)
            return
        if name in ("source", ".") and len(words) > 1:
            self.source(words[1].text)
            return
        if name in _SHELLS or name == "eval" or name.lower() in ("cmd", "cmd.exe"):
            self.inner(name, words)
            return
        program = _EXECUTABLE.sub("", name.replace("\\", "/").rpartition("/")[2])
        if program in PROGRAMS or _VERSIONED_PYTHON.match(program):
            self.known(program, words, command)
            return
        if program in ("cat", "echo", "printf", "tee", "mv", "cp", "copy", "move", "ren", "rename", "xcopy"):
            self.helper(program, words, command)

    def source(self, name: str) -> None:
        """Take over the variables that another script of the submission sets; its commands are its own."""
        if self.depth >= 2 or self.sourced >= _MOST_SOURCES:
            return
        self.sourced += 1
        plain = name.removeprefix("./")
        folder = self.text.path.rpartition("/")[0]
        for path in (
            f"{folder}/{plain}".lstrip("/"),
            plain,
            f"{folder}/{plain.rpartition('/')[2]}".lstrip("/"),
        ):
            script = self.scripts.get(path)
            if script is not None and path != self.text.path:
                _Evaluation(script, self.scope.values, self.depth + 1, self.scripts).all()
                return

    def inner(self, name: str, words: Sequence[Word]) -> None:
        """``bash -c "..."`` and ``eval "..."``: text that is itself a shell's."""
        if self.depth >= 3:
            return
        if name == "eval":
            code = " ".join(w.text for w in words[1:])
            line = words[1].line if len(words) > 1 else words[0].line
        else:
            index = next((i for i, w in enumerate(words) if re.fullmatch(r"-[a-z]*c|-Command", w.text)), 0)
            if not index or index + 1 >= len(words):
                return
            code, line = words[index + 1].text, words[index + 1].at(0).line
        if len(code) > 20_000:
            return
        text = ShellText(
            self.text.path,
            self.text.cell,
            line,
            code,
            variables=self.text.variables,
            via=self.text.via,
            origins=self.text.origins,
        )
        evaluation = _Evaluation(text, self.scope.values, self.depth + 1)
        self.out += evaluation.all()

    def known(self, program: str, words: Sequence[Word], command: RawCommand) -> None:
        rest = tuple(words[1:])
        found = verb_of(program, [w.text for w in rest])
        if found is None:
            return
        verb, taken = found
        record = Command(
            self.text.path,
            self.text.cell,
            words[0].line,
            program,
            verb,
            tuple(w.text for w in rest[taken:]),
            self.text.via,
        )
        self.add(program, words, record, command)

    def helper(self, program: str, words: Sequence[Word], command: RawCommand) -> None:
        self.add(program, words, None, command)

    def add(self, program: str, words: Sequence[Word], record: Command | None, command: RawCommand) -> None:
        fed = None
        if command.here:
            document = command.here[-1]
            if document.literal:
                fed = Word(document.text, document.line)
            else:
                fed = self.scope.document(document.text, document.line)
        self.out.append(
            ParsedCommand(
                self.text.path,
                self.text.cell,
                words[0].line,
                program,
                tuple(words[1:]),
                record,
                fed,
                self.written(program, words, command, fed),
                self.text.via,
            )
        )

    def written(
        self, program: str, words: Sequence[Word], command: RawCommand, fed: Word | None
    ) -> WrittenText | None:
        """The file that ``cat``, ``tee``, ``echo`` or ``printf`` writes here, with its text."""
        target: str | None = None
        for operator, word in command.redirects:
            if operator in (">", ">>", ">|"):
                target = self.scope.whole(word.parts, word.line).text
        if program == "tee":
            target = next((w.text for w in words[1:] if not w.text.startswith("-")), target)
        if target is None:
            return None
        content = fed
        if program in ("echo", "printf") and len(words) > 1:
            said = [w for w in words[1:] if w.text not in ("-e", "-n", "-ne", "-en")]
            joined = " ".join(w.text for w in said).replace("\\n", "\n")
            content = Word(joined, said[0].line if said else words[0].line)
        if content is None:
            return None
        return WrittenText(self.text.path, self.text.cell, content.line, target, content.text, self.text.via)
