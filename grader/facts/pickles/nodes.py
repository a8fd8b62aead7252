"""What stands in for the objects of a pickle. Numbers, short strings and bytes, and tuples stand for themselves.

Nothing here is ever hashed or compared by a pickle's content: nested tuples as keys cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

KEPT_ITEMS = 64
"""Entries that a dictionary, and items that a list, keep at least."""

KEPT_NAMES = 5_000
"""Items that a list of strings keeps (column names)."""

# Keys whose values tell something about a model, kept in a dictionary of any size.
TELLING = frozenset(
    {
        "_sklearn_version",
        "n_features_in_",
        "n_features_",
        "_n_features",
        "feature_names_in_",
        "steps",
        "best_estimator_",
        "shape_fit_",
        "coef_",
        "theta_",
        "mean_",
        "scale_",
        "cluster_centers_",
        "components_",
        "_fit_X",
        "coefs_",
        "estimators_",
        "calibrated_classifiers_",
        "_parse_arg_template",
        "__setstate__",
        "__class__",
        "shape",
        "dtype",
        "order",
        "subclass",
        "numpy_array_alignment_bytes",
    }
)


class Opaque:
    """Something whose content is of no concern: a long text, a blob, a set."""

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what


TEXT = Opaque("str")
BLOB = Opaque("bytes")
NUMBER = Opaque("int")
SET = Opaque("set")
FROZENSET = Opaque("frozenset")
PERSISTENT = Opaque("persistent")


class Role:
    """What a name means to the machine itself."""

    COMMON = 0
    SCALAR = 1  # makes a NumPy scalar
    WRAPPER = 2  # joblib: an array's bytes follow
    RECONSTRUCTOR = 3  # makes an empty instance of its first argument
    WATCHED = 4  # what it does depends on its arguments


@dataclass(slots=True, eq=False)
class Name:
    """A class or function that the pickle names (``module.name``), neither imported nor called."""

    module: str
    name: str
    role: int = Role.COMMON

    @property
    def full(self) -> str:
        """``module.name``."""
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False)
class Table:
    """A dictionary. Keeps its first entries and those that tell something; ``count`` counts all.

    ``odd``: some key is an object made at load, which may turn out to be any text.
    """

    kept: dict[str, object] = field(default_factory=dict)
    count: int = 0
    odd: bool = False

    def put(self, pairs: Sequence[object], *, telling_only: bool = False) -> int:
        """Take in key, value, key, value, ...; returns how many entries were kept."""
        number = len(pairs) // 2
        self.count += number
        kept = self.kept
        before = len(kept)
        room = 0 if telling_only else KEPT_ITEMS
        if before + number <= room:
            for index in range(0, 2 * number, 2):
                key = pairs[index]
                if type(key) is str:
                    kept[key] = pairs[index + 1]
                elif isinstance(key, Made | Opaque):
                    self.odd = True
        else:
            for index in range(0, 2 * number, 2):
                key = pairs[index]
                if type(key) is str and (key in TELLING or key in kept or len(kept) < room):
                    kept[key] = pairs[index + 1]
                elif isinstance(key, Made | Opaque):
                    self.odd = True
        return len(kept) - before


@dataclass(slots=True, eq=False)
class Items:
    """A list. Keeps its first items; ``count`` counts all."""

    kept: list[object] = field(default_factory=list)
    count: int = 0

    def put(self, items: Sequence[object]) -> int:
        """Take in ``items``; returns how many were kept."""
        before = len(self.kept)
        room = (KEPT_NAMES if items and type(items[0]) is str else KEPT_ITEMS) - before
        if room > 0:
            self.kept.extend(items[:room])
        self.count += len(items)
        return len(self.kept) - before


@dataclass(slots=True, eq=False)
class Made:
    """An object that the pickle has made: ``of`` with ``args``, given ``state`` later. No code ran for it."""

    of: object
    args: tuple[object, ...] = ()
    state: object = None

    @property
    def name(self) -> Name | None:
        """The class or function that makes it, if it is named outright."""
        return self.of if isinstance(self.of, Name) else None

    @property
    def attributes(self) -> dict[str, object]:
        """Its state by attribute, as far as kept; the part for slots included."""
        parts: Iterable[object] = self.state if isinstance(self.state, tuple) else (self.state,)
        found: dict[str, object] = {}
        for part in parts:
            if isinstance(part, Table):
                found.update(part.kept)
        return found


@dataclass(slots=True, eq=False)
class Array:
    """An array whose bytes were passed over. ``kind`` is NumPy's letter for its type."""

    shape: tuple[int, ...]
    kind: str
