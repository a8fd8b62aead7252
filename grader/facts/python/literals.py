"""Text literals that hold a ``model_fn``: code that a program writes to a file, or only keeps."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.facts.python import model_fn
from grader.facts.python.module import Module, Unit
from grader.facts.python.parse import parse
from grader.facts.python.values import Spot
from grader.patterns import pattern

_DEF = pattern(r"def\s+model_fn\s*\(")


def in_unit(unit: Unit) -> Iterator[tuple[Spot, Unit]]:
    """Where each such literal stands, and its text as a unit of its own: lines are those of the file or cell."""
    if not unit.signs().quotes_it:
        return
    for node, text in _literals(unit.tree):
        at = Spot(unit.path, unit.cell, node.lineno + unit.offset)
        lines = unit.lines[node.lineno - 1 : node.end_lineno]
        places = [node.lineno + n for n, line in enumerate(lines) if _DEF.search(line)]
        parsed = parse(_dedented(text))
        inner = Unit(unit.path, unit.cell, "string", parsed.tree, parsed.lines, parsed.whole, live=False)
        starts = [
            n.lineno
            for n in ast.walk(parsed.tree)
            if isinstance(n, model_fn.Definition) and n.name == model_fn.NAME
        ]
        if starts:
            inner.offset = (places[0] if places else node.lineno) + unit.offset - min(starts)
        yield at, inner


def module_of(at: Spot, unit: Unit, folder: str, target: str | None) -> Module:
    """The module that a literal is, written to ``target`` where that is known."""
    return Module(f"{unit.path}#{at.line}", folder, target, [unit])


def _literals(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Text literals that hold a ``model_fn``: alone, as a sum or as a list of lines."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and model_fn.IN_TEXT.search(node.value):
                yield node, node.value
            continue
        if isinstance(node, ast.JoinedStr | ast.BinOp | ast.List | ast.Tuple):
            parts = [n.value for n in _constants(node) if isinstance(n.value, str)]
            glue = (
                ""
                if isinstance(node, ast.JoinedStr | ast.BinOp) or any(p.endswith("\n") for p in parts)
                else "\n"
            )
            if sum(model_fn.IN_TEXT.search(p) is not None for p in parts) == 1:
                if isinstance(node, ast.JoinedStr):
                    glue = "_"
                yield node, glue.join(parts)
                continue
        stack.extend(reversed(list(ast.iter_child_nodes(node))))


def _constants(node: ast.AST) -> Iterator[ast.Constant]:
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, ast.Constant):
            yield part
        elif isinstance(part, ast.JoinedStr | ast.BinOp | ast.List | ast.Tuple):
            stack.extend(reversed(list(ast.iter_child_nodes(part))))


def _dedented(text: str) -> str:
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    margin = len(first) - len(first.lstrip())
    return (
        "\n".join(line[margin:] if not line[:margin].strip() else line for line in lines) if margin else text
    )
