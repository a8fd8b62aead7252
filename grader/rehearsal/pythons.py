"""The Pythons of this machine: found, asked for their version, and what of each a sandbox has to show.

Looked for in order: those that the user names, PATH, pyenv's versions, uv's own, those that uv downloaded into the
grader's cache. Each is asked once, by ``-I -S -c``, so that nothing of an environment it belongs to is read, and its
answer is kept until the file changes. The interpreter of a virtual environment stands for the one that it was made from:
only that one is used, so that no environment's packages come along.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from grader.rehearsal import cache
from grader.rehearsal.settings import Unavailable
from grader.text import excerpt


class Interpreter(NamedTuple):
    """A Python to make environments with.

    ``executable`` is a real path, never a link or an environment's; ``prefix`` the installation it belongs to,
    ``libraries`` the folders of its standard library. ``found``: ``named``, ``PATH``, ``pyenv``, ``uv`` or ``downloaded``.
    """

    executable: Path
    version: tuple[int, int, int]
    prefix: Path
    libraries: tuple[Path, ...]
    found: str

    @property
    def minor(self) -> tuple[int, int]:
        """(3, 9)"""
        return self.version[:2]

    @property
    def series(self) -> str:
        """``3.9``"""
        return f"{self.version[0]}.{self.version[1]}"


OLDEST = (3, 6)
"""The oldest Python that environments are made with: what runs inside a sandbox is written for it."""

_NEWEST_MINOR = 20  # of the names python3.N that are looked for
_PATIENCE = 15.0  # seconds for an answer; a cold start from a slow disk takes a few
_PATIENCE_FOR_ALL = 60.0  # seconds in one search; who has not answered before is then left out

# Runs under any Python 3, without site: the prefix is that of the base installation, in an environment too.
_QUESTION = """
import json, os, sys, sysconfig
base = getattr(sys, "base_prefix", sys.prefix)
name = "python%d.%d" % sys.version_info[:2]
executable = os.path.join(base, "bin", name)
if not os.path.exists(executable):
    executable = sys.executable
