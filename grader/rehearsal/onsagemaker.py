"""A deployment's files as SageMaker's scikit-learn container finds them.

The model archive is unpacked into ``/opt/ml/model``; the script, with its ``source_dir`` if there is one, into
``/opt/ml/code``, or it lies in the archive's own ``code`` folder (SageMaker Python SDK 2.257.6, ``sagemaker/model.py``, as
of 2026-11-22: without ``source_dir`` the script alone is shipped, and its ``dependencies``).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import NamedTuple

from grader.asking.handlers import handlers_of
from grader.facts.counted.archives import loose_models, model_archives, name_of, what_is_packed
from grader.facts.counted.models import is_estimator, of_deployment, resolved
from grader.facts.counted.scripts import Entry, calls, chosen, entries_of, judged, plain
from grader.facts.counted.subject import Subject
from grader.facts.records import Archive, Model, ModelCall, ModelFn
from grader.rehearsal import versions
from grader.rehearsal.laid import Laid, Nothing
from grader.rehearsal.stage import NotStaged, Stage
from grader.rehearsal.versions import Undecided
from grader.submission.errors import Unreadable
from grader.submission.tree import Tree
from grader.text import decode, excerpt

_MODEL, _CODE = "/opt/ml/model", "/opt/ml/code"
_TEXT = 1_000_000
_UNSHIPPED = "the script alone is shipped, as `source_dir` is not given"


class _Script(NamedTuple):
    """The script that starts. ``archive`` holds it as ``member`` where it is handed over with the model."""

    path: str | None
    call: ModelCall | None
    member: str | None = None
    archive: str | None = None
    named: bool = True


def on_sagemaker(subject: Subject, tree: Tree, stage: Stage) -> Laid:
    """Lay the deployment of ``subject`` out in ``stage``.

    Raises:
        Nothing: there is no model, or no script with a ``model_fn``.
        Undecided, NotStaged: a person must look; the message says why.
    """
    script, fn = _script(subject)
    loads = fn.loads if fn is not None else ()
    notes: list[str] = []
    doubts: list[tuple[str, str]] = []
    archive = _archive(subject, loads, script)
    known: tuple[Model, ...]
    if archive is not None:
        _unpack(archive, tree, stage)
        known = tuple(m for m in subject.facts.models if m.path == archive.path)
        model = archive.path
        inside = next((m for m in known if m.member and any(_same(m.member, p) for p in loads)), None)
        if inside is None and len(known) == 1:
            inside = known[0]
        if inside is not None and inside.member:
            model = f"{archive.path}!{inside.member}"
    else:
        known, model = _loose(subject, loads, tree, stage, doubts)
    if fn is not None and "environment" in fn.names:
        doubts.append(
            (
                "place",
                "the path that model_fn opens comes from an environment variable, which is not set here",
            )
        )
    served = versions.on_sagemaker(subject, known)
    program, code_dir, text, requirements = _code(subject, script, tree, stage, notes, doubts)
    told = script.path
    if script.member is not None and (told is None or not _same_text(tree, told, text)):
        told = f"{script.archive}!{plain(script.member)}"
    return Laid(
        "aws", served, known, model, program, code_dir, told, text,
        handlers_of(text).defined if text else (), requirements, tuple(notes), tuple(doubts),
    )  # fmt: skip


def _same_text(tree: Tree, path: str, text: str | None) -> bool:
    try:
        return text is not None and decode(tree.read(path, _TEXT)) == text
    except (Unreadable, KeyError):
        return False


# -- the script ----------------------------------------------------------------------------------------------------


def _script(subject: Subject) -> tuple[_Script, ModelFn | None]:
    """The script that the deployment starts from: the one that the checks judge, wherever it lies."""
    functions, named, archived = chosen(subject)
    entries = entries_of(subject)
    fn = judged(functions)
    entry = next((e for e in entries if e.script or e.elsewhere or e.member), None)
    call = _call_of(subject, entry)
    packed = next((e for e in entries if e.member), None)
    if packed is not None and (named is None or _handed_over(call)):
        wanted = plain(packed.name or "")
        holder = next(a for a in subject.facts.archives if a.path == packed.member)
        member = next(m for m in holder.members if plain(m) in (wanted, f"code/{wanted}"))
        return _Script(None if archived else named, call, member, holder.path), fn
    if named is not None:
        if fn is None:
            source = next((s for s in subject.facts.sources if s.path == named), None)
            if source is not None and source.whole:
                raise Nothing(f"`{excerpt(named, 80)}` defines no model_fn.", "aws.model-fn")
        if call is not None and _handed_over(call):
            within = _member_of(subject, named)
            if within is not None:
                return _Script(named, call, *within), fn
        return _Script(named, call), fn
    if fn is None:
        others = [c for c in calls(subject) if c.framework not in (None, "sklearn", "scikit-learn")]
        if others:
            shown = excerpt(others[0].framework or "", 40)
            raise Undecided(
                f"The deployment is one of another framework, `{shown}`, which is not rehearsed here."
            )
        raise Nothing("There is no script with a model_fn.", "aws.model-fn")
    path = fn.script or (fn.path if fn.via in ("module", "method", "nested") else None)
    if path is None:
        raise Undecided("The model_fn stands only in a notebook or a string that no file comes from.")
    within = _member_of(subject, path)
    if within is not None and any(posixpath.basename(path) == name_of(e.name or "") for e in entries):
        return _Script(path, call, *within), fn
    return _Script(path, None, named=False), fn


def _call_of(subject: Subject, entry: Entry | None) -> ModelCall | None:
    if entry is None:
        return None
    return next(
        (
            c
            for c in calls(subject)
            if (c.path, c.cell, c.line) == (entry.place.path, entry.place.cell, entry.place.line)
        ),
        None,
    )


def _handed_over(call: ModelCall | None) -> bool:
    """Whether the script is handed over inside the model archive."""
    if call is None:
        return True  # a command or a data file names the program: nothing else ships it
    if call.submit_directory is not None:
        return call.submit_directory.startswith(_MODEL)
    return call.class_name in ("create_model", "Model") and call.source_dir is None


def _member_of(subject: Subject, script: str) -> tuple[str, str] | None:
    """(member, archive) of a model archive that holds a file called like ``script``, at its root or in ``code``."""
    name = name_of(script)
    for archive in model_archives(subject):
        for member in archive.members:
            if plain(member) in (name, f"code/{name}"):
                return member, archive.path
    return None


# -- the model -----------------------------------------------------------------------------------------------------


def _same(member: str, path: str) -> bool:
    return plain(member) == posixpath.normpath(path)


def _holds(archive: Archive, loads: Iterable[str]) -> bool:
    members = {plain(m) for m in archive.members}
    return all(path == "." or "*" in path or posixpath.normpath(path) in members for path in loads)


def _archive(subject: Subject, loads: tuple[str, ...], script: _Script) -> Archive | None:
    """The archive that is deployed; None where loose files are all there is.

    Raises:
        Undecided: which one it is, or what is in it, cannot be told.
        Nothing: there is no model at all.
    """
    found = model_archives(subject)
    whole = [a for a in found if not (a.problem and not a.members) and a.members]
    if script.archive is not None:
        whole = [a for a in whole if a.path == script.archive] or whole
    named = [
        a
        for a in whole
        for call in calls(subject)
        if call.model_data
        and (
            resolved(subject, call.model_data, call.path) == a.path
            or name_of(call.model_data) == name_of(a.path)
        )
    ]
    whole = named or whole
    fitting = [a for a in whole if loads and _holds(a, loads)]
    if len(whole) > 1:
        if len(fitting) != 1:
            listed = ", ".join(f"`{excerpt(a.path, 60)}`" for a in whole[:4])
            raise Undecided(f"Which of the model archives is deployed cannot be told: {listed}.")
        return fitting[0]
    if whole:
        loose = [m for m in loose_models(subject) if any(name_of(m.path) == name_of(p) for p in loads)]
        if not fitting and loads and loose and any(what_is_packed(subject)) and not named:
            return (
                None  # the archive at hand is an older one; what is packed when it runs holds what is loaded
            )
        return whole[0]
    broken = [a for a in found if a.problem]
    if broken and not _readable(subject):
        raise Undecided(
            f"The model archive `{excerpt(broken[0].path, 80)}` could not be read: {broken[0].problem}."
        )
    return None


def _readable(subject: Subject) -> list[Model]:
    return [m for m in loose_models(subject) if m.format is not None]


def _unpack(archive: Archive, tree: Tree, stage: Stage) -> None:
    try:
        data = tree.read(archive.path, stage.limits.model_bytes)
    except (Unreadable, KeyError) as problem:
        raise Undecided(
            f"The model archive `{excerpt(archive.path, 80)}` could not be read: {problem}."
        ) from None
    if data.startswith(b"PK"):
        raise Undecided(
            f"`{excerpt(archive.path, 80)}` is a zip; SageMaker unpacks a .tar.gz, so another file must be deployed."
        )
    stage.archive(archive.path, data, "model")


def _loose(
    subject: Subject, loads: tuple[str, ...], tree: Tree, stage: Stage, doubts: list[tuple[str, str]]
) -> tuple[tuple[Model, ...], str]:
    """Model files that lie loose, placed as an archive of them would have them. Returns them, and the first one's path."""
    loose = _readable(subject)
    away = {m.path for m in subject.facts.models if m.format is None}
    away |= {f.path for f in subject.facts.files if f.lfs or not f.here}
    names = subject.file_names() - away
    placed: dict[str, str] = {}
    for load in loads:
        if load == "." or "*" in load or load.startswith("/"):
            continue
        there = [p for p in names if name_of(p) == name_of(load)]
        there.sort(key=lambda p: (not subject.inside(p), p.count("/"), p))
        if there and (subject.inside(there[0]) or any(m.path == there[0] for m in loose)):
            placed[posixpath.normpath(load)] = there[0]
    if not placed:
        models = [m for m in loose if is_estimator(m)] or loose
        if len(models) > 1:
            listed = ", ".join(f"`{excerpt(m.path, 60)}`" for m in models[:4])
            raise Undecided(f"Which of the model files is deployed cannot be told: {listed}.")
        if models:
            placed[name_of(models[0].path)] = models[0].path
    if not placed:
        _no_model(subject)
    for where, path in placed.items():
        if not _put_model(tree, stage, path, where):
            raise NotStaged(f"The model file `{excerpt(path, 80)}` is too large or unreadable.")
    told = {posixpath.normpath(p) for p in loads}
    first = next(iter(placed.values()))
    packed = {item.member for item in what_is_packed(subject) if item.member}
    if not set(placed) <= packed and "." not in packed:
        doubts.append(
            (
                "place",
                f"no model archive is in the repository; `{excerpt(first, 60)}` was placed as "
                f"`{excerpt(next(iter(placed)), 60)}`",
            )
        )
    elif told and not told <= set(placed):
        doubts.append(("place", "not every file that model_fn opens is in the repository"))
    paths = set(placed.values())
    known = tuple(m for m in subject.facts.models if m.member is None and m.path in paths)
    return known, first


