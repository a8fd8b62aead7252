"""A submission as an archive (.zip, .tar and its compressed forms): listed and read in place, never unpacked to names."""

from __future__ import annotations

import re
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from grader.limits import Limits
from grader.patterns import pattern
from grader.submission import objects, tree
from grader.submission.errors import Unobtainable, Unreadable
from grader.submission.members import Member, damaged, open_tar, open_zip, unpacked
from grader.submission.source import Source, Submission
from grader.text import visible

_REF = pattern(r"ref:\s*(refs/heads/([^\s]{1,300}))\s*")
_DEPLOY = pattern(r"(?i)[a-z0-9]+[-_ ]deploy")
_EOCD = b"PK\x05\x06"


class _Sorted(NamedTuple):
    """The members by their place in the submission; ``git`` are those of its ``.git``."""

    files: dict[str, Member]
    git: dict[str, Member]
    folders: set[str]
    unread: list[tuple[str, str]]


def obtain(
    source: Source, workdir: Path, limits: Limits, *, exclude: Callable[[str], bool] | None
) -> Submission:
    """Open the archive (``submission.source.obtain`` says the rest). What cannot be read safely in it is unread."""
    told = visible(source.shown)
    try:
        file: BinaryIO = Path(source.location).open("rb")  # noqa: SIM115 - read as long as the submission is
    except OSError as problem:
        raise Unobtainable(f"{told} could not be opened: {problem.strerror}.") from None
    try:
        file, members, read = _opened(file, workdir, limits, told)
    except Unobtainable:
        file.close()
        raise
    found = _sort(members, limits)
    if not found.files:
        file.close()
        raise Unobtainable(f"{told} has no file in it that can be read; hand it in anew.")

    def reader(path: str, limit: int) -> bytes:
        member = found.files[path]
        if member.size > limit:
            raise Unreadable(f"{member.size} bytes, more than the bound of {limit}")
        return read(member, limit)

    built = tree.build(
        [tree.Entry(path, member.size) for path, member in found.files.items()],
        reader,
        limits,
        unread=found.unread,
        folders=found.folders,
        exclude=exclude,
    )
    branch, oid, committed_at = _commit(found.git, read)
    return Submission(built, branch, oid, committed_at, (), file.close)


def _opened(
    file: BinaryIO, workdir: Path, limits: Limits, told: str
) -> tuple[BinaryIO, list[Member], Callable[[Member, int], bytes]]:
    """The file to read members from, its members, and how one is read; by what it is, not by its name."""
    start = file.read(6)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")) or _has_directory(file):
        _bounded_directory(file, limits, told)
        return (file, *open_zip(file, limits, told))
    if start.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        inner = unpacked(file, start, workdir, limits, told)
        file.close()
        file = inner
    try:
        return (file, *open_tar(file, limits, told))
    except Unobtainable:
        file.close()
        raise


def _tail(file: BinaryIO) -> bytes:
    size = file.seek(0, 2)
    file.seek(max(0, size - 66_000))
    return file.read(66_000)


def _has_directory(file: BinaryIO) -> bool:
    """Whether it ends as a zip does (one with something before it)."""
    return _EOCD in _tail(file)


def _bounded_directory(file: BinaryIO, limits: Limits, told: str) -> None:
    """Look at a zip's directory before a reader takes all of it into memory."""
    tail = _tail(file)
    at = tail.rfind(_EOCD)
    if at < 0 or len(tail) < at + 22:
        raise damaged(told)
    count, size = struct.unpack_from("<HI", tail, at + 10)
    if size > 600 * max(1000, limits.archive_members) or count == 0xFFFF:
        raise Unobtainable(
            f"{told} lists more than {limits.archive_members} files; leave data and environments out."
        )


def _parts(name: str) -> list[str] | None:
    """The steps of a member's path; None where it leads out, or is none."""
    if name.startswith("/") or "\0" in name or re.match(r"[A-Za-z]:[\\/]", name):
        return None
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return None if ".." in parts or not parts else parts