paths = [sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib")]
paths.append(os.path.dirname(os.__file__))
paths += [p for p in sys.path if p.endswith("lib-dynload")]
print(json.dumps({
    "version": list(sys.version_info[:3]), "executable": os.path.realpath(executable),
    "prefix": os.path.realpath(base), "libraries": sorted({os.path.realpath(p) for p in paths if p}),
    "plain": sys.implementation.name == "cpython" and not set("td") & set(getattr(sys, "abiflags", ""))
    and sys.maxsize > 2 ** 32,
}))
"""


def find(named: Sequence[str], root: Path) -> tuple[Interpreter, ...]:
    """The interpreters of this machine, best first, each once. ``root`` is the cache's folder.

    Raises:
        Unavailable: one that the user named is none.
    """
    record = root / "pythons.json"
    known = _Known(cache.read(record) or {})
    found: dict[Path, Interpreter] = {}
    for path, where in _places(named, root):
        interpreter = known.ask(path, where)
        if interpreter is not None:
            found.setdefault(interpreter.executable, interpreter)
        elif where == "named":
            raise Unavailable(
                f"{excerpt(str(path))} was named as a Python, and does not answer as a 64-bit CPython "
                f"{OLDEST[0]}.{OLDEST[1]} or newer; name another."
            )
    if known.changed:
        with contextlib.suppress(OSError):  # asked again next time
            cache.write(record, known.answers)
    return tuple(found.values())


def _places(named: Sequence[str], root: Path) -> Iterator[tuple[Path, str]]:
    """Where interpreters may be, in order; only paths of files that are there."""
    folders = [Path(p) for p in os.environ.get("PATH", "").split(os.pathsep)]
    # A relative entry would be looked for in the working folder, which may be a student's.
    folders = [p for p in dict.fromkeys(folders) if p.is_absolute() and p.name != "shims"]
    for name in named:
        yield _named(name, folders), "named"
    names = ["python3", "python", *(f"python3.{n}" for n in range(_NEWEST_MINOR, OLDEST[1] - 1, -1))]
    for folder in folders:
        yield from ((folder / name, "PATH") for name in names if is_file(folder / name))
    pyenv = Path(os.environ.get("PYENV_ROOT") or _home(".pyenv")) / "versions"
    for folder in (pyenv, *uv_folders(), root / "pythons"):
        where = "pyenv" if folder == pyenv else "downloaded" if folder.parent == root else "uv"
        for installation in _listed(folder):
            for name in ("python3", "python"):
                if is_file(installation / "bin" / name):
                    yield installation / "bin" / name, where
                    break


def is_file(path: Path) -> bool:
    """Whether a file is there. Path's own method raises for a folder that may not be looked into, as PATH can hold."""
    return os.path.isfile(path)  # noqa: PTH113


def _home(name: str) -> Path:
    """A folder of the user's; without a home folder, one that is not there."""
    try:
        return Path.home() / name
    except RuntimeError:
        return Path(os.devnull) / name


def _named(name: str, folders: Iterable[Path]) -> Path:
    """What the user means: an executable, an environment or installation, or a command."""
    path = Path(name).expanduser()
    if os.sep not in name and not os.path.exists(path):  # noqa: PTH110 - as above
        command = f"python{name}" if name[:1].isdigit() else name
        for folder in folders:
            if is_file(folder / command):
                return folder / command
    if os.path.isdir(path):  # noqa: PTH112 - as above
        inside = [path / "bin" / "python3", path / "bin" / "python"]
        return next((p.absolute() for p in inside if is_file(p)), path)
    return path.absolute()


def uv_folders() -> tuple[Path, ...]:
    """Where uv keeps the Pythons that it installed."""
    chosen = os.environ.get("UV_PYTHON_INSTALL_DIR")
    if chosen:
        return (Path(chosen),)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) / "uv" / "python" if data else _home(".local/share/uv/python"),)


def _listed(folder: Path) -> list[Path]:
    """The installations in a folder, newest first by name."""
    try:
        names = [name for name in os.listdir(folder) if name[:1] != "."]  # noqa: PTH208
    except OSError:
        return []
    order = sorted(names, key=lambda n: [int(d) for d in _numbers(n)], reverse=True)
    return [folder / name for name in order]


def _numbers(name: str) -> list[str]:
    return "".join(c if c.isascii() and c.isdigit() else " " for c in name[:80]).split()[:4]


class _Known:
    """What interpreters said of themselves, kept by path and by the state of the file."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.changed = False
        self.until = time.monotonic() + _PATIENCE_FOR_ALL

    def ask(self, path: Path, where: str) -> Interpreter | None:
        """The interpreter that ``path`` is or stands for, None where it is no Python that can be used."""
        state = _state(path)
        if state is None:
            return None
        entry = self.answers.get(str(path))
        answer = None
        if isinstance(entry, dict) and entry.get("state") == state and "answer" in entry:
            answer = _sound(entry["answer"])
        if answer is None and not (isinstance(entry, dict) and entry == {"state": state, "answer": None}):
            if time.monotonic() > self.until:
                return None
            try:
                answer = _asked(path)
            except subprocess.TimeoutExpired:
                return None  # busy, maybe: asked again next time
            self.answers[str(path)] = {"state": state, "answer": answer}
            self.changed = True
        if answer is None or not answer["plain"] or tuple(answer["version"][:2]) < OLDEST:
            return None
        major, minor, patch = answer["version"]
        return Interpreter(
            Path(answer["executable"]),
            (major, minor, patch),
            Path(answer["prefix"]),
            tuple(Path(p) for p in answer["libraries"]),
            where,
        )


def _state(path: Path) -> list[int] | None:
    """The state of a file, through links: it changes when the file does."""
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size, status.st_ino]


def _sound(answer: Any) -> dict[str, Any] | None:
    """An interpreter's answer, None where it is none, or where what it speaks of is not there (any more)."""
    if not isinstance(answer, dict):
        return None
    try:
        version = [int(number) for number in answer["version"]]
        paths = [answer["executable"], answer["prefix"], *answer["libraries"]]
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if len(version) != 3 or not all(isinstance(path, str) and path.startswith("/") for path in paths):
        return None
    if not os.path.isfile(paths[0]):  # noqa: PTH113 - asked of each at every call
        return None
    return {**answer, "version": version, "plain": answer.get("plain") is True}


