"""Numbers and labels of an npy file, read without numpy: numpy's format, versions 1.0 to 3.0.

The header is a literal that ``numpy.save`` always writes in the same form; it is matched, not evaluated. Arrays of objects are
pickles and are not read; nor are structured, complex and extended types, which no prediction has.
Source of the format: numpy's documentation of ``numpy.lib.format``, 2026-11-22.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

from grader.asking.answers import NoPrediction, said
from grader.patterns import pattern

MAGIC = b"\x93NUMPY"

_MOST_HEADER = 10_000
_HEADER = pattern(
    r"\{'descr':\s?'(?P<order>[<>|=])(?P<kind>[a-zA-Z])(?P<size>\d{1,9})',\s?"
    r"'fortran_order':\s?(?P<fortran>True|False),\s?'shape':\s?\((?P<shape>[\d, L]{0,400})\),?\s?\}\s*"
)
_ANY = pattern(r"'descr':\s?(?P<descr>'[^']{0,40}'|\[)")
_FORMATS = {
    "f2": "e",
    "f4": "f",
    "f8": "d",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "q",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "u8": "Q",
    "b1": "?",
}


def values(body: bytes, most: int) -> list[str]:
    """The first ``most`` elements of an npy file, in reading order, those that are no label or finite number left out.

    Raises:
        NoPrediction: it is no whole npy file, of a type that is not read, or has no such element.
    """
    order, kind, size, fortran, shape, start = _header(body)
    item = size * (4 if kind == "U" else 1)
    count = 1
    for length in shape:
        count *= length
        if count > len(body):
            break
    if count == 0:
        raise NoPrediction("The answer is an npy array without elements.")
    if item == 0 or count * item != len(body) - start:
        raise NoPrediction("The answer is an npy array that does not have as many bytes as it says.")
    found: list[str] = []
    for at in _positions(shape, fortran, most):
        raw = body[start + at * item : start + (at + 1) * item]
        value = _element(order, kind, size, raw)
        if value is not None:
            found.append(value)
    if not found:
        raise NoPrediction("The answer is an npy array without a label or a finite number.")
    return found


def _header(body: bytes) -> tuple[str, str, int, bool, tuple[int, ...], int]:
    if not body.startswith(MAGIC) or len(body) < 10:
        raise NoPrediction("The answer is said to be an npy array and is none.")
    if body[6] == 1:
        (length,), start = struct.unpack_from("<H", body, 8), 10
    elif body[6] in (2, 3) and len(body) >= 12:
        (length,), start = struct.unpack_from("<I", body, 8), 12
    else:
        raise NoPrediction("The answer is an npy array of a version that numpy does not write.")
    if length > _MOST_HEADER or start + length > len(body):
        raise NoPrediction("The answer is an npy array that is cut off.")
    header = body[start : start + length].decode("latin-1")
    match = _HEADER.fullmatch(header.strip())
    if match is None or (match["kind"] not in "US" and match["kind"] + match["size"] not in _FORMATS):
        told = _ANY.search(header)
        of = "fields" if told and told["descr"] == "[" else told["descr"] if told else "an unknown type"
        if told and "O" in told["descr"]:
            raise NoPrediction("The answer is an npy array of pickled objects, which nobody should load.")
        raise NoPrediction(f"The answer is an npy array of {said(of)}, which is no label or number.")
    lengths = match["shape"].replace("L", "").split(",")
    if len(lengths) > 32 or any(len(one.strip()) > 12 or " " in one.strip() for one in lengths):
        raise NoPrediction("The answer is an npy array of an impossible shape.")
    shape = tuple(int(one) for one in lengths if one.strip())
    return (
        match["order"],
        match["kind"],
        int(match["size"]),
        match["fortran"] == "True",
        shape,
        start + length,
    )


def _positions(shape: tuple[int, ...], fortran: bool, most: int) -> Iterator[int]:
    """Where the first elements stand, in the order in which a person reads them (the last index runs fastest)."""
    count = min(math.prod(shape), most)
    if not fortran or len(shape) < 2:
        yield from range(count)
        return
    for number in range(count):
        at, rest, stride = 0, number, math.prod(shape)
        for length in reversed(shape):
            stride //= length
            rest, index = divmod(rest, length)
            at += index * stride
        yield at


def _element(order: str, kind: str, size: int, raw: bytes) -> str | None:
    if kind == "U":
        try:
            text = raw.decode("utf-32-be" if order == ">" else "utf-32-le").rstrip("\x00")
        except UnicodeDecodeError:
            return None
        return said(text) if text.strip() else None
    if kind == "S":
        text = raw.rstrip(b"\x00").decode("latin-1")
        return said(text) if text.strip() else None
    sign = ">" if order == ">" else "<"
    (value,) = struct.unpack(sign + _FORMATS[f"{kind}{size}"], raw)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return said(str(value))
