"""What a Python expression may mean, as far as it can be told without running anything.

A text carries marks for what stands in it: the model directory that SageMaker hands over, the same by environment, the
script's own folder, a part that cannot be told. Path objects are texts too. Several possibilities are a Choice.
"""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.facts.python.module import Module, Unit

HOLE = "\ue000"  # a part that cannot be told
MODEL_DIR = "\ue001"  # the parameter of model_fn
ENVIRONMENT = "\ue002"  # SM_MODEL_DIR
HERE = "\ue003"  # the folder of the script itself
LISTED = "\ue004"  # a name that a listing of a folder yields
REMOTE = "\ue005"  # what came over the network: from a bucket, from an address
MARKS = (HOLE, MODEL_DIR, ENVIRONMENT, HERE, LISTED, REMOTE)
TEXT_MOST = 200_000
CHOICES_MOST = 6


class Value:
    """Anything."""

    __slots__ = ()


class _Unknown(Value):
    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = _Unknown()


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a literal stands. ``by_shell``: it is set for a shell (``%env``)."""

    path: str
    cell: int | None
    line: int
    by_shell: bool = False


@dataclass(frozen=True, slots=True)
class Const(Value):
    """None, a truth value, a number, an ellipsis, bytes."""

    value: object


NONE = Const(None)


@dataclass(frozen=True, slots=True)
class Text(Value):
    """A string or a path; ``spot`` is where its literal stands, where there is one."""

    text: str
    spot: Spot | None = field(default=None, compare=False)

    @property
    def known(self) -> bool:
        """Whether all of it is known."""
        return not any(mark in self.text for mark in MARKS)


@dataclass(frozen=True, slots=True)
class Seq(Value):
    """A list, tuple or set; ``more``: it may have other items, like the last one."""

    items: tuple[Value, ...]
    more: bool = False


@dataclass(slots=True, eq=False)
class Map(Value):
    """A dict: text keys only; ``more``: it may have others. Shared by all who hold it, as in Python."""

    items: dict[str, Value]
    more: bool = False
    spot: Spot | None = None


@dataclass(frozen=True, slots=True)
class Ref(Value):
    """Something of another package, by its dotted name; ``builtins.open``; ``?name`` for a name nobody defines."""

    name: str


@dataclass(slots=True, eq=False)
class Func(Value):
    """A function of the submission."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    unit: Unit
    module: Module
    closure: tuple[dict[str, Value], ...] = ()
    bound: Value | None = None
    owner: Cls | None = None
    kind: str = ""  # staticmethod, classmethod, property
    decorated: bool = False
    given: tuple[Value, ...] = ()  # by functools.partial
    named: dict[str, Value] | None = None


@dataclass(slots=True, eq=False)
class Cls(Value):
    """A class of the submission."""

    name: str
    module: Module
    attributes: dict[str, Value]
    bases: tuple[Value, ...] = ()


@dataclass(slots=True, eq=False)
class Obj(Value):
    """What a call made: of a class of the submission (``cls``), or of something elsewhere (``name``)."""

    name: str
    args: tuple[Value, ...] = ()
    keywords: dict[str, Value] = field(default_factory=dict)
    attributes: dict[str, Value] = field(default_factory=dict)
    cls: Cls | None = None


@dataclass(frozen=True, slots=True)
class Loaded(Value):
    """What a loader read: ``paths`` are the texts it opened, ``known`` False where a path is unknown."""

    loader: str
    paths: tuple[str, ...] = ()
    parts: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Handle(Value):
    """An open file, or its contents; ``mode`` as given to ``open``."""

    path: Value
    mode: str = "r"
    read: bool = False


@dataclass(frozen=True, slots=True)
class Method(Value):
    """An attribute of a value, not called yet."""

    owner: Value
    name: str


@dataclass(frozen=True, slots=True)
class Package(Value):
    """A module of the submission."""

    module: Module


@dataclass(frozen=True, slots=True)
class Choice(Value):
    """One of several."""

    options: tuple[Value, ...]


Keywords = dict[str, Value]
Args = tuple[Value, ...]


def options(value: Value) -> tuple[Value, ...]:
    """The possibilities of ``value``."""
    return value.options if isinstance(value, Choice) else (value,)


def same(one: Value, other: Value) -> bool:
    """Whether two values are known to be one."""
    if one is other:
        return True
    return (
        type(one) is type(other)
        and isinstance(one, Text | Const | Ref | Loaded | Handle)
        and _equal(one, other)
    )


def _equal(one: Value, other: Value) -> bool:
    if isinstance(one, Const) and isinstance(other, Const):
        return type(one.value) is type(other.value) and one.value == other.value
    if isinstance(one, Loaded) and isinstance(other, Loaded):
        return one.loader == other.loader and one.paths == other.paths
    if isinstance(one, Handle) and isinstance(other, Handle):
        return same(one.path, other.path)
    return bool(one == other)


