"""Exact versions for an interpreter, as near to what is wanted as can be had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from grader.rehearsal import companions
from grader.rehearsal.installer import Installer, NoSolution, resolve
from grader.rehearsal.pythons import Interpreter
from grader.rehearsal.settings import Unavailable
from grader.rehearsal.versioning import release, specified


class Solved(NamedTuple):
    """``pins``: ``name==version``, None where that scikit-learn is not to be had; ``troubles``: why, in uv's words."""

    pins: tuple[str, ...] | None
    troubles: tuple[str, ...] = ()


def solve(tool: Installer, interpreter: Interpreter, packages: Mapping[str, str], *, series: bool) -> Solved:
    """The versions that answer ``packages`` (by name, the most important first, scikit-learn among them).

    With ``series`` any patch of scikit-learn's series will do; of the others each gives way as far as it must, the
    last one first.

    Raises:
        Unavailable: it could not be found out, or another package cannot be had in any version.
    """
    wanted = dict(packages)
    version = wanted.pop("scikit-learn")
    numbers = release(version)
    line = specified("scikit-learn", version)
    if series:
        whole = specified("scikit-learn", ".".join(map(str, numbers[:2])))
        if len(numbers) < 2 or whole == line:
            return Solved(None)  # it was asked for as a series already
        line = whole
    known = {name: release(text) for name, text in packages.items() if text}
    bounds = companions.ceilings(known)
    troubles: list[str] = []

    def ask(*lines: str) -> tuple[str, ...] | None:
        try:
            return resolve(tool, lines, interpreter, bounds=bounds)
        except NoSolution as problem:
            if tool.offline:
                raise Unavailable(
                    "The environment is not in the cache, and without a network none can be built; "
                    "rehearse once with a network."
                ) from None
            troubles.append(problem.reason)
            return None

    pins = ask(line, *(specified(n, v) for n, v in wanted.items()))
    if pins is not None or not (wanted or bounds):
        return Solved(pins, tuple(troubles))
    # Not all at once: scikit-learn for itself, then one after the other in the order in which they count.
    pins = ask(line) if wanted else None
    if pins is None:
        bounds = []
        pins = ask(line)
    if pins is None:
        return Solved(None, tuple(troubles))
    chosen = [line]
    for name, text in wanted.items():
        for looser in _ladder(name, text, known):
            tried = ask(*chosen, *looser)
            if tried is not None:
                chosen += looser
                pins = tried
                break
        else:
            raise Unavailable(
                f"{name} cannot be had beside scikit-learn {version} for Python {interpreter.series}: {troubles[-1]}"
            )
    return Solved(pins, tuple(troubles))


def _ladder(name: str, version: str, known: Mapping[str, tuple[int, ...]]) -> Iterator[list[str]]:
    """Requirement lines ever less near to a version; what is then free is kept from being too new for the ``known``."""
    numbers = release(version)
    nearer = [specified(name, version)]
    if len(numbers) > 2:
        nearer.append(f"{name}=={numbers[0]}.{numbers[1]}.*")
    if len(numbers) > 1:
        nearer.append(f"{name}=={numbers[0]}.*")
    yield from ([line] for line in dict.fromkeys(nearer) if line != name)
    bounds = companions.ceilings({n: r for n, r in known.items() if n != name})
    yield [name, *(line for line in bounds if line.startswith(f"{name}<"))]
    yield [name]
