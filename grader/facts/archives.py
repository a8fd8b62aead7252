"""Archives: their members, and the models in them, by streaming; nothing is unpacked to disk.

What counts is the content, not the ending. Everything over a bound, and everything that is no plain file with a plain
name, is told as ``unread``.
"""

from __future__ import annotations

import io
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, NamedTuple, cast

from grader.facts import models
from grader.facts.pickles.read import deadline
from grader.facts.pickles.source import CHUNK, Malformed, OverBound, Readable, compression_of, inflated
from grader.facts.records import Archive, Model, Unread
from grader.limits import Limits
from grader.submission.errors import Unreadable
from grader.text import decode, visible

_ENDINGS = (".tar.gz", ".tgz", ".tar", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".zip")
_CODE = (".py", ".sh", ".txt", ".cfg", ".toml", ".md", ".ipynb", ".yaml", ".yml", ".json")
_OTHER_MODELS = ("saved_model.pb", "model.bin", "pytorch_model.bin", "model.safetensors")
_MOST_MODELS = 100
_MOST_SOURCES = 100
_MOST_NOTES = 50
_LARGEST_HEADER = 1_000_000  # bytes of one tar header's extension


def is_archive(path: str) -> bool:
    """Whether a file is, by its ending, an archive that is opened."""
    name = path.rpartition("/")[2].lower()
    return name.endswith(_ENDINGS) and not name.startswith(".")


def is_apple_double(name: str) -> bool:
    """Whether a member is macOS's companion of another file (``._model.joblib``)."""
    return name.rpartition("/")[2].startswith("._") or name.startswith("__MACOSX/")


class _Member(NamedTuple):
    """A regular file in an archive. ``open`` gives a seekable stream, valid until the next member is asked for."""

    name: str
    size: int
    open: Callable[[], BinaryIO]


@dataclass(slots=True)
class _Notes:
    """What is not read, told once each, and not without end."""

    path: str
    unread: list[Unread] = field(default_factory=list)

    def add(self, why: str, member: str | None = None) -> None:
        """Note ``why``, of a member or of the archive itself."""
        if len(self.unread) < _MOST_NOTES:
            where = f"{self.path}!{visible(member[:300])}" if member is not None else self.path
            self.unread.append(Unread(where, visible(why)))
        elif len(self.unread) == _MOST_NOTES:
            self.unread.append(Unread(self.path, "more of its members were not read"))


def read(path: str, data: bytes, limits: Limits) -> tuple[Archive, tuple[Model, ...], tuple[Unread, ...]]:
    """The archive, the models in it, and what was not read.

    Never raises for what the bytes are: an archive that cannot be opened has a ``problem`` and no members.
    """
    if models.is_pointer(data[:100]):
        why = "it is a Git LFS pointer; the archive itself is not here"
        pointer = Model(path, None, None, None, problem=why, size=len(data), lfs=True)
        return Archive(path, (), problem=why), (pointer,), (Unread(path, why),)
    notes, found, names = _Notes(path), list[Model](), list[str]()
    until = deadline(limits)
    problem: str | None = None
    try:
        for member in _members(data, limits, notes, until):
            names.append(member.name)
            if _is_model(member) and len(found) < _MOST_MODELS:
                found.append(
                    models.read(path, visible(member.name), member.open(), member.size, limits, until)
                )
            elif models.is_model(member.name) and len(found) >= _MOST_MODELS:
                notes.add(f"more than {_MOST_MODELS} models in one archive; it was not read", member.name)
            elif is_archive(member.name) and not is_apple_double(member.name):
                notes.add("an archive inside an archive is not opened", member.name)
    except (Malformed, OverBound) as why:
        problem = str(why)
    except MemoryError:
        problem = "reading it takes more memory than it may"
    except RecursionError:
        problem = "its headers are nested too deeply"
    if problem is not None:
        notes.add(problem)
    for name in sorted({n for n in names if names.count(n) > 1} if len(names) < 2_000 else _repeated(names)):
        notes.add("it is there more than once; what unpacks the archive takes the last one", name)
    archive = Archive(
        path,
        tuple(visible(n) for n in names),
        kind=_kind(names, found, problem),
        problem=problem and visible(problem),
    )
    return archive, tuple(found), tuple(notes.unread)


def sources(path: str, data: bytes, limits: Limits) -> dict[str, str]:
    """The text of the Python files in an archive, by ``archive.tar.gz!member``; small ones, at most a hundred."""
    texts: dict[str, str] = {}
    if models.is_pointer(data[:100]):
        return texts
    with suppress(Malformed, OverBound, MemoryError, RecursionError):
        for member in _members(data, limits, _Notes(path), deadline(limits)):
            if not member.name.endswith(".py") or is_apple_double(member.name) or not _is_plain(member.name):
                continue
            if len(texts) < _MOST_SOURCES and member.size <= limits.text_bytes:
                texts[f"{path}!{visible(member.name)}"] = decode(member.open().read(limits.text_bytes))
    return texts


