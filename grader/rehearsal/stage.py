"""A deployment's files, laid out as the platform lays them out, in a folder of the grader's own.

Everything written is a plain file under a plain name, bounded in number and size; nothing is followed or run. Modes let
any user read, since the sandbox may run as another one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from grader.facts import archives
from grader.facts.pickles.source import Malformed, OverBound
from grader.limits import Limits
from grader.submission.errors import Unreadable
from grader.submission.tree import Tree
from grader.text import excerpt

_MOST_FILES = 5_000
_MOST_CODE_FILES = 2_000
_MOST_CODE = 60_000_000
"""Bytes of a code folder; SageMaker's own bound on a source archive is 2 GB, but no lab's code is that large."""
_LARGEST_CODE = 20_000_000
_CHUNK = 1 << 20
_LONGEST = 200  # bytes of one name


class NotStaged(Exception):
    """What is to be rehearsed cannot be laid out within the bounds; the message is one sentence."""


class Stage:
    """Writes below ``folder``. ``notes`` are sentences on what was left out."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder = folder
        self.limits = limits
        self.notes: list[str] = []
        self._files = 0
        self._bytes = 0
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)

    def text(self, where: str, text: str) -> None:
        """A text, as UTF-8."""
        self.put(where, text.encode("utf-8", "replace"))

    def put(self, where: str, data: bytes) -> bool:
        """One file at ``where`` (POSIX, below the folder). False, and a note, where its name is none to write."""
        pieces = iter((data, b""))
        return self._write(where, lambda: next(pieces))

    def folders(self, *names: str) -> None:
        """Folders that are there even if nothing is in them."""
        for name in names:
            self._folder(self.folder / name)

    def archive(self, path: str, data: bytes, where: str) -> tuple[str, ...]:
        """The members of an archive, below ``where``: what unpacking it leaves there. Returns their names.

        Raises:
            NotStaged: it is damaged, or over a bound.
        """
        names: list[str] = []
        try:
            for name, stream in archives.contents(path, data, self.limits):
                if self._write(f"{where}/{archives.plain_name(name)}", lambda: stream.read(_CHUNK)):  # noqa: B023
                    names.append(archives.plain_name(name))
        except (Unreadable, Malformed, OverBound) as problem:
            raise NotStaged(f"`{excerpt(path, 80)}` could not be unpacked: {problem}.") from None
        return tuple(names)

    def tree(self, source: Tree, below: str, where: str) -> None:
        """The submission's files below the folder ``below`` (all of it for ""), as far as they can be read."""
        start = f"{below}/" if below else ""
        have = count = 0
        for path, entry in source.files.items():
            if not path.startswith(start):
                continue
            count += 1
            if count > _MOST_CODE_FILES:
                self.notes.append(f"of the code, {_MOST_CODE_FILES} files were taken and the rest left out")
                break
            size = entry.size or 0
            if size > _LARGEST_CODE or have + size > _MOST_CODE:
                self.notes.append(f"`{excerpt(path, 80)}` was left out of the code: it is too large")
                continue
            have += size
            self.file(source, path, f"{where}/{path[len(start) :]}")

    def file(self, source: Tree, path: str, where: str) -> bool:
        """One file of the submission. False, and a note, where it cannot be read."""
        try:
            return self.put(where, source.read(path, _LARGEST_CODE))
        except (Unreadable, KeyError) as problem:
            self.notes.append(f"`{excerpt(path, 80)}` was left out: {problem}")
            return False

    def copy(self, below: str, where: str) -> None:
        """What was written below the folder ``below`` a second time, below ``where``: one file under two names."""
        source = self.folder / below
        for path in sorted(p for p in source.rglob("*") if p.is_file()):
            target = self.folder / where / path.relative_to(source)
            if self._folder(target.parent) and not target.exists():
                os.link(path, target)

    def has(self, where: str) -> bool:
        """Whether a file was written there."""
        return (self.folder / where).is_file()

    def _write(self, where: str, more: Callable[[], bytes]) -> bool:
        parts = where.split("/")
        if not _are_plain(parts) or len(parts) > self.limits.depth:
            self.notes.append(f"`{excerpt(where, 80)}` was left out: it is no name to write a file under")
            return False
        self._files += 1
        if self._files > _MOST_FILES:
            raise NotStaged(f"The deployment has more than {_MOST_FILES} files, more than are rehearsed.")
        target = self.folder.joinpath(*parts)
        if not self._folder(target.parent) or target.is_dir():
            self.notes.append(f"`{excerpt(where, 80)}` was left out: a file and a folder share a name")
            return False
        # Nothing below the folder is a link, for none is ever made there.
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with os.fdopen(descriptor, "wb") as out:
            while chunk := more():
                self._bytes += len(chunk)
                if self._bytes > self.limits.archive_bytes:
                    raise NotStaged(
                        f"The deployment takes more than {self.limits.archive_bytes // 1_000_000} MB, "
                        "more than is rehearsed."
                    )
                out.write(chunk)
        target.chmod(0o644)
        return True

    def _folder(self, folder: Path) -> bool:
        missing = []
        while not folder.exists():
            missing.append(folder)
            folder = folder.parent
        if not folder.is_dir():
            return False
        for one in reversed(missing):
            one.mkdir()
            one.chmod(0o755)
        return True


def _are_plain(parts: list[str]) -> bool:
    try:
        return all(
            part not in ("", ".", "..")
            and not {"\0", "\\"} & set(part)
            and len(part.encode("utf-8", "surrogateescape")) <= _LONGEST
            for part in parts
        )
    except UnicodeEncodeError:
        return False
