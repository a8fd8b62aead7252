"""What the methods and operators of texts and paths give."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from grader.facts.python.loading import note_open, opened
from grader.facts.python.values import (
    HOLE,
    LISTED,
    UNKNOWN,
    Args,
    Const,
    Handle,
    Keywords,
    Loaded,
    Map,
    Seq,
    Text,
    Value,
    choice,
    combined,
    items_of,
    join_path,
    make_text,
    spot_of,
    texts,
)
from grader.patterns import pattern

if TYPE_CHECKING:
    from grader.facts.python.machine import Machine


_SAME_METHODS = frozenset(
    {
        "resolve",
        "absolute",
        "expanduser",
        "as_posix",
        "__str__",
        "__fspath__",
        "encode",
        "decode",
        "strip",
        "rstrip",
        "lstrip",
    }
)
_PERCENT = pattern(r"%(?:\((\w+)\))?([#0\- +]*\d*(?:\.\d+)?)([sdrfigxeu%])")
_FIELD = pattern(r"\{\{|\}\}|\{(\w*)((?:\.\w+|\[\w+\])*)(![rsa])?(:[^{}]*)?\}")


def percent(left: Value, right: Value) -> Value:
    """``"..." % values``."""
    pattern = texts(left)[0]
    supply = list(right.items) if isinstance(right, Seq) else [right]
    parts: list[Value] = []
    position = 0
    for match in list(_PERCENT.finditer(pattern))[:100]:
        parts.append(Text(pattern[position : match.start()]))
        position = match.end()
        if match.group(3) == "%":
            parts.append(Text("%"))
        elif match.group(1):
            parts.append(right.items.get(match.group(1), UNKNOWN) if isinstance(right, Map) else UNKNOWN)
        else:
            value = supply.pop(0) if supply else UNKNOWN
            parts.append(value if match.group(3) in "sd" and not match.group(2) else UNKNOWN)
    parts.append(Text(pattern[position:]))
    found = combined(parts)
    return Text(found.text, spot_of(left)) if isinstance(found, Text) else found


def formatted(pattern: Value, args: Args, keywords: Keywords) -> Value:
    """``"...".format(...)``."""
    text = texts(pattern)[0]
    parts: list[Value] = []
    position = number = 0
    for match in list(_FIELD.finditer(text))[:100]:
        parts.append(Text(text[position : match.start()]))
        position = match.end()
        if match.group() in ("{{", "}}"):
            parts.append(Text(match.group()[0]))
            continue
        name = match.group(1)
        value: Value
        if name == "" or name.isdigit():
            index = int(name[:4]) if name else number
            number += not name
            value = args[index] if index < len(args) else UNKNOWN
        else:
            value = keywords.get(name, UNKNOWN)
        parts.append(UNKNOWN if match.group(2) or match.group(4) else value)
    parts.append(Text(text[position:]))
    found = combined(parts)
    return Text(found.text, spot_of(pattern)) if isinstance(found, Text) else found


def sliced(owner: Value, bounds: list[Value | None]) -> Value:
    """``owner[a:b:c]`` for lists and texts with constant bounds."""
    numbers: list[int | None] = []
    for bound in bounds:
        if bound is None:
            numbers.append(None)
        elif isinstance(bound, Const) and isinstance(bound.value, int):
            numbers.append(bound.value)
        else:
            return owner if isinstance(owner, Seq) else UNKNOWN
    if numbers[2] == 0:
        return UNKNOWN
    if isinstance(owner, Seq):
        return Seq(owner.items[slice(*numbers)], owner.more)
    if isinstance(owner, Text) and owner.known:
        return make_text(owner.text[slice(*numbers)], owner.spot)
    return owner if isinstance(owner, Loaded) else UNKNOWN


def text_method(machine: Machine, owner: Text, method: str, args: Args, keywords: Keywords) -> Value | None:
    if method in (
        "resolve",
        "absolute",
        "expanduser",
        "as_posix",
        "encode",
        "decode",
        "__str__",
        "rstrip",
    ) or (method in _SAME_METHODS and not args):
        text = owner.text
        if method == "rstrip" and args and texts(args[0])[0] == "/":
            text = text.rstrip("/")
        return Text(text.strip() if method == "strip" else text, owner.spot)
    if method == "format":
        return formatted(owner, args, keywords)
    if method in ("joinpath", "__truediv__"):
        return combined((owner, *args), "/")
    if method == "join" and args:
        items, complete = items_of(args[0])
        if not complete or not items:
            return UNKNOWN
        parts: list[Value] = []
        for value in items:
            parts += [owner, value] if parts else [value]
        return combined(parts)
    if method == "replace" and len(args) >= 2:
        old, new = texts(args[0])[0], texts(args[1])[0]
        if HOLE in old or not old or len(new) > 10_000:
            return UNKNOWN
        return (
            make_text(owner.text.replace(old, new), owner.spot)
            if owner.text.count(old) * len(new) < 200_000
            else UNKNOWN
        )
    if method in ("lower", "upper", "title", "capitalize"):
        return make_text(getattr(owner.text, method)(), owner.spot)
    if method in ("split", "rsplit"):
        separator = texts(args[0])[0] if args else None
        if owner.known and separator != "" and (separator is None or HOLE not in separator) and len(args) < 2:
            return Seq(tuple(Text(p) for p in owner.text.split(separator)[:500]))
        return UNKNOWN
    if method in ("with_suffix", "with_name", "with_stem") and args:
        return _renamed(owner, method, args[0])
    if method in ("glob", "rglob"):
        pattern = texts(args[0])[0] if args else "*"
        return Seq(
            (make_text(join_path(owner.text, pattern.replace("**/", "").replace("*", LISTED))),), more=True
        )
    if method == "iterdir":
        return Seq((make_text(join_path(owner.text, LISTED)),), more=True)
    if method in ("read_bytes", "read_text"):
        note_open(machine, owner, None)
        return Handle(owner, "rb", True)
    if method == "open":
        return opened(machine, (owner, *args), keywords)
    if method == "removeprefix" and args:
        return make_text(owner.text.removeprefix(texts(args[0])[0]), owner.spot)
    if method == "removesuffix" and args:
        return make_text(owner.text.removesuffix(texts(args[0])[0]), owner.spot)
    if method in (
        "exists",
        "is_file",
        "is_dir",
        "startswith",
        "endswith",
        "write_text",
        "write_bytes",
        "mkdir",
        "relative_to",
    ):
        return owner if method == "relative_to" else UNKNOWN
    return None


def _renamed(owner: Text, method: str, argument: Value) -> Value:
    folder, slash, base = owner.text.rpartition("/")
    stem, suffix = posixpath.splitext(base)
    found = []
    for text in texts(argument):
        new = {"with_suffix": stem + text, "with_name": text, "with_stem": text + suffix}[method]
        found.append(make_text(folder + slash + new, owner.spot))
    return choice(found)
