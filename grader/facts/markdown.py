"""Markdown in pieces, as a code host shows it: CommonMark with tables, HTML inside it searched for tags.

The full parser has corners where time grows with the square of the text, so what it is given is bounded; longer or
stranger text goes to the light reader, which misses finer points and no picture.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from grader.facts.documents import Document, html_tags, in_words, read_lightly
from grader.patterns import pattern

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MOST_PARSED = 80_000  # characters; the longest README met has a third of that
_STRANGE = pattern(r"(?:>[ \t]?){60}|(?:[-*+] ){60}|\|(?:[^|\n]{0,20}\|){300}")


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    class AsWritten(MarkdownIt):
        """Links as they are written: judged by who resolves them, and never followed."""

        def normalizeLink(self, url: str) -> str:  # noqa: N802 - the library's name
            return url

        def validateLink(self, url: str) -> bool:  # noqa: ARG002, N802 - the library's name
            return True

    return AsWritten("commonmark").enable("table")


def read(text: str) -> Document:
    """The pieces of a Markdown text. Never raises for its content; bounded in time for any."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    if len(text) > _MOST_PARSED or _STRANGE.search(text):
        return read_lightly(text)
    try:
        tokens = _parser().parse(text)
    except (RecursionError, IndexError, ValueError, AssertionError):  # a corner of the parser's
        return read_lightly(text)
    document = Document()
    line, heading = 1, False
    for token in tokens:
        if token.map:
            line = token.map[0] + 1
        if token.type == "heading_open":
            heading = True
        elif token.type == "heading_close":
            heading = False
        elif token.type == "fence":
            document.block(line + 1, token.info, token.content)
        elif token.type == "code_block":
            document.block(line, "", token.content)
        elif token.type == "html_block":
            plain = html_tags(document, line, token.content)
            in_words(document, line, plain)
            document.say(line, plain)
        elif token.type == "inline":
            document.say(line, _inline(document, line, token.children or []), heading=heading)
    return document


def _inline(document: Document, line: int, children: list[Token]) -> str:
    """Take down the pictures and links of one run of text, and return its words."""
    words: list[str] = []
    plain: list[str] = []  # without code, for what words themselves say
    at = line
    links: list[tuple[int, str, int]] = []
    for child in children:
        if child.type in ("softbreak", "hardbreak"):
            at += 1
            words.append("\n")
            plain.append("\n")
        elif child.type == "text":
            words.append(child.content)
            plain.append(child.content)
        elif child.type == "code_inline":
            words.append(child.content)
            plain.append(" ")
        elif child.type == "image":
            document.picture(at, str(child.attrs.get("src", "")), child.content)
            words.append(child.content)
            plain.append(" ")
        elif child.type == "link_open":
            links.append((at, str(child.attrs.get("href", "")), len(words)))
            plain.append(" ")
        elif child.type == "link_close" and links:
            begun, target, first = links.pop()
            document.link(begun, target, "".join(words[first:]))
            plain.append(" ")
        elif child.type == "html_inline":
            words.append(html_tags(document, at, child.content))
            at += child.content.count("\n")
    in_words(document, line, "".join(plain))
    return "".join(words)
