"""The file that `model_fn` loads, held against the model archive, or against what would be packed into one."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from fnmatch import fnmatchcase

from grader.checks.registry import Requirement, check
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, failed, partial, passed, review
from grader.facts.counted.archives import (
    holds_loose,
    loose_models,
    model_archives,
    name_of,
    tar,
    what_is_packed,
    would_hold,
)
from grader.facts.counted.scripts import chosen, concerns, judged, place_of, plain
from grader.facts.records import Archive, ModelFn, Place
from grader.text import excerpt

_IN_MODEL = "/opt/ml/model"


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
    functions, _, _ = chosen(subject)
    fn = judged(functions)
    if fn is None:
        return review(
            "A model_fn that loads the model was expected; which one counts cannot be told.", subject.where
        )
    at = place_of(fn)
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
    unknown = fn.loader == "other" and bool(fn.uncertain)
    undecided = fn.from_model_dir is None or unknown or any("*" in path for path in fn.loads)
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
    archives = model_archives(subject)
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
        if best.status.value == "fail" and _packed_anew(subject, readable):
            packed = _against_loose(subject, fn, loads, at, shown)
            return packed if packed.status.value == "pass" else best
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
    members = {plain(m): m for m in archive.members if not posixpath.basename(m).startswith("._")}
    if archive.problem:
        return review(
            f"model_fn loads {shown}; the archive could be read in part only.", at, Place(archive.path)
        )
    missing = [p for p in loads if p != "." and not _holds(members, p)]
    if missing and fn.alternatives:
        # It asks which are there: one way that finds all its files will do, with what every way needs.
        optional = {path for way in fn.alternatives for path in way}
        ways = [way for way in fn.alternatives if all(_holds(members, path) for path in way)]
        if ways and not any(path not in optional for path in missing):
            loads = tuple(p for p in loads if p not in optional or p in ways[0])
            missing = []
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
            if m.path == path and (m.member == member or plain(m.member or "") == plain(member or ""))
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


def _packed_anew(subject: Subject, archives: Iterable[Archive]) -> bool:
    """Whether a command packs an archive that is none of these: the one to deploy is made when it runs."""
    names = {name_of(archive.path) for archive in archives}
    return any(
        command.program == "tar"
        and concerns(subject, command.path)
        and any(tar(command))
        and not names & {name_of(word) for word in command.arguments}
        for command in subject.facts.commands
    )


def _against_loose(subject: Subject, fn: ModelFn, loads: tuple[str, ...], at: Place, shown: str) -> Verdict:
    """No archive is at hand: what commands and programs would pack, of the model files that lie loose."""
    loose = loose_models(subject)
    packed = what_is_packed(subject)
    places = tuple(dict.fromkeys(item.place for item in packed))
    if packed:
        missing = [p for p in loads if p != "." and not any(would_hold(item, p, loose) for item in packed)]
        if not missing:
            model = next((m for m in loose if name_of(m.path) == name_of(loads[0])), None)
            wrong = None if model is None else _misfit(subject, fn, model.path, None)
            if wrong is not None:
                return failed(f"model_fn loads {shown}, but {wrong}.", at)
            return passed(f"model_fn loads {shown}, and it is packed so.", at, *places)
        if all(any(name_of(item.member or "") == name_of(p) for item in packed) for p in missing):
            return partial(f"model_fn loads {shown}; it is packed under another prefix.", at, *places)
        inside = [
            item
            for item in packed
            if item.member and any(holds_loose(item, m, p) for m in loose for p in missing)
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
