"""Where a joblib array's bytes end: from its wrapper's state, strictly, since a wrong length would hide what follows.

Layout (``joblib.numpy_pickle.NumpyArrayWrapper.read_array``, joblib 0.10 to 1.6, as of 2026-11-22): one byte that counts
padding, and the padding, if the wrapper states an alignment (joblib 1.2 on); then the product of the shape times the
item size in raw bytes, or for arrays of objects a complete pickle of its own instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.facts.pickles.nodes import Made, Table
from grader.facts.pickles.source import Malformed
from grader.patterns import pattern

_TYPE = pattern(r"[<>|=]?(?P<kind>[biufcOSUVMm])(?P<bytes>[0-9]{1,9})")
_MOST_DIMENSIONS = 64
_HAS_OBJECT = 1  # bit of a dtype's flags


@dataclass(frozen=True, slots=True)
class Layout:
    """``size`` in bytes. ``kind`` is NumPy's letter; ``is_object``: a pickle follows instead."""

    shape: tuple[int, ...]
    kind: str
    size: int
    padded: bool
    is_object: bool


def array_of(wrapper: Made) -> Layout:
    """The layout of the array behind a wrapper.

    Raises:
        Malformed: the state says something that joblib never writes.
    """
    if wrapper.args or not isinstance(wrapper.state, Table) or wrapper.state.odd:
        raise Malformed("an array's wrapper is made in a way that joblib does not use")
    state = wrapper.state.kept
    shape, alignment = state.get("shape"), state.get("numpy_array_alignment_bytes")
    if not isinstance(shape, tuple) or len(shape) > _MOST_DIMENSIONS:
        raise Malformed("an array in it has no shape")
    count = 1
    for length in shape:
        if type(length) is not int or not 0 <= length < 2**62:
            raise Malformed("an array in it has an impossible shape")
        count *= length
    if not (alignment is None or type(alignment) is int):
        raise Malformed("an array in it has an impossible alignment")
    kind, item = _item(state.get("dtype"))
    return Layout(
        tuple(n for n in shape if type(n) is int), kind, count * item, alignment is not None, kind == "O"
    )


def _item(dtype: object, depth: int = 0) -> tuple[str, int]:
    """Kind and size in bytes of a dtype's items; kind ``O`` for records with objects in them."""
    if (
        not isinstance(dtype, Made)
        or dtype.name is None
        or dtype.name.full != "numpy.dtype"
        or not dtype.args
    ):
        raise Malformed("an array in it has no type")
    match = _TYPE.fullmatch(dtype.args[0]) if isinstance(dtype.args[0], str) else None
    if match is None:
        raise Malformed("an array in it has an unknown type")
    kind, size = match["kind"], int(match["bytes"])
    state = dtype.state if isinstance(dtype.state, tuple) else ()
    if kind == "U":
        size *= 4
    if kind in "SUV" and len(state) > 5 and state[5] != size:
        raise Malformed("an array in it has two item sizes")
    if kind == "V" and state:
        flags = state[7] if len(state) > 7 else 0
        if len(state) < 6 or state[2] is not None or type(flags) is not int:
            raise Malformed("an array in it has a type that is not read")
        holds = _holds_objects(state[4], depth)
        if holds != bool(flags & _HAS_OBJECT):
            raise Malformed("an array in it says two things of what it holds")
        kind = "O" if holds else kind
    if kind not in "SUV" and len(state) > 2 and state[2] is not None:
        raise Malformed("an array in it has a type that is not read")
    return kind, size


def _holds_objects(fields: object, depth: int) -> bool:
    """Whether a record has objects in it: joblib writes a pickle then, as for an array of objects."""
    if fields is None:
        return False
    if not isinstance(fields, Table) or fields.odd or fields.count != len(fields.kept) or depth > 4:
        raise Malformed("an array in it has a type that is not read")
    inner = [entry[0] if isinstance(entry, tuple) and entry else None for entry in fields.kept.values()]
    kinds = [
        _item(dtype, depth + 1)[0] for dtype in inner
    ]  # each is looked at, not just up to the first object
    return "O" in kinds
