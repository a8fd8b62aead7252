"""Which script a deployment on SageMaker starts from, and which `model_fn` counts."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from grader.facts.counted.subject import Subject
from grader.facts.records import ModelCall, ModelFn, Place
from grader.patterns import pattern

_ESTIMATORS = frozenset(
    {
        "SKLearn",
        "XGBoost",
        "PyTorch",
        "TensorFlow",
        "HuggingFace",
        "MXNet",
        "Chainer",
        "Estimator",
        "ModelTrainer",
    }
)
_PROGRAM = pattern(r"SAGEMAKER_PROGRAM[\"']?\s*[=:,]\s*[\"']?([\w./-]+)")
_FILES = ("module", "writefile")
_COPIES = frozenset({"cp", "copy", "mv", "move"})


def concerns(subject: Subject, path: str) -> bool:
    """Whether what stands at ``path`` may be about this deployment: in its folder, or in nobody else's and no tutorial."""
    if subject.inside(path):
        return True
    return not subject.in_any_deploy_folder(path) and all(t.path != path for t in subject.facts.tutorials)


def calls(subject: Subject) -> tuple[ModelCall, ...]:
    """The calls that make the deployed model: in the folder before elsewhere, models before training estimators."""
    found = [call for call in subject.facts.model_calls if concerns(subject, call.path)]
    found = [call for call in found if subject.inside(call.path)] or found
    models = [call for call in found if call.class_name not in _ESTIMATORS]
    named = [call for call in models if call.entry_point_given]
    return tuple(named or [call for call in found if call.entry_point_given] or models or found)


@dataclass(frozen=True, slots=True)
class Entry:
    """A named entry point: ``script`` is its file, ``member`` the archive that holds it, ``elsewhere`` a like-named file."""

    name: str | None
    place: Place
    script: str | None = None
    member: str | None = None
    elsewhere: str | None = None
    remote: bool = False


def entries_of(subject: Subject) -> list[Entry]:
    """The entry points that calls, commands and data files name."""
    names = _known_files(subject)
    found = [_entry(subject, call, names) for call in calls(subject) if call.entry_point_given]
    for command in subject.facts.commands:
        match = _PROGRAM.search(" ".join(command.arguments)) if concerns(subject, command.path) else None
        if match:
            name = match.group(1)
            place = Place(command.path, command.cell, command.line)
            found.append(_located(subject, name, place, names, packed=True))
    found.extend(
        _located(subject, named.name, Place(named.path, None, named.line), names, packed=True)
        for named in subject.facts.entry_names
        if concerns(subject, named.path)
    )
    return found


def _entry(subject: Subject, call: ModelCall, names: frozenset[str]) -> Entry:
    place = Place(call.path, call.cell, call.line)
    if call.entry_point is None:
        return Entry(None, place)
    if call.script is not None:
        return Entry(call.entry_point, place, script=call.script)
    if call.source_dir is not None and "://" in call.source_dir:
        return Entry(call.entry_point, place, remote=True)
    if call.source_dir is not None:
        wanted = posixpath.basename(call.entry_point)
        copied = _copied(subject, call, wanted, names)
        if copied is not None:
            return Entry(call.entry_point, place, script=copied)
        alike = _alike(subject, wanted, names)
        return Entry(call.entry_point, place, elsewhere=alike[0] if alike else None)
    packed = call.submit_directory is not None or call.class_name in ("create_model", "Model")
    return _located(subject, call.entry_point, place, names, packed=packed)


def _copied(subject: Subject, call: ModelCall, wanted: str, names: frozenset[str]) -> str | None:
    """The script that a command beside the call copies into its source folder (`cp inference.py code/`)."""
    folder = posixpath.normpath(call.source_dir or ".")
    for command in subject.facts.commands:
        if command.program not in _COPIES or command.path != call.path:
            continue
        paths = [word for word in (command.verb, *command.arguments) if word and not word.startswith("-")]
        if len(paths) < 2 or posixpath.normpath(paths[-1]) not in (folder, posixpath.join(folder, wanted)):
            continue
        for path in paths[:-1]:
            if posixpath.basename(path) == wanted or posixpath.basename(paths[-1]) == wanted:
                for base in (posixpath.dirname(call.path), ""):
                    source = posixpath.normpath(posixpath.join(base, path))
                    if source in names:
                        return source
    return None


