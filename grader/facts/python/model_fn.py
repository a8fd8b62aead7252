"""Functions called ``model_fn``: where they are defined, what they load, from where, and what they return.

``from_model_dir`` is None where the directory comes by environment (``SM_MODEL_DIR``): on SageMaker that is the same
place, and ``names`` says so; the path is then relative to it all the same.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from grader.facts.python.interpreter import Interpreter
from grader.facts.python.module import Module, Unit
from grader.facts.python.values import (
    ENVIRONMENT,
    HERE,
    HOLE,
    LISTED,
    MARKS,
    MODEL_DIR,
    REMOTE,
    UNKNOWN,
    Const,
    Func,
    Loaded,
    Ref,
    Text,
    Value,
    loaded_in,
    normal,
    options,
)
from grader.facts.records import ModelFn, Via
from grader.patterns import pattern

NAME = "model_fn"
_STEPS = 40_000
IN_TEXT = pattern(r"(?m)^[ \t]*(?:async[ \t]+)?def[ \t]+model_fn[ \t]*\(")
_ESTIMATOR = frozenset({"features", "labels", "mode", "params"})
_SERVING = frozenset({"input_fn", "predict_fn", "output_fn", "transform_fn"})
Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class _Found:
    """A place where the name gets a function. ``node`` None: something that is none of the submission's."""

    line: int
    where: str  # module, method, nested
    function: Func | None
    node: Definition | ast.Lambda | None
    reexported: bool = False


def in_unit(
    machine: Interpreter, module: Module, unit: Unit, script: str | None, entry: bool = False
) -> Iterator[ModelFn]:
    """The ``model_fn`` of a unit that has been followed. ``entry``: a model call names the file as its script."""
    for found in _definitions(module, unit, entry):
        yield _describe(machine, unit, found, script)


def _definitions(module: Module, unit: Unit, entry: bool) -> Iterator[_Found]:
    stack: list[tuple[ast.AST, str]] = [(statement, "module") for statement in reversed(unit.tree.body)]
    used = None
    while stack:
        node, where = stack.pop()
        inner = where
        if isinstance(node, Definition):
            if node.name == NAME:
                bound = _bound_function(module, node)
                function = bound or Func(node, unit, module, decorated=bool(node.decorator_list))
                yield _Found(node.lineno, where, function, node)
            inner = "nested"
        elif isinstance(node, ast.ClassDef):
            inner = "nested" if where == "nested" else "method"
        elif isinstance(node, ast.Assign | ast.AnnAssign) and where == "module":
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(t, ast.Name) and t.id == NAME for t in targets) and node.value is not None:
                yield from _assigned(module, node.lineno, node.value)
        elif isinstance(node, ast.ImportFrom) and where == "module":
            if used is None:
                used = _uses(unit)
            if unit.via in ("module", "writefile") and (entry or not used):
                yield from _imported(module, unit, node, entry)
        elif isinstance(node, ast.If) and where == "module" and _is_main_guard(node.test):
            # SageMaker imports the script: what stands there is not reached.
            stack.extend((child, "guarded") for child in reversed(node.body))
            stack.extend((child, where) for child in reversed(node.orelse))
            continue
        if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            children = [
                c
                for c in ast.iter_child_nodes(node)
                if isinstance(c, ast.stmt | ast.ExceptHandler | ast.match_case)
            ]
            stack.extend((child, inner) for child in reversed(children))


def _is_main_guard(test: ast.expr) -> bool:
    return (
        isinstance(test, ast.Compare)
        and len(test.ops) == 1
        and isinstance(test.ops[0], ast.Eq)
        and {getattr(side, "id", getattr(side, "value", None)) for side in (test.left, test.comparators[0])}
        == {"__name__", "__main__"}
    )


def _bound_function(module: Module, node: Definition) -> Func | None:
    value = module.env.get(NAME)
    return value if isinstance(value, Func) and value.node is node else None


def _assigned(module: Module, line: int, value: ast.expr) -> Iterator[_Found]:
    bound = next((v for v in options(module.env.get(NAME, UNKNOWN)) if isinstance(v, Func)), None)
    if isinstance(value, ast.Lambda):
        function = (
            bound if bound is not None and bound.node is value else Func(value, module.units[0], module)
        )
        yield _Found(line, "module", function, value)
    elif isinstance(value, ast.Name | ast.Attribute | ast.Call | ast.IfExp | ast.Subscript):
        if bound is not None:
            yield _Found(line, "module", bound, bound.node, bound.module is not module)
        elif isinstance(module.env.get(NAME), Ref) or isinstance(value, ast.Call):
            yield _Found(line, "module", None, None)


def _uses(unit: Unit) -> bool:
    """Whether the unit calls the function itself, as a test or a local trial does."""
    return any(
        isinstance(n, ast.Name) and n.id == NAME and isinstance(n.ctx, ast.Load) for n in ast.walk(unit.tree)
    )