def _put_model(tree: Tree, stage: Stage, path: str, where: str) -> bool:
    try:
        return stage.put(f"model/{where}", tree.read(path, stage.limits.model_bytes))
    except (Unreadable, KeyError):
        return False


def _no_model(subject: Subject) -> None:
    """Say why there is no model to rehearse with.

    Raises:
        Undecided, Nothing: one of them, always.
    """
    found = of_deployment(subject)
    pointer = next((m for m in found if m.lfs), None)
    if pointer is not None:
        raise Undecided(
            f"`{excerpt(pointer.path, 80)}` is a Git LFS pointer; the model itself is not in what was fetched."
        )
    unread = next((m for m in found if m.format is None and m.problem), None)
    if unread is not None:
        raise Undecided(f"The model `{excerpt(unread.path, 80)}` could not be read: {unread.problem}.")
    cloud = next((c.model_data for c in calls(subject) if "://" in (c.model_data or "")), None)
    if cloud is not None:
        raise Undecided(f"The model lies in the cloud only, at `{excerpt(cloud, 80)}`.")
    elsewhere = [m for m in subject.facts.models if is_estimator(m)]
    if elsewhere:
        raise Undecided(
            f"The deploy folder has no model; whether `{excerpt(elsewhere[0].path, 80)}` is the one deployed cannot be told."
        )
    raise Nothing("There is no serialized model.", "model.present")


