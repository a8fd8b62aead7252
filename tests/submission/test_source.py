"""What people type and paste, and what it means."""

from __future__ import annotations

import contextlib
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.submission import source
from grader.submission.errors import Unobtainable, WrongCall

SHA = "0123456789abcdef0123456789abcdef01234567"
GITHUB = "https://github.com/u/r"


@pytest.mark.parametrize(
    ("text", "location", "refs"),
    [
        ("https://github.com/u/r", GITHUB, ()),
        ("  https://github.com/u/r/ \n", GITHUB, ()),
        ("<https://github.com/u/r>", GITHUB, ()),
        ("git clone https://github.com/u/r.git", f"{GITHUB}.git", ()),
        ("https://github.com/u/r.git", f"{GITHUB}.git", ()),
        ("github.com/u/r", GITHUB, ()),
        ("www.github.com/u/r", GITHUB, ()),
        ("https://www.github.com/u/r", GITHUB, ()),
        ("github.com/u/r@v1", GITHUB, ("v1",)),
        ("https://github.com/u/r@feature/x", GITHUB, ("feature/x",)),
        ("https://github.com/u/r.git@main", f"{GITHUB}.git", ("main",)),
        ("https://github.com/u/r?tab=readme-ov-file#readme", GITHUB, ()),
        ("https://github.com/u/r#readme", GITHUB, ()),
        ("https://github.com/u/r/tree/main", GITHUB, ("main",)),
        ("https://github.com/u/r/tree/main/aws_deploy", GITHUB, ("main", "main/aws_deploy")),
        ("github.com/u/r/tree/main/aws_deploy/", GITHUB, ("main", "main/aws_deploy")),
        ("https://github.com/u/r/blob/main/x.py#L3", GITHUB, ("main", "main/x.py")),
        (f"https://github.com/u/r/tree/{SHA}/aws_deploy", GITHUB, (SHA,)),
        (f"https://github.com/u/r/commit/{SHA}", GITHUB, (SHA,)),
        ("https://github.com/u/r/releases/tag/v1.0", GITHUB, ("v1.0",)),
        ("https://github.com/u/r/pull/7/files", GITHUB, ("refs/pull/7/head",)),
        ("https://github.com/u/r/issues", GITHUB, ()),
        ("https://github.com/u/r/tree/feature%2Fx", GITHUB, ("feature/x",)),
        ("https://gitlab.com/g/s/r/-/tree/main/aws", "https://gitlab.com/g/s/r", ("main", "main/aws")),
        ("https://gitlab.com/g/s/r", "https://gitlab.com/g/s/r", ()),
        (
            "https://gitlab.com/g/s/r/-/merge_requests/3",
            "https://gitlab.com/g/s/r",
            ("refs/merge-requests/3/head",),
        ),
        ("https://bitbucket.org/w/r/src/main/aws/", "https://bitbucket.org/w/r", ("main", "main/aws")),
        ("https://codeberg.org/u/r/src/branch/main", "https://codeberg.org/u/r", ("main",)),
        ("https://git.school.edu/a/b/c.git@v2", "https://git.school.edu/a/b/c.git", ("v2",)),
        ("https://git.school.edu:8443/a/b", "https://git.school.edu:8443/a/b", ()),
        ("git@github.com:u/r.git", "git@github.com:u/r.git", ()),
        ("git@github.com:u/r@main", "git@github.com:u/r", ("main",)),
        ("ssh://git@host.org:22/u/r.git@main", "ssh://git@host.org:22/u/r.git", ("main",)),
        ("https://user:tok@host.org/u/r@v1", "https://host.org/u/r", ("v1",)),
        ("user:tok@github.com/u/r", GITHUB, ()),
        ("http://[::1]:80/u/r", "http://[::1]:80/u/r", ()),
        ("file:///nowhere/r@main", "file:///nowhere/r", ("main",)),
    ],
)
def test_addresses_as_people_paste_them(text: str, location: str, refs: tuple[str, ...]) -> None:
    found = source.parse(text)
    assert (found.kind, found.location, found.refs) == ("git", location, refs)
    assert source.parse(text, "dev").refs == ("dev",)
    assert source.parse(text, "dev").location == location
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:s3cret@host.org/u/r@v1", "https://***@host.org/u/r@v1"),
        ("https://s3cret@host.org/u/r", "https://***@host.org/u/r"),
        ("https://a:b@s3cret@host.org/u/r", "https://***@host.org/u/r"),
        ("https://a:b/s3cret@host.org/u/r", "https://***@host.org/u/r"),
        ("user:s3cret@github.com/u/r", "***@github.com/u/r"),
        ("https://host.org/u/r?private_token=s3cret", "https://host.org/u/r?private_token=***"),
        ("ssh://git:s3cret@host.org/u/r", "ssh://***@host.org/u/r"),
        ("ssh://git@host.org/u/r", "ssh://git@host.org/u/r"),
        ("git@github.com:u/r", "git@github.com:u/r"),
        ("ftp://me:s3cret@host.org/u", "ftp://***@host.org/u"),
        ("https://a:s3 s3cret@host.org/u/r", "https://***@host.org/u/r"),
    ],
)
def test_credentials_are_never_shown(text: str, shown: str) -> None:
    said = ""
    try:
        found = source.parse(text)
    except Unobtainable as problem:
        said = str(problem)
        found = source.refused(text, said)
    assert "s3cret" not in said
    assert found.shown == shown
    assert "s3cret" not in repr(found)
    assert found.given == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty"),
        ("ftp://host/u/r", "no kind of address"),
        ("ext::sh -c true", "no kind of address"),
        ("ext://x", "no kind of address"),
        ("s3://bucket/x", "no kind of address"),
        ("nowhere", "no folder or archive called nowhere"),
        ("u/r", "github.com/u/r"),
        ("nowhere.zip", "no archive nowhere.zip"),
        ("https://github.com/u", "not the address of a repository"),
        ("https:///u/r", "names no host"),
        ("https://-oProxyCommand=x/u/r", "names no host"),
        ("ssh://-oProxyCommand=x/u/r", "names no host"),
        ("-oProxyCommand=x:u/r", "no folder or archive"),
        ("--upload-pack=x", "no folder or archive"),
        ("https://github.com/u/r\nx", "control characters"),
        ("https://github.com/u/my repo", "space"),
    ],
)
def test_what_is_no_source(text: str, expected: str) -> None:
    with pytest.raises(Unobtainable, match=expected):
        source.parse(text)


