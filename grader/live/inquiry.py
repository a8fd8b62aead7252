"""What is known of one endpoint while it is asked: each step adds to it, so that an end in between loses
nothing."""

from __future__ import annotations

import base64
import time
from datetime import datetime, timezone
from typing import Any, NamedTuple

from grader.asking import predictions
from grader.facts.asked import Attempt, LiveEndpoint
from grader.facts.secrets import hide
from grader.live.clock import Clock
from grader.live.targets import Request, Target
from grader.patterns import pattern
from grader.text import excerpt

_SHOWN = 300  # characters of an answer or a reason
_LEAST_SECRET = 8
# What signs a request, wherever it comes back: AWS's Authorization header, Google's bearer token.
_SIGNED = pattern(
    r"AWS4-[A-Z0-9-]{4,40}\b(?:[^\"'<>]{0,2000}?Signature=[0-9A-Fa-f]*|[^\"'<>]{0,2000})|(?i:\bbearer\s+[\w.~+/=-]{8,})"
)


class Sent(NamedTuple):
    """A request to make. ``body`` None: a GET that needs none."""

    form: str
    content_type: str | None
    body: bytes | None
    accept: str | None = None
    origin: str | None = None


class Trouble(Exception):
    """It could not be asked, which is nobody's fault here. ``kind`` as ``LiveEndpoint.trouble``."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind, self.reason = kind, reason


class Inquiry:
    """One endpoint while it is asked. ``found`` is what is known by now."""

    def __init__(self, target: Target, seconds: float) -> None:
        self.target = target
        self.seconds = seconds
        self.clock = Clock(seconds)
        self.secrets: set[str] = set()
        self.asked = tuple(_sent(request) for request in target.requests)
        self.found = LiveEndpoint(
            platform=target.platform,
            kind=target.kind,
            name=target.shown,
            named_by=target.named_by,
            state="unknown",
            place=target.where(),
            region=target.region,
            project=target.project,
            allowed=target.named_by == "operator" or target.kind == "url",
            payload_problem=None if target.no_request is None else self.told(target.no_request),
            notes=tuple(self.told(note, 400) for note in target.notes),
        )

    def knows(self, **values: Any) -> None:
        """Take down what was learned (fields of ``LiveEndpoint``)."""
        self.found = self.found._replace(**values)

    def note(self, sentence: str) -> None:
        """A sentence for the report."""
        self.knows(notes=(*self.found.notes, self.told(sentence, 400)))

    def is_in(self, state: str, reason: str | None = None) -> None:
        """The endpoint's state, with the cloud's or our sentence on it."""
        self.knows(state=state, reason=None if reason is None else self.told(reason))

    def allow(self, *names: str | None) -> None:
        """The operator allowed it where one of these (account, project, whole name) is on the list."""
        listed = {name.strip().lower() for name in self.target.allow}
        if listed and any(name is not None and name.lower() in listed for name in names):
            self.knows(allowed=True)

    def keep_from_reports(self, *secrets: str | None) -> None:
        """Credentials that were used: wherever one comes back in an answer, it is not shown."""
        self.secrets.update(s for s in secrets if s and len(s) >= _LEAST_SECRET)

    def told(self, text: str, width: int = _SHOWN) -> str:
        """A text of the cloud's or the endpoint's for a report: one line, bounded, without credentials."""
        text = _SIGNED.sub("***", " ".join(text[:20_000].split()))
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return excerpt(hide(text), width)

    def attempt(
        self,
        sent: Sent,
        began: float,
        *,
        status: int | None,
        content_type: str | None = None,
        body: bytes = b"",
        problem: str | None = None,
    ) -> bool:
        """Take down one request and its answer; whether it predicted. An answer with an error status is
        none."""
        values: tuple[str, ...] = ()
        if problem is None and status is not None and not 200 <= status < 300:
            problem = f"it answered with status {status}"
        if problem is None and len(body) > self.target.most_bytes:
            problem = f"its answer is larger than {self.target.most_bytes:,} bytes"
        if problem is None:
            read = predictions.read(content_type, body, pointer=self.target.pointer, sent=sent.body)
            values, problem = read.values, read.problem
        shown = "" if sent.body is None else _shown(sent.body)
        made = Attempt(
            form=sent.form,
            content_type=sent.content_type or "",
            sent=self.told(shown, 200),
            status=status,
            answer=self.told(_shown(body)),
            prediction=tuple(self.told(value, 80) for value in values),
            problem=None if problem is None else _clause(self.told(problem)),
            origin=sent.origin,
            seconds=round(time.monotonic() - began, 3),
        )
        self.knows(attempts=(*self.found.attempts, made))
        return made.problem is None

    def up_since(self, created: datetime | None) -> None:
        """When it was made, and how long that is ago."""
        if created is None:
            return
        at = created if created.tzinfo is not None else created.replace(tzinfo=timezone.utc)
        age = (datetime.now(timezone.utc) - at).total_seconds()
        self.knows(
            created=at.astimezone(timezone.utc).isoformat(timespec="seconds"), age=round(max(0.0, age), 1)
        )


def _sent(request: Request) -> Sent:
    body = None if request.body is None else base64.b64decode(request.body)
    return Sent(request.form, request.content_type, body, request.accept, request.origin)


def _clause(sentence: str) -> str:
    """A sentence as a part of another."""
    return f"{sentence[:1].lower()}{sentence[1:]}".rstrip(".")


def _shown(body: bytes) -> str:
    """The beginning of a body as text, or what it is."""
    if body.startswith(b"\x93NUMPY"):
        return f"a NumPy array, {len(body)} bytes"
    return body[:2_000].decode("utf-8", "replace")
