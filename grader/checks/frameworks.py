"""Whether the container of a deployment can load the model: its scikit-learn, NumPy and Python against the writer's."""

from __future__ import annotations

import posixpath
import re
from typing import Literal, NamedTuple

from grader.checks import declarations
from grader.checks.registry import check
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, failed, passed, review
from grader.facts.counted.models import is_estimator, of_deployment
from grader.facts.counted.scripts import chosen, judged
from grader.facts.records import Model, ModelCall, Place, Version
from grader.patterns import pattern
from grader.platforms import tables
from grader.text import excerpt

_SERIES = pattern(r"([0-9]{1,4})\.([0-9]{1,4})")


class Container(NamedTuple):
    """What loads the model: releases or series as text, None where it is not known."""

    called: str
    scikit_learn: str
    numpy: str | None
    python: str | None


class Fit(NamedTuple):
    """Whether a container can load a model, and the reason as the end of a sentence."""

    answer: Literal["fits", "fails", "unknown"]
    why: str


def series(version: str | None) -> tuple[int, int] | None:
    """``1.2.1`` and ``1.2-1`` as (1, 2)."""
    match = _SERIES.match(version or "")
    return (int(match.group(1)), int(match.group(2))) if match else None


def fit(model: Model, container: Container) -> Fit:
    """Whether ``container`` loads ``model``.

    The rules, and where they come from (as of 2026-11-22):

    - the same scikit-learn series fits; another one does not: "models saved in one version are not supported in
      another" (scikit-learn, User guide, Model persistence). Some pairs fail for certain, and the message says why:
      private modules were renamed in 0.22 and the old names left in 0.24; the trees' node record changed in 1.3
      (scikit-learn, What's new);
    - `numpy._core` is unknown to NumPy before 1.26; NumPy 1.26 knows it but for `numpy._core.numeric` (tried);
    - protocol 5 is unknown to Python before 3.8 (Python, `pickle`).
    """
    wrote = [s for s in (series(v) for v in model.sklearn_versions) if s is not None]
    if not wrote:
        return Fit("unknown", "the version of scikit-learn that wrote it does not stand in it")
    shown = ", ".join(model.sklearn_versions)
    has = series(container.scikit_learn)
    if has is None:
        return Fit("unknown", "the container's scikit-learn is not known")
    if len(set(wrote)) > 1:
        return Fit("unknown", f"several versions of scikit-learn wrote it ({shown})")
    if wrote[0] != has:
        return Fit(
            "fails",
            f"scikit-learn {shown} wrote it, and {container.called} has {container.scikit_learn}"
            + _known_break(model, wrote[0], has),
        )
    python = series(container.python)
    if (model.protocol or 0) >= 5 and python is not None and python < (3, 8):
        return Fit(
            "fails",
            f"it is pickled with protocol 5, and {container.called} has Python {container.python}, which reads 4 and less",
        )
    if model.numpy2:
        numpy = series(container.numpy)
        numeric = any(name.startswith("numpy._core.numeric.") for name in model.globals)
        if numpy is None:
            return Fit("unknown", f"NumPy 2 wrote it, and which NumPy {container.called} has is not known")
        if numpy < (1, 26) or (numpy < (2, 0) and numeric):
            return Fit("fails", f"NumPy 2 wrote it, and {container.called} has NumPy {container.numpy}")
    return Fit("fits", f"scikit-learn {shown} wrote it, and {container.called} has {container.scikit_learn}")


def _known_break(model: Model, wrote: tuple[int, int], has: tuple[int, int]) -> str:
    """The reason why such a pair cannot work, where there is one beyond the rule."""
    if "sklearn.tree._tree.Tree" in model.globals and (wrote < (1, 3)) != (has < (1, 3)):
        return "; trees are stored differently since 1.3"
    if (wrote < (0, 22) and has >= (0, 24)) or (wrote >= (0, 22) and has < (0, 22)):
        return "; the modules it names were renamed in 0.22"
    return ""


def _that_it_loads(subject: Subject, models: list[Model]) -> list[Model]:
    """Those of the models that `model_fn` loads, by their names; all where none has such a name."""
    fn = judged(chosen(subject)[0])
    names = {posixpath.basename(path) for path in fn.loads} if fn is not None else set()
    names |= {
        posixpath.basename(p.source)
        for p in subject.facts.packings
        if p.source and posixpath.basename(p.member or "") in names
    }
    return [m for m in models if posixpath.basename(m.member or m.path) in names] or models


