"""Where a report goes: stdout or files, whole or not at all."""

from __future__ import annotations

import difflib
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

from grader.report import formats
from grader.submission.errors import WrongCall


def outputs_of(files: Sequence[str], name: str | None) -> list[tuple[str | None, str]]:
    """(file, or None for stdout, and format) of every output that the call asks for.

    Raises:
        WrongCall: an unknown format, or a file that could not be written: better now than after an hour of grading.
    """
    if name is not None and name not in formats.names():
        near = difflib.get_close_matches(name, formats.names(), 1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(formats.names())}"
        raise WrongCall(f"no format is called {name!r}; {hint}")
    if not files:
        return [(None, name or "terminal")]
    found: list[tuple[str | None, str]] = []
    for file in files:
        chosen = name or formats.of_file(file)
        if chosen is None:
            raise WrongCall(
                f"the ending of {file} names no format; give --format, one of {', '.join(formats.names())}"
            )
        target = Path(file)
        if target.is_dir():
            raise WrongCall(f"{file} cannot be written: it is a folder")
        if not target.absolute().parent.is_dir():
            raise WrongCall(f"{file} cannot be written: its folder does not exist")
        if not os.access(target if target.exists() else target.absolute().parent, os.W_OK):
            raise WrongCall(f"{file} cannot be written: no permission")
        found.append((file, chosen))
    return found


def look(stream: TextIO) -> dict[str, Any]:
    """Width, colour and encoding of a stream: NO_COLOR, CI, a dumb terminal and a pipe have no colour."""
    terminal = stream.isatty()
    plain = any(os.environ.get(name) for name in ("NO_COLOR", "CI")) or os.environ.get("TERM") == "dumb"
    width = shutil.get_terminal_size((80, 24)).columns if terminal or "COLUMNS" in os.environ else 80
    return {
        "width": max(40, min(width, 120)),
        "color": terminal and not plain,
        "encoding": stream.encoding or "ascii",
    }


def show(text: str) -> None:
    """Print to stdout, with what its encoding lacks shown escaped."""
    stream: Any = sys.stdout
    stream.flush()
    left = memoryview(_ended(text).encode(stream.encoding or "ascii", errors="backslashreplace"))
    while left:  # an unbuffered stream (PYTHONUNBUFFERED) may take a part only, and then not say more
        left = left[stream.buffer.write(left) :]
    stream.buffer.flush()


def save(file: str, text: str) -> None:
    """Write ``file`` whole or not at all: a call that is killed meanwhile leaves the old one.

    Raises:
        WrongCall: it cannot be written.
    """
    target = Path(file)
    try:
        if target.exists() and not target.is_file():  # a pipe, a device
            target.write_text(_ended(text), encoding="utf-8")
            return
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            beside.write_text(_ended(text), encoding="utf-8", newline="")
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as problem:
        raise WrongCall(f"{file} cannot be written: {problem.strerror or problem}") from None


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
