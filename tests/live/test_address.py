"""The address guard: spellings, networks, look-ups that change, redirects. A canary on loopback must see nobody."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.live import address
from grader.live.ping import ask
from tests.live.asking import url_target
from tests.live.webserver import Web, serving

REFUSED = r"""
    http://127.0.0.1:{port}/
    http://127.0.0.1:{port}
    https://127.0.0.1:{port}/
    HTTP://127.0.0.1:{port}/
    http://127.0.0.1.:{port}/
    http://127.0.0.2:{port}/
    http://127.255.255.254:{port}/
    http://127.1:{port}/
    http://127.0.1:{port}/
    http://2130706433:{port}/
    http://2130706433.:{port}/
    http://0x7f000001:{port}/
    http://0x7F000001:{port}/
    http://0x7f.0.0.1:{port}/
    http://0x7f.1:{port}/
    http://0x:{port}/
    http://017700000001:{port}/
    http://0177.0.0.1:{port}/
    http://0177.1:{port}/
    http://127.0.0.01:{port}/
    http://127.0.0.0x1:{port}/
    http://00000177.0.0.1:{port}/
    http://256.0.0.1:{port}/
    http://4294967297:{port}/
    http://127.0.0.1%00:{port}/
    http://127.0.0.1%2e:{port}/
    http://%31%32%37.0.0.1:{port}/
    http://127%2e0%2e0%2e1:{port}/
    http://１２７.0.0.1:{port}/
    http://127。0。0。1:{port}/
    http://127․0․0․1:{port}/
    http://①②⑦.⓪.⓪.①:{port}/
    http://ⅼocalhost:{port}/
    http://localhost:{port}/
    http://LOCALHOST:{port}/
    http://localhost.:{port}/
    http://localhost.localdomain:{port}/
    http://canary.localhost:{port}/
    http://canary.local:{port}/
    http://ip6-localhost:{port}/
    http://[::1]:{port}/
    http://[0:0:0:0:0:0:0:1]:{port}/
    http://[0000:0000:0000:0000:0000:0000:0000:0001]:{port}/
    http://[::]:{port}/
    http://[::ffff:127.0.0.1]:{port}/
    http://[::ffff:7f00:1]:{port}/
    http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/
    http://[::127.0.0.1]:{port}/
    http://[64:ff9b::127.0.0.1]:{port}/
    http://[64:ff9b::10.0.0.1]:{port}/
    http://[64:ff9b:1::127.0.0.1]:{port}/
    http://[2002:7f00:1::]:{port}/
    http://[2002:7f00:0001::1]:{port}/
    http://[2001:0:7f00:1::]:{port}/
    http://[::1%25lo]:{port}/
    http://[::1%lo]:{port}/
    http://[fe80::1%25eth0]:{port}/
    http://[fe80::1]:{port}/
    http://[fec0::1]:{port}/
    http://[fc00::1]:{port}/
    http://[fd00:ec2::254]:{port}/
    http://[ff02::1]:{port}/
    http://[100::1]:{port}/
    http://[2001:db8::1]:{port}/
    http://[3fff::1]:{port}/
    http://[::1]x:{port}/
    http://[::1:{port}/
    http://[127.0.0.1]:{port}/
    http://::1:{port}/
    http://0.0.0.0:{port}/
    http://0:{port}/
    http://0.1.2.3:{port}/
    http://10.0.0.1:{port}/
    http://100.64.0.1:{port}/
    http://100.127.255.254:{port}/
    http://100.100.100.200:{port}/
    http://169.254.169.254/latest/meta-data/
    http://169.254.169.254:{port}/
    http://169.254.1.1:{port}/
    http://172.16.0.1:{port}/
    http://172.31.255.255:{port}/
    http://192.168.0.1:{port}/
    http://192.0.0.192:{port}/
    http://192.0.2.1:{port}/
    http://192.88.99.1:{port}/
    http://198.18.0.1:{port}/
    http://198.51.100.1:{port}/
    http://203.0.113.1:{port}/
    http://224.0.0.1:{port}/
    http://240.0.0.1:{port}/
    http://255.255.255.255:{port}/
    http://metadata.google.internal/computeMetadata/v1/
    http://metadata:{port}/
    http://user@127.0.0.1:{port}/
    http://user:word@127.0.0.1:{port}/
    http://example.com@127.0.0.1:{port}/
    http://example.com:80@127.0.0.1:{port}/
    http://127.0.0.1:{port}@example.com/
    http://127.0.0.1:{port}\@example.com/
    http://example.com\@127.0.0.1:{port}/
    http:\\127.0.0.1:{port}\
    http:/127.0.0.1:{port}/
    http:127.0.0.1:{port}/
    http:///127.0.0.1:{port}/
    //127.0.0.1:{port}/
    127.0.0.1:{port}
    ftp://127.0.0.1:{port}/
    file:///etc/passwd
    gopher://127.0.0.1:{port}/_GET
    dict://127.0.0.1:{port}/
    http+unix://%2Frun%2Fdocker.sock/
    jar:http://127.0.0.1:{port}!/
    javascript:alert(1)
    http://example.com:22/
    http://example.com:25/
    http://example.com:0/
    http://example.com:65536/
    http://example.com:/
    http://example.com:+80/
    http://example.com:８０/
    http://example.com:80:80/
    http://exa mple.com/
    http://exam\tple.com/
    http://example.com/\r\nHost:x
    http://exam_ple..com/
    http://-example.com/
    http://.example.com/
    http://example.com%2f@127.0.0.1/
    http://*.example.com/
    http://xn--/
    http:// 127.0.0.1:{port}/
    http://127.0.0.1 :{port}/
    http://
    http://?x
    http://#x
    https://:443/
