"""What comes over the wire, and Google's contracts, without numpy: a model of plain Python, under the tests' own interpreter."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from grader.rehearsal.exchange import MOST_BODY
from grader.rehearsal.probe import probe
from tests.rehearsal.serving import Bounds, Server, serving
from tests.rehearsal.test_probe import Payload
from tests.rehearsal.test_serving import SCRIPT, SUMS, logged


@pytest.fixture(scope="module")
def sums() -> Iterator[Server]:
    """A server of a complete script."""
    with serving({"code/inference.py": SCRIPT}) as server:
        yield server


# -- HTTP ------------------------------------------------------------------------------------------------------------


def raw(server: Server, data: bytes) -> bytes:
    """What the server says to these bytes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(str(server.address))
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /ping HTTP/1.1\r\n\r\n", b"200"),
        (b"GET /ping HTTP/1.0\r\nA: b\r\n\r\n", b"200"),
        (b"hello\r\n\r\n", b"400"),
        (b"GET /ping HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: 6291457\r\n\r\n", b"413"),
        (b"POST /invocations HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"GET /ping HTTP/1.1\r\nA: " + b"b" * 70_000 + b"\r\n\r\n", b"400"),
        (b"POST /invocations HTTP/1.1\r\nContent-Length: 9\r\n\r\n[[1]]", b""),
        (b"", b""),
    ],
)
def test_requests_that_are_none(sums: Server, data: bytes, status: bytes) -> None:
    assert raw(sums, data).partition(b"\r\n")[0].partition(b" ")[2].partition(b" ")[0] == status
    assert sums.ask("GET", "/ping").status == 200


def test_a_client_that_waits_to_be_told_to_go_on(sums: Server) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(str(sums.address))
        connection.sendall(b"POST /invocations HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"[[5]]")
        assert b"[5]" in connection.recv(1000)


def test_large_requests_and_answers() -> None:
    script = "def model_fn(d): return 1\ndef input_fn(b, c): return b\ndef predict_fn(d, m): return d\ndef output_fn(p, a): return p"
    with serving({"code/inference.py": script}) as server:
        assert server.post(b"x" * MOST_BODY).body == b"x" * MOST_BODY


def test_code_that_breaks_its_own_process_gains_nothing() -> None:
    script = f"""
        import os, socket, sys, threading
        {"".join(SUMS.splitlines(keepends=True)[1:]).replace(chr(10), chr(10) + "        ")}
        def model_fn(d):
            sys.stdout.close(); sys.stderr = None
            os.close(2)
            sys.modules.clear()
            return Sums()
        def input_fn(b, c): return [[1]]
        def output_fn(p, a): return "[1]", a
        """
    with serving({"code/inference.py": script}) as server:
        asked = probe(server.address, "sagemaker", [Payload()], Bounds(5), server)
    assert asked.loads.ok is not None
    assert asked.seconds < 10


# -- Google ----------------------------------------------------------------------------------------------------------

# What pickle makes of it: an object of class Model in module mysklearn.
PICKLE = b"cmysklearn\nModel\n(tR."
MYSKLEARN = "class Model:\n    def predict(self, rows):\n        print('rows are', type(rows).__name__)\n        return [sum(r) for r in rows]\n"


def google(files: dict[str, str | bytes], contract: str, **more: Any) -> Any:
    """A server of the legacy service, with a module whose name says sklearn."""
    return serving({"code/mysklearn.py": MYSKLEARN, **files}, contract=contract, **more)


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "said"),
    [
        ("GET", "/health", {}, b"", 200, b"{}"),
        ("POST", "/health", {}, b"", 405, b"Method Not Allowed"),
        ("GET", "/predict", {}, b"", 405, b"Method Not Allowed"),
        ("GET", "/ping", {}, b"", 404, b"Not Found"),
        ("POST", "/predict", {"Content_Type": "application/json"}, b'{"instances": [[1, 2], [3, 4]]}', 200, b'{"predictions": [3, 7]}'),
        ("POST", "/predict", {"Content_Type": "application/json; charset=utf-8"}, b'{"instances": [[1]]}', 200, b'{"predictions": [1]}'),
        ("POST", "/predict", {"Content_Type": "application/json", "Accept": "*/*"}, b'{"instances": [[1]]}', 200, b'{"predictions": [1]}'),
        ("POST", "/predict", {"Content_Type": "application/json", "Accept": "text/csv"}, b'{"instances": [[1]]}', 400, b"Unsupported accept"),
        ("POST", "/predict", {"Content_Type": "text/csv"}, b"1,2", 400, b"Unsupported content type of the request: text/csv"),
        ("POST", "/predict", {}, b"{}", 400, b"Unsupported content type of the request: None"),
        ("POST", "/predict", {"Content_Type": "application/json"}, b"{", 400, b"JSON deserialization failed"),
        ("POST", "/predict", {"Content_Type": "application/json"}, b"{}", 500, b'"KeyError"'),
        ("POST", "/predict", {"Content_Type": "application/json"}, b"[[1, 2]]", 500, b'"TypeError"'),
        ("POST", "/predict", {"Content_Type": "application/json"}, b'{"instances": [1, 2]}', 500, b'"predict"'),
    ],
)  # fmt: skip
def test_the_legacy_service(
    legacy: Server, method: str, path: str, headers: dict[str, str], body: bytes, status: int, said: bytes
) -> None:
    answer = legacy.ask(method, path, body, **headers)
    assert answer.status == status
    assert said in answer.body


