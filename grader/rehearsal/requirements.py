"""A student's requirements.txt: which of its lines are taken, and installing those beside an environment.

Lines that pip would follow elsewhere (other files, addresses, paths, options) are told and left out. What is taken is
installed as pip would in the container: what the environment already has stays, unless a line asks for another version,
which then stands before it on ``sys.path``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from grader.patterns import pattern
from grader.rehearsal import cache
from grader.rehearsal.pythons import Interpreter
from grader.rehearsal.settings import Progress, RequirementsFailed, Unavailable
from grader.text import excerpt

if TYPE_CHECKING:
    from grader.rehearsal.installer import Installer, NoSolution

MOST_TEXT = 200_000  # characters of a requirements.txt
MOST_LINE = 1_000  # characters of a line, continuations included
MOST_LINES = 2_000  # comments and empty ones not counted
MOST_TAKEN = 300  # lines; a frozen environment of a student's has some two hundred
_MOST_REFUSED = 100  # told
_MOST_LEFT_OUT = 10  # of the lines, for want of a wheel
_PATIENCE = 200.0  # seconds for finding versions that fit together; lines can be made to take for ever


class Sifted(NamedTuple):
    """``taken``: requirements in their plain form. ``refused``: (line number from 1, the line's beginning, why)."""

    taken: tuple[str, ...]
    refused: tuple[tuple[int, str, str], ...]


def sift(text: str) -> Sifted:
    """The lines of a requirements.txt of the form ``name[extras] specifier; marker``, and the others with the reason.

    Comments and empty lines are neither. A backslash at a line's end continues it, as in pip. Never raises, whatever the
    text; what is over a bound is refused.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    taken: dict[str, None] = {}
    refused: list[tuple[int, str, str]] = []

    def refuse(number: int, line: str, why: str) -> None:
        if len(refused) < _MOST_REFUSED:
            refused.append((number, excerpt(line), why))

    for count, (number, line) in enumerate(_lines(text[:MOST_TEXT])):
        if count >= MOST_LINES:
            refuse(number, line, f"no more than {MOST_LINES} lines are read")
            break
        why = _strange(line)
        if why is None and len(taken) >= MOST_TAKEN:
            refuse(number, line, f"no more than {MOST_TAKEN} lines are taken")
            break
        if why is None:
            try:
                requirement = Requirement(line)
            except (InvalidRequirement, ValueError, RecursionError):
                why = "it is not of the form `name specifier; marker`"
            else:
                plain = str(requirement)
                if requirement.url is not None:
                    why = "it names an address; only packages of the index are installed"
                elif not _PLAIN.match(plain):
                    why = "it holds characters that no requirement needs"
                else:
                    taken[plain] = None
        if why is not None:
            refuse(number, line, why)
    if len(text) > MOST_TEXT:
        refuse(text.count("\n", 0, MOST_TEXT) + 1, text[MOST_TEXT : MOST_TEXT + 80], "the file is too long")
    return Sifted(tuple(taken), tuple(refused))


_COMMENT = pattern(r"(?:^|\s)#.*$")
_BREAK = pattern(r"\r\n|\r|\n")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """(number of the first, joined text) of the lines, without comments and empty ones."""
    begun: list[str] = []
    first = length = 0
    for number, raw in enumerate(_BREAK.split(text.removeprefix("\ufeff")), 1):
        if not begun:
            first, length = number, 0
        length += len(raw)
        comment = raw.lstrip().startswith("#")
        if raw.endswith("\\") and not comment:
            if length <= 2 * MOST_LINE:
                begun.append(raw[:-1])
            continue
        joined = "".join([*begun, f" {raw}" if comment else raw])
        begun = []
        line = _COMMENT.sub("", joined[: 2 * MOST_LINE + 2]).strip()
        if line:
            yield first, line
    line = _COMMENT.sub("", "".join(begun)).strip()
    if line:
        yield first, line


_SCHEME = pattern(r"^[A-Za-z][A-Za-z0-9+.-]*:")
_PLAIN = pattern(r"^[A-Za-z0-9][ -~]*$")
_CONDA = pattern(r"^[A-Za-z0-9._-]+=[^=\s]+(?:=[^=\s]*)?$")
_OPTIONS = {
    "-r": "it names another file",
    "--requirement": "it names another file",
    "-c": "it names another file",
    "--constraint": "it names another file",
    "-e": "it is installed from source; only wheels of the index are",
    "--editable": "it is installed from source; only wheels of the index are",
}


def _strange(line: str) -> str | None:
    """Why a line is no plain requirement, None where it may be one; each as the end of a sentence."""
    if len(line) > MOST_LINE:
        return "it is too long"
    if line.startswith("-"):
        option = line.partition("=")[0].split(maxsplit=1)[0]
        short = option if option.startswith("--") else option[:2]
        return _OPTIONS.get(short, "options are not taken")
    if "$" in line:
        return "it depends on an environment variable"
    if " --" in line:
        return "options are not taken, those of a line neither"
    if _SCHEME.match(line):
        return "it names an address; only packages of the index are installed"
    if line.startswith((".", "/", "~", "\\")) or _is_path(line):
        return "it names a path; only packages of the index are installed"
    if _CONDA.match(line):
        return "it is in conda's form, which pip does not take either"
    return None


def _is_path(line: str) -> bool:
    head = line.partition(";")[0].partition("[")[0]
    return "@" not in head and (
        "/" in head or "\\" in head or head.rstrip().endswith((".whl", ".tar.gz", ".zip"))
    )


# Its versions since 2023-12-01 raise an error when they are installed (pypi.org/project/sklearn, 2026-11-22).
_NOTICE = (
    "What requirements.txt asks for cannot be installed: `sklearn` is no package but a notice on the index, at which pip "
    "stops; the package is called `scikit-learn`."
)


class Added(NamedTuple):
    """What a student's lines add to an environment: a folder for ``sys.path`` (None: nothing), and what is in it."""

    folder: Path | None
    packages: dict[str, str]
    notes: tuple[str, ...]


def install(
    tool_of: Callable[[], Installer],
    lines: Sequence[str],
    environment: str,
    base: Mapping[str, str],
    interpreter: Interpreter,
    root: Path,
    *,
    whole: bool,
    exact: bool,
    deadline: float,
    progress: Progress,
) -> Added:
    """Install sifted ``lines`` beside the environment of that key, whose packages are ``base``; once.

    ``tool_of`` makes the installer when one is needed. ``whole`` is False where lines were refused, ``exact`` where this is
    not surely the Python of the container: then nothing that fails is laid to the student.

    A line is left out, and that noted, where there is only the source of its package.

    Raises:
        RequirementsFailed: nobody could install them.
        Unavailable: they cannot be installed here.
    """
    if any(cache.canonical(line) == "sklearn" for line in lines):
        raise RequirementsFailed(_NOTICE)
    place = root / "requirements" / cache.key("requirements", environment, sorted(lines))

    def work(folder: Path) -> dict[str, Any]:
        from grader.rehearsal import installer
        from grader.rehearsal.bytecode import compile_sources

        tool = tool_of()
        count = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
        progress(f"installing what requirements.txt asks for ({count}), for Python {interpreter.series}")
        kept = [f"{name}=={version}" for name, version in base.items()]
        asked = list(lines)
        left_out: list[str] = []
        while True:
            try:
                pins = installer.resolve(tool, asked, interpreter, prefer=kept, seconds=_PATIENCE)
                break
            except installer.NoSolution as problem:
                unbuilt = [line for line in asked if _name(line) in problem.unbuilt]
                if not unbuilt or len(left_out) >= _MOST_LEFT_OUT:
                    raise _failed(problem, tool, interpreter, whole=whole, exact=exact) from None
                left_out += unbuilt
                asked = [line for line in asked if line not in unbuilt]
        wanted = dict(_split(pin) for pin in pins)
        new = {name: version for name, version in wanted.items() if base.get(name) != version}
        target = folder / "site-packages"
        installer.install(tool, [f"{name}=={version}" for name, version in new.items()], interpreter, target)
        compile_sources(interpreter, target, place / "site-packages", deadline)
        return {"packages": cache.installed(target), "left_out": left_out}

    fields = {"packages": dict, "left_out": list}
    record = cache.build(root, place, work, deadline=deadline, progress=progress, fields=fields)
    packages: dict[str, str] = record["packages"]
    notes = tuple(
        f"{_name(line)} of requirements.txt was left out (`{excerpt(line, 60)}`): there is no wheel of it for "
        f"Python {interpreter.series}, and nothing is built from source here"
        for line in record["left_out"]
    )
    notes += tuple(
        f"requirements.txt asks for {name} {version}, which was used in place of {base[name]}"
        for name, version in packages.items()
        if base.get(name, version) != version
    )
    return Added(place / "site-packages" if packages else None, packages, notes)


def _split(pin: str) -> tuple[str, str]:
    name, _, version = pin.partition("==")
    return cache.canonical(name), version


_LEADING = pattern(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")


def _name(line: str) -> str:
    """The package that a sifted line is about."""
    match = _LEADING.match(line)
    return cache.canonical(match.group()) if match else ""


def _failed(
    problem: NoSolution, tool: Installer, interpreter: Interpreter, *, whole: bool, exact: bool
) -> Exception:
    """Whose trouble it is that lines cannot be installed; when that is not sure, ours."""
    doubt = problem.doubt
    if doubt is None and not whole:
        doubt = "some of its lines were left out"
    if doubt is None and not exact:
        doubt = f"Python {interpreter.series} is not surely that of the container"
    if doubt is None and not _index_answers(tool, interpreter):
        doubt = "the package index does not answer as usual"
    if doubt is not None:
        return Unavailable(
            f"What requirements.txt asks for could not be installed here ({doubt}): {problem.reason}"
        )
    return RequirementsFailed(f"What requirements.txt asks for cannot be installed: {problem.reason}")


def _index_answers(tool: Installer, interpreter: Interpreter) -> bool:
    """Whether the index, asked anew, knows a package that is surely there."""
    from grader.rehearsal import installer

    try:
        return bool(installer.resolve(tool, ["joblib"], interpreter, seconds=60.0, fresh="joblib"))
    except (installer.NoSolution, Unavailable):
        return False
