"""Asks a rehearsed server, from outside its sandbox: is it up, does it predict.

Only HTTP answers count, and they may be anything: every one is bounded in size and time, drip-fed ones too. What the process printed
is told (:attr:`Asked.log`, :attr:`Asked.warnings`), and decides nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from grader.asking import predictions
from grader.facts.asked import Attempt, Stage
from grader.rehearsal.exchange import Answer, Broken, exchange

REQUEST_SECONDS = 60.0
"""What one request may take: SageMaker's and Vertex AI's own limit on an answer (2026-11-22)."""

_HEALTH = {"sagemaker": "/ping", "vertex": "/health", "ai-platform": "/health"}
_PREDICT = {"sagemaker": "/invocations", "vertex": "/predict", "ai-platform": "/predict"}
_STAGES = ("import", "load", "input", "predict", "output")
_LOADING = ("import", "load")
_PREFIX = "@rehearsal "  # of the server's own lines in the log
_SHOWN = 600  # characters of an answer
_VALUES = 20  # labels and numbers kept of a prediction
_LINES, _WIDTH = 12, 300  # of a trace
_LOG_LINES = 40
_WARNINGS = 20
_SLICE = 0.02  # seconds between two looks at whether the process is still there
_PATIENCE = 2.0  # seconds in which it becomes known that a process has ended


class PayloadLike(Protocol):
    """A request to try (:class:`grader.asking.payloads.Payload`)."""

    @property
    def form(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def accept(self) -> str | None: ...
    @property
    def origin(self) -> str | None: ...


class EndingLike(Protocol):
    """How the server's process ended (:class:`grader.rehearsal.job.Ending`)."""

    @property
    def limit(self) -> str | None: ...
    @property
    def code(self) -> int | None: ...
    @property
    def sentence(self) -> str: ...
    @property
    def ours(self) -> bool: ...


class RunningLike(Protocol):
    """The server's process."""

    def ended(self) -> EndingLike | None: ...
    def log(self) -> str: ...


class BoundsLike(Protocol):
    """``seconds`` of wall time for everything."""

    @property
    def seconds(self) -> float: ...


class Asked(NamedTuple):
    """What the server answered.

    ``log`` are the last lines that its process printed, ``warnings`` what Python warned of. ``ours``: the sandbox itself failed,
    with this sentence, and nothing follows from it for the student.
    """

    loads: Stage
    ping: Stage
    attempts: tuple[Attempt, ...] = ()
    warnings: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    seconds: float = 0.0
    ours: str | None = None

    @property
    def predicted(self) -> Attempt | None:
        """The first request that was answered with a prediction."""
        return next((one for one in self.attempts if one.problem is None), None)


class _Told(NamedTuple):
    """What an error's body or the log says of a failure; nothing of it is to be trusted."""

    stage: str | None
    problem: str | None
    trace: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def probe(
    address: Path,
    contract: str,
    payloads: Sequence[PayloadLike],
    bounds: BoundsLike,
    running: RunningLike,
) -> Asked:
    """Ask the server on the unix socket ``address``: its health, then ``payloads`` in their order until one is predicted.

    ``contract`` is ``sagemaker``, ``vertex`` or ``ai-platform``. Takes at most ``bounds.seconds``, and stops when the process ends. An
    answer of 500 that names the stage ``import`` or ``load``, no answer, or an end before the first one: it does not load.
    """
    asking = _Asking(address, contract, time.monotonic() + bounds.seconds, running)
    began = time.monotonic()
    loads, ping = asking.health()
    if ping.ok:
        for payload in payloads:
            if not asking.attempt(payload):
                break
    lines = _log(running.log())
    warnings = tuple(asking.warnings)[:_WARNINGS]
    ending = running.ended()
    ours = _line(ending.sentence) if ending is not None and ending.ours else None
    seconds = round(time.monotonic() - began, 3)
    return Asked(loads, ping, tuple(asking.attempts), warnings, lines, seconds, ours)


