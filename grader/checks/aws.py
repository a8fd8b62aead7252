"""What SageMaker starts from: the script that the entry point names, its ``model_fn``, and the file that this loads."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from grader.checks import frameworks as _frameworks
from grader.checks.registry import Requirement, check
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, failed, partial, passed, review
from grader.facts.records import Archive, Command, Model, ModelCall, ModelFn, Place
from grader.patterns import pattern
from grader.text import excerpt

del _frameworks  # imported for its check, the family's fourth

_ESTIMATORS = frozenset(
    {"SKLearn", "XGBoost", "PyTorch", "TensorFlow", "HuggingFace", "MXNet", "Chainer", "Estimator"}
)
_IN_MODEL = "/opt/ml/model"
_PROGRAM = pattern(r"SAGEMAKER_PROGRAM[\"']?\s*[=:,]\s*[\"']?([\w./-]+)")
_FILES = ("module", "writefile")


def _concerns(subject: Subject, path: str) -> bool:
    """Whether what stands at ``path`` may be about this deployment: in its folder, or in nobody else's and no tutorial."""
    if subject.inside(path):
        return True
    return not subject.in_any_deploy_folder(path) and all(t.path != path for t in subject.facts.tutorials)


def _calls(subject: Subject) -> tuple[ModelCall, ...]:
    """The calls that make the deployed model: in the folder before elsewhere, models before training estimators."""
    found = [call for call in subject.facts.model_calls if _concerns(subject, call.path)]
    found = [call for call in found if subject.inside(call.path)] or found
    models = [call for call in found if call.class_name not in _ESTIMATORS]
    named = [call for call in models if call.entry_point_given]
    return tuple(named or [call for call in found if call.entry_point_given] or models or found)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A named entry point: ``script`` is its file, ``member`` the archive that holds it, ``elsewhere`` a like-named file."""

    name: str | None
    place: Place
    script: str | None = None
    member: str | None = None
    elsewhere: str | None = None
    remote: bool = False


def _entries(subject: Subject) -> list[_Entry]:
    names = _known_files(subject)
    found = [_entry(subject, call, names) for call in _calls(subject) if call.entry_point_given]
    for command in subject.facts.commands:
        match = _PROGRAM.search(" ".join(command.arguments)) if _concerns(subject, command.path) else None
        if match:
            name = match.group(1)
            place = Place(command.path, command.cell, command.line)
            found.append(_located(subject, name, place, names, packed=True))
    found.extend(
        _located(subject, named.name, Place(named.path, None, named.line), names, packed=True)
        for named in subject.facts.entry_names
        if _concerns(subject, named.path)
    )
    return found


def _entry(subject: Subject, call: ModelCall, names: frozenset[str]) -> _Entry:
    place = Place(call.path, call.cell, call.line)
    if call.entry_point is None:
        return _Entry(None, place)
    if call.script is not None:
        return _Entry(call.entry_point, place, script=call.script)
    if call.source_dir is not None and "://" in call.source_dir:
        return _Entry(call.entry_point, place, remote=True)
    if call.source_dir is not None:
        wanted = posixpath.basename(call.entry_point)
        alike = sorted(
            (p for p in names if _ends(p, wanted)), key=lambda p: (not subject.inside(p), p.count("/"), p)
        )
        return _Entry(call.entry_point, place, elsewhere=alike[0] if alike else None)
    packed = call.submit_directory is not None or call.class_name in ("create_model", "Model")
    return _located(subject, call.entry_point, place, names, packed=packed)


def _located(subject: Subject, name: str, place: Place, names: frozenset[str], *, packed: bool) -> _Entry:
    """``packed``: the script is handed over inside an archive, so that where it lies in the repository means nothing."""
    wanted = posixpath.normpath(name).lstrip("/")
    home = posixpath.dirname(place.path)
    for base in (home, "", subject.folder.path if subject.folder else ""):
        path = posixpath.normpath(posixpath.join(base, wanted))
        if path in names:
            return _Entry(name, place, script=path)
    if packed:
        for archive in subject.facts.archives:
            if any(_plain(member) in (wanted, f"code/{wanted}") for member in archive.members):
                inside = [p for p in sorted(names) if _ends(p, wanted) and subject.inside(p)]
                return _Entry(name, place, script=inside[0] if inside else None, member=archive.path)
    alike = sorted(
        (p for p in names if _ends(p, wanted)), key=lambda p: (not subject.inside(p), p.count("/"), p)
    )
    if packed and alike and subject.inside(alike[0]):
        return _Entry(name, place, script=alike[0])
    return _Entry(name, place, elsewhere=alike[0] if alike else None)


def _ends(path: str, name: str) -> bool:
    return path == name or path.endswith("/" + posixpath.basename(name))


def _plain(member: str) -> str:
    return posixpath.normpath(member).lstrip("/")


def _known_files(subject: Subject) -> frozenset[str]:
    """Files of the submission, and those that its cells and programs write."""
    return subject.file_names() | {w.target for w in subject.facts.written_files if w.target}


def _functions(subject: Subject) -> list[ModelFn]:
    """Functions called ``model_fn`` that are no TensorFlow Estimator's, those of the folder before others."""
    found = [
        fn
        for fn in subject.facts.model_fns
        if not fn.estimator_homonym and _concerns(subject, fn.script or fn.path)
    ]
    return [fn for fn in found if _in_folder(subject, fn)] or found


