"""Following a program without running it: every statement once, branches side by side, values where they can be told.

What a function returns, which names are bound to what and which calls are made with which arguments all come from here.
Work is bounded: each evaluated node is a step, calls are followed a few deep, and beyond the bounds values are UNKNOWN.
"""

from __future__ import annotations

import ast

from grader.facts.python import calls
from grader.facts.python.expressions import Expressions
from grader.facts.python.machine import (
    CALL_STEPS,
    COLD_STEPS,
    DEPTH_MOST,
    MODULE_CALLS,
    MODULE_STEPS,
    NEVER,
    OWN_STEPS,
    CallSeen,
    Env,
    Frame,
    bound_to,
    member_of,
)
from grader.facts.python.module import Module
from grader.facts.python.statements import Statements
from grader.facts.python.values import (
    NONE,
    UNKNOWN,
    Cls,
    Func,
    Map,
    Obj,
    Ref,
    Seq,
    Spot,
    Text,
    Value,
    choice,
    one_text,
    texts,
)


class Interpreter(Statements, Expressions):
    """Follows modules, and the functions in them."""

    def run(self, module: Module) -> None:
        """Follow a module from top to bottom, once; then the functions that may tell of a fact and that nothing called.

        Raises:
            Late: there is no time left; what was heard so far is heard.
        """
        if module.state:
            return
        module.state = 1
        saved = (
            self.opened, self.depth, self.directory, self.allowance, self.module_limit, self.call_limit, self.cold, self.bare,
        )  # fmt: skip
        self.opened, self.directory, self.depth, self.cold, self.bare = None, None, 0, False, False
        nodes = module.nodes()
        self.allowance = MODULE_CALLS[0] + MODULE_CALLS[1] * nodes
        self.module_limit = self.steps + MODULE_STEPS[0] + MODULE_STEPS[1] * nodes
        before = self.steps
        try:
            self._units(module)
            if module.notebook and module.missed & module.env.keys():
                # Cells are not always run from top to bottom: a name may be set in a later one.
                module.final = dict(module.env)
                module.env = {}
                self._units(module)
            module.state = 2
            for function in module.pending:
                if id(function.node) not in self.whole and self.tells(function):
                    try:
                        self.call(function, None, None, alone=True)
                        if id(function.node) not in self.whole:
                            # The calls in it took too long: its own statements are heard all the same.
                            left, self.allowance = self.allowance, 0
                            self.call(function, None, None, alone=True)
                            self.allowance = left
                    except RecursionError:
                        continue
        finally:
            module.state = 2
            module.pending.clear()
            spent = self.steps - before
            (
                self.opened, self.depth, self.directory, self.allowance, self.module_limit, self.call_limit, self.cold, self.bare,
            ) = saved  # fmt: skip
            # What an import costs is the imported module's, not the importing one's.
            self.module_limit += spent
            self.call_limit += spent

    def _units(self, module: Module) -> None:
        self.directory = None
        for unit in module.units:
            frame = Frame(module, unit, module.env)
            unit.directory = None if self.directory is None else one_text(self.directory)
            for statement in unit.tree.body:
                try:
                    if not self.block([statement], frame) and not module.notebook:
                        continue  # what stands behind a module's exit is looked at all the same
                except RecursionError:
                    continue
            module.env = frame.env
            if unit.snapshot is not None:
                unit.snapshot = {**module.environment, **module.env}

    def apply(
        self, function: Value, args: tuple[Value, ...], keywords: dict[str, Value], seen: CallSeen
    ) -> Value:
        """What a call gives."""
        if isinstance(function, Func):
            return self.call(function, args, keywords)
        if isinstance(function, Cls):
            made = Obj(function.name, args, keywords, {}, function)
            start = member_of(function, "__init__")
            if isinstance(start, Func):
                self.call(bound_to(start, made, function), args, keywords)
            else:
                made.attributes.update({k: v for k, v in keywords.items() if k != "**"})
            return made
        if isinstance(function, Obj) and function.cls is not None:
            method = member_of(function.cls, "__call__")
            if isinstance(method, Func):
                return self.call(bound_to(method, function, function.cls), args, keywords)
        if isinstance(function, Ref):
            if calls.dotted(function) in calls.EXITS:
                return NEVER
            if function.name == "?__run__":
                self._run_file(args, seen.frame)
                return UNKNOWN
            if function.name == "?__cd__" and args:
                self.enter(args[0])
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
        self,
        function: Func,
        args: tuple[Value, ...] | None,
        keywords: dict[str, Value] | None,
        *,
        alone: bool = False,
    ) -> Value:
        """Follow a call into a function of the submission; ``args`` None: nobody calls it, only defaults are known.

        ``alone``: its own statements are followed even where nothing is left for calls; those in it are not, then.
        """
        telling = self.tells(function)
        left = min(self.allowance, self.pool)
        spent = (self.steps > self.call_limit or self.bare) if self.depth else left <= 0
        if self.depth >= DEPTH_MOST or (spent and not alone):
            if telling and id(function.node) not in self.whole:
                self.cut[id(function.node)] = function.unit.path
            self.short = True
            return UNKNOWN
        outer, before, was_cold, was_bare = self.call_limit, self.steps, self.cold, self.bare
        self.cold, self.bare = not telling, self.bare or (alone and left <= 0)
        limit = before + min(CALL_STEPS if telling else COLD_STEPS, max(left, OWN_STEPS if alone else 0))
        self.call_limit = min(limit, outer) if self.depth else limit
        try:
            results, falls = self.follow(function, args, keywords)
        finally:
            if not self.depth and not self.bare:
                self.allowance -= self.steps - before
                self.pool -= self.steps - before
            ended = self.steps <= self.call_limit
            if ended:
                self.whole.add(id(function.node))
            elif telling:
                self.cut[id(function.node)] = function.unit.path
            self.short = self.short or not ended
            self.call_limit, self.cold, self.bare = outer, was_cold, was_bare
        values = [value for value, _ in results]
        if falls:
            values.append(
                NONE if ended else UNKNOWN
            )  # the end of our patience is not the end of the function
        if not values:
            generates = id(function.node) in function.unit.signs().generators
            return Seq((UNKNOWN,), more=True) if generates else NEVER
        return choice(values)

    def follow(
        self, function: Func, args: tuple[Value, ...] | None, keywords: dict[str, Value] | None
    ) -> tuple[list[tuple[Value, int]], bool]:
        """What a function returns, at which lines, and whether its end may be reached without a return."""
        node = function.node
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
        given = [*function.given, *(args or ())]
        if function.bound is not None:
            given.insert(0, function.bound)
        elif args is None and function.owner is not None and function.kind != "staticmethod" and positional:
            given.insert(0, Obj(function.owner.name, cls=function.owner))
        passed = {**(function.named or {}), **(keywords or {})}
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
