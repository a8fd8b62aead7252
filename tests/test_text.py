"""Nothing in a submission's names and texts acts on a terminal, and no credential of a URL is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.text import decode, excerpt, redact_url, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("line\nbreak\ttab", "line\\x0abreak\\x09tab"),
        ("c1 \x9b", "c1 \\x9b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf\\xe9"),
        ("naïve 한국어 😀", "naïve 한국어 😀"),
        ("\ud800", "\\ud800"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text())
def test_what_is_visible_can_be_printed(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in shown)
    assert visible(shown) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:token@host/u/r.git", "https://***@host/u/r.git"),
        ("https://ghp_secret@host/u/r", "https://***@host/u/r"),
        ("https://user:to@ken@host/u/r", "https://***@host/u/r"),
        ("ssh://git@host/u/r", "ssh://git@host/u/r"),
        ("ssh://git:pass@host/u/r", "ssh://***@host/u/r"),
        ("git@host:u/r", "git@host:u/r"),
        ("https://host/r?private_token=abc&x=1", "https://host/r?private_token=***&x=1"),
        ("fatal: unable to access 'https://u:t@h/r/'", "fatal: unable to access 'https://***@h/r/'"),
        ("https://host/u/r@main", "https://host/u/r@main"),
    ],
)
def test_redact_url(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\xef\xbb\xbfhello", "hello"),
        ("hi é".encode("utf-16"), "hi é"),
        ("hi é".encode("latin-1"), "hi é"),
        ("hi é".encode(), "hi é"),
    ],
)
def test_decode(raw: bytes, text: str) -> None:
    assert decode(raw) == text


@given(st.binary())
def test_decode_takes_any_bytes(raw: bytes) -> None:
    assert isinstance(decode(raw), str)


def test_excerpt_is_one_short_line() -> None:
    assert excerpt("  x = 1\t# \x1b[2J  ") == "x = 1 # \\x1b[2J"
    assert len(excerpt("x" * 10_000)) == 120
