"""Submissions by URL, against real servers: trips and bytes are counted, and nothing leaks."""

from __future__ import annotations

import functools
import logging
import os
import random
import signal
import subprocess
import threading
import time
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from grader.limits import Limits
from grader.submission import source
from grader.submission.errors import Unobtainable, Unreadable
from tests.servers import WHEN, Behaviour, git, repository, served, serving
from tests.submission.conftest import Obtain, nothing

NOISE = random.Random(4).randbytes(3_000_000)
FILES = {
    "aws_deploy/README.md": b"# Deploying\n",
    "aws_deploy/inference.py": b"def model_fn(model_dir):\n    return None\n",
    "model.joblib": NOISE,
}


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = repository(tmp_path_factory.mktemp("student") / "lab", FILES)
    git(folder, "tag", "--annotate", "v1", "--message", "handed in")
    git(folder, "branch", "feature/deploy")
    (folder / "second.txt").write_bytes(b"later\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "later")
    return folder


@pytest.fixture(scope="module")
def root(student: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    served(student, root / "u" / "lab.git")
    served(student, root / "u" / "whole.git", partial=False)
    big = {**FILES, "data/unasked.csv": random.Random(5).randbytes(25_000_000)}
    served(repository(tmp_path_factory.mktemp("big") / "big", big), root / "u" / "big.git")
    git(root, "init", "--quiet", "--bare", "u/empty.git")
    return root


def said(obtain: Obtain, text: str, **named: object) -> str:
    with pytest.raises(Unobtainable) as problem:
        obtain(text, **named)
    message = str(problem.value)
    assert message.endswith((".", "%20.")), message
    assert "\n" not in message
    assert "fatal:" not in message
    return message


def test_a_submission_in_one_trip(root: Path, student: Path, obtain: Obtain) -> None:
    with serving(root) as server:
        found = obtain(server.url("u/lab.git"), wanted=nothing)
        assert len(server.requests) == 3  # capabilities, refs, objects
        assert server.sent < 20_000
    assert found.ref == "main"
    assert found.commit == git(student, "rev-parse", "HEAD")
    assert found.committed_at == WHEN
    assert found.tree.read("aws_deploy/README.md", 100) == FILES["aws_deploy/README.md"]
    assert found.tree.files["model.joblib"].size is None
    with pytest.raises(Unreadable, match="not fetched"):
        found.tree.read("model.joblib", 10**9)


def test_large_files_that_are_read_come_in_one_more_trip(root: Path, obtain: Obtain) -> None:
    with serving(root) as server:
        found = obtain(server.url("u/lab.git"))
        assert len(server.requests) <= 5
    assert found.tree.files["model.joblib"].size == len(NOISE)
    assert found.tree.read("model.joblib", 10**9) == NOISE
    with pytest.raises(Unreadable, match="more than the bound of 10"):
        found.tree.read("model.joblib", 10)
    assert found.tree.read("second.txt", 6) == b"later\n"


def test_data_that_nobody_asked_for_stays_where_it_is(root: Path, obtain: Obtain) -> None:
    with serving(root) as server:
        found = obtain(
            server.url("u/big.git"), wanted=lambda paths: [p for p in paths if p.endswith(".joblib")]
        )
        assert 3_000_000 < server.sent < 3_200_000
    assert found.tree.files["data/unasked.csv"].size is None
    assert found.tree.read("model.joblib", 10**9) == NOISE


def test_wanted_files_over_the_bound_are_unread_and_the_rest_is_read(root: Path, obtain: Obtain) -> None:
    with serving(root, Behaviour(bandwidth=20_000_000)) as server:
        found = obtain(server.url("u/lab.git"), limits=replace(Limits(), wanted_bytes=1_000_000))
    with pytest.raises(Unreadable, match="too large to fetch"):
        found.tree.read("model.joblib", 10**9)
    assert found.tree.read("aws_deploy/README.md", 100)


def test_a_server_without_partial_clone_sends_everything(root: Path, obtain: Obtain) -> None:
    with serving(root) as server:
        found = obtain(server.url("u/whole.git"), wanted=nothing)
        assert len(server.requests) == 3
        assert found.tree.read("model.joblib", 10**9) == NOISE
        message = said(obtain, server.url("u/whole.git"), limits=replace(Limits(), fetch_bytes=1_000_000))
    assert "more than 1 MB" in message


@pytest.mark.parametrize("ref", ["main", "v1", "feature/deploy", "refs/heads/main", "full", "short"])
def test_refs(root: Path, student: Path, obtain: Obtain, ref: str) -> None:
    first = git(student, "rev-parse", "v1^{commit}")
    named = {"full": first, "short": first[:8]}.get(ref, ref)
    expected = git(student, "rev-parse", f"{named}^{{commit}}")
    with serving(root) as server:
        found = obtain(f"{server.url('u/lab.git')}@{named}", wanted=nothing)
        assert obtain(server.url("u/lab.git") + "@nope", ref=named, wanted=nothing).commit == expected
        plain = obtain(f"file://{root}/u/lab.git", ref=named, wanted=nothing)
    assert (found.commit, found.ref) == (expected, named)
    assert plain.commit == expected
    assert found.tree.read("aws_deploy/README.md", 100)


def test_a_page_of_a_branch_with_a_slash(root: Path, obtain: Obtain) -> None:
    with serving(root) as server:
        found = obtain(server.url("u/lab/tree/feature/deploy/aws_deploy").replace("u/lab/", "u/lab.git/"))
        assert found.ref == "feature/deploy"
        usual = len(server.requests)
        obtain(server.url("u/lab.git/tree/main/aws_deploy"), wanted=nothing)
        assert len(server.requests) - usual == 3


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("u/lab.git@nope", "no branch, tag or commit called nope"),
        ("u/lab.git@abcdef1", "no branch, tag or commit called abcdef1"),
        ("u/lab.git@" + "0123456789" * 4, "no branch, tag or commit called 0123"),
        ("u/none.git", "no such repository"),
        ("u/empty.git", "no commit"),
    ],
)
def test_what_is_not_there(root: Path, obtain: Obtain, path: str, expected: str) -> None:
    with serving(root) as server:
        assert expected in said(obtain, server.url(path))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://nowhere.invalid/u/r", "nowhere.invalid is not known"),
        ("http://127.0.0.1:9/u/r", "127.0.0.1 refuses the connection"),
        ("file:///nowhere/at/all", "no such repository"),
    ],
)
def test_places_that_are_none(obtain: Obtain, text: str, expected: str) -> None:
    assert expected in said(obtain, text)


