"""A small web server on loopback that answers as a test says, and remembers who asked for what."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answered = tuple[int, dict[str, str], bytes]


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Web:
    """The running server. ``answer`` makes the answer to a request; ``raw`` writes to the connection itself instead."""

    port: int = 0
    answer: Callable[[Asked], Answered] = lambda _: (200, {"Content-Type": "application/json"}, b"[0]")
    raw: Callable[[Any], None] | None = None
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Its address, by number."""
        return f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: Web

    def setup(self) -> None:
        self.web.connections += 1
        super().setup()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path, dict(self.headers.items()), body)
        self.web.asked.append(asked)
        try:
            if self.web.raw is not None:
                self.close_connection = True
                self.web.raw(self.wfile)
                return
            status, headers, content = self.web.answer(asked)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True

    do_POST = do_PUT = do_GET  # noqa: N815


@contextmanager
def serving(**how: Any) -> Iterator[Web]:
    """Serve on a free port of the loopback address until the block ends."""
    web = Web(**how)
    handler = type("Handler", (_Handler,), {"web": web})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    web.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        web.stop.set()
        http.shutdown()
        http.server_close()
        thread.join(5)
