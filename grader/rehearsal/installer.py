"""uv, called with care: an environment of variables of its own, an empty folder, no configuration that lies about.

uv runs the interpreter that it is given, to ask for its version and platform; it is only ever given one of
:mod:`grader.rehearsal.pythons`, never that of an environment made here. Packages come as wheels alone: to build one from
source runs its code.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from grader.patterns import pattern
from grader.rehearsal import pythons
from grader.rehearsal.cache import canonical
from grader.rehearsal.pythons import Interpreter
from grader.rehearsal.settings import Progress, Settings, Unavailable
from grader.text import excerpt, redact_url, visible

_SPARE = 700_000_000  # bytes that stay free on the cache's disk, whatever is asked for
_MOST_USED = 15_000_000_000  # bytes by which it may fill during one call; the largest of packages takes five
_MOST_TOLD = 200_000  # characters of uv's that are read
_LINES_KEPT = 2_000  # of a resolution


class NoSolution(Exception):
    """uv says that these packages cannot be had together. The message is its reason, one line.

    ``doubt`` says why this may be our surroundings' fault, as the end of a sentence; None where it would be so for anybody.
    ``unbuilt`` are packages that were asked for themselves and that there is only the source of.
    """

    def __init__(self, reason: str, doubt: str | None, unbuilt: frozenset[str] = frozenset()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.doubt = doubt
        self.unbuilt = unbuilt


class Installer(NamedTuple):
    """uv, as one call of :func:`grader.rehearsal.environment.prepare` uses it; ``deadline`` is of ``time.monotonic()``."""

    binary: Path
    cache: Path
    deadline: float
    offline: bool = False


def installer(settings: Settings, cache: Path, deadline: float) -> Installer:
    """uv: the package's own, else the one on PATH.

    Raises:
        Unavailable: there is none.
    """
    place: Path | None = None
    with contextlib.suppress(ImportError, OSError):
        import uv

        place = Path(uv.find_uv_bin())
    if place is None:
        place = pythons.command("uv")
    if place is None:
        raise Unavailable(
            "Environments are built by uv, which is not installed: pip install 'deploy-lab-grader[rehearse]'."
        )
    return Installer(place, cache, deadline, settings.offline or _set("UV_OFFLINE"))


def _set(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in ("1", "true", "yes", "on", "y", "t")


# What uv may know of our surroundings: where its cache is, how to reach indexes. Nothing of any cloud.
_PASSED = frozenset(
    """
    HOME USER LOGNAME PATH TMPDIR TMP TEMP LANG LC_ALL SYSTEMROOT XDG_CACHE_HOME XDG_DATA_HOME NETRC
    SSL_CERT_FILE SSL_CERT_DIR SSL_CLIENT_CERT HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
    http_proxy https_proxy all_proxy no_proxy
    UV_DEFAULT_INDEX UV_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_FIND_LINKS UV_INDEX_STRATEGY
    UV_KEYRING_PROVIDER UV_NATIVE_TLS UV_SYSTEM_CERTS UV_INSECURE_HOST UV_CACHE_DIR UV_LINK_MODE UV_HTTP_TIMEOUT
    UV_REQUEST_TIMEOUT UV_HTTP_CONNECT_TIMEOUT UV_HTTP_RETRIES UV_CONCURRENT_DOWNLOADS UV_CONCURRENT_INSTALLS
    UV_PYTHON_INSTALL_MIRROR UV_PYTHON_DOWNLOADS_JSON_URL
    """.split()  # noqa: SIM905 - a list would be one name a line
)
_CREDENTIALS = pattern(r"^UV_INDEX_[A-Z0-9_]+_(?:USERNAME|PASSWORD)$")


def variables(cache: Path | None = None) -> dict[str, str]:
    """uv's whole environment of variables. What only pip was told about indexes is passed on in uv's own words.

    uv's own cache is where the user has it; where nothing can be written there, in ``cache``.

    pip asks all its indexes and takes the best version; uv stops at the first that has the package, unless told otherwise.
    """
    ours = os.environ
    passed = {name: value for name, value in ours.items() if name in _PASSED or _CREDENTIALS.match(name)}
    config = configuration() is not None

    def hand_on(pips: str, uvs: str, *others: str, joined: str = " ") -> bool:
        if config or not ours.get(pips) or any(name in passed for name in (uvs, *others)):
            return False
        passed[uvs] = joined.join(ours[pips].split())
        return True

    hand_on("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
    if hand_on("PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"):
        passed.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    hand_on("PIP_TRUSTED_HOST", "UV_INSECURE_HOST")
    hand_on("PIP_FIND_LINKS", "UV_FIND_LINKS", joined=",")
    if ours.get("PIP_CERT"):
        passed.setdefault("SSL_CERT_FILE", ours["PIP_CERT"])
    if cache is not None and "UV_CACHE_DIR" not in passed and not _writable(_users_cache()):
        passed["UV_CACHE_DIR"] = str(cache / "uv")
    passed["UV_NO_PROGRESS"] = "1"
    passed["NO_COLOR"] = "1"
    return passed


def _users_cache() -> Path | None:
    chosen = os.environ.get("XDG_CACHE_HOME")
    if chosen and Path(chosen).is_absolute():
        return Path(chosen)
    with contextlib.suppress(RuntimeError):
        return Path.home() / ".cache"
    return None


def _writable(folder: Path | None) -> bool:
    """Whether a folder can be written, or made."""
    # Not Path's own methods, which raise for folders that may not be looked into.
    while folder is not None and not os.path.exists(folder) and folder != folder.parent:  # noqa: PTH110
        folder = folder.parent
    return folder is not None and os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)  # noqa: PTH112


def configuration() -> Path | None:
    """The user's own uv.toml, or the system's: it may say where indexes are. None of any working folder is ever read."""
    if _set("UV_NO_CONFIG"):
        return None
    chosen = os.environ.get("UV_CONFIG_FILE")
    if chosen:
        return Path(chosen).absolute()
    folder = os.environ.get("XDG_CONFIG_HOME")
    places = [Path(folder) / "uv" / "uv.toml"] if folder and Path(folder).is_absolute() else []
    with contextlib.suppress(RuntimeError):
        places.append(Path.home() / ".config" / "uv" / "uv.toml")
    places.append(Path("/etc/uv/uv.toml"))
    return next((place for place in places if pythons.is_file(place)), None)


def own_index() -> bool:
    """Whether packages come from another index than the public one: what it lacks may exist all the same."""
    given = variables()
    names = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
    return configuration() is not None or _set("PIP_NO_INDEX") or any(given.get(name) for name in names)


class _Done(NamedTuple):
    code: int
    told: str


def _call(tool: Installer, arguments: Sequence[str], folder: Path, *, seconds: float | None = None) -> _Done:
    """Run uv in the empty ``folder``; what it tells is its standard error.

    Raises:
        Unavailable: the time is up, the disk is nearly full, or uv does not start.
    """
    config = configuration()
    command = [str(tool.binary), *arguments, "--no-python-downloads", "--color", "never"]
    command += ["--config-file", str(config)] if config else ["--no-config"]
    if tool.offline:
        command.append("--offline")
    if "install" in arguments[:2] and arguments[0] == "python":
        command.remove("--no-python-downloads")
    deadline = tool.deadline if seconds is None else min(tool.deadline, time.monotonic() + seconds)
    with tempfile.TemporaryFile() as told:
        try:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=told,
                cwd=folder,
                env=variables(tool.cache),
                umask=0o022,
                start_new_session=True,
            )
        except OSError as problem:
            raise Unavailable(
                f"uv ({excerpt(str(tool.binary))}) does not start: {problem.strerror}."
            ) from None
        try:
            _await(child, deadline, tool.cache)
        finally:
            end(child)
        told.seek(0)
        return _Done(child.returncode, told.read(_MOST_TOLD).decode("utf-8", "replace"))


def _await(child: subprocess.Popen[bytes], deadline: float, cache: Path) -> None:
    pause, before = 0.01, shutil.disk_usage(cache).free
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(pause)
            return
        pause = min(2 * pause, 0.5)
        if time.monotonic() > deadline:
            raise Unavailable(
                "Building the environment took more time than it may; try again, or allow more."
            )
        free = shutil.disk_usage(cache).free
        if free < _SPARE:
            raise Unavailable(
                f"The disk of the cache folder {excerpt(str(cache))} is nearly full; free some space there."
            )
        if before - free > _MOST_USED:
            raise Unavailable("What is to be installed takes more room on disk than it may.")


def end(child: subprocess.Popen[bytes]) -> None:
    """End uv and what it started, if it still runs."""
    if child.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _common(interpreter: Interpreter) -> list[str]:
    """What every call about packages says: no source is built, no project is looked at."""
    said = ["--quiet", "--only-binary", ":all:", "--no-sources", "--python", str(interpreter.executable)]
    return [*said, "--no-index"] if _set("PIP_NO_INDEX") and configuration() is None else said


def resolve(
    tool: Installer,
    lines: Iterable[str],
    interpreter: Interpreter,
    *,
    prefer: Iterable[str] = (),
    bounds: Sequence[str] = (),
    seconds: float | None = None,
    fresh: str | None = None,
) -> tuple[str, ...]:
    """The exact versions, as ``name==version``, that answer requirement ``lines`` under an interpreter.

    ``prefer``: versions to keep where the lines allow it, as pip keeps what is installed. ``bounds``: lines that hold for what
    is needed anyway. ``seconds`` bounds this call alone. ``fresh``: a package that the index is asked about anew, whatever uv remembers.

    Raises:
        NoSolution: they cannot be had together.
        Unavailable: it could not be found out.
    """
    with tempfile.TemporaryDirectory(prefix="grade-uv-") as name:
        folder = Path(name)
        asked, answer = folder / "asked.in", folder / "answer.txt"
        asked.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        (folder / "bounds.txt").write_text("".join(f"{line}\n" for line in bounds), encoding="utf-8")
        kept = "".join(f"{pin}\n" for pin in prefer)
        if kept:
            answer.write_text(kept, encoding="utf-8")  # uv keeps to the versions of an earlier answer
        done = _call(
            tool,
            [
                *("pip", "compile", asked.name, "--output-file", answer.name, "--no-header", "--no-annotate"),
                *_common(interpreter),
                *(("--constraints", "bounds.txt") if bounds else ()),
                *(("--refresh-package", fresh) if fresh else ()),
            ],
            folder,
            seconds=seconds,
        )
        if done.code != 0:
            raise _trouble(done, tool)
        return tuple(_pins(answer.read_text(encoding="utf-8")))


_PIN = pattern(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9._+!-]*)\s*(?:;.*)?$")


def _pins(text: str) -> Iterator[str]:
    for line in text.splitlines()[:_LINES_KEPT]:
        match = _PIN.match(line.strip())
        if match:
            yield f"{match.group(1)}=={match.group(2)}"


# Each in what uv says when it finds no solution: why that need not be so for everybody.
_DOUBTS = (
    (
        r"network was disabled|needs to be downloaded|was not found in the cache",
        "the network is switched off, and uv's cache does not hold them",
    ),
    (
        r"could not be queried|[Ff]orbidden|[Uu]nauthorized|authentication credentials",
        "a package index refused to answer",
    ),
    (r"first index|not considered|index-strategy", "only one of several package indexes was asked"),
    (r"no usable wheels|building from source", "only wheels are installed here"),
    (r"following platforms: [^:]*linux", "this is another kind of machine than its wheels are for"),
    (r"[Pp]re-?releases?", "only a pre-release would do"),
    (r"Python\s*[<>=!~]+\s*\d+\.\d+\.\d", "it depends on the patch of Python"),
)
_UNBUILT = pattern(r"no usable wheels and you require ([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)")
_MIRROR = r"not found in the (?:package registry|provided package)|there (?:is|are) no versions? of|only .{0,80} available"


def _trouble(done: _Done, tool: Installer) -> Exception:
    """What a failed call of uv means."""
    told = _plain(done.told)
    if done.code == 1 and "No solution found" in told:
        doubt = next((why for sign, why in _DOUBTS if re.search(sign, told)), None)
        if doubt is None and own_index() and re.search(_MIRROR, told):
            doubt = "the package index that is used here may not have all there is"
        if doubt is None and tool.offline:
            doubt = "the network is switched off"
        start = told.find("Because")
        reason = re.sub(r"^error: ", "", told[max(start, 0) :].partition(" hint: ")[0])
        unbuilt = frozenset(canonical(name) for name in _UNBUILT.findall(reason))
        return NoSolution(excerpt(reason, 300), doubt, unbuilt)
    return _unavailable(told)


_UNREACHED = pattern(r"Failed to fetch|error sending request|[Cc]onnection|certificate|dns error|timed? ?out")


def _unavailable(told: str) -> Unavailable:
    """uv's trouble as ours, with what to do about it where that is known."""
    remedy = ""
    if _UNREACHED.search(told):
        remedy = (
            "; where packages come from a mirror, name it by UV_DEFAULT_INDEX (pip's own files are not read)"
        )
    return Unavailable(f"uv could not install packages: {excerpt(told, 300)}{remedy}")


