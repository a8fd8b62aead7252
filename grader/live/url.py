"""A plain address (API Gateway, Cloud Run, a function): asked as ``endpoint.yaml`` says, and judged by its
answer alone."""

from __future__ import annotations

import os
import time

from grader.live import address as addresses
from grader.live.address import Address, Refused, Unresolved
from grader.live.inquiry import Inquiry, Sent, Trouble
from grader.live.plainweb import Answer, fetch

_GONE = frozenset({404, 410})
_NOT_FOR_US = frozenset({401, 403, 407})
_LATER = frozenset({429, 502, 503, 504})
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class _Later(Exception):
    """An answer that may be another one in a moment."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


def ask(inquiry: Inquiry) -> None:
    """Ask the address, and take down in ``inquiry`` what it answers.

    Raises:
        Trouble: it could not be asked.
    """
    target = inquiry.target
    try:
        address = addresses.parse(target.name, allow_private=target.allow_private)
        if address.number is not None:
            numbers: tuple[str, ...] = (address.number,)
        else:
            numbers = addresses.resolve(address, allow_private=target.allow_private)
    except Refused as problem:
        inquiry.is_in("refused", str(problem))
        return
    except Unresolved as problem:
        raise Trouble("no-route", str(problem) + _proxy_hint()) from None
    if not inquiry.asked:
        return  # any other request than a prediction's says nothing of what the address is for
    for sent in inquiry.asked:
        if _ask_once(inquiry, address, numbers, sent) is not False:
            return


def _ask_once(inquiry: Inquiry, address: Address, numbers: tuple[str, ...], sent: Sent) -> bool | None:
    """Send one request: True when it predicted, False when another form may, None when it is no use to go
    on."""
    target = inquiry.target
    method = target.method or ("GET" if sent.body is None else "POST")
    headers = dict(target.headers)
    if sent.body is not None:
        headers["Content-Type"] = sent.content_type or "application/json"
    headers["Accept"] = sent.accept or "application/json, text/csv;q=0.8, */*;q=0.5"
    began = time.monotonic()

    def once() -> Answer:
        answer = fetch(
            address, numbers, method, headers, None if method == "GET" else sent.body,
            clock=inquiry.clock, most=inquiry.target.most_bytes, allow_private=target.allow_private,
        )  # fmt: skip
        if answer.status in _LATER:
            raise _Later(answer)
        return answer

    try:
        answer = inquiry.clock.again(once, lambda problem: isinstance(problem, _Later), tries=3)
    except _Later as later:
        answer = later.answer
        if answer.status == 429:
            raise Trouble("throttled", "it answers 429: too many requests") from None
    except Refused as problem:
        inquiry.is_in("refused", f"it redirects to where nothing is asked: {problem}")
        return None
    except Trouble as trouble:
        if trouble.kind == "no-route":
            raise Trouble("no-route", trouble.reason + _proxy_hint()) from None
        raise
    if answer.status in _GONE and inquiry.found.state != "in-service":
        inquiry.is_in("absent", f"it answers {answer.status}: nothing is there")
        return None
    if answer.status in _NOT_FOR_US and inquiry.found.state != "in-service":
        raise Trouble("no-permission", f"it answers {answer.status}: it lets in only who is known to it")
    inquiry.is_in("in-service")
    fault = answer.problem
    if answer.elsewhere is not None:
        fault = f"it redirects to {answer.elsewhere}, which is not followed; name the address that answers"
    return inquiry.attempt(
        sent, began, status=answer.status, content_type=answer.content_type, body=answer.body, problem=fault
    )


def _proxy_hint() -> str:
    """Said where a proxy might have been the way out: for an address of a submission's own it is none."""
    if any(os.environ.get(name) or os.environ.get(name.upper()) for name in _PROXIES):
        return "; the proxy of this environment is not used for addresses that a submission chooses"
    return ""
