"""The GCP deployment: the model's file name, the runtime or container, the Python version."""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.checks import declarations
from grader.checks.registry import check
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, failed, not_applicable, passed, review
from grader.facts.records import Place, Upload, Version
from grader.platforms import tables
from grader.text import excerpt

_MODEL_ENDINGS = (
    ".joblib",
    ".pkl",
    ".pickle",
    ".sav",
    ".bst",
    ".skops",
    ".cloudpickle",
    ".dill",
    ".jl",
    ".gz",
)
_OTHER_FRAMEWORKS = (".pb", ".h5", ".keras", ".pt", ".pth", ".onnx", ".mar", ".tflite")


@dataclass(slots=True)
class _Named:
    """Under which names models were uploaded (or saved): right ones, wrong ones, and what could not be told."""

    right: list[Place] = field(default_factory=list)
    wrong: list[tuple[str, Place]] = field(default_factory=list)
    untold: list[Place] = field(default_factory=list)


@check("gcp.model-filename", requires=("folder.present",), platform="gcp")
def model_filename(
    subject: Subject, *, names: tuple[str, ...] = ("model.joblib", "model.pkl", "model.bst")
) -> Verdict:
    """The uploaded model has the name that the service looks for

    Why: AI Platform and Vertex AI's prebuilt containers look in the folder they are given for a file of exactly this
    name; under any other name the version is created and then fails.
    Example: `gsutil cp model.joblib gs://my-bucket/census/` or `joblib.dump(model, "model.joblib")`
    Remedy: Save or upload the model as `model.joblib` (joblib) or `model.pkl` (pickle), and point `--origin` or
    `--artifact-uri` at the folder that holds it.
    """
    wanted = _listed(names)
    other = _other_framework(subject)
    uploads = [u for u in subject.facts.uploads if _belongs(subject, u)]
    sent, saved = _Named(), _Named()
    for upload in uploads:
        is_local = upload.by == "dump" or (upload.by == "command" and not _is_address(upload.target))
        _sort(subject, upload, names, saved if is_local else sent)
    if sent.right:
        return passed(
            f"The model is uploaded under a name that the service looks for ({wanted}).", *sent.right
        )
    if other is not None:
        return review(
            f"The uploaded file should be called {wanted} for scikit-learn, but this is {other[0]}; "
            "a person must judge it.",
            other[1],
        )
    if sent.wrong:
        found = ", ".join(dict.fromkeys(f"`{excerpt(name, 60)}`" for name, _ in sent.wrong[:3]))
        return failed(
            f"The uploaded file should be called {wanted}; what is uploaded is called {found}.",
            *(spot for _, spot in sent.wrong),
        )
    files = [f.path for f in subject.facts.files if subject.inside(f.path)]
    there = [Place(path) for path in files if path.rpartition("/")[2] in names]
    if there:
        return passed(
            f"The folder holds the model under a name that the service looks for ({wanted}).", *there
        )
    if saved.right:
        return passed(f"The model is saved under a name that the service looks for ({wanted}).", *saved.right)
    if sent.untold:
        return review(
            f"The uploaded file should be called {wanted}; under which name it is uploaded could not be told.",
            *sent.untold,
        )
    if saved.wrong:
        return review(
            f"The uploaded file should be called {wanted}; it is saved as `{excerpt(saved.wrong[0][0], 60)}`, "
            "and under which name it was uploaded is not in the files.",
            *(spot for _, spot in saved.wrong),
        )
    archived = [Place(m.path) for m in subject.models()]
    if archived or _says_something(subject):
        return review(
            f"The uploaded file should be called {wanted}; no command uploads it and the folder has no such file, "
            "so the console's steps have to tell.",
            *(archived or (subject.where,)),
        )
    return failed(
        f"A model uploaded as {wanted} was expected; the folder has no such file, and nothing says how one is uploaded.",
        subject.where,
    )


@check("gcp.runtime-version", requires=("folder.present",), platform="gcp")
def runtime_version(subject: Subject, *, least_runtime: str = "2.4") -> Verdict:
    """The deployment declares a current runtime or container

    Why: the runtime fixes the Python and scikit-learn that load the model; the tutorial's 1.4 is years older than
    what the model was written with.
    Example: `gcloud ai-platform versions create v1 --model census --runtime-version 2.11 ...`, or on Vertex AI
    `--container-image-uri us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6:latest`
    Remedy: Give the newest runtime whose scikit-learn is the one you trained with; on Vertex AI, a prebuilt
    scikit-learn container that can still be had.
    """
    least = declarations.runtime_of(least_runtime, "least_runtime")
    counted = declarations.of_deployment(subject)
    if counted:
        return declarations.agreed([declarations.judge_runtime(v, least) for v in counted], "runtimes")
    wanted = f"runtime {least_runtime} or newer, or a prebuilt scikit-learn container that can be had"
    others = declarations.elsewhere(subject.facts, counted)
    if others:
        return review(
            f"Expected was {wanted}; the folder declares none, and whether what stands elsewhere belongs to it "
            "could not be told.",
            *others,
        )
    if _says_something(subject):
        return review(
            f"Expected was {wanted}; no command or file declares one, so the console's steps have to tell.",
            subject.where,
        )
    return failed(
        f"Expected was {wanted}; nothing in the folder declares one or says how to deploy.", subject.where
    )