def _in_folder(subject: Subject, fn: ModelFn) -> bool:
    return subject.inside(fn.path) or (fn.script is not None and subject.inside(fn.script))


def _place(fn: ModelFn, line: int | None = None) -> Place:
    return Place(fn.path, fn.cell, line or fn.line)


def _unread(subject: Subject, *paths: str | None) -> str | None:
    """One of ``paths`` (or, without any, of the folder's sources) that was not read for a bound or a damage."""
    for note in subject.facts.unread:
        source = not paths and subject.inside(note.path) and note.path.endswith((".py", ".ipynb"))
        if (source or note.path in paths) and "no Python 3 parses" not in note.why:
            return note.path
    return None


@check("aws.entry-point", requires=("folder.present",), platform="aws")
def entry_point(subject: Subject) -> Verdict:
    """The script that the entry point names is there

    Why: SageMaker starts the script that `entry_point` names; without it the endpoint never answers its health check.
    Example: `SKLearnModel(entry_point="inference.py", ...)`, and `aws_deploy/inference.py` is in the repository.
    Remedy: Name the script as it is called, by its path from the notebook that deploys, and commit it.
    """
    entries = _entries(subject)
    there = [entry for entry in entries if entry.script or entry.member]
    if there:
        first = there[0]
        where = first.script or f"the archive {excerpt(first.member or '')}"
        return passed(
            f"The entry point `{excerpt(first.name or '')}` is there: {excerpt(where)}.", first.place
        )
    elsewhere = [entry for entry in entries if entry.elsewhere]
    if elsewhere:
        first = elsewhere[0]
        return partial(
            f"The entry point `{excerpt(first.name or '')}` was expected where the call looks for it; "
            f"a script of that name lies at {excerpt(first.elsewhere or '')} instead.",
            first.place,
            Place(first.elsewhere or "."),
        )
    remote = [entry for entry in entries if entry.remote or entry.name is None]
    if remote:
        why = (
            "its source directory is in the cloud"
            if remote[0].remote
            else "its value cannot be told from the files"
        )
        return review(f"The entry point was expected in the repository; {why}.", *(e.place for e in remote))
    if entries:
        return failed(
            f"The entry point `{excerpt(entries[0].name or '')}` was expected in the repository; no such file is there.",
            *(entry.place for entry in entries),
        )
    scripts = [fn for fn in _functions(subject) if fn.script and fn.via in (*_FILES, "string")]
    if scripts:
        return partial(
            "A model or estimator was expected to name its entry point; "
            f"{excerpt(scripts[0].script or '')} has a model_fn, but nothing refers to it.",
            *(_place(fn) for fn in scripts),
        )
    if (unread := _unread(subject)) is not None:
        return review("An entry point was expected; a source in the folder could not be read.", Place(unread))
    own = [call for call in _calls(subject) if call.class_name not in ("SKLearnModel", "SKLearn")]
    if own and all(call.framework != "sklearn" for call in own):
        return review(
            "An entry point was expected; this deployment names none, as a built-in algorithm or another framework may.",
            *(Place(call.path, call.cell, call.line) for call in own),
        )
    return failed(
        "A script named by `entry_point=` or `SAGEMAKER_PROGRAM` was expected; neither a name nor a script is there.",
        subject.where,
    )