_FRAME = pattern(r"[×╰─▶│├╭]+")


def _plain(told: str) -> str:
    """What uv told, as one line without decoration, credentials and warnings."""
    lines = [
        line
        for line in told.splitlines()
        if not line.startswith(("warning:", "Using CPython", "Using Python"))
    ]
    text = redact_url(visible(_FRAME.sub(" ", "\n".join(lines)), keep="\n"))
    return " ".join(text.replace("cause:", " ").split())


def install(tool: Installer, pins: Sequence[str], interpreter: Interpreter, target: Path) -> None:
    """Put wheels of exactly these versions into ``target``, a folder for ``sys.path``; nothing of them is run.

    Raises:
        Unavailable: one could not be had.
    """
    target.mkdir(parents=True, exist_ok=True)
    if not pins:
        return
    with tempfile.TemporaryDirectory(prefix="grade-uv-") as name:
        folder = Path(name)
        (folder / "pins.txt").write_text("".join(f"{pin}\n" for pin in pins), encoding="utf-8")
        done = _call(
            tool,
            [
                *("pip", "install", "--requirements", "pins.txt", "--no-deps", "--target", str(target)),
                *_common(interpreter),
            ],
            folder,
        )
    if done.code != 0:
        raise _unavailable(_plain(done.told))
    _tidy(target)


def _tidy(target: Path) -> None:
    """Remove uv's own lock, and symbolic links, which no wheel should have: what writes bytecode would follow them."""
    with contextlib.suppress(FileNotFoundError):
        (target / ".lock").unlink()
    for where, folders, files in os.walk(target):
        for name in (*folders, *files):
            at = Path(where, name)
            if at.is_symlink():
                at.unlink()


def download(tool: Installer, minor: tuple[int, int], progress: Progress) -> str | None:
    """Have uv download a Python into the cache; None when it is there, else why not, in a few words."""
    if tool.offline or os.environ.get("UV_PYTHON_DOWNLOADS", "").strip().lower() == "never":
        return "downloads are switched off"
    progress(f"downloading Python {minor[0]}.{minor[1]}")
    with tempfile.TemporaryDirectory(prefix="grade-uv-") as name:
        try:
            done = _call(
                tool,
                [
                    *("python", "install", f"{minor[0]}.{minor[1]}", "--no-bin", "--quiet"),
                    *("--install-dir", str(tool.cache / "pythons")),
                ],
                Path(name),
                seconds=240.0,
            )
        except Unavailable as problem:
            return str(problem)
    return None if done.code == 0 else excerpt(_plain(done.told), 200)
