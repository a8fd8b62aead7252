"""A folder on disk, listed and read without following a single link: opened name by name from a descriptor."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from grader.limits import Limits
from grader.submission import tree as trees
from grader.submission.errors import Unreadable

_BY_DESCRIPTOR = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
_FILE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NOCTTY", 0)
_FOLDER = (
    os.O_RDONLY
    | getattr(os, "O_DIRECTORY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
# A folder with one of these in it, below the root, is an environment: not entered.
_ENVIRONMENT = frozenset({"pyvenv.cfg", "conda-meta"})


@dataclass(slots=True)
class Found:
    """What lies in a folder: path -> size in bytes; folders; what is no plain file, with the reason."""

    files: dict[str, int] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    unread: list[tuple[str, str]] = field(default_factory=list)


class Disk:
    """A folder. It is opened anew for each use, so it may be used on both sides of a fork."""

    def __init__(self, root: str) -> None:
        self.root = root

    def read(self, path: str, limit: int) -> bytes:
        """The bytes of a regular file.

        Raises:
            Unreadable: no regular file any more, larger than ``limit``, or not ours to read.
        """
        try:
            with self._opened(path, _FILE) as handle:
                found = os.fstat(handle)
                if not stat.S_ISREG(found.st_mode):
                    raise Unreadable("no regular file")
                if found.st_size > limit:
                    raise Unreadable(f"{found.st_size} bytes, more than the bound of {limit}")
                parts, left = [], limit + 1
                while left > 0 and (data := os.read(handle, min(left, 1 << 20))):
                    parts.append(data)
                    left -= len(data)
        except OSError as problem:
            raise Unreadable(_why(problem)) from None
        if left <= 0:
            raise Unreadable(f"more than the bound of {limit} bytes")
        return b"".join(parts)

    def kind(self, path: str) -> str | None:
        """``file``, ``folder``, ``link`` or ``other``; None where nothing is."""
        folder, _, name = path.rpartition("/")
        try:
            with self._opened(folder, _FOLDER) as handle:
                if _BY_DESCRIPTOR:
                    mode = os.stat(name, dir_fd=handle, follow_symlinks=False).st_mode
                else:
                    mode = os.lstat(self._path(path)).st_mode
        except OSError:
            return None
        if stat.S_ISLNK(mode):
            return "link"
        return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"

    def names(self, path: str) -> list[tuple[str, str]]:
        """(name, kind) of what lies in a folder, at most 100,000 of them, in no order; nothing where it is none."""
        try:
            return [
                (name, "link" if link else "folder" if folder else "file" if mode else "other")
                for name, link, folder, mode, _ in self._scan(path, 100_000)
            ]
        except OSError:
            return []

    def walk(self, limits: Limits, exclude: Callable[[str], bool] | None) -> Found:
        """All files, level by level, within the bounds on entries and depth.

        What is no part of a submission is not entered, so an environment does not use the bound up.

        Raises:
            OSError: the root itself cannot be read.
        """
        found = Found()
        left = limits.entries
        waiting = deque([""])
        while waiting:
            folder = waiting.popleft()
            try:
                inside = sorted(self._scan(folder, 4 * limits.entries))
            except OSError as problem:
                if not folder:
                    raise
                found.unread.append((folder, _why(problem)))
                continue
            if folder and _ENVIRONMENT.intersection(entry[0] for entry in inside):
                found.folders.discard(folder)
                continue
            for name, link, is_folder, regular, size in inside:
                path = f"{folder}/{name}" if folder else name
                if trees.no_part(name) or (not is_folder and exclude is not None and exclude(path)):
                    continue
                left -= 1
                if left < 0:
                    found.unread.append((".", f"more than {limits.entries} files; the rest was not read"))
                    return found
                if link:
                    found.unread.append((path, "a symbolic link; it is not followed"))
                elif is_folder and path.count("/") >= limits.depth:
                    found.unread.append((path, "folders nested too deeply"))
                elif is_folder:
                    found.folders.add(path)
                    waiting.append(path)
                elif regular:
                    found.files[path] = size
                else:
                    found.unread.append((path, "no regular file"))
        return found

    def _scan(self, path: str, most: int) -> Iterator[tuple[str, bool, bool, bool, int]]:
        """(name, is a link, is a folder, is a regular file, bytes) of what lies in a folder."""
        with (
            self._opened(path, _FOLDER) as handle,
            os.scandir(handle if _BY_DESCRIPTOR else self._path(path)) as inside,
        ):
            for number, entry in enumerate(inside):
                if number >= most:
                    return
                try:
                    mode = entry.stat(follow_symlinks=False)
                except OSError:
                    continue  # gone meanwhile
                link = stat.S_ISLNK(mode.st_mode) or bool(getattr(entry, "is_junction", bool)())
                yield (
                    entry.name,
                    link,
                    stat.S_ISDIR(mode.st_mode) and not link,
                    stat.S_ISREG(mode.st_mode),
                    mode.st_size,
                )

    def _path(self, path: str) -> str:
        return os.path.join(self.root, *path.split("/")) if path else self.root  # noqa: PTH118

    @contextlib.contextmanager
    def _opened(self, path: str, flags: int) -> Iterator[int]:
        """A descriptor of ``path``; each folder on the way is opened by its name in the one before, never by a link."""
        if not _BY_DESCRIPTOR:
            yield from self._opened_by_path(path, flags)
            return
        parts = path.split("/") if path else []
        # The root is the user's own word, and may be a link.
        handle = os.open(self.root, _FOLDER & ~os.O_NOFOLLOW)
        try:
            for number, part in enumerate(parts, 1):
                if part in ("", ".", ".."):
                    raise OSError(errno.EINVAL, "not a name")
                last = number == len(parts)
                below = os.open(part, flags if last else _FOLDER, dir_fd=handle)
                os.close(handle)
                handle = below
            yield handle
        finally:
            os.close(handle)

    def _opened_by_path(self, path: str, flags: int) -> Iterator[int]:
        """Where the system has no descriptors of folders: every step is looked at first."""
        at = self.root
        for part in path.split("/") if path else []:
            if part in ("", ".", ".."):
                raise OSError(errno.EINVAL, "not a name")
            at = os.path.join(at, part)  # noqa: PTH118
            if stat.S_ISLNK(os.lstat(at).st_mode):
                raise OSError(errno.ELOOP, "a link")
        if flags == _FOLDER:
            yield -1
            return
        handle = os.open(at, flags)
        try:
            yield handle
        finally:
            os.close(handle)


def _why(problem: OSError) -> str:
    if problem.errno in (errno.EACCES, errno.EPERM):
        return "permission denied"
    if problem.errno == errno.ENOENT:
        return "it is gone"
    if problem.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
        return "a symbolic link; it is not followed"
    return f"it could not be read: {problem.strerror}"
