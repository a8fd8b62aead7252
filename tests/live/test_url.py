"""Plain addresses: what counts as an answer, and what no server can do to whoever asks."""

from __future__ import annotations

import gc
import gzip
import json
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from grader.facts.asked import LiveEndpoint
from grader.live.ping import ask
from tests.live.asking import ROW, request, url_target
from tests.live.webserver import Answered, Asked, Web, serving

CANARY = "AKIA" + "CANARYCANARY2345"
SECRET = "canarySecretcanarySecretcanarySecret1234"


@pytest.fixture(scope="module")
def server() -> Iterator[Web]:
    with serving() as web:
        yield web


@pytest.fixture
def web(server: Web) -> Web:
    server.answer, server.raw, server.connections = Web.answer, None, 0
    server.asked.clear()
    return server


def asked(web: Web, *requests: Any, path: str = "/predict", seconds: float = 60, **more: Any) -> LiveEndpoint:
    return ask(url_target(web.url + path, *requests, allow_private=True, **more), seconds)


def says(
    status: int, body: bytes | str, kind: str = "application/json", **headers: str
) -> Callable[[Asked], Answered]:
    raw = body.encode() if isinstance(body, str) else body
    return lambda _: (status, {"Content-Type": kind, **headers}, raw)


@pytest.mark.parametrize(
    ("kind", "body", "values"),
    [
        ("application/json", "[0]", ("0",)),
        ("application/json; charset=utf-8", '{"predictions": ["Adelie"]}', ("Adelie",)),
        ("text/csv", "0.5\n1.5\n", ("0.5", "1.5")),
    ],
)
def test_a_prediction(web: Web, kind: str, body: str, values: tuple[str, ...]) -> None:
    web.answer = says(200, body, kind)
    found = asked(web)
    assert (found.state, found.trouble) == ("in-service", None)
    assert found.attempts[0].prediction == values
    assert found.attempts[0].status == 200
    assert len(web.asked) == 1


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html", "<!doctype html><title>Welcome</title>"),
        (200, "application/json", '{"message": "Internal server error"}'),
        (200, "application/json", "null"),
        (200, "application/json", "[NaN]"),
        (200, "application/json", "[0"),
        (200, "application/json", ""),
        (200, "application/json", "{}"),
        (200, "text/plain", "ok"),
        (204, "application/json", ""),
        (400, "application/json", "[0]"),
        (405, "application/json", "[0]"),
        (415, "application/json", '{"detail": "Unsupported"}'),
        (500, "application/json", "[0]"),
    ],
)
def test_what_is_no_prediction(web: Web, status: int, kind: str, body: str) -> None:
    web.answer = says(status, body, kind)
    found = asked(web)
    assert found.state == "in-service"
    assert [a.prediction for a in found.attempts] == [()]
    assert found.attempts[0].status == status
    assert found.attempts[0].problem


@pytest.mark.parametrize("status", [404, 410])
def test_nothing_is_there(web: Web, status: int) -> None:
    web.answer = says(status, '{"message": "Not Found"}')
    found = asked(web)
    assert (found.state, found.attempts) == ("absent", ())


@pytest.mark.parametrize("status", [401, 403])
def test_not_let_in_is_no_fault_of_the_students(web: Web, status: int) -> None:
    web.answer = says(status, '{"message": "Forbidden"}')
    found = asked(web)
    assert (found.state, found.trouble) == ("unknown", "no-permission")


def test_too_many_requests_are_waited_out(web: Web) -> None:
    web.answer = lambda _: (
        (429, {}, b"") if len(web.asked) < 2 else (200, {"Content-Type": "text/csv"}, b"1\n")
    )
    assert asked(web).attempts[0].prediction == ("1",)


def test_too_many_requests_to_the_end(web: Web) -> None:
    web.answer = says(429, "")
    found = asked(web)
    assert (found.state, found.trouble) == ("unknown", "throttled")
    assert len(web.asked) == 3


def test_the_second_form_does(web: Web) -> None:
    web.answer = lambda r: (
        (200, {"Content-Type": "text/csv"}, b"7\n") if r.body == b"1,2\n" else (500, {}, b"no")
    )
    found = asked(web, request(), request(b"1,2\n", "text/csv", "one row of CSV"))
    assert [(a.form, a.status, a.prediction) for a in found.attempts] == [
        ("one row of JSON", 500, ()),
        ("one row of CSV", 200, ("7",)),
    ]


