"""The tree of a submission: paths to files, whatever it was obtained from.

The one interface between a source (git, folder, archive) and the facts. Paths are POSIX, relative to the root, never
absolute and never with ``..``. Bytes come in only through :meth:`Tree.read`, with a bound each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from grader.limits import Limits
from grader.submission.errors import Unreadable

# What is not part of a submission (contract, section 4): environments, caches, editors' and tools' copies.
_NO_PART = frozenset(
    {"site-packages", "node_modules", ".ipynb_checkpoints", "__pycache__", ".git", "__MACOSX"}
)


def no_part(name: str) -> bool:
    """Whether a file or folder of this name, wherever it stands, is no part of a submission."""
    return name in _NO_PART


# Files by which a committed virtual or conda environment is known, and how far below its root they lie.
_ENVIRONMENT_MARKS = {
    "pyvenv.cfg": 1,
    "bin/activate": 2,
    "Scripts/activate": 2,
    "Scripts/activate.bat": 2,
    "conda-meta/history": 2,
}


def _environments(paths: Iterable[str]) -> frozenset[str]:
    """Folders that hold an environment. Never the root, and a mark alone at the root is none."""
    found = set()
    for path in paths:
        parts = path.split("/")
        for mark, depth in _ENVIRONMENT_MARKS.items():
            if len(parts) > depth and path.endswith("/" + mark):
                found.add("/".join(parts[:-depth]))
    return frozenset(found)


class Entry(NamedTuple):
    """One regular file. ``size`` in bytes, None where only fetching would tell."""

    path: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """A read-only, bounded tree of files.

    ``unread`` holds (path, why) of what is there but is not read: symbolic links, submodules, entries over a bound.
    ``folders`` holds every folder that has a file somewhere below it (and empty ones, where the source knows them).
    """

    files: Mapping[str, Entry]
    folders: frozenset[str]
    unread: tuple[tuple[str, str], ...]
    reader: Callable[[str, int], bytes] = field(repr=False, compare=False)

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of ``path``.

        Raises:
            Unreadable: larger than ``limit`` bytes, not at hand, or damaged.
            KeyError: no such file in the tree.
        """
        entry = self.files[path]
        if entry.size is not None and entry.size > limit:
            raise Unreadable(f"{entry.size} bytes, more than the bound of {limit}")
        data = self.reader(path, limit)
        if len(data) > limit:
            raise Unreadable(f"more than the bound of {limit} bytes")
        return data


def build(
    entries: Iterable[Entry],
    reader: Callable[[str, int], bytes],
    limits: Limits,
    *,
    unread: Iterable[tuple[str, str]] = (),
    folders: Iterable[str] = (),
    exclude: Callable[[str], bool] | None = None,
) -> Tree:
    """A tree of what belongs to the submission: without caches and environments, ``exclude`` and what is over a bound.

    ``exclude`` gets a path and says whether the user left it out (gitignore syntax, see ``submission.source``).
    """
    listed = list(entries)
    notes = list(unread)
    environments = _environments(e.path for e in listed)

    def outside(path: str) -> bool:
        parts = path.split("/")
        if _NO_PART.intersection(parts):
            return True
        if environments and any("/".join(parts[:n]) in environments for n in range(1, len(parts))):
            return True
        return exclude is not None and exclude(path)

    files: dict[str, Entry] = {}
    seen_folders: set[str] = set()
    for folder in folders:
        if not outside(f"{folder}/-") and folder.count("/") < limits.depth:
            seen_folders.add(folder)
    for entry in sorted(listed, key=lambda e: e.path):
        if outside(entry.path):
            continue
        if len(files) >= limits.entries:
            notes.append((".", f"more than {limits.entries} files; the rest was not read"))
            break
        if len(entry.path) > limits.path_length or entry.path.count("/") > limits.depth:
            notes.append((entry.path[: limits.path_length], "its path is too long or too deep"))
            continue
        files[entry.path] = entry
        parent = entry.path.rpartition("/")[0]
        while parent and parent not in seen_folders:
            seen_folders.add(parent)
            parent = parent.rpartition("/")[0]
    return Tree(
        files=MappingProxyType(files),
        folders=frozenset(seen_folders),
        unread=tuple((path, why) for path, why in notes if path == "." or not outside(path)),
        reader=reader,
    )
