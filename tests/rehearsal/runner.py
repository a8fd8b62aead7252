"""Runs one command in the sandbox, as told by its only argument, and prints how it ended. A program of its own for tests."""

import json
import socket
import sys
import tempfile
import time
from pathlib import Path

task = json.loads(sys.argv[1])
sys.path[:] = [task["top"], *sys.path[1:]]

from grader.rehearsal.sandbox import Bounds, Job, find, start  # noqa: E402


def ask(address: str) -> str:
    """What a client hears that is patient for two seconds, at most 100,000 bytes."""
    heard, end = b"", time.monotonic() + 2
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(0.5)
        try:
            client.connect(address)
            client.sendall(b"GET /ping HTTP/1.1\r\nHost: a\r\n\r\n")
            while time.monotonic() < end and len(heard) < 100_000:
                part = client.recv(4096)
                if not part:
                    break
                heard += part
        except OSError as problem:
            return f"{heard[:50]!r} {type(problem).__name__}"
    return repr(heard[:50])


folder = Path(tempfile.mkdtemp(prefix="grade-runner-"))
folder.chmod(0o755)
(folder / "shown").mkdir()
(folder / "shown" / "model.txt").write_text("a model")
listener = socket.socket(socket.AF_UNIX)
listener.bind(str(folder / "socket"))
listener.listen(8)
job = Job(
    tuple(task["command"]),
    ((folder / "shown", "/opt/ml/model"), *((Path(a), b) for a, b in task["readable"])),
    task.get("variables", {}),
    task.get("folder", "/scratch"),
    listener,
)
began = time.monotonic()
before = len(list(Path("/proc/self/fd").iterdir()))
answers = []
try:
    sandbox = None if task.get("plain") else find()
    with start(job, Bounds(**{"seconds": 5, **task.get("bounds", {})}), sandbox=sandbox) as running:
        answers.extend(ask(str(folder / "socket")) for _ in range(task.get("ask", 0)))
        if task.get("wait_for"):
            while task["wait_for"] not in running.log():
                time.sleep(0.01)
            print(running.path("/scratch"), flush=True)
            sys.stdin.readline()
        if task.get("close_after"):
            time.sleep(task["close_after"])
            running.close()
        ending = running.wait(30)
    assert len(list(Path("/proc/self/fd").iterdir())) == before, "a descriptor is left open"
    assert (folder / "shown" / "model.txt").read_text() == "a model", "what was shown has been changed"
    assert [path.name for path in (folder / "shown").iterdir()] == ["model.txt"], (
        "something was written there"
    )
finally:
    (folder / "socket").unlink()
    (folder / "shown" / "model.txt").unlink(missing_ok=True)
    (folder / "shown").rmdir()
    folder.rmdir()
print(
    json.dumps(
        {
            **(ending._asdict() if ending else {"limit": "none", "code": 0, "sentence": "", "ours": True}),
            "log": running.log(),
            "used": running.used()._asdict(),
            "reached": running.reached(),
            "seconds": time.monotonic() - began,
            "answers": answers,
        }
    )
)