def _junk(parts: list[str]) -> bool:
    """What an archiver or a file manager adds beside the submission."""
    return parts[0] == "__MACOSX" or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def _sort(members: Iterable[Member], limits: Limits) -> _Sorted:
    """The members by path, without the one folder around everything."""
    unread: list[tuple[str, str]] = []
    placed: list[tuple[list[str], Member]] = []
    folders: list[list[str]] = []
    for member in members:
        parts = _parts(member.name)
        if parts is None:
            if member.name.strip("./"):
                unread.append((member.name[: limits.path_length], "its path leads out of the archive"))
        elif _junk(parts):
            continue
        elif member.folder:
            folders.append(parts)
        else:
            placed.append((parts, member))
    around = _around([parts for parts, _ in placed], folders)
    if around:
        placed = [(parts[1:], member) for parts, member in placed]
        folders = [parts[1:] for parts in folders if len(parts) > 1]
    times = Counter("/".join(parts) for parts, _ in placed)
    found = _Sorted({}, {}, {"/".join(parts) for parts in folders}, unread)
    parents = {"/".join(parts[:n]) for parts, _ in placed for n in range(1, len(parts))} | found.folders
    twice = set()
    left = limits.archive_members
    for parts, member in placed:
        path = "/".join(parts)
        if parts[0] == ".git":
            found.git.setdefault(path, member)
            continue
        if any(tree.no_part(part) for part in parts):
            continue
        left -= 1
        if left < 0:
            unread.append((".", f"more than {limits.archive_members} files; the rest was not read"))
            break
        if times[path] > 1 or path in parents:
            if path not in twice:
                unread.append((path, "it is in the archive more than once"))
            twice.add(path)
        elif member.why is not None:
            unread.append((path, member.why))
        elif parts[-1].startswith("._") and "/".join([*parts[:-1], parts[-1][2:]]) in times:
            continue  # macOS keeps a file's attributes in a file of their own beside it
        else:
            found.files[path] = member
    return found


def _around(paths: list[list[str]], folders: list[list[str]]) -> str | None:
    """The one folder around everything, to be looked through.

    A deploy folder that was packed alone is not around the submission, it is in it.
    """
    first = {parts[0] for parts in paths} | {parts[0] for parts in folders}
    if len(first) != 1 or not paths or any(len(parts) < 2 for parts in paths):
        return None
    name = first.pop()
    inside = {parts[1] for parts in paths if len(parts) > 2} | {
        parts[1] for parts in folders if len(parts) > 1
    }
    if _DEPLOY.fullmatch(name) and not any(_DEPLOY.fullmatch(below) for below in inside):
        return None
    return None if name == ".git" else name


def _commit(
    git: Mapping[str, Member], read: Callable[[Member, int], bytes]
) -> tuple[str | None, str | None, str | None]:
    """(branch, commit's id, when) of a repository inside the archive, as far as small texts and one object tell."""

    def text(path: str, most: int = 4_096) -> str:
        member = git.get(path)
        if member is None or member.why is not None:
            return ""
        try:
            return read(member, most).decode("utf-8", "replace")
        except Unreadable:
            return ""

    head = text(".git/HEAD")
    match = _REF.fullmatch(head)
    branch = match.group(2) if match else None
    oid = head.strip()
    if match:
        oid = text(f".git/{match.group(1)}").strip()
        if not oid:
            lines = (line.split(" ") for line in text(".git/packed-refs", 1_000_000).splitlines())
            oid = next((words[0] for words in lines if words[1:] == [match.group(1)]), "")
    if not objects.OID.fullmatch(oid):
        return branch, None, None
    member = git.get(f".git/objects/{oid[:2]}/{oid[2:]}")
    if member is None or member.why is not None:
        return branch, oid, None
    try:
        raw = zlib.decompressobj().decompress(read(member, 1_000_000), 1_000_000)
        kind, _, body = raw.partition(b"\0")
        if not kind.startswith(b"commit "):
            return branch, None, None
        return branch, oid, objects.parse_commit(body).committed_at
    except (Unreadable, zlib.error, objects.Broken):
        return branch, oid, None