def _imported(module: Module, unit: Unit, node: ast.ImportFrom, entry: bool) -> Iterator[_Found]:
    bound = module.env.get(NAME)
    for alias in node.names:
        if (alias.asname or alias.name) == NAME:
            function = bound if isinstance(bound, Func) else None
            yield _Found(node.lineno, "module", function, function.node if function else None, True)
        elif alias.name == "*" and isinstance(bound, Func) and bound.module is not module:
            defined = {n.name for n in unit.tree.body if isinstance(n, Definition)}
            dotted = (node.module or "").rpartition(".")[2]
            script = (bound.module.script or "").rpartition("/")[2].removesuffix(".py")
            if (entry or defined & _SERVING or len(unit.tree.body) <= 3) and (not dotted or dotted == script):
                yield _Found(node.lineno, "module", bound, bound.node, True)


def _via(unit: Unit, where: str) -> Via:
    if where == "method":
        return "method"
    return "nested" if where in ("nested", "guarded") else unit.via


def _describe(machine: Interpreter, unit: Unit, found: _Found, script: str | None) -> ModelFn:
    line = found.line + unit.offset
    via = _via(unit, found.where)
    if found.function is None or found.node is None:
        return ModelFn(
            unit.path, unit.cell, line, via, (), True, None, (), None, True, False, script,
            defined_in="?", uncertain=("it is not defined in this repository",),
        )  # fmt: skip
    arguments = found.node.args
    parameters = _parameters(arguments)
    unbound = (
        found.where == "method"
        and found.function.kind != "staticmethod"
        and not any(
            isinstance(d, ast.Name) and d.id == "staticmethod"
            for d in getattr(found.node, "decorator_list", ())
        )
    )
    plain = [p for p in parameters if not p.startswith("*")][1 if unbound else 0 :]
    homonym = bool(plain) and (
        (set(plain) <= _ESTIMATOR | {"config"} and plain != ["config"]) or len(_ESTIMATOR & set(plain)) >= 2
    )
    looked = _look(machine, found.function, unbound)
    return ModelFn(
        path=unit.path,
        cell=unit.cell,
        line=line,
        via=via,
        parameters=parameters,
        callable_with_one=_takes_one(
            arguments,
            unbound + (found.function.bound is not None) + len(found.function.given),
            frozenset(found.function.named or ()),
        ),
        loader=looked.loader,
        loads=looked.loads,
        from_model_dir=looked.from_model_dir,
        returns_on_all_paths=looked.returns_none is None and looked.returns,
        estimator_homonym=homonym,
        script=script,
        is_async=isinstance(found.node, ast.AsyncFunctionDef),
        decorated=bool(getattr(found.node, "decorator_list", ())),
        defined_in=found.function.module.script if found.reexported else None,
        returns_none=looked.returns_none,
        names=(*looked.names, "main-guard") if found.where == "guarded" else looked.names,
        uncertain=looked.uncertain,
        alternatives=looked.alternatives,
        followed=looked.followed and not unit.deep,
        source_whole=unit.whole,
    )


def _parameters(arguments: ast.arguments) -> tuple[str, ...]:
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    if arguments.vararg:
        names.append(f"*{arguments.vararg.arg}")
    names += [a.arg for a in arguments.kwonlyargs]
    if arguments.kwarg:
        names.append(f"**{arguments.kwarg.arg}")
    return tuple(names)


def _takes_one(arguments: ast.arguments, given: int, named: frozenset[str]) -> bool:
    """Whether a call with one positional argument works, ``given`` and those ``named`` being filled already."""
    positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    required = positional[: len(positional) - len(arguments.defaults)]
    keyword_only = any(
        default is None and argument.arg not in named
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    )
    open_after = [name for name in required[given + 1 :] if name not in named]
    return (
        not open_after
        and (len(positional) > given or arguments.vararg is not None)
        and not named.intersection(positional[: given + 1])
        and not keyword_only
    )


@dataclass(frozen=True, slots=True)
class _Looked:
    loader: str | None
    loads: tuple[str, ...]
    from_model_dir: bool | None
    returns: bool
    returns_none: int | None
    names: tuple[str, ...]
    uncertain: tuple[str, ...]
    alternatives: tuple[tuple[str, ...], ...]
    followed: bool


