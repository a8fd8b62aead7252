"""A known failure of a rehearsal, and what it is told by."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from grader.facts.asked import Rehearsal


class Cause(NamedTuple):
    """A known failure.

    ``means`` and ``mend`` are sentences. ``hangs_on`` are the kinds of doubt (see ``Rehearsal``) that may explain it:
    with one of them open, a person must judge. ``ours``: the rehearsal is no cloud in just this respect. ``whatever``: no
    other request would have fared better.
    """

    means: str
    mend: str
    hangs_on: tuple[str, ...] = ("versions",)
    ours: bool = False
    whatever: bool = False


class Seen(NamedTuple):
    """What a cause is told by. ``problem`` is the exception's line, ``files`` the paths of the submission."""

    problem: str
    rehearsal: Rehearsal
    files: frozenset[str] = frozenset()
    content_type: str = ""
    limit: str | None = None


Row = tuple[re.Pattern[str], Callable[[re.Match[str], Seen], "Cause | None"]]
"""How an exception's line looks, and the cause that it then has (None: it is another)."""


def fixed(
    means: str, mend: str, *hangs_on: str, ours: bool = False, whatever: bool = False
) -> Callable[[re.Match[str], Seen], Cause]:
    """A cause that depends on nothing else."""
    cause = Cause(means, mend, hangs_on, ours, whatever)
    return lambda _match, _seen: cause