class _Asking:
    def __init__(self, address: Path, contract: str, until: float, running: RunningLike) -> None:
        self.address = address
        self.contract = contract
        self.until = until
        self.running = running
        self.attempts: list[Attempt] = []
        self.warnings: dict[str, None] = {}

    def health(self) -> tuple[Stage, Stage]:
        """Whether the model was loaded, and whether the health check was answered."""
        began = time.monotonic()
        path = _HEALTH[self.contract]
        try:
            answer = self._ask("GET", path, {}, b"", self.until)
        except Broken as broken:
            problem, limit = self._why(broken)
            told = _failure_in(self.running.log())
            self._warned(told.warnings)
            seconds = round(time.monotonic() - began, 3)
            if limit is None and told.problem is not None:
                return Stage(False, told.problem, told.trace, None, seconds), Stage()
            return Stage(False, problem, told.trace, limit, seconds), Stage()
        seconds = round(time.monotonic() - began, 3)
        if answer.status == 200:
            return Stage(True, seconds=seconds), Stage(True, seconds=seconds)
        told = self._told(answer)
        problem = told.problem or f"GET {path} was answered with status {answer.status}"
        if told.stage in _LOADING:
            return Stage(False, problem, told.trace, None, seconds), Stage()
        return Stage(True, seconds=seconds), Stage(False, problem, told.trace, None, seconds)

    def attempt(self, payload: PayloadLike) -> bool:
        """Send one request and take down what came; whether another is worth sending."""
        began = time.monotonic()
        one = Attempt(
            payload.form, payload.content_type, _shown(payload.body, 200), None, "", origin=payload.origin
        )
        headers = {"Content-Type": payload.content_type}
        if payload.accept is not None:
            headers["Accept"] = payload.accept
        more = True
        try:
            until = min(self.until, began + REQUEST_SECONDS)
            answer = self._ask("POST", _PREDICT[self.contract], headers, payload.body, until)
        except Broken as broken:
            problem, limit = self._why(broken)
            told = _failure_in(self.running.log())
            one = one._replace(problem=problem, limit=limit, trace=told.trace, stage=told.stage)
            more = limit is None and self.running.ended() is None
        else:
            one = self._read(one, answer, payload.body)
            more = one.problem is not None and time.monotonic() < self.until
        self.attempts.append(one._replace(seconds=round(time.monotonic() - began, 3)))
        return more

    def _read(self, one: Attempt, answer: Answer, sent: bytes) -> Attempt:
        one = one._replace(status=answer.status, answer=_shown(answer.body, _SHOWN))
        if 200 <= answer.status < 300:
            found = predictions.read(answer.content_type, answer.body, sent=sent)
            return one._replace(prediction=found.values[:_VALUES], problem=found.problem)
        told = self._told(answer)
        problem = told.problem or f"It was answered with status {answer.status}."
        if told.stage is not None:  # the body is the rehearsal's own way to tell, no answer of the deployment
            one = one._replace(answer="")
        return one._replace(problem=problem, trace=told.trace, stage=told.stage)

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes, until: float) -> Answer:
        answer = exchange(
            self.address, method, path, headers, body, until, lambda: self.running.ended() is not None
        )
        self._warned(_texts(_json(answer.warnings.encode()), _WARNINGS))
        return answer

    def _warned(self, texts: Sequence[str]) -> None:
        self.warnings.update(dict.fromkeys(_line(text, _WIDTH) for text in texts))

    def _told(self, answer: Answer) -> _Told:
        told = _failure(_json(answer.body))
        self._warned(told.warnings)
        return told

    def _why(self, broken: Broken) -> tuple[str, str | None]:
        """What to say where no answer came: how the process ended, else what the exchange found; and the limit that broke."""
        # A connection breaks a moment before its process is known to have ended.
        end = time.monotonic() + _PATIENCE
        while (ending := self.running.ended()) is None and broken.closed and time.monotonic() < end:
            time.sleep(_SLICE)
        if ending is not None:
            return _line(ending.sentence), ending.limit
        return _line(str(broken)), "time" if broken.late else None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _failure(data: Any) -> _Told:
    """What the body of an error says, taken for text."""
    if not isinstance(data, dict):
        return _Told(None, None, ())
    stage, kind, message = data.get("stage"), data.get("type"), data.get("message")
    problem = None
    if isinstance(kind, str) and kind.strip():
        said = message.strip() if isinstance(message, str) else ""
        problem = _line(f"{kind}: {said}" if said else kind)
    elif isinstance(data.get("detail"), str) and data["detail"].strip():
        problem = _line(data["detail"])
    elif isinstance(message, str) and message.strip():
        problem = _line(message)
    return _Told(
        stage if isinstance(stage, str) and stage in _STAGES else None,
        problem,
        tuple(_texts(data.get("trace"), _LINES)),
        tuple(_texts(data.get("warnings"), _WARNINGS)),
    )


def _texts(data: Any, most: int) -> list[str]:
    return [one[:_WIDTH] for one in data if isinstance(one, str)][:most] if isinstance(data, list) else []


def _failure_in(log: str) -> _Told:
    """The last failure that the server wrote down as it ended."""
    for line in reversed(log.splitlines()):
        if line.startswith(_PREFIX):
            data = _json(line[len(_PREFIX) :].encode("utf-8", "replace"))
            if isinstance(data, dict) and "failed" in data:
                return _failure(data["failed"])
    return _Told(None, None, ())


def _log(log: str) -> tuple[str, ...]:
    """The last lines of a log, without the server's own."""
    own = (line for line in log.splitlines() if line.strip() and not line.startswith(_PREFIX))
    return tuple(line[:_WIDTH] for line in own)[-_LOG_LINES:]


def _line(text: str, width: int = 500) -> str:
    one = " ".join(text[: 4 * width].split())
    return one if len(one) <= width else one[: width - 1] + "…"


def _shown(body: bytes, width: int) -> str:
    """The beginning of a body as text; of what is no text, how much it is."""
    head = body[: 4 * width]
    if head.startswith(b"\x93NUMPY"):
        return f"(an npy array of {len(body)} bytes)"
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        text = head.decode("utf-8", "replace")
        if text.count("\ufffd") > 2:
            return f"({len(body)} bytes)"
    return text if len(text) <= width and len(body) <= len(head) else text[: width - 1] + "…"
