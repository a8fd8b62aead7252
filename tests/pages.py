"""The documentation as tests read it: blocks of code, the files that they are, the commands in them, the links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

_NAMED = re.compile(r"`([\w.-]+\.(?:py|yaml))`(?:, beside your rubric)?:\Z")


@dataclass(frozen=True)
class Block:
    """A block of code. ``file``: the name that the line above gives it; ``line`` of the page, from 1."""

    language: str
    text: str
    file: str | None
    line: int


def blocks_of(page: Path) -> list[Block]:
    """The fenced and indented blocks of a page, in order."""
    found = []
    above = ""
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(page.read_text(encoding="utf-8")):
        if token.type == "inline":
            above = token.content
        elif token.type in ("fence", "code_block"):
            named = _NAMED.search(above)
            found.append(
                Block(token.info, token.content, named[1] if named else None, (token.map or [0])[0] + 1)
            )
            above = ""
    return found


@dataclass(frozen=True)
class Command:
    """A command of a page, and the lines that the page shows as its answer."""

    page: str
    line: int
    text: str
    printed: tuple[str, ...] = ()


def commands_of(page: Path) -> Iterator[Command]:
    """The commands in ``sh`` blocks, in ``console`` blocks (behind ``$``) and in indented blocks."""
    for block in blocks_of(page):
        lines = list(enumerate(block.text.splitlines(), block.line + (1 if block.language else 0)))
        if block.language in ("sh", ""):
            for number, line in lines:
                if line and not line.startswith("#") and (block.language or line.startswith("grade ")):
                    yield Command(page.name, number, line)
        elif block.language == "console":
            starts = [at for at, (_, line) in enumerate(lines) if line.startswith("$ ")]
            for at, end in zip(starts, [*starts[1:], len(lines)], strict=True):
                number, line = lines[at]
                yield Command(page.name, number, line[2:], tuple(text for _, text in lines[at + 1 : end]))


def links_of(page: Path) -> Iterator[str]:
    """The targets of a page's links and images."""
    for token in MarkdownIt("gfm-like", {"linkify": False}).parse(page.read_text(encoding="utf-8")):
        for child in token.children or ():
            for name in ("href", "src"):
                if child.type in ("link_open", "image") and name in child.attrs:
                    yield str(child.attrs[name])
