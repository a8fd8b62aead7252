"""NumPy's own file format, written in a few lines: what the SageMaker SDK's predictor sends.

Format 1.0 (NumPy Enhancement Proposal 1, as of 2026-11-22): a magic, the length of the header, the header as a Python
literal padded to 64 bytes, the values.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_MAGIC = b"\x93NUMPY\x01\x00"


def array(values: Sequence[object]) -> bytes | None:
    """A list of numbers or texts, or of lists of them all of one length, as an array; None for anything else.

    Numbers become 64-bit floats (whole numbers alone: 64-bit integers), and with texts among them all become texts, as
    ``numpy.array`` makes of such a list.
    """
    rows = [list(row) for row in values if isinstance(row, list | tuple)]
    if rows and (len(rows) != len(values) or len({len(row) for row in rows}) != 1):
        return None
    shape = (len(rows), len(rows[0])) if rows else (len(values),)
    flat = [cell for row in rows for cell in row] if rows else list(values)
    if not all(isinstance(cell, str | int | float) for cell in flat):
        return None
    if any(isinstance(cell, str) for cell in flat):
        texts = [str(cell) for cell in flat]
        width = max(1, *(len(text) for text in texts))
        kind = f"<U{width}"
        data = b"".join(text.encode("utf-32-le", "surrogatepass").ljust(4 * width, b"\0") for text in texts)
    elif flat and all(type(cell) is int and abs(cell) < 2**63 for cell in flat):
        kind, data = "<i8", struct.pack(f"<{len(flat)}q", *flat)
    else:
        try:
            kind, data = "<f8", struct.pack(f"<{len(flat)}d", *(float(cell) for cell in flat))  # type: ignore[arg-type]
        except OverflowError:
            return None
    told = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape!r}, }}".encode("ascii")
    told += b" " * (-(len(_MAGIC) + 2 + len(told) + 1) % 64) + b"\n"
    return _MAGIC + struct.pack("<H", len(told)) + told + data
