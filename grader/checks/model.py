"""The deployment's model: whether it is there, and whether loading it would do more than make a model."""

from __future__ import annotations

from collections.abc import Iterable

from grader.checks.registry import Requirement, check
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, failed, partial, passed, review
from grader.facts.counted.models import is_estimator, of_deployment, referred_to
from grader.facts.counted.scripts import concerns
from grader.facts.pickles.names import classify
from grader.facts.records import Model, Place
from grader.text import excerpt

# Formats whose files hold numbers and graphs, and no pickle.
_DATA_ONLY = frozenset({"onnx", "xgboost", "catboost", "pmml"})
# Models by name that are not opened.
_UNOPENED = (".safetensors", ".tflite", ".mar", "saved_model.pb")
# NumPy's own files: a model where the student's code makes one of them.
_ARRAYS = (".npz", ".npy")
_PREPARES = ("sklearn.preprocessing.", "sklearn.impute.", "sklearn.feature_extraction.")
_NO_MODEL = ("it is text", "it is a web page", "it is empty")


def _place(model: Model) -> Place:
    return Place(model.path, excerpt=excerpt(model.member) if model.member else None)


def _called(model: Model) -> str:
    inside = f" in `{excerpt(model.path, 80)}`" if model.member else ""
    return f"`{excerpt(model.member or model.path, 80)}`{inside}"


@check("model.present", requires=("folder.present",))
def present(subject: Subject) -> Verdict:
    """The serialized model, or its archive, is in the repository

    Why: A deployment starts from a model that was fitted and saved; without the file nobody can repeat it.
    Example: `aws_deploy/model.tar.gz` with `model.joblib` in it, or `gcp_deploy/model.joblib`.
    Remedy: Save the fitted model with `joblib.dump` (for SageMaker: pack it with `tar czf model.tar.gz model.joblib`)
        and commit it to the deploy folder; with Git LFS, see that the file itself is pushed.
    """
    found = of_deployment(subject)
    models = [m for m in found if is_estimator(m)]
    damaged = {a.path for a in subject.facts.archives if a.problem}
    whole = [m for m in models if not (m.class_name or "").startswith(_PREPARES) and m.path not in damaged]
    if whole:
        return passed("The serialized model is in the repository.", *(_place(m) for m in whole))
    referred = referred_to(subject)
    archives = [a for a in subject.facts.archives if subject.inside(a.path) or a.path in referred]
    packed = [
        a
        for a in archives
        if a.kind == "model" and not a.problem and not any(m.path == a.path for m in models)
    ]
    packed += [a for a in archives if not a.problem and a not in packed and _loaded(subject, a.members)]
    unopened = [
        f.path
        for f in subject.facts.files
        if (f.path.endswith(_UNOPENED) or _loaded(subject, [f.path]))
        and (subject.inside(f.path) or f.path in referred)
        and f.here
    ]
    if packed or unopened:
        return passed(
            "The serialized model is in the repository.",
            *(Place(p) for p in [*(a.path for a in packed), *unopened]),
        )
    away = [m for m in found if m.format is None and not (m.problem or "").startswith(_NO_MODEL)]
    if away:
        why = away[0].problem or "it could not be read"
        return review(
            f"The serialized model was expected; {_called(away[0])} could not be read: {why}.",
            *(_place(m) for m in away),
        )
    broken = [a for a in archives if a.problem]
    if broken:
        return review(
            f"The model's archive was expected; `{excerpt(broken[0].path, 80)}` could not be read: {broken[0].problem}.",
            *(Place(a.path) for a in broken),
        )
    if models:
        return review(
            f"The serialized model was expected; the only one found holds `{excerpt(models[0].class_name or '?', 80)}`, "
            "which prepares data.",
            *(_place(m) for m in models),
        )
    return _without_file(subject, [m for m in found if m.format is None])


def _loaded(subject: Subject, names: Iterable[str]) -> bool:
    """Whether one of ``names`` holds arrays that the deployment's own `model_fn` loads as its model."""
    wanted = {
        load.rpartition("/")[2]
        for function in subject.facts.model_fns
        if subject.inside(function.path) and function.loader is not None and not function.estimator_homonym
        for load in function.loads
    }
    return any(n.rpartition("/")[2] in wanted for n in names if n.endswith(_ARRAYS))


def _without_file(subject: Subject, no_models: list[Model]) -> Verdict:
    """What is to be said where no serialized model belongs to the deployment."""
    facts = subject.facts
    hidden = [u for u in facts.unread if u.path == "."]
    elsewhere = [
        m for m in facts.models if is_estimator(m) and not subject.in_any_deploy_folder(m.path) and not m.lfs
    ]
    if elsewhere:
        return review(
            "The serialized model was expected in the deploy folder; there is one elsewhere, and nothing says that "
            "it is the one deployed.",
            *(_place(m) for m in elsewhere),
        )
    makes = [u for u in facts.uploads if u.by == "dump" and concerns(subject, u.path)]
    trains = [
        c
        for c in facts.model_calls
        if c.class_name in ("SKLearn", "XGBoost", "PyTorch", "TensorFlow", "HuggingFace", "Estimator")
        and concerns(subject, c.path)
    ]
    if makes or trains:
        return partial(
            "The serialized model was expected; only the code that makes it is here.",
            *(Place(u.path, u.cell, u.line) for u in makes),
            *(Place(c.path, c.cell, c.line) for c in trains),
        )
    clouds = _in_clouds(subject)
    if clouds:
        return review(
            "The serialized model was expected; only an address in the cloud is given, where it may lie.",
            *clouds,
        )
    if hidden:
        return review(
            f"The serialized model was not found, but not everything was read: {hidden[0].why}.",
            subject.where,
        )
    if no_models:
        return failed(
            f"The serialized model was expected; {_called(no_models[0])} is none: {no_models[0].problem}.",
            *(_place(m) for m in no_models),
        )
    return failed(
        f"The serialized model, or its archive, was expected in `{excerpt(subject.where.path, 80)}`; none is there.",
        subject.where,
    )


