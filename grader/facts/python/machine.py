"""What following a program needs at every step: names and namespaces, members of objects, and the bounds of the work."""

from __future__ import annotations

import ast
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from grader.facts.python import calls
from grader.facts.python.module import Module, Unit
from grader.facts.python.values import (
    HOLE,
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
    Spot,
    Value,
    choice,
    combined,
    items_of,
    options,
    same,
    texts,
)

DEPTH_MOST = 8
UNROLLED = 16
"""Rounds of a loop that are followed one by one, where all are known."""
CALL_STEPS = 10_000
"""Steps for one call, and the calls in it, of a function that may tell of a fact."""
COLD_STEPS = 1_000
"""The same for a function that cannot: only its value may matter."""
OWN_STEPS = 5_000
"""The same for a function that nothing calls, where nothing is left for calls."""
PROJECT_CALLS = (60_000, 2)
"""Steps of all calls together: so many, and so many for each node of the submission."""
MODULE_CALLS = (30_000, 4)
"""Steps of all calls that a module makes: so many, and so many for each of its nodes."""
MODULE_STEPS = (60_000, 30)
"""Steps of a module in all, likewise."""
_LOOK_EVERY = 1_000
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


@dataclass(slots=True, eq=False)
class CallSeen:
    """A call as it was met: ``function`` is what is called (``name``, dotted; ``last`` as written), arguments evaluated."""

    node: ast.Call
    function: Value
    name: str
    last: str
    args: tuple[Value, ...]
    keywords: dict[str, Value]
    frame: Frame
    machine: Machine


class Late(Exception):
    """The processor time for following programs is used up."""


class Machine(ABC):
    """Names and members. ``listeners`` hear of every call; ``find_module`` resolves an import of the submission's own."""

    def __init__(
        self,
        find_module: Callable[[Module, str, int], Module | None],
        run_file: Callable[[Module, str], Module | None],
    ) -> None:
        self.find_module = find_module
        self.run_file = run_file
        self.listeners: list[Callable[[CallSeen], None]] = []
        self.opened: list[tuple[str, str | None]] | None = None
        self.unsure: list[str] = []
        """Names of what was given a path to load and is no loader that is known."""
        self.steps = 0
        self.depth = 0
        self.call_limit = 0
        self.module_limit = MODULE_STEPS[0]
        self.allowance = MODULE_CALLS[0]
        self.cut: dict[int, str] = {}
        """What was not followed to its end, by the id of its node, and the file it is in."""
        self.whole: set[int] = set()
        self.cold = self.bare = False
        self.short = False
        self.pool = PROJECT_CALLS[0]
        self.directory: Value | None = None
        self.telling: frozenset[str] | None = None
        self.deadline: float | None = None
        self._next_look = 0

    @abstractmethod
    def eval(self, node: ast.expr, frame: Frame) -> Value:
        """What an expression may mean."""

    @abstractmethod
    def block(self, body: Sequence[ast.stmt], frame: Frame) -> bool:
        """Follow statements; whether what stands behind them may be reached."""

    @abstractmethod
    def binary(self, operator: ast.operator, left: Value, right: Value) -> Value:
        """``left operator right``."""

    @abstractmethod
    def run(self, module: Module) -> None:
        """Follow a module, once."""

    @abstractmethod
    def apply(
        self, function: Value, args: tuple[Value, ...], keywords: dict[str, Value], seen: CallSeen
    ) -> Value:
        """What a call gives."""

    @abstractmethod
    def call(
        self, function: Func, args: tuple[Value, ...] | None, keywords: dict[str, Value] | None
    ) -> Value:
        """Follow a call into a function of the submission."""

    def step(self) -> None:
        """One more step.

        Raises:
            Late: it is one too many.
        """
        self.steps += 1
        if self.steps >= self._next_look:
            self._next_look = self.steps + _LOOK_EVERY
            if self.deadline is not None and time.process_time() > self.deadline:
                raise Late

    def enter(self, folder: Value) -> None:
        """The program changes its working directory."""
        where = folder if self.directory is None else combined((self.directory, folder), "/")
        self.directory = where

    def tells(self, function: Func) -> bool:
        """Whether following the function may tell of a fact; True where that was not looked at."""
        node = function.node
        return self.telling is None or isinstance(node, ast.Lambda) or node.name in self.telling

    def bind_name(self, name: str, value: Value, frame: Frame) -> None:
        if name in frame.outer:
            frame.module.env[name] = value
        else:
            frame.env[name] = value

    def bind(self, target: ast.expr, value: Value, frame: Frame) -> None:
        if isinstance(target, ast.Name):
            self.bind_name(target.id, value, frame)
        elif isinstance(target, ast.Tuple | ast.List):
            items, complete = items_of(value)
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

    def attribute(self, owner: Value, name: str) -> Value:
        """``owner.name``."""
        if isinstance(owner, Ref):
            return calls.constant(f"{owner.name}.{name}")
        if isinstance(owner, Package):
            found = owner.module.env.get(name)
            return UNKNOWN if found is None else found
        if isinstance(owner, Obj):
            found = owner.attributes.get(name)
            if found is None and owner.cls is not None:
                found = member_of(owner.cls, name)
                if isinstance(found, Func):
                    found = bound_to(found, owner, owner.cls)
                    if found.kind in ("property", "cached_property"):
                        return self.call(found, (), {})
            return Method(owner, name) if found is None else found
        if isinstance(owner, Cls):
            found = member_of(owner, name)
            if isinstance(found, Func) and found.kind == "classmethod":
                return bound_to(found, owner, owner)
            return Method(owner, name) if found is None else found
        return calls.attribute(owner, name)


def member_of(cls: Cls, name: str, depth: int = 0) -> Value | None:
    """An attribute of a class or of those above it."""
    found = cls.attributes.get(name)
    if found is None and depth < 6:
        for base in cls.bases:
            if isinstance(base, Cls) and base is not cls:
                found = member_of(base, name, depth + 1)
                if found is not None:
                    return found
    return found


def bound_to(function: Func, to: Value, owner: Cls) -> Func:
    """A method of an object ``to``, or of its class ``owner``."""
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


def joined(envs: Sequence[Env]) -> Env:
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


def constant_truth(test: ast.expr) -> bool | None:
    """Whether a condition holds, where it is a constant."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if (
        isinstance(test, ast.UnaryOp)
        and isinstance(test.op, ast.Not)
        and isinstance(test.operand, ast.Constant)
    ):
        return not test.operand.value
    return None