"""
SPELLINGS = [
    line.strip().replace(r"\t", "\t").replace(r"\r\n", "\r\n")
    for line in REFUSED.splitlines()
    if line.strip()
]
PUBLIC = [
    ("https://abc123.execute-api.us-east-1.amazonaws.com/prod/predict", "abc123.execute-api.us-east-1.amazonaws.com", 443),
    ("http://Example.COM", "example.com", 80),
    ("https://penguins-xyz-uc.a.run.app:8443/p?q=1#top", "penguins-xyz-uc.a.run.app", 8443),
    ("http://93.184.216.34/", "93.184.216.34", 80),
    ("http://[2606:4700:4700::1111]:8080/", "2606:4700:4700::1111", 8080),
    ("http://[64:ff9b::8.8.8.8]/", "64:ff9b::808:808", 80),
    ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
    ("http://a_b.example.org/", "a_b.example.org", 80),
    ("http://100.63.255.255/", "100.63.255.255", 80),
    ("http://172.32.0.1/", "172.32.0.1", 80),
]  # fmt: skip


@pytest.fixture(scope="module")
def canary() -> Iterator[Web]:
    with serving() as web:
        yield web


@pytest.fixture
def no_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is looked up here would be a public name: nothing leaves this machine."""

    def found(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        raise AssertionError(f"{host} was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", found)


def test_there_are_enough_of_them() -> None:
    assert len(SPELLINGS) == len(set(SPELLINGS)) >= 120


@pytest.mark.usefixtures("no_look_up")
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_is_not_everybodys_is_not_asked(spelling: str, canary: Web) -> None:
    before = canary.connections
    found = ask(url_target(spelling.replace("{port}", str(canary.port))), 30)
    assert (found.state, found.attempts) == ("refused", ())
    assert found.reason
    assert canary.connections == before


@pytest.mark.parametrize(("url", "host", "port"), PUBLIC)
def test_public_addresses_are_read(url: str, host: str, port: int) -> None:
    read = address.parse(url)
    assert (read.host, read.port) == (host, port)
    assert address.parse(read.url) == read


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://a.example", "/"),
        ("https://a.example?x=1", "/?x=1"),
        ("https://a.example/é/ü?ß", "/%C3%A9/%C3%BC?%C3%9F"),
        ('https://a.example/"<>^`{|}', "/%22%3C%3E%5E%60%7B%7C%7D"),
        ("https://a.example/%2e%2e/a%20b", "/%2e%2e/a%20b"),
        ("https://a.example//b/../c", "//b/../c"),
    ],
)
def test_a_path_is_escaped_and_otherwise_left_alone(url: str, path: str) -> None:
    assert address.parse(url).path == path