def _in_clouds(subject: Subject) -> tuple[Place, ...]:
    """Where the deployment gives an address in a bucket as its model."""
    facts, clouds = subject.facts, ("s3://", "gs://")
    found = [
        Place(c.path, c.cell, c.line)
        for c in facts.model_calls
        if concerns(subject, c.path) and (c.model_data or "").startswith((*clouds, "https://"))
    ]
    found += [
        Place(c.path, c.cell, c.line)
        for c in facts.commands
        if concerns(subject, c.path) and any(cloud in a for a in c.arguments for cloud in clouds)
    ]
    found += [
        Place(u.path, u.cell, u.line)
        for u in facts.uploads
        if concerns(subject, u.path) and (u.target or "").startswith(clouds)
    ]
    found += [
        Place(v.path, v.cell, v.line)
        for v in facts.versions
        if concerns(subject, v.path) and (v.origin or "").startswith(clouds)
    ]
    readme = subject.readme()
    if readme is not None:
        found += [
            Place(readme.path, None, i.line)
            for i in readme.instructions
            if "bucket" in i.text.lower() or any(cloud in i.text for cloud in clouds)
        ]
        if readme.model_addresses:
            found.append(Place(readme.path, excerpt=excerpt(readme.model_addresses[0])))
    return tuple(dict.fromkeys(found))


@check("model.safe", requires=("folder.present", Requirement("model.present", whole=True)))
def safe(subject: Subject) -> Verdict:
    """The pickled files name only what a fitted model needs

    Why: Loading a pickle calls what it names, before anyone looks at the model: a file can run any program on the
        machine that opens it. The names are read here without loading, against an exact list of what scikit-learn,
        NumPy, SciPy, joblib and pandas write; functions of theirs that open files or call others are not on it.
    Example: A pipeline of scikit-learn's own classes; not `os.system`, and not `joblib.load` of another file.
    Remedy: Save the fitted estimator itself, made of a library's own classes; keep own classes in a module that is
        deployed with it, and say so in the README.
    """
    models = of_deployment(subject)
    runs = [m for m in models if m.dangerous]
    if runs:
        shown = ", ".join(f"`{excerpt(name, 80)}`" for name in runs[0].dangerous[:3])
        return failed(
            f"A model file should name only what a fitted model needs; loading {_called(runs[0])} would use {shown}.",
            *(_place(m) for m in runs),
        )
    doubts = [(model, why) for model in models if (why := _doubt(model))]
    if doubts:
        model, why = doubts[0]
        return review(
            f"A model file should name only what a fitted model needs; {_called(model)}: {why}.",
            *(_place(m) for m, _ in doubts),
        )
    arrays = [a for a in subject.facts.archives if subject.inside(a.path) and _loaded(subject, a.members)]
    if not models and (
        arrays or _loaded(subject, (f.path for f in subject.facts.files if subject.inside(f.path)))
    ):
        return passed(
            "The model is arrays of numbers in NumPy's own format.", *(Place(a.path) for a in arrays)
        )
    if not models:
        archives = [a for a in subject.facts.archives if subject.inside(a.path) and a.kind == "model"]
        if archives or any(
            f.path.endswith(_UNOPENED) and subject.inside(f.path) for f in subject.facts.files
        ):
            return review(
                "The model is in a format that is not opened here; a person must judge it.", subject.where
            )
        return review(
            "The model file is not at hand, so what loading it would do is not known.", subject.where
        )
    return passed("The model files name only what a fitted model needs.", *(_place(m) for m in models))


def _doubt(model: Model) -> str | None:
    """Why a person must look at a file, None where nobody needs to."""
    if model.problem is not None:
        return model.problem
    if model.format in _DATA_ONLY:
        return None
    if model.format in ("hdf5", "keras", "zip", None):
        return "it is of a format that may hold code, and is not opened here"
    kinds: dict[str, list[str]] = {}
    for name in model.globals:
        if name in model.excused:
            continue
        kinds.setdefault(classify(name), []).append(name)
    for kind, told in (
        ("unknown", "it names {}, which is no known part of fitted models"),
        ("own", "it names {}, of a module of the student's own or one that is not known"),
        ("library", "it names {}, of a library other than scikit-learn"),
        ("runs", "it names {}, without calling it"),
    ):
        if kind in kinds:
            return told.format(", ".join(f"`{excerpt(n, 80)}`" for n in kinds[kind][:3]))
    if model.format == "torch" and not model.globals:
        return "it is of a format that may hold code, and is not opened here"
    return None
