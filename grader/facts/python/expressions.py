"""Expressions: what each may mean, and which calls are met on the way."""

from __future__ import annotations

import ast
from collections.abc import Callable

from grader.facts.python import calls
from grader.facts.python.machine import (
    NEVER,
    UNROLLED,
    CallSeen,
    Frame,
    Machine,
    constant_truth,
)
from grader.facts.python.text_methods import percent, sliced
from grader.facts.python.values import (
    HOLE,
    NONE,
    UNKNOWN,
    Choice,
    Const,
    Func,
    Map,
    Seq,
    Text,
    Value,
    choice,
    combined,
    items_of,
    options,
    texts,
)


class Expressions(Machine):
    """Evaluates expressions. Listeners hear of every call."""

    def eval(self, node: ast.expr, frame: Frame) -> Value:
        self.step()
        method = _EXPRESSIONS.get(type(node))
        if method is None:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    self.eval(child, frame)
            return UNKNOWN
        return method(self, node, frame)

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

    def _subscript(self, node: ast.Subscript, frame: Frame) -> Value:
        owner = self.eval(node.value, frame)
        if isinstance(node.slice, ast.Slice):
            bounds = [
                None if b is None else self.eval(b, frame)
                for b in (node.slice.lower, node.slice.upper, node.slice.step)
            ]
            return sliced(owner, bounds)
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
            return percent(left, right)
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
        truth = constant_truth(node.test)
        one, other = self.eval(node.body, frame), self.eval(node.orelse, frame)
        return choice((one, other)) if truth is None else one if truth else other

    def _sequence(self, node: ast.List | ast.Tuple | ast.Set, frame: Frame) -> Value:
        found: list[Value] = []
        more = False
        for element in node.elts:
            if isinstance(element, ast.Starred):
                items, complete = items_of(self.eval(element.value, frame))
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
            items, all_known = items_of(self.eval(generator.iter, inner))
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

    def _call(self, node: ast.Call, frame: Frame) -> Value:
        function = self.eval(node.func, frame)
        args: list[Value] = []
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                items, complete = items_of(self.eval(argument.value, frame))
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
        written = node.func
        last = (
            written.attr
            if isinstance(written, ast.Attribute)
            else written.id
            if isinstance(written, ast.Name)
            else ""
        )
        seen = CallSeen(node, function, calls.dotted(function), last, tuple(args), keywords, frame, self)
        for listener in self.listeners:
            listener(seen)
        results = [self.apply(one, tuple(args), keywords, seen) for one in options(function)]
        if NEVER in results:
            return NEVER if len(results) == 1 else choice(r for r in results if r is not NEVER)
        return choice(results)


def _textual(value: Value) -> bool:
    return any(isinstance(option, Text) for option in options(value))


def _without_none(value: Value) -> Value:
    return choice(v for v in options(value) if not (isinstance(v, Const) and not v.value))


_EXPRESSIONS: dict[type[ast.expr], Callable[..., Value]] = {
    ast.Constant: Expressions._constant,
    ast.Name: Expressions._name,
    ast.Attribute: Expressions._attribute,
    ast.Subscript: Expressions._subscript,
    ast.JoinedStr: Expressions._joined_str,
    ast.BinOp: Expressions._bin_op,
    ast.BoolOp: Expressions._bool_op,
    ast.UnaryOp: Expressions._unary,
    ast.IfExp: Expressions._if_exp,
    ast.List: Expressions._sequence,
    ast.Tuple: Expressions._sequence,
    ast.Set: Expressions._sequence,
    ast.Dict: Expressions._dict,
    ast.Lambda: Expressions._lambda,
    ast.ListComp: Expressions._comprehension,
    ast.SetComp: Expressions._comprehension,
    ast.GeneratorExp: Expressions._comprehension,
    ast.DictComp: Expressions._comprehension,
    ast.NamedExpr: Expressions._named,
    ast.Await: Expressions._await,
    ast.Starred: Expressions._await,
    ast.Call: Expressions._call,
}
