"""What was found by asking: facts that cost something, gathered only on request (``--rehearse``, ``--live``).

Plain values throughout: they cross from the process that asked to the one that judges as JSON (:func:`out`, :func:`into`).
Texts that come from a submission or an endpoint are bounded and may hold anything: whoever shows them makes them visible.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeVar

from grader.facts.records import Place


class Attempt(NamedTuple):
    """One request and its answer.

    ``form`` is how a person would call it (``one row of CSV``), ``origin`` the path of the student's sample that it was
    taken from (None: made from the model's features), ``sent`` the request's beginning. ``status`` is the HTTP status,
    None where there was no answer; ``prediction`` are the labels or numbers found in the answer, as text, empty where
    there are none and ``problem`` says why. ``trace``: the last lines of the traceback that came with an error, those of the
    student's own code beginning ``> ``; ``stage`` the step that failed (``input``, ``predict``, ``output``, ...); ``limit`` the limit
    that broke while it was answered (``time``, ``memory``, ...).
    """

    form: str
    content_type: str
    sent: str
    status: int | None
    answer: str
    prediction: tuple[str, ...] = ()
    problem: str | None = None
    origin: str | None = None
    trace: tuple[str, ...] = ()
    stage: str | None = None
    seconds: float = 0.0
    limit: str | None = None


class Stage(NamedTuple):
    """How one step of a rehearsal went. ``ok`` None: it was not reached.

    ``problem`` is one line (an exception's type and message, a status, how the process ended), ``trace`` the student's
    own last traceback lines, ``limit`` the limit that broke (``time``, ``memory``, ...), ``seconds`` the wall time.
    """

    ok: bool | None = None
    problem: str | None = None
    trace: tuple[str, ...] = ()
    limit: str | None = None
    seconds: float = 0.0


class Rehearsal(NamedTuple):
    """A deployment rehearsed locally, for one platform.

    ``outcome``: ``asked`` (the server was started and asked: the stages tell), ``unavailable`` (our trouble: no
    sandbox, no environment), ``undecided`` (it cannot be told what to rehearse: a person must look), ``nothing`` (no model,
    or no script with a ``model_fn``: ``lacks`` names the check that says so); ``problem`` is then one sentence.
    ``model`` and ``script`` are paths in the submission (a member behind ``!``), ``declared`` what the environment was
    made from, with its place; ``python`` and ``packages`` what was really there; ``notes`` what was not as declared, and
    what was left out; ``doubts`` are pairs (about what, the sentence) of what a failure may hang on though the
    student is not to blame: ``versions``, ``numpy``, ``place``, ``code``. ``handlers`` are the functions of the
    contract that the script defines, ``contract`` the one it was served by. ``warnings`` and ``log`` are what the student's code printed: told, never believed.
    """

    platform: str
    outcome: Literal["asked", "unavailable", "undecided", "nothing"]
    problem: str | None = None
    lacks: str | None = None
    model: str | None = None
    script: str | None = None
    declared: str | None = None
    place: Place | None = None
    python: str | None = None
    packages: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    loads: Stage = Stage()
    ping: Stage = Stage()
    attempts: tuple[Attempt, ...] = ()
    payload_problem: str | None = None
    warnings: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    seconds: float = 0.0
    contract: str | None = None
    handlers: tuple[str, ...] = ()
    doubts: tuple[tuple[str, str], ...] = ()


class LiveEndpoint(NamedTuple):
    """A live endpoint that was asked.

    ``kind``: ``sagemaker``, ``vertex``, ``ai-platform`` or ``url``. ``named_by``: ``operator`` (the command line),
    ``endpoint.yaml`` or ``files`` (a literal name); ``place`` is where. ``state``: ``in-service``, ``absent``, ``creating``,
    ``failed``, ``refused`` (an address that is not to be asked, or a name of impossible form), ``switched-off``,
    ``unknown`` (could not be asked: ``trouble`` says which of ``no-credentials``, ``no-permission``, ``throttled``,
    ``time-out``, ``no-route``, ``no-client``, ``other``; ``no-request``: what to send to it is not known here;
    ``unread``: what names it could not be read). One that is
    in service may have a trouble, too, which kept the prediction from being asked for. ``reason`` is the cloud's or our
    sentence. ``allowed``: the operator named or allowed it, or it is an address, for which no credentials are used.
    ``created`` is ISO 8601; ``age`` in seconds; ``delete`` the command that deletes it.
    ``certain`` False: it was looked for in an account, project or region that need not be the one it is in.
    ``payload_problem``: why the requests that were made here may not be those that it takes.
    ``agrees``: whether its answer is that of the rehearsal of the same model (None: not compared).
    """

    platform: str
    kind: str
    name: str
    named_by: str
    state: str
    trouble: str | None = None
    reason: str | None = None
    place: Place | None = None
    region: str | None = None
    project: str | None = None
    account: str | None = None
    resource: str | None = None
    allowed: bool = False
    image: str | None = None
    scikit_learn: str | None = None
    model: str | None = None
    created: str | None = None
    age: float | None = None
    delete: str | None = None
    attempts: tuple[Attempt, ...] = ()
    agrees: bool | None = None
    payload_problem: str | None = None
    notes: tuple[str, ...] = ()
    certain: bool = True


_R = TypeVar("_R", Rehearsal, LiveEndpoint)


def out(record: Rehearsal | LiveEndpoint) -> dict[str, Any]:
    """A record as JSON values."""
    return _plain(record)  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        if hasattr(value, "_fields"):
            return {name: _plain(part) for name, part in zip(value._fields, value, strict=True)}
        return [_plain(part) for part in value]
    return value


def into(kind: type[_R], raw: dict[str, Any]) -> _R:
    """The record that :func:`out` made ``raw`` of."""
    values = {name: _frozen(value) for name, value in raw.items()}
    if isinstance(raw.get("place"), dict):
        values["place"] = Place(**raw["place"])
    for name in ("loads", "ping"):
        if name in raw:
            values[name] = Stage(**{k: _frozen(v) for k, v in raw[name].items()})
    values["attempts"] = tuple(
        Attempt(**{k: _frozen(v) for k, v in one.items()}) for one in raw.get("attempts", ())
    )
    return kind(**values)


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value
