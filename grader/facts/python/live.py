"""Live uses in code: ``.as_matrix``, ``sklearn.externals.joblib``; imports and text constants. No values are needed."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from grader.facts.python.module import Unit
from grader.facts.records import Use

_EXTERNALS = "sklearn.externals"
_LITERALS_MOST = 2_000
_LITERAL_LENGTH = 2_000
_FAILING = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass(slots=True)
class Uses:
    """What one unit uses."""

    as_matrix: list[Use] = field(default_factory=list)
    externals: list[Use] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    literals: list[str] = field(default_factory=list)


def of(unit: Unit) -> Uses:
    """The uses in ``unit``, in the order of its lines."""
    uses = Uses()
    stack: list[tuple[ast.AST, bool]] = [(unit.tree, False)]
    while stack:
        node, guarded = stack.pop()
        if isinstance(node, ast.Attribute):
            _attribute(node, unit, guarded, uses)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                uses.imports.add(alias.name)
                if alias.name.startswith(_EXTERNALS + ".joblib"):
                    _note(uses.externals, unit, node.lineno, guarded)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            uses.imports.update(f"{module}.{alias.name}" if module else alias.name for alias in node.names)
            joblib = module == _EXTERNALS and any(alias.name == "joblib" for alias in node.names)
            if (joblib or module.startswith(_EXTERNALS + ".joblib")) and not node.level:
                _note(uses.externals, unit, node.lineno, guarded)
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str) and len(uses.literals) < _LITERALS_MOST:
                uses.literals.append(node.value[:_LITERAL_LENGTH])
        elif (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            continue  # a docstring, or text that nobody uses
        if isinstance(node, ast.Try):
            behind = guarded or _catches_imports(node)
            stack.extend((child, behind) for child in node.body)
            stack.extend((child, behind) for handler in node.handlers for child in handler.body)
            stack.extend((child, guarded) for child in (*node.orelse, *node.finalbody))
            continue
        stack.extend((child, guarded) for child in ast.iter_child_nodes(node))
    uses.as_matrix.sort(key=lambda use: use.line)
    uses.externals.sort(key=lambda use: use.line)
    return uses


def _catches_imports(node: ast.Try) -> bool:
    for handler in node.handlers:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if any(kind is None or (isinstance(kind, ast.Name) and kind.id in _FAILING) for kind in kinds):
            imports = any(isinstance(part, ast.Import | ast.ImportFrom) for part in ast.walk(handler))
            return imports or any(isinstance(part, ast.Import | ast.ImportFrom) for part in node.body[1:])
    return False


def _attribute(node: ast.Attribute, unit: Unit, guarded: bool, uses: Uses) -> None:
    if node.attr == "as_matrix" and isinstance(node.ctx, ast.Load):
        # A chain may run over several lines: the use is where the name stands.
        _note(uses.as_matrix, unit, node.end_lineno or node.lineno, False)
    elif node.attr == "joblib":
        inner = node.value
        if (
            isinstance(inner, ast.Attribute)
            and inner.attr == "externals"
            and isinstance(inner.value, ast.Name)
            and inner.value.id == "sklearn"
        ):
            _note(uses.externals, unit, node.lineno, guarded)


def _note(into: list[Use], unit: Unit, line: int, guarded: bool) -> None:
    use = Use(unit.path, unit.cell, line + unit.offset, guarded)
    if use not in into:
        into.append(use)