def contents(path: str, data: bytes, limits: Limits) -> Iterator[tuple[str, BinaryIO]]:
    """The regular files of an archive whose names stay inside it, as they come: (name, its bytes as a stream).

    A stream is good until the next one is asked for, and gives at most a piece at a time. What is a link, a device, or
    leads out of the archive is passed over.

    Raises:
        Unreadable: the archive is damaged, or over a bound; what came before stands.
    """
    try:
        for member in _members(data, limits, _Notes(path), time.process_time() + limits.read_seconds):
            if _is_plain(member.name):
                yield member.name, member.open()
    except (Malformed, OverBound) as why:
        raise Unreadable(str(why)) from None
    except MemoryError:
        raise Unreadable("reading it takes more memory than it may") from None
    except RecursionError:
        raise Unreadable("its headers are nested too deeply") from None


def plain_name(name: str) -> str:
    """A member's name as a path: without ``./`` and doubled slashes."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _repeated(names: list[str]) -> set[str]:
    seen: set[str] = set()
    return {n for n in names if n in seen or seen.add(n)}  # type: ignore[func-returns-value]


def _is_model(member: _Member) -> bool:
    if is_apple_double(member.name) or not _is_plain(member.name):
        return False
    if models.is_model(member.name):
        return True
    last = member.name.rpartition("/")[2]
    if "." in last or not member.size:
        return False
    stream = member.open()  # a model saved without an ending
    start = stream.read(64)
    return models.looks_pickled(start)


def _is_plain(name: str) -> bool:
    """Whether a name stays inside the folder that an archive is unpacked to."""
    return not (
        name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":"
    )


def _kind(
    names: list[str], found: list[Model], problem: str | None
) -> Literal["model", "source", "other", "empty"]:
    real = [n for n in names if not is_apple_double(n)]
    if any(not model.lfs for model in found) or any(n.endswith(_OTHER_MODELS) for n in real):
        return "model"
    if any(n.endswith(".py") for n in real):
        return "source"
    if not names and problem is None:
        return "empty"
    return "other"


def _members(data: bytes, limits: Limits, notes: _Notes, until: float) -> Iterator[_Member]:
    """The regular files, one after the other, bounded."""
    compression = compression_of(data[:8])
    walk = (
        _zip(data, limits, notes) if data.startswith(b"PK") else _tar(data, compression, limits, notes, until)
    )
    for count, member in enumerate(walk):
        if count >= limits.archive_members:
            raise OverBound(f"more than {limits.archive_members} members; the rest was not read")
        if not _is_plain(member.name):
            notes.add("its name leads out of the archive; it was not read", member.name)
        yield member


# -- tar -----------------------------------------------------------------------------------------------------------


class _Forward:
    """An inflating stream that tarfile can walk: it seeks forward, and a little back; large reads are refused."""

    def __init__(self, raw: Readable, most: int, until: float) -> None:
        self._raw = raw
        self._most = most
        self._until = until
        self._buffer = b""
        self._base = 0
        self._at = 0

    def tell(self) -> int:
        """Offset in bytes."""
        return self._base + self._at

    def seek(self, target: int, whence: int = 0) -> int:
        """Go to ``target``, forward or back within what is still at hand.

        Raises:
            Malformed: before that.
        """
        target = max(target, 0)  # of an archive without members, Python 3.10 asks for -1
        if whence != 0 or target < self._base:
            raise Malformed("its headers point backwards")
        while target > self._base + len(self._buffer):
            self._at = len(self._buffer)
            if not self._more():
                break
        self._at = min(target - self._base, len(self._buffer))
        return self.tell()

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, fewer only at the end.

        Raises:
            OverBound: more than a header or a piece of a member may have.
        """
        if size < 0 or size > _LARGEST_HEADER:
            raise OverBound("one of its headers is far too long")
        while len(self._buffer) - self._at < size and self._more():
            pass
        found = self._buffer[self._at : self._at + size]
        self._at += len(found)
        return found

    def _more(self) -> bool:
        if time.process_time() > self._until:
            raise OverBound("reading it takes more processor time than it may")
        chunk = self._raw.read(CHUNK)
        if not chunk:
            return False
        drop = max(0, self._at - 1024)  # tarfile looks back by a byte
        self._buffer = self._buffer[drop:] + chunk
        self._base += drop
        self._at -= drop
        if self._base + len(self._buffer) > self._most:
            raise OverBound(f"it holds more than {self._most} bytes when unpacked")
        return True


class _TarMember(io.RawIOBase):
    """A member's bytes, read as the archive goes by; going back opens the archive anew."""

    def __init__(self, forward: _Forward, offset: int, size: int, again: Callable[[], _Forward]) -> None:
        super().__init__()
        self._forward = forward
        self._offset = offset
        self._size = size
        self._again = again
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is, at a price."""
        return True

    def tell(self) -> int:
        """Offset in the member."""
        return self._at

    def seek(self, target: int, whence: int = 0) -> int:
        """Go to ``target`` bytes from the start (or the end, for 2)."""
        if whence == 2:
            target += self._size
        elif whence == 1:
            target += self._at
        self._at = max(0, min(target, self._size))
        return self._at

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes.

        Raises:
            Malformed: the archive is cut off before the member's end.
        """
        wanted = self._size - self._at
        wanted = min(wanted, CHUNK if size < 0 else size, CHUNK)
        if wanted <= 0:
            return b""
        try:
            self._forward.seek(self._offset + self._at)
        except Malformed:
            self._forward = self._again()
            self._forward.seek(self._offset + self._at)
        found = self._forward.read(wanted)
        if not found:
            raise Malformed("the archive is cut off")
        self._at += len(found)
        return found


