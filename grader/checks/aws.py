"""What SageMaker starts from: the script that the entry point names, and its ``model_fn``."""

from __future__ import annotations

from grader.checks import archived as _archived
from grader.checks import frameworks as _frameworks
from grader.checks.registry import check
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, failed, partial, passed, review
from grader.facts.counted.scripts import calls as calls_of
from grader.facts.counted.scripts import chosen, entries_of, fault_of, functions_of, judged, place_of
from grader.facts.records import Place
from grader.text import excerpt

del _archived, _frameworks  # imported for their checks, of the same family

_FILES = ("module", "writefile")


def _unread(subject: Subject, *paths: str | None) -> str | None:
    """One of ``paths`` (or, without any, of the folder's sources) that was not read for a bound or a damage.

    ``.`` stands for what concerns the whole submission, and so these too.
    """
    for note in subject.facts.unread:
        if note.path == ".":
            return note.path
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
    entries = entries_of(subject)
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
    scripts = [fn for fn in functions_of(subject) if fn.script and fn.via in (*_FILES, "string")]
    if scripts and any(note.path == "." for note in subject.facts.unread):
        return review("What names the entry point was expected; not all that may was read.", Place("."))
    if scripts:
        return partial(
            "A model or estimator was expected to name its entry point; "
            f"{excerpt(scripts[0].script or '')} has a model_fn, but nothing refers to it.",
            *(place_of(fn) for fn in scripts),
        )
    if (unread := _unread(subject)) is not None:
        return review("An entry point was expected; a source in the folder could not be read.", Place(unread))
    own = [call for call in calls_of(subject) if call.class_name not in ("SKLearnModel", "SKLearn")]
    if own and all(call.framework != "sklearn" for call in own):
        return review(
            "An entry point was expected; this deployment names none, as a built-in algorithm or another framework may.",
            *(Place(call.path, call.cell, call.line) for call in own),
        )
    return failed(
        "A script named by `entry_point=` or `SAGEMAKER_PROGRAM` was expected; neither a name nor a script is there.",
        subject.where,
    )


@check("aws.model-fn", requires=("folder.present",), platform="aws")
def model_fn(subject: Subject) -> Verdict:
    """The script defines model_fn, and it returns the model

    Why: SageMaker calls `model_fn(model_dir)` to get the model; it has to be there, take that one argument and return it.
    Example: `def model_fn(model_dir): return joblib.load(os.path.join(model_dir, "model.joblib"))`
    Remedy: Define `model_fn(model_dir)` at the top level of the script, and return the loaded model on every path.
    """
    functions, script, archived = chosen(subject)
    if script is not None:
        source = next((s for s in subject.facts.sources if s.path == script), None)
        if source is not None and not source.whole:
            return failed(
                f"A model_fn was expected in {excerpt(script)}; no Python 3 parses that file.",
                *(Place(script, None, fn.line) for fn in functions[:1]) if functions else (Place(script),),
            )
    best = judged(functions)
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
        calls = calls_of(subject)
        if calls and all(
            call.framework != "sklearn"
            and call.class_name not in ("SKLearnModel", "SKLearn")
            and not call.entry_point_given
            for call in calls
        ):
            return review(
                "A model_fn was expected; the deployment is not known to be scikit-learn's, and may need none.",
                *(Place(call.path, call.cell, call.line) for call in calls),
            )
        return failed(
            "A model_fn was expected in the script of the deployment; there is none.", subject.where
        )
    if best.via == "cell" or (best.via == "string" and best.script is None):
        fault = fault_of(best)
        if fault is not None:
            return failed(f"A model_fn that returns the model was expected; {fault}.", place_of(best))
        what = "a cell of a notebook" if best.via == "cell" else "a string"
        return partial(
            f"A model_fn was expected in a script; it stands only in {what} that no file comes from.",
            place_of(best),
        )
    fault = fault_of(best)
    if fault is not None:
        return failed(
            f"A model_fn that takes one argument and returns the model was expected; {fault}.",
            place_of(
                best, best.returns_none if not best.returns_on_all_paths and best.callable_with_one else None
            ),
        )
    if not best.followed:
        return review(
            "A model_fn that returns the model was expected; this one is too long to be followed to its end.",
            place_of(best),
        )
    if best.defined_in == "?":
        return review(
            "A model_fn was expected in the script; what is bound to that name is not in the repository.",
            place_of(best),
        )
    return passed("The script defines model_fn, and it returns the model on every path.", place_of(best))