def _judged(subject: Subject, container: Container, *at: Place) -> Verdict:
    """The verdict on the deployment's models in ``container``."""
    models = [m for m in of_deployment(subject) if is_estimator(m) and m.format not in ("onnx", "pmml")]
    if subject.platform == "aws":
        models = _that_it_loads(subject, models)
    ours = [m for m in models if m.sklearn_versions] or models
    if not ours:
        return review(
            f"The model should be written by scikit-learn {container.scikit_learn}, as {container.called} has it; "
            "the model is not at hand, so please check that version.",
            *at,
        )
    fits = [(m, fit(m, container)) for m in ours]
    for answer in ("fails", "unknown"):
        for model, found in fits:
            if found.answer != answer:
                continue
            name = excerpt(model.member or model.path, 80)
            places = (*at, Place(model.path))
            if answer == "fails":
                return failed(f"The container should be able to load `{name}`, but {found.why}.", *places)
            return review(
                f"The container should be able to load `{name}`, but {found.why}; please check it against "
                f"scikit-learn {container.scikit_learn}.",
                *places,
            )
    return passed(f"The container fits the model: {fits[0][1].why}.", *at)


# -- AWS -----------------------------------------------------------------------------------------------------------

_SKLEARN_CLASSES = frozenset({"SKLearnModel", "SKLearn"})
_GENERIC = frozenset({"Model", "FrameworkModel", "ModelBuilder", "create_model"})


def _calls(subject: Subject) -> tuple[ModelCall, ...]:
    """The calls that make this deployment's model: in the folder, else outside everybody's folders and tutorials."""
    calls = subject.facts.model_calls
    inside = [c for c in calls if subject.inside(c.path)]
    tutorials = {t.path for t in subject.facts.tutorials}
    found = inside or [
        c for c in calls if not subject.in_any_deploy_folder(c.path) and c.path not in tutorials
    ]
    live = [c for c in found if c.via != "string"] or found
    # A model that is made from an archive is what is deployed; an estimator may have been an earlier try.
    return tuple([c for c in live if c.class_name == "SKLearnModel"] or live)


@check("aws.framework-version", requires=("folder.present",), platform="aws")
def aws_framework_version(subject: Subject) -> Verdict:
    """The declared framework version exists, and fits the scikit-learn that wrote the model

    Why: `framework_version` chooses the container. SageMaker has a few, each with one scikit-learn; a pickle of another
        series of scikit-learn is not supported there, and often does not load: private modules were renamed in 0.22,
        trees are stored differently since 1.3, and NumPy 2 writes names that NumPy 1 does not know.
    Example: `SKLearnModel(..., framework_version="1.2-1")` for a model that scikit-learn 1.2 wrote.
    Remedy: Fit and save the model again with the scikit-learn of the container (`pip install scikit-learn==1.2.1` for
        `1.2-1`), or choose the framework version that has yours.
    """
    calls = _calls(subject)
    if not calls:
        by_command = _by_command(subject)
        if by_command is not None:
            return by_command
        readme = subject.readme()
        served = {f.path for f in subject.facts.model_fns}
        code = [c.path for c in subject.facts.commands]
        code += [n.path for n in subject.facts.notebooks] + [s.path for s in subject.facts.sources]
        made_otherwise = (
            any(subject.inside(path) and path not in served for path in code)
            or any(step.step == "create" for step in (readme.instructions if readme else ()))
            or bool(subject.unread_in_folder())
        )
        if not made_otherwise or (readme is not None and readme.lab_text):
            return failed(
                'A framework version was expected, as `framework_version="1.2-1"`; nothing here creates a model.',
                subject.where,
            )
        return review(
            "A framework version was expected in the code that makes the model; none is in the files (the console?).",
            subject.where,
        )
    return declarations.agreed([_aws_call(subject, call) for call in calls], "framework versions")


def _by_command(subject: Subject) -> Verdict | None:
    """The verdict on an image that a command of the folder names (`aws sagemaker create-model`)."""
    for command in subject.facts.commands:
        if command.program != "aws" or not subject.inside(command.path):
            continue
        row = next((r for r in map(_image_in, command.arguments) if r is not None), None)
        if row is not None:
            container = Container(f"SageMaker's {row.version}", row.scikit_learn, row.numpy, row.python)
            return _judged(subject, container, Place(command.path, command.cell, command.line))
    return None


def _image_in(argument: str) -> tables.SageMakerImage | None:
    """The image whose address stands somewhere in an argument of a command."""
    found = re.search(r"sagemaker-scikit-learn:[\w.-]{1,60}", argument[:5_000])
    return tables.sagemaker_image_of(found.group()) if found else None


