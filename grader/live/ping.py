"""Ask one live endpoint: is it in service, and does it predict? Meant for a process beside the reader's,
without its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from grader.asking import predictions
from grader.facts.asked import Attempt, LiveEndpoint, Rehearsal
from grader.live.clock import OutOfTime, within
from grader.live.inquiry import Inquiry, Trouble
from grader.live.targets import Target

__all__ = ["ask", "compare", "not_asked"]


def ask(target: Target, seconds: float = 60.0, told: Callable[[str], None] | None = None) -> LiveEndpoint:
    """What the endpoint is and answers, within ``seconds``. Never raises for what happens out there.

    The requests of ``target`` are tried in order until one predicts; ``told`` hears one sentence, for who
    waits.
    """
    inquiry = Inquiry(target, seconds)
    if target.problem is not None:
        if target.undecided:
            inquiry.knows(state="unknown", trouble="unread", reason=inquiry.told(target.problem))
        else:
            inquiry.is_in("refused", target.problem)
        return inquiry.found
    if told is not None:
        told(f"Asking {inquiry.found.name} ...")
    try:
        within(seconds, lambda: _ask(inquiry))
        found = inquiry.found
        if not found.attempts and found.trouble is None and found.state in ("in-service", "unknown"):
            raise Trouble(
                "no-request", target.no_request or "no request of a form that it takes could be made"
            )
    except OutOfTime:
        inquiry.knows(trouble="time-out")
        if inquiry.found.state == "unknown":
            inquiry.knows(reason=f"no whole answer came within {seconds:g} s")
        else:
            inquiry.note(f"No whole answer came within {seconds:g} s.")
    except Trouble as trouble:
        inquiry.knows(trouble=trouble.kind)
        if inquiry.found.state == "unknown":
            inquiry.knows(reason=inquiry.told(trouble.reason))
        else:
            inquiry.note(_sentence(trouble.reason))
    except Exception as problem:  # a defect of ours, or a client's: never the student's
        inquiry.knows(trouble="other")
        said = f"the client failed ({type(problem).__name__})"
        if inquiry.found.state == "unknown":
            inquiry.knows(reason=said)
        else:
            inquiry.note(_sentence(said))
    return inquiry.found


def not_asked(target: Target | Mapping[str, Any], problem: str) -> LiveEndpoint:
    """The endpoint of a target (or of one as JSON) that was never asked, for a trouble of ours, one
    sentence."""
    wanted = target if isinstance(target, Target) else Target.from_json(target)
    inquiry = Inquiry(wanted, 1.0)
    inquiry.knows(trouble="other", reason=inquiry.told(problem))
    return inquiry.found


def _ask(inquiry: Inquiry) -> None:
    kind = inquiry.target.kind
    if kind == "ai-platform":
        from grader.live.vertex import SWITCHED_OFF

        inquiry.is_in("switched-off", SWITCHED_OFF)
    elif kind == "sagemaker":
        from grader.live import sagemaker

        sagemaker.ask(inquiry)
    elif kind == "vertex":
        from grader.live import vertex

        vertex.ask(inquiry)
    else:
        from grader.live import url

        url.ask(inquiry)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def compare(endpoints: Iterable[LiveEndpoint], rehearsals: Iterable[Rehearsal]) -> tuple[LiveEndpoint, ...]:
    """The endpoints with ``agrees`` filled: whether one answered a request as the rehearsal of its platform
    did."""
    known = {rehearsal.platform: rehearsal for rehearsal in rehearsals}
    return tuple(
        endpoint._replace(agrees=_agrees(endpoint.attempts, known[endpoint.platform].attempts))
        if endpoint.platform in known
        else endpoint
        for endpoint in endpoints
    )


def _agrees(live: Iterable[Attempt], rehearsed: Iterable[Attempt]) -> bool | None:
    """Over the requests that both predicted on; None where there is none, or their answers cannot be
    compared."""
    answered = {_request(a): a for a in rehearsed if a.problem is None and a.prediction}
    found: bool | None = None
    for attempt in live:
        other = answered.get(_request(attempt))
        if other is None or attempt.problem is not None or not attempt.prediction:
            continue
        same = predictions.agree(
            predictions.Prediction(attempt.prediction, None), predictions.Prediction(other.prediction, None)
        )
        if same is False:
            return False
        found = same if found is None else found
    return found


def _request(attempt: Attempt) -> tuple[str, str, str | None]:
    """What makes two requests the same one: both rooms take them from the same list."""
    return attempt.form, attempt.content_type, attempt.origin