def test_a_key_in_the_query_is_not_shown() -> None:
    assert "hunter2" not in address.parse("https://a.example/p?key=hunter2").shown


LOOKED_UP = [
    ["127.0.0.1"],
    ["93.184.216.34", "127.0.0.1"],
    ["93.184.216.34", "10.1.2.3"],
    ["2606:4700::1", "::1"],
    ["2606:4700::1", "fe80::1%eth0"],
    ["::ffff:127.0.0.1"],
    ["169.254.169.254"],
    ["0.0.0.0"],
    ["100.64.0.1"],
    ["64:ff9b::7f00:1"],
    ["2002:7f00:1::"],
    ["fd00:ec2::254"],
    ["224.0.0.1"],
]


def _answers(numbers: list[str], port: int) -> list[Any]:
    return [
        (socket.AF_INET6 if ":" in n else socket.AF_INET, socket.SOCK_STREAM, 6, "", (n, port))
        for n in numbers
    ]


@pytest.mark.parametrize("numbers", LOOKED_UP, ids=" ".join)
def test_a_name_for_what_is_not_everybodys_is_not_asked(
    numbers: list[str], canary: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, *_, **__: _answers(numbers, port))
    before = canary.connections
    found = ask(url_target(f"http://rebound.example.org:{canary.port}/"), 30)
    assert found.state == "refused"
    assert canary.connections == before


def test_a_look_up_that_changes_changes_nothing(canary: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answer is public, every later one is the canary: what was checked is what is connected to."""
    asked: list[str] = []
    connected: list[Any] = []

    def changing(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        if host == "198.51.100.77":  # a number is looked up to itself, as the system does
            return _answers([host], port)
        return _answers(["198.51.100.77"] if len(asked) == 1 else ["127.0.0.1"], port)

    def connect(self: socket.socket, where: Any) -> None:
        connected.append(where)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    monkeypatch.setattr(socket.socket, "connect", connect)
    # A documentation network stands for a public one here, so that nothing can leave this machine.
    monkeypatch.setattr(address, "not_public", lambda number, **_: None)
    before = canary.connections
    found = ask(url_target(f"http://rebound.example.org:{canary.port}/"), 30)
    assert found.trouble == "no-route"
    assert asked.count("rebound.example.org") == 1
    assert {where[0] for where in connected} == {"198.51.100.77"}
    assert canary.connections == before


def test_a_name_that_is_not_known_is_trouble_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    found = ask(url_target("https://nobody.example.org/"), 30)
    assert (found.state, found.trouble) == ("unknown", "no-route")


@pytest.mark.parametrize(
    "number", ["169.254.169.254", "169.254.0.1", "fe80::1", "fd00:ec2::254", "224.0.0.1", "255.255.255.255"]
)
def test_the_machines_own_keys_are_refused_even_where_private_addresses_are_allowed(number: str) -> None:
    assert address.not_public(ipaddress.ip_address(number), allow_private=True)


@pytest.mark.parametrize(
    "number", ["127.0.0.1", "10.0.0.1", "192.168.1.9", "::1", "fd12::1", "100.64.0.1", "0.0.0.0"]
)
def test_private_addresses_may_be_allowed(number: str) -> None:
    assert address.not_public(ipaddress.ip_address(number))
    assert address.not_public(ipaddress.ip_address(number), allow_private=True) is None


@given(st.ip_addresses())
def test_what_the_standard_library_calls_private_is_never_asked(number: Any) -> None:
    if address.not_public(number) is None and number not in ipaddress.ip_network("64:ff9b::/96"):
        assert number.is_global
        assert not number.is_private
        assert not number.is_loopback
        assert not number.is_link_local
        assert not number.is_multicast


@given(st.one_of(st.text(max_size=80), st.from_regex(r"https?://[^ ]{0,60}")))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = address.parse(text)
    except address.Refused:
        return
    assert read.url.isascii()
    assert read.scheme in ("http", "https")
    assert address.parse(read.url) == read