def test_no_secure_connection(root: Path, obtain: Obtain) -> None:
    with serving(root) as server:
        assert "secure connection" in said(obtain, server.url("u/lab.git").replace("http:", "https:"))


@pytest.mark.parametrize(("status", "expected"), [(403, "asked for a login"), (500, "HTTP 500")])
def test_answers_that_are_errors(root: Path, obtain: Obtain, status: int, expected: str) -> None:
    with serving(root, Behaviour(status=status)) as server:
        assert expected in said(obtain, server.url("u/lab.git"))


def test_a_password_that_is_wanted_and_one_that_is_given(
    root: Path, obtain: Obtain, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "s3cr3t-t0k3n"
    with serving(root, Behaviour(password=f"oauth2:{secret}")) as server:
        assert "asked for a login" in said(obtain, server.url("u/lab.git"))
        given = server.url("u/lab.git", login=f"oauth2:{secret}@")
        seen: set[str] = set()
        found = obtain(given, workdir=tmp_path, wanted=lambda paths: seen.update(_processes()) or paths)
        assert found.tree.read("model.joblib", 10**9) == NOISE
        wrong = said(obtain, server.url("u/lab.git", login="oauth2:wr0ng-one@"))
    assert "asked for a login" in wrong
    assert "wr0ng" not in wrong
    assert secret not in repr(source.parse(given))
    assert source.parse(given).shown == f"http://***@127.0.0.1:{server.port}/u/lab.git"
    assert secret not in caplog.text
    assert not any(secret in line for line in seen)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


def _processes() -> list[str]:
    return subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, check=False
    ).stdout.splitlines()


