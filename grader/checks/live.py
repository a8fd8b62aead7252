"""What the deployed endpoint itself answered (``--live``)."""

from __future__ import annotations

from collections.abc import Sequence

from grader.checks.registry import check
from grader.checks.subject import Subject
from grader.checks.verdict import Status, Verdict, error, failed, not_applicable, passed, review
from grader.facts.asked import Attempt, LiveEndpoint
from grader.facts.records import Place
from grader.platforms import tables
from grader.text import excerpt

_TOLD_IN = (".py", ".ipynb", ".md", ".sh", ".yaml", ".yml")
_TROUBLES = {
    "no-credentials": "Sign in as the cloud's own tools want it, or ask the endpoint by hand.",
    "no-permission": "Grant the permissions that docs/live.md lists, or ask the endpoint by hand.",
    "throttled": "Grade again in a few minutes.",
    "time-out": "Grade again, or give it more time with --limit live-seconds=180.",
    "no-route": "See that this machine reaches the address, and grade again.",
    "no-client": "Install the client, and grade again.",
}
_SAY_WHAT = (
    "Put a request that it answers beside endpoint.yaml, and name it there: `sample: sample_request.json`."
)
_REACHABLE = "Name an address that everybody can reach; --allow-private allows one of your own network."
_RANK = {Status.PASS: 0, Status.REVIEW: 1, Status.ERROR: 2, Status.FAIL: 3}


@check("live.in-service", on_request="live", requires=("folder.present",))
def in_service(subject: Subject, *, wanted: bool = False) -> Verdict:
    """The endpoint exists and is in service

    Why: Only an endpoint in service can be asked for a prediction. Which one it is stands in `endpoint.yaml` in the
        deploy folder, or as a literal name in its files. An address is asked only where everybody can reach it.
    Example: `aws_deploy/endpoint.yaml` says `endpoint: penguins` and `region: us-east-1`, and
        `aws sagemaker describe-endpoint` says `InService`.
    Remedy: Name the endpoint in `endpoint.yaml`, create it again, or wait until it is in service. Delete it after
        it was graded.
    """
    ours = _endpoints(subject)
    if not ours:
        return _none(subject, wanted)
    return _together([_standing(endpoint, subject) for endpoint in ours])


@check("live.predicts", on_request="live", requires=("live.in-service",))
def predicts(subject: Subject) -> Verdict:
    """The endpoint answers a prediction

    Why: A prediction is what the deployment is for: whole JSON, CSV or npy with at least one label or finite number.
        A web page, an error or `null` is none.
    Example: The endpoint answers one row of features with a label or a number.
    Remedy: Send the request that your README shows, mend what the endpoint's log names, and put a request that
        works beside `endpoint.yaml`, as its `sample`.
    """
    ours = _endpoints(subject)
    up = [endpoint for endpoint in ours if endpoint.state == "in-service"]
    if up:
        return _together([_predicting(endpoint, subject) for endpoint in up])
    if not ours:
        return not_applicable("No live endpoint is named, so none was asked for a prediction.")
    return review(
        "A prediction was expected; that the endpoint is in service is not established.",
        *_places(ours[0], subject),
    )


def _endpoints(subject: Subject) -> list[LiveEndpoint]:
    return [endpoint for endpoint in subject.endpoints if endpoint.platform == subject.platform]


def _none(subject: Subject, wanted: bool) -> Verdict:
    """Nothing names an endpoint: that may be in order, or lie in a file that was not read."""
    unread = [path for path in subject.unread_in_folder() if path == "." or path.lower().endswith(_TOLD_IN)]
    if unread:
        return review(
            "A live endpoint was looked for; a file that may name it could not be read.",
            *map(Place, dict.fromkeys(unread)),
        )
    if wanted:
        return failed(
            "The endpoint was expected to be named in `endpoint.yaml` in the deploy folder; nothing names one.",
            subject.where,
        )
    return not_applicable(
        "No live endpoint is named: neither by endpoint.yaml nor by a literal name in the files."
    )


def _together(verdicts: Sequence[Verdict]) -> Verdict:
    """Of several endpoints the best counts, and the others are told with it."""
    best = min(verdicts, key=lambda verdict: _RANK.get(verdict.status, 3))
    others = [verdict for verdict in verdicts if verdict is not best]
    if not others:
        return best
    told = " ".join(f"Also named: {verdict.message}" for verdict in others)
    places = tuple(dict.fromkeys((*best.evidence, *(p for verdict in others for p in verdict.evidence))))
    return best._replace(message=f"{best.message} {told}", evidence=places)


