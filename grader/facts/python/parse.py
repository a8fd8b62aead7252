"""Source text to a syntax tree, whatever state it is in.

A text that the running interpreter parses is taken as it is. Else, in this order: syntax that only a newer Python knows
is rewritten to what this one knows (``whole`` stays true); what only Python 2 knows is rewritten (``python2``); of the
rest, logical lines that are no Python are dropped, and everything around them is kept, line numbers too.
docs/parsing.md says why no second parser is used.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from dataclasses import dataclass

from grader.facts.python import rewrite
from grader.facts.python.magics import bracket_state
from grader.patterns import pattern
from grader.text import excerpt

_DROPS = 24
_CHUNKS = 4_000
_FAILURES = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)
_RESERVED = pattern("[\ue000-\ue00f]")


@dataclass(frozen=True, slots=True)
class Parsed:
    """A tree, and what it says of the source. ``problem`` is brief, with the first line that is no Python 3.

    ``deep``: nested too deeply for the parser of this interpreter, which says nothing of others.
    """

    tree: ast.Module
    lines: tuple[str, ...]
    whole: bool = True
    python2: bool = False
    problem: str | None = None
    deep: bool = False


def decode_source(data: bytes) -> tuple[str, str | None]:
    """The text of a source file, and why Python 3 does not read it so (None where it does).

    By its mark, its PEP 263 cookie, else UTF-8, else latin-1. Line ends become ``\\n``, form feeds stay.
    """
    problem = None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = data.decode("utf-16", errors="replace")
        problem = "UTF-16, which Python does not read as source"
    else:
        name = "utf-8"
        try:
            name, _ = tokenize.detect_encoding(io.BytesIO(data[:4000]).readline)
            text = data.decode("utf-8-sig" if name.startswith("utf-8") else name)
        except (SyntaxError, LookupError, UnicodeError):
            try:
                text = data.decode("utf-8-sig")
                if name == "utf-8" and re.match(rb"[^\n]*\n?[^\n]*coding[:=]", data):
                    problem = "it names an encoding that does not exist or does not fit"
            except UnicodeDecodeError:
                text = data.decode("latin-1")
                problem = "not UTF-8, and it names no encoding that fits"
    if "\0" in text:
        text = text.replace("\0", " ")
        problem = problem or "it contains null bytes"
    return clean(text), problem


def clean(text: str) -> str:
    """Line ends as ``\\n``, and none of the characters that stand for something to the reader of values."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")
    return _RESERVED.sub("\ufffd", text.encode("utf-8", "replace").decode("utf-8"))


def _tree(text: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def parse(text: str) -> Parsed:
    """The tree of ``text`` (see :func:`clean`). Never raises."""
    lines = tuple(text.split("\n"))
    text = text.lstrip("\ufeff")
    try:
        return Parsed(_tree(text), lines)
    except _FAILURES as failure:
        first = failure
    newer = rewrite.newer(text)
    if newer is not None:
        try:
            return Parsed(_tree(newer), lines)
        except _FAILURES:
            text = newer
    number = getattr(first, "lineno", None)
    why = f"line {number}: " if isinstance(number, int) and number > 0 else ""
    deep = isinstance(first, RecursionError | MemoryError)
    if deep:
        why += "nested too deeply"
    else:
        there = lines[number - 1].strip() if isinstance(number, int) and 0 < number <= len(lines) else ""
        why += f"`{excerpt(there, 60)}`" if there else "something is missing"
    older = rewrite.python2(text)
    if older is not None:
        try:
            return Parsed(_tree(older), lines, whole=False, python2=True, problem=why)
        except _FAILURES:
            text = older
    body, lost = _pieces(text)
    return Parsed(
        ast.Module(body=body, type_ignores=[]),
        lines,
        whole=False,
        python2=older is not None and not lost,
        problem=why,
        deep=deep,
    )


def _pieces(text: str) -> tuple[list[ast.stmt], int]:
    """The statements of ``text``, top-level piece by piece, and how many lines were dropped."""
    body: list[ast.stmt] = []
    lost = 0
    for start, lines in _chunks(text.split("\n")):
        tree, dropped = _mended(lines)
        lost += dropped
        for statement in tree.body:
            try:
                ast.increment_lineno(statement, start)
            except RecursionError:
                lost += 1
                continue
            body.append(statement)
    return body, lost


_GOES_ON = pattern(r"(elif|else|except|finally|case)\b|[)\]}#]")
_BEGINS = pattern(r"(def|class|import|from|if|for|while|with|try|async|return|print)\b|@")


def _chunks(lines: list[str]) -> list[tuple[int, list[str]]]:
    """Top-level statements by their look: (0-based line, lines)."""
    starts = [0]
    quote, depth, decorated = "", 0, False
    for number, line in enumerate(lines):
        begins = bool(line) and not line[0].isspace() and not _GOES_ON.match(line)
        if begins and not quote and (not depth or _BEGINS.match(line)) and len(starts) < _CHUNKS:
            if not decorated and number:
                starts.append(number)
            depth = 0
        decorated = line.startswith("@") or (decorated and not begins)
        quote, depth = bracket_state(line, quote, depth)
    ends = [*starts[1:], len(lines)]
    return [(start, lines[start:end]) for start, end in zip(starts, ends, strict=True)]


def _mended(lines: list[str]) -> tuple[ast.Module, int]:
    """A tree of ``lines`` without those that cannot be parsed, and how many were dropped."""
    lines = list(lines)
    if lines and lines[0][:1].isspace():  # an indented beginning: as if it stood in a block
        lines = ["if 1:", *lines]
        try:
            tree = _tree("\n".join(lines))
            inner = tree.body[0]
            return ast.Module(body=inner.body if isinstance(inner, ast.If) else [], type_ignores=[]), 1
        except _FAILURES:
            lines = lines[1:]
    dropped = 0
    last = None
    while dropped <= _DROPS:
        try:
            return _tree("\n".join(lines)), dropped
        except SyntaxError as failure:
            number = min(max((failure.lineno or 1) - 1, 0), max(len(lines) - 1, 0))
            message = str(failure.msg)
        except _FAILURES:
            break
        while number > 0 and not lines[number].strip():
            number -= 1
        if number == last and "pass" in lines[number]:
            break
        line = lines[number]
        indent = line[: len(line) - len(line.lstrip())]
        if "expected an indented block" in message and number:
            indent = lines[number - 1][: len(lines[number - 1]) - len(lines[number - 1].lstrip())]
        elif "unindent" in message or "unexpected indent" in message:
            above = next((x for x in reversed(lines[:number]) if x.strip()), "")
            fixed = above[: len(above) - len(above.lstrip())] + line.lstrip()
            if fixed != line:
                lines[number] = fixed
                dropped += 1
                continue
        opener = line.rstrip().endswith(":") and line.strip() not in ("if 1:",)
        lines[number] = indent + ("if 1:" if opener else "pass")
        last = number
        dropped += 1
    return ast.Module(body=[], type_ignores=[]), dropped + 1