def test_what_is_sent_is_what_was_said(web: Web) -> None:
    asked(
        web,
        request(b'{"x": 1}', "application/json; v=2", accept="text/csv"),
        path="/stage/predict?verbose=1",
        method="PUT",
        headers=(("x-api-key", "abc"), ("X-More", "y")),
    )
    (sent,) = web.asked
    assert (sent.method, sent.path, sent.body) == ("PUT", "/stage/predict?verbose=1", b'{"x": 1}')
    assert {k.lower(): v for k, v in sent.headers.items()} == {
        "host": f"127.0.0.1:{web.port}",
        "user-agent": sent.headers["User-Agent"],
        "accept-encoding": "identity",
        "connection": "close",
        "content-type": "application/json; v=2",
        "content-length": "8",
        "accept": "text/csv",
        "x-api-key": "abc",
        "x-more": "y",
    }
    assert sent.headers["User-Agent"].startswith("deploy-lab-grader/")


def test_a_get(web: Web) -> None:
    web.answer = says(200, '{"result": {"label": "Gentoo"}}')
    found = asked(
        web,
        request(b"", form="a GET")._replace(body=None, content_type=None),
        method="GET",
        pointer="result.label",
    )
    assert found.attempts[0].prediction == ("Gentoo",)
    assert web.asked[0].method == "GET"
    assert web.asked[0].body == b""


def test_a_key_in_a_header_or_query_is_not_told(web: Web) -> None:
    web.answer = lambda r: (500, {"Content-Type": "application/json"}, json.dumps(r.headers).encode())
    found = asked(web, headers=(("x-api-key", "k" * 5 + "3Xy9" * 9),), path="/p?token=hunter2hunter2")
    assert "3Xy93Xy9" not in repr(found)
    assert "hunter2" not in repr(found)


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_host_is_followed(web: Web, status: int) -> None:
    web.answer = lambda r: (
        (200, {"Content-Type": "application/json"}, b"[3]")
        if r.path == "/predict/"
        else (status, {"Location": "/predict/"}, b"")
    )
    found = asked(web)
    assert found.attempts[0].prediction == ("3",)
    method = "GET" if status in (302, 303) else "POST"
    assert [(r.method, bool(r.body)) for r in web.asked] == [("POST", True), (method, method == "POST")]


def test_a_redirect_to_another_host_is_not_followed(web: Web) -> None:
    with serving() as canary:
        web.answer = lambda _: (307, {"Location": f"http://127.0.0.1:{canary.port}/x"}, b"")
        found = asked(web)
        assert canary.connections == 0
    assert found.state == "in-service"
    assert "redirects to" in (found.attempts[0].problem or "")


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706433/",
        "http://user@127.0.0.1/",
        "gopher://127.0.0.1/",
        "file:///etc/passwd",
        "http://[fe80::1]/",
    ],
)
def test_a_redirect_to_what_is_never_asked(web: Web, location: str) -> None:
    web.answer = lambda _: (307, {"Location": location}, b"")
    found = asked(web)
    assert found.state == "refused"
    assert len(web.asked) == 1


def test_a_redirect_to_https_of_the_same_host_is_not_followed(web: Web) -> None:
    web.answer = lambda _: (308, {"Location": f"https://127.0.0.1:{web.port}/"}, b"")
    found = asked(web)
    assert len(web.asked) == 1
    assert "https://127.0.0.1" in (found.attempts[0].problem or "")


def test_a_circle_ends(web: Web) -> None:
    web.answer = lambda _: (307, {"Location": "/predict"}, b"")
    found = asked(web)
    assert len(web.asked) == 3
    assert found.attempts[0].prediction == ()


# Hostile servers


def test_no_credentials_cookies_or_proxies(web: Web, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {CANARY} password {SECRET}\n", encoding="utf-8")
    netrc.chmod(0o600)
    with serving() as proxy:
        for name, value in {
            "NETRC": str(netrc),
            "HTTP_PROXY": proxy.url,
            "http_proxy": proxy.url,
            "ALL_PROXY": proxy.url,
            "AWS_ACCESS_KEY_ID": CANARY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "REQUEST_METHOD": "",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        web.answer = lambda r: (
            (200, {"Content-Type": "application/json"}, b"[1]")
            if r.path == "/b"
            else (307, {"Location": "/b", "Set-Cookie": "a=b; Path=/"}, b"")
        )
        assert asked(web).attempts[0].prediction == ("1",)
        assert proxy.connections == 0
    assert len(web.asked) == 2
    for sent in web.asked:
        assert not {"authorization", "cookie", "proxy-authorization"} & {
            name.lower() for name in sent.headers
        }
        assert CANARY not in repr(sent)
        assert SECRET not in repr(sent)


def test_a_proxy_that_is_not_used_is_told(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        found = ask(url_target(f"http://127.0.0.1:{closed.getsockname()[1]}/", allow_private=True), 30)
    assert found.trouble == "no-route"
    assert "proxy" in (found.reason or "")


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(b"[4]", mtime=0)),
        ("x-gzip", gzip.compress(b"[4]", mtime=0)),
        ("deflate", zlib.compress(b"[4]")),
    ],
)
def test_a_packed_answer(web: Web, coding: str, packed: bytes) -> None:
    web.answer = says(200, packed, **{"Content-Encoding": coding})
    assert asked(web).attempts[0].prediction == ("4",)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(b"[" + b"1," * 20_000_000 + b"1]")),
        ("gzip", b"\x1f\x8bnonsense"),
        ("br", b"[4]"),
        ("identity", b"[" + b"1," * 1_000_000 + b"1]"),
    ],
    ids=["bomb", "damaged", "unknown", "large"],
)
def test_what_is_too_large_or_cannot_be_unpacked(web: Web, coding: str, packed: bytes) -> None:
    web.answer = says(200, packed, **{"Content-Encoding": coding})
    found = asked(web)
    assert found.attempts[0].prediction == ()
    assert found.attempts[0].problem