def test_a_token_is_on_no_command_line_while_git_runs(
    root: Path, obtain: Obtain, monkeypatch: pytest.MonkeyPatch
) -> None:
    import git.cmd

    commands: list[object] = []
    real = git.cmd.safer_popen
    monkeypatch.setattr(
        git.cmd, "safer_popen", lambda command, **o: commands.append(command) or real(command, **o)
    )
    with serving(root, Behaviour(password="me:s3cr3t-t0k3n")) as server:
        obtain(server.url("u/lab.git", login="me:s3cr3t-t0k3n@"), wanted=nothing)
    assert commands
    assert "s3cr3t" not in repr(commands)


def test_a_redirect_at_the_first_request_is_followed(root: Path, obtain: Obtain) -> None:
    with serving(root, Behaviour(redirect_first="")) as server:
        assert obtain(server.url("u/lab.git"), wanted=nothing).ref == "main"


def test_a_later_redirect_is_not_followed(root: Path, obtain: Obtain) -> None:
    with serving(root) as other, serving(root, Behaviour(redirect_later=other.url("").rstrip("/"))) as server:
        assert "redirects" in said(obtain, server.url("u/lab.git"))
        assert other.requests == []


def test_a_login_is_not_told_to_where_a_redirect_leads(root: Path, obtain: Obtain) -> None:
    with serving(root, Behaviour(password="x:y")) as other:
        target = f"http://localhost:{other.port}"
        with serving(root, Behaviour(redirect_first=target)) as server:
            said(obtain, server.url("u/lab.git", login="me:s3cr3t@"))
        assert other.requests
        assert other.logins == []


@pytest.mark.parametrize(
    ("behaviour", "limits", "expected"),
    [
        (Behaviour(stall_after=500), replace(Limits(), stall_seconds=1.0), "sent nothing for too long"),
        (Behaviour(stall_after=500), replace(Limits(), fetch_seconds=1.0), "took more than 1 s"),
        (Behaviour(drip=True), replace(Limits(), fetch_seconds=1.0), "took more than 1 s"),
    ],
)
def test_servers_that_keep_one_waiting(
    root: Path, obtain: Obtain, behaviour: Behaviour, limits: Limits, expected: str
) -> None:
    began = time.monotonic()
    with serving(root, behaviour) as server:
        assert expected in said(obtain, server.url("u/whole.git"), limits=limits)
        port = str(server.port)
        assert not any("remote-http" in line and port in line for line in _processes())
    assert time.monotonic() - began < 8


def test_git_that_is_not_installed(root: Path, obtain: Obtain, monkeypatch: pytest.MonkeyPatch) -> None:
    import git as _imported  # its own look for git happens at import

    assert _imported
    monkeypatch.setenv("PATH", "/nowhere")
    assert "git is not installed" in said(obtain, f"file://{root}/u/lab.git")


def test_ssh_asks_nobody_and_says_why(
    obtain: Obtain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    ssh = tmp_path / "ssh"
    ssh.write_text(
        f'#!/bin/sh\necho "$@" > {seen}\necho "git@host: Permission denied (publickey)." >&2\nexit 255\n'
    )
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", f"{ssh} -i my-key")
    assert "asked for a login" in said(obtain, "git@host.example:u/r@main")
    told = seen.read_text()
    assert "-i my-key" in told
    assert "BatchMode=yes" in told
    assert "u/r@main" not in told


@pytest.mark.parametrize("branch", ["trunk", "tâche/été"])
def test_the_default_branch_is_told_in_passing(tmp_path: Path, obtain: Obtain, branch: str) -> None:
    served(repository(tmp_path / "lab", {"a.py": b""}, branch=branch), tmp_path / "root" / "lab.git")
    with serving(tmp_path / "root") as server:
        assert obtain(server.url("lab.git")).ref == branch
        assert len(server.requests) == 3


def test_large_files_of_an_environment_are_not_fetched(tmp_path: Path, obtain: Obtain) -> None:
    files = {"venv/pyvenv.cfg": b"", "venv/lib/big.so": NOISE, "site-packages/x.so": NOISE, "a.py": b"a"}
    served(repository(tmp_path / "lab", files), tmp_path / "root" / "lab.git")
    with serving(tmp_path / "root") as server:
        assert set(obtain(server.url("lab.git")).tree.files) == {"a.py"}
        assert len(server.requests) == 3


def test_a_plain_web_server_of_files(tmp_path: Path, obtain: Obtain) -> None:
    """The oldest way of serving a repository: no protocol, only its files."""
    bare = served(repository(tmp_path / "lab", FILES), tmp_path / "root" / "lab.git")
    git(bare, "update-server-info")
    handler = functools.partial(_Quiet, directory=str(tmp_path / "root"))
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
    try:
        found = obtain(f"http://127.0.0.1:{http.server_address[1]}/lab.git")
    finally:
        http.shutdown()
        http.server_close()
    assert found.tree.read("model.joblib", 10**9) == NOISE


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


def test_ended_from_outside_git_ends_too(root: Path, tmp_path: Path) -> None:
    with serving(root, Behaviour(stall_after=500)) as server:
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(SystemExit(143)))
            try:
                source.obtain(source.parse(server.url("u/whole.git")), tmp_path, Limits(), wanted=nothing)
            finally:
                os._exit(1)
        until = time.monotonic() + 5
        port = f":{server.port}/"
        while not any(port in line for line in _processes()) and time.monotonic() < until:
            time.sleep(0.02)
        assert any(port in line for line in _processes())
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        until = time.monotonic() + 3
        while any(port in line for line in _processes()) and time.monotonic() < until:
            time.sleep(0.02)
        assert not any(port in line for line in _processes())


