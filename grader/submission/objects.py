"""Git objects, read through one ``git cat-file --batch``: commits, trees and bounded blobs. Nothing is checked out."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

from grader.limits import Limits
from grader.patterns import pattern
from grader.submission import tree as trees
from grader.submission.errors import Unreadable
from grader.text import visible

Start = Callable[[Sequence[str]], "subprocess.Popen[bytes]"]
"""Starts git with these arguments, with pipes for stdin and stdout; who starts it decides repository and environment."""

OID = pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_AT_ONCE = 150  # requests written before answers are read: what a pipe takes without anyone reading
_MOST_TREE = 20_000_000
_MOST_COMMIT = 1_000_000


class Missing(Exception):
    """An object is not in the repository."""


class Broken(Exception):
    """Git ended, answered nonsense, or did not answer in time. The message says which, briefly."""


class Commit(NamedTuple):
    """What a commit says: its tree's id and when it was committed (ISO 8601 with offset)."""

    tree: str
    committed_at: str | None


@dataclass(slots=True)
class Listing:
    """A commit's files: path -> blob id; folders; and what is there but no plain file, with the reason."""

    blobs: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    unread: list[tuple[str, str]] = field(default_factory=list)


def prepare(folder: Path, oid_length: int = 40) -> Path:
    """An empty bare repository of our own in ``folder``: no hooks, no template, nothing but the format in its config."""
    for part in ("objects/pack", "objects/info", "refs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "HEAD").write_text("ref: refs/heads/none\n", encoding="ascii")
    write_config(folder, oid_length)
    return folder


def write_config(folder: Path, oid_length: int = 40) -> None:
    """The repository's config, written anew: a fetch may have made it one that fetches what is missing."""
    config = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n"
    if oid_length == 64:
        config += "[extensions]\n\tobjectFormat = sha256\n"
    (folder / "config").write_text(config, encoding="ascii")


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started in its own session, with all its children, and wait for it."""
    if os.name == "posix":
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


class Objects:
    """Reads objects by id. The process starts at the first read, in the process that reads; :meth:`close` ends it."""

    def __init__(self, start: Start, *, patience: float = 20.0) -> None:
        """``patience``: seconds without any answer after which git is ended."""
        self._start = start
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self.last = ""
        """The id of the object that was read last: what a name was resolved to."""

    def close(self) -> None:
        """End git. Reading again starts it anew."""
        process, self._process, self._buffer = self._process, None, b""
        if process is not None:
            end(process)

    def take(self, oid: str, kind: str, most: int) -> bytes:
        """One object's bytes; ``most`` of them at the most. ``oid`` may be any name that git resolves, without spaces.

        Raises:
            Missing: not there.
            Broken: git failed, or the object is of another kind or larger.
        """
        return next(self.each([oid], kind, most))

    def each(self, oids: Sequence[str], kind: str, most: int) -> Iterator[bytes]:
        """The bytes of several objects, in order; raises as :meth:`take` does at the first that cannot be had."""
        for first in range(0, len(oids), _AT_ONCE):
            part = oids[first : first + _AT_ONCE]
            whole = False
            try:
                self._ask(part)
                for _ in part:
                    yield self._answer(kind, most)
                whole = True
            finally:
                if not whole:
                    self.close()  # answers that nobody took would be taken for others

    def _ask(self, oids: Sequence[str]) -> None:
        if self._process is None:
            try:
                self._process = self._start(["cat-file", "--batch"])
            except OSError as problem:
                raise Broken(f"git could not be started: {problem.strerror}") from None
        pipe = self._process.stdin
        try:
            assert pipe is not None  # noqa: S101 - for the type checker; pipes were asked for
            pipe.write("".join(f"{oid}\n" for oid in oids).encode("ascii"))
            pipe.flush()
        except OSError:
            raise Broken("git ended while it was asked") from None

    def _answer(self, kind: str, most: int) -> bytes:
        while b"\n" not in self._buffer:
            if len(self._buffer) > 1000:
                raise Broken("git answered nonsense")
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\n")
        words = line.split(b" ")
        if words[-1] in (b"missing", b"ambiguous"):
            raise Missing(line.decode("ascii", "replace"))
        if len(words) != 3 or not words[2].isdigit():
            raise Broken("git answered nonsense")
        self.last = words[0].decode("ascii", "replace")
        size = int(words[2])
        if words[1].decode("ascii", "replace") != kind:
            raise Broken(f"it is no {kind}")
        if size > most:
            raise Broken(f"it has {size} bytes, more than the bound of {most}")
        parts, have = [self._buffer], len(self._buffer)
        while have < size + 1:
            self._buffer = b""
            self._more()
            parts.append(self._buffer)
            have += len(self._buffer)
        data = b"".join(parts)
        self._buffer = data[size + 1 :]
        return data[:size]

    def _more(self) -> None:
        process = self._process
        if process is None or process.stdout is None:
            raise Broken("git was ended")
        handle = process.stdout.fileno()
        if os.name == "posix" and not _readable(handle, self._patience):
            raise Broken(f"git did not answer within {self._patience:g} s")
        try:
            data = os.read(handle, 1 << 20)
        except OSError:
            data = b""
        if not data:
            raise Broken("git could not read it; the repository is damaged")
        self._buffer += data


def _readable(handle: int, patience: float) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(patience * 1000))
    return bool(select.select([handle], [], [], patience)[0])


def sizes(start: Start, oids: Iterable[str], *, seconds: float) -> dict[str, int]:
    """The sizes in bytes of those blobs that are here; what is missing, or no blob, is left out.

    Raises:
        Broken: git failed or took longer than ``seconds``.
    """
    unique = sorted(set(oids))
    if not unique:
        return {}
    try:
        process = start(["cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)", "--buffer"])
    except OSError as problem:
        raise Broken(f"git could not be started: {problem.strerror}") from None
    try:
        out, _ = process.communicate("".join(f"{o}\n" for o in unique).encode("ascii"), timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Broken(f"git did not answer within {seconds:g} s") from None
    finally:
        end(process)
    found = {}
    for line in out.decode("ascii", "replace").splitlines():
        words = line.split(" ")
        if len(words) == 3 and words[1] == "blob" and words[2].isdigit():
            found[words[0]] = int(words[2])
    return found


def commit(objects: Objects, oid: str) -> Commit:
    """Read a commit.

    Raises:
        Missing: it is not there.
        Broken: it is damaged, or no commit.
    """
    return parse_commit(objects.take(oid, "commit", _MOST_COMMIT))


def parse_commit(raw: bytes) -> Commit:
    """A commit's text, as git stores it.

    Raises:
        Broken: it is none.
    """
    header = raw.partition(b"\n\n")[0].decode("utf-8", "replace")
    tree = re.match(r"tree ([0-9a-f]{40}(?:[0-9a-f]{24})?)(?:\n|\Z)", header)
    if tree is None:
        raise Broken("the commit is damaged")
    date = re.search(r"^committer [^\n]*> (\d{1,12}) ([+-])(\d{2})(\d{2})$", header, re.MULTILINE)
    return Commit(tree.group(1), _iso(*date.groups()) if date else None)


def _iso(seconds: str, sign: str, hours: str, minutes: str) -> str | None:
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    try:
        zone = timezone(-offset if sign == "-" else offset)
        return datetime.fromtimestamp(int(seconds), zone).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def entries(raw: bytes, oid_length: int = 40) -> Iterator[tuple[str, bytes, str]]:
    """The (mode, name, id) of a tree object.

    Raises:
        Broken: it is damaged.
    """
    at, width = 0, oid_length // 2
    while at < len(raw):
        space = raw.find(b" ", at, at + 8)
        nul = raw.find(b"\0", space + 1) if space > 0 else -1
        if nul < 0 or nul + 1 + width > len(raw):
            raise Broken("a tree of the repository is damaged")
        yield (
            raw[at:space].decode("ascii", "replace"),
            raw[space + 1 : nul],
            raw[nul + 1 : nul + 1 + width].hex(),
        )
        at = nul + 1 + width


def listing(
    objects: Objects, tree: str, limits: Limits, exclude: Callable[[str], bool] | None = None
) -> Listing:
    """All files below ``tree``, level by level, within the bounds on entries and depth.

    What is no part of a submission is not entered, so a committed environment does not use the bound up.

    Raises:
        Missing, Broken: the root tree cannot be read. A damaged tree below it becomes unread.
    """
    found = Listing()
    level = [("", tree)]
    left = limits.entries
    # A tree may hold itself many times over; what is entered is bounded, not only what is found.
    folders_left = limits.entries
    deadline = time.monotonic() + limits.read_seconds
    while level:
        below: list[tuple[str, str]] = []
        for folder, raw in _trees(objects, level, found):
            names: set[bytes] = set()
            for mode, name, oid in _entries_or_note(raw, len(tree), folder, found):
                path = (folder + "/" if folder else "") + os.fsdecode(name)
                if name in names or name in (b"", b".", b"..") or b"/" in name:
                    found.unread.append((path, "its name is given twice or is none that a file can have"))
                    continue
                names.add(name)
                text = path.rpartition("/")[2]
                if trees.no_part(text):
                    continue
                left -= 1
                if left < 0 or time.monotonic() > deadline:
                    found.unread.append((".", f"more than {limits.entries} files; the rest was not read"))
                    return found
                if mode in ("40000", "040000"):
                    folders_left -= 1
                    if folders_left >= 0 and path.count("/") < limits.depth:
                        found.folders.add(path)
                        below.append((path, oid))
                    else:
                        found.unread.append((path, "too many folders, or folders nested too deeply"))
                elif mode == "120000":
                    found.unread.append((path, "a symbolic link; it is not followed"))
                elif mode == "160000":
                    found.unread.append((path, "a submodule; it is not fetched"))
                elif mode.startswith("100"):
                    if exclude is None or not exclude(path):
                        found.blobs[path] = oid
                    else:
                        left += 1
                else:
                    found.unread.append((path, "no regular file"))
        level = below
    return found


def _trees(objects: Objects, level: Sequence[tuple[str, str]], found: Listing) -> Iterator[tuple[str, bytes]]:
    """Each folder of a level with its tree's bytes; one that cannot be read becomes unread (the root raises)."""
    at = 0
    while at < len(level):
        try:
            for raw in objects.each([oid for _, oid in level[at:]], "tree", _MOST_TREE):
                at += 1
                yield level[at - 1][0], raw
        except (Missing, Broken) as problem:
            folder = level[at][0]
            if not folder:
                raise
            why = "damaged" if isinstance(problem, Missing) else str(problem)
            found.unread.append((folder, f"this folder could not be read: {why}"))
            at += 1


def _entries_or_note(
    raw: bytes, oid_length: int, folder: str, found: Listing
) -> Iterator[tuple[str, bytes, str]]:
    try:
        yield from entries(raw, oid_length)
    except Broken as problem:
        found.unread.append((folder or ".", str(problem)))


def tree_of(
    found: Listing,
    known: Mapping[str, int],
    objects: Objects,
    limits: Limits,
    *,
    exclude: Callable[[str], bool] | None,
    absent: str = "not fetched",
) -> trees.Tree:
    """The tree of a commit. ``known`` are the sizes of the blobs that are here; reading another says ``absent``."""

    def reader(path: str, limit: int) -> bytes:
        oid = found.blobs[path]
        size = known.get(oid)
        if size is None:
            raise Unreadable(absent)
        if size > limit:
            raise Unreadable(f"{size} bytes, more than the bound of {limit}")
        try:
            return objects.take(oid, "blob", limit)
        except (Missing, Broken) as problem:
            objects.close()
            raise Unreadable(visible(str(problem))) from None

    listed = [trees.Entry(path, known.get(oid)) for path, oid in found.blobs.items()]
    return trees.build(listed, reader, limits, unread=found.unread, folders=found.folders, exclude=exclude)


def pipes(arguments: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start git for reading objects, in its own session, with pipes for stdin and stdout, silent on stderr."""
    return subprocess.Popen(
        ["git", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(environment),
        start_new_session=sys.platform != "win32",
    )
