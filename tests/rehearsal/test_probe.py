"""The probe against servers that do anything but serve."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grader.rehearsal.exchange import MOST_BODY, Answer, Broken, exchange
from grader.rehearsal.probe import Asked, probe
from tests.rehearsal.serving import Bounds, Ending, serving


@pytest.fixture(scope="module", autouse=True)
def _impatient() -> Iterator[None]:
    """The processes here end at once or never."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grader.rehearsal.probe._PATIENCE", 0.01)
        yield


class Payload(NamedTuple):
    """A request to try."""

    form: str = "one row of JSON"
    content_type: str = "application/json"
    body: bytes = b"[[1, 2]]"
    accept: str | None = None
    origin: str | None = None


class Process:
    """A process that may have ended, and what it printed."""

    def __init__(self, ending: Ending | None = None, log: str = "") -> None:
        self.ending = ending
        self.said = log

    def ended(self) -> Ending | None:
        return self.ending

    def log(self) -> str:
        return self.said


Talk = Callable[[socket.socket], None]


@contextlib.contextmanager
def talking(talks: Sequence[Talk]) -> Iterator[Path]:
    """A unix socket on which each connection in turn is handled by one of ``talks`` (the last one again and again)."""
    with tempfile.TemporaryDirectory(prefix="grade-probe-") as folder:
        address = Path(folder) / "s"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(address))
            listener.listen(8)

            def life() -> None:
                for number in range(1_000):
                    try:
                        connection, _ = listener.accept()
                    except OSError:
                        return
                    with connection, contextlib.suppress(OSError):
                        talks[min(number, len(talks) - 1)](connection)

            thread = threading.Thread(target=life, daemon=True)
            thread.start()
            try:
                yield address
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                thread.join(5)


def says(raw: bytes) -> Talk:
    """Reads what there is, sends ``raw``, hangs up."""

    def talk(connection: socket.socket) -> None:
        connection.settimeout(5)
        connection.recv(65536)
        connection.sendall(raw)

    return talk


