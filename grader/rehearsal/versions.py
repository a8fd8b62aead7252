"""Which Python and packages a deployment is served by: what it declares, else what wrote its model.

Containers are looked up in the version tables. Everything that is not as declared becomes a doubt: if the rehearsal fails
then, the failure may be ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from grader.facts.counted.scripts import calls, concerns
from grader.facts.counted.subject import Subject
from grader.facts.counted.versions import of_deployment
from grader.facts.records import Model, ModelCall, Place, Version
from grader.patterns import pattern
from grader.platforms import tables
from grader.text import excerpt

_SERIES = pattern(r"([0-9]{1,4})\.([0-9]{1,4})")
_RELEASE = pattern(r"^[0-9]{1,4}\.[0-9]{1,4}(?:\.[0-9]{1,4})?$")
_IMAGE = pattern(r"sagemaker-scikit-learn(?:-graviton)?:[\w.-]{1,60}")
_SKLEARN = frozenset({"SKLearnModel", "SKLearn"})
_TRANSFORM_SINCE = (
    1,
    2,
)  # container sources: branch 1.2-1 (2025-09) and newer have transform_fn, older ignore it

_WITHOUT = "1.6"  # the scikit-learn where nothing tells of one


class Served(NamedTuple):
    """What serves the deployment.

    ``contract`` is ``sagemaker``, ``vertex`` or ``ai-platform``; ``packages`` are (name, version or series); ``declared``
    what it was made from, for a sentence, ``place`` where that stands; ``transform_fn`` whether that container knows it.
    """

    contract: str
    python: str | None
    packages: tuple[tuple[str, str], ...]
    declared: str
    place: Place | None = None
    notes: tuple[str, ...] = ()
    doubts: tuple[tuple[str, str], ...] = ()
    transform_fn: bool = True


class Undecided(Exception):
    """It cannot be told what serves it; the message is one sentence."""


def series(version: str | None) -> tuple[int, int] | None:
    """``1.2.1`` and ``1.2-1`` as (1, 2)."""
    match = _SERIES.match(version or "")
    return (int(match.group(1)), int(match.group(2))) if match else None


def on_sagemaker(subject: Subject, models: Sequence[Model]) -> Served:
    """What serves a deployment on SageMaker.

    Raises:
        Undecided: another framework than scikit-learn, or a container of one's own.
    """
    found = list(_images(subject))
    if not found:
        _only_sklearn(subject)
        return _by_writer("sagemaker", models, "no framework version is declared")
    texts = list(dict.fromkeys(text for text, _ in found))
    notes: list[str] = []
    doubts: list[tuple[str, str]] = []
    chosen, place = found[-1]
    if len(texts) > 1:
        fitting = [one for one in found if _fits(one[0], models)]
        chosen, place = (fitting or found)[-1]
        listed = ", ".join(f"`{excerpt(t, 40)}`" for t in texts[:4])
        doubts.append(
            (
                "versions",
                f"several framework versions are declared ({listed}); {excerpt(chosen, 40)} was taken",
            )
        )
    row = tables.sagemaker_image_of(chosen)
    if row is None:
        row = _nearest(chosen)
        doubts.append(
            (
                "versions",
                f"SageMaker has no scikit-learn version `{excerpt(chosen, 40)}`; {row.version} was taken in its place",
            )
        )
    scikit_learn = row.scikit_learn
    if row.version == "1.4-2-py312" and _wrote(models) == (1, 5):
        scikit_learn = "1.5.0"
        doubts.append(
            ("versions", "images of 1.4-2-py312 have scikit-learn 1.4.2 or, later, 1.5.0; 1.5.0 was taken")
        )
    if not row.offered:
        notes.append(f"SageMaker lists {row.version} for training only")
    packages = (("scikit-learn", scikit_learn), ("numpy", row.numpy), ("pandas", row.pandas))
    since = series(row.scikit_learn) or (0, 0)
    return Served(
        "sagemaker", row.python, packages, f"framework version {row.version}", place,
        tuple(notes), tuple(doubts), since >= _TRANSFORM_SINCE,
    )  # fmt: skip


def _images(subject: Subject) -> list[tuple[str, Place]]:
    """(framework version or image address, place) of the calls and commands that make the deployed model."""
    found: list[tuple[str, Place]] = []
    made = calls(subject)
    # A model that is made from an archive is what is deployed; an estimator may have been an earlier try.
    models = [c for c in made if c.class_name not in ("SKLearn",)] or list(made)
    for call in models:
        image = call.image or ""
        declared = image if _IMAGE.search(image) else call.framework_version
        if declared is not None and (_is_sklearn(call) or _IMAGE.search(image)):
            found.append((declared, Place(call.path, call.cell, call.line)))
    if not found:
        for command in subject.facts.commands:
            if command.program == "aws" and concerns(subject, command.path):
                for argument in command.arguments:
                    match = _IMAGE.search(argument[:5_000])
                    if match:
                        place = Place(command.path, command.cell, command.line)
                        found.append((match.group() + "-cpu-py3" * ("-cpu" not in match.group()), place))
    return found


def _is_sklearn(call: ModelCall) -> bool:
    return call.class_name in _SKLEARN or (call.framework or "").lower() in ("sklearn", "scikit-learn")


def _only_sklearn(subject: Subject) -> None:
    """Raises Undecided where every call is another framework's or has a container of one's own."""
    made = calls(subject)
    if not made or any(_is_sklearn(c) for c in made):
        return
    others = [c.framework for c in made if c.framework]
    if len(others) == len(made):
        raise Undecided(
            f"The model is served by another framework than scikit-learn, `{excerpt(others[0] or '', 40)}`, "
            "which is not rehearsed here."
        )
    images = [c.image for c in made if c.image]
    if images and len(images) == len(made):
        raise Undecided(
            f"The model is served by the container `{excerpt(images[0], 80)}`, which is not rehearsed here."
        )


def _fits(text: str, models: Sequence[Model]) -> bool:
    row = tables.sagemaker_image_of(text)
    return row is not None and series(row.scikit_learn) == _wrote(models)


def _nearest(text: str) -> tables.SageMakerImage:
    """The offered image whose scikit-learn is nearest to a version that is none."""
    rows = [row for row in tables.sagemaker_images().values() if row.offered]
    match = _SERIES.search(text)
    if match is None:
        return rows[-1]
    wanted = int(match.group(1)) * 100 + int(match.group(2))

    def distance(row: tables.SageMakerImage) -> int:
        major, minor = series(row.scikit_learn) or (0, 0)
        return abs(major * 100 + minor - wanted)

    return min(rows, key=distance)


def _wrote(models: Sequence[Model]) -> tuple[int, int] | None:
    """The newest series of scikit-learn that wrote one of the models."""
    return max((s for m in models for v in m.sklearn_versions if (s := series(v))), default=None)


def _by_writer(contract: str, models: Sequence[Model], why: str, place: Place | None = None) -> Served:
    """An environment from what wrote the model."""
    written = [v for m in models for v in m.sklearn_versions if _RELEASE.match(v)]
    version = max(written, key=lambda v: [int(part) for part in v.split(".")], default=None)
    doubts = []
    if version is None:
        doubts.append(
            (
                "versions",
                f"{why}, and what wrote the model does not stand in it; scikit-learn {_WITHOUT} was taken",
            )
        )
        told = f"nothing: scikit-learn {_WITHOUT} was taken"
    else:
        doubts.append(("versions", f"{why}; scikit-learn {version}, which wrote the model, was taken"))
        told = f"the model, which scikit-learn {version} wrote"
    scikit_learn = version or _WITHOUT
    python, companions = _container_like(contract, scikit_learn)
    if any(m.numpy2 for m in models):
        companions = tuple(
            one for one in companions if one[0] != "numpy" or (series(one[1]) or (0, 0)) >= (2, 0)
        )
    packages = (("scikit-learn", scikit_learn), *companions)
    return Served(contract, python, packages, told, place, (), tuple(doubts))


def _container_like(contract: str, scikit_learn: str) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """The Python and the other packages of the platform's container that has this series of scikit-learn, if one has."""
    wanted = series(scikit_learn)
    if contract == "sagemaker":
        for image in tables.sagemaker_images().values():
            if series(image.scikit_learn) == wanted:
                return image.python, (("numpy", image.numpy), ("pandas", image.pandas))
    else:
        for container in tables.vertex_containers().values():
            if series(container.version) == wanted:
                return container.python, ((("numpy", container.numpy),) if container.numpy else ())
    return None, ((("pandas", ""),) if contract == "sagemaker" else ())


