"""YAML as nodes with their places, of which nothing is built: no tags, no aliases, no merge, one document, bounded."""

from __future__ import annotations

import re
from typing import Any

import yaml

from grader.faults import Fault, FaultyFile, quoted
from grader.patterns import pattern
from grader.text import visible

MOST_DEPTH = 12
"""Deeper than any file that people write here; before that, composing nodes would recurse."""
_UNPRINTABLE = pattern("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# The C parser where PyYAML has it: ten times faster, and with the same marks.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def compose(raw: bytes, file: str, what: str) -> yaml.Node:
    """The root node of the one document in ``raw``.

    Raises:
        FaultyFile: the bytes are no UTF-8, no YAML, or YAML that is refused here; every such fault that can be seen.
    """
    text = _decoded(raw, file)
    control = _UNPRINTABLE.search(text)
    if control:
        before = text[: control.start()]
        message = f"a character that YAML does not know stands here ({visible(control.group())})"
        place = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise FaultyFile(file, [Fault(*place, message, "text")])
    faults: list[Fault] = []
    documents = depth = 0
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            mark = event.start_mark
            at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 2:
                    message = f"{what} is one YAML document; a second one begins here"
                    faults.append(Fault(*at, message, "text"))
            elif isinstance(event, yaml.AliasEvent):
                message = f"aliases are not read here; write out what {quoted(f'*{event.anchor}')} stands for"
                faults.append(Fault(*at, message, "text"))
                continue
            if isinstance(event, yaml.NodeEvent):
                if event.anchor is not None:
                    name = quoted(f"&{event.anchor}")
                    faults.append(Fault(*at, f"anchors are not read here; take {name} away", "text"))
                tag = getattr(event, "tag", None)
                if tag is not None:
                    message = f"YAML tags are not read here; take {quoted(tag)} away"
                    faults.append(Fault(*at, message, "text"))
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MOST_DEPTH:
                    faults.append(Fault(*at, f"{what} is nested at most {MOST_DEPTH} deep", "text"))
                    break
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
        if faults:
            raise FaultyFile(file, faults)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as problem:
        raise FaultyFile(file, [*faults, _syntax(problem, text)]) from None
    except (ValueError, OverflowError):  # an escape that stands for no character
        message = "this is no YAML: an escape in it stands for no character"
        raise FaultyFile(file, [*faults, Fault(1, 1, message, "text")]) from None
    if root is None:
        raise FaultyFile(file, [Fault(1, 1, f"the file is empty; {what} was expected", "text")])
    return root


def _decoded(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = raw[: problem.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        message = f"the file is no UTF-8 (byte 0x{raw[problem.start]:02x} here); save it as UTF-8"
        raise FaultyFile(file, [Fault(line, column, message, "text")]) from None


def _syntax(problem: yaml.YAMLError, text: str) -> Fault:
    """What the parser says, in a sentence with its place."""
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    if mark is None:
        line = column = 1
    else:
        line, column = mark.line + 1, mark.column + 1
    rows = text.splitlines()
    row = rows[line - 1] if line <= len(rows) else ""
    tab = re.match(r"[ \t-]*\t", row)
    if tab:
        return Fault(line, tab.end(), "a tab stands here; YAML is indented with spaces", "text")
    said = getattr(problem, "problem", None) or getattr(problem, "reason", None) or "it cannot be parsed"
    context = getattr(problem, "context", None)
    return Fault(line, column, f"this is no YAML: {said}{f' ({context})' if context else ''}", "text")
