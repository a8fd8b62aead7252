"""What counts as a prediction: a table of answers, and answers that nobody would write."""

from __future__ import annotations

import json
import struct
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grader.asking.predictions import MOST_BYTES, MOST_VALUES, Prediction, agree, read

JSON, CSV, NPY, HTML = "application/json", "text/csv", "application/x-npy", "text/html; charset=utf-8"


def npy(descr: str, shape: str, data: bytes, *, fortran: bool = False, version: int = 1) -> bytes:
    """An npy file as numpy writes it."""
    header = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}".encode()
    size = 10 if version == 1 else 12
    header += b" " * (-(len(header) + size + 1) % 64) + b"\n"
    return (
        b"\x93NUMPY"
        + bytes([version, 0])
        + struct.pack("<H" if version == 1 else "<I", len(header))
        + header
        + data
    )


TWO = struct.pack("<2d", 0.0, 2.5)

PREDICTIONS = [
    # JSON
    (JSON, b"[0]", ("0",)),
    (JSON, b"[0, 2]\n", ("0", "2")),
    (JSON, b" [0.25]", ("0.25",)),
    (JSON, b"3", ("3",)),
    (JSON, b"-1.5e3", ("-1500.0",)),
    (JSON, b'"setosa"', ("setosa",)),
    (JSON, b'["setosa", "virginica"]', ("setosa", "virginica")),
    (JSON, b"[[0.1, 0.9], [0.6, 0.4]]", ("0.1", "0.9", "0.6", "0.4")),
    (JSON, b'["1", "2.5"]', ("1", "2.5")),
    (JSON, b"[true, false]", ("True", "False")),
    (JSON, b"[NaN, 1.0]", ("1.0",)),
    (JSON, b"[null, 7]", ("7",)),
    (JSON, b'{"predictions": [0, 1]}', ("0", "1")),
    (JSON, b'{"predictions": [[0.2, 0.8]], "deployedModelId": "42", "model": "m"}', ("0.2", "0.8")),
    (JSON, b'{"predictions": [{"label": "cat", "score": 0.9, "id": 7}]}', ("cat", "0.9")),
    (JSON, b'{"prediction": "setosa"}', ("setosa",)),
    (JSON, b'{"predicted_class": "error"}', ("error",)),
    (JSON, b'{"Predicted Species": "Adelie", "status": "ok"}', ("Adelie",)),
    (JSON, b'{"result": 12.5}', ("12.5",)),
    (JSON, b'{"result": "ham", "message": "done"}', ("ham",)),
    (JSON, b'{"status": "success", "result": {"class": 1}}', ("1",)),
    (JSON, b'{"response": "success", "species": "setosa"}', ("setosa",)),
    (JSON, b'{"species": "setosa", "confidence": 0.93}', ("setosa", "0.93")),
    (JSON, b'{"0": 5.1, "1": 6.2}', ("5.1", "6.2")),
    (JSON, b'{"columns": ["y"], "index": [0], "data": [[3.5]]}', ("3.5",)),
    (JSON, b'{"model_name": "m", "outputs": [{"name": "y", "shape": [1], "datatype": "INT64", "data": [4]}]}', ("4",)),
    (JSON, b'{"error": null, "predictions": [1]}', ("1",)),
    (JSON, b'{"prediction": 3.2, "error": 0.1}', ("3.2",)),
    (JSON, b'{"statusCode": 200, "body": "[0]"}', ("[0]",)),
    (JSON, b'{"result": "up"}', ("up",)),
    (JSON, b'{"output": "Active"}', ("Active",)),
    (JSON, b'"down"', ("down",)),
    (JSON, b'"[\\"setosa\\"]"', ('["setosa"]',)),
    (JSON, b'{"code": 0, "data": {"label": "cat"}}', ("cat",)),
    (JSON, b'[{"prediction": 1}, {"prediction": 0}]', ("1", "0")),
    (JSON, b'["None"]', ("None",)),
    (JSON, "[\"Ärmelkanal\"]".encode(), ("Ärmelkanal",)),
    (JSON, b"\xef\xbb\xbf[1]", ("1",)),
    ("application/json; charset=utf-8", b"[0]", ("0",)),
    ("application/json;charset=ISO-8859-1", b'["\xe9"]', ("é",)),
    ("APPLICATION/JSON", b"[0]", ("0",)),
    ("application/vnd.api+json", b"[0]", ("0",)),
    ("application/jsonlines", b'{"prediction": 1}\n{"prediction": 0}\n', ("1", "0")),
    # CSV
    (CSV, b"0\n", ("0",)),
    ("text/csv; charset=utf-8", b"0\n2\n", ("0", "2")),
    (CSV, b"setosa\nvirginica\n", ("setosa", "virginica")),
    (CSV, b"0.1,0.9\r\n0.6,0.4\r\n", ("0.1", "0.9", "0.6", "0.4")),
    (CSV, b'"a, b"\n', ("a, b",)),
    (CSV, b"nan\n1\n", ("1",)),
    (CSV, b"[0, 2]", ("0", "2")),
    # npy
    (NPY, npy("'<f8'", "(2,)", TWO), ("0.0", "2.5")),
    (NPY, npy("'<i8'", "(1,)", struct.pack("<q", -3)), ("-3",)),
    (NPY, npy("'>f4'", "(1,)", struct.pack(">f", 1.5)), ("1.5",)),
    (NPY, npy("'|u1'", "(3,)", b"\x00\x01\xff"), ("0", "1", "255")),
    (NPY, npy("'|b1'", "(2,)", b"\x01\x00"), ("True", "False")),
    (NPY, npy("'<f2'", "(1,)", struct.pack("<e", 0.5)), ("0.5",)),
    (NPY, npy("'<U6'", "(1,)", "setosa".encode("utf-32-le")), ("setosa",)),
    (NPY, npy("'>U2'", "(2,)", "aéb\0".encode("utf-32-be")), ("aé", "b")),
    (NPY, npy("'|S3'", "(2,)", b"catno\0"), ("cat", "no")),
    (NPY, npy("'<f8'", "()", struct.pack("<d", 4.0)), ("4.0",)),
    (NPY, npy("'<i4'", "(2, 3)", struct.pack("<6i", 1, 4, 2, 5, 3, 6), fortran=True), ("1", "2", "3", "4", "5", "6")),
    (NPY, npy("'<f8'", "(2,)", TWO, version=2), ("0.0", "2.5")),
    (NPY, npy("'<f8'", "(2,)", TWO, version=3), ("0.0", "2.5")),
    (NPY, npy("'<f8'", "(2,)", struct.pack("<2d", float("nan"), 1.0)), ("1.0",)),
    # What a server says of bytes of which it was told nothing: the body must say it.
    (HTML, b"[0]", ("0",)),
    (HTML, b'{"prediction": "setosa"}', ("setosa",)),
    (HTML, b"7", ("7",)),
    ("text/plain", b"[1.5]", ("1.5",)),
    ("*/*", b'{"predictions": [0]}', ("0",)),
    (None, b"[0]", ("0",)),
    ("application/octet-stream", npy("'<f8'", "(2,)", TWO), ("0.0", "2.5")),
]  # fmt: skip

