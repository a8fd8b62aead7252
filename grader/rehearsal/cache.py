"""The folder that keeps environments: built once, however many processes want them, and never seen half-built.

It is ``Settings.cache``, else ``GRADE_CACHE``, else the user's cache folder (``~/.cache/deploy-lab-grader`` on Linux),
and may be deleted at any time when nothing is rehearsed: what is needed is built again. In it are::

    environments/KEY/   a virtual environment each: scikit-learn and what comes with it
    requirements/KEY/   what a student's requirements.txt adds to one of them
    answers/KEY.json    which environment answers a wish
    pythons/            interpreters that uv downloaded
    pythons.json        what the interpreters found here said of themselves
    locks/              one for each thing that is being built
    uv/                 uv's own cache, only where the user's cannot be written

Nothing in it is private, so folders are 755 and files 644 whatever the umask: a sandbox may read them as another user.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from grader.patterns import pattern
from grader.rehearsal.settings import Progress, Settings, Unavailable
from grader.text import excerpt

FORMAT = 1
"""Counts up when what is built changes, so that an older grader's environments are not taken for this one's."""

_EXTRA = "Rehearsal needs packages that are not installed: pip install 'deploy-lab-grader[rehearse]'."
_MADE = "made.json"
_MOST_RECORD = 4_000_000  # bytes of a record; ours are a few thousand


def root(settings: Settings) -> Path:
    """The cache's folder, made if it is not there; a real path.

    Raises:
        Unavailable: it cannot be made or written, or anybody may write to it.
    """
    chosen = settings.cache or os.environ.get("GRADE_CACHE")
    if chosen:
        place = Path(chosen).expanduser()
    else:
        try:
            import platformdirs
        except ImportError:
            raise Unavailable(_EXTRA) from None
        place = Path(platformdirs.user_cache_dir("deploy-lab-grader", appauthor=False))
    try:
        folder(place)
        place = place.resolve()
        mode = place.stat().st_mode
    except (OSError, RuntimeError) as problem:
        raise Unavailable(
            f"The cache folder {excerpt(str(place))} cannot be used ({_reason(problem)}); name another by GRADE_CACHE."
        ) from None
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX and os.name == "posix":
        raise Unavailable(
            f"Anybody may write to the cache folder {excerpt(str(place))}; make it yours alone (chmod o-w), or name "
            "another by GRADE_CACHE."
        )
    return place


def _reason(problem: BaseException) -> str:
    return problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)


def folder(place: Path) -> Path:
    """``place``, made with its parents; those made here may be read by everyone, as caches are expected to be."""
    missing = []
    at = place
    while not at.is_dir() and at != at.parent:
        missing.append(at)
        at = at.parent
    for at in reversed(missing):
        with contextlib.suppress(FileExistsError):
            at.mkdir()
            at.chmod(0o755)
    if not place.is_dir():
        raise NotADirectoryError(20, "it is no folder", str(place))
    return place


def key(*parts: Any) -> str:
    """A short name for plain values: the same for the same values."""
    text = json.dumps([FORMAT, *parts], ensure_ascii=True, sort_keys=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:24]


def read(file: Path) -> dict[str, Any] | None:
    """A record that :func:`write` wrote; None where there is none, or none that can be read."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(_MOST_RECORD + 1)
        value = json.loads(raw) if len(raw) <= _MOST_RECORD else None
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def write(file: Path, value: dict[str, Any]) -> None:
    """Keep a record; readers see the old one or the new one, never a part."""
    folder(file.parent)
    number, name = tempfile.mkstemp(dir=file.parent, prefix=".new-", suffix=".json")
    try:
        with os.fdopen(number, "w", encoding="ascii") as stream:
            json.dump(value, stream, ensure_ascii=True)
        Path(name).chmod(0o644)
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


@contextlib.contextmanager
def lock(cache: Path, name: str, deadline: float, progress: Progress) -> Iterator[None]:
    """Held by one process at a time; the system frees it when that process ends, however it does.

    ``deadline`` is a time of ``time.monotonic()``.

    Raises:
        Unavailable: another process held it until then.
    """
    try:
        import filelock
    except ImportError:
        raise Unavailable(_EXTRA) from None
    held = filelock.FileLock(folder(cache / "locks") / f"{name}.lock")
    try:
        held.acquire(timeout=0)
    except filelock.Timeout:
        progress("waiting for an environment that another process is building")
        try:
            held.acquire(timeout=max(0.0, deadline - time.monotonic()), poll_interval=0.1)
        except filelock.Timeout:
            raise Unavailable(
                "Another process was still building the environment when the time was up; try again later."
            ) from None
    try:
        yield
    finally:
        held.release()


