"""Real git servers for tests: repositories made on the spot, served over loopback HTTP by git's own http-backend."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CLEAN = {
    **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A Student",
    "GIT_AUTHOR_EMAIL": "student@example.org",
    "GIT_COMMITTER_NAME": "A Student",
    "GIT_COMMITTER_EMAIL": "student@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0200",
    "GIT_COMMITTER_DATE": "1700000000 +0200",
}
WHEN = "2023-11-15T00:13:20+02:00"


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """Run git for preparing a test; its output, stripped."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, env=CLEAN, input=stdin
    )
    return done.stdout.decode().strip()


def repository(folder: Path, files: Mapping[str, bytes], *, branch: str = "main") -> Path:
    """A working repository with one commit of ``files``."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", f"--initial-branch={branch}")
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "The lab")
    return folder


def served(source: Path, folder: Path, *, partial: bool = True) -> Path:
    """A bare copy of ``source`` at ``folder``, ready to be served."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    git(source, "clone", "--quiet", "--bare", str(source), str(folder))
    git(folder, "config", "uploadpack.allowFilter", "true" if partial else "false")
    return folder


@dataclass
class Behaviour:
    """How the server behaves. ``latency`` in seconds a request, ``bandwidth`` in bytes a second (None: all it has)."""

    password: str | None = None
    redirect_first: str | None = None  # to where; "" for another path here
    redirect_later: str | None = None
    stall_after: int | None = None
    drip: bool = False
    status: int | None = None
    latency: float = 0.0
    bandwidth: float | None = None


@dataclass
class Server:
    """A running server: where it is, what was asked of it, and how many bytes it sent."""

    root: Path
    behaviour: Behaviour
    port: int = 0
    requests: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    sent: int = 0

    def url(self, path: str, login: str = "") -> str:
        """The address of a repository below the root."""
        return f"http://{login}127.0.0.1:{self.port}/{path}"


@contextmanager
def serving(root: Path, behaviour: Behaviour | None = None) -> Iterator[Server]:
    """Serve the bare repositories below ``root`` until the block ends."""
    server = Server(root, behaviour or Behaviour())
    stop = threading.Event()

    class Handler(_Handler):
        of = server
        stopping = stop

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stop.set()
        http.shutdown()
        http.server_close()
        thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: Server
    stopping: threading.Event

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        try:
            self._answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _answer(self) -> None:
        how = self.of.behaviour
        path, _, query = self.path.partition("?")
        self.of.requests.append(f"{self.command} {self.path}")
        body = self._body()
        time.sleep(how.latency)
        if how.status is not None:
            return self._short(how.status)
        if how.redirect_first is not None and self.command == "GET" and not path.startswith("/moved/"):
            target = how.redirect_first or f"http://127.0.0.1:{self.of.port}/moved"
            return self._short(301, Location=f"{target}{self.path}")
        if how.redirect_later and self.command == "POST":
            return self._short(302, Location=f"{how.redirect_later}{self.path}")
        login = self.headers.get("Authorization", "")
        if login:
            self.of.logins.append(base64.b64decode(login.partition(" ")[2]).decode())
        if how.password is not None and (not login or self.of.logins[-1] != how.password):
            return self._short(401, **{"WWW-Authenticate": 'Basic realm="lab"'})
        return self._backend(path.removeprefix("/moved"), query, body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _short(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _backend(self, path: str, query: str, body: bytes) -> None:
        environment = {
            **CLEAN,
            "GIT_PROJECT_ROOT": str(self.of.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "CONTENT_LENGTH": str(len(body)),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, env=environment, check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = [line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line]
        status = next((int(value.split()[0]) for name, value in fields if name == "Status"), 200)
        self.send_response(status)
        for name, value in fields:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self._send(content)

    def _send(self, content: bytes) -> None:
        how = self.of.behaviour
        pack = self.command == "POST" and len(content) > 2000
        if how.stall_after is not None and pack:
            self.wfile.write(content[: how.stall_after])
            self.wfile.flush()
            self.stopping.wait(60)
            self.close_connection = True
            return
        if how.drip and pack:
            for at in range(0, len(content), 100):
                self.wfile.write(content[at : at + 100])
                self.wfile.flush()
                if self.stopping.wait(0.05):
                    break
            return
        step = 65_536
        for at in range(0, len(content), step):
            part = content[at : at + step]
            self.wfile.write(part)
            self.of.sent += len(part)
            if how.bandwidth is not None:
                time.sleep(len(part) / how.bandwidth)