NONE = [
    (JSON, b"", "empty"),
    (JSON, b"  \n", "empty"),
    (JSON, b"null", "null"),
    (JSON, b"NaN", "no label"),
    (JSON, b"[NaN]", "no label"),
    (JSON, b"[Infinity, -Infinity]", "no label"),
    (JSON, b"1e999", "no label"),
    (JSON, b"[null]", "no label"),
    (JSON, b"[]", "no label"),
    (JSON, b"[[], []]", "no label"),
    (JSON, b"{}", "no label"),
    (JSON, b'""', "no label"),
    (JSON, b'["nan"]', "no label"),
    (JSON, b'["", "null"]', "no label"),
    (JSON, b'{"predictions": []}', "no label"),
    (JSON, b'{"predictions": null, "rows": 3}', "no label"),
    (JSON, b'{"predictions": [null]}', "no label"),
    (JSON, b'{"result": null, "n": 3}', "no label"),
    (JSON, b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}', "no label"),
    (JSON, b'{"error": "no model"}', "is an error: no model"),
    (JSON, b'{"error": {"code": 400, "message": "Invalid"}}', "is an error: Invalid"),
    (JSON, b'{"errors": ["wrong shape"], "predictions": [1]}', "is an error: wrong shape"),
    (JSON, b'{"errorMessage": "KeyError", "errorType": "KeyError"}', "is an error"),
    (JSON, b'{"message": "Internal server error"}', "no label"),
    (JSON, b'{"Message": "Missing Authentication Token"}', "no label"),
    (JSON, b'{"detail": "Not Found"}', "no label"),
    (JSON, b'{"detail": [{"loc": ["body", "x"], "msg": "field required"}]}', "no label"),
    (JSON, b'{"statusCode": 500, "body": "[0]"}', "is an error"),
    (JSON, b'{"status": "ok"}', "no label"),
    (JSON, b'{"status": "ok", "version": 1.2, "uptime": 35}', "no label"),
    (JSON, b'{"result": "success"}', "no label"),
    (JSON, b'{"hello": "world"}', "no label"),
    (JSON, b'{"prediction": "Error: Expected 2D array, got 1D array instead"}', "no label"),
    (JSON, b'{"prediction": "ValueError: could not convert string"}', "no label"),
    (JSON, b'"OK"', "no label"),
    (JSON, b'"Internal Server Error"', "is a message"),
    (JSON, b'"<html><body>Hi</body></html>"', "no label"),
    (JSON, b"[0, 2", "is not"),
    (JSON, b"[0] [1]", "is not"),
    (JSON, b"0\n1\n", "is not"),
    (JSON, b"{'prediction': 1}", "is not"),
    (JSON, b"<!doctype html><html></html>", "web page"),
    (JSON, b"\xff\xfe\x00", "encoding"),
    (JSON, b"[" * 100_000, ""),
    (JSON, b"[" * 50_000 + b"1" + b"]" * 50_000, ""),
    (CSV, b"\n\n", "empty"),
    (CSV, b"nan\n", "no label"),
    (CSV, b",,\n", "no label"),
    (CSV, b'"cut off', "is not"),
    (CSV, b"<html></html>", "web page"),
    (CSV, b"Internal Server Error", "is a message"),
    (CSV, b"Traceback (most recent call last):\n  File 'a.py', line 1\nValueError: no\n", "is a message"),
    (CSV, b'{"error": "x"}', "is an error"),
    (NPY, b"[0]", "is none"),
    (NPY, b"\x93NUMPY", "is none"),
    (NPY, npy("'<f8'", "(2,)", TWO)[:-1], "as many bytes"),
    (NPY, npy("'<f8'", "(2,)", TWO) + b"0", "as many bytes"),
    (NPY, npy("'<f8'", "(0,)", b""), "without elements"),
    (NPY, npy("'<f8'", "(999999999999, 999999999999)", TWO), "as many bytes"),
    (NPY, npy("'<f8'", "(1,)", struct.pack("<d", float("inf"))), "finite"),
    (NPY, npy("'|O'", "(1,)", b"\x80\x04K\x00."), "pickled"),
    (NPY, npy("'<c16'", "(1,)", bytes(16)), "c16"),
    (NPY, npy("'<U0'", "(1,)", b""), "as many bytes"),
    (NPY, npy("[('a', '<f8')]", "(1,)", bytes(8)), "fields"),
    (NPY, npy("'<f8'", "(__import__('os').getpid(),)", bytes(8)), "no label or number"),
    (NPY, npy("'<f8'", "(2 2,)", bytes(16)), "shape"),
    (HTML, b"<!doctype html><h1>It works</h1>", "no JSON either"),
    (HTML, b"OK", "no JSON either"),
    ("text/plain", b"Hello World", "no JSON either"),
    ("content_type", b"body", "said to be content_type"),
    ("application/xml", b"<a>1</a>", "said to be application/xml"),
    ("image/png", b"\x89PNG", "said to be image/png"),
    (None, b"body", "does not say"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "values"), PREDICTIONS)
