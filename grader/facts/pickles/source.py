"""Bytes of a model file as a stream: unpacked, bounded in size and time, never held as a whole."""

from __future__ import annotations

import bz2
import lzma
import time
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, Protocol

CHUNK = 1 << 17
"""Bytes that are held at a time."""

_LZMA_MEMORY = 100_000_000  # preset 9 wants 65 MB; a header may ask for 4 GB
_ZF_HEADER = 2 + len(hex(2**64))  # joblib before 0.10: "ZF", the inflated length in hex, then zlib


class Malformed(Exception):
    """The bytes are no pickle that a loader would finish. The message says why, briefly."""


class OverBound(Exception):
    """A bound was hit; the message says which."""


class Readable(Protocol):
    """All that a source needs of a stream."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, none at the end."""
        ...


class _Decompressor(Protocol):
    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Inflating:
    """A compressed stream as a readable one. Concatenated streams count as one where the format allows it."""

    def __init__(self, raw: Readable, make: Callable[[], Any], several: bool) -> None:
        self._raw = raw
        self._make = make
        self._several = several
        self._engine: _Decompressor = make()
        self._left = b""
        self.trailing = False

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, inflated.

        Raises:
            Malformed: damaged or cut off.
        """
        while True:
            engine = self._engine
            if engine.eof:
                rest = engine.unused_data or self._raw.read(CHUNK)
                if not rest:
                    return b""
                if not self._several or not rest.strip(b"\0"):
                    self.trailing = True
                    return b""
                self._engine, self._left = self._make(), rest
                continue
            # bz2 and lzma keep what they have not used; zlib hands it back as unconsumed_tail.
            wants = getattr(engine, "needs_input", True)
            data = self._left or (self._raw.read(CHUNK) if wants else b"")
            try:
                out = engine.decompress(data, size)
            except (zlib.error, lzma.LZMAError, OSError, ValueError, EOFError, RuntimeError) as problem:
                raise Malformed(f"its compressed data is damaged ({problem})") from None
            self._left = getattr(engine, "unconsumed_tail", b"")
            if out:
                return out
            if not data and wants and not engine.eof:
                raise Malformed("its compressed data is cut off")


def compression_of(start: bytes) -> str:
    """``none``, ``zlib``, ``gzip``, ``bz2``, ``xz``, ``lzma`` or ``lz4``, by the first bytes (six or more)."""
    if start.startswith(b"\x1f\x8b"):
        return "gzip"
    if start.startswith(b"BZh"):
        return "bz2"
    if start.startswith(b"\xfd7zXZ"):
        return "xz"
    if start.startswith(b"]\0\0"):
        return "lzma"
    if start.startswith(b"\x04\x22M\x18"):
        return "lz4"
    if start.startswith(b"ZF0x"):
        return "zlib"
    # A zlib header: deflate with a 32 kB window, and a check that makes it a multiple of 31.
    if len(start) > 1 and start[0] == 0x78 and (start[0] * 256 + start[1]) % 31 == 0:
        return "zlib"
    return "none"


def inflated(stream: BinaryIO, compression: str) -> Readable:
    """``stream``, from its start, without its compression.

    Raises:
        Malformed: lz4, and the library that reads it is not installed.
    """
    stream.seek(0)
    if compression == "none":
        return stream
    if compression == "zlib":
        start = stream.read(_ZF_HEADER)
        if not start.startswith(b"ZF"):
            stream.seek(0)
        return _Inflating(stream, zlib.decompressobj, several=False)
    if compression == "gzip":
        return _Inflating(stream, lambda: zlib.decompressobj(31), several=True)
    if compression == "bz2":
        return _Inflating(stream, bz2.BZ2Decompressor, several=True)
    if compression in ("xz", "lzma"):
        form = lzma.FORMAT_XZ if compression == "xz" else lzma.FORMAT_ALONE
        return _Inflating(stream, lambda: lzma.LZMADecompressor(form, _LZMA_MEMORY), several=True)
    return _Inflating(stream, _lz4(), several=True)


def _lz4() -> Callable[[], Any]:
    try:
        from importlib import import_module

        return import_module("lz4.frame").LZ4FrameDecompressor  # type: ignore[no-any-return]
    except ImportError:
        raise Malformed(
            "it is compressed with lz4, which is read only where the package lz4 is installed"
        ) from None


class Source:
    """A stream with a window on it. ``buffer[at:]`` is what comes next; ``base`` the offset of ``buffer[0]``.

    ``most`` bounds what is read in all, ``deadline`` is processor time (``time.process_time``).
    """

    def __init__(self, raw: Readable, most: int, deadline: float | None = None) -> None:
        self._raw = raw
        self._most = most
        self._deadline = deadline
        self.buffer = b""
        self.at = 0
        self.base = 0
        self.ended = False

    @property
    def offset(self) -> int:
        """Bytes consumed so far."""
        return self.base + self.at

    def more(self) -> bool:
        """Bring in the next chunk behind what is left of the window; False at the end.

        Raises:
            OverBound: too many bytes, or out of time.
            Malformed: the stream is damaged.
        """
        if self.ended:
            return False
        if self._deadline is not None and time.process_time() > self._deadline:
            raise OverBound("reading it takes more processor time than it may")
        chunk = self._raw.read(CHUNK)
        if not chunk:
            self.ended = True
            return False
        self.base += self.at
        self.buffer = self.buffer[self.at :] + chunk if self.at < len(self.buffer) else chunk
        self.at = 0
        if self.base + len(self.buffer) > self._most:
            raise OverBound(f"it holds more than {self._most} bytes when unpacked")
        return True

    def skip(self, count: int) -> None:
        """Go past ``count`` bytes without keeping them.

        Raises:
            Malformed: there are fewer.
            OverBound: see :meth:`more`.
        """
        if self.offset + count > self._most:
            raise Malformed(f"it says that {count} bytes follow, more than it may hold")
        while (here := len(self.buffer) - self.at) < count:
            count -= here
            self.at = len(self.buffer)
            if not self.more():
                raise Malformed("it is cut off")
        self.at += count

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes; meant for small counts.

        Raises:
            Malformed: there are fewer.
            OverBound: see :meth:`more`.
        """
        while len(self.buffer) - self.at < count:
            if not self.more():
                raise Malformed("it is cut off")
        found = self.buffer[self.at : self.at + count]
        self.at += count
        return found

    def line(self, most: int = 100_000) -> bytes:
        """Up to the next newline, which is consumed and not returned.

        Raises:
            Malformed: no newline in what is left, or none in ``most`` bytes.
            OverBound: see :meth:`more`.
        """
        searched = 0
        while True:
            end = self.buffer.find(b"\n", self.at + searched)
            if end >= 0:
                found = self.buffer[self.at : end]
                self.at = end + 1
                return found
            searched = len(self.buffer) - self.at
            if searched > most:
                raise Malformed("a line in it is far too long")
            if not self.more():
                raise Malformed("it is cut off")


class SeekableSource(Source):
    """A source over a file at hand: long stretches are jumped over instead of being read."""

    def __init__(self, raw: BinaryIO, size: int, most: int, deadline: float | None = None) -> None:
        super().__init__(raw, most, deadline)
        self._file = raw
        self._size = size

    def skip(self, count: int) -> None:
        """See :meth:`Source.skip`."""
        if count > len(self.buffer) - self.at:
            target = self.offset + count
            if target > self._size:
                raise Malformed("it is cut off")
            self._file.seek(target)
            self.base, self.buffer, self.at = target, b"", 0
            self.ended = False
            return
        self.at += count


def source_of(stream: BinaryIO, compression: str, size: int, most: int, deadline: float | None) -> Source:
    """The source for a file as stored. ``size`` is its length in bytes, ``most`` bounds what it holds unpacked.

    Raises:
        Malformed: see :func:`inflated`.
    """
    raw = inflated(stream, compression)
    if compression == "none":
        return SeekableSource(stream, size, max(most, size), deadline)
    return Source(raw, most, deadline)
