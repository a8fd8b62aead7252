"""What a text for people consists of: prose, code, pictures and links, whatever markup it is written in.

Here is the form in which documents are handed on, what all markups share (HTML tags, bare addresses), and a light
reader, linear in the text's length, for reStructuredText, plain text, and Markdown too large for a full parser.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import NamedTuple

from grader.patterns import pattern

MOST_PIECES = 5_000
"""Pictures, links, blocks and pieces of prose that are kept of one document, each."""


class Picture(NamedTuple):
    """A picture that is shown. ``target`` as written; ``small``: given 64 pixels or fewer."""

    line: int
    target: str
    alt: str = ""
    small: bool = False


class Link(NamedTuple):
    """A link. ``target`` as written."""

    line: int
    target: str
    text: str = ""


class Block(NamedTuple):
    """A code block, fenced or indented. ``line`` is that of its first line of code."""

    line: int
    language: str
    text: str


class Prose(NamedTuple):
    """A paragraph, list item, table cell or heading, without its markup; its own line breaks stay."""

    line: int
    text: str
    heading: bool = False


@dataclass(slots=True)
class Document:
    """A document in pieces, each kind in the order of the text. Lines are 1-based."""

    pictures: list[Picture] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    prose: list[Prose] = field(default_factory=list)

    def picture(self, line: int, target: str, alt: str = "", *, small: bool = False) -> None:
        """Take down a picture."""
        if target.strip() and len(self.pictures) < MOST_PIECES:
            self.pictures.append(Picture(line, target.strip(), alt[:500], small))

    def link(self, line: int, target: str, text: str = "") -> None:
        """Take down a link."""
        if target.strip() and len(self.links) < MOST_PIECES:
            self.links.append(Link(line, target.strip(), text[:500]))

    def block(self, line: int, language: str, text: str) -> None:
        """Take down a code block."""
        if len(self.blocks) < MOST_PIECES:
            self.blocks.append(Block(line, language[:80].strip().lower(), text))

    def say(self, line: int, text: str, *, heading: bool = False) -> None:
        """Take down prose."""
        if text.strip() and len(self.prose) < MOST_PIECES:
            self.prose.append(Prose(line, text, heading))


_COMMENT = pattern(r"<!--")
# Quoted values may hold a ">"; where quotes do not pair, the tag ends at the first.
_TAG = pattern(
    r"<(/?[A-Za-z][A-Za-z0-9]{0,20})(?=[\s/>])"
    r"((?:[^<>\"']|\"[^\"<]{0,2000}\"|'[^'<]{0,2000}'){0,4000}|[^<>]{0,4000})>"
)
_ATTRIBUTE = pattern(
    r"([A-Za-z-]{1,20})\s{0,4}=\s{0,4}(?:\"([^\"]{0,2000})\"|'([^']{0,2000})'|([^\s\"'>]{1,2000}))"
)
_SMALL = pattern(r"\s*\d{1,2}(?:px)?\s*")
_BREAKS = frozenset(
    {"br", "p", "/p", "li", "div", "/div", "tr", "h1", "h2", "h3", "h4", "summary", "/summary"}
)


def without_comments(text: str) -> str:
    """HTML without its comments; the line breaks in them stay, so that lines keep their numbers."""
    if "<!--" not in text:
        return text
    out, at = [], 0
    for match in _COMMENT.finditer(text):
        if match.start() < at:
            continue
        end = text.find("-->", match.end())
        out.append(text[at : match.start()])
        gone = text[match.start() :] if end < 0 else text[match.start() : end + 3]
        out.append("\n" * gone.count("\n"))
        at = match.start() + len(gone)
    return "".join((*out, text[at:]))


def html_tags(document: Document, line: int, text: str) -> str:
    """Take down the pictures and links of HTML, and return its text.

    ``text`` is searched for tags, not parsed as a tree: what people write in READMEs is seldom one.
    """
    text = without_comments(text)
    out, at, newlines = [], 0, 0
    for tag in _TAG.finditer(text):
        newlines += text.count("\n", at, tag.start())
        out.append(text[at : tag.start()])
        name = tag.group(1).lower()
        if name in _BREAKS:
            out.append("\n")
        _html_tag(document, line + newlines, name, tag.group(2))
        newlines += text.count("\n", tag.start(), tag.end())
        at = tag.end()
    return html.unescape("".join((*out, text[at:])))


def _html_tag(document: Document, line: int, name: str, inside: str) -> None:
    if name not in ("img", "a", "video", "source", "embed", "iframe", "object"):
        return
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(inside):
        value = next((group for group in match.groups()[1:] if group is not None), "")
        found.setdefault(match.group(1).lower(), html.unescape(value))
    if name == "img":
        small = any(
            _SMALL.fullmatch(found.get(side, "")) and _number(found[side]) <= 64
            for side in ("width", "height")
        )
        document.picture(line, found.get("src", ""), found.get("alt", ""), small=small)
    elif name == "a":
        document.link(line, found.get("href", ""))
    else:
        document.link(line, found.get("src", found.get("data", "")), name)


def _number(text: str) -> int:
    return int("".join(filter(str.isdigit, text)) or "0")


_ADDRESS = pattern(r"https?://[^\s<>()\[\]\"'`|]{4,1000}")
# What people write and no Markdown parser takes: a name with spaces in it, an editor's own link.
_SPACED = pattern(r"!\[([^\]\n]{0,300})\]\(((?:[^()\n]|\([^()\n]{0,60}\)){1,300})\)")
_WIKI = pattern(r"!\[\[([^\]|\n]{1,300})(?:\|[^\]\n]{0,60})?\]\]")


def in_words(document: Document, line: int, text: str) -> None:
    """Take down what plain text itself says: bare addresses, and pictures in a form that no parser takes."""
    for match in _ADDRESS.finditer(text):
        document.link(line + text.count("\n", 0, match.start()), match.group().rstrip(".,;:!?*_"))
    if "![" in text:
        for match in _SPACED.finditer(text):
            document.picture(line + text.count("\n", 0, match.start()), match.group(2), match.group(1))
        for match in _WIKI.finditer(text):
            document.picture(line + text.count("\n", 0, match.start()), match.group(1))


_FENCE = pattern(r"\s{0,12}(`{3,}|~{3,})\s{0,4}([^`\n]{0,80})")
_UNDERLINE = pattern(r"([=\-~^\"'#*+`:.])\1{2,}\s*")
_HASH = pattern(r"#{1,6}\s+(.{1,300})")
_DIRECTIVE = pattern(r"\s{0,40}\.\.\s(?:\|[^|\n]{1,100}\|\s)?\s{0,4}([a-z-]{1,30})::\s{0,4}(.{0,1000})")
_RST_LINK = pattern(r"`([^`<\n]{0,300})<([^>`\n]{1,1000})>`_")
_RST_TARGET = pattern(r"\s{0,40}\.\.\s_[^:\n]{1,200}:\s{1,4}(\S{1,1000})")
_RST_ALT = pattern(r"\s{1,40}:alt:\s{0,4}(.{0,300})")
_MD_IMAGE = pattern(
    r"!\[([^\]\n]{0,300})\]\(\s{0,4}<?([^()\s<>]{1,1000})>?(?:\s{1,4}\"[^\"\n]{0,200}\")?\s{0,4}\)"
)
_MD_LINK = pattern(
    r"(?<!!)\[([^\]\n]{0,300})\]\(\s{0,4}<?([^()\s<>]{1,1000})>?(?:\s{1,4}\"[^\"\n]{0,200}\")?\s{0,4}\)"
)
_CODE_DIRECTIVES = frozenset(
    {"code", "code-block", "sourcecode", "literalinclude", "parsed-literal", "prompt"}
)


def _indent(line: str) -> int:
    expanded = line.expandtabs(4)
    return len(expanded) - len(expanded.lstrip())


def read_lightly(text: str, *, rst: bool = False) -> Document:
    """A document line by line: fences, indented and literal blocks, directives, links, paragraphs. Linear; never raises."""
    document = Document()
    lines = without_comments(text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    paragraph: list[str] = []
    begin = 0

    def close() -> None:
        if paragraph:
            _paragraph(document, begin + 1, "\n".join(paragraph), rst=rst)
            paragraph.clear()

    at, count = 0, len(lines)
    literal = False
    while at < count:
        line = lines[at]
        fence = None if rst else _FENCE.match(line)
        directive = _DIRECTIVE.fullmatch(line) if rst else None
        if fence:
            close()
            mark, end = fence.group(1), at + 1
            while end < count and not (
                lines[end].strip().startswith(mark) and not lines[end].strip().strip(mark[0])
            ):
                end += 1
            document.block(at + 2, fence.group(2), "\n".join(lines[at + 1 : end]) + "\n")
            at = end + 1
        elif directive and directive.group(1) in ("image", "figure"):
            close()
            alt = _RST_ALT.fullmatch(lines[at + 1]) if at + 1 < count else None
            document.picture(at + 1, directive.group(2), alt.group(1) if alt else "")
            at += 1
        elif directive and directive.group(1) in _CODE_DIRECTIVES:
            close()
            at = _indented(document, lines, at + 1, _indent(line) + 1, directive.group(2), options=True)
        elif not line.strip():
            close()
            at += 1
        elif _indent(line) >= (1 if literal else 4) and not paragraph and (literal or not rst):
            at = _indented(document, lines, at, 1 if literal else 4, "")
            literal = False
        else:
            if not paragraph:
                begin = at
            paragraph.append(line)
            literal = rst and line.rstrip().endswith("::") and not line.lstrip().startswith("..")
            at += 1
    close()
    return document


def _indented(
    document: Document, lines: list[str], at: int, least: int, language: str, *, options: bool = False
) -> int:
    """Take down the indented block at ``at``, and return the line behind it."""
    if options:
        while at < len(lines) and lines[at].lstrip().startswith(":"):
            at += 1
    while at < len(lines) and not lines[at].strip():
        at += 1
    end = last = at
    while end < len(lines) and (not lines[end].strip() or _indent(lines[end]) >= least):
        if lines[end].strip():
            last = end + 1
        end += 1
    if last > at:
        body = [line.expandtabs(4) for line in lines[at:last]]
        margin = min(_indent(line) for line in body if line.strip())
        document.block(at + 1, language, "\n".join(line[margin:] for line in body) + "\n")
    return max(last, at)


def _paragraph(document: Document, line: int, text: str, *, rst: bool) -> None:
    heading = False
    lines = text.split("\n")
    if len(lines) >= 2 and _UNDERLINE.fullmatch(lines[-1]) and len(lines) <= 3:
        heading, text = True, lines[-2]
    elif not rst and len(lines) == 1 and (hashed := _HASH.fullmatch(text.strip())):
        heading, text = True, hashed.group(1)
    for at, piece in enumerate(lines):
        if rst:
            for match in _RST_LINK.finditer(piece):
                document.link(line + at, match.group(2), match.group(1))
            if named := _RST_TARGET.fullmatch(piece):
                document.link(line + at, named.group(1))
        for match in _MD_IMAGE.finditer(piece):
            document.picture(line + at, match.group(2), match.group(1))
        for match in _MD_LINK.finditer(piece):
            document.link(line + at, match.group(2), match.group(1))
    in_words(document, line, _MD_IMAGE.sub(" ", text))
    plain = html_tags(document, line, text)
    plain = _MD_LINK.sub(r"\1", _MD_IMAGE.sub(r"\1", plain)).replace("``", "").replace("`", "")
    document.say(line, plain, heading=heading)