def test_predictions(kind: str | None, body: bytes, values: tuple[str, ...]) -> None:
    assert read(kind, body) == Prediction(values)
    assert read(kind, body).ok


@pytest.mark.parametrize(("kind", "body", "why"), NONE)
def test_no_predictions(kind: str | None, body: bytes, why: str) -> None:
    found = read(kind, body)
    assert not found.ok
    assert found.values == ()
    assert found.problem is not None
    assert why in found.problem
    assert found.problem.endswith(".") or "error" in found.problem or "message" in found.problem


@pytest.mark.parametrize(
    ("pointer", "values"),
    [
        ("out[0].kind", ("cat",)),
        ("$.out[0].kind", ("cat",)),
        ("$['out'][0]['kind']", ("cat",)),
        ("/out/0/kind", ("cat",)),
        ("out.1.kind", ("dog",)),
        ("status", ("fine",)),
        ("out", ("cat", "dog")),
        ("message", ()),
        ("out[5]", ()),
        ("out[", ()),
        ("", ("cat", "dog")),
    ],
)
def test_where_the_prediction_stands(pointer: str, values: tuple[str, ...]) -> None:
    body = b'{"out": [{"kind": "cat"}, {"kind": "dog"}], "status": "fine", "message": null}'
    assert read(JSON, body, pointer=pointer).values == values


