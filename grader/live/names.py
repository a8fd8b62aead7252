"""The forms of names that become part of a host name, a path or a command: what is not of the form is never
used.

AWS: SageMaker API reference, ``EndpointName``; region names. Google: Vertex AI API reference,
``endpointId``; project ids
and numbers; locations. As of 2026-11-22.
"""

from __future__ import annotations

from typing import NamedTuple

from grader.patterns import pattern

_SAGEMAKER = pattern(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}\Z")
_AWS_REGION = pattern(r"[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[1-9][0-9]?\Z")
_GCP_REGION = pattern(r"[a-z]{2,16}-[a-z]{3,16}[1-9][0-9]?\Z")
_GCP_ZONE = pattern(r"([a-z]{2,16}-[a-z]{3,16}[1-9][0-9]?)-[a-z]\Z")
_AWS_ZONE = pattern(r"([a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[1-9][0-9]?)[a-z]\Z")
_PROJECT = pattern(r"(?:[a-z][a-z0-9-]{4,28}[a-z0-9]|[1-9][0-9]{5,17})\Z")
_VERTEX_ID = pattern(r"(?:[1-9][0-9]{0,19}|[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)\Z")
_DISPLAY = pattern(r"[A-Za-z0-9](?:[A-Za-z0-9 _.-]{0,126}[A-Za-z0-9])?\Z")
_RESOURCE = pattern(r"projects/([^/]{1,40})/locations/([^/]{1,40})/endpoints/([^/]{1,70})\Z")
_PLACEHOLDER = pattern(
    r"(?i)(?:\A|[^a-z])(?:your?s?|my_?own|example|placeholder|xxx+|todo|insert|replace|changeme|dummy)(?:[^a-z]|\Z)"
)


class Resource(NamedTuple):
    """A Vertex AI endpoint by its whole name."""

    project: str
    region: str
    endpoint: str


def resource_of(text: str) -> Resource | None:
    """What ``projects/P/locations/R/endpoints/E`` names, None where the form is another or a part is
    impossible."""
    match = _RESOURCE.match(text)
    if match is None:
        return None
    found = Resource(*match.groups())
    fits = (
        _PROJECT.match(found.project) and _GCP_REGION.match(found.region) and _VERTEX_ID.match(found.endpoint)
    )
    return found if fits else None


def is_placeholder(name: str) -> bool:
    """Whether a name stands for one that the reader is to put there."""
    return bool(_PLACEHOLDER.search(name))


def region_problem(region: str, platform: str) -> str | None:
    """What is wrong with a region's name, as the end of a sentence; None where it is possible."""
    mine, zone, example = (
        (_AWS_REGION, _AWS_ZONE, "us-east-1")
        if platform == "aws"
        else (_GCP_REGION, _GCP_ZONE, "us-central1")
    )
    if mine.match(region):
        return None
    match = zone.match(region)
    if match:
        return f"is a zone of the region {match.group(1)}; name the region"
    other = _GCP_REGION if platform == "aws" else _AWS_REGION
    if other.match(region):
        return f"is a region of the other cloud; one of this is {example}"
    return f"is no name of a region, such as {example}"


def project_problem(project: str) -> str | None:
    """What is wrong with a Google Cloud project's id or number, as the end of a sentence."""
    return None if _PROJECT.match(project) else "is no id or number of a Google Cloud project"


def endpoint_problem(name: str, kind: str) -> str | None:
    """What is wrong with an endpoint's name, as the end of a sentence. ``kind``: ``sagemaker`` or
    ``vertex``."""
    if kind == "sagemaker":
        if _SAGEMAKER.match(name):
            return None
        return "is no name that a SageMaker endpoint can have (letters, digits and hyphens, at most 63)"
    if resource_of(name) or _VERTEX_ID.match(name) or _DISPLAY.match(name):
        return None
    return "is no id or name that a Vertex AI endpoint can have"


def is_vertex_id(name: str) -> bool:
    """Whether a name can be an endpoint's id (else it can only be its display name)."""
    return bool(_VERTEX_ID.match(name))


def sure_platform(region: str | None, project: str | None, endpoint: str | None) -> str | None:
    """``aws`` or ``gcp`` where these can belong to that cloud only."""
    if project or (endpoint and endpoint.startswith("projects/")):
        return "gcp"
    if region and _AWS_REGION.match(region) and not _GCP_REGION.match(region):
        return "aws"
    if region and _GCP_REGION.match(region):
        return "gcp"
    return None