# -- the code ------------------------------------------------------------------------------------------------------


def _code(
    subject: Subject,
    script: _Script,
    tree: Tree,
    stage: Stage,
    notes: list[str],
    doubts: list[tuple[str, str]],
) -> tuple[str, str, str | None, str | None]:
    """(program, code folder inside, the script's text, its requirements.txt); the files are written to ``stage``."""
    if script.member is not None:
        member = plain(script.member)
        folder, _, program = member.rpartition("/")
        # The container copies the folder to where code lies (sagemaker-containers 2.8.6.post2, `_files.py`).
        stage.copy(f"model/{folder}" if folder else "model", "code")
        return program, _CODE, _text(stage, f"code/{program}"), _text(stage, "code/requirements.txt")
    path = script.path or ""
    call = script.call
    folder, program = posixpath.split(path)
    if call is not None and call.source_dir_given:
        base = _source_dir(path, call)
        if base is None:
            doubts.append(
                ("code", "`source_dir` could not be followed; the script's folder was taken for it")
            )
        else:
            folder, program = base, posixpath.relpath(path, base or ".")
        stage.tree(tree, folder, "code")
    elif call is not None and call.class_name == "SKLearnModel" and call.dependencies is not None:
        _dependencies(subject, call, tree, stage, doubts)
        beside = posixpath.join(folder, "requirements.txt")
        if beside in subject.file_names():
            notes.append(f"`{excerpt(beside, 60)}` is not installed: {_UNSHIPPED}")
    else:
        doubts.append(("code", "what is shipped beside the script is not told; its folder was taken"))
        stage.tree(tree, folder, "code")
    _written(subject, folder, stage)
    if not stage.has(f"code/{program}"):
        if path in subject.file_names():
            stage.file(tree, path, f"code/{program}")
        else:
            text = _written_text(subject, path)
            if text is None:
                raise Undecided(
                    f"The script `{excerpt(path, 80)}` is made when a notebook runs; its text is not told."
                )
            stage.text(f"code/{program}", text)
    if not script.named:
        doubts.append(("code", f"nothing names the script; `{excerpt(path, 60)}` was taken"))
    return program, _CODE, _text(stage, f"code/{program}"), _text(stage, "code/requirements.txt")


