"""Submissions on disk: what is read, what is not followed, and a repository whose config nobody reads."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from grader.limits import Limits
from grader.submission.disk import Disk
from grader.submission.errors import Unobtainable, Unreadable
from tests.servers import CLEAN, WHEN, git, repository
from tests.submission.conftest import Obtain

FILES = {"aws_deploy/README.md": b"# Deploying\n", "model.joblib": b"\x80\x04N."}


def test_files_as_they_are_on_disk(tmp_path: Path, obtain: Obtain) -> None:
    folder = repository(tmp_path / "lab", FILES)
    (folder / "aws_deploy/README.md").write_bytes(b"# Changed\n")
    (folder / "new.txt").write_bytes(b"new\n")
    (folder / "empty").mkdir()
    found = obtain(folder)
    assert set(found.tree.files) == {*FILES, "new.txt"}
    assert found.tree.folders == {"aws_deploy", "empty"}
    assert found.tree.read("aws_deploy/README.md", 100) == b"# Changed\n"
    assert found.tree.files["new.txt"].size == 4
    assert (found.ref, found.commit, found.committed_at) == ("main", git(folder, "rev-parse", "HEAD"), WHEN)
    assert any("not in the last commit" in note and "new.txt" in note for note in found.notes)
    assert any("Changed since" in note and "README.md" in note for note in found.notes)


def test_what_is_committed_needs_no_note(tmp_path: Path, obtain: Obtain) -> None:
    folder = repository(tmp_path / "lab", {**FILES, "unix.py": b"a = 1\nb = 2\n"})
    (folder / "unix.py").write_bytes(b"a = 1\r\nb = 2\r\n")  # line ends as git on Windows writes them
    assert obtain(folder).notes == ()
    git(folder, "gc", "--quiet")
    git(folder, "checkout", "--quiet", "--detach")
    found = obtain(folder)
    assert (found.ref, found.commit) == (None, git(folder, "rev-parse", "HEAD"))


def test_folders_without_a_commit(tmp_path: Path, obtain: Obtain) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()
    assert dict(obtain(plain).tree.files) == {}
    git(plain, "init", "--quiet")
    with pytest.raises(Unobtainable, match="without a commit"):
        obtain(plain)
    (plain / "a.py").write_bytes(b"")
    assert obtain(plain).commit is None


def test_nothing_is_followed_or_waited_for(tmp_path: Path, obtain: Obtain) -> None:
    folder = tmp_path / "lab"
    (folder / "sub").mkdir(parents=True)
    (folder / "ok.txt").write_bytes(b"ok")
    (folder / "link.txt").symlink_to("ok.txt")
    (folder / "aws_deploy").symlink_to("sub")
    (folder / "sub/loop").symlink_to("..")
    (folder / "self").symlink_to("self")
    os.mkfifo(folder / "pipe")
    (folder / "denied").write_bytes(b"x")
    (folder / "denied").chmod(0)
    (folder / "caf\udce9.txt").write_bytes(b"latin")
    found = obtain(folder)
    why = dict(found.tree.unread)
    assert set(why) == {"link.txt", "aws_deploy", "sub/loop", "self", "pipe"}
    assert found.tree.folders == {"sub"}
    assert found.tree.read("caf\udce9.txt", 10) == b"latin"
    if os.geteuid() != 0:
        with pytest.raises(Unreadable, match="permission denied"):
            found.tree.read("denied", 10)


def test_files_that_change_under_us(tmp_path: Path, obtain: Obtain) -> None:
    for name in ("gone", "linked", "piped", "grown"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/file").write_bytes(b"x")
    tree = obtain(tmp_path).tree
    for name in ("gone", "linked", "piped"):
        (tmp_path / name).unlink()
    (tmp_path / "linked").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "piped")
    (tmp_path / "grown").write_bytes(b"x" * 1000)
    (tmp_path / "sub").rename(tmp_path / "moved")
    (tmp_path / "sub").symlink_to("moved")
    for name in ("gone", "linked", "piped", "grown", "sub/file"):
        with pytest.raises(Unreadable):
            tree.read(name, 100)


def test_bounds(tmp_path: Path, obtain: Obtain) -> None:
    for number in range(30):
        (tmp_path / f"{number}.txt").write_bytes(b"")
    (tmp_path / "a/b/c/d").mkdir(parents=True)
    (tmp_path / "a/b/c/d/deep.txt").write_bytes(b"")
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv/pyvenv.cfg").write_bytes(b"")
    (tmp_path / "node_modules").mkdir()
    for number in range(50):
        (tmp_path / f"venv/{number}").write_bytes(b"")
        (tmp_path / f"node_modules/{number}").write_bytes(b"")
    found = obtain(tmp_path, limits=replace(Limits(), entries=40, depth=2))
    assert len(found.tree.files) == 30
    assert any("too deeply" in why for _, why in found.tree.unread)
    few = obtain(tmp_path, limits=replace(Limits(), entries=10)).tree
    assert any("more than 10 files" in why for _, why in few.unread)
    left = obtain(tmp_path, exclude=("*.txt", "!7.txt")).tree
    assert set(left.files) == {"7.txt"}


CANARY = """\
[core]
	fsmonitor = "touch {canary}; false"
	sshCommand = touch {canary}
	hooksPath = hooks
	pager = touch {canary}
	editor = touch {canary}
	alternateRefsCommand = touch {canary}