def choice(values: Iterable[Value]) -> Value:
    """The values as one: flattened, each once, at most a few (the rest is UNKNOWN)."""
    found: list[Value] = []
    for value in values:
        for option in options(value):
            if not any(same(option, one) for one in found):
                found.append(option)
    if not found:
        return UNKNOWN
    if len(found) > CHOICES_MOST:
        last: Value = NONE if any(same(one, NONE) for one in found) else UNKNOWN
        found = [*[one for one in found if not same(one, NONE)][: CHOICES_MOST - 1], last]
    return found[0] if len(found) == 1 else Choice(tuple(found))


def texts(value: Value) -> tuple[str, ...]:
    """The texts that ``value`` may be, in order; HOLE where it is none that is known."""
    return tuple(dict.fromkeys(_text(option) for option in options(value)))


def _text(value: Value) -> str:
    if isinstance(value, Text):
        return value.text
    if isinstance(value, Const) and value.value is not None:
        if isinstance(value.value, bool | float) or (
            isinstance(value.value, int) and abs(value.value) < 10**18
        ):
            return str(value.value)
        if isinstance(value.value, bytes):
            return value.value.decode("latin-1")
    return HOLE


def one_text(value: Value) -> str | None:
    """The text that ``value`` is, or None where it is not wholly known or there are several."""
    if isinstance(value, Text) and value.known:
        return value.text
    return None


def spot_of(value: Value) -> Spot | None:
    """Where the literal stands."""
    return value.spot if isinstance(value, Text | Map) else None


def make_text(text: str, spot: Spot | None = None) -> Value:
    """A text, or UNKNOWN where it is too long or nothing but a hole."""
    if len(text) > TEXT_MOST or text == HOLE:
        return UNKNOWN
    return Text(text, spot)


def combined(parts: Iterable[Value], join: str | None = None) -> Value:
    """Texts put together: ``join`` None as they stand, ``"/"`` as paths (an absolute part begins anew)."""
    results = [""]
    first = True
    spots: list[Spot | None] = []
    for part in parts:
        found = texts(part)
        spots.append(spot_of(part))
        merged: list[str] = []
        for left in results:
            for right in found:
                if first or join is None:
                    merged.append(left + right)
                else:
                    merged.append(join_path(left, right))
                if len(merged) >= CHOICES_MOST:
                    break
            if len(merged) >= CHOICES_MOST:
                break
        results = merged
        first = False
        if sum(len(r) for r in results) > TEXT_MOST:
            return UNKNOWN
    spot = spots[0] if len(spots) == 1 else next((s for s in spots if s), None)
    return choice(make_text(result, spot) for result in dict.fromkeys(results))


def join_path(left: str, right: str) -> str:
    """As ``os.path.join``."""
    if right.startswith(("/", MODEL_DIR, ENVIRONMENT, HERE)) or not left:
        return right
    return left + right if left.endswith("/") else f"{left}/{right}"


def dirname(text: str) -> str:
    """As ``os.path.dirname``, marks being folders."""
    if text in (MODEL_DIR, ENVIRONMENT, HERE):
        return text + "/.."
    if text.rpartition("/")[2] == "..":
        return text + "/.."
    return posixpath.dirname(text)


def normal(text: str) -> str:
    """As ``os.path.normpath``, with backslashes as slashes."""
    return posixpath.normpath(text.replace("\\", "/")) if text else "."


def loaded_in(value: Value, depth: int = 0, seen: set[int] | None = None) -> Iterator[Loaded]:
    """What was loaded, in ``value`` and in what it holds, in order."""
    seen = set() if seen is None else seen
    if depth > 6 or id(value) in seen or len(seen) > 500:
        return
    seen.add(id(value))
    inner: tuple[Value, ...] = ()
    if isinstance(value, Loaded):
        yield value
        inner = value.parts
    elif isinstance(value, Seq):
        inner = value.items
    elif isinstance(value, Choice):
        inner = value.options
    elif isinstance(value, Map):
        inner = tuple(value.items.values())
    elif isinstance(value, Obj):
        inner = (*value.args, *value.keywords.values(), *value.attributes.values())
    elif isinstance(value, Method):
        inner = (value.owner,)
    for item in inner:
        yield from loaded_in(item, depth + 1, seen)


def items_of(value: Value) -> tuple[tuple[Value, ...], bool]:
    """What iterating over ``value`` gives, and whether that is all of it."""
    if isinstance(value, Seq):
        return value.items, not value.more
    if isinstance(value, Map):
        return tuple(Text(k) if k != HOLE else UNKNOWN for k in value.items), not value.more
    return (), False
