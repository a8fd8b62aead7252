"""A request of the student's, and what its finders share."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from grader.facts.counted.scripts import concerns
from grader.facts.counted.subject import Subject
from grader.patterns import pattern
from grader.submission.errors import Unreadable

Read = Callable[[str, int], bytes]
"""Gives the bytes of a file of the submission, at most as many as given; raises ``Unreadable`` or ``KeyError``."""

LARGEST = 1_000_000
"""Bytes of a request; the services' own bounds are 6 MB (SageMaker) and 1.5 MB (Vertex AI)."""

ADDRESS = pattern(r"(?i)/invocations\b|:predict\b|/predict\b")
"""How an address ends that predictions are asked of."""


class Sample(NamedTuple):
    """A request of the student's. ``origin`` is the file that it stands in, or is."""

    form: str
    content_type: str
    body: bytes
    origin: str
    accept: str | None = None
    rows: int = 1


def told_here(subject: Subject, path: str) -> bool:
    """Whether what stands at ``path`` may be a request to this deployment."""
    if subject.inside(path):
        return True
    document = subject.readme() or subject.root_readme()
    if document is None:
        return False
    return path == document.path or (path in document.names and concerns(subject, path))


def bytes_of(read: Read, path: str) -> bytes | None:
    """The bytes of a file, None where they cannot be had."""
    try:
        return read(path, LARGEST)
    except (Unreadable, KeyError):
        return None


def dumped(value: object) -> bytes | None:
    """A value as JSON, None where it is none."""
    try:
        return json.dumps(value, allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError):
        return None
