"""Targets for tests, made in a line."""

from __future__ import annotations

import base64
from typing import Any

from grader.live.targets import Request, Target

ROW = b"[[1, 2, 3, 4]]"


def request(
    body: bytes = ROW, content_type: str = "application/json", form: str = "one row of JSON", **more: Any
) -> Request:
    """A request with this body."""
    return Request(form, content_type, base64.b64encode(body).decode(), **more)


def url_target(url: str, *requests: Request, **more: Any) -> Target:
    """An address as endpoint.yaml names one."""
    named = {"platform": "aws", "kind": "url", "named_by": "endpoint.yaml", **more}
    return Target(name=url, requests=requests or (request(),), **named)