# -- GCP -----------------------------------------------------------------------------------------------------------


def on_google(subject: Subject, models: Sequence[Model]) -> Served:
    """What serves a deployment on Vertex AI or AI Platform.

    Raises:
        Undecided: another framework than scikit-learn, or a container of one's own.
    """
    versions = of_deployment(subject)
    if not versions:
        return _by_writer("vertex", models, "no runtime or container is declared")
    served = [_one(version, models) for version in versions]
    different = {(one.contract, one.python, one.packages) for one in served}
    if len(different) == 1:
        return served[-1]
    fitting = [one for one in served if series(dict(one.packages).get("scikit-learn")) == _wrote(models)]
    chosen = (fitting or served)[-1]
    doubt = ("versions", f"several runtimes or containers are declared; {chosen.declared} was taken")
    return chosen._replace(doubts=(*chosen.doubts, doubt))


def _one(version: Version, models: Sequence[Model]) -> Served:
    place = Place(version.path, version.cell, version.line)
    framework = (version.framework or "").lower().replace("_", "-")
    if framework and not framework.startswith(("scikit", "sklearn", "$", "{", "<", "[")):
        raise Undecided(
            f"The deployment declares another framework than scikit-learn, `{excerpt(framework, 40)}`, "
            "which is not rehearsed here."
        )
    if version.service == "vertex" or (version.container and not version.runtime_version):
        return _container(version, place, models)
    runtime = None
    release = tables.release(version.runtime_version or "")
    if release is not None:
        runtime = tables.runtimes().get(".".join(map(str, release)))
    if runtime is None:
        shown = excerpt(version.runtime_version or "", 40)
        why = f"runtime `{shown}` is not known" if shown else "the runtime's version is not told"
        return _by_writer("ai-platform", models, why, place)
    python = max(runtime.python, key=lambda p: series(p) or (0, 0))
    scikit_learn = runtime.scikit_learn
    doubts = []
    if not runtime.verified:
        doubts.append(
            (
                "versions",
                f"runtime {runtime.version} is said to have scikit-learn {scikit_learn}, which is not verified",
            )
        )
    packages = (("scikit-learn", scikit_learn), *((("numpy", runtime.numpy),) if runtime.numpy else ()))
    return Served(
        "ai-platform", python, packages, f"runtime {runtime.version}", place,
        ("AI Platform was switched off on 2025-01-31; Vertex AI took its place",), tuple(doubts),
    )  # fmt: skip