def _located(subject: Subject, name: str, place: Place, names: frozenset[str], *, packed: bool) -> Entry:
    """``packed``: the script is handed over inside an archive, so that where it lies in the repository means nothing."""
    wanted = posixpath.normpath(name).lstrip("/")
    home = posixpath.dirname(place.path)
    for base in (home, "", subject.folder.path if subject.folder else ""):
        path = posixpath.normpath(posixpath.join(base, wanted))
        if path in names:
            return Entry(name, place, script=path)
    if packed:
        for archive in subject.facts.archives:
            if any(plain(member) in (wanted, f"code/{wanted}") for member in archive.members):
                inside = [p for p in sorted(names) if _ends(p, wanted) and subject.inside(p)]
                return Entry(name, place, script=inside[0] if inside else None, member=archive.path)
    alike = _alike(subject, wanted, names)
    if packed and alike and subject.inside(alike[0]):
        return Entry(name, place, script=alike[0])
    return Entry(name, place, elsewhere=alike[0] if alike else None)


def _alike(subject: Subject, wanted: str, names: frozenset[str]) -> list[str]:
    """Files of that name elsewhere: in the folder before others, with a ``model_fn`` before those without."""
    serving = {fn.script or fn.path for fn in subject.facts.model_fns if not fn.estimator_homonym}
    return sorted(
        (p for p in names if _ends(p, wanted)),
        key=lambda p: (not subject.inside(p), p not in serving, p.count("/"), p),
    )


def _ends(path: str, name: str) -> bool:
    return path == name or path.endswith("/" + posixpath.basename(name))


def plain(member: str) -> str:
    """A member's name as a path without dots and a leading slash."""
    return posixpath.normpath(member).lstrip("/")


def _known_files(subject: Subject) -> frozenset[str]:
    """Files of the submission, and those that its cells and programs write."""
    return subject.file_names() | {w.target for w in subject.facts.written_files if w.target}


def functions_of(subject: Subject) -> list[ModelFn]:
    """Functions called ``model_fn`` that are no TensorFlow Estimator's, those of the folder before others."""
    found = [
        fn
        for fn in subject.facts.model_fns
        if not fn.estimator_homonym and concerns(subject, fn.script or fn.path)
    ]
    return [fn for fn in found if _in_folder(subject, fn)] or found


def _in_folder(subject: Subject, fn: ModelFn) -> bool:
    return subject.inside(fn.path) or (fn.script is not None and subject.inside(fn.script))


def place_of(fn: ModelFn, line: int | None = None) -> Place:
    """Where a function stands, or a line of it."""
    return Place(fn.path, fn.cell, line or fn.line)


def chosen(subject: Subject) -> tuple[list[ModelFn], str | None, bool]:
    """(functions to judge, the entry's script, whether the script is only inside an archive)."""
    entries = entries_of(subject)
    functions = functions_of(subject)
    for entry in entries:
        script = entry.script or entry.elsewhere
        if script is not None:
            own = [
                fn for fn in subject.facts.model_fns
                if not fn.estimator_homonym and (fn.script == script or (fn.script is None and fn.path == script))
            ]  # fmt: skip
            if own or entry.script is not None or not functions:
                return own, script, False
            # What only has the name that the call looks for is not judged where a model_fn is in another script.
    if any(entry.member for entry in entries):
        return functions, None, not functions
    return functions, None, False


def _is_from_file(fn: ModelFn) -> bool:
    return fn.via in (*_FILES, "method", "nested") or (fn.via == "string" and fn.script is not None)


def fault_of(fn: ModelFn) -> str | None:
    """Why a module-level function called ``model_fn`` does not do, as the end of a sentence."""
    if not fn.source_whole:
        return "no Python 3 parses the source it stands in"
    if fn.via == "method":
        return "it is a method of a class"
    if "main-guard" in fn.names:
        return 'it stands under `if __name__ == "__main__"`, which does not hold where SageMaker imports the script'
    if fn.via == "nested":
        return "it is defined inside another function"
    if fn.is_async:
        return "it is async, and SageMaker does not await it"
    if not fn.callable_with_one:
        return f"it cannot be called with one argument; its parameters are ({', '.join(fn.parameters)})"
    if not fn.returns_on_all_paths and fn.followed:
        return "it may return nothing" + (f" (line {fn.returns_none})" if fn.returns_none else "")
    return None


def judged(functions: Iterable[ModelFn]) -> ModelFn | None:
    """The one that counts: of a file before of a cell, at module level before others, faultless, the last."""
    ranked = sorted(
        functions,
        key=lambda fn: (
            _is_from_file(fn),
            fn.via not in ("method", "nested"),
            fault_of(fn) is None,
            -fn.path.count("/"),
            fn.line,
        ),
    )
    return ranked[-1] if ranked else None
