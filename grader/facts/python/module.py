"""A module of the submission: a source file, a written file, a notebook. Its units share one namespace."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from grader.facts.python.signs import Signs
from grader.facts.python.signs import of as signs_of
from grader.facts.python.values import Func, Value
from grader.facts.records import Via


@dataclass(slots=True, eq=False)
class Unit:
    """A piece of source: a file, a cell, the text of a ``%%writefile``, a literal. Lines are those of the file or cell.

    ``deep``: parts of it are nested too deeply to be parsed here, and are missing from the tree.
    ``offset`` is added to a node's line, ``line`` overrides it. ``live``: it is code that runs, not text in a literal.
    ``directory``: the working directory that a program above it changed to. ``snapshot``, where it is a dict at the start: the names known at the end of the cell are kept there.
    """

    path: str
    cell: int | None
    via: Via
    tree: ast.Module
    lines: tuple[str, ...] = ()
    whole: bool = True
    deep: bool = False
    live: bool = True
    offset: int = 0
    readme: bool = False
    snapshot: dict[str, Value] | None = None
    directory: str | None = None
    _signs: Signs | None = None

    def signs(self) -> Signs:
        """What one walk over it finds."""
        if self._signs is None:
            self._signs = signs_of(self)
        return self._signs


@dataclass(slots=True, eq=False)
class Module:
    """A namespace. ``script`` is the path of the file that it is (None for a notebook or a literal without a name)."""

    key: str
    folder: str
    script: str | None
    units: list[Unit]
    env: dict[str, Value] = field(default_factory=dict)
    final: dict[str, Value] = field(default_factory=dict)
    state: int = 0  # 0 not looked at, 1 being looked at, 2 done
    environment: dict[str, Value] = field(default_factory=dict)
    pending: list[Func] = field(default_factory=list)
    missed: set[str] = field(default_factory=set)
    notebook: bool = False

    def nodes(self) -> int:
        """How large it is."""
        return sum(unit.signs().nodes for unit in self.units)