def made(place: Path, **fields: type) -> dict[str, Any] | None:
    """What was recorded of the finished folder ``place``; None where it is not there.

    ``fields`` are those that it must have, each with its type (``str``; ``list`` and ``dict`` of texts): a record without them,
    of another release or damaged, counts as none.
    """
    record = read(place / _MADE)
    if record is None or not all(_is(record.get(name), kind) for name, kind in fields.items()):
        return None
    return record


def _is(value: Any, kind: type) -> bool:
    if not isinstance(value, kind):
        return False
    texts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(isinstance(text, str) for text in texts)


def forget(place: Path, *records: str) -> None:
    """Have the finished folder ``place`` built anew when it is next wanted; until then its files stay."""
    for name in (_MADE, *records):
        with contextlib.suppress(OSError):
            (place / name).unlink()


def installed_in(place: Path) -> dict[str, str]:
    """As :func:`installed`, of the virtual environment ``place``."""
    found: dict[str, str] = {}
    for site in place.glob("lib/python*/site-packages"):
        found.update(installed(site))
    return found


def build(
    cache: Path,
    place: Path,
    work: Callable[[Path], dict[str, Any]],
    *,
    deadline: float,
    progress: Progress,
    fields: Mapping[str, type] | None = None,
) -> dict[str, Any]:
    """The record of ``place``, which ``work`` fills if it is not there yet; at most one process does.

    ``work(folder)`` fills a folder beside ``place`` that gets its name when it is whole, and answers the record. A
    process that is killed in the middle leaves its folder to the next build, which removes it. A record without ``fields``
    (see :func:`made`) counts as none.
    """
    wanted = fields or {}
    there = made(place, **wanted)
    if there is not None:
        return there
    with lock(cache, place.name, deadline, progress):
        there = made(place, **wanted)
        if there is not None:
            return there
        folder(place.parent)
        _sweep(cache, place)
        shutil.rmtree(place, ignore_errors=True)  # without a record: never finished, or damaged since
        new = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".new-{place.name}-"))
        try:
            record = work(new)
            write(new / _MADE, record)
            open_to_all(new)
            new.rename(place)
        finally:
            shutil.rmtree(new, ignore_errors=True)
        return record


_NEW = pattern(r"^\.new-([0-9a-f]{24})-")


def _sweep(cache: Path, place: Path) -> None:
    """Remove what builds that were killed left beside ``place``, whose own lock is held here."""
    import filelock

    for left in place.parent.glob(".new-*"):
        match = _NEW.match(left.name)
        if match is None:
            continue
        if match.group(1) == place.name:
            shutil.rmtree(left, ignore_errors=True)
            continue
        other = filelock.FileLock(cache / "locks" / f"{match.group(1)}.lock")
        with contextlib.suppress(filelock.Timeout, OSError), other.acquire(timeout=0):
            shutil.rmtree(left, ignore_errors=True)


def open_to_all(place: Path) -> None:
    """Let everyone read what is below ``place``; links are left alone.

    Files may be hard links into uv's own cache: their mode is changed only where it keeps readers out, or lets others write.
    """
    for where, _folders, files in os.walk(place):
        Path(where).chmod(0o755)
        for name in files:
            at = os.path.join(where, name)  # noqa: PTH118
            mode = os.lstat(at).st_mode
            if stat.S_ISREG(mode) and (mode & 0o444 != 0o444 or mode & 0o022):
                Path(at).chmod((stat.S_IMODE(mode) | 0o444) & ~0o022)


_DIST_INFO = pattern(r"^([A-Za-z0-9][A-Za-z0-9._]*)-([A-Za-z0-9][A-Za-z0-9._+!]*)\.dist-info$")
_SEPARATORS = pattern(r"[-_.]+")


def installed(place: Path) -> dict[str, str]:
    """The packages in a folder for ``sys.path``, by name, from the names of their ``.dist-info`` alone; nothing is run."""
    found: dict[str, str] = {}
    try:
        names = sorted(os.listdir(place))  # noqa: PTH208 - names are what is wanted
    except OSError:
        return found
    for name in names:
        match = _DIST_INFO.match(name)
        if match:
            found[canonical(match.group(1))] = match.group(2)
    return found


def canonical(name: str) -> str:
    """A package's name as indexes compare it: ``scikit_learn`` is ``scikit-learn``."""
    return _SEPARATORS.sub("-", name).lower()
