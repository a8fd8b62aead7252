"""Version tables of the clouds, read from data files that carry a source and a date on each row.

Whether something can be had is judged at the tables' date, not today's: the same submission gets the same
verdict tomorrow. Read when first asked for, then kept.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from grader.patterns import pattern

TABLE_DATE = dt.date(2026, 11, 22)
"""The day on which the tables were right."""

_DATA = Path(__file__).parent / "data"


class SageMakerImage(NamedTuple):
    """A scikit-learn framework version of SageMaker (``1.2-1``) and what its container holds.

    ``python`` is ``3.9``; ``scikit_learn``, ``numpy`` and ``pandas`` are releases. ``inference_v2`` and
    ``inference_v3``: whether the SDK of that major version offers it for inference.
    """

    version: str
    python: str
    scikit_learn: str
    numpy: str
    pandas: str
    inference_v2: bool
    inference_v3: bool
    source: str
    date: dt.date

    @property
    def offered(self) -> bool:
        """Whether any SDK offers it for inference."""
        return self.inference_v2 or self.inference_v3


class Runtime(NamedTuple):
    """A runtime version of AI Platform, the legacy service that was switched off on 2025-01-31.

    ``scikit_learn`` is a release (``0.22.1``) or a series (``1.0``). Where ``verified`` is False it comes
    from memory alone, and must not decide a grade.
    """

    version: str
    python: tuple[str, ...]
    scikit_learn: str
    numpy: str | None
    verified: bool
    source: str
    date: dt.date


class VertexContainer(NamedTuple):
    """A prebuilt scikit-learn container of Vertex AI. ``version`` is the scikit-learn series, ``1.6``."""

    version: str
    python: str | None
    numpy: str | None
    end_of_support: dt.date
    end_of_availability: dt.date
    source: str
    date: dt.date

    def available(self, on: dt.date = TABLE_DATE) -> bool:
        """Whether it can still be had on that day."""
        return on <= self.end_of_availability

    def supported(self, on: dt.date = TABLE_DATE) -> bool:
        """Whether it still gets patches on that day."""
        return on <= self.end_of_support


class PrebuiltImage(NamedTuple):
    """What the address of a prebuilt Vertex AI prediction container says: ``sklearn``, ``xgboost``;
    ``1.6``.
    """

    framework: str
    version: str


def _rows(name: str) -> list[dict[str, Any]]:
    table = json.loads((_DATA / f"{name}.json").read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = table["rows"]
    for row in rows:
        for field in ("date", "end_of_support", "end_of_availability"):
            if field in row:
                row[field] = dt.date.fromisoformat(row[field])
    return rows


@cache
def sagemaker_images() -> Mapping[str, SageMakerImage]:
    """SageMaker's scikit-learn versions by name, oldest first."""
    rows = _rows("sagemaker_sklearn")
    return MappingProxyType({row["version"]: SageMakerImage(**row) for row in rows})


@cache
def runtimes() -> Mapping[str, Runtime]:
    """AI Platform's runtime versions by name, oldest first."""
    rows = _rows("ai_platform_runtimes")
    return MappingProxyType(
        {row["version"]: Runtime(**{**row, "python": tuple(row["python"])}) for row in rows}
    )


@cache
def vertex_containers() -> Mapping[str, VertexContainer]:
    """Vertex AI's prebuilt scikit-learn containers by scikit-learn series, oldest first."""
    rows = _rows("vertex_sklearn")
    return MappingProxyType({row["version"]: VertexContainer(**row) for row in rows})


_SAGEMAKER_URI = pattern(
    r"(?:^|/)sagemaker-scikit-learn(?:-graviton)?:(?P<version>[0-9][0-9A-Za-z.-]{0,30}?)-cpu-py3\b"
)


def sagemaker_image_of(uri_or_version: str) -> SageMakerImage | None:
    """The row of a framework version (``1.2-1``) or of an image's address, None where there is none.

    The address is ``ACCOUNT.dkr.ecr.REGION.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3``. There are no
    aliases: ``1.2`` is no framework version.
    """
    text = uri_or_version.strip()
    match = _SAGEMAKER_URI.search(text[:500])
    return sagemaker_images().get(match.group("version") if match else text)


_VERTEX_URI = pattern(
    r"^(?:https?://)?"
    r"(?:[a-z]+-docker\.pkg\.dev/vertex-ai(?:-restricted)?|(?:[a-z]+\.)?gcr\.io/cloud-aiplatform)/prediction/"
    r"(?P<framework>[a-z]+[0-9]?)-(?:cpu|gpu|tpu)\.(?P<version>[0-9]{1,3}-[0-9]{1,3})(?::[\w.-]+)?(?:@sha256:\w+)?$"
)


def prebuilt_image(uri: str) -> PrebuiltImage | None:
    """What the address of a prebuilt Vertex AI prediction container says, None for any other image.

    Both registries: ``{us,europe,asia}-docker.pkg.dev/vertex-ai/prediction/`` and the older
    ``gcr.io/cloud-aiplatform/prediction/``. The version need not exist.
    """
    match = _VERTEX_URI.match(uri.strip()[:500])
    if match is None:
        return None
    return PrebuiltImage(match.group("framework"), match.group("version").replace("-", "."))


def vertex_container_of(uri: str) -> VertexContainer | None:
    """The row of a prebuilt scikit-learn container's address, None for any other image or an unknown
    version.
    """
    image = prebuilt_image(uri)
    if image is None or image.framework != "sklearn":
        return None
    return vertex_containers().get(image.version)


_RUNTIME = pattern(r"^([0-9]{1,4})\.([0-9]{1,4})(?:\.[0-9]{1,4})?$")


def release(version: str) -> tuple[int, int] | None:
    """``2.11`` as (2, 11), to be compared as integers; None for what is no such version."""
    match = _RUNTIME.match(version.strip())
    return (int(match.group(1)), int(match.group(2))) if match else None