def _asked(path: Path) -> dict[str, Any] | None:
    """What the interpreter at ``path`` says of itself; None where it is no Python 3."""
    passed = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LD_LIBRARY_PATH", "SYSTEMROOT")}
    with tempfile.TemporaryDirectory(prefix="grade-python-") as empty:
        try:
            done = subprocess.run(
                [str(path), "-I", "-S", "-c", _QUESTION],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=empty,
                env=passed,
                timeout=_PATIENCE,
                check=False,
            )
        except OSError:
            return None
    try:
        return _sound(json.loads(done.stdout[-20_000:])) if done.returncode == 0 else None
    except (ValueError, RecursionError):
        return None


def nearest(wanted: tuple[int, int], found: Iterable[Interpreter]) -> list[Interpreter]:
    """One interpreter of each minor version, the wanted one first, then by distance, of two equally far the newer."""
    by_minor: dict[tuple[int, int], Interpreter] = {}
    for interpreter in found:
        by_minor.setdefault(interpreter.minor, interpreter)
    at = _number(wanted)
    return sorted(by_minor.values(), key=lambda i: (abs(_number(i.minor) - at), -_number(i.minor)))


def _number(minor: tuple[int, int]) -> int:
    """Python 2 is before every Python 3."""
    return minor[1] + 100 * (minor[0] - 3) if minor[0] >= 3 else -1


_SHARED = frozenset({Path("/"), Path("/usr"), Path("/usr/local")})


def readable(interpreter: Interpreter) -> tuple[Path, ...]:
    """What of an installation a sandbox has to show, each at its own path: folders, and single files.

    The executable itself, its standard library, and the shared libraries that come with it. Of an installation with a
    prefix of its own (pyenv, uv, conda) these lie in its ``lib``; of one in ``/usr`` or ``/usr/local`` no more is shown
    than the library's own folder and ``libpython``. Never the whole prefix: it may be a home folder. The system's
    own libraries (``/lib``, ``/lib64``, ``/usr/lib``, the loader's cache) are the sandbox's to add.
    """
    prefix, libraries = interpreter.prefix, interpreter.libraries
    shown: list[Path] = [interpreter.executable, *libraries]
    if prefix in _SHARED:
        for folder in (prefix / "lib", prefix / "lib64"):
            shown.extend(sorted(folder.glob("libpython3*.so*")))
    else:
        # python-build puts an OpenSSL of its own beside old versions; a framework's library is called Python.
        own = ("lib", "lib64", "openssl", "Python")
        shown.extend(prefix / name for name in own if (prefix / name).exists())
    real = sorted({p.resolve() for p in shown if p.exists()} | {interpreter.executable})
    # A library's link is opened by its own name: the folder that holds it must be shown, or the link itself.
    links = {p for p in shown if p.is_symlink()}
    outermost = [p for p in real if not any(q != p and q in p.parents for q in real)]
    return (*outermost, *sorted(p for p in links if not any(q in p.parents for q in outermost)))


def command(name: str) -> Path | None:
    """A command on PATH, relative entries of it left out."""
    absolute = [p for p in os.environ.get("PATH", "").split(os.pathsep) if Path(p).is_absolute()]
    place = shutil.which(name, path=os.pathsep.join(absolute))
    return Path(place) if place else None