def _chosen(subject: Subject) -> tuple[list[ModelFn], str | None, bool]:
    """(functions to judge, the entry's script, whether the script is only inside an archive)."""
    entries = _entries(subject)
    functions = _functions(subject)
    for entry in entries:
        script = entry.script or entry.elsewhere
        if script is not None:
            own = [
                fn for fn in subject.facts.model_fns
                if not fn.estimator_homonym and (fn.script == script or (fn.script is None and fn.path == script))
            ]  # fmt: skip
            return own, script, False
    if any(entry.member for entry in entries):
        return functions, None, not functions
    return functions, None, False


def _fault(fn: ModelFn) -> str | None:
    """Why a module-level function called ``model_fn`` does not do, as the end of a sentence."""
    if not fn.source_whole:
        return "no Python 3 parses the source it stands in"
    if fn.via == "method":
        return "it is a method of a class"
    if fn.via == "nested":
        return "it is defined inside another function"
    if fn.is_async:
        return "it is async, and SageMaker does not await it"
    if not fn.callable_with_one:
        return f"it cannot be called with one argument; its parameters are ({', '.join(fn.parameters)})"
    if not fn.returns_on_all_paths:
        return "it may return nothing" + (f" (line {fn.returns_none})" if fn.returns_none else "")
    return None


def _is_from_file(fn: ModelFn) -> bool:
    return fn.via in (*_FILES, "method", "nested") or (fn.via == "string" and fn.script is not None)


def _judged(functions: Iterable[ModelFn]) -> ModelFn | None:
    """The one that counts: of a file before of a cell, at module level before others, faultless, the last."""
    ranked = sorted(
        functions,
        key=lambda fn: (
            _is_from_file(fn),
            fn.via not in ("method", "nested"),
            _fault(fn) is None,
            -fn.path.count("/"),
            fn.line,
        ),
    )
    return ranked[-1] if ranked else None


@check("aws.model-fn", requires=("folder.present",), platform="aws")
def model_fn(subject: Subject) -> Verdict:
    """The script defines model_fn, and it returns the model

    Why: SageMaker calls `model_fn(model_dir)` to get the model; it has to be there, take that one argument and return it.
    Example: `def model_fn(model_dir): return joblib.load(os.path.join(model_dir, "model.joblib"))`
    Remedy: Define `model_fn(model_dir)` at the top level of the script, and return the loaded model on every path.
    """
    functions, script, archived = _chosen(subject)
    if script is not None:
        source = next((s for s in subject.facts.sources if s.path == script), None)
        if source is not None and not source.whole:
            return failed(
                f"A model_fn was expected in {excerpt(script)}; no Python 3 parses that file.",
                *(Place(script, None, fn.line) for fn in functions[:1]) if functions else (Place(script),),
            )
    best = _judged(functions)
    if best is None:
        if archived:
            return review(
                "A model_fn was expected in the entry point's script, which lies in an archive only.",
                subject.where,
            )
        unread = _unread(subject, script) if script else _unread(subject)
        if unread is not None:
            return review(
                "A model_fn was expected; a source that may hold it could not be read.", Place(unread)
            )
        if script is not None:
            return failed(f"A model_fn was expected in {excerpt(script)}; it defines none.", Place(script))
        calls = _calls(subject)
        if calls and all(
            call.framework not in (None, "sklearn") and not call.entry_point_given for call in calls
        ):
            return review(
                "A model_fn was expected; the deployment is another framework's and may need none.",
                *(Place(call.path, call.cell, call.line) for call in calls),
            )
        return failed(
            "A model_fn was expected in the script of the deployment; there is none.", subject.where
        )
    if best.via == "cell" or (best.via == "string" and best.script is None):
        fault = _fault(best)
        if fault is not None:
            return failed(f"A model_fn that returns the model was expected; {fault}.", _place(best))
        what = "a cell of a notebook" if best.via == "cell" else "a string"
        return partial(
            f"A model_fn was expected in a script; it stands only in {what} that no file comes from.",
            _place(best),
        )
    fault = _fault(best)
    if fault is not None:
        return failed(
            f"A model_fn that takes one argument and returns the model was expected; {fault}.",
            _place(
                best, best.returns_none if not best.returns_on_all_paths and best.callable_with_one else None
            ),
        )
    if best.defined_in == "?":
        return review(
            "A model_fn was expected in the script; what is bound to that name is not in the repository.",
            _place(best),
        )
    return passed("The script defines model_fn, and it returns the model on every path.", _place(best))


