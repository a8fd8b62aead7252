"""One request to an address that a submission chose: to the very number that was looked up, and to nowhere
else.

No proxy, cookie, netrc or credential of the operator's takes part: behind a proxy nobody could say where a
request goes.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin

from grader import __version__
from grader.live import address as addresses
from grader.live.address import Address
from grader.live.clock import Clock
from grader.live.inquiry import Trouble

NO_CLIENT = "requests is not installed here; install it with: pip install 'deploy-lab-grader[live]'"
_HOPS = 3
_NUMBERS_TRIED = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BODILESS = frozenset({302, 303})


class Answer(NamedTuple):
    """What came back. ``elsewhere``: the host that a redirect leads to, which is not followed. ``body`` may
    be cut off
    one byte above the bound; ``problem``: it could not be unpacked.
    """

    status: int
    content_type: str | None
    body: bytes
    elsewhere: str | None = None
    problem: str | None = None


def fetch(
    address: Address,
    numbers: tuple[str, ...],
    method: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    clock: Clock,
    most: int,
    allow_private: bool,
) -> Answer:
    """Send one request, following at most three redirects, and those to the same scheme, host and port alone.

    Raises:
        Trouble: no answer came.
        Refused: a redirect leads to an address that is not asked.
    """
    try:
        import requests  # noqa: F401 - to have one answer for its absence
    except ImportError:
        raise Trouble("no-client", NO_CLIENT) from None
    for _ in range(_HOPS):
        answer, location = _once(address, numbers, method, headers, body, clock=clock, most=most)
        if location is None:
            return answer
        following = addresses.parse(_joined(address.url, location), allow_private=allow_private)
        if (following.scheme, following.host, following.port) != (address.scheme, address.host, address.port):
            return answer._replace(elsewhere=f"{following.scheme}://{following.authority}")
        address = following
        if answer.status in _BODILESS:
            method, body = "GET", None
    return answer


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise addresses.Refused("it is no address") from None


def _once(
    address: Address,
    numbers: tuple[str, ...],
    method: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    clock: Clock,
    most: int,
) -> tuple[Answer, str | None]:
    """(the answer, where it redirects to), from the first of the numbers that takes a connection."""
    import requests
    import urllib3.exceptions as broken

    request = requests.Request(method, "http://host.invalid/", headers=dict(headers), data=body).prepare()
    request.url = address.url  # as it was checked, untouched by another reading
    request.headers.update(
        {
            "Host": address.authority,
            "User-Agent": f"deploy-lab-grader/{__version__}",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
    )
    last: Exception | None = None
    for number in numbers[:_NUMBERS_TRIED]:
        try:
            with contextlib.closing(_adapter(address, number)) as adapter:
                response = adapter.send(
                    request, stream=True, timeout=(clock.left(10), clock.left(60)), verify=True, proxies={}
                )
                with contextlib.closing(response):
                    return _read(response, most)
        except requests.exceptions.Timeout as problem:
            last = problem
            if not isinstance(problem, requests.exceptions.ConnectTimeout):
                break
        except requests.exceptions.SSLError as problem:
            last = problem
            break
        except requests.exceptions.ConnectionError as problem:
            last = problem
            if not _never_connected(problem):
                break
        except requests.exceptions.RequestException as problem:
            last = problem
            break
        except broken.ReadTimeoutError as problem:
            last = requests.exceptions.ReadTimeout(problem)
            break
        except (broken.HTTPError, OSError, ValueError, ArithmeticError, AttributeError) as problem:
            last = problem
            break
    raise _sorted_out(last)


def _read(response: Any, most: int) -> tuple[Answer, str | None]:
    raw = b""
    # To its end, so that an answer that was cut off is noticed.
    while len(raw) <= most and (part := response.raw.read(most + 1 - len(raw), decode_content=False)):
        raw += part
    kind = response.headers.get("Content-Type")
    location = response.headers.get("Location") if response.status_code in _REDIRECTS else None
    problem = None
    coding = (response.headers.get("Content-Encoding") or "identity").strip().lower()
    if coding in ("gzip", "x-gzip", "deflate") and raw:
        try:
            raw = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(raw, most + 1)
        except zlib.error:
            problem = "its answer is compressed, and damaged"
    elif coding != "identity":
        problem = "its answer is compressed in a way that was not asked for"
    return Answer(response.status_code, kind, raw, problem=problem), location


def _adapter(address: Address, number: str) -> Any:
    """A transport whose one connection goes to ``number``; the certificate is checked for the host's own
    name."""
    import urllib3
    from requests.adapters import HTTPAdapter

    if address.scheme == "https":
        name = None if address.number else address.host
        pool: Any = urllib3.HTTPSConnectionPool(
            number, address.port, maxsize=1, retries=False, server_hostname=name, assert_hostname=name
        )
    else:
        pool = urllib3.HTTPConnectionPool(number, address.port, maxsize=1, retries=False)

    class Pinned(HTTPAdapter):  # type: ignore[misc, unused-ignore]
        """Hands out that one pool, whatever the request's address would resolve to."""

        def get_connection_with_tls_context(self, *_: Any, **__: Any) -> Any:
            return pool

        def close(self) -> None:
            pool.close()
            super().close()

    return Pinned(max_retries=0)


def _never_connected(problem: Exception) -> bool:
    """Whether no connection was made at all, so that another number may do."""
    from urllib3.exceptions import NewConnectionError

    inner: Any = problem.args[0] if problem.args else None
    return isinstance(inner, NewConnectionError) or isinstance(
        getattr(inner, "reason", None), NewConnectionError
    )


def _sorted_out(problem: Exception | None) -> Trouble:
    import requests

    if isinstance(problem, requests.exceptions.SSLError):
        return Trouble(
            "no-route", "its certificate does not vouch for its name, or no secure connection could be made"
        )
    if isinstance(problem, requests.exceptions.Timeout):
        return Trouble("time-out", "no answer came in time")
    if problem is not None and "timed out" in str(problem):
        return Trouble("time-out", "no answer came in time")
    if isinstance(problem, requests.exceptions.ConnectionError) and _never_connected(problem):
        return Trouble("no-route", "no connection could be made from here")
    return Trouble("no-route", "the connection broke before a whole answer came")
