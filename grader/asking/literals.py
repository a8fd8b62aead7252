"""Calls of a Python text with the values that stand in it: literals, and variables that hold them. Nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

from grader.facts.python.parse import clean, parse

_DEEP = 40
_ITEMS = 20_000
_SAME = frozenset({"array", "asarray", "list", "tuple"})
"""Calls whose value is, for a request, that of their argument."""


class Encoded(NamedTuple):
    """What ``json.dumps`` makes of ``value``."""

    value: Any


class Call(NamedTuple):
    """A call: the method's name, the text of what it is called on, its values (``...``: not told)."""

    name: str
    owner: str
    args: tuple[Any, ...]
    keywords: dict[str, Any]


class Tables(NamedTuple):
    """A tree, and what each name was assigned, with the line."""

    tree: ast.Module
    names: dict[str, list[tuple[int, ast.expr]]]


def tables_of(text: str) -> Tables:
    """The tree of ``text`` and its assignments. Never raises."""
    tree = parse(clean(text)).tree
    names: dict[str, list[tuple[int, ast.expr]]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    names.setdefault(target.id, []).append((node.lineno, node.value))
    for found in names.values():
        found.sort(key=lambda one: one[0])
    return Tables(tree, names)


def calls_of(tables: Tables, wanted: tuple[str, ...]) -> Iterator[Call]:
    """The calls of methods called ``wanted``, in the order of their lines."""
    found = [
        node
        for node in ast.walk(tables.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in wanted
    ]
    for node in sorted(found, key=lambda n: n.lineno)[:200]:
        if not isinstance(node.func, ast.Attribute):
            continue
        args = tuple(literal(arg, tables, node.lineno) for arg in node.args[:4])
        keywords = {k.arg: literal(k.value, tables, node.lineno) for k in node.keywords[:40] if k.arg}
        yield Call(node.func.attr, _dotted(node.func.value), args, keywords)


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    for _ in range(20):
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            break
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


class _NotTold(Exception):
    """The value does not stand in the text."""


def literal(node: ast.expr, tables: Tables, line: int) -> Any:
    """The value of an expression at ``line``; ``...`` where it cannot be told. Never raises."""
    left = [_ITEMS]
    try:
        return _value(node, tables, line, _DEEP, left)
    except (_NotTold, RecursionError):
        return ...


def _value(node: ast.expr, tables: Tables, line: int, deep: int, left: list[int]) -> Any:
    left[0] -= 1
    if deep <= 0 or left[0] < 0:
        raise _NotTold

    def inner(one: ast.expr) -> Any:
        return _value(one, tables, line, deep - 1, left)

    if isinstance(node, ast.Constant):
        # A text that a thousand names share is a thousand times as long once it is written out.
        left[0] -= len(node.value) // 50 if isinstance(node.value, str | bytes) else 0
        return node.value
    if isinstance(node, ast.List | ast.Tuple):
        return [inner(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        if any(key is None for key in node.keys):
            raise _NotTold
        pairs = [(inner(k), inner(v)) for k, v in zip(node.keys, node.values, strict=True) if k is not None]
        if not all(isinstance(k, str | int | float) for k, _ in pairs):
            raise _NotTold
        return dict(pairs)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        number = inner(node.operand)
        if isinstance(number, int | float):
            return -number if isinstance(node.op, ast.USub) else number
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        first, second = inner(node.left), inner(node.right)
        if isinstance(first, str) and isinstance(second, str) and len(first) + len(second) < 1_000_000:
            return first + second
    if isinstance(node, ast.Name):
        earlier = [value for at, value in tables.names.get(node.id, ()) if at < line]
        if earlier:
            return _value(earlier[-1], tables, earlier[-1].lineno, deep - 1, left)
    if isinstance(node, ast.Call):
        return _called(node, inner)
    raise _NotTold


def _called(node: ast.Call, inner: Any) -> Any:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "dumps" and node.args:
        return Encoded(inner(node.args[0]))
    if name in ("encode", "strip") and isinstance(node.func, ast.Attribute):
        return inner(node.func.value)
    if name == "tolist" and isinstance(node.func, ast.Attribute) and not node.args:
        return inner(node.func.value)
    if name in ("bytes", "str", "bytearray") and node.args:
        value = inner(node.args[0])
        if isinstance(value, str | bytes | Encoded):
            return value
    elif name in _SAME and node.args:
        value = inner(node.args[0])
        if isinstance(value, list):
            return value
    raise _NotTold
