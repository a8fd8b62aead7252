"""The environment of a rehearsal: a Python with the scikit-learn that a deployment declares, and what goes with it.

    prepare(Wanted("3.9", (("scikit-learn", "1.2.1"), ("numpy", "1.24.1"))))

An environment is built by uv from wheels and kept (see :mod:`grader.rehearsal.cache`, which says where, and that it may be
deleted); once it is there, nothing is started to find it. It is a virtual environment, with nothing in it but what was
wanted and what that depends on. A student's requirements are installed beside it, never into it. **No interpreter of an
environment ever runs here, outside the sandbox**: packages are installed by the clean interpreter that the
environment stands on, and what is in it is read from the names of folders.

What cannot be had exactly is had as near as possible, and told: first pandas gives way, then what else is wanted, then
SciPy, then NumPy; then another patch of scikit-learn's series; then another Python, the nearest first.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from grader.patterns import pattern
from grader.rehearsal import cache, companions, pythons, requirements
from grader.rehearsal.pythons import Interpreter
from grader.rehearsal.settings import Progress, RequirementsFailed, Settings, Unavailable, quiet
from grader.rehearsal.versioning import answers, release
from grader.text import excerpt

if TYPE_CHECKING:
    from grader.rehearsal.installer import Installer

__all__ = ["Environment", "RequirementsFailed", "Settings", "Unavailable", "Wanted", "prepare", "quiet"]


class Wanted(NamedTuple):
    """What a deployment is served by.

    ``python`` is ``3.9`` (None: whatever suits). ``packages`` are (name, version): a version ``1.2.1``, a series ``1.2``
    (any patch), or empty (any). ``requirements`` are lines taken by :func:`grader.rehearsal.requirements.sift`;
    ``whole`` is False where it refused others: what is missing may have stood there.
    """

    python: str | None
    packages: tuple[tuple[str, str], ...]
    requirements: tuple[str, ...] = ()
    whole: bool = True


class Environment(NamedTuple):
    """An environment that is ready.

    ``python`` is the interpreter to start inside the sandbox, ``readable`` what has to be shown there, read-only and each at
    its own path: the environment, what the student's requirements added, and of the base installation its executable
    (a file), standard library and shared libraries. The system's own libraries are the sandbox's to add. All of it may
    be read by any user, apart from folders above it (a home folder may be closed): who mounts must be able to pass them.
    ``extra_path`` are folders for ``sys.path``, before all others (``site.addsitedir`` does for ``.pth`` files in them what
    pip's own folder would). ``packages`` are the (name, version) really there; ``notes`` sentences, without
    the full stop, on what is not as wanted.
    """

    python: Path
    readable: tuple[Path, ...]
    extra_path: tuple[Path, ...]
    python_version: str
    packages: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


_NAME = pattern(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,60}[A-Za-z0-9])?$")
_VERSION = pattern(
    r"^[0-9]{1,6}(?:\.[0-9]{1,6}){0,4}(?:(?:a|b|rc|\.post|\.dev)[0-9]{1,6})?(?:\+[A-Za-z0-9.]{1,30})?$"
)
_PYTHON = pattern(r"^\s*([23])\.([0-9]{1,2})(?:\.[0-9]{1,3})?\s*$")

_USUAL = Settings()

# What gives way last comes first; pandas, which a model rarely needs, comes last of all.
_ORDER = {"scikit-learn": 0, "numpy": 1, "scipy": 2, "pandas": 9}


def prepare(wanted: Wanted, *, settings: Settings = _USUAL, progress: Progress = quiet) -> Environment:
    """The environment for what is wanted, built if it is not there yet.

    Raises:
        Unavailable: it cannot be had here: trouble of ours.
        RequirementsFailed: what the student's requirements ask for can be installed by nobody.
    """
    deadline = time.monotonic() + settings.seconds
    try:
        return _prepare(wanted, settings, progress, deadline)
    except OSError as problem:
        raise Unavailable(
            f"The environment could not be made: {problem.strerror or type(problem).__name__}"
            f" ({excerpt(str(problem.filename or settings.cache or 'cache'))})."
        ) from None


def _prepare(wanted: Wanted, settings: Settings, progress: Progress, deadline: float) -> Environment:
    packages = _packages(wanted)
    root = cache.root(settings)
    found = pythons.find(settings.pythons, root)

    def tool() -> Installer:
        from grader.rehearsal.installer import installer

        return installer(settings, root, deadline)

    python = _minor(wanted.python)
    answer = root / "answers" / f"{_question(wanted.python, packages, found)}.json"
    place = _answered(answer, root, old=settings.offline)
    if place is None:
        with cache.lock(root, f"answer-{answer.stem}", deadline, progress):
            place = _answered(answer, root)
            if place is None:
                try:
                    maker = _Maker(tool(), root, settings, python, packages, found, progress, deadline)
                    place = maker.make(answer)
                except Unavailable:
                    place = _answered(answer, root, old=True)
                    if place is None:
                        raise
    record = cache.made(place, **_FIELDS)
    if record is None:
        raise Unavailable("The environment vanished while it was being made; try again.")
    found = pythons.find(settings.pythons, root)
    interpreter = next((i for i in found if str(i.executable) == record["executable"]), None)
    if interpreter is None:
        raise Unavailable("The Python of the environment vanished while it was being made; try again.")
    there: dict[str, str] = dict(record["packages"])  # a copy: it is added to
    notes = _notes(wanted, python, packages, interpreter, found, there)
    readable: list[Path] = [place]
    extra: tuple[Path, ...] = ()
    if wanted.requirements:
        exact = python == interpreter.minor
        added = requirements.install(
            tool, wanted.requirements, place.name, there, interpreter, root,
            whole=wanted.whole, exact=exact, deadline=deadline, progress=progress,
        )  # fmt: skip
        notes = (*notes, *added.notes)
        there.update(added.packages)
        if added.folder is not None:
            extra = (added.folder,)
            readable.append(added.folder)
    return Environment(
        place / "bin" / "python",
        (*readable, *pythons.readable(interpreter)),
        extra,
        ".".join(map(str, interpreter.version)),
        tuple(sorted(there.items())),
        notes,
    )


def _packages(wanted: Wanted) -> dict[str, str]:
    """What is wanted, by name, in the order in which it counts.

    Raises:
        Unavailable: something in it is no name or no version; it may come from a model file.
    """
    found: dict[str, str] = {}
    for name, version in wanted.packages:
        text = version.strip()
        if not _NAME.match(name) or (text and not _VERSION.match(text)):
            raise Unavailable(
                f"`{excerpt(f'{name} {version}', 60)}` is no version that an environment can be built with."
            )
        found[cache.canonical(name)] = text.partition("+")[0]
    if "scikit-learn" not in found:
        raise Unavailable("No version of scikit-learn is known, so no environment can be built.")
    return dict(sorted(found.items(), key=lambda item: (_ORDER.get(item[0], 5), item[0])))


def _minor(python: str | None) -> tuple[int, int] | None:
    match = _PYTHON.match(python or "")
    return (int(match.group(1)), int(match.group(2))) if match else None


def _question(python: str | None, packages: Mapping[str, str], found: tuple[Interpreter, ...]) -> str:
    """The key of a wish on this machine as it is: another Python that comes may be a better answer."""
    there = [[str(i.executable), *i.version] for i in found]
    machine = os.uname() if hasattr(os, "uname") else None
    kind = [machine.sysname, machine.machine] if machine else [os.name]
    return cache.key("answer", kind, _minor(python), dict(packages), there)


_FIELDS = {"executable": str, "packages": dict}  # of an environment's record
_STALE = 86_400.0  # seconds after which an answer that is not quite what was wanted is looked for anew


def _answered(answer: Path, root: Path, *, old: bool = False) -> Path | None:
    """The environment that was found before to answer this, if it is still there; an ``old`` answer will do if said so."""
    record = cache.read(answer)
    if record is None:
        return None
    until, name = record.get("until"), record.get("environment")
    if not isinstance(name, str) or not isinstance(until, (int, float, type(None))):
        return None
    if until is not None and not old and not 0 <= until - time.time() <= _STALE:
        return None
    place = root / "environments" / name
    sound = (place / "bin" / "python").exists() and cache.made(place, **_FIELDS) is not None
    return place if sound else None


class _Maker:
    """Finds out which environment answers a wish, and builds it."""

    def __init__(
        self,
        tool: Installer,
        root: Path,
        settings: Settings,
        python: tuple[int, int] | None,
        packages: dict[str, str],
        found: tuple[Interpreter, ...],
        progress: Progress,
        deadline: float,
    ) -> None:
        self.tool, self.root, self.settings = tool, root, settings
        self.python, self.packages, self.found = python, packages, found
        self.progress, self.deadline = progress, deadline
        self.home = python or companions.home(release(packages["scikit-learn"]))
        self.troubles: list[str] = []

    def make(self, answer: Path) -> Path:
        """The environment's folder, built; ``answer`` then says that it is the one.

        Raises:
            Unavailable: nothing near enough can be had.
        """
        from grader.rehearsal.solving import solve

        for interpreter, series in self._tries():
            solved = solve(self.tool, interpreter, self.packages, series=series)
            pins = solved.pins
            if pins is None:
                self.troubles.extend(solved.troubles)
                continue
            place = (
                self.root
                / "environments"
                / cache.key("environment", str(interpreter.executable), interpreter.version, pins)
            )
            cache.build(
                self.root, place, partial(self._build, place, interpreter, pins),
                deadline=self.deadline, progress=self.progress, fields=_FIELDS,
            )  # fmt: skip
            got = {
                cache.canonical(name): version for name, _, version in (pin.partition("==") for pin in pins)
            }
            exact = self.python in (None, interpreter.minor) and all(
                answers(got.get(name, ""), version) for name, version in self.packages.items()
            )
            until = None if exact else time.time() + _STALE
            found = pythons.find(self.settings.pythons, self.root)
            for key in {answer.stem, _question(self._python_text(), self.packages, found)}:
                cache.write(answer.with_name(f"{key}.json"), {"environment": place.name, "until": until})
            return place
        raise Unavailable(self._nothing())

    def _python_text(self) -> str | None:
        return ".".join(map(str, self.python)) if self.python else None

    def _tries(self) -> Iterator[tuple[Interpreter, bool]]:
        """(interpreter, whether any patch of scikit-learn's series will do), best first."""
        at_hand = pythons.nearest(self.home, self.found)
        exact = [i for i in at_hand if i.minor == self.home]
        if not exact and self.python is not None:
            exact = self._downloaded()
        near = [i for i in at_hand if i.minor != self.home]
        for series in (False, True):
            yield from ((i, series) for i in exact)
        for series in (False, True):
            yield from ((i, series) for i in near)
        if not exact and self.python is None:
            exact = self._downloaded()
            for series in (False, True):
                yield from ((i, series) for i in exact)

    def _downloaded(self) -> list[Interpreter]:
        if self.home < pythons.OLDEST:
            return []
        from grader.rehearsal.installer import download

        name = ".".join(map(str, self.home))
        with cache.lock(self.root, f"python-{name}", self.deadline, self.progress):
            trouble = download(self.tool, self.home, self.progress)
        if trouble is not None:
            self.troubles.append(f"Python {name} could not be downloaded: {trouble}")
        found = pythons.find(self.settings.pythons, self.root)
        return [i for i in found if i.minor == self.home][:1]

    def _build(
        self, place: Path, interpreter: Interpreter, pins: tuple[str, ...], folder: Path
    ) -> dict[str, Any]:
        """Fill ``folder`` as the virtual environment that will be ``place``."""
        from grader.rehearsal.bytecode import compile_sources
        from grader.rehearsal.installer import install

        told = dict(pin.split("==", 1) for pin in pins)
        names = [f"{name} {told[name]}" for name in self.packages if name in told]
        self.progress(f"building an environment: Python {interpreter.series}, {', '.join(names)}")
        site = folder / "lib" / f"python{interpreter.series}" / "site-packages"
        install(self.tool, pins, interpreter, site)
        # Three things make a virtual environment; made by hand, there is no .pth file in it to run at every start.
        (folder / "bin").mkdir()
        (folder / "bin" / "python").symlink_to(interpreter.executable)
        (folder / "pyvenv.cfg").write_text(
            f"home = {interpreter.executable.parent}\ninclude-system-site-packages = false\n"
            f"version = {'.'.join(map(str, interpreter.version))}\n",
            encoding="utf-8",
        )
        compile_sources(interpreter, site, place / site.relative_to(folder), self.deadline)
        return {"executable": str(interpreter.executable), "packages": cache.installed(site)}

    def _nothing(self) -> str:
        version = self.packages["scikit-learn"] or "of any version"
        there = ", ".join(
            i.series for i in sorted(pythons.nearest(self.home, self.found), key=lambda i: i.version)
        )
        home = ".".join(map(str, self.home))
        why = f" ({self.troubles[0]})" if self.troubles else ""
        here = any(i.minor == self.home for i in self.found)
        remedy = "see that the package index can be reached and has it" if here else f"install Python {home}"
        return (
            f"scikit-learn {version} could not be installed for Python {home}, nor for any other Python found here "
            f"({there or 'none'}){why}; {remedy}."
        )


def _notes(
    wanted: Wanted,
    python: tuple[int, int] | None,
    packages: Mapping[str, str],
    interpreter: Interpreter,
    found: tuple[Interpreter, ...],
    there: Mapping[str, str],
) -> tuple[str, ...]:
    """What is not as wanted, as sentences without the full stop."""
    notes = []
    if python is None and wanted.python:
        notes.append(
            f"`{excerpt(wanted.python, 20)}` is no version of Python; Python {interpreter.series} was used"
        )
    elif python is not None and python != interpreter.minor:
        name = ".".join(map(str, python))
        here = any(i.minor == python for i in found)
        why = "this could not be installed for it" if here else "it is not installed here"
        notes.append(f"Python {interpreter.series} was used in place of Python {name}: {why}")
    for name, version in packages.items():
        got = there.get(name)
        if got is None:
            notes.append(f"{name} {version} was not to be had".replace("  ", " "))
        elif version and not answers(got, version):
            notes.append(
                f"{name} {got} was used; {version} was not to be had for Python {interpreter.series}"
            )
    return tuple(notes)