def http(body: bytes, status: str = "200 OK", kind: str = "application/json", *more: str) -> bytes:
    """A well-formed answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more, "", ""]
    return "\r\n".join(lines).encode() + body


def ask(address: Path, seconds: float = 3.0, gone: Callable[[], bool] = lambda: False) -> Answer:
    """One exchange."""
    return exchange(address, "POST", "/invocations", {}, b"{}", time.monotonic() + seconds, gone)


OK = http(b"")

WHOLE = [
    (http(b"[0]"), Answer(200, "application/json", b"[0]")),
    (http(b"no", "500 No"), Answer(500, "application/json", b"no")),
    (b"HTTP/1.0 200 OK\r\n\r\n[0]", Answer(200, None, b"[0]")),
    (b"HTTP/1.1 200 OK\nContent-Length: 3\n\n[0]", Answer(200, None, b"[0]")),
    (b"HTTP/1.1 100 Continue\r\n\r\n" * 20 + http(b"[0]"), Answer(200, "application/json", b"[0]")),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[0\r\n1\r\n]\r\n0\r\n\r\n", Answer(200, None, b"[0]")),
    (http(b"[0]") + b"HTTP/1.1 500 Later\r\n\r\n", Answer(200, "application/json", b"[0]")),
    (b"HTTP/1.1 302 Go\r\nLocation: http://example.org/\r\nContent-Length: 0\r\n\r\n", Answer(302, None, b"")),
    (b"HTTP/1.1 204 None\r\n\r\n", Answer(204, None, b"")),
    (http(b"x" * MOST_BODY), Answer(200, "application/json", b"x" * MOST_BODY)),
]  # fmt: skip

BROKEN = [
    (b"", "closed the connection"),
    (b"hello\r\n\r\n", "is no HTTP"),
    (b"\x00" * 100, "is no HTTP"),
    (b"HTTP/1.1 abc\r\n\r\n", "is no HTTP"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[0]", "cut off"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "cut off"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[0", "cut off"),
    (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n", "is no HTTP"),
    (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", "is"),
    (http(b"x" * (MOST_BODY + 1)), "more than"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n[0]", "cut off"),
    (b"HTTP/1.1 100 Continue\r\n\r\n" * 5_000, "more than is read"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "answer"), WHOLE)
def test_whole_answers(raw: bytes, answer: Answer) -> None:
    with talking([says(raw)]) as address:
        assert ask(address) == answer


@pytest.mark.parametrize(("raw", "why"), BROKEN)
def test_broken_answers(raw: bytes, why: str) -> None:
    with talking([says(raw)]) as address, pytest.raises(Broken) as broken:
        ask(address)
    assert why in str(broken.value)
    assert not broken.value.late


def _drip(head: bytes, drop: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            connection.sendall(drop)
            time.sleep(0.01)

    return talk


@pytest.mark.parametrize(
    "talk",
    [
        _drip(b"", b"H"),
        _drip(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n" + b" " * 10),
        _drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        _drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        lambda connection: time.sleep(0.8),
    ],
)
def test_what_comes_by_drops_ends_in_time(talk: Talk) -> None:
    with talking([talk]) as address:
        began = time.monotonic()
        with pytest.raises(Broken):
            ask(address, seconds=0.4)
        assert time.monotonic() - began < 1.5


def test_endless_answers_end_at_their_size() -> None:
    def flood(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 100_000)

    with talking([flood]) as address, pytest.raises(Broken, match="more than"):
        ask(address, seconds=10)


def test_a_server_that_takes_nothing_up_and_reads_nothing() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener,
    ):
        address = Path(folder) / "s"
        listener.bind(str(address))
        listener.listen(1)
        for _ in range(4):  # the queue is full from the third on
            with pytest.raises(Broken) as broken:
                exchange(address, "POST", "/", {}, b"x" * 3_000_000, time.monotonic() + 0.2, lambda: False)
            assert broken.value.late


def test_an_end_of_the_process_is_noticed() -> None:
    def silent(connection: socket.socket) -> None:
        time.sleep(0.5)

    with talking([silent]) as address:
        began = time.monotonic()
        with pytest.raises(Broken, match="ended without an answer"):
            ask(address, seconds=20, gone=lambda: time.monotonic() - began > 0.1)
        assert time.monotonic() - began < 5


def test_no_socket_there() -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.raises(Broken, match="cannot be reached"):
        ask(Path(folder) / "none")


def test_headers_stay_in_their_lines() -> None:
    seen: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        seen.append(connection.recv(65536))
        connection.sendall(http(b"[0]"))

    with talking([says(OK), talk]) as address:
        evil = Payload(content_type="text/csv\r\nX-Evil: 1\r\n\r\nGET / HTTP/1.1", accept="é\n☃")
        asked = probe(address, "sagemaker", [evil], Bounds(3), Process())
    assert asked.predicted is not None
    head = seen[0].partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    assert [line.partition(":")[0] for line in head[1:]] == [
        "Host",
        "Connection",
        "Content-Type",
        "Accept",
        "Content-Length",
    ]


@settings(max_examples=120, deadline=None)
@given(
    st.binary(max_size=400)
    | st.builds(
        lambda head, body: b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body,
        st.binary(max_size=100),
        st.binary(),
    )
    | st.builds(
        lambda code, length, body: b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%b" % (code, length, body),
        st.integers(-1, 1_000),
        st.integers(-5, 2**70),
        st.binary(),
    )
    | st.builds(
        lambda sizes: b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"\r\n".join(sizes),
        st.lists(st.binary(max_size=6) | st.integers(-5, 2**70).map(lambda n: b"%x" % abs(n)), max_size=6),
    )
)
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n")
@example(b"HTTP/1.1 200 OK\r\nContent-Type: \xff\xfe; charset=\xff\r\n\r\n")
def test_any_bytes_are_an_answer_or_none(raw: bytes) -> None:
    with talking([says(raw)]) as address:
        began = time.monotonic()
        asked = probe(address, "sagemaker", [Payload()], Bounds(2), Process())
        assert asked.loads.ok is not None
        with contextlib.suppress(Broken):
            ask(address)
    assert time.monotonic() - began < 2


# -- what is made of answers -----------------------------------------------------------------------------------------


def asked_of(
    *raw: bytes, payloads: Sequence[Payload] = (Payload(),), process: Process | None = None
) -> Asked:
    """What a server that says ``raw``, one after the other, is found to be."""
    with talking([says(one) for one in raw]) as address:
        return probe(address, "sagemaker", payloads, Bounds(5), process or Process())


def test_the_first_prediction_ends_it() -> None:
    error = json.dumps(
        {
            "stage": "predict",
            "type": "ValueError",
            "message": "Expected 2D array",
            "trace": ["> a.py:1 in f: x", "ValueError: y"],
        }
    ).encode()
    forms = [Payload("a"), Payload("b"), Payload("c"), Payload("d")]
    asked = asked_of(OK, http(error, "500 x"), http(b"null"), http(b"[7]"), payloads=forms)
    assert asked.loads.ok
    assert asked.ping.ok
    assert [(one.form, one.status, one.prediction) for one in asked.attempts] == [
        ("a", 500, ()),
        ("b", 200, ()),
        ("c", 200, ("7",)),
    ]
    assert asked.attempts[0].problem == "ValueError: Expected 2D array"
    assert asked.attempts[0].trace == ("> a.py:1 in f: x", "ValueError: y")
    assert asked.attempts[0].stage == "predict"
    assert asked.attempts[1].problem == "The answer is null."
    assert asked.predicted == asked.attempts[2]


@pytest.mark.parametrize("stage", ["import", "load"])
def test_an_error_that_names_a_stage_of_loading(stage: str) -> None:
    body = {
        "stage": stage,
        "type": "KeyError",
        "message": "'x'",
        "trace": ["KeyError: 'x'"],
        "warnings": ["UserWarning: old"],
    }
    asked = asked_of(http(json.dumps(body).encode(), "500 x"))
    assert asked.loads._replace(seconds=0) == asked.loads._replace(
        seconds=0, ok=False, problem="KeyError: 'x'"
    )
    assert asked.ping.ok is None
    assert asked.attempts == ()
    assert asked.warnings == ("UserWarning: old",)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"stage": 3, "type": [], "trace": "x", "warnings": {}}',
        b"<html>",
        b"[" * 100_000,
    ],
)
def test_a_health_check_that_is_answered_otherwise(body: bytes) -> None:
    asked = asked_of(http(body, "503 Busy"))
    assert asked.loads.ok is True
    assert asked.ping.ok is False
    assert asked.ping.problem == "GET /ping was answered with status 503"
    assert asked.attempts == ()


def test_what_is_told_is_bounded() -> None:
    body = {
        "stage": "load",
        "type": "T" * 9_000,
        "message": "m" * 9_000,
        "trace": ["t" * 9_000] * 20,
        "warnings": ["w" * 9_000] * 25,
    }
    asked = asked_of(
        http(json.dumps(body).encode(), "500 x"), process=Process(log="l" * 9_000 + "\n" + "x\n" * 900)
    )
    assert len(asked.loads.problem or "") <= 500
    assert [len(line) for line in asked.loads.trace] == [300] * 12
    assert len(asked.warnings) == 1
    assert len(asked.log) == 40


def test_an_end_before_the_first_answer_is_told_by_the_log() -> None:
    failed = {
        "stage": "load",
        "type": "EOFError",
        "message": "",
        "trace": ["EOFError"],
        "warnings": ["UserWarning: old"],
    }
    log = f"starting\n@rehearsal {json.dumps({'failed': failed})}\n@rehearsal [broken\nbye\n"
    asked = asked_of(b"", process=Process(Ending(None, 1, "The process ended with code 1."), log))
    assert asked.loads.ok is False
    assert asked.loads.problem == "EOFError"
    assert asked.loads.trace == ("EOFError",)
    assert asked.warnings == ("UserWarning: old",)
    assert asked.log == ("starting", "bye")


@pytest.mark.parametrize(
    ("header", "warnings"),
    [
        ('["A: b", "C: d"]', ("A: b", "C: d")),
        ('["A: b", 3, null]', ("A: b",)),
        ("[" * 5_000, ()),
        ("nonsense", ()),
        ('{"a": 1}', ()),
        (json.dumps(["x" * 900]), ("x" * 300,)),
        (json.dumps([str(number) for number in range(99)]), tuple(map(str, range(20)))),
    ],
)
def test_warnings_stand_in_a_header(header: str, warnings: tuple[str, ...]) -> None:
    warned = f"X-Rehearsal-Warnings: {header}"
    asked = asked_of(
        http(b"", "200 OK", "text/plain", warned), http(b"[0]", "200 OK", "application/json", warned)
    )
    assert asked.loads.ok
    assert asked.warnings == warnings


def test_the_limit_that_broke_is_told() -> None:
    ending = Ending("memory", None, "It used more memory than 2.0 GB.")
    asked = asked_of(b"", process=Process(ending, '@rehearsal {"failed": {"type": "X"}}'))
    assert (asked.loads.ok, asked.loads.limit, asked.loads.problem) == (False, "memory", ending.sentence)
    assert asked.ours is None


def test_trouble_of_the_sandbox_is_ours() -> None:
    assert (
        asked_of(b"", process=Process(Ending(None, None, "The sandbox broke.", ours=True))).ours
        == "The sandbox broke."
    )


def test_a_process_that_ends_while_it_predicts() -> None:
    process = Process()

    def dies(connection: socket.socket) -> None:
        connection.recv(65536)
        process.ending = Ending("cpu", None, "It used more processor time than 5 s.")

    with talking([says(OK), dies]) as address:
        asked = probe(address, "sagemaker", [Payload("a"), Payload("b")], Bounds(5), process)
    assert asked.loads.ok
    assert [(one.form, one.limit, one.problem) for one in asked.attempts] == [
        ("a", "cpu", "It used more processor time than 5 s.")
    ]


def test_a_prediction_that_takes_too_long_is_the_last() -> None:
    with talking([says(OK), lambda connection: time.sleep(0.8)]) as address:
        asked = probe(address, "sagemaker", [Payload("a"), Payload("b")], Bounds(0.5), Process())
    assert [(one.form, one.limit) for one in asked.attempts] == [("a", "time")]
    assert asked.seconds < 2


def test_an_echo_is_no_prediction() -> None:
    asked = asked_of(OK, http(b"[[1, 2]]"))
    assert asked.predicted is None
    assert asked.attempts[0].problem == "The answer only repeats the request."


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"\x93NUMPY\x01\x00", "(an npy array of 8 bytes)"),
        (b"1,2\n", "1,2\n"),
        (b"\xff" * 9, "(9 bytes)"),
        (b"x" * 900, "x" * 199 + "…"),
    ],
)
def test_what_was_sent_is_shown(body: bytes, shown: str) -> None:
    assert asked_of(OK, http(b"[0]"), payloads=[Payload(body=body)]).attempts[0].sent == shown


GARBAGE = {
    "exits at once": "raise SystemExit(0)",
    "closes the socket": "import os, time; os.close(int(os.environ['LISTENER'])); time.sleep(60)",
    "never answers": "import time; time.sleep(60)",
    "answers garbage": """
        import os, socket
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=int(os.environ["LISTENER"]))
        while True:
            connection, _ = server.accept()
            connection.sendall(os.urandom(5000))
            connection.close()
        """,
    "answers headers without end": """
        import os, socket
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=int(os.environ["LISTENER"]))
        connection, _ = server.accept()
        connection.sendall(b"HTTP/1.1 200 OK\\r\\n")
        while True:
            connection.sendall(b"X-A: b\\r\\n" * 1000)
        """,
}


@pytest.mark.parametrize("what", GARBAGE)
def test_processes_that_serve_nothing(what: str) -> None:
    import textwrap

    command = (sys.executable, "-c", textwrap.dedent(GARBAGE[what]))
    with serving({}, command=command) as server:
        asked = probe(server.address, "sagemaker", [Payload()], Bounds(0.5), server)
    assert asked.loads.ok is False
    assert asked.loads.problem
    assert asked.attempts == ()
    assert asked.seconds < 5
