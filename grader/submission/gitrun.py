"""Running git against a server: bounded in time and bytes, asking nobody anything, leaving no credential anywhere."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from grader.limits import Limits
from grader.submission import complaints, objects
from grader.submission.errors import Unobtainable
from grader.submission.source import Source

_KEPT = 65_536  # bytes of git's messages that are kept
_GIT_MEMORY = 1_500_000_000  # address space of git and its helpers, where the system can bound it
_TOKENS = ("ghp_", "gho_", "ghu_", "ghs_", "github_pat_", "glpat-", "ATBB", "ATCTT", "hf_")

# A server is untrusted: nothing of the user's repositories or of a calling hook's environment takes part.
_CONFIG = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.bigFileThreshold": "16m",
    "core.packedGitWindowSize": "32m",
    "core.packedGitLimit": "128m",
    "core.deltaBaseCacheLimit": "32m",
    "pack.threads": "2",
    "fetch.unpackLimit": "1",
    "transfer.unpackLimit": "1",
    "fetch.recurseSubmodules": "false",
    "fetch.negotiationAlgorithm": "noop",
    "fetch.writeCommitGraph": "false",
    "fetch.bundleURI": "",
    "transfer.bundleURI": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.followRedirects": "initial",
    "protocol.version": "2",
    "submodule.recurse": "false",
    "remote.origin.tagOpt": "--no-tags",
    "advice.fetchShowForcedUpdates": "false",
}

# Answers git's question for a password from the environment: never on a command line, never stored by another helper.
_HELPER = (
    '!f() { test "$1" = get || exit 0; '
    'printf "username=%s\\npassword=%s\\n" "$GRADE_LOGIN_USER" "$GRADE_LOGIN_PASSWORD"; }; f'
)


class Failed(Exception):
    """Git ended with an error; ``said`` is what it told on stderr."""

    def __init__(self, said: str) -> None:
        super().__init__("git failed")
        self.said = said


class TooMuch(Exception):
    """More bytes came than may, and git was ended."""


class Runner:
    """Runs git in one repository of our own, against one server, within one budget of time."""

    def __init__(
        self, source: Source, folder: Path, limits: Limits, *, deadline: float | None = None
    ) -> None:
        self.folder = folder
        self.limits = limits
        self._source = source
        self._deadline = time.monotonic() + limits.fetch_seconds if deadline is None else deadline
        self._simple = False
        self._local = _environment(folder, {})
        self._remote = _environment(folder, _settings(source, limits))
        self._remote.update(_asking_nobody(source))

    def elsewhere(self, name: str) -> Runner:
        """A runner for another new repository beside this one, within the same time."""
        folder = objects.prepare(self.folder.parent / name)
        return Runner(self._source, folder, self.limits, deadline=self._deadline)

    def reading(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start git for reading objects (see ``objects.Start``). It asks no server for what is missing."""
        return self._process(arguments, self._local, stdin=subprocess.PIPE, stdout=True)

    def fetch(
        self, refspecs: Sequence[str], *, options: Sequence[str] | None = None, trace: Path | None = None
    ) -> None:
        """Fetch; by default without history and without large files, as far as the server can do that.

        ``trace``: where to write what was said to and by the server before the data.

        Raises:
            Failed: git said no.
            TooMuch: more than ``limits.fetch_bytes``.
            Unobtainable: it took too long, or git is not here.
        """
        shallow = ("--depth=1", f"--filter=blob:limit={self.limits.small_blob}")
        given = options if options is not None else () if self._simple else shallow
        extra = {"GIT_TRACE_PACKET": str(trace)} if trace else {}
        try:
            self._fetch([*given, "--end-of-options", "origin", *refspecs], self.limits.fetch_bytes, extra)
        except Failed as problem:
            if options is None and not self._simple and complaints.is_dumb_server(problem.said):
                self._simple = True  # plain files behind a web server: all or nothing
                self._fetch(["--end-of-options", "origin", *refspecs], self.limits.fetch_bytes, extra)
                return
            length = 64 if "sha256" in problem.said else 40
            if not complaints.is_other_format(problem.said) or length == self._oid_length:
                raise
            self._oid_length = length
            objects.write_config(self.folder, length)
            self.fetch(refspecs, options=options, trace=trace)

    _oid_length = 40

    def fetch_objects(self, oids: Sequence[str], *, most: int) -> None:
        """Fetch these objects and nothing else, in one trip; raises as :meth:`fetch` does, TooMuch at ``most`` bytes."""
        listed = self.folder / "asked"
        listed.write_text("".join(f"{oid}\n" for oid in oids), encoding="ascii")
        with listed.open("rb") as stdin:
            self._fetch(["--filter=blob:none", "--stdin", "--end-of-options", "origin"], most, {}, stdin)

    def _fetch(
        self, arguments: Sequence[str], most: int, extra: Mapping[str, str], stdin: Any = None
    ) -> None:
        command = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance"]
        before = _bytes_in(self.folder)
        try:
            process = self._process(
                [*command, "--recurse-submodules=no", *arguments], {**self._remote, **extra}, stdin=stdin
            )
            self._watch(process, before + most)
        finally:
            # A fetch with a filter makes the repository one that fetches what it misses whenever it is read.
            objects.write_config(self.folder, self._oid_length)

    def _watch(self, process: subprocess.Popen[bytes], most: int) -> None:
        said = bytearray()
        drain = threading.Thread(target=_drain, args=(process.stderr, said), daemon=True)
        drain.start()
        try:
            # Its messages end when it does: that is noticed at once, where waiting for a process means polling.
            while drain.is_alive() and process.poll() is None:
                drain.join(0.05)
                if _bytes_in(self.folder) > most:
                    raise TooMuch
                if time.monotonic() > self._deadline:
                    raise Unobtainable(
                        f"Fetching it took more than {self.limits.fetch_seconds:g} s; "
                        "try again, or raise the bound with --limit fetch-seconds=SECONDS."
                    )
            code = process.wait(max(0.0, self._deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Unobtainable("Fetching it did not come to an end; try again.") from None
        finally:
            _end_group(process)
            drain.join(1)
            objects.end(process)
        if code:
            raise Failed(bytes(said).decode("utf-8", "replace"))
        if _bytes_in(self.folder) > most:
            raise TooMuch

    def _process(
        self, arguments: Sequence[str], environment: Mapping[str, str], *, stdin: Any, stdout: bool = False
    ) -> subprocess.Popen[bytes]:
        import git

        options: dict[str, Any] = {"start_new_session": True} if sys.platform != "win32" else {}
        try:
            started: Any = git.Git(str(self.folder)).execute(
                ["git", *arguments],
                istream=stdin,
                as_process=True,
                with_stdout=stdout,
                env=dict(environment),
                **options,
            )
        except git.GitCommandNotFound:
            raise Unobtainable(
                "git is not installed here; install it, or give a folder or an archive."
            ) from None
        process: subprocess.Popen[bytes] = started.proc
        # Ours to end from here on: its wrapper would do so when it is collected.
        started.proc = None
        if stdout and process.stderr is not None:
            threading.Thread(target=_drain, args=(process.stderr, bytearray()), daemon=True).start()
        _bound_memory(process.pid)
        return process


def _bound_memory(pid: int) -> None:
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        soft, hard = resource.prlimit(pid, resource.RLIMIT_AS)
        bounds = [b for b in (soft, hard, _GIT_MEMORY) if b != resource.RLIM_INFINITY]
        resource.prlimit(pid, resource.RLIMIT_AS, (min(bounds), hard))


def _drain(stream: Any, kept: bytearray) -> None:
    """Read a stream to its end, keeping its beginning: git never waits for us, and we never drown."""
    with contextlib.suppress(OSError, ValueError):
        while data := stream.read1(65_536):
            kept += data[: max(0, _KEPT - len(kept))]


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End git and the helpers it started; those may live on when git itself is gone."""
    if os.name == "posix":
        import signal

        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()


def _bytes_in(folder: Path) -> int:
    """What the repository holds on disk, the pack that is being written included."""
    total = 0
    for part in (folder, folder / "objects" / "pack"):
        with contextlib.suppress(OSError), os.scandir(part) as found:
            for entry in found:
                with contextlib.suppress(OSError):
                    if entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
    return total


def _environment(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """What is put above the user's own environment. ``settings`` come last, so they win over any config file."""
    given = [*_CONFIG.items(), *settings.items()]
    count = int(text) if (text := os.environ.get("GIT_CONFIG_COUNT", "0")).isdigit() else 0
    environment = {
        "GIT_DIR": str(folder),
        "GIT_OBJECT_DIRECTORY": str(folder / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": "",
        "GIT_SHALLOW_FILE": str(folder / "shallow"),
        "GIT_NAMESPACE": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GCM_INTERACTIVE": "never",
        "GIT_ALLOW_PROTOCOL": "http:https:ssh:file",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_FLUSH": "1",
        "LC_ALL": "C",
        "LANGUAGE": "C",
        "GIT_CONFIG_COUNT": str(count + len(given)),
    }
    # The user's tracing would write addresses and headers to who knows where.
    for name in (
        "",
        "_CURL",
        "_PACKET",
        "_PACKFILE",
        "_SETUP",
        "_SHALLOW",
        "_PERFORMANCE",
        "2",
        "2_EVENT",
        "2_PERF",
    ):
        environment[f"GIT_TRACE{name}"] = "0"
    for number, (key, value) in enumerate(given, count):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment


def _settings(source: Source, limits: Limits) -> dict[str, str]:
    settings = {
        "remote.origin.url": source.location,
        "http.lowSpeedLimit": "200",
        "http.lowSpeedTime": str(max(1, round(limits.stall_seconds))),
    }
    if source.login is None or source.location.startswith("ssh:"):
        return settings
    user, password = source.login
    parts = urlsplit(source.location)
    scope = f"credential.{parts.scheme}://{parts.netloc}"
    if password is None and not (user.startswith(_TOKENS) or len(user) >= 30):
        settings[f"{scope}.username"] = user  # a user's name; the password is for their own helper to know
        return settings
    # Empty: whatever helper there is would be told to store it.
    settings["credential.helper"] = ""
    settings[f"{scope}.helper"] = _HELPER
    return settings


def _asking_nobody(source: Source) -> dict[str, str]:
    environment = {}
    if source.login is not None:
        environment["GRADE_LOGIN_USER"] = source.login[0]
        environment["GRADE_LOGIN_PASSWORD"] = source.login[1] or ""
    if not source.location.startswith(("http:", "https:", "file:")):
        ssh = os.environ.get("GIT_SSH_COMMAND") or _configured_ssh() or os.environ.get("GIT_SSH") or "ssh"
        environment["GIT_SSH_COMMAND"] = (
            f"{ssh} -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=10 -o ServerAliveCountMax=3"
        )
    return environment


def _configured_ssh() -> str | None:
    """The user's own ``core.sshCommand``, which the environment variable would hide."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        found = subprocess.run(
            ["git", "config", "--global", "--get", "core.sshCommand"],
            capture_output=True,
            timeout=5,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return found.stdout.decode("utf-8", "replace").strip() or None
    return None