def _archives(subject: Subject) -> list[Archive]:
    """Archives that may be the model's: by what is in them, by name, or named in a call; the folder's before others."""
    called = {posixpath.basename(call.model_data) for call in _calls(subject) if call.model_data}
    found = [
        archive
        for archive in subject.facts.archives
        if _concerns(subject, archive.path)
        and archive.kind != "source"
        and (
            archive.kind != "other" or "model" in _name(archive.path).lower() or _name(archive.path) in called
        )
    ]
    return [a for a in found if subject.inside(a.path)] or found


def _name(path: str) -> str:
    return posixpath.basename(path)


def _models(subject: Subject) -> list[Model]:
    loose = [m for m in subject.facts.models if m.member is None and _concerns(subject, m.path)]
    return [m for m in loose if subject.inside(m.path)] or loose


@check(
    "aws.model-fn-loads",
    requires=("folder.present", "aws.model-fn", Requirement("model.present", whole=True)),
    platform="aws",
)
def model_fn_loads(subject: Subject) -> Verdict:
    """model_fn loads the file that the model archive holds

    Why: SageMaker unpacks the archive into `model_dir`; a path or a loader that does not fit it fails at the first request.
    Example: `joblib.load(os.path.join(model_dir, "model.joblib"))`, and `model.joblib` at the root of `model.tar.gz`.
    Remedy: Join `model_dir` and the file's name as it stands in the archive, and read it with what wrote it.
    """
    functions, _, _ = _chosen(subject)
    fn = _judged(functions)
    if fn is None:
        return review(
            "A model_fn that loads the model was expected; which one counts cannot be told.", subject.where
        )
    at = _place(fn)
    if not fn.loads:
        if fn.uncertain or fn.defined_in == "?":
            return review(
                "A file loaded from model_dir was expected; what model_fn loads cannot be told.", at
            )
        return failed("A file loaded from model_dir was expected; model_fn loads none.", at)
    if "no-separator" in fn.names:
        return failed(
            "A path inside model_dir was expected; model_fn adds the name to it without a `/`, which is another place.",
            at,
        )
    if fn.from_model_dir is False:
        return _from_elsewhere(subject, fn, at)
    undecided = fn.from_model_dir is None or any("*" in path for path in fn.loads)
    if undecided:
        why = f"; {fn.uncertain[0]}" if fn.uncertain else ""
        return review(
            f"A path inside model_dir was expected; which file model_fn loads cannot be decided{why}.", at
        )
    return _against_archive(subject, fn, fn.loads, at)


def _from_elsewhere(subject: Subject, fn: ModelFn, at: Place) -> Verdict:
    shown = ", ".join(f"`{excerpt(path)}`" for path in fn.loads[:3])
    if "absolute" in fn.names and "module-level" not in fn.names and not {"file", "relative"} & set(fn.names):
        written = [p for p in fn.loads if p.startswith(_IN_MODEL + "/") or p == _IN_MODEL]
        others = [p for p in fn.loads if p.startswith("/") and p not in written]
        if written and not others:
            return partial(f"A path from model_dir was expected; model_fn writes it out: {shown}.", at)
    if "file" in fn.names and not {"relative", "absolute"} & set(fn.names):
        script = fn.script or fn.path
        beside = [posixpath.normpath(posixpath.join(posixpath.dirname(script), path)) for path in fn.loads]
        if "*" in "".join(fn.loads):
            return review(
                "A path from model_dir was expected; model_fn looks beside the script, at a path that cannot be decided.",
                at,
            )
        if set(beside) <= subject.file_names():
            return partial(
                f"A path from model_dir was expected; model_fn takes {shown} from beside the script, "
                "where the repository has it, so it is shipped with the code.",
                at,
            )
    if (
        all(p.startswith(_IN_MODEL) for p in fn.loads if p.startswith("/"))
        and "absolute" in fn.names
        and "relative" not in fn.names
    ):
        return partial(f"A path from model_dir was expected; model_fn writes it out: {shown}.", at)
    return failed(
        f"A file loaded from model_dir was expected; model_fn loads {shown}, which is another place.", at
    )


