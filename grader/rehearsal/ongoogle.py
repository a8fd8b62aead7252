"""A deployment's model as Vertex AI and AI Platform find it: alone in the folder that it was uploaded to.

The folder has to hold exactly one of ``model.joblib`` and ``model.pkl`` (Google Cloud, "Export model artifacts for inference";
the Cloud SDK's own prediction code, as of 2026-11-22). What is uploaded, and under which name, is read from the
submission's commands and code.
"""

from __future__ import annotations

from grader.facts.counted.archives import name_of
from grader.facts.counted.models import is_estimator, of_deployment, resolved
from grader.facts.counted.subject import Subject
from grader.facts.records import Model, Upload
from grader.rehearsal import versions
from grader.rehearsal.laid import Laid, Nothing
from grader.rehearsal.stage import Stage
from grader.rehearsal.versions import Undecided
from grader.submission.errors import Unreadable
from grader.submission.tree import Tree
from grader.text import excerpt

_NAMES = ("model.joblib", "model.pkl")
_CLOUDS = ("gs://", "$", "{", "<", "%")


def on_google(subject: Subject, tree: Tree, stage: Stage) -> Laid:
    """Lay the deployment of ``subject`` out in ``stage``.

    Raises:
        Nothing: there is no model.
        Undecided: a person must look; the message says why.
    """
    _no_code_of_its_own(subject)
    doubts: list[tuple[str, str]] = []
    found = [m for m in of_deployment(subject) if m.member is None and m.format is not None]
    models = [m for m in found if is_estimator(m)] or found
    if not models:
        _no_model(subject)
    placed = _uploaded(subject, models) or _by_name(models) or _assumed(models, doubts)
    for name, model in placed.items():
        try:
            data = tree.read(model.path, stage.limits.model_bytes)
        except (Unreadable, KeyError) as problem:
            raise Undecided(f"The model `{excerpt(model.path, 80)}` could not be read: {problem}.") from None
        stage.put(f"model/{name}", data)
    known = tuple(placed.values())
    served = versions.on_google(subject, known)
    return Laid("gcp", served, known, known[0].path, doubts=tuple(doubts))


def _no_code_of_its_own(subject: Subject) -> None:
    """Raises Undecided where code of the student's is to run there: a custom prediction routine, a package."""
    for command in subject.facts.commands:
        if subject.inside(command.path) and any(
            word.startswith(("--prediction-class", "--package-uris")) for word in command.arguments
        ):
            raise Undecided(
                "The deployment runs code of its own on AI Platform, which is not rehearsed here."
            )


def _uploaded(subject: Subject, models: list[Model]) -> dict[str, Model]:
    """The models by the name that a command or a program uploads them under; the last upload of each name counts."""
    placed: dict[str, Model] = {}
    for upload in subject.facts.uploads:
        if upload.by == "dump" or not _to_the_cloud(upload) or not _ours(subject, upload):
            continue
        path = resolved(subject, upload.source or "", upload.path)
        model = next((m for m in models if m.path == path), None)
        if model is None:
            continue
        target = upload.target or ""
        last = target.rpartition("/")[2]
        # A folder or a bucket alone: the file keeps its name. What could not be followed is no name.
        name = last if "." in last and target.count("/") >= 3 else name_of(model.path)
        if not any(mark in name for mark in "$*{<%?"):
            placed[name] = model
    right = {name: model for name, model in placed.items() if name in _NAMES}
    if right:
        # Several deployments under different addresses, or joblib and pickle side by side: one is enough to try.
        name = next(n for n in _NAMES if n in right)
        return {name: right[name]}
    if len(placed) > 1:
        listed = ", ".join(f"`{excerpt(n, 40)}`" for n in list(placed)[:4])
        raise Undecided(f"Which of the uploaded files is the deployed model cannot be told: {listed}.")
    return placed


def _to_the_cloud(upload: Upload) -> bool:
    return upload.target is None or upload.target.startswith(_CLOUDS) or upload.by == "python"


def _ours(subject: Subject, upload: Upload) -> bool:
    document = subject.readme() or subject.root_readme()
    return subject.inside(upload.path) or (
        document is not None and (upload.path == document.path or upload.path in document.names)
    )


def _by_name(models: list[Model]) -> dict[str, Model]:
    """Models that already lie under a name that the service looks for, the least deep folder's."""
    named = [m for m in models if name_of(m.path) in _NAMES]
    if not named:
        return {}
    least = min(m.path.count("/") for m in named)
    top = [m for m in named if m.path.count("/") == least]
    folders = {m.path.rpartition("/")[0] for m in top}
    if len(folders) > 1:
        listed = ", ".join(f"`{excerpt(m.path, 60)}`" for m in top[:4])
        raise Undecided(f"Which of the models is deployed cannot be told: {listed}.")
    # joblib's is looked for first; a second one beside it may be another format of the same.
    best = min(top, key=lambda m: _NAMES.index(name_of(m.path)))
    return {name_of(best.path): best}


def _assumed(models: list[Model], doubts: list[tuple[str, str]]) -> dict[str, Model]:
    """One model under another name: as if it were uploaded under the right one."""
    if len(models) > 1:
        listed = ", ".join(f"`{excerpt(m.path, 60)}`" for m in models[:4])
        raise Undecided(f"Which of the models is deployed cannot be told: {listed}.")
    model = models[0]
    name = "model.joblib" if model.format == "joblib" or model.path.endswith(".joblib") else "model.pkl"
    doubts.append(
        (
            "place",
            f"under which name `{excerpt(model.path, 60)}` is uploaded is not told; it was placed as {name}",
        )
    )
    return {name: model}


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
    packed = next((m for m in found if m.member is not None), None)
    if packed is not None:
        raise Undecided(
            f"The model lies in the archive `{excerpt(packed.path, 80)}`; what is uploaded of it cannot be told."
        )
    elsewhere = [
        m for m in subject.facts.models if is_estimator(m) and not subject.in_any_deploy_folder(m.path)
    ]
    if elsewhere:
        raise Undecided(
            f"The deploy folder has no model; whether `{excerpt(elsewhere[0].path, 80)}` is the one deployed cannot be told."
        )
    document = subject.readme() or subject.root_readme()
    addresses = document.model_addresses if document is not None else ()
    cloud = next((v.origin for v in subject.facts.versions if (v.origin or "").startswith("gs://")), None)
    if cloud or addresses:
        shown = excerpt(cloud or addresses[0], 80)
        raise Undecided(f"The model lies in the cloud only, at `{shown}`.")
    raise Nothing("There is no serialized model.", "model.present")
