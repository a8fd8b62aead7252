"""What git says, and what people are told."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.submission import complaints, objects, source
from grader.text import visible

HERE = source.parse("https://me:s3cr3t-t0k3n@host.example/u/r")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "remote: Repository not found.\nfatal: repository 'https://h/u/r/' not found",
            "no such repository at host.example",
        ),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", "asked for a login"),
        (
            "remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://h/'",
            "asked for a login",
        ),
        ("Host key verification failed.\nfatal: Could not read from remote repository.", "known hosts"),
        (
            "fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate",
            "secure connection",
        ),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 503", "HTTP 503"),
        ("error: RPC failed; curl 92 HTTP/2 stream 0 was not closed cleanly", "broke off"),
        ("fatal: write error: No space left on device", "no space left"),
        (
            "fatal: something new about https://me:s3cr3t-t0k3n@host/ here",
            "something new about https://***@host/ here.",
        ),
        ("", "gave no reason"),
    ],
)
def test_sentences(said: str, expected: str) -> None:
    told = complaints.sentence(said, HERE)
    assert expected in told
    assert "s3cr3t" not in told


@given(st.text())
def test_whatever_git_says_is_one_safe_line(said: str) -> None:
    told = complaints.sentence(f"fatal: {said} s3cr3t-t0k3n", HERE)
    assert told.endswith(".")
    assert visible(told) == told
    assert "s3cr3t" not in told


@given(st.binary(max_size=300))
def test_any_bytes_as_a_tree_or_a_commit(raw: bytes) -> None:
    with contextlib.suppress(objects.Broken):
        assert all(len(oid) == 40 for _, _, oid in objects.entries(raw))
    with contextlib.suppress(objects.Broken):
        assert objects.OID.fullmatch(objects.parse_commit(raw).tree)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A <a@b> 1700000000 +0200", "2023-11-15T00:13:20+02:00"),
        ("A <a@b> 1700000000 -0330", "2023-11-14T18:43:20-03:30"),
        ("A <a@b> 999999999999 +0000", None),
        ("A <a@b> 1700000000 +9999", None),
        ("A <a@b> soon", None),
    ],
)
def test_when_a_commit_was_made(line: str, expected: str | None) -> None:
    raw = f"tree {'1' * 40}\nauthor x\ncommitter {line}\n\ncommitter A <a@b> 1 +0000\n".encode()
    assert objects.parse_commit(raw).committed_at == expected