def _standing(endpoint: LiveEndpoint, subject: Subject) -> Verdict:
    """Whether one endpoint is in service."""
    what, at = _called(endpoint), _places(endpoint, subject)
    reason = _reason(endpoint)
    if endpoint.state == "in-service":
        told = f"{what} is in service{_identity(endpoint)}{_up(endpoint)}{reason}.{_notes(endpoint)}"
        if endpoint.allowed:
            return passed(told, *at)
        return review(
            f"{told} The submission names it, and anyone can write a name: see that it is the student's own.",
            *at,
            hint=_whose(endpoint),
        )
    if endpoint.state == "creating":
        return review(
            f"{what} was expected to be in service; it is still being created.",
            *at,
            hint="Grade again in a while.",
        )
    if endpoint.state == "absent" and not endpoint.certain:
        owner = endpoint.account if endpoint.kind == "sagemaker" else endpoint.project
        where = " and ".join(
            part for part in (f"account or project {owner}" if owner else "", endpoint.region or "") if part
        )
        return review(
            f"{what} was expected to be in service; it is not there in {where or 'your account'}, "
            "which need not be where the student's is.",
            *at,
            hint=_whose(endpoint),
        )
    if endpoint.state == "absent":
        return failed(f"{what} was expected to be in service; it is not there{reason}.", *at)
    if endpoint.state == "failed":
        return failed(f"{what} was expected to be in service; it failed{reason}.", *at)
    if endpoint.state == "refused":
        hint = _REACHABLE if endpoint.kind == "url" else None
        return failed(
            f"{what} was expected to be one that can be asked; it was not asked{reason}.{_notes(endpoint)}",
            *at,
            hint=hint,
        )
    if endpoint.state == "switched-off":
        return failed(f"{what} was expected to be in service{reason}.", *at)
    return _not_asked(endpoint, f"{what} was to be asked whether it is in service", at)


def _not_asked(endpoint: LiveEndpoint, purpose: str, at: tuple[Place, ...]) -> Verdict:
    trouble = endpoint.trouble or "other"
    if trouble == "no-request":
        return review(f"{purpose}; what to send to it is not known{_reason(endpoint)}.", *at, hint=_SAY_WHAT)
    if trouble == "unread":
        return review(f"{purpose}; what names it could not be read{_reason(endpoint)}.", *at)
    said = _reason(endpoint) if endpoint.state == "unknown" else _last_note(endpoint)
    return error(
        f"{purpose}; that could not be done here{said}.",
        *at,
        hint=_TROUBLES.get(trouble, "Ask the endpoint by hand."),
    )


def _predicting(endpoint: LiveEndpoint, subject: Subject) -> Verdict:
    """Whether one endpoint that is in service predicts."""
    what, at = _called(endpoint), _places(endpoint, subject)
    answered = next((attempt for attempt in endpoint.attempts if attempt.problem is None), None)
    if answered is not None:
        values = excerpt(", ".join(answered.prediction), 80)
        told = f"{what} answers `{_code(values)}` to {_form(answered)}{_agreement(endpoint)}"
        if endpoint.allowed:
            return passed(f"{told}.", *at)
        return review(
            f"{told}; whether it is the student's own is for a person to see.", *at, hint=_whose(endpoint)
        )
    if endpoint.trouble is not None:
        return _not_asked(endpoint, f"{what} was to be asked for a prediction", at)
    if not endpoint.attempts:
        return review(
            f"{what} was to be asked for a prediction; no request could be made.", *at, hint=_SAY_WHAT
        )
    worst = next((a for a in endpoint.attempts if a.origin is not None), endpoint.attempts[0])
    told = (
        f"A prediction was expected from {_lower(what)}; to {_form(worst)} {_said(worst)}{_others(endpoint)}."
    )
    if worst.origin is not None or _must_answer(endpoint, subject):
        return failed(told, *at)
    why = excerpt(endpoint.payload_problem or "", 300).rstrip(".")
    why = f": {_lower(why)}" if why else ""
    return review(
        f"{told} It was made here from the model's features, and may not be what it takes{why}.",
        *at,
        hint=_SAY_WHAT,
    )


def _must_answer(endpoint: LiveEndpoint, subject: Subject) -> bool:
    """Whether it had to answer what we made: Google's own container has no code of the student's, or the
    rehearsal did."""
    image = endpoint.image if endpoint.kind == "vertex" and endpoint.payload_problem is None else None
    if image and tables.vertex_container_of(image) is not None:
        return True
    asked = {(attempt.form, attempt.content_type) for attempt in endpoint.attempts}
    return any(
        rehearsal.platform == endpoint.platform
        and any(a.problem is None and (a.form, a.content_type) in asked for a in rehearsal.attempts)
        for rehearsal in subject.rehearsals
    )