def _against_archive(subject: Subject, fn: ModelFn, loads: tuple[str, ...], at: Place) -> Verdict:
    shown = ", ".join(f"`{excerpt(path)}`" for path in loads[:3])
    archives = _archives(subject)
    damaged = [a for a in archives if a.problem and not a.members]
    readable = [a for a in archives if a not in damaged]
    best: Verdict | None = None
    for archive in readable:
        verdict = _in_members(subject, fn, loads, archive, at, shown)
        if verdict.status.value == "pass":
            return verdict
        if best is None or (best.status.value == "fail" and verdict.status.value != "fail"):
            best = verdict
    if best is not None and not damaged:
        return best
    if damaged:
        return review(
            f"model_fn loads {shown}; the model archive could not be read.",
            at,
            *(Place(a.path) for a in damaged),
        )
    return _against_loose(subject, fn, loads, at, shown)


def _in_members(
    subject: Subject, fn: ModelFn, loads: tuple[str, ...], archive: Archive, at: Place, shown: str
) -> Verdict:
    members = {_plain(m): m for m in archive.members if not posixpath.basename(m).startswith("._")}
    if archive.problem:
        return review(
            f"model_fn loads {shown}; the archive could be read in part only.", at, Place(archive.path)
        )
    missing = [p for p in loads if p != "." and not _holds(members, p)]
    if not missing:
        for path in loads:
            wrong = _misfit(subject, fn, archive.path, members.get(path))
            if wrong is not None:
                return failed(
                    f"model_fn loads {shown} from the archive, but {wrong}.", at, Place(archive.path)
                )
        return passed(f"model_fn loads {shown}, and the archive holds it there.", at, Place(archive.path))
    moved = [p for p in missing if any(posixpath.basename(m) == posixpath.basename(p) for m in members)]
    if len(moved) == len(missing):
        there = next(m for m in members if posixpath.basename(m) == posixpath.basename(moved[0]))
        return partial(
            f"model_fn loads {shown}; the archive holds it under another prefix, as `{excerpt(there)}`.",
            at,
            Place(archive.path),
        )
    return failed(
        f"model_fn loads {shown}; the archive {excerpt(archive.path)} does not hold `{excerpt(missing[0])}`.",
        at,
        Place(archive.path),
    )


def _holds(members: Iterable[str], path: str) -> bool:
    """A file, or a folder with something in it."""
    return any(
        m == path or m.startswith(path + "/") or ("*" in path and fnmatchcase(m, path)) for m in members
    )


def _misfit(subject: Subject, fn: ModelFn, path: str, member: str | None) -> str | None:
    """Why the loader cannot read the file, as the end of a sentence; None where it can, or where that is not known."""
    model = next(
        (
            m
            for m in subject.facts.models
            if m.path == path and (m.member == member or _plain(m.member or "") == _plain(member or ""))
        ),
        None,
    )
    if model is None or model.format is None or fn.loader is None or len(fn.loads) > 1:
        return None
    if fn.loader in ("pickle", "cloudpickle", "dill"):
        if model.format == "joblib":
            return f"{fn.loader} does not read what joblib wrote"
    elif fn.loader == "skops" and model.format in ("joblib", "pickle"):
        return f"skops does not read a {model.format} file"
    elif fn.loader == "joblib" and model.format in ("skops", "onnx", "xgboost", "lightgbm", "torch", "keras"):
        return f"joblib does not read a file of format {model.format}"
    return None


@dataclass(frozen=True, slots=True)
class _Packed:
    """One thing that a command or a program packs: its name in the archive (``.``: a folder's contents), its source."""

    member: str | None
    source: str | None
    place: Place


