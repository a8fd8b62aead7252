"""One HTTP exchange over a unix socket with a server that may do anything: answer garbage, drip, flood, or never.

The answer is read by :mod:`http.client` out of a stream that ends at a size and at a time; nothing is followed, nothing kept open.
"""

from __future__ import annotations

import io
import select
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

MOST_BODY = 1_000_000
"""Bytes of an answer's body that are read; more is no answer."""

_MOST_HEAD = 65_536  # bytes of status lines and headers, those of 1xx answers too
_SLICE = 0.05  # seconds between two looks at whether the process is still there


class Answer(NamedTuple):
    """A whole answer. ``warnings`` is what the rehearsal's own server says in a header of that name."""

    status: int
    content_type: str | None
    body: bytes
    warnings: str = ""


class Broken(Exception):
    """No whole answer came; the message is one sentence. ``late``: for want of time, ``closed``: the other side hung up."""

    def __init__(self, sentence: str, *, late: bool = False, closed: bool = False) -> None:
        super().__init__(sentence)
        self.late = late
        self.closed = closed


def exchange(
    address: Path,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    until: float,
    gone: Callable[[], bool],
) -> Answer:
    """The answer to one request, by ``until`` (of :func:`time.monotonic`), as long as the process is not ``gone``.

    Raises:
        Broken: there was none.
    """
    import http.client

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.setblocking(False)
        line = _Line(connection, until, gone)
        _connect(connection, address, line)
        line.send(_request(method, path, headers, body))
        response = http.client.HTTPResponse(_Socket(line), method=method)  # type: ignore[arg-type]
        try:
            response.begin()
            line.left = MOST_BODY + _MOST_HEAD  # chunks have heads of their own
            raw = response.read(MOST_BODY + 1)
            if len(raw) > MOST_BODY:
                raise Broken(f"Its answer has more than {MOST_BODY:,} bytes.")
            if response.length:
                raise Broken("Its answer was cut off.", closed=True)
            kind, warned = response.getheader("Content-Type"), response.getheader("X-Rehearsal-Warnings", "")
            return Answer(response.status, kind, raw, warned or "")
        except http.client.RemoteDisconnected:
            raise Broken("It closed the connection without an answer.", closed=True) from None
        except http.client.IncompleteRead:
            raise Broken("Its answer was cut off.", closed=True) from None
        except (http.client.HTTPException, ValueError, LookupError, OverflowError, MemoryError) as problem:
            raise Broken(f"What it answered is no HTTP ({type(problem).__name__}).") from None
        except OSError:
            raise Broken("It closed the connection without an answer.", closed=True) from None
        finally:
            response.close()


def _connect(connection: socket.socket, address: Path, line: _Line) -> None:
    while True:
        try:
            connection.connect(str(address))
        except BlockingIOError:  # nobody takes up connections, and as many wait as may
            line.pause()
        except OSError as problem:
            raise Broken(f"It cannot be reached ({problem.strerror}).", closed=True) from None
        else:
            return


def _request(method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    # A content type may come from a submission: it stays within its line.
    lines += [f"{name}: {' '.join(value[:1_000].split())}" for name, value in headers.items()]
    if method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body


class _Line(io.RawIOBase):
    """A connection as a stream that ends at a size and a time, and when the process is gone."""

    def __init__(self, connection: socket.socket, until: float, gone: Callable[[], bool]) -> None:
        super().__init__()
        self._connection = connection
        self._until = until
        self._gone = gone
        self._seen_gone = False
        self.left = _MOST_HEAD

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Wait for bytes, within the bounds."""
        if self.left <= 0:
            raise Broken("It answers more than is read.")
        room = memoryview(buffer)[: min(len(buffer), self.left)]
        while True:
            try:
                count = self._connection.recv_into(room)
            except BlockingIOError:
                self._wait(read=True)
            else:
                self.left -= count
                if count and time.monotonic() >= self._until:
                    raise Broken("It did not answer in time.", late=True)
                return count

    def send(self, data: bytes) -> None:
        """Send it all, unless the other side has stopped listening: it may have answered already."""
        view = memoryview(data)
        while view:
            try:
                view = view[self._connection.send(view) :]
            except BlockingIOError:
                self._wait(read=False)
            except OSError:
                return

    def pause(self) -> None:
        """A moment, within the bounds."""
        self._look()
        time.sleep(_SLICE)

    def _wait(self, *, read: bool) -> None:
        self._look()
        reading, writing = ([self._connection], []) if read else ([], [self._connection])
        select.select(reading, writing, [], max(0.0, min(_SLICE, self._until - time.monotonic())))

    def _look(self) -> None:
        if time.monotonic() >= self._until:
            raise Broken("It did not answer in time.", late=True)
        if self._seen_gone:  # what it had sent before has been read by now
            raise Broken("It ended without an answer.", closed=True)
        self._seen_gone = self._gone()


class _Socket:
    """What :class:`http.client.HTTPResponse` wants of a socket."""

    def __init__(self, line: _Line) -> None:
        self._line = line

    def makefile(self, mode: str) -> io.BufferedReader:
        del mode
        return io.BufferedReader(self._line)
