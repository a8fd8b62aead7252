"""Texts in YAML and JSON, wherever they stand: files, what programs and shells write, code blocks of READMEs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from grader.facts.code import CodeBlock, WrittenText
from grader.facts.commands import ParsedCommand
from grader.facts.declared import Datum
from grader.facts.shell.expand import Word

Form = Literal["flag", "yaml", "json", "python", "shell-variable"]


@dataclass(frozen=True, slots=True)
class DataText:
    """A YAML or JSON text that deployments may refer to. ``word`` where a shell wrote it, with its
    letters' places.
    """

    path: str
    cell: int | None
    line: int
    target: str | None
    text: str
    via: Literal["code", "readme"]
    word: Word | None = None
    offset: int = 0
    on_disk: bool = False

    @property
    def form(self) -> Form:
        """What it is written in, by its first letter."""
        return "json" if self.text.lstrip()[:1] in ("{", "[") else "yaml"

    def place(self, datum: Datum) -> tuple[str, int | None, int, Form]:
        """Path, cell, line and form of a value."""
        if self.word is not None:
            span = self.word.at(self.offset + datum.offset)
            if span.origin is not None:
                return span.origin.path, span.origin.cell, span.origin.line, span.origin.form
            return self.path, self.cell, span.line, self.form
        line = self.line + self.text.count("\n", 0, datum.offset)
        return self.path, self.cell, line, self.form


def data_texts(
    commands: Sequence[ParsedCommand],
    written_texts: Iterable[WrittenText],
    data: Mapping[str, str],
    blocks: Iterable[CodeBlock],
) -> list[DataText]:
    """All of them: files as written by notebooks and programs first, then by shells, then on disk, then in READMEs."""
    out = [
        DataText(w.path, w.cell, w.line, w.target, w.text.replace("\r\n", "\n"), w.via)
        for w in written_texts
        if not (w.target or "").lower().endswith((".py", ".sh", ".ipynb", ".md"))
    ]
    for command in commands:
        w = command.written
        if w is not None:
            out.append(DataText(w.path, w.cell, w.line, w.target, w.text, w.via, command.input))
    out += [
        DataText(path, None, 1, path, text.replace("\r\n", "\n"), "code", on_disk=True)
        for path, text in data.items()
    ]
    out += [
        DataText(b.path, None, b.line, None, b.text.replace("\r\n", "\n"), "readme")
        for b in blocks
        if _is_data(b)
    ]
    return out


def _is_data(block: CodeBlock) -> bool:
    language = block.language.strip().lower()
    if language.startswith(("yaml", "yml", "json")):
        return True
    first = block.text.lstrip()[:1]
    return language in ("", "text", "txt") and (
        first == "{" or re.match(r"\s*[A-Za-z]\w*:(?:\s|$)", block.text) is not None
    )