def _look(machine: Interpreter, function: Func, unbound: bool) -> _Looked:
    node = function.node
    machine.opened, machine.directory, machine.depth = [], None, 0
    machine.unsure.clear()
    machine.call_limit = machine.module_limit = machine.steps + _STEPS
    machine.allowance = machine.pool = _STEPS
    machine.cold = machine.bare = machine.short = False
    positional = len(node.args.posonlyargs) + len(node.args.args)
    args: tuple[Value, ...] = (Text(MODEL_DIR),)
    if unbound:
        args = (UNKNOWN, *args)
    elif not positional and node.args.vararg is None:
        args = ()
    named: dict[str, Value] = {}
    if not args and node.args.kwonlyargs:
        named[node.args.kwonlyargs[0].arg] = Text(MODEL_DIR)  # what it would be, could it be handed over
    uncertain: list[str] = []
    try:
        results, falls = machine.follow(function, args, named)
    except RecursionError:
        results, falls = [], False
        uncertain.append("its code is nested too deeply to be followed")
        machine.short = True
    opened = list(machine.opened or ())
    machine.opened, machine.depth = None, 0
    if machine.short or machine.steps > machine.call_limit:
        machine.short, falls = True, False
        uncertain.append("it was too long to be followed to its end")

    returned = [loaded for value, _ in results for loaded in loaded_in(value)]
    known = {text for text, _ in opened}
    before = [path for loaded in returned for path in loaded.paths if path not in known]
    names: list[str] = ["module-level"] if before else []
    texts = list(dict.fromkeys([*before, *(text for text, _ in opened)]))
    every = [loaded.loader for loaded in returned] or [loader for _, loader in opened if loader]
    chosen = [loader for loader in every if loader not in ("numpy", "other")] or every
    if not chosen and texts:
        chosen = ["other"]

    if chosen[:1] == ["other"] and machine.unsure:
        helper = machine.unsure[0].removeprefix("?.").removeprefix("?")
        uncertain.append(f"what `{helper[:60]}` loads, and with what, cannot be told")

    none_at: int | None = None
    for value, line in results:
        if any(isinstance(option, Const) and option.value is None for option in options(value)):
            none_at = none_at or line + function.unit.offset
    if falls and none_at is None and not isinstance(node, ast.Lambda):
        none_at = (node.body[-1].lineno if node.body else node.lineno) + function.unit.offset
    generator = id(node) in function.unit.signs().generators

    loads: list[str] = []
    origins: list[bool | None] = []
    for text in texts:
        shown, origin, kind = _place(text)
        loads.append(shown)
        origins.append(origin)
        names.append(kind)
        if LISTED in text:
            names.append("listing")
        if HOLE in text:
            uncertain.append(f"a part of the path `{shown}` cannot be told")
        elif LISTED in text:
            uncertain.append("the file is found by listing a folder")
        elif ENVIRONMENT in text:
            uncertain.append("the folder is taken from the environment")
    from_dir = False if False in origins else None if not origins or None in origins else True
    return _Looked(
        chosen[0] if chosen else None,
        tuple(dict.fromkeys(loads)),
        from_dir,
        (bool(results) or bool(uncertain)) and not generator,
        none_at,
        tuple(dict.fromkeys(n for n in names if n)),
        tuple(dict.fromkeys(uncertain)),
        _alternatives(node, results),
        not machine.short,
    )


_ASKS = frozenset({"exists", "isfile", "is_file", "isdir", "is_dir", "lexists"})


def _alternatives(node: ast.AST, results: list[tuple[Value, int]]) -> tuple[tuple[str, ...], ...]:
    """The files of each way that it may return, where it asks first which are there."""
    asks = any(
        isinstance(part, ast.Try) or (isinstance(part, ast.Attribute | ast.Name) and _name_of(part) in _ASKS)
        for part in ast.walk(node)
    )
    if not asks:
        return ()
    ways: dict[tuple[str, ...], None] = {}
    for value, _ in results:
        for option in options(value):
            paths = [_place(path)[0] for loaded in loaded_in(option) for path in loaded.paths]
            for path in paths if isinstance(option, Loaded) else ():
                ways[(path,)] = None
            if not isinstance(option, Loaded) and paths:
                ways[tuple(dict.fromkeys(paths))] = None
    return tuple(ways) if len(ways) > 1 else ()


def _name_of(node: ast.Attribute | ast.Name) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id


def _place(text: str) -> tuple[str, bool | None, str]:
    """A path as the contract shows it, whether it comes from the parameter, and how it is reached."""
    start, rest = text[:1], text[1:]
    if start in (MODEL_DIR, ENVIRONMENT) and start:
        kind = "parameter" if start == MODEL_DIR else "environment"
        if rest and not rest.startswith(("/", "\\")):
            kind = "no-separator"
        shown = normal(rest.lstrip("/\\")) if rest.strip("/\\") else "."
        return _starred(shown), True if start == MODEL_DIR else None, kind
    if start == HERE:
        return _starred(normal(rest.lstrip("/"))), False, "file"
    if start == REMOTE:
        return "*", False, "remote"
    if start in (HOLE, LISTED) or not start:
        return _starred(text) or "*", None, ""
    shown = _starred(text)
    if text.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", text):
        return normal(shown) if not text.startswith("~") else shown, False, "absolute"
    if "://" in text:
        return shown, False, "absolute"
    return normal(shown), False, "relative"


def _starred(text: str) -> str:
    for mark in MARKS:
        text = text.replace(mark, "*")
    return re.sub(r"\*{2,}", "*", text)
