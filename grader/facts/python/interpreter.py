"""Following a program without running it: every statement once, branches side by side, values where they can be told.

What a function returns, which names are bound to what and which calls are made with which arguments all come from here.
Work is bounded: each evaluated node is a step, calls are followed a few deep, and beyond the bounds values are UNKNOWN.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from grader.facts.python import calls
from grader.facts.python.module import Module, Unit
from grader.facts.python.values import (
    HOLE,
    NONE,
    UNKNOWN,
    Choice,
    Cls,
    Const,
    Func,
    Loaded,
    Map,
    Method,
    Obj,
    Package,
    Ref,
    Seq,
    Spot,
    Text,
    Value,
    choice,
    combined,
    options,
    same,
    texts,
)

DEPTH_MOST = 8
CALL_STEPS = 30_000
MODULE_STEPS = 600_000
ALL_STEPS = 4_000_000
UNROLLED = 16
Env = dict[str, Value]


@dataclass(frozen=True, slots=True)
class _Never(Value):
    """A call that does not come back."""


NEVER = _Never()


@dataclass(slots=True, eq=False)
class Frame:
    """Where evaluation stands. ``returns``: (value, line) of each return of a function, None at module level."""

    module: Module
    unit: Unit
    env: Env
    closure: tuple[Env, ...] = ()
    returns: list[tuple[Value, int]] | None = None
    outer: set[str] = field(default_factory=set)
    breaks: list[list[Env]] = field(default_factory=list)
    owner: Cls | None = None


@dataclass(frozen=True, slots=True)
class CallSeen:
    """A call as it was met: ``function`` is what is called, arguments are evaluated."""

    node: ast.Call
    function: Value
    args: tuple[Value, ...]
    keywords: dict[str, Value]
    frame: Frame
    machine: Interpreter


class Interpreter:
    """Follows modules. ``listeners`` hear of every call; ``find_module`` resolves an import of the submission's own."""

    def __init__(
        self,
        find_module: Callable[[Module, str, int], Module | None],
        run_file: Callable[[Module, str], Module | None],
    ) -> None:
        self.find_module = find_module
        self.run_file = run_file
        self.listeners: list[Callable[[CallSeen], None]] = []
        self.opened: list[tuple[str, str | None]] | None = None
        self.steps = 0
        self.depth = 0
        self.call_limit = 0
        self.module_limit = MODULE_STEPS
        self.exceeded: set[str] = set()
        self.directory: Value | None = None
        self.running: set[int] = set()

    # Modules

    def run(self, module: Module) -> None:
        """Follow a module from top to bottom, once; then the functions that nothing in it called."""
        if module.state:
            return
        module.state = 1
        saved = self.opened, self.depth, self.directory, self.module_limit
        self.opened, self.directory = None, None
        self.module_limit = min(self.steps + MODULE_STEPS, ALL_STEPS)
        try:
            self._units(module)
            if module.notebook and module.missed & module.env.keys():
                # Cells are not always run from top to bottom: a name may be set in a later one.
                module.final = dict(module.env)
                module.env = {}
                self._units(module)
            module.state = 2
            self.depth = 0
            while module.pending:
                function = module.pending.pop(0)
                if id(function.node) not in self.running and self.steps < self.module_limit:
                    try:
                        self.call(function, None, None)
                    except RecursionError:
                        continue
        finally:
            module.state = 2
            if self.steps > self.module_limit:
                self.exceeded.add(module.units[0].path if module.units else module.key)
            self.opened, self.depth, self.directory, self.module_limit = saved
            # What an import cost is the imported module's, not the importing one's.
            self.module_limit = min(max(self.module_limit, self.steps + MODULE_STEPS // 4), ALL_STEPS)

    def _units(self, module: Module) -> None:
        for unit in module.units:
            frame = Frame(module, unit, module.env)
            for statement in unit.tree.body:
                try:
                    if not self.block([statement], frame) and not module.notebook:
                        continue  # what stands behind a module's exit is looked at all the same
                except RecursionError:
                    continue
            module.env = frame.env
            if unit.snapshot is not None:
                unit.snapshot = {**module.environment, **module.env}

    # Statements: each returns whether the next one may be reached

    def block(self, body: Sequence[ast.stmt], frame: Frame) -> bool:
        return all(self.statement(statement, frame) for statement in body)

    def statement(self, node: ast.stmt, frame: Frame) -> bool:
        self.steps += 1
        if self.steps > self.module_limit or (self.depth and self.steps > self.call_limit + CALL_STEPS):
            return True
        method = _STATEMENTS.get(type(node))
        return True if method is None else method(self, node, frame)

    def _expr(self, node: ast.Expr, frame: Frame) -> bool:
        return self.eval(node.value, frame) is not NEVER

    def _assign(self, node: ast.Assign, frame: Frame) -> bool:
        value = self.eval(node.value, frame)
        if value is NEVER:
            return False
        for target in node.targets:
            self.bind(target, value, frame)
        return True

    def _ann_assign(self, node: ast.AnnAssign, frame: Frame) -> bool:
        if node.value is not None:
            self.bind(node.target, self.eval(node.value, frame), frame)
        return True

    def _aug_assign(self, node: ast.AugAssign, frame: Frame) -> bool:
        left = self.eval(_loading(node.target), frame)
        right = self.eval(node.value, frame)
        self.bind(node.target, self.binary(node.op, left, right), frame)
        return True

    def _return(self, node: ast.Return, frame: Frame) -> bool:
        value = NONE if node.value is None else self.eval(node.value, frame)
        if value is not NEVER and frame.returns is not None:
            frame.returns.append((value, node.lineno))
        return False

    def _raise(self, node: ast.Raise, frame: Frame) -> bool:
        if node.exc is not None:
            self.eval(node.exc, frame)
        return False

    def _assert(self, node: ast.Assert, frame: Frame) -> bool:
        value = self.eval(node.test, frame)
        self.narrow(node.test, True, frame)
        return not (isinstance(value, Const) and not value.value and isinstance(node.test, ast.Constant))

    def _delete(self, node: ast.Delete, frame: Frame) -> bool:
        for target in node.targets:
            if isinstance(target, ast.Name):
                frame.env.pop(target.id, None)
        return True

    def _global(self, node: ast.Global | ast.Nonlocal, frame: Frame) -> bool:
        if isinstance(node, ast.Global):
            frame.outer.update(node.names)
        return True

    def _break(self, node: ast.stmt, frame: Frame) -> bool:
        if isinstance(node, ast.Break) and frame.breaks:
            frame.breaks[-1].append(dict(frame.env))
        return False

    def _if(self, node: ast.If, frame: Frame) -> bool:
        self.eval(node.test, frame)
        truth = _constant_truth(node.test)
        before = frame.env
        ends: list[Env] = []
        for wanted, body in ((True, node.body), (False, node.orelse)):
            frame.env = dict(before)
            self._publish(frame)
            self.narrow(node.test, wanted, frame)
            goes_on = self.block(body, frame)
            if goes_on and truth is not (not wanted):
                ends.append(frame.env)
        return self._merge(frame, before, ends)

    def _merge(self, frame: Frame, before: Env, ends: list[Env]) -> bool:
        if not ends:
            frame.env = before
            self._publish(frame)
            return False
        self.steps += len(before) // 8
        frame.env = ends[0] if len(ends) == 1 else _joined(ends)
        self._publish(frame)
        return True

    def _publish(self, frame: Frame) -> None:
        """At module level functions see the namespace as it is now."""
        if frame.returns is None and frame.owner is None:
            frame.module.env = frame.env

    def _while(self, node: ast.While, frame: Frame) -> bool:
        self.eval(node.test, frame)
        forever = _constant_truth(node.test) is True
        before = frame.env
        frame.env = dict(before)
        self._publish(frame)
        frame.breaks.append([])
        goes_on = self.block(node.body, frame)
        broken = frame.breaks.pop()
        ends = [] if forever else [before, *([frame.env] if goes_on else [])]
        if ends and node.orelse:
            frame.env = _joined(ends)
            ends = [frame.env] if self.block(node.orelse, frame) else []
        return self._merge(frame, before, [*ends, *broken])

    def _for(self, node: ast.For | ast.AsyncFor, frame: Frame) -> bool:
        iterated = self.eval(node.iter, frame)
        items, complete = calls.items_of(iterated)
        before = frame.env
        rounds: Sequence[Value] = (
            items
            if complete and 0 < len(items) <= UNROLLED and len(frame.breaks) < 2
            else [choice(items[:1]) if items else UNKNOWN]
        )
        frame.env = dict(before)
        self._publish(frame)
        frame.breaks.append([])
        reached = True
        for item in rounds:
            self.bind(node.target, item, frame)
            reached = self.block(node.body, frame)
            if not reached and len(rounds) == 1:
                break
        broken = frame.breaks.pop()
        # A loop that people write to find something is taken to find it: what it sets is set behind it.
        after = [frame.env] if reached else []
        sometimes = _joined([*after, *broken, before])
        for name, value in sometimes.items():
            if name in before and isinstance(value, Choice) and not same(before[name], value):
                kept = [one for one in value.options if not (isinstance(one, Const) and one.value is None)]
                empty = [one for one in kept if not (isinstance(one, Seq) and not one.items)]
                sometimes[name] = choice(empty or kept or value.options)
        frame.env = sometimes
        if node.orelse:
            if not self.block(node.orelse, frame):
                return self._merge(frame, before, broken)
        elif not items and not reached and not broken and _is_forever(node.iter):
            return False
        self._publish(frame)
        return True

    def _try(self, node: ast.Try, frame: Frame) -> bool:
        before = dict(frame.env)
        ends: list[Env] = []
        body_end: Env | None = None
        goes_on = self.block(node.body, frame)
        after = frame.env
        if goes_on:
            goes_on = self.block(node.orelse, frame) if node.orelse else True
            if goes_on:
                body_end = frame.env
                ends.append(frame.env)
        for handler in node.handlers:
            frame.env = _joined([before, after])
            self._publish(frame)
            if handler.name:
                frame.env[handler.name] = UNKNOWN
            if self.block(handler.body, frame):
                ends.append(frame.env)
        if node.finalbody:
            frame.env = _joined(ends) if ends else dict(before)
            if body_end is None and not ends:
                self.block(node.finalbody, frame)
                self._publish(frame)
                return False
            ends = [frame.env] if self.block(node.finalbody, frame) else []
        return self._merge(frame, before, ends)

    def _with(self, node: ast.With | ast.AsyncWith, frame: Frame) -> bool:
        swallowing = False
        for item in node.items:
            value = self.eval(item.context_expr, frame)
            if isinstance(value, Obj) and value.name == "contextlib.suppress":
                swallowing = True
            if item.optional_vars is not None:
                self.bind(item.optional_vars, value, frame)
        before = dict(frame.env)
        goes_on = self.block(node.body, frame)
        if swallowing:
            return self._merge(frame, before, [before, *([frame.env] if goes_on else [])])
        return goes_on

    def _match(self, node: ast.Match, frame: Frame) -> bool:
        self.eval(node.subject, frame)
        before = frame.env
        ends: list[Env] = []
        complete = False
        for case in node.cases:
            frame.env = dict(before)
            for part in ast.walk(case.pattern):
                name = getattr(part, "name", None) or getattr(part, "rest", None)
                if isinstance(name, str):
                    frame.env[name] = UNKNOWN
            pattern = case.pattern
            if isinstance(pattern, ast.MatchAs) and pattern.pattern is None and case.guard is None:
                complete = True
            if self.block(case.body, frame):
                ends.append(frame.env)
        if not complete:
            ends.append(before)
        return self._merge(frame, before, ends)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, frame: Frame) -> bool:
        kind = ""
        decorated = bool(node.decorator_list)
        for decorator in node.decorator_list:
            value = self.eval(decorator, frame)
            if isinstance(value, Ref) and value.name.startswith("builtins."):
                kind = value.name[9:]
        for default in (*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)):
            self.eval(default, frame)
        closure = (frame.env, *frame.closure) if frame.returns is not None else frame.closure
        function = Func(
            node, frame.unit, frame.module, closure, owner=frame.owner, kind=kind, decorated=decorated
        )
        frame.module.pending.append(function)
        self.bind_name(node.name, function, frame)
        return True

    def _class(self, node: ast.ClassDef, frame: Frame) -> bool:
        bases = tuple(self.eval(base, frame) for base in node.bases)
        for keyword in node.keywords:
            self.eval(keyword.value, frame)
        cls = Cls(node.name, frame.module, {}, bases)
        inner = Frame(
            frame.module,
            frame.unit,
            {},
            (frame.env, *frame.closure) if frame.returns is not None else (),
            None,
            owner=cls,
        )
        self.block(node.body, inner)
        cls.attributes = inner.env
        self.bind_name(node.name, cls, frame)
        return True

    def _import(self, node: ast.Import, frame: Frame) -> bool:
        for alias in node.names:
            found = self.find_module(frame.module, alias.name, 0)
            if found is not None and (alias.asname or "." not in alias.name):
                self.run(found)
                self.bind_name(alias.asname or alias.name, Package(found), frame)
            elif alias.asname:
                self.bind_name(alias.asname, Ref(alias.name), frame)
            else:
                self.bind_name(alias.name.partition(".")[0], Ref(alias.name.partition(".")[0]), frame)
        return True

    def _import_from(self, node: ast.ImportFrom, frame: Frame) -> bool:
        dotted = node.module or ""
        found = self.find_module(frame.module, dotted, node.level) if dotted or node.level else None
        if found is not None:
            self.run(found)
        for alias in node.names:
            if alias.name == "*":
                if found is not None:
                    for name, known in list(found.env.items()):
                        if not name.startswith("_"):
                            self.bind_name(name, known, frame)
                else:
                    frame.module.missed.add(f"*{dotted}")
                continue
            value: Value
            if found is not None and alias.name in found.env:
                value = found.env[alias.name]
            else:
                inner = self.find_module(
                    frame.module, f"{dotted}.{alias.name}" if dotted else alias.name, node.level
                )
                if inner is not None:
                    self.run(inner)
                    value = Package(inner)
                else:
                    value = UNKNOWN if found is not None else Ref("." * node.level + f"{dotted}.{alias.name}")
            self.bind_name(alias.asname or alias.name, value, frame)
        return True

    # Names

    def bind_name(self, name: str, value: Value, frame: Frame) -> None:
        if name in frame.outer:
            frame.module.env[name] = value
        else:
            frame.env[name] = value

    def bind(self, target: ast.expr, value: Value, frame: Frame) -> None:
        if isinstance(target, ast.Name):
            self.bind_name(target.id, value, frame)
        elif isinstance(target, ast.Tuple | ast.List):
            items, complete = calls.items_of(value)
            for index, element in enumerate(target.elts):
                if isinstance(element, ast.Starred):
                    self.bind(element.value, UNKNOWN, frame)
                    continue
                known = items[index] if complete and index < len(items) else None
                if known is None and isinstance(value, Loaded):
                    known = value
                self.bind(element, known if known is not None else UNKNOWN, frame)
        elif isinstance(target, ast.Attribute):
            owner = self.eval(target.value, frame)
            for option in options(owner):
                if isinstance(option, Obj | Cls):
                    option.attributes[target.attr] = value
        elif isinstance(target, ast.Subscript):
            owner = self.eval(target.value, frame)
            key = self.eval(target.slice, frame)
            name = next(iter(texts(key)), HOLE)
            if isinstance(owner, Ref) and owner.name == "os.environ":
                frame.module.environment[name] = value
            elif isinstance(owner, Map):
                if HOLE in name:
                    owner.more = True
                    owner.items.setdefault(HOLE, value)
                else:
                    owner.items[name] = value
        elif isinstance(target, ast.Starred):
            self.bind(target.value, value, frame)

    def lookup(self, name: str, frame: Frame) -> Value:
        found = None if name in frame.outer else frame.env.get(name)
        if found is not None:
            return found
        for env in frame.closure:
            found = env.get(name)
            if found is not None:
                return found
        found = frame.module.env.get(name)
        if found is None:
            found = frame.module.final.get(name)
        if found is not None:
            return found
        if name in calls.BUILTINS:
            return Ref(f"builtins.{name}")
        if name == "__file__" and frame.module.script:
            return calls.own_file(frame.module.script)
        frame.module.missed.add(name)
        return Ref(f"?{name}")

    def narrow(self, test: ast.expr, wanted: bool, frame: Frame) -> None:
        """What a condition says of a name: that it is None, or is not."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            self.narrow(test.operand, not wanted, frame)
            return
        if isinstance(test, ast.BoolOp):
            if isinstance(test.op, ast.And) is wanted:
                for part in test.values:
                    self.narrow(part, wanted, frame)
            return
        name: str | None = None
        is_none = False
        if isinstance(test, ast.Name):
            name, is_none = test.id, not wanted
        elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Name):
            other = test.comparators[0]
            if isinstance(other, ast.Constant) and other.value is None:
                if isinstance(test.ops[0], ast.Is | ast.Eq):
                    name, is_none = test.left.id, wanted
                elif isinstance(test.ops[0], ast.IsNot | ast.NotEq):
                    name, is_none = test.left.id, not wanted
        if name is None or is_none:
            return
        value = self.lookup(name, frame)
        if isinstance(value, Choice):
            kept = [one for one in value.options if not (isinstance(one, Const) and one.value is None)]
            self.bind_name(name, choice(kept), frame)
        elif isinstance(value, Const) and value.value is None:
            self.bind_name(name, UNKNOWN, frame)

    # Expressions

    def eval(self, node: ast.expr, frame: Frame) -> Value:
        self.steps += 1
        if self.steps > ALL_STEPS:
            return UNKNOWN
        method = _EXPRESSIONS.get(type(node))
        if method is None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.eval(child, frame)
            return UNKNOWN
        return method(self, node, frame)

    def quietly(self, node: ast.expr, frame: Frame) -> Value:
        """The value of an expression that was evaluated before: nobody hears of it, nothing is opened."""
        saved = self.listeners, self.opened
        self.listeners, self.opened = [], None
        try:
            return self.eval(node, frame)
        finally:
            self.listeners, self.opened = saved

    def spot(self, node: ast.AST, frame: Frame) -> Spot:
        return Spot(frame.unit.path, frame.unit.cell, getattr(node, "lineno", 1) + frame.unit.offset)

    def _constant(self, node: ast.Constant, frame: Frame) -> Value:
        if isinstance(node.value, str):
            return Text(node.value, self.spot(node, frame))
        return NONE if node.value is None else Const(node.value)

    def _name(self, node: ast.Name, frame: Frame) -> Value:
        return self.lookup(node.id, frame)

    def _attribute(self, node: ast.Attribute, frame: Frame) -> Value:
        owner = self.eval(node.value, frame)
        if isinstance(owner, Choice):
            return choice(self.attribute(one, node.attr) for one in owner.options)
        return self.attribute(owner, node.attr)

    def attribute(self, owner: Value, name: str) -> Value:
        """``owner.name``."""
        if isinstance(owner, Ref):
            return Ref(f"{owner.name}.{name}")
        if isinstance(owner, Package):
            found = owner.module.env.get(name)
            return UNKNOWN if found is None else found
        if isinstance(owner, Obj):
            found = owner.attributes.get(name)
            if found is None and owner.cls is not None:
                found = _member(owner.cls, name)
                if isinstance(found, Func):
                    found = _bound(found, owner, owner.cls)
                    if found.kind in ("property", "cached_property"):
                        return self.call(found, (), {})
            return Method(owner, name) if found is None else found
        if isinstance(owner, Cls):
            found = _member(owner, name)
            if isinstance(found, Func) and found.kind == "classmethod":
                return _bound(found, owner, owner)
            return Method(owner, name) if found is None else found
        return calls.attribute(owner, name)

    def _subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        owner = self.eval(node.value, frame)
        if isinstance(node.slice, ast.Slice):
            bounds = [
                None if b is None else self.eval(b, frame)
                for b in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            return calls.sliced(owner, bounds)
        key = self.eval(node.slice, frame)
        return choice(calls.item(one, key, frame.module.environment) for one in options(owner))

    def _joined_str(self, node: ast.JoinedStr, frame: Frame) -> Value:
        parts: list[Value] = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                value = self.eval(part.value, frame)
                plain = part.format_spec is None and part.conversion in (-1, 115)
                parts.append(value if plain else UNKNOWN)
            else:
                parts.append(self.eval(part, frame))
        if not parts:
            return Text("", self.spot(node, frame))
        value = combined(parts)
        if isinstance(value, Text) and any(isinstance(p, ast.Constant) for p in node.values):
            return Text(value.text, self.spot(node, frame))
        return value

    def _bin_op(self, node: ast.BinOp, frame: Frame) -> Value:
        # Long sums lean to the left: their terms are gone through, not recursed into.
        operands: list[tuple[ast.operator, ast.expr]] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp):
            operands.append((left.op, left.right))
            left = left.left
        value = self.eval(left, frame)
        for operator, right in reversed(operands):
            self.steps += 1
            value = self.binary(operator, value, self.eval(right, frame))
        return value

    def binary(self, operator: ast.operator, left: Value, right: Value) -> Value:
        """``left operator right`` for texts, paths and lists."""
        if isinstance(operator, ast.Add):
            if isinstance(left, Seq) and isinstance(right, Seq):
                return Seq((*left.items, *right.items)[:2000], left.more or right.more)
            if _textual(left) or _textual(right):
                return combined((left, right))
        elif isinstance(operator, ast.Div) and (_textual(left) or _textual(right)):
            return combined((left, right), "/")
        elif isinstance(operator, ast.Mod) and _textual(left):
            return calls.percent(left, right)
        elif isinstance(operator, ast.BitOr) and isinstance(left, Map) and isinstance(right, Map):
            return Map({**left.items, **right.items}, left.more or right.more, left.spot)
        if isinstance(left, Const) and isinstance(right, Const):
            return calls.arithmetic(operator, left, right)
        return UNKNOWN

    def _bool_op(self, node: ast.BoolOp, frame: Frame) -> Value:
        values = [self.eval(part, frame) for part in node.values]
        if isinstance(node.op, ast.Or):
            kept = [v for v in values[:-1] if not (isinstance(v, Const) and not v.value)]
            first = values[0]
            if isinstance(first, Text) and first.text:
                return first
            return choice([_without_none(v) for v in kept] + values[-1:])
        return choice(values[-1:])

    def _unary(self, node: ast.UnaryOp, frame: Frame) -> Value:
        value = self.eval(node.operand, frame)
        if (
            isinstance(value, Const)
            and isinstance(value.value, int | float)
            and isinstance(node.op, ast.USub)
        ):
            return Const(-value.value)
        return UNKNOWN

    def _if_exp(self, node: ast.IfExp, frame: Frame) -> Value:
        self.eval(node.test, frame)
        truth = _constant_truth(node.test)
        one, other = self.eval(node.body, frame), self.eval(node.orelse, frame)
        return choice((one, other)) if truth is None else one if truth else other

    def _sequence(self, node: ast.List | ast.Tuple | ast.Set, frame: Frame) -> Value:
        found: list[Value] = []
        more = False
        for element in node.elts:
            if isinstance(element, ast.Starred):
                items, complete = calls.items_of(self.eval(element.value, frame))
                found.extend(items)
                more = more or not complete
            else:
                found.append(self.eval(element, frame))
        return Seq(tuple(found), more)

    def _dict(self, node: ast.Dict, frame: Frame) -> Value:
        found = Map({}, spot=self.spot(node, frame))
        for key, item in zip(node.keys, node.values, strict=True):
            value = self.eval(item, frame)
            if key is None:
                if isinstance(value, Map):
                    found.items.update(value.items)
                    found.more = found.more or value.more
                else:
                    found.more = True
                continue
            name = texts(self.eval(key, frame))[0]
            if HOLE in name:
                found.more = True
                found.items.setdefault(HOLE, value)
            else:
                found.items[name] = value
        return found

    def _lambda(self, node: ast.Lambda, frame: Frame) -> Value:
        closure = (frame.env, *frame.closure) if frame.returns is not None else frame.closure
        function = Func(node, frame.unit, frame.module, closure)
        frame.module.pending.append(function)
        return function

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp, frame: Frame
    ) -> Value:
        inner = Frame(
            frame.module,
            frame.unit,
            dict(frame.env),
            frame.closure,
            frame.returns,
            set(frame.outer),
            [],
            frame.owner,
        )
        rounds: list[Value] = [UNKNOWN]
        complete = False
        for number, generator in enumerate(node.generators):
            items, all_known = calls.items_of(self.eval(generator.iter, inner))
            if number == 0 and items:
                complete = (
                    all_known and len(node.generators) == 1 and not generator.ifs and len(items) <= UNROLLED
                )
                rounds = list(items) if complete else [choice(items[:1])]
            self.bind(
                generator.target, rounds[0] if number == 0 else choice(items[:1]) if items else UNKNOWN, inner
            )
            for test in generator.ifs:
                self.eval(test, inner)
        results: list[tuple[Value, Value]] = []
        for item in rounds:
            if complete:
                self.bind(node.generators[0].target, item, inner)
            if isinstance(node, ast.DictComp):
                results.append((self.eval(node.key, inner), self.eval(node.value, inner)))
            else:
                results.append((NONE, self.eval(node.elt, inner)))
        if isinstance(node, ast.DictComp):
            return Map({texts(k)[0]: v for k, v in results}, not complete, self.spot(node, frame))
        return Seq(tuple(value for _, value in results), not complete)

    def _named(self, node: ast.NamedExpr, frame: Frame) -> Value:
        value = self.eval(node.value, frame)
        self.bind(node.target, value, frame)
        return value

    def _await(self, node: ast.Await | ast.Starred, frame: Frame) -> Value:
        return self.eval(node.value, frame)

    # Calls

    def _call(self, node: ast.Call, frame: Frame) -> Value:
        function = self.eval(node.func, frame)
        args: list[Value] = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                items, complete = calls.items_of(self.eval(argument.value, frame))
                args.extend(items if complete else (UNKNOWN,))
            else:
                args.append(self.eval(argument, frame))
        keywords: dict[str, Value] = {}
        for keyword in node.keywords:
            value = self.eval(keyword.value, frame)
            if keyword.arg is not None:
                keywords[keyword.arg] = value
            elif isinstance(value, Map):
                keywords.update((k, v) for k, v in value.items.items() if k != HOLE)
                if value.more:
                    keywords["**"] = UNKNOWN
            else:
                keywords["**"] = UNKNOWN
        seen = CallSeen(node, function, tuple(args), keywords, frame, self)
        for listener in self.listeners:
            listener(seen)
        results = [self.apply(one, tuple(args), keywords, seen) for one in options(function)]
        if NEVER in results:
            return NEVER if len(results) == 1 else choice(r for r in results if r is not NEVER)
        return choice(results)

    def apply(
        self, function: Value, args: tuple[Value, ...], keywords: dict[str, Value], seen: CallSeen
    ) -> Value:
        """What a call gives."""
        if isinstance(function, Func):
            return self.call(function, args, keywords)
        if isinstance(function, Cls):
            made = Obj(function.name, args, keywords, {}, function)
            start = _member(function, "__init__")
            if isinstance(start, Func):
                self.call(_bound(start, made, function), args, keywords)
            else:
                made.attributes.update({k: v for k, v in keywords.items() if k != "**"})
            return made
        if isinstance(function, Obj) and function.cls is not None:
            method = _member(function.cls, "__call__")
            if isinstance(method, Func):
                return self.call(_bound(method, function, function.cls), args, keywords)
        if isinstance(function, Ref):
            if calls.dotted(function) in calls.EXITS:
                return NEVER
            if function.name == "?__run__":
                self._run_file(args, seen.frame)
                return UNKNOWN
            if function.name == "?__env__" and len(args) == 2:
                spot = self.spot(seen.node, seen.frame)
                value = Text(texts(args[1])[0], Spot(spot.path, spot.cell, spot.line, by_shell=True))
                seen.frame.module.environment[texts(args[0])[0]] = value
                return UNKNOWN
        return calls.external(self, function, args, keywords, seen)

    def _run_file(self, args: tuple[Value, ...], frame: Frame) -> None:
        found = self.run_file(frame.module, texts(args[0])[0]) if args else None
        if found is not None:
            self.run(found)
            for name, value in list(found.env.items()):
                self.bind_name(name, value, frame)

    def call(
        self, function: Func, args: tuple[Value, ...] | None, keywords: dict[str, Value] | None
    ) -> Value:
        """Follow a call into a function of the submission; ``args`` None: nobody calls it, only defaults are known."""
        node = function.node
        if self.depth >= DEPTH_MOST or (self.depth and self.steps > self.call_limit):
            return UNKNOWN
        if self.depth == 0:
            self.call_limit = self.steps + CALL_STEPS
        results, falls = self.follow(function, args, keywords)
        values = [value for value, _ in results]
        if falls:
            values.append(NONE)
        if not values:
            return NEVER if not _is_generator(node) else Seq((UNKNOWN,), more=True)
        return choice(values)

    def follow(
        self, function: Func, args: tuple[Value, ...] | None, keywords: dict[str, Value] | None
    ) -> tuple[list[tuple[Value, int]], bool]:
        """What a function returns, at which lines, and whether its end may be reached without a return."""
        node = function.node
        self.running.add(id(node))
        frame = Frame(
            function.module, function.unit, self._arguments(function, args, keywords), function.closure, []
        )
        self.depth += 1
        try:
            if isinstance(node, ast.Lambda):
                return [(self.eval(node.body, frame), node.lineno)], False
            falls = self.block(node.body, frame)
        finally:
            self.depth -= 1
        return frame.returns or [], falls

    def _arguments(
        self, function: Func, args: tuple[Value, ...] | None, keywords: dict[str, Value] | None
    ) -> Env:
        arguments = function.node.args
        outside = Frame(function.module, function.unit, function.module.env, function.closure)
        env: Env = {}
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = dict(
            zip(
                [a.arg for a in positional[len(positional) - len(arguments.defaults) :]],
                arguments.defaults,
                strict=False,
            )
        )
        defaults.update(
            {
                a.arg: d
                for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=False)
                if d is not None
            }
        )
        given = list(args or ())
        if function.bound is not None:
            given.insert(0, function.bound)
        elif args is None and function.owner is not None and function.kind != "staticmethod" and positional:
            given.insert(0, Obj(function.owner.name, cls=function.owner))
        passed = dict(keywords or {})
        for number, argument in enumerate((*positional, *arguments.kwonlyargs)):
            if number < len(given) and number < len(positional):
                env[argument.arg] = given[number]
            elif argument.arg in passed:
                env[argument.arg] = passed.pop(argument.arg)
            elif argument.arg in defaults:
                env[argument.arg] = self.eval(defaults[argument.arg], outside)
            else:
                env[argument.arg] = UNKNOWN
        if arguments.vararg:
            env[arguments.vararg.arg] = Seq(tuple(given[len(positional) :]), args is None)
        if arguments.kwarg:
            names = {a.arg for a in (*positional, *arguments.kwonlyargs)}
            rest = {k: v for k, v in passed.items() if k not in names and k != "**"}
            env[arguments.kwarg.arg] = Map(rest, args is None or "**" in passed)
        return env


def _textual(value: Value) -> bool:
    return any(isinstance(option, Text) for option in options(value))


def _without_none(value: Value) -> Value:
    return choice(v for v in options(value) if not (isinstance(v, Const) and not v.value))


def _member(cls: Cls, name: str, depth: int = 0) -> Value | None:
    found = cls.attributes.get(name)
    if found is None and depth < 6:
        for base in cls.bases:
            if isinstance(base, Cls) and base is not cls:
                found = _member(base, name, depth + 1)
                if found is not None:
                    return found
    return found


def _bound(function: Func, to: Value, owner: Cls) -> Func:
    if function.kind == "staticmethod":
        return function
    bound = owner if function.kind == "classmethod" else to
    return Func(
        function.node,
        function.unit,
        function.module,
        function.closure,
        bound,
        function.owner,
        function.kind,
        function.decorated,
    )


def _joined(envs: Sequence[Env]) -> Env:
    """Namespaces side by side: a name that differs has all its values."""
    result = dict(envs[0])
    for other in envs[1:]:
        if other is envs[0]:
            continue
        for name, value in other.items():
            known = result.get(name)
            if known is None:
                result[name] = value
            elif known is not value and not same(known, value):
                result[name] = choice((known, value))
    return result


def _constant_truth(test: ast.expr) -> bool | None:
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if (
        isinstance(test, ast.UnaryOp)
        and isinstance(test.op, ast.Not)
        and isinstance(test.operand, ast.Constant)
    ):
        return not test.operand.value
    return None


def _is_forever(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("count", "cycle", "repeat")
    )


def _is_generator(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Yield | ast.YieldFrom) for part in ast.walk(node))


def _loading(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(target.id, ast.Load()), target)
    return target


_Method = Callable[..., bool]
_STATEMENTS: dict[type[ast.stmt], _Method] = {
    ast.Expr: Interpreter._expr,
    ast.Assign: Interpreter._assign,
    ast.AnnAssign: Interpreter._ann_assign,
    ast.AugAssign: Interpreter._aug_assign,
    ast.Return: Interpreter._return,
    ast.Raise: Interpreter._raise,
    ast.Assert: Interpreter._assert,
    ast.Delete: Interpreter._delete,
    ast.Global: Interpreter._global,
    ast.Nonlocal: Interpreter._global,
    ast.Break: Interpreter._break,
    ast.Continue: Interpreter._break,
    ast.If: Interpreter._if,
    ast.While: Interpreter._while,
    ast.For: Interpreter._for,
    ast.AsyncFor: Interpreter._for,
    ast.Try: Interpreter._try,
    ast.With: Interpreter._with,
    ast.AsyncWith: Interpreter._with,
    ast.Match: Interpreter._match,
    ast.FunctionDef: Interpreter._function,
    ast.AsyncFunctionDef: Interpreter._function,
    ast.ClassDef: Interpreter._class,
    ast.Import: Interpreter._import,
    ast.ImportFrom: Interpreter._import_from,
}
if hasattr(ast, "TryStar"):  # 3.11 on
    _STATEMENTS[ast.TryStar] = Interpreter._try
_EXPRESSIONS: dict[type[ast.expr], Callable[..., Value]] = {
    ast.Constant: Interpreter._constant,
    ast.Name: Interpreter._name,
    ast.Attribute: Interpreter._attribute,
    ast.Subscript: Interpreter._subscript,
    ast.JoinedStr: Interpreter._joined_str,
    ast.BinOp: Interpreter._bin_op,
    ast.BoolOp: Interpreter._bool_op,
    ast.UnaryOp: Interpreter._unary,
    ast.IfExp: Interpreter._if_exp,
    ast.List: Interpreter._sequence,
    ast.Tuple: Interpreter._sequence,
    ast.Set: Interpreter._sequence,
    ast.Dict: Interpreter._dict,
    ast.Lambda: Interpreter._lambda,
    ast.ListComp: Interpreter._comprehension,
    ast.SetComp: Interpreter._comprehension,
    ast.GeneratorExp: Interpreter._comprehension,
    ast.DictComp: Interpreter._comprehension,
    ast.NamedExpr: Interpreter._named,
    ast.Await: Interpreter._await,
    ast.Starred: Interpreter._await,
    ast.Call: Interpreter._call,
}