def _packed(subject: Subject) -> list[_Packed]:
    """What ``tar`` commands and programs put into archives."""
    found: list[_Packed] = []
    for packing in subject.facts.packings:
        if _concerns(subject, packing.path):
            place = Place(packing.path, packing.cell, packing.line)
            member = None if packing.member is None else _plain(packing.member)
            found.append(_Packed(member, packing.source, place))
    for command in subject.facts.commands:
        if command.program == "tar" and _concerns(subject, command.path):
            found.extend(_tar(command))
    return found


def _tar(command: Command) -> list[_Packed]:
    words = [*([command.verb] if command.verb else []), *command.arguments]
    place = Place(command.path, command.cell, command.line)
    found: list[_Packed] = []
    creating = False
    folder, waiting = "", ""
    for index, word in enumerate(words):
        if waiting:
            folder = word if waiting == "C" else folder
            waiting = ""
        elif word in ("-C", "--directory"):
            waiting = "C"
        elif word.startswith(("-C", "--directory=")):
            folder = word.removeprefix("--directory=").removeprefix("-C")
        elif word.startswith("--"):
            creating = creating or word == "--create"
            waiting = "f" if word == "--file" else ""
        elif word.startswith("-") or (index == 0 and re.fullmatch(r"[A-Za-z]+", word) and "f" in word):
            creating = creating or "c" in word
            waiting = "f" if word.endswith("f") or (index == 0 and not word.startswith("-")) else ""
        elif creating and word in ("*", "./*") and folder:
            found.append(_Packed(".", folder, place))
        elif creating:
            unclear = any(letter in word for letter in "${*?`")
            source = posixpath.join(folder, word)
            found.append(_Packed(None if unclear else _plain(word), None if unclear else source, place))
    return found


def _against_loose(subject: Subject, fn: ModelFn, loads: tuple[str, ...], at: Place, shown: str) -> Verdict:
    """No archive is at hand: what commands and programs would pack, of the model files that lie loose."""
    loose = _models(subject)
    packed = _packed(subject)
    places = tuple(dict.fromkeys(item.place for item in packed))
    if packed:
        missing = [p for p in loads if p != "." and not any(_would_hold(item, p, loose) for item in packed)]
        if not missing:
            model = next((m for m in loose if _name(m.path) == _name(loads[0])), None)
            wrong = None if model is None else _misfit(subject, fn, model.path, None)
            if wrong is not None:
                return failed(f"model_fn loads {shown}, but {wrong}.", at)
            return passed(f"model_fn loads {shown}, and it is packed so.", at, *places)
        if all(any(_name(item.member or "") == _name(p) for item in packed) for p in missing):
            return partial(f"model_fn loads {shown}; it is packed under another prefix.", at, *places)
        inside = [
            item
            for item in packed
            if item.member and any(_holds_loose(item, m, p) for m in loose for p in missing)
        ]
        if inside:
            where = excerpt(inside[0].member or "")
            return partial(f"model_fn loads {shown}; it is packed inside `{where}`.", at, *places)
        return review(f"model_fn loads {shown}; what is packed, and where, cannot be told.", at, *places)
    return review(
        f"model_fn loads {shown}; no model archive is in the repository, and no command packs it.",
        at,
        *(Place(m.path) for m in loose),
    )


def _would_hold(item: _Packed, path: str, loose: list[Model]) -> bool:
    if item.member is None:
        return False
    if item.member == ".":
        source = item.source
        return source is not None and any(_ends_with(m.path, posixpath.join(source, path)) for m in loose)
    return item.member == path or (
        path.startswith(item.member + "/") and any(_ends_with(m.path, path) for m in loose)
    )


def _holds_loose(item: _Packed, model: Model, path: str) -> bool:
    """Whether a folder is packed as such that holds the model."""
    folder = _plain(item.source or item.member or ".")
    return _name(model.path) == _name(path) and f"/{posixpath.dirname(model.path)}/".endswith(f"/{folder}/")


def _ends_with(path: str, end: str) -> bool:
    end = posixpath.normpath(end)
    while end.startswith("../"):
        end = end[3:]
    return f"/{path}".endswith("/" + end.lstrip("/"))
