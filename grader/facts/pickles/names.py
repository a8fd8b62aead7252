"""What a name in a pickle would do at load: part of a fitted model, code that runs, somebody's own, or unknown.

The names that a fitted model needs are an exact list (``facts/data/known_globals.json``), written by
``tools/make_allowlist.py`` from models that scikit-learn really pickled. No package is trusted as a whole:
``numpy.load`` and ``joblib.load`` would read another file, of the attacker's choice.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

Kind = Literal["known", "runs", "own", "library", "unknown"]
"""``known``: part of fitted models. ``runs``: would run code or reach outside. ``own``: the main program's or a module
of nobody's package. ``library``: a well-known library's, other than scikit-learn. ``unknown``: in a trusted package, but
no part of fitted models as far as known."""

_DATA = Path(__file__).parent.parent / "data"

MOST_NAMED = 300
"""Characters of a name that are looked at and told."""


@cache
def known_globals() -> frozenset[str]:
    """The exact names that fitted models need (``module.name``)."""
    return frozenset(json.loads((_DATA / "known_globals.json").read_text(encoding="utf-8"))["names"])


class _Lists(NamedTuple):
    """The lists of ``facts/data/gadgets.json``; ``modules``: those of Python itself whose names do something."""

    trusted: frozenset[str]
    libraries: frozenset[str]
    harmless: frozenset[str]
    gadgets: frozenset[str]
    deeds: frozenset[str]
    workshops: tuple[str, ...]
    builtin_values: frozenset[str]
    namesakes: frozenset[str]
    modules: frozenset[str]


@cache
def _lists() -> _Lists:
    read = json.loads((_DATA / "gadgets.json").read_text(encoding="utf-8"))

    def names(key: str) -> frozenset[str]:
        return frozenset(read[key]["names"])

    return _Lists(
        trusted=names("trusted"),
        libraries=names("libraries"),
        harmless=names("harmless"),
        gadgets=names("gadgets"),
        deeds=names("deeds"),
        workshops=tuple(f"{name}." for name in read["workshops"]["names"]),
        builtin_values=names("builtin_values"),
        namesakes=names("namesakes"),
        modules=(frozenset(sys.stdlib_module_names) | names("ancient")) - names("harmless"),
    )


def python3_name(module: str, name: str) -> tuple[str, str]:
    """The name as Python 3 resolves it in a pickle of protocol 2 or less (``__builtin__.set``: ``builtins.set``)."""
    from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

    if (module, name) in NAME_MAPPING:
        found: tuple[str, str] = NAME_MAPPING[(module, name)]
        return found
    return IMPORT_MAPPING.get(module, module), name


def classify(full: str) -> Kind:
    """What ``module.name`` would do at load."""
    if full in known_globals():
        return "known"
    lists = _lists()
    parts = full.split(".")
    root, last = parts[0], parts[-1]
    if root in ("builtins", "__builtin__"):
        value = last in lists.builtin_values or last.endswith(("Error", "Warning", "Exception"))
        return "unknown" if len(parts) == 2 and value else "runs"
    if root in lists.modules or full in lists.gadgets:
        return "runs"
    if not (root in lists.trusted or root in lists.libraries or root in lists.harmless) or root == "__main__":
        return "own"
    if last in lists.deeds or f"{full}.".startswith(lists.workshops) or _reaches_out(parts[1:], lists):
        return "runs"
    return "library" if root in lists.libraries else "unknown"


def _reaches_out(parts: list[str], lists: _Lists) -> bool:
    """Whether a name goes through a package to something else: `sklearn.utils` + `os.system`, `__globals__`."""
    for index, part in enumerate(parts):
        if part.startswith("__") and part.endswith("__") and part != "__init__":
            return True
        is_module = part in lists.modules or part in ("builtins", "__builtin__")
        # `scipy.signal.x` is SciPy's own module of that name; `sklearn.utils` + `signal` would be Python's.
        if is_module and (part not in lists.namesakes or index == len(parts) - 1):
            return True
    return False
