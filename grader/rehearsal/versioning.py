"""Versions as a wish names them: exact (``1.2.1``), a series (``1.2``: any patch), or none at all."""

from __future__ import annotations

from grader.patterns import pattern

_NUMBERS = pattern(r"^[0-9]+(?:\.[0-9]+)*")


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version: ``1.9.0rc1`` as (1, 9, 0); empty where it begins with none."""
    match = _NUMBERS.match(version)
    return tuple(int(n) for n in match.group().split(".")) if match else ()


def specified(name: str, version: str) -> str:
    """A requirement line: ``numpy==1.24.1``, ``numpy==1.24.*`` for a series, ``numpy`` for any."""
    if not version:
        return name
    series = len(release(version)) < 3 and not _rest(version)
    return f"{name}=={version}.*" if series else f"{name}=={version}"


def answers(got: str, wanted: str) -> bool:
    """Whether a version is the wanted one, or of the wanted series."""
    mine, asked = release(got), release(wanted)
    if len(asked) < 3 and not _rest(wanted):
        return mine[: len(asked)] == asked
    return mine == asked and _rest(got) == _rest(wanted)


def _rest(version: str) -> str:
    return _NUMBERS.sub("", version).partition("+")[0]
