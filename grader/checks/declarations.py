"""Which declarations of versions count for a question, and what a runtime or a container is worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.checks.verdict import Status, Verdict, failed, partial, passed, review
from grader.facts.counted.versions import lasting, of_deployment
from grader.facts.records import Facts, Place, Version
from grader.platforms import tables
from grader.text import excerpt

__all__ = [
    "agreed",
    "best",
    "elsewhere",
    "judge_python",
    "judge_runtime",
    "lasting",
    "of_deployment",
    "place",
    "runtime_of",
]


def place(version: Version) -> Place:
    """Where a declaration stands."""
    return Place(version.path, version.cell, version.line)


def elsewhere(facts: Facts, counted: Sequence[Version]) -> tuple[Place, ...]:
    """Places of the declarations that were not counted, for a person to look at."""
    return tuple(place(v) for v in facts.versions if v not in counted)


_RANK = {Status.PASS: 0, Status.PARTIAL: 1, Status.REVIEW: 2, Status.FAIL: 3}


def best(verdicts: Iterable[Verdict]) -> Verdict:
    """The best of several verdicts (at least one)."""
    return min(verdicts, key=lambda verdict: _RANK.get(verdict.status, 2))


def agreed(verdicts: Sequence[Verdict], what: str) -> Verdict:
    """One verdict of several declarations: what all say; where they disagree, a person must look."""
    if len({verdict.status for verdict in verdicts}) == 1:
        return verdicts[0]
    places = tuple(spot for verdict in verdicts for spot in verdict.evidence)
    return review(
        f"Several deployments are declared here, and their {what} differ; which one is live?", *places
    )


def judge_runtime(version: Version, least: tuple[int, int]) -> Verdict:
    """Whether a declaration's runtime (AI Platform) or container (Vertex AI) is one that the lab accepts."""
    spot = place(version)
    wanted = ".".join(map(str, least))
    if version.service == "vertex" or (version.container and not version.runtime_version):
        return _judge_container(version, spot)
    if "runtime_version" in version.unresolved:
        return review(
            f"The runtime should be {wanted} or newer; here it comes from somewhere that could not be followed.",
            spot,
        )
    if not version.runtime_version:
        return partial(
            f"The runtime should be {wanted} or newer; here none is given, so the service's default applies.",
            spot,
        )
    shown = excerpt(version.runtime_version, 40)
    runtime = tables.release(version.runtime_version)
    if runtime is None:
        return review(f"The runtime should be {wanted} or newer; what `{shown}` is could not be told.", spot)
    if runtime < least:
        return failed(f"The runtime should be {wanted} or newer; this deployment declares {shown}.", spot)
    newest = tables.release(list(tables.runtimes())[-1])
    if newest is not None and runtime > newest:
        known = ".".join(map(str, newest))
        return passed(f"The runtime is {shown}, newer than {known}, the last one that is known here.", spot)
    return passed(f"The runtime is {shown}.", spot)


def _judge_container(version: Version, spot: Place) -> Verdict:
    day = tables.TABLE_DATE.isoformat()
    if "container" in version.unresolved:
        return review("Which container serves the model could not be followed to a value.", spot)
    if not version.container:
        return partial("A prebuilt scikit-learn container was expected; none is given here.", spot)
    shown = excerpt(version.container, 100)
    image = tables.prebuilt_image(version.container)
    if image is None:
        return review(
            f"The model is served by a container of one's own, `{shown}`; a person must judge it.", spot
        )
    if image.framework != "sklearn":
        return review(
            f"The container is a prebuilt one for {image.framework}, not scikit-learn; a person must judge it.",
            spot,
        )
    container = tables.vertex_container_of(version.container)
    if container is None:
        return failed(
            f"There is no prebuilt scikit-learn container {image.version} (as of {day}): `{shown}`.", spot
        )
    if not container.available():
        return partial(
            f"The prebuilt scikit-learn container {image.version} could be had until "
            f"{container.end_of_availability.isoformat()}; as of {day} it is gone.",
            spot,
        )
    return passed(f"The prebuilt scikit-learn container {image.version} can be had (as of {day}).", spot)


def judge_python(version: Version) -> Verdict:
    """Whether an AI Platform declaration leaves the Python version blank."""
    spot = place(version)
    if "python_version" in version.unresolved:
        return review(
            "The Python version should be left blank; whether it is could not be followed to a value.", spot
        )
    if version.python_version:
        shown = excerpt(version.python_version, 40)
        return failed(f"The Python version should be left blank; this deployment declares {shown}.", spot)
    return passed("The Python version is left blank.", spot)


def runtime_of(text: str, parameter: str) -> tuple[int, int]:
    """A rubric's runtime, ``2.4``, as two numbers.

    Raises:
        ValueError: it is none.
    """
    least = tables.release(text)
    if least is None:
        raise ValueError(f"{parameter} wants a runtime such as 2.4, not {text!r}")
    return least