def _source_dir(script: str, call: ModelCall) -> str | None:
    """The folder in the submission that ``source_dir`` means, by the script that was found in it."""
    if call.source_dir is None or call.entry_point is None:
        return None
    entry = posixpath.normpath(call.entry_point)
    if script == entry:
        return ""
    if script.endswith("/" + entry):
        return script[: -len(entry) - 1]
    return None


def _dependencies(
    subject: Subject, call: ModelCall, tree: Tree, stage: Stage, doubts: list[tuple[str, str]]
) -> None:
    """Files and folders that the call ships beside the script, each under its own last name."""
    names = subject.file_names()
    for written in call.dependencies or ():
        path = resolved(subject, written, call.path)
        if path is not None:
            stage.file(tree, path, f"code/{name_of(path)}")
            continue
        bases = (posixpath.dirname(call.path), "", subject.folder.path if subject.folder else "")
        folders = [posixpath.normpath(posixpath.join(base, written)).lstrip("/") for base in bases]
        there = next((f for f in folders if any(n.startswith(f + "/") for n in names)), None)
        if there is None:
            doubts.append(("code", f"the dependency `{excerpt(written, 60)}` is not in the repository"))
        else:
            stage.tree(tree, there, f"code/{name_of(there)}")


def _written(subject: Subject, folder: str, stage: Stage) -> None:
    """Modules that cells write into the code folder and the repository does not hold, as they come to be."""
    start = f"{folder}/" if folder else ""
    if not any(
        stage.has(f"code/{posixpath.relpath(p, folder or '.')}")
        for p in subject.file_names()
        if p.startswith(start)
    ):
        return  # the script alone is shipped
    for target in dict.fromkeys(w.target for w in subject.facts.written_texts):
        if target.startswith(start) and target not in subject.file_names():
            text = _written_text(subject, target)
            if text is not None and not target.startswith("/"):
                stage.text(f"code/{target[len(start) :]}", text)


def _written_text(subject: Subject, path: str) -> str | None:
    """The text that cells and programs write to ``path``: the last one, with what is added to it."""
    text: str | None = None
    for one in subject.facts.written_texts:
        if one.target == path:
            text = (text or "") + one.text if one.append else one.text
    return text


def _text(stage: Stage, where: str) -> str | None:
    path = stage.folder / where
    if not path.is_file() or path.stat().st_size > _TEXT:
        return None
    return decode(path.read_bytes())
