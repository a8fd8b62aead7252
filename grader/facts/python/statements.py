"""Statements: each is followed once, branches side by side; a loop runs through what it is known to run over."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from grader.facts.python import calls
from grader.facts.python.machine import (
    NEVER,
    UNROLLED,
    Env,
    Frame,
    Machine,
    constant_truth,
    joined,
)
from grader.facts.python.values import (
    MODEL_DIR,
    NONE,
    UNKNOWN,
    Choice,
    Cls,
    Const,
    Func,
    Obj,
    Package,
    Ref,
    Seq,
    Text,
    Value,
    choice,
    items_of,
    same,
)


class Statements(Machine):
    """Follows statements. Each method says whether the next statement may be reached."""

    def block(self, body: Sequence[ast.stmt], frame: Frame) -> bool:
        return all(self.statement(statement, frame) for statement in body)

    def statement(self, node: ast.stmt, frame: Frame) -> bool:
        self.step()
        if self.depth:
            if self.steps > self.call_limit:
                return True
        elif self.steps > self.module_limit:
            self.cut[id(frame.unit)] = frame.unit.path
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
        truth = constant_truth(node.test)
        name, given = self._asked_for(node.test, frame) if truth is None else (None, True)
        then: Env | None = None
        before = frame.env
        ends: list[Env] = []
        for wanted, body in ((True, node.body), (False, node.orelse)):
            frame.env = dict(before)
            self._publish(frame)
            self.narrow(node.test, wanted, frame)
            goes_on = self.block(body, frame)
            if goes_on and truth is not (not wanted):
                ends.append(frame.env)
                if name is not None and wanted is given:
                    then = frame.env
        known = UNKNOWN if then is None or name is None else then.get(name, UNKNOWN)
        if len(ends) == 2 and not node.orelse:
            _in_order(ends[1], ends[0])
        if then is not None and (node.orelse or not given):
            ends = [then]  # what the other way is for does not happen
        goes_on = self._merge(frame, before, ends)
        if goes_on and name is not None and known is not UNKNOWN:
            frame.env[name] = known
        return goes_on

    def _asked_for(self, test: ast.expr, frame: Frame) -> tuple[str | None, bool]:
        """The name of ``model_dir`` where it is asked whether there is one, and what the answer is where there is one.

        SageMaker hands it over: what it is set to where there is none does not count behind the question.
        """
        given = True
        while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, given = test.operand, not given
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            other = test.comparators[0]
            if not (isinstance(other, ast.Constant) and other.value in (None, "")):
                return None, True
            if isinstance(test.ops[0], ast.Is | ast.Eq):
                given = not given
            elif not isinstance(test.ops[0], ast.IsNot | ast.NotEq):
                return None, True
            test = test.left
        if not isinstance(test, ast.Name):
            return None, True
        value = frame.env.get(test.id)
        return test.id if isinstance(value, Text) and value.text == MODEL_DIR else None, given

    def _merge(self, frame: Frame, before: Env, ends: list[Env]) -> bool:
        if not ends:
            frame.env = before
            self._publish(frame)
            return False
        self.steps += len(before) // 8
        frame.env = ends[0] if len(ends) == 1 else joined(ends)
        self._publish(frame)
        return True

    def _publish(self, frame: Frame) -> None:
        """At module level functions see the namespace as it is now."""
        if frame.returns is None and frame.owner is None:
            frame.module.env = frame.env

    def _while(self, node: ast.While, frame: Frame) -> bool:
        self.eval(node.test, frame)
        forever = constant_truth(node.test) is True
        before = frame.env
        frame.env = dict(before)
        self._publish(frame)
        frame.breaks.append([])
        goes_on = self.block(node.body, frame)
        broken = frame.breaks.pop()
        ends = [] if forever else [before, *([frame.env] if goes_on else [])]
        if ends and node.orelse:
            frame.env = joined(ends)
            ends = [frame.env] if self.block(node.orelse, frame) else []
        return self._merge(frame, before, [*ends, *broken])

    def _for(self, node: ast.For | ast.AsyncFor, frame: Frame) -> bool:
        iterated = self.eval(node.iter, frame)
        items, complete = items_of(iterated)
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
        sometimes = joined([*after, *broken, before])
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
            frame.env = joined([before, after])
            self._publish(frame)
            if handler.name:
                frame.env[handler.name] = UNKNOWN
            if self.block(handler.body, frame):
                ends.append(frame.env)
        if node.finalbody:
            frame.env = joined(ends) if ends else dict(before)
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
                    value = (
                        UNKNOWN
                        if found is not None
                        else calls.constant("." * node.level + f"{dotted}.{alias.name}")
                    )
            self.bind_name(alias.asname or alias.name, value, frame)
        return True


def _in_order(before: Env, after: Env) -> None:
    """Where a branch gives a name another text, both are its texts behind it, in the order in which they are written."""
    for name, new in after.items():
        old = before.get(name)
        if old is not new and isinstance(old, Text) and isinstance(new, Text):
            after[name] = choice((old, new))


def _is_forever(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("count", "cycle", "repeat")
    )


def _loading(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(target.id, ast.Load()), target)
    return target


_Method = Callable[..., bool]
_STATEMENTS: dict[type[ast.stmt], _Method] = {
    ast.Expr: Statements._expr,
    ast.Assign: Statements._assign,
    ast.AnnAssign: Statements._ann_assign,
    ast.AugAssign: Statements._aug_assign,
    ast.Return: Statements._return,
    ast.Raise: Statements._raise,
    ast.Assert: Statements._assert,
    ast.Delete: Statements._delete,
    ast.Global: Statements._global,
    ast.Nonlocal: Statements._global,
    ast.Break: Statements._break,
    ast.Continue: Statements._break,
    ast.If: Statements._if,
    ast.While: Statements._while,
    ast.For: Statements._for,
    ast.AsyncFor: Statements._for,
    ast.Try: Statements._try,
    ast.With: Statements._with,
    ast.AsyncWith: Statements._with,
    ast.Match: Statements._match,
    ast.FunctionDef: Statements._function,
    ast.AsyncFunctionDef: Statements._function,
    ast.ClassDef: Statements._class,
    ast.Import: Statements._import,
    ast.ImportFrom: Statements._import_from,
}
if hasattr(ast, "TryStar"):  # 3.11 on
    _STATEMENTS[ast.TryStar] = Statements._try