def _container(version: Version, place: Place, models: Sequence[Model]) -> Served:
    if not version.container:
        return _by_writer("vertex", models, "the container is not told", place)
    shown = excerpt(version.container, 80)
    image = tables.prebuilt_image(version.container)
    if image is None:
        raise Undecided(
            f"The model is served by a container of one's own, `{shown}`, which is not rehearsed here."
        )
    if image.framework != "sklearn":
        raise Undecided(
            f"The container `{shown}` is a prebuilt one for {image.framework}, which is not rehearsed here."
        )
    row = tables.vertex_container_of(version.container)
    if row is None:
        return _by_writer("vertex", models, f"there is no prebuilt container `{shown}`", place)
    notes, doubts = [], []
    if not row.available():
        notes.append(f"the container sklearn-cpu.{row.version.replace('.', '-')} cannot be had any more")
    if row.numpy is None and any(m.numpy2 for m in models):
        doubts.append(("numpy", "NumPy 2 wrote the model, and which NumPy the container has is not told"))
    packages = (("scikit-learn", row.version), *((("numpy", row.numpy),) if row.numpy else ()))
    called = f"container sklearn-cpu.{row.version.replace('.', '-')}"
    return Served("vertex", row.python, packages, called, place, tuple(notes), tuple(doubts))
