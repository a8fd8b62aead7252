"""The bytes of a rubric or of a file of marks; as nodes they are read by ``grader.yamlnodes``."""

from __future__ import annotations

from pathlib import Path

from grader.rubric.faults import Fault, RubricError
from grader.yamlnodes import MOST_DEPTH, compose

__all__ = ["MOST_BYTES", "MOST_DEPTH", "compose", "read_bytes"]

MOST_BYTES = 1_000_000


def read_bytes(path: Path, what: str) -> bytes:
    """The bytes of a file that the user named.

    Raises:
        RubricError: it cannot be read, or is larger than a megabyte; the place is 1:1.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except OSError as problem:
        reason = problem.strerror or type(problem).__name__
        raise RubricError(str(path), [Fault(1, 1, f"{what} cannot be read: {reason}", "text")]) from None
    except ValueError:  # a NUL in the path
        raise RubricError(str(path), [Fault(1, 1, f"{what} cannot be read: no such name", "text")]) from None
    if len(raw) > MOST_BYTES:
        message = f"{what} has at most {MOST_BYTES:,} bytes; this file is larger"
        raise RubricError(str(path), [Fault(1, 1, message, "text")])
    return raw
