"""A rehearsal server for tests: our own code under any interpreter, bare (no sandbox), on a unix socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from grader.rehearsal.exchange import Answer, exchange

INSIDE = Path(__file__).resolve().parents[2] / "grader" / "rehearsal" / "inside"


class Ending(NamedTuple):
    """How the process ended."""

    limit: str | None
    code: int | None
    sentence: str
    ours: bool = False


class Bounds(NamedTuple):
    """Wall time for everything."""

    seconds: float = 20.0


class Server:
    """A running server."""

    def __init__(self, address: Path, process: subprocess.Popen[bytes], listener: socket.socket) -> None:
        self.address = address
        self.process = process
        self.listener = listener
        self._said = bytearray()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        while part := os.read(self.process.stdout.fileno(), 65536):
            self._said += part
            del self._said[:-100_000]

    def ended(self) -> Ending | None:
        """How it ended, None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        self._reader.join(2)
        return Ending(None, code, f"The process ended with code {code}.")

    def log(self) -> str:
        """What it printed."""
        return self._said.decode("utf-8", "replace")

    def ask(
        self, method: str, path: str, body: bytes = b"", *, seconds: float = 20.0, **headers: str
    ) -> Answer:
        """One request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        until = time.monotonic() + seconds
        return exchange(self.address, method, path, named, body, until, lambda: self.ended() is not None)

    def post(self, body: bytes, kind: str | None = "application/json", accept: str | None = None) -> Answer:
        """One invocation."""
        headers = {} if kind is None else {"Content_Type": kind}
        return self.ask("POST", "/invocations", body, **headers, **({"Accept": accept} if accept else {}))

    def close(self) -> None:
        """End it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self._reader.join(2)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.listener.close()


def written(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Files below ``folder``; texts are dedented."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())
    return folder


@contextmanager
def serving(
    files: Mapping[str, str | bytes],
    *,
    contract: str = "sagemaker",
    program: str = "inference.py",
    python: str | Path = sys.executable,
    environment: Mapping[str, str] | None = None,
    model: Path | None = None,
    command: tuple[str, ...] | None = None,
    **more: Any,
) -> Iterator[Server]:
    """Serve ``files`` (``code/...``, ``model/...``) until the block ends. ``model`` is another folder for the model.

    ``command`` runs that instead of our server, with its socket as descriptor 3.
    """
    with tempfile.TemporaryDirectory(prefix="grade-serving-") as scratch:
        home = Path(scratch)
        written(home, files)
        for folder in ("code", "model"):
            (home / folder).mkdir(exist_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(home / "server.sock"))
        listener.listen(8)
        config = {
            "contract": contract,
            "model_dir": str(model or home / "model"),
            "code_dir": str(home / "code"),
            "program": program,
            "transform_fn": True,
            "paths": [],
            "listener": listener.fileno(),
            **more,
        }
        (home / "config.json").write_text(json.dumps(config))
        argv = command or (str(python), "-I", str(INSIDE / "server.py"), str(home / "config.json"))
        process = subprocess.Popen(
            argv,
            cwd=home,
            env={"HOME": scratch, "LISTENER": str(listener.fileno()), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
        server = Server(home / "server.sock", process, listener)
        try:
            yield server
        finally:
            server.close()