@check("gcp.python-version", requires=("folder.present",), platform="gcp")
def python_version(subject: Subject) -> Verdict:
    """The deployment leaves the Python version blank

    Why: each runtime has its own Python; a version written out goes stale, and the tutorial's 3.5 is long out of date.
    Example: `gcloud ai-platform versions create v1 --model census --runtime-version 2.11`, without `--python-version`
    Remedy: Remove `--python-version` (or `pythonVersion`) and let the runtime decide.
    """
    counted = [v for v in declarations.of_deployment(subject) if v.service == "ai-platform"]
    if not counted and any(note.path == "." for note in subject.facts.unread):
        return review(
            "The Python version should be left blank; not all that may declare one was read.", Place(".")
        )
    if not counted:
        return not_applicable("No AI Platform version is declared by a command or a file.")
    return declarations.agreed([declarations.judge_python(v) for v in counted], "Python versions")


def _listed(names: tuple[str, ...]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _is_address(target: str | None) -> bool:
    return target is not None and (target.startswith(("gs://", "s3://", "$", "{", "<", "%")))


def _belongs(subject: Subject, upload: Upload) -> bool:
    """Whether an upload is the GCP deployment's: in its folder, named by its README, or told in the README itself."""
    if upload.target is not None and upload.target.startswith("s3://"):
        return False
    if subject.inside(upload.path):
        return True
    readme = subject.readme() or subject.root_readme()
    if readme is None:
        return False
    if subject.readme() is None:
        return upload.path == readme.path
    return upload.path in readme.names


def _sort(subject: Subject, upload: Upload, names: tuple[str, ...], into: _Named) -> None:
    """Put one upload where its final name belongs; what is no model at all is left out."""
    spot = Place(upload.path, upload.cell, upload.line)
    name = _final_name(upload)
    if name is None or any(mark in name for mark in "$*{<%?"):
        if upload.target is None or name is None or "*" in name:
            found = _folder_files(subject, upload)
            if any(f.rpartition("/")[2] in names for f in found):
                into.right.append(spot)
            elif upload.source is None or found or name:
                into.untold.append(spot)
        else:
            into.untold.append(spot)
        return
    if name in names:
        into.right.append(spot)
    elif name.lower().endswith(_MODEL_ENDINGS) and not name.lower().endswith(
        (".csv.gz", ".tar.gz", ".json.gz")
    ):
        into.wrong.append((name, spot))
    elif "." not in name:
        found = _folder_files(subject, upload)
        if any(f.rpartition("/")[2] in names for f in found):
            into.right.append(spot)
        elif found or "model" in name.lower():
            into.untold.append(spot)


def _final_name(upload: Upload) -> str | None:
    """The last part of the address that the file gets, None where only the source folder's content could tell."""
    source = (upload.source or "").replace("\\", "/").rstrip("/")
    own = source.rpartition("/")[2]
    target = upload.target
    if target is None:
        return own or None
    last = target.rpartition("/")[2]
    if upload.by == "dump":
        return last or None
    if "." in last and not (_is_address(target) and target.count("/") < 3):
        return last
    if own in ("", ".", ".."):
        return None
    return own


def _folder_files(subject: Subject, upload: Upload) -> list[str]:
    """Files of the submission below the folder that an upload sends (or that its pattern names)."""
    source = (upload.source or "").replace("\\", "/").strip("/")
    source = source.rpartition("/")[0] if "*" in source else source
    source = "/".join(part for part in source.split("/") if part not in ("", "."))
    home = upload.path.rpartition("/")[0]
    bases = {f"{home}/{source}".strip("/"), source}
    if subject.folder is not None:
        bases.add(f"{subject.folder.path}/{source}".strip("/"))
    bases.discard("")
    return [f.path for f in subject.facts.files if any(f.path.startswith(base + "/") for base in bases)]


def _other_framework(subject: Subject) -> tuple[str, Place] | None:
    """What the deployment uses instead of scikit-learn or a prebuilt container, where it says so."""
    for version in declarations.of_deployment(subject):
        spot = declarations.place(version)
        framework = (version.framework or "").lower().replace("_", "-")
        if framework and not framework.startswith(("scikit", "sklearn", "xgboost", "$", "{", "<", "[")):
            return f"a deployment with {excerpt(framework, 30)}", spot
        if version.container:
            other = _other_container(version)
            if other:
                return other, spot
    files = [f.path for f in subject.facts.files if subject.inside(f.path)]
    foreign = next((path for path in files if path.lower().endswith(_OTHER_FRAMEWORKS)), None)
    return ("a model of another framework", Place(foreign)) if foreign else None


def _other_container(version: Version) -> str | None:
    image = tables.prebuilt_image(version.container or "")
    if image is None:
        return "a container of one's own"
    return None if image.framework in ("sklearn", "xgboost") else f"a container for {image.framework}"


def _says_something(subject: Subject) -> bool:
    """Whether anything tells of a deployment at all: instructions, pictures, code, or what could not be read."""
    readme = subject.readme() or subject.root_readme()
    if readme is not None and (readme.instructions or not readme.judgeable):
        return True
    facts = subject.facts
    if subject.unread_in_folder():
        return True
    paths = [
        *(image.path for image in facts.images),
        *(notebook.path for notebook in facts.notebooks),
        *(item.path for item in facts.illustrations),
        *(command.path for command in facts.commands),
        *(upload.path for upload in facts.uploads),
    ]
    return any(map(subject.inside, paths))
