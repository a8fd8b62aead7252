"""What a script for SageMaker says of the requests it takes: which functions of the contract it defines, which content
types and keys stand in them. Read from its text; no verdicts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from grader.facts.python.parse import clean, parse
from grader.patterns import pattern

CONTRACT = ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")
"""The functions that SageMaker's scikit-learn container looks for in the script."""

_TAKES = ("input_fn", "transform_fn", "predict_fn")
_TYPE = pattern(r"^(?:application|text)/[a-z0-9.+-]{1,60}$")
_MOST = 40


class Handlers(NamedTuple):
    """``defined`` of :data:`CONTRACT`; ``content_types`` as they stand in the script, those of its input functions
    first; ``keys`` by which its input functions take parts of a request.
    """

    defined: tuple[str, ...] = ()
    content_types: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def takes_input(self) -> bool:
        """Whether the student's own code reads the request."""
        return "input_fn" in self.defined or "transform_fn" in self.defined


def handlers_of(text: str) -> Handlers:
    """What the script ``text`` says. Never raises; what cannot be parsed says nothing."""
    tree = parse(clean(text)).tree
    defined = [name for name in _names(tree.body) if name in CONTRACT]
    own = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in _TAKES
    ]
    own.sort(key=lambda node: _TAKES.index(node.name))
    # Helpers may do the reading, but what output_fn names is what it answers.
    rest = [
        node
        for node in tree.body
        if node not in own and getattr(node, "name", "") not in ("output_fn", "model_fn")
    ]
    types: dict[str, None] = {}
    for node in (*own, *rest):
        for constant in _texts(node):
            found = constant.strip().lower().partition(";")[0].strip()
            if _TYPE.match(found) and len(types) < _MOST:
                types[found] = None
    keys: dict[str, None] = {}
    if own:
        helpers = [node for node in rest if isinstance(node, ast.FunctionDef)]
        for node in (*own, *helpers):
            for key in _keys(node):
                if len(keys) < _MOST:
                    keys[key] = None
    return Handlers(tuple(dict.fromkeys(defined)), tuple(types), tuple(keys))


def _names(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Names that a module binds at its top level, conditions and ``try`` looked through."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.If | ast.Try):
            yield from _names((*node.body, *node.orelse))
            for handler in getattr(node, "handlers", ()):
                yield from _names(handler.body)


def _texts(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and len(inner.value) < 200:
            yield inner.value


def _keys(node: ast.AST) -> Iterator[str]:
    """``data["instances"]``, ``data.get("instances")``, ``"instances" in data``."""
    for inner in ast.walk(node):
        key: ast.expr | None = None
        if isinstance(inner, ast.Subscript) and isinstance(inner.ctx, ast.Load):
            key = inner.slice
        elif (
            isinstance(inner, ast.Call)
            and isinstance(inner.func, ast.Attribute)
            and inner.func.attr in ("get", "pop")
        ):
            key = inner.args[0] if inner.args else None
        elif isinstance(inner, ast.Compare) and len(inner.ops) == 1 and isinstance(inner.ops[0], ast.In):
            key = inner.left
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and 0 < len(key.value) < 100:
            yield key.value
        elif isinstance(key, ast.List | ast.Tuple):  # frame[["a", "b"]]
            yield from (k.value for k in key.elts if isinstance(k, ast.Constant) and isinstance(k.value, str))
