"""What a rehearsal's environment is made with, and the two ways in which it is not to be had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Unavailable(Exception):
    """Trouble of ours: no uv, no network, no interpreter, no wheel here. The message is one sentence for the instructor."""


class RequirementsFailed(Exception):
    """What the student asks for can be installed by nobody: no such package or version, or a conflict among them."""


class Settings(NamedTuple):
    """How environments are made.

    ``cache`` is the folder that keeps them (None: ``GRADE_CACHE``, else the user's cache folder). ``pythons`` are
    interpreters named by the user: paths of executables, of environments, or commands on PATH. ``seconds`` bounds one
    call, downloads included; ``offline`` forbids them.
    """

    cache: Path | None = None
    pythons: tuple[str, ...] = ()
    seconds: float = 900.0
    offline: bool = False


Progress = Callable[[str], None]
"""Is told what takes time, one line each."""


def quiet(_line: str) -> None:
    """Progress that nobody watches."""
