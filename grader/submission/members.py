"""The members of a zip or tar file as data: name, size, why not; and their bytes, bounded."""

from __future__ import annotations

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from grader.limits import Limits
from grader.submission.errors import Unobtainable, Unreadable

_HEADER = 1_000_000  # bytes of a tar member's extended header
_CHUNK = 1 << 20
# Beyond the bound on files: a committed .git and environments have members of their own, which are passed over.
_LISTED = 10


class Member(NamedTuple):
    """One member. ``size`` unpacked bytes; ``why`` it is not read, None for a plain file; ``key`` finds its bytes."""

    name: str
    size: int
    folder: bool = False
    why: str | None = None
    key: Any = None


Reader = Callable[[Member, int], bytes]
"""The bytes of a member, at most as many as given; raises Unreadable."""


def damaged(told: str) -> Unobtainable:
    """What is said of an archive that cannot be read to its end."""
    return Unobtainable(f"{told} is damaged or cut off; pack it and hand it in anew.")


def unpacked(file: BinaryIO, start: bytes, workdir: Path, limits: Limits, told: str) -> BinaryIO:
    """A compressed tar unpacked into one temporary file, so that its members can be read in any order.

    Raises:
        Unobtainable: cut off, damaged, or more than ``limits.archive_bytes``.
    """
    file.seek(0)
    stream: Any
    try:
        if start.startswith(b"\x1f\x8b"):
            import gzip

            stream = gzip.GzipFile(fileobj=file, mode="rb")
        elif start.startswith(b"BZh"):
            import bz2

            stream = bz2.BZ2File(file)
        else:
            import lzma

            stream = lzma.LZMAFile(file)  # noqa: SIM115 - its file is the caller's
    except ImportError as problem:
        raise Unobtainable(
            f"{told} cannot be unpacked here: {problem.name} is missing in this Python."
        ) from None
    out = (workdir / "archive.tar").open("w+b")
    have = 0
    try:
        while data := stream.read(_CHUNK):
            have += len(data)
            if have > limits.archive_bytes:
                raise Unobtainable(
                    f"{told} unpacks to more than {limits.archive_bytes // 1_000_000} MB; leave large data out."
                )
            out.write(data)
        out.seek(0)
    except Unobtainable:
        out.close()
        raise
    except OSError as problem:
        out.close()
        if problem.errno is not None and not isinstance(problem, EOFError):
            raise Unobtainable(f"{told} could not be unpacked: {problem.strerror}.") from None
        raise damaged(told) from None
    except Exception:  # EOFError, zlib.error, lzma.LZMAError: whatever its compression calls damage
        out.close()
        raise damaged(told) from None
    return out


class _Careful:
    """A file for tarfile, which takes an extended header into memory as large as its header says."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _HEADER:
            raise tarfile.ReadError("an extended header is too large")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def open_tar(file: BinaryIO, limits: Limits, told: str) -> tuple[list[Member], Reader]:
    """The members of a tar file, and how one is read.

    Raises:
        Unobtainable: it is no tar file, or cut off.
    """
    members: list[Member] = []
    end = file.seek(0, 2)
    file.seek(0)
    try:
        careful: Any = _Careful(file)
        with tarfile.open(fileobj=careful, mode="r:", errorlevel=1) as opened:
            while (info := opened.next()) is not None:
                vars(opened)["members"] = []  # kept for extracting by name, which nobody does here
                if len(members) >= _LISTED * limits.archive_members:
                    members.append(Member("the rest", 0, why="too many members; it was not read"))
                    break
                members.append(_from_tar(info, end))
            at = opened.offset
    except (
        Exception
    ):  # tarfile raises what its many header forms make it raise: ValueError, OverflowError, ...
        raise damaged(told) from None
    file.seek(min(at, end))
    if file.read(512).strip(b"\0") and (not members or members[-1].name != "the rest"):
        raise damaged(told)

    def read(member: Member, limit: int) -> bytes:
        if member.size > limit:
            raise Unreadable(f"{member.size} bytes, more than the bound of {limit}")
        file.seek(member.key)
        data = file.read(member.size)
        if len(data) < member.size:
            raise Unreadable("the archive is cut off here")
        return data

    return members, read


def _from_tar(info: tarfile.TarInfo, end: int) -> Member:
    why = None
    if info.isdir():
        return Member(info.name, 0, folder=True)
    if info.issym() or info.islnk():
        why = "a link; it is not followed"
    elif info.issparse():
        why = "stored with holes; it is not read"
    elif not info.isreg():
        why = "no regular file"
    elif info.size < 0 or info.offset_data + info.size > end:
        why = "the archive is cut off here"
    return Member(info.name, max(0, info.size), why=why, key=info.offset_data)


def open_zip(file: BinaryIO, limits: Limits, told: str) -> tuple[list[Member], Reader]:
    """The members of a zip file, and how one is read.

    Raises:
        Unobtainable: it is damaged or cut off.
    """
    file.seek(0)
    try:
        opened = zipfile.ZipFile(file)
        infos = opened.infolist()
    except (
        Exception
    ):  # zipfile raises more than BadZipFile: struct.error, ValueError, NotImplementedError, ...
        raise damaged(told) from None
    members = [_from_zip(info) for info in infos[: _LISTED * limits.archive_members]]
    if len(infos) > len(members):
        members.append(Member("the rest", 0, why="too many members; it was not read"))
    left = [limits.archive_bytes]

    def read(member: Member, limit: int) -> bytes:
        if member.size > limit:
            raise Unreadable(f"{member.size} bytes, more than the bound of {limit}")
        if member.size > left[0]:
            raise Unreadable(f"more than {limits.archive_bytes} bytes unpacked in all")
        parts, have = [], 0
        try:
            with opened.open(member.key) as stream:
                while data := stream.read(min(_CHUNK, limit + 1 - have)):
                    parts.append(data)
                    have += len(data)
                    if have > limit:
                        raise Unreadable(f"more than the bound of {limit} bytes")
        except Unreadable:
            raise
        except (NotImplementedError, RuntimeError) as problem:
            raise Unreadable(f"stored in a way that is not read: {problem}"[:200]) from None
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, ImportError) as problem:
            raise Unreadable(f"damaged in the archive: {type(problem).__name__}") from None
        except Exception:  # struct.error, lzma.LZMAError, ...
            raise Unreadable("damaged in the archive") from None
        finally:
            left[0] -= have
        return b"".join(parts)

    return members, read


def _from_zip(info: zipfile.ZipInfo) -> Member:
    name = info.filename
    # Some archivers on Windows write its separator.
    if "\\" in name and "/" not in name and info.create_system in (0, 10):
        name = name.replace("\\", "/")
    mode = info.external_attr >> 16
    if name.endswith("/"):
        return Member(name, 0, folder=True)
    why = None
    if stat.S_ISLNK(mode):
        why = "a symbolic link; it is not followed"
    elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        why = "no regular file"
    elif info.flag_bits & 0x1:
        why = "encrypted"
    return Member(name, info.file_size, why=why, key=info)