def _tar(data: bytes, compression: str, limits: Limits, notes: _Notes, until: float) -> Iterator[_Member]:
    def opened() -> _Forward:
        return _Forward(inflated(io.BytesIO(data), compression), limits.archive_bytes, until)

    forward = opened()
    start = forward.read(512)
    forward.seek(0)
    if not start:
        raise Malformed("it is empty")
    if models.looks_pickled(start):
        raise Malformed("it is a pickle, no archive, whatever its name says")
    if len(start) < 512:
        raise Malformed("it is no archive, or cut off")
    try:
        with tarfile.open(fileobj=cast("BinaryIO", forward), mode="r:", errorlevel=0) as archive:
            while (info := archive.next()) is not None:
                archive.members = []  # type: ignore[attr-defined]  # a list of all of them would only grow
                if not info.isreg() or info.issparse():
                    if not info.isdir():
                        kind = "a link" if info.issym() or info.islnk() else "a special file"
                        notes.add(f"{kind} in the archive; it was not followed or read", info.name)
                    continue
                offset, size = info.offset_data, info.size
                yield _Member(
                    info.name,
                    size,
                    lambda offset=offset, size=size: cast(  # type: ignore[misc]
                        "BinaryIO",
                        _TarMember(forward, offset, size, opened),
                    ),
                )
    except tarfile.TarError as problem:
        text = str(problem)
        if "unexpected end" in text or "truncated" in text:
            raise Malformed("it is cut off") from None
        raise Malformed(f"it is no archive, or a damaged one ({text or type(problem).__name__})") from None
    except (ValueError, OverflowError, KeyError, IndexError, UnicodeError, struct.error) as problem:
        raise Malformed(f"it is a damaged archive ({type(problem).__name__})") from None
    while forward.read(
        CHUNK
    ):  # the end of the compressed stream, its checksum included, shows what is missing
        pass


# -- zip -----------------------------------------------------------------------------------------------------------


def _zip(data: bytes, limits: Limits, notes: _Notes) -> Iterator[_Member]:
    if models.directory_size(data[-models.TAIL :]) > limits.archive_members * models.DIRECTORY_ENTRY:
        raise OverBound(f"it lists more than {limits.archive_members} members")
    left = limits.archive_bytes
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for info in archive.infolist():
                if info.is_dir():
                    continue
                if info.flag_bits & 1:
                    notes.add("it is encrypted; it was not read", info.filename)
                    continue
                mode = info.external_attr >> 16
                if mode & 0o170000 == 0o120000:
                    notes.add("a link in the archive; it was not followed or read", info.filename)
                    continue
                left -= info.file_size if models.is_model(info.filename) else 0
                if left < 0:
                    raise OverBound(f"it holds more than {limits.archive_bytes} bytes when unpacked")
                yield _Member(info.filename, info.file_size, _opener(archive, info))
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error) as problem:
        raise Malformed(f"it is a damaged zip ({problem})") from None
    except (ValueError, NotImplementedError, RuntimeError, OSError, IndexError, UnicodeError) as problem:
        raise Malformed(f"it is a zip that cannot be read ({problem})") from None


class _ZipMember(io.RawIOBase):
    """A member of a zip whose faults are told in the terms of this room."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> None:
        super().__init__()
        self._archive, self._info = archive, info
        self._stream: object = None
        self._at = 0
        self._wanted = 0

    def seekable(self) -> bool:
        """It is, at a price."""
        return True

    def tell(self) -> int:
        """Offset in the member."""
        return self._wanted

    def seek(self, target: int, whence: int = 0) -> int:
        """Go to ``target`` bytes from the start (or the end, for 2), when read next."""
        if whence == 2:
            target += self._info.file_size
        elif whence == 1:
            target += self._wanted
        self._wanted = max(0, target)
        return self._wanted

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes.

        Raises:
            Malformed: the member is damaged.
        """
        try:
            if self._stream is None or self._wanted < self._at:
                self._stream, self._at = self._archive.open(self._info), 0
            stream = cast("BinaryIO", self._stream)
            while self._at < self._wanted:
                passed = stream.read(min(CHUNK, self._wanted - self._at))
                if not passed:
                    return b""
                self._at += len(passed)
            found = stream.read(CHUNK if size < 0 else min(size, CHUNK))
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            ValueError,
            RuntimeError,
            struct.error,
        ) as problem:
            raise Malformed(f"its place in the zip is damaged ({problem})") from None
        self._at += len(found)
        self._wanted = self._at
        return found


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: cast("BinaryIO", _ZipMember(archive, info))