@pytest.mark.parametrize(
    "ref", ["-x", "--upload-pack=touch x", "", "a:b", "+a", "a b", "a..b", "refs/*", "a^", "@{1}"]
)
def test_refs_that_are_none(ref: str) -> None:
    with pytest.raises(WrongCall):
        source.parse("https://github.com/u/r", ref)


@pytest.mark.parametrize(
    "text", ["https://github.com/u/r@-x", "https://github.com/u/r@+a:b", "git@h.org:u/r@--x"]
)
def test_refs_in_the_address_that_are_none(text: str) -> None:
    with pytest.raises(WrongCall):
        source.parse(text)


def test_what_lies_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("folder", "odd@name", "github.com/u/r"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("work.ZIP", "work.tar.gz", "work.py"):
        (tmp_path / name).write_bytes(b"x")
    for name in ("bare/objects", "bare/refs"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "bare/HEAD").write_text("ref: refs/heads/main\n")
    kinds = {
        name: source.parse(name).kind
        for name in ("folder", ".", "odd@name", "github.com/u/r", "work.ZIP", "bare")
    }
    assert kinds == {
        "folder": "folder",
        ".": "folder",
        "odd@name": "folder",
        "github.com/u/r": "folder",
        "work.ZIP": "archive",
        "bare": "bare",
    }
    assert source.parse("folder").location == str(tmp_path / "folder")
    assert source.parse("bare", "main").refs == source.parse("bare@main").refs == ("main",)
    with pytest.raises(Unobtainable, match="neither a folder nor an archive"):
        source.parse("work.py")
    for text, ref in (("folder", "main"), ("folder@main", None), ("work.tar.gz", "main")):
        with pytest.raises(WrongCall):
            source.parse(text, ref)


@given(st.text(max_size=60), st.none() | st.text(max_size=10))
def test_any_text_is_a_source_or_a_sentence(text: str, ref: str | None) -> None:
    with contextlib.suppress(Unobtainable, WrongCall):
        assert source.parse(text, ref).kind in ("git", "folder", "bare", "archive")


@given(st.text("ab/@:#?.%[] \\'\"-", max_size=20))
def test_no_form_of_an_address_shows_its_password(text: str) -> None:
    given = f"https://user:p4ssw0rd{text.replace('@', '')}@host.org/u/r"
    assert "p4ssw0rd" not in source.shown(given)
    try:
        told = repr(source.parse(given))
    except (Unobtainable, WrongCall) as problem:
        told = str(problem)
    assert "p4ssw0rd" not in told