def _dripping_head(out: Any) -> None:
    out.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        out.write(b"X-More: 1\r\n")
        out.flush()
        time.sleep(0.2)


def _dripping_body(out: Any) -> None:
    out.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100):
        out.write(b" ")
        out.flush()
        time.sleep(0.2)


def _silent(out: Any) -> None:
    time.sleep(20)


def _ever_more(out: Any) -> None:
    for _ in range(100):
        out.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 50)
        out.flush()
        time.sleep(0.1)


@pytest.mark.parametrize("drip", [_dripping_head, _dripping_body, _silent, _ever_more])
def test_who_answers_slowly_does_not_hold_us(web: Web, drip: Callable[[Any], None]) -> None:
    web.raw = drip
    began = time.monotonic()
    found = asked(web, seconds=1.2)
    assert time.monotonic() - began < 10
    assert (found.state, found.trouble) == ("unknown", "time-out")


# urllib3 leaves the socket of an answer with two lengths to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00" * 1000,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 -200 OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n[0]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n[0]",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n[0]",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n[0]\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n[0]\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[0",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n[0]",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n[0]",
        b"HTTP/1.1 200 OK\r\nContent-Type: \xff\xfe\x1b[31m\r\n\r\n\xff\x1b[2J",
        b"HTTP/1.1 307 x\r\nLocation: \x00\xff\r\n\r\n",
        b"HTTP/1.1 307 x\r\nLocation: http://[::1\r\n\r\n",
        b"HTTP/1.1 307 x\r\nLocation: //\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
    ],
)
def test_nonsense_is_no_prediction_and_no_crash(web: Web, raw: bytes) -> None:
    web.raw = lambda out: out.write(raw)
    found = asked(web)
    assert found.trouble != "other", found.reason
    assert not any(attempt.prediction for attempt in found.attempts)
    assert not any("\x1b" in attempt.answer for attempt in found.attempts)
    gc.collect()


def test_nobody_listens() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        found = ask(url_target(f"http://127.0.0.1:{closed.getsockname()[1]}/", allow_private=True), 30)
    assert (found.state, found.trouble) == ("unknown", "no-route")


# Secure connections: the certificate and the server's name are those of the host, wherever the connection goes


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for lab.example.org that is its own authority, and its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "lab.example.org")])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("lab.example.org")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(True, False, False, False, False, True, False, False, False), critical=True
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "lab.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return file


@pytest.fixture
def secure(authority: Path) -> Iterator[tuple[int, list[str | None]]]:
    """(port, the names that clients asked for) of a server that answers [5] over TLS."""
    names: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    context.sni_callback = lambda _sock, name, _context: names.append(name)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as sock:
                    received = b""
                    while not received.endswith(ROW) and (part := sock.recv(65_536)):
                        received += part  # to its end: closing on unread bytes would take the answer back
                    sock.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n[5]"
                    )
            except OSError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], names
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def _everything_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def here(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", here)


@pytest.mark.parametrize(
    ("host", "trusted", "expected"),
    [("lab.example.org", True, "5"), ("other.example.org", True, None), ("lab.example.org", False, None)],
    ids=["the host's own", "another host's", "nobody's"],
)
def test_the_certificate_is_checked_for_the_name(
    host: str,
    trusted: bool,
    expected: str | None,
    secure: tuple[int, list[str | None]],
    authority: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import requests.adapters

    port, names = secure
    _everything_is_here(monkeypatch)
    if trusted:
        monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(authority))
    found = ask(url_target(f"https://{host}:{port}/", allow_private=True), 30)
    assert names == [host]
    if expected is None:
        assert (found.state, found.trouble, found.attempts) == ("unknown", "no-route", ())
        assert "certificate" in (found.reason or "")
    else:
        assert found.attempts[0].prediction == (expected,)