[extensions]
	partialClone = origin
[remote "origin"]
	url = "ext::touch {canary}"
	promisor = true
	partialclonefilter = blob:none
	uploadpack = touch {canary}
[filter "x"]
	clean = touch {canary}
	smudge = touch {canary}
	process = touch {canary}
[diff "x"]
	textconv = touch {canary}
[include]
	path = /dev/zero
"""


def test_a_hostile_config_has_no_effect_at_all(tmp_path: Path, obtain: Obtain) -> None:
    canary = tmp_path / "canary"
    folder = repository(tmp_path / "lab", {**FILES, ".gitattributes": b"* filter=x diff=x\n"})
    expected = git(folder, "rev-parse", "HEAD")
    blob = git(folder, "rev-parse", "HEAD:model.joblib")
    (folder / ".git/objects" / blob[:2] / blob[2:]).unlink()  # what a partial clone would fetch now
    (folder / ".git/config").write_text(CANARY.format(canary=canary))
    (folder / ".git/hooks").mkdir(exist_ok=True)
    for name in ("post-checkout", "fsmonitor-watchman", "reference-transaction", "post-index-change"):
        (folder / ".git/hooks" / name).write_text(f"#!/bin/sh\ntouch {canary}\n")
        (folder / ".git/hooks" / name).chmod(0o755)
    began = time.monotonic()
    found = obtain(folder)
    assert found.commit == expected
    assert found.tree.read("model.joblib", 100) == FILES["model.joblib"]
    assert time.monotonic() - began < 5
    bare = tmp_path / "bare.git"
    (folder / ".git").rename(bare)
    taken = obtain(bare)
    assert taken.commit == expected
    with pytest.raises(Unreadable, match="not in the repository"):
        taken.tree.read("model.joblib", 100)
    assert not canary.exists()


def _file(folder: Path, other: Path) -> None:
    (folder / ".git").rename(folder.parent / "moved")
    (folder / ".git").write_text(f"gitdir: {folder.parent / 'moved'}\n")


def _link(folder: Path, other: Path) -> None:
    (folder / ".git").rename(folder.parent / "moved")
    (folder / ".git").symlink_to(folder.parent / "moved")


def _alternates(folder: Path, other: Path) -> None:
    (folder / ".git/objects/info").mkdir(exist_ok=True)
    (folder / ".git/objects/info/alternates").write_text(f"{other}/.git/objects\n")


def _objects(folder: Path, other: Path) -> None:
    (folder / ".git/objects").rename(folder.parent / "elsewhere")
    (folder / ".git/objects").symlink_to(folder.parent / "elsewhere")


def _pipe(folder: Path, other: Path) -> None:
    oid = git(folder, "rev-parse", "HEAD")
    (folder / ".git/objects" / oid[:2] / oid[2:]).unlink()
    os.mkfifo(folder / ".git/objects" / oid[:2] / oid[2:])


def _head(folder: Path, other: Path) -> None:
    (folder / ".git/HEAD").unlink()
    (folder / ".git/HEAD").symlink_to(other / ".git/HEAD")


def _outward(folder: Path, other: Path) -> None:
    (folder / ".git/HEAD").write_text("ref: refs/heads/../../../../other/.git/refs/heads/main\n")


def _damaged(folder: Path, other: Path) -> None:
    oid = git(folder, "rev-parse", "HEAD")
    path = folder / ".git/objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    path.write_bytes(b"nonsense")


@pytest.mark.parametrize("change", [_file, _link, _alternates, _objects, _pipe, _head, _outward, _damaged])
def test_repositories_that_lie_elsewhere_or_are_damaged_tell_no_commit(
    tmp_path: Path, obtain: Obtain, change: object
) -> None:
    folder, other = repository(tmp_path / "lab", FILES), repository(tmp_path / "other", FILES)
    change(folder, other)  # type: ignore[operator]
    began = time.monotonic()
    found = obtain(folder)
    assert time.monotonic() - began < 15
    assert (found.commit, found.committed_at) == (None, None)
    assert len(found.notes) == 1
    assert found.tree.read("model.joblib", 100) == FILES["model.joblib"]


def test_bare_repositories(tmp_path: Path, obtain: Obtain) -> None:
    folder = repository(tmp_path / "lab", FILES)
    git(folder, "tag", "-a", "v1", "-m", "x")
    bare = tmp_path / "bare"
    git(tmp_path, "clone", "--quiet", "--bare", str(folder), str(bare))
    expected = git(folder, "rev-parse", "HEAD")
    for text in (bare, f"{bare}@v1", f"{bare}@main", f"{bare}@{expected[:7]}", f"{bare}@{expected}"):
        found = obtain(text)
        assert (found.commit, found.committed_at) == (expected, WHEN)
        assert found.tree.read("model.joblib", 100) == FILES["model.joblib"]
    for text in (f"{bare}@nope", f"{bare}@1234567"):
        with pytest.raises(Unobtainable):
            obtain(text)
    git(tmp_path, "init", "--quiet", "--bare", "none")
    with pytest.raises(Unobtainable, match="without a commit"):
        obtain(tmp_path / "none")


def test_sha256_repositories(tmp_path: Path, obtain: Obtain) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    git(folder, "init", "--quiet", "--object-format=sha256", "--initial-branch=main")
    (folder / "a.py").write_bytes(b"a\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "x")
    for text in (folder, f"file://{folder}", folder / ".git"):
        found = obtain(text)
        assert found.commit == git(folder, "rev-parse", "HEAD")
        assert found.tree.read("a.py", 10) == b"a\n"
        assert found.notes == ()


def test_the_folder_is_not_changed_and_git_is_left_nowhere(tmp_path: Path, obtain: Obtain) -> None:
    folder = repository(tmp_path / "lab", FILES)

    def state() -> list[tuple[str, int]]:
        return sorted((str(p), p.stat().st_mtime_ns) for p in folder.rglob("*"))

    before = state()
    obtain(folder).close()
    assert state() == before
    listed = subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, env=CLEAN, check=False
    ).stdout
    assert "cat-file --batch\n" not in listed or str(folder) not in listed


def test_names_that_lead_out_are_none(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_bytes(b"x")
    disk = Disk(str(tmp_path / "in"))
    for path in ("../secret", "a/../../secret", "/etc/passwd", "./../secret"):
        with pytest.raises(Unreadable):
            disk.read(path, 100)
    with contextlib.suppress(OSError):
        assert disk.names("..") == []
