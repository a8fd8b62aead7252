"""The opcodes of pickle protocols 0 to 5 on inert stand-ins, and joblib's arrays between them.

Nothing is imported and nothing called: a name is a :class:`~grader.facts.pickles.nodes.Name`, what would be called
with it a :class:`~grader.facts.pickles.nodes.Made`. Where the loaders are stricter than this machine (marks, frames'
lengths), they would stop and this goes on: what it finds is then too much, never too little. Where two loaders would
read different things (an array inside a frame), it refuses.

Opcodes: Python's ``pickletools``; arrays: ``joblib.numpy_pickle`` 1.5, as of 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from grader.facts.pickles.arrays import array_of
from grader.facts.pickles.findings import Findings
from grader.facts.pickles.names import MOST_NAMED, classify, python3_name
from grader.facts.pickles.nodes import (
    BLOB,
    NUMBER,
    Array,
    Items,
    Made,
    Name,
    Role,
    Table,
)
from grader.facts.pickles.opcodes import LONG_BYTES, LONG_TEXT, METHODS, Values
from grader.facts.pickles.source import Malformed, OverBound, Source
from grader.patterns import pattern

_MOST_NAMES = 20_000
_NESTED = 20  # pickles of object arrays inside each other
_KEPT_ENTRIES = 1_000_000

# By full name: `joblib` + `numpy_pickle.NumpyArrayWrapper` is the same class.
_ROLES = {
    "numpy.core.multiarray.scalar": Role.SCALAR,
    "numpy._core.multiarray.scalar": Role.SCALAR,
    "joblib.numpy_pickle.NumpyArrayWrapper": Role.WRAPPER,
    "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper": Role.WRAPPER,
    "copyreg._reconstructor": Role.RECONSTRUCTOR,
    "copy_reg._reconstructor": Role.RECONSTRUCTOR,
    "builtins.getattr": Role.WATCHED,
    "functools.partial": Role.WATCHED,
    "numpy.core._ufunc_reconstruct": Role.WATCHED,
    "numpy._core._ufunc_reconstruct": Role.WATCHED,
    "numpy.memmap": Role.WATCHED,
}
_UFUNC_HOMES = ("numpy", "numpy.core", "numpy._core", "scipy.special", "scipy.special._ufuncs")
# SciPy's distributions compile this text when they are restored (scipy.stats, `rv_generic.__setstate__`, SciPy 1.6 on).
_TEMPLATE = pattern(
    r"(?:\s*(?:def _parse_args(?:_rvs|_stats)?\(self,[\w ,=.]*(?:moments='mv')?\):"
    r"|return \([\w ,]*\),[\w ,]*|return self\._argcheck_rvs\([\w ,=]*\))\s*)*",
    re.ASCII,
)
# What these return is a class again, made for the pickle's own objects: calling it makes an instance.
_CLASS_MAKERS = {
    "cloudpickle.cloudpickle._make_skeleton_class",
    "cloudpickle.cloudpickle._make_skeleton_enum",
    "cloudpickle.cloudpickle._builtin_type",
    "cloudpickle.cloudpickle._lookup_class_or_track",
    "cloudpickle.cloudpickle_fast._builtin_type",
    "dill._dill._create_type",
    "dill._dill._load_type",
}


class Machine(Values):
    """Runs one pickle from ``source``, up to its STOP.

    ``most_objects`` bounds what is held at a time. ``joblib``: arrays follow their wrappers (False for the plain
    loader's view). Pickles inside, of object arrays, share the ``findings``.
    """

    def __init__(
        self, source: Source, findings: Findings, most_objects: int, *, joblib: bool = True, depth: int = 0
    ) -> None:
        super().__init__(source, findings)
        self._most = most_objects
        self._joblib = joblib
        self._depth = depth

    def run(self) -> object:
        """The stand-in for what the pickle holds.

        Raises:
            Malformed: no loader would get to its end.
            OverBound: a bound was hit.
        """
        try:
            return self._run()
        except IndexError:
            why = "it is cut off" if self.source.ended else "an opcode finds nothing to work on"
            raise Malformed(f"{why}, at byte {self.source.offset}") from None
        except (ValueError, TypeError, KeyError, UnicodeError, OverflowError) as problem:
            raise Malformed(f"byte {self.source.offset} makes no sense ({type(problem).__name__})") from None

    def _run(self) -> object:  # the loop: the commonest opcodes here, the rest by table
        source, stack, marks, memo, sparse, ops = (
            self.source,
            self.stack,
            self.marks,
            self.memo,
            self.sparse,
            _TABLE,
        )
        push = stack.append
        remember = memo.append
        buffer, at = source.buffer, source.at
        size = len(buffer)
        # Short opcodes (300 bytes at most) never reach over the window's end but at the very end of the stream.
        safe = size if source.ended else size - 300
        while True:
            if at >= safe:
                source.at = at
                self._check_room()
                while len(source.buffer) - source.at <= 300 and source.more():
                    pass
                buffer, at = source.buffer, source.at
                size = len(buffer)
                safe = size if source.ended else size - 300
                if at >= size:
                    raise Malformed("it is cut off")
            op = buffer[at]
            at += 1
            if op == 0x94:  # MEMOIZE
                if sparse:
                    self._put(len(memo) + len(sparse), stack[-1])
                else:
                    remember(stack[-1])
            elif op == 0x8C:  # SHORT_BINUNICODE
                end = at + 1 + buffer[at]
                if end > size:
                    raise IndexError
                push(str(buffer[at + 1 : end], "utf-8", "surrogatepass"))
                at = end
            elif op == 0x4B:  # BININT1
                push(buffer[at])
                at += 1
            elif op == 0x4D:  # BININT2
                push(buffer[at] | buffer[at + 1] << 8)
                at += 2
            elif op == 0x4A:  # BININT
                end = at + 4
                if end > size:
                    raise IndexError
                push(int.from_bytes(buffer[at:end], "little", signed=True))
                at = end
            elif op == 0x68:  # BINGET
                push(memo[buffer[at]] if buffer[at] < len(memo) else sparse[buffer[at]])
                at += 1
            elif op == 0x6A:  # LONG_BINGET
                index = buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16 | buffer[at + 3] << 24
                push(memo[index] if index < len(memo) else sparse[index])
                at += 4
            elif op == 0x71:  # BINPUT
                if buffer[at] == len(memo) and not sparse:
                    remember(stack[-1])
                else:
                    self._put(buffer[at], stack[-1])
                at += 1
            elif op == 0x72:  # LONG_BINPUT
                index = buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16 | buffer[at + 3] << 24
                if index == len(memo) and not sparse:
                    remember(stack[-1])
                else:
                    self._put(index, stack[-1])
                at += 4
            elif op == 0x58:  # BINUNICODE
                length = buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16 | buffer[at + 3] << 24
                end = at + 4 + length
                if end <= size and length <= LONG_TEXT:
                    push(str(buffer[at + 4 : end], "utf-8", "surrogatepass"))
                    at = end
                else:
                    source.at = at + 4
                    self._text(length)
                    buffer, at, size = source.buffer, source.at, len(source.buffer)
                    safe = size if source.ended else size - 300
            elif op == 0x43:  # SHORT_BINBYTES
                end = at + 1 + buffer[at]
                if end > size:
                    raise IndexError
                push(buffer[at + 1 : end] if buffer[at] <= LONG_BYTES else BLOB)
                at = end
            elif op == 0x47:  # BINFLOAT
                if at + 8 > size:
                    raise IndexError
                push(NUMBER)
                at += 8
            elif op == 0x86:  # TUPLE2
                second = stack.pop()
                stack[-1] = (stack[-1], second)
                self._made += 1
            elif op == 0x28:  # MARK
                marks.append(len(stack))
            elif op == 0x52:  # REDUCE
                source.at = at
                args = stack.pop()
                function = stack[-1]
                if type(function) is Name and function.role == Role.SCALAR:
                    stack[-1] = args  # (dtype, bytes): see `summary.whole_number`
                else:
                    stack[-1] = self._call(function, args)
            elif op == 0x4E:  # NONE
                push(None)
            elif op == 0x2E:  # STOP
                source.at = at
                return stack.pop()
            else:
                method = ops[op]
                source.at = at
                if method is None:
                    raise Malformed(f"byte {source.offset - 1} is no opcode")
                method(self)
                buffer, at, size = source.buffer, source.at, len(source.buffer)
                safe = size if source.ended else size - 300

    # -- bounds ------------------------------------------------------------------------------------------------

    def _check_room(self) -> None:
        held = len(self.stack) + len(self.memo) + len(self.sparse) + len(self.marks) + self._made
        if held + self.findings.objects > self._most:
            raise OverBound(f"it holds more than {self._most} objects")

    # -- names and calls ---------------------------------------------------------------------------------------

    def _name(self, module: object, name: object) -> Name:
        if type(module) is not str or type(name) is not str:
            self.findings.runs.setdefault("(a name that is put together at load)")
            return Name("?", "?")
        key = (module, name)
        known = self.findings.names.get(key)
        if known is not None:
            return known
        if len(self.findings.names) >= _MOST_NAMES:
            raise OverBound(f"it names more than {_MOST_NAMES} classes and functions")
        later = python3_name(module, name) if self._protocol < 3 else key
        role = _ROLES.get(".".join(later)) or _ROLES.get(".".join(key), Role.COMMON)
        found = Name(*later, role)
        self.findings.names[key] = found
        if found.full == "numpy.memmap":
            self.findings.excused.setdefault(
                found.full
            )  # joblib names it for arrays that were mapped; a call is told
        if role != Role.WATCHED:
            # An older pickle may be read under either name: the worse one counts.
            for module_, name_ in dict.fromkeys((later, key)):
                full = f"{module_}.{name_}"[:MOST_NAMED]
                if classify(full) == "runs":
                    self.findings.runs.setdefault(full)
                    break
        return found

    def _call(self, function: object, args: object) -> object:
        """What ``function(*args)`` would make."""
        self._made += 2
        arguments = args if isinstance(args, tuple) else ()
        if isinstance(function, Name):
            if function.role == Role.RECONSTRUCTOR and arguments:
                return Made(arguments[0])
            if function.role == Role.WATCHED:
                self._watch(function, arguments)
            return Made(function, arguments)
        self._called_made(function)
        return Made(function, arguments)

    def _watch(self, function: Name, args: tuple[object, ...]) -> None:
        """Gadgets that have an honest use: a bound method, a NumPy function with an argument set."""
        kind = "runs"
        if function.name == "getattr" and len(args) >= 2:
            owner, attribute = args[0], args[1]
            made_by = owner.name.full if isinstance(owner, Made) and owner.name is not None else None
            if made_by is not None and type(attribute) is str and attribute.isidentifier():
                kind = classify(made_by)
                if attribute.startswith("__" if kind == "known" else "_"):
                    kind = "runs"
        elif function.name == "partial" and args and isinstance(args[0], Name):
            kind = "known" if classify(args[0].full) == "known" else "runs"
        elif function.name == "_ufunc_reconstruct" and len(args) == 2 and all(type(a) is str for a in args):
            full = f"{args[0]}.{args[1]}"
            kind = "known" if args[0] in _UFUNC_HOMES and classify(full) == "known" else "runs"
        if kind == "runs":
            self.findings.runs.setdefault(function.full)
        elif kind == "known":
            self.findings.excused.setdefault(function.full)
        else:
            self.findings.doubted.setdefault(function.full)

    def _called_made(self, function: object) -> None:
        """Something is called that the pickle made itself: honest only for classes that were made for it."""
        if isinstance(function, Made) and function.name is not None and function.name.full in _CLASS_MAKERS:
            return
        origin = (
            function.name.full if isinstance(function, Made) and function.name else type(function).__name__
        )
        self.findings.runs.setdefault(f"{origin} (what it makes is called)"[:MOST_NAMED])

    def _build(self) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, Name):
            self.findings.runs.setdefault(f"{target.full} (its attributes are replaced)"[:MOST_NAMED])
            return
        if not isinstance(target, Made):
            return
        self._watch_state(target, state)
        if isinstance(target.state, Table) and isinstance(state, Table):
            before = target.state
            target.state = Table(
                {**before.kept, **state.kept}, before.count + state.count, before.odd or state.odd
            )
        elif state is not None:
            target.state = state
        name = target.name
        if name is None:
            return
        if isinstance(state, Table) and name.module.startswith("sklearn."):
            version = state.kept.get("_sklearn_version")
            if type(version) is str:
                self.findings.versions.setdefault(version[:40])
        if name.role == Role.WRAPPER and self._joblib:
            self.stack[-1] = self._wrapped_array(target)

    def _watch_state(self, target: Made, state: object) -> None:
        """States that do more than fill an object: they change its class, or hand it a text to compile."""
        runs = self.findings.runs
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, Table):
                if part.odd:
                    runs.setdefault("(an attribute whose name is put together at load)")
                for key in ("__setstate__", "__class__"):
                    if key in part.kept:
                        runs.setdefault(f"(an object's {key} is replaced)")
        name = target.name
        if name is not None and name.module.startswith("scipy.stats"):
            if not isinstance(state, Table | None):
                runs.setdefault(f"{name.full} (is restored in a way of its own)")
                return
            template = state.kept.get("_parse_arg_template") if state else None
            if template is not None and not (type(template) is str and _TEMPLATE.fullmatch(template)):
                runs.setdefault(f"{name.full} (compiles a text that is in the file)")

    def _wrapped_array(self, wrapper: Made) -> object:
        source, findings = self.source, self.findings
        findings.wrapped += 1
        if source.offset < self._frame_end:
            raise Malformed("an array's bytes lie inside a frame, where loaders disagree on what follows")
        layout = array_of(wrapper)
        if findings.first_array is None and self._depth == 0:
            # Where a plain loader would take the array's bytes for opcodes.
            findings.first_array = (
                source.offset,
                [*self.stack[:-1], wrapper],
                list(self.marks),
                list(self.memo),
                dict(self.sparse),
            )
        if findings.wrapped == 1:
            findings.first_is_object = layout.is_object
        if layout.is_object:
            if self._depth >= _NESTED:
                raise OverBound(f"more than {_NESTED} pickles inside each other")
            self._check_room()
            findings.objects += len(self.stack) + len(self.memo) + self._made
            inner = Machine(source, findings, self._most, joblib=False, depth=self._depth + 1)
            try:
                return inner.run()
            finally:
                findings.objects -= len(self.stack) + len(self.memo) + self._made
        if layout.padded:
            source.skip(source.take(1)[0])
        source.skip(layout.size)
        self._made += 1
        return Array(layout.shape, layout.kind)

    # -- the rarer opcodes -------------------------------------------------------------------------------------

    def op_global(self) -> None:
        """GLOBAL."""
        module = self.source.line(LONG_TEXT).decode("utf-8")
        self.stack.append(self._name(module, self.source.line(LONG_TEXT).decode("utf-8")))

    def op_stack_global(self) -> None:
        """STACK_GLOBAL."""
        name = self.stack.pop()
        self.stack.append(self._name(self.stack.pop(), name))

    def op_inst(self) -> None:
        """INST."""
        module = self.source.line(LONG_TEXT).decode("ascii")
        name = self._name(module, self.source.line(LONG_TEXT).decode("ascii"))
        self.stack.append(self._call(name, tuple(self._since_mark())))

    def op_obj(self) -> None:
        """OBJ."""
        items = self._since_mark()
        self.stack.append(self._call(items[0], tuple(items[1:])))

    def op_newobj(self) -> None:
        """NEWOBJ."""
        args = self.stack.pop()
        self.stack[-1] = self._call(self.stack[-1], args)

    def op_newobj_ex(self) -> None:
        """NEWOBJ_EX."""
        self.stack.pop()
        self.op_newobj()

    def op_build(self) -> None:
        """BUILD."""
        self._build()

    def op_list(self) -> None:
        """LIST."""
        found = Items()
        self._made += 3
        self._extend(found, self._since_mark())
        self.stack.append(found)

    def op_dict(self) -> None:
        """DICT."""
        found = Table()
        self._made += 3
        self._update(found, self._since_mark())
        self.stack.append(found)

    def op_append(self) -> None:
        """APPEND."""
        item = self.stack.pop()
        self._extend(self.stack[-1], [item])

    def op_appends(self) -> None:
        """APPENDS."""
        items = self._since_mark()
        self._extend(self.stack[-1], items)

    def op_additems(self) -> None:
        """ADDITEMS."""
        self._since_mark()

    def op_setitem(self) -> None:
        """SETITEM."""
        value = self.stack.pop()
        key = self.stack.pop()
        self._update(self.stack[-1], [key, value])

    def op_setitems(self) -> None:
        """SETITEMS."""
        items = self._since_mark()
        self._update(self.stack[-1], items)

    def _extend(self, target: object, items: list[object]) -> None:
        if isinstance(target, Items) and self.findings.kept < _KEPT_ENTRIES:
            self.findings.kept += target.put(items)
        elif isinstance(target, Items):
            target.count += len(items)
        elif isinstance(target, Name):
            self.findings.runs.setdefault(f"{target.full} (its content is changed)"[:MOST_NAMED])

    def _update(self, target: object, items: list[object]) -> None:
        if isinstance(target, Table):
            self.findings.kept += target.put(items, telling_only=self.findings.kept >= _KEPT_ENTRIES)
        elif isinstance(target, Name):
            self.findings.runs.setdefault(f"{target.full} (its content is changed)"[:MOST_NAMED])


_TABLE: list[Callable[[Machine], None] | None] = [None] * 256
for _code, _method in METHODS.items():
    _TABLE[_code] = getattr(Machine, _method)
