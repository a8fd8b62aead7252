"""A deployment's files as SageMaker's scikit-learn container finds them.

The model archive is unpacked into ``/opt/ml/model``; the script, with its ``source_dir`` if there is one, into
``/opt/ml/code``, or it lies in the archive's own ``code`` folder (SageMaker Python SDK 2.257.6, ``sagemaker/model.py``, as
of 2026-11-22: without ``source_dir`` the script alone is shipped, and its ``dependencies``).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from grader.asking.handlers import handlers_of
from grader.facts.counted.archives import loose_models, model_archives, name_of, what_is_packed
from grader.facts.counted.models import is_estimator, of_deployment, resolved
from grader.facts.counted.scripts import Entry, calls, chosen, entries_of, judged, plain
from grader.facts.counted.subject import Subject
from grader.facts.records import Archive, Model, ModelCall, ModelFn
from grader.rehearsal import versions
from grader.rehearsal.laid import Laid, Nothing
from grader.rehearsal.shipped import Script, ship
from grader.rehearsal.stage import NotStaged, Stage
from grader.rehearsal.versions import Undecided
from grader.submission.errors import Unreadable
from grader.submission.tree import Tree
from grader.text import decode, excerpt

_MODEL = "/opt/ml/model"
_TEXT = 1_000_000


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
        doubts += _links(subject, archive)
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
    program, code_dir, text, requirements = ship(subject, script, tree, stage, notes, doubts)
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


def _script(subject: Subject) -> tuple[Script, ModelFn | None]:
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
        return Script(None if archived else named, call, member, holder.path), fn
    if named is not None:
        if fn is None:
            source = next((s for s in subject.facts.sources if s.path == named), None)
            if source is not None and source.whole:
                raise Nothing(f"`{excerpt(named, 80)}` defines no model_fn.", "aws.model-fn")
        if entry is not None and _handed_over(call):
            within = _member_of(subject, named)
            if within is not None:
                return Script(named, call, *within), fn
        return Script(named, call), fn
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
        return Script(path, call, *within), fn
    return Script(path, None, named=False), fn


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


def _archive(subject: Subject, loads: tuple[str, ...], script: Script) -> Archive | None:
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


def _links(subject: Subject, archive: Archive) -> list[tuple[str, str]]:
    """Links in the archive: SageMaker unpacks them, and here none is made."""
    start = f"{archive.path}!"
    links = [u.path for u in subject.facts.unread if u.path.startswith(start) and u.why.startswith("a link")]
    if not links:
        return []
    first = excerpt(links[0][len(start) :], 60)
    told = f"`{first}` is a link" if len(links) == 1 else f"`{first}` and {len(links) - 1} more are links"
    return [("place", f"of the archive's members {told}, and not followed here")]


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