def test_hostile_trees(tmp_path: Path, obtain: Obtain) -> None:
    folder = repository(tmp_path / "hostile", {"ok.txt": b"ok\n"})
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "aws_deploy").symlink_to("/etc")
    git(folder, "add", "--all")
    blob = git(folder, "rev-parse", "HEAD:ok.txt")
    tree = git(folder, "write-tree")
    raw = bytes.fromhex(blob)
    evil = b"".join(b"100644 %s\0%s" % (name, raw) for name in (b"..", b".git", b"a/../../b", b"ok", b"ok"))
    inner = git(folder, "hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=evil)
    outer = git(
        folder,
        "mktree",
        stdin=f"040000 tree {inner}\tsub\n040000 tree {tree}\tplain\n160000 commit {'1' * 40}\tmodule\n".encode(),
    )
    git(folder, "update-ref", "refs/heads/main", git(folder, "commit-tree", outer, "-m", "x"))
    found = obtain(f"file://{folder}")
    assert set(found.tree.files) == {"plain/ok.txt", "sub/ok"}
    why = dict(found.tree.unread)
    assert {"module", "plain/link", "plain/aws_deploy"} <= set(why)
    assert "plain/aws_deploy" not in found.tree.folders
    assert all("/etc" not in text for text in why.values())


def test_a_tree_that_holds_itself_many_times_is_bounded(tmp_path: Path, obtain: Obtain) -> None:
    folder = repository(tmp_path / "bomb", {"ok.txt": b"ok\n"})
    blob = git(folder, "rev-parse", "HEAD:ok.txt")
    tree = git(folder, "mktree", stdin="".join(f"100644 blob {blob}\tf{n}\n" for n in range(10)).encode())
    for _ in range(9):
        tree = git(folder, "mktree", stdin="".join(f"040000 tree {tree}\td{n}\n" for n in range(10)).encode())
    git(folder, "update-ref", "refs/heads/main", git(folder, "commit-tree", tree, "-m", "x"))
    began = time.monotonic()
    found = obtain(f"file://{folder}")
    assert time.monotonic() - began < 10
    assert any("more than 20000 files" in why for _, why in found.tree.unread)


def test_what_the_callers_environment_says_about_repositories_is_not_taken(
    root: Path, obtain: Obtain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    monkeypatch.setenv("GIT_TRACE_CURL", str(trace))
    with serving(root) as server:
        assert obtain(server.url("u/lab.git")).tree.read("model.joblib", 10**9) == NOISE
    assert not trace.exists()
    assert not (tmp_path / "elsewhere").exists()


def test_reading_survives_a_fork(root: Path, obtain: Obtain) -> None:
    found = obtain(f"file://{root}/u/lab.git")
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(theirs, found.tree.read("second.txt", 100))
        os._exit(0)
    os.close(theirs)
    assert os.read(ours, 100) == b"later\n"
    os.close(ours)
    os.waitpid(child, 0)
    assert found.tree.read("second.txt", 100) == b"later\n"
    found.close()
    found.close()
    assert found.tree.read("second.txt", 100) == b"later\n"
