"""The checks there are. A check is one function with its documentation on it; everything else is made from that.

    @check("readme.present", requires=("folder.present",))
    def present(subject: Subject, *, least_words: int = 1) -> Verdict:
        \"\"\"The folder has a README of its own

        Why: ...
        Example: ...
        Remedy: ...
        \"\"\"

Keyword-only parameters are what a rubric sets with ``with:``; their defaults and types are their documentation.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from grader.checks.subject import Subject
from grader.checks.verdict import Verdict

CheckFunction = Callable[..., Verdict]
ENTRY_POINTS = "grader.checks"
"""The entry-point group by which an installed package brings checks: name -> module that defines them."""


class Requirement(NamedTuple):
    """A check that has to be met first. ``whole``: a ``partial`` does not meet it (contract, section 3)."""

    check: str
    whole: bool = False


class Parameter(NamedTuple):
    """What a rubric may set: its name, its type (``int``, ``float``, ``str``, ``bool`` or ``list`` of str), its default."""

    name: str
    kind: type
    default: Any


class Check(NamedTuple):
    """One question. ``platform``: asked of that platform's deployment only. ``on_request``: ``--rehearse``, ``--live``."""

    id: str
    title: str
    why: str
    example: str
    remedy: str
    function: CheckFunction
    requires: tuple[Requirement, ...]
    parameters: Mapping[str, Parameter]
    platform: str | None = None
    on_request: str | None = None

    @property
    def family(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]

    def __call__(self, subject: Subject, /, **parameters: Any) -> Verdict:
        """Ask it."""
        return self.function(subject, **parameters)


class Registry:
    """Checks by id, in the order they were defined."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, item: Check) -> None:
        """Raises ValueError for an id that is taken by another function."""
        known = self._checks.get(item.id)
        if known is not None and known.function.__module__ != item.function.__module__:
            raise ValueError(
                f"two checks are called {item.id!r}: in {known.function.__module__} and {item.function.__module__}"
            )
        self._checks[item.id] = item

    def __contains__(self, identifier: str) -> bool:
        return identifier in self._checks

    def __getitem__(self, identifier: str) -> Check:
        return self._checks[identifier]

    def __iter__(self) -> Iterator[Check]:
        return iter(self._checks.values())

    def ids(self) -> tuple[str, ...]:
        """All ids."""
        return tuple(self._checks)

    def families(self) -> tuple[str, ...]:
        """All families."""
        return tuple(dict.fromkeys(item.family for item in self))


registry = Registry()

_HEADINGS = ("Why", "Example", "Remedy")


def _sections(docstring: str) -> dict[str, str]:
    """A check's docstring by its fixed headings; the first line is the title."""
    lines = inspect.cleandoc(docstring).splitlines()
    sections: dict[str, list[str]] = {"Title": lines[:1]}
    current = "Title"
    for line in lines[1:]:
        for heading in _HEADINGS:
            if line.startswith(f"{heading}:"):
                current, line = heading, line[len(heading) + 1 :].lstrip()  # noqa: PLW2901
                break
        sections.setdefault(current, []).append(line)
    return {name: "\n".join(text).strip() for name, text in sections.items()}


def check(
    identifier: str,
    *,
    requires: Iterable[str | Requirement] = (),
    platform: str | None = None,
    on_request: str | None = None,
) -> Callable[[CheckFunction], CheckFunction]:
    """Register a function as the check ``identifier`` (``family.name``).

    Raises:
        ValueError: the id is no ``family.name``, a heading is missing, or a parameter has no default or an unknown type.
    """
    family, dot, name = identifier.partition(".")
    if not (dot and family and name):
        raise ValueError(f"a check's id is family.name, not {identifier!r}")

    def register(function: CheckFunction) -> CheckFunction:
        # Under `python -OO` there are no docstrings: the checks work, their explanations are empty.
        sections = _sections(function.__doc__ or "")
        if sys.flags.optimize < 2:
            missing = [heading for heading in ("Title", *_HEADINGS) if not sections.get(heading)]
            if missing:
                raise ValueError(f"the docstring of check {identifier} lacks: {', '.join(missing)}")
        registry.add(
            Check(
                id=identifier,
                title=sections.get("Title") or identifier,
                why=sections.get("Why", ""),
                example=sections.get("Example", ""),
                remedy=sections.get("Remedy", ""),
                function=function,
                requires=tuple(r if isinstance(r, Requirement) else Requirement(r) for r in requires),
                parameters=_parameters(identifier, function),
                platform=platform,
                on_request=on_request,
            )
        )
        return function

    return register


def _parameters(identifier: str, function: CheckFunction) -> dict[str, Parameter]:
    found: dict[str, Parameter] = {}
    wanted = [p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    hints = get_type_hints(function) if wanted else {}
    for parameter in wanted:
        kind = hints.get(parameter.name)
        if get_origin(kind) is tuple and get_args(kind) == (str, ...):
            kind = list
        if kind not in (int, float, str, bool, list) or parameter.default is parameter.empty:
            raise ValueError(
                f"parameter {parameter.name!r} of check {identifier} wants a default and one of the types "
                "int, float, str, bool, tuple[str, ...]"
            )
        found[parameter.name] = Parameter(parameter.name, kind, parameter.default)
    return found


def load_builtin() -> Registry:
    """Import the checks of the grader itself, and return the registry."""
    from grader.checks import (
        aws,
        evidence,
        folder,
        frameworks,
        gcp,
        hygiene,
        live,
        model,
        readme,
        rehearsal,
        tutorial,
    )

    del aws, evidence, folder, frameworks, gcp, hygiene, live, model, readme, rehearsal, tutorial
    return registry


def load_installed() -> None:
    """Import the checks that installed packages bring by entry point (slow: only when an id is not built in).

    Raises:
        ValueError: one of them cannot be imported; the message names it.
    """
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS):
        try:
            point.load()
        except Exception as problem:
            raise ValueError(
                f"the checks of {point.value} cannot be loaded: {type(problem).__name__}: {problem}"
            ) from problem


def load_file(path: str) -> None:
    """Run a Python file of checks that a rubric names: the instructor's own code, never a submission's.

    Raises:
        ValueError: it cannot be read or run; the message says why.
    """
    import importlib.util
    from pathlib import Path

    file = Path(path)
    name = f"grader_checks_{file.stem}_{abs(hash(file.resolve())):x}"
    if name in sys.modules:
        return
    try:
        specification = importlib.util.spec_from_file_location(name, file)
        if specification is None or specification.loader is None:
            raise ImportError("not a Python file")
        module = importlib.util.module_from_spec(specification)
        sys.modules[name] = module
        specification.loader.exec_module(module)
    except Exception as problem:
        sys.modules.pop(name, None)
        raise ValueError(f"{path} cannot be loaded: {type(problem).__name__}: {problem}") from problem