def _said(attempt: Attempt) -> str:
    """What came instead of a prediction."""
    answer = excerpt(attempt.answer, 160)
    shown = f": `{_code(answer)}`" if answer else ""
    if attempt.status is None:
        return f"there was no answer, {attempt.problem}{shown}"
    if not 200 <= attempt.status < 300:
        return f"it answered an error, status {attempt.status}{shown}"
    return f"it answered something that is no prediction ({attempt.problem}){shown}"


def _others(endpoint: LiveEndpoint) -> str:
    rest = len(endpoint.attempts) - 1
    return f" (and none to {rest} other request{'s' if rest > 1 else ''})" if rest else ""


def _form(attempt: Attempt) -> str:
    told = attempt.origin is None or attempt.origin in attempt.form
    where = "" if told else f" ({excerpt(attempt.origin or '', 80)})"
    return f"{excerpt(attempt.form, 80)}{where}"


def _whose(endpoint: LiveEndpoint) -> str:
    owner = endpoint.account if endpoint.kind == "sagemaker" else endpoint.project
    allow = f", or allow what lies there: --allow-endpoint {owner}" if owner else ""
    return f"See in that account whose it is{allow}."


def _agreement(endpoint: LiveEndpoint) -> str:
    if endpoint.agrees is None:
        return ""
    return (
        ", as the rehearsal of the same model does"
        if endpoint.agrees
        else ", and the rehearsal of its model answers otherwise"
    )


def _called(endpoint: LiveEndpoint) -> str:
    name = _code(excerpt(endpoint.name, 120))
    if endpoint.kind == "ai-platform":
        return "The deployment on AI Platform" if name == "?" else f"The AI Platform model `{name}`"
    if name == "?":
        return "The endpoint"
    if endpoint.kind == "url":
        return f"The address `{name}`"
    return (
        f"The endpoint that `{name}` names"
        if name in ("endpoint.yaml", "endpoint.yml")
        else f"The endpoint `{name}`"
    )


def _lower(what: str) -> str:
    return what[:1].lower() + what[1:]


def _even(text: str) -> str:
    """A sentence whose backticks come in pairs, or without any."""
    return _code(text) if text.count("`") % 2 else text


def _code(text: str) -> str:
    return text.replace("`", "'")


def _identity(endpoint: LiveEndpoint) -> str:
    """Whose it is: account or project, region, the whole name."""
    parts = []
    if endpoint.kind == "sagemaker" and endpoint.account:
        parts.append(f"account {endpoint.account}")
    elif endpoint.kind == "vertex" and endpoint.project:
        parts.append(f"project {excerpt(endpoint.project, 60)}")
    if endpoint.resource:
        parts.append(f"`{_code(excerpt(endpoint.resource, 200))}`")
    if endpoint.scikit_learn:
        parts.append(f"scikit-learn {endpoint.scikit_learn}")
    return f" ({', '.join(parts)})" if parts else ""


def _up(endpoint: LiveEndpoint) -> str:
    since = f", up for {lasted(endpoint.age)}" if endpoint.age is not None else ""
    if endpoint.delete is None:
        return since
    serverless = any("serverless" in note for note in endpoint.notes)
    until = "is deleted by" if serverless else "costs money until it is deleted by"
    return f"{since}, and {until} `{_code(endpoint.delete)}`"


def _notes(endpoint: LiveEndpoint) -> str:
    return "".join(f" {_even(excerpt(note, 300))}" for note in endpoint.notes[:3])


def lasted(seconds: float) -> str:
    """A time span for people: ``3 minutes``, ``5 hours``, ``12 days``."""
    for size, noun in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size or (noun == "minute" and seconds >= size):
            count = int(seconds // size)
            return f"{count} {noun}{'s' if count != 1 else ''}"
    return "less than a minute"


def _reason(endpoint: LiveEndpoint) -> str:
    if not endpoint.reason:
        return ""
    return f": {_even(excerpt(endpoint.reason, 400)).rstrip('.')}"


def _last_note(endpoint: LiveEndpoint) -> str:
    return f": {_lower(_even(excerpt(endpoint.notes[-1], 400)).rstrip('.'))}" if endpoint.notes else ""


def _places(endpoint: LiveEndpoint, subject: Subject) -> tuple[Place, ...]:
    return (endpoint.place or subject.where,)