@pytest.fixture(scope="module")
def legacy() -> Iterator[Server]:
    """A server of the legacy service."""
    with google({"model/model.pkl": PICKLE}, "ai-platform") as server:
        yield server


def test_the_legacy_service_hands_over_the_list_as_it_came(legacy: Server) -> None:
    asked = probe(legacy.address, "ai-platform", [Payload(body=b'{"instances": [[1, 2]]}')], Bounds(), legacy)
    assert asked.predicted is not None
    assert asked.predicted.prediction == ("3",)
    logged(legacy, "rows are list")


@pytest.mark.parametrize(
    ("files", "contract", "more", "problem"),
    [
        ({}, "ai-platform", {}, "ValueError: There is no model.joblib and no model.pkl"),
        ({}, "vertex", {}, "ValueError: There is no model.joblib and no model.pkl"),
        ({"model/model.pkl": b"not a pickle"}, "vertex", {}, "UnpicklingError"),
        (
            {"model/model.pkl": b"cnowhere\nX\n(tR."},
            "vertex",
            {},
            "ModuleNotFoundError: No module named 'nowhere'",
        ),
        ({"model/model.pkl": b"c__main__\nMine\n(tR."}, "vertex", {}, "AttributeError"),
        (
            {"model/model.pkl": b"ccollections\nOrderedDict\n(tR."},
            "ai-platform",
            {},
            "TypeError: AI Platform takes models of",
        ),
        (
            {"model/model.pkl": PICKLE, "model/model.bst": b""},
            "ai-platform",
            {"framework": None},
            "ValueError: Multiple model files",
        ),
    ],
)
def test_a_model_that_does_not_load_ends_the_process(
    files: dict[str, str | bytes], contract: str, more: dict[str, Any], problem: str
) -> None:
    with google(files, contract, **more) as server:
        asked = probe(server.address, contract, [Payload()], Bounds(), server)
        ending = server.ended()
    assert asked.loads.ok is False
    assert problem in (asked.loads.problem or "")
    assert problem in asked.loads.trace[-1] or "AttributeError" in problem
    assert asked.ping.ok is None
    assert ending is not None
    assert ending.code == 1


def test_several_files_are_no_matter_where_the_framework_is_named() -> None:
    with google({"model/model.pkl": PICKLE, "model/model.bst": b""}, "ai-platform") as server:
        assert server.ask("GET", "/health").status == 200


def test_a_file_called_joblib_goes_first() -> None:
    with google({"model/model.pkl": PICKLE, "model/model.joblib": PICKLE}, "ai-platform") as server:
        asked = probe(server.address, "ai-platform", [], Bounds(), server)
    # There is no joblib in the tests' own environment, and it is asked for.
    assert any("joblib" in line for line in asked.loads.trace)