def _aws_call(subject: Subject, call: ModelCall) -> Verdict:
    at = Place(call.path, call.cell, call.line)
    framework = (call.framework or "").lower()
    is_sklearn = call.class_name in _SKLEARN_CLASSES or framework in ("sklearn", "scikit-learn")
    image = call.image or ""
    if "sagemaker-scikit-learn" in image:
        is_sklearn = True
    if not is_sklearn:
        if not framework and not image:
            return review("Which container serves the model could not be told from the code.", at)
        if not framework:
            return review(
                f"The model is served by the container `{excerpt(image, 80)}`, which is not known to be "
                "scikit-learn's; a person must judge it.",
                at,
            )
        return review(
            f"The model is served by another framework than scikit-learn, `{excerpt(framework, 80)}`; "
            "a person must judge it.",
            at,
        )
    declared = call.framework_version or (image if "sagemaker-scikit-learn" in image else None)
    if declared is None:
        told_otherwise = call.framework_version_given or call.image is not None or call.image_given
        if told_otherwise or call.class_name in _GENERIC:
            return review(
                "The framework version comes from somewhere that could not be followed to a value.", at
            )
        return failed('A framework version was expected, as `framework_version="1.2-1"`; none is given.', at)
    shown = excerpt(declared, 80)
    row = tables.sagemaker_image_of(declared)
    day = tables.TABLE_DATE.isoformat()
    if row is None:
        known = ", ".join(r.version for r in tables.sagemaker_images().values() if r.offered)
        return failed(
            f"SageMaker has no scikit-learn version `{shown}` (as of {day}); it offers {known}.", at
        )
    if not row.offered:
        return review(
            f"SageMaker lists `{row.version}` for training only (as of {day}); whether it serves is for a person to check.",
            at,
        )
    if call.class_name == "SKLearn" and not any(is_estimator(m) for m in of_deployment(subject)):
        return passed(f"The model is trained and served by the same container, {row.version}.", at)
    container = Container(f"SageMaker's {row.version}", row.scikit_learn, row.numpy, row.python)
    verdict = _judged(subject, container, at)
    wrote = {series(v) for m in of_deployment(subject) for v in m.sklearn_versions}
    if row.version == "1.4-2-py312" and wrote == {(1, 5)}:
        return review(
            "SageMaker's 1.4-2-py312 has scikit-learn 1.4.2 or, in later images, 1.5.0; scikit-learn 1.5 wrote the model.",
            at,
        )
    return verdict


# -- GCP -----------------------------------------------------------------------------------------------------------


@check("gcp.framework-version", requires=("folder.present",), platform="gcp")
def gcp_framework_version(subject: Subject) -> Verdict:
    """The scikit-learn of the runtime or container fits the one that wrote the model

    Why: AI Platform's runtimes and Vertex AI's prebuilt containers have one scikit-learn each; a pickle of another series
        is not supported there, and often does not load: private modules were renamed in 0.22, trees are stored
        differently since 1.3, and NumPy 2 writes names that NumPy 1 does not know.
    Example: `--container-image-uri us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6:latest` for a model that
        scikit-learn 1.6 wrote.
    Remedy: Fit and save the model again with the scikit-learn of the runtime or container, or choose the one that has
        yours.
    """
    versions = declarations.of_deployment(subject)
    if not versions:
        return review(
            "A runtime version or container was expected in the files; none is declared (the console?), so its "
            "scikit-learn cannot be told.",
            subject.where,
        )
    return declarations.agreed([_gcp_version(subject, v) for v in versions], "runtimes or containers")


def _gcp_version(subject: Subject, version: Version) -> Verdict:
    at = declarations.place(version)
    if version.framework and version.framework.lower().replace("_", "-") not in ("scikit-learn", "sklearn"):
        return review(
            f"The deployment declares another framework than scikit-learn, `{excerpt(version.framework, 40)}`.",
            at,
        )
    if version.service == "vertex" or (version.container and not version.runtime_version):
        row = tables.vertex_container_of(version.container or "")
        if row is None:
            what = (
                f"`{excerpt(version.container, 80)}`"
                if version.container
                else "a container that is not named"
            )
            return review(
                f"The model is served by {what}; which scikit-learn it has cannot be told here.", at
            )
        return _judged(
            subject,
            Container(
                f"Vertex AI's sklearn-cpu.{row.version.replace('.', '-')}", row.version, row.numpy, row.python
            ),
            at,
        )
    release = tables.release(version.runtime_version or "")
    runtime = tables.runtimes().get(".".join(map(str, release))) if release else None
    if runtime is None:
        shown = excerpt(version.runtime_version or "", 40) or "none"
        return review(
            f"Which scikit-learn the runtime has cannot be told: the declared version is {shown}.", at
        )
    wrote = sorted({v for m in of_deployment(subject) for v in m.sklearn_versions})
    if not runtime.verified:
        writer = (
            f"scikit-learn {', '.join(wrote)} wrote the model"
            if wrote
            else "what wrote the model is not known"
        )
        return review(
            f"Runtime {runtime.version} is said to have scikit-learn {runtime.scikit_learn}, which is not verified, and "
            f"{writer}; please check.",
            at,
        )
    python = max(runtime.python, key=lambda p: series(p) or (0, 0)) if runtime.python else None
    return _judged(
        subject, Container(f"runtime {runtime.version}", runtime.scikit_learn, runtime.numpy, python), at
    )
