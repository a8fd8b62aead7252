"""``grade rehearse``: the rehearsal alone, and its endpoint kept up for a student's own requests."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from grader.rehearsing import _shell_text
from tests.calls import FIXTURES, ROOT, grade, statuses, write

GOOD = FIXTURES / "rehearse-aws-1-2-source-dir" / "submission"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("rehearse", "--serve"), "takes one SOURCE"),
        (("rehearse", ".", "..", "--serve"), "takes one SOURCE"),
        (("rehearse", ".", "--serve", "--output", "x.json"), "writes no report"),
        (("rehearse", "https://example.invalid/u/r", "--serve", "--no-sandbox"), "for your own code"),
        (("https://example.invalid/u/r", "--rehearse", "--no-sandbox"), "for your own code"),
        ((".", "--no-sandbox"), "give --rehearse with it"),
        ((".", "--python", sys.executable), "give --rehearse with it"),
        ((".", "--rehearse", "--python", "no-such-python"), "is no program that can be run"),
        ((".", "--endpoint", "e"), "give --live with it"),
    ],
)
def test_a_wrong_call_is_one_sentence(arguments: tuple[str, ...], why: str) -> None:
    done = grade(*arguments)
    assert done.code == 2
    assert why in done.err
    assert len(done.err.splitlines()) == 1


def test_nothing_to_serve_is_one_sentence(tmp_path: Path) -> None:
    write(tmp_path, {"aws_deploy/README.md": "Nothing here yet."})
    done = grade("rehearse", tmp_path, "--serve")
    assert done.code == 2
    assert "there is nothing to serve: aws: " in done.err


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"instances": [[1,\n 2]]}', "'{\"instances\": [[1, 2]]}'"),
        (b"1,2,3\n", "1,2,3"),
        (b"it's; rm -rf /", "'it'\"'\"'s; rm -rf /'"),
        (b"\x1b]0;title\x07", None),
        (b"1\n2\n", None),
        (b"\x93NUMPY\x01\x00", None),
        (b"[" * 100_000, None),
        (b"1" * 3000, None),
    ],
)
def test_a_request_is_shown_only_as_one_quoted_line(body: bytes, shown: str | None) -> None:
    assert _shell_text(body) == shown


def test_a_machine_that_cannot_rehearse_is_told_in_one_sentence(tmp_path: Path) -> None:
    cache = tmp_path / "not a folder"
    cache.write_text("")
    done = grade("rehearse", GOOD, "--serve", env={"GRADE_CACHE": str(cache)})
    assert done.code == 4
    assert "the deployment cannot be rehearsed here: " in done.err
    assert "Traceback" not in done.err
    assert "the grader itself failed" not in done.err


@pytest.mark.slow
def test_the_rehearsal_alone() -> None:
    done = grade("rehearse", GOOD, "--format", "json", timeout=300)
    assert done.code == 0, done.err
    (submission,) = done.submissions
    found = statuses(submission)
    assert set(found) == {"rehearsal.loads", "rehearsal.ping", "rehearsal.predicts"}
    assert set(found.values()) == {"pass"}


@pytest.mark.slow
def test_an_endpoint_kept_up_answers_on_loopback_until_interrupted() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", "rehearse", str(GOOD), "--serve", "--port", "0"],
        stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    watchdog = threading.Timer(240, process.kill)
    watchdog.start()
    try:
        assert process.stderr is not None
        told = ""
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+) until", told)):
            line = process.stderr.readline()
            assert line, told
            told += line
        address = f"http://127.0.0.1:{found.group(1)}"
        with urllib.request.urlopen(f"{address}/ping", timeout=60) as answer:
            assert answer.status == 200
        for _ in range(2):  # a connection each
            request = urllib.request.Request(
                f"{address}/invocations", data=b"not json", headers={"Content-Type": "application/json"}
            )
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request, timeout=60)
            caught.value.close()
            assert caught.value.code == 500
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=20)
        assert process.returncode == 130
        assert "Traceback" not in rest
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()