@pytest.mark.parametrize(
    ("sent", "body", "ok"),
    [
        (b"[[5.1, 3.5]]", b"[[5.1,3.5]]", False),
        (b"[[5.1, 3.5]]", b"[[5.1, 3.5]]\n", False),
        (b'{"instances": [[1, 2]]}', b'{"instances": [[1, 2]]}', False),
        (b"1,2\n", b"1,2\n", False),
        (b"[0]", b"[0]", True),
        (b"[[5.1, 3.5]]", b"[0]", True),
        (b"\x93NUMPY\x01", b"[0]", True),
        (b"[" * 9000, b"[0]", True),
    ],
)
def test_an_echo_is_none(sent: bytes, body: bytes, ok: bool) -> None:
    kind = CSV if body.endswith(b"1,2\n") else JSON
    assert read(kind, body, sent=sent).ok is ok


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        (("0", "2"), ("0.0", "2.0"), True),
        (("0.1",), ("0.10000000149011612",), True),
        (("0.1",), ("0.1001",), False),
        (("cat",), ("cat",), True),
        (("cat",), ("dog",), False),
        (("cat",), ("1",), False),
        (("1",), ("1", "2"), False),
        (("0.0",), ("1e-12",), True),
    ],
)
def test_answers_that_agree(a: tuple[str, ...], b: tuple[str, ...], same: bool) -> None:
    assert agree(Prediction(a), Prediction(b)) is same
    assert agree(Prediction(b), Prediction(a)) is same


def test_what_is_none_cannot_be_compared() -> None:
    assert agree(Prediction((), "It is empty."), Prediction(("1",))) is None


def test_what_is_kept_is_bounded() -> None:
    many = read(JSON, json.dumps(list(range(5 * MOST_VALUES))).encode())
    assert len(many.values) == MOST_VALUES
    assert len(read(JSON, json.dumps(["x" * 900]).encode()).values[0]) == 200
    assert not read(JSON, json.dumps(["x" * 2_000]).encode()).ok
    assert not read(JSON, b"1" * (MOST_BYTES + 1)).ok


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b"9" * 1_000_000),
        (JSON, b"[" + b"9" * 4_000 + b"]"),
        (JSON, b"{" + b'"a":{' * 3_000),
        (JSON, b"[" + b"null," * 500_000 + b"1]"),
        (CSV, b'"' * 1_000_000),
        (CSV, b"," * 2_000_000),
        (NPY, npy("'<f8'", "(1,)" + " " * 400, bytes(8))),
        (NPY, npy("'<f8'", "(" + "1," * 150 + ")", bytes(8))),
        (NPY, npy("'<f8'", "(1000000, 1)", bytes(8_000_000), fortran=True)[: MOST_BYTES - 1]),
        ("application/json; charset=" + "x" * 100_000, b"[1]"),
        ("x" * 1_000_000, b"[1]"),
    ],
)
def test_no_answer_takes_long(kind: str, body: bytes) -> None:
    began = time.process_time()
    read(kind, body)
    assert time.process_time() - began < 4


KINDS = st.sampled_from(
    [JSON, CSV, NPY, HTML, "text/plain", "*/*", "", "application/jsonlines", "image/png", None]
)
SOME_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["predictions", "error", "result", "status", "message", "x"])
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(KINDS | st.text(max_size=40), st.binary(max_size=300))
@example(JSON, b'{"\\ud800": 1}')
@example("application/json; charset=utf-16", b"a")
def test_any_bytes_are_read_without_an_error(kind: str | None, body: bytes) -> None:
    found = read(kind, body)
    assert found.ok is bool(found.values)


@given(SOME_JSON, KINDS, st.text(max_size=30) | st.none())
def test_any_json_is_read_without_an_error(data: object, kind: str | None, pointer: str | None) -> None:
    found = read(kind, json.dumps(data).encode(), pointer=pointer)
    assert found.ok is bool(found.values)
    assert all(len(value) <= 200 and value.strip() for value in found.values)


@given(st.binary(max_size=200), st.binary(max_size=64), st.integers(0, 4), st.integers(0, 2**16 - 1))
def test_any_npy_is_read_without_an_error(header: bytes, data: bytes, version: int, length: int) -> None:
    for said in (len(header), length):
        body = b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", said) + header + data
        found = read(NPY, body)
        assert found.ok is bool(found.values)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=20))
def test_numbers_are_the_same_in_every_form(numbers: list[float]) -> None:
    as_json = read(JSON, json.dumps(numbers).encode())
    as_csv = read(CSV, "".join(f"{number!r}\n" for number in numbers).encode())
    as_npy = read(NPY, npy("'<f4'", f"({len(numbers)},)", struct.pack(f"<{len(numbers)}f", *numbers)))
    assert as_json.ok
    assert agree(as_json, as_csv) is True
    assert agree(as_json, as_npy) is True
