"""The serving contracts, without numpy: models and functions of plain Python, under the tests' own interpreter.

What needs scikit-learn is in ``test_conformance.py``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.rehearsal import pythons
from grader.rehearsal.exchange import Answer
from grader.rehearsal.probe import probe
from tests.rehearsal.serving import Bounds, Server, serving
from tests.rehearsal.test_probe import Payload

SUMS = """
class Sums:
    def predict(self, rows):
        return [sum(row) for row in rows]
"""
SCRIPT = f"""
import json
{SUMS}
def model_fn(model_dir):
    return Sums()

def input_fn(body, content_type):
    return json.loads(body)

def output_fn(prediction, accept):
    return json.dumps(prediction), accept
"""


def told(answer: Answer) -> dict[str, Any]:
    """What an error's body says."""
    assert answer.status == 500
    body = json.loads(answer.body)
    assert set(body) == {"stage", "type", "message", "trace", "warnings"}
    assert len(body["trace"]) <= 12
    assert all(len(line) <= 300 for line in body["trace"])
    return body  # type: ignore[no-any-return]


def logged(server: Server, text: str) -> None:
    """Wait until the server has printed this."""
    end = time.monotonic() + 5
    while text not in server.log():
        assert time.monotonic() < end, server.log()
        time.sleep(0.01)


# -- SageMaker: routes and loading -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sums() -> Iterator[Server]:
    """A server of a complete script."""
    with serving({"code/inference.py": SCRIPT}) as server:
        yield server


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ping", 200),
        ("HEAD", "/ping", 200),
        ("GET", "/ping?x=1", 200),
        ("OPTIONS", "/ping", 200),
        ("POST", "/ping", 405),
        ("GET", "/invocations", 405),
        ("PUT", "/invocations", 405),
        ("GET", "/execution-parameters", 404),
        ("GET", "/", 404),
        ("GET", "/ping/", 404),
        ("POST", "/predict", 404),
        ("GET", "//etc/passwd", 404),
    ],
)
def test_routes(sums: Server, method: str, path: str, status: int) -> None:
    answer = sums.ask(method, path)
    assert answer.status == status
    if path == "/ping" and method in ("GET", "HEAD"):
        assert answer.body == b""


def test_a_prediction(sums: Server) -> None:
    assert sums.post(b"[[1, 2], [3, 4]]") == Answer(200, "application/json", b"[3, 7]")


def test_nothing_is_loaded_before_the_first_request_and_once_after() -> None:
    script = SCRIPT.replace("    return Sums()", "    print('loading', model_dir)\n    return Sums()")
    with serving({"code/inference.py": script}) as server:
        time.sleep(0.2)
        assert "loading" not in server.log()
        for _ in range(3):
            assert server.ask("GET", "/nowhere").status == 404
        assert server.ask("GET", "/ping").status == 200
        logged(server, "/model\n")
        assert server.log().count("loading") == 1


BROKEN = {
    "no model_fn": ("def predict_fn(data, model): ...", "load", "NotImplementedError", "Please provide a model_fn"),
    "model_fn raises": ("def model_fn(model_dir):\n    return {}['x']", "load", "KeyError", "'x'"),
    "no such file": ("import os\ndef model_fn(d):\n    return open(os.path.join(d, 'a'))", "load", "FileNotFoundError", "No such file"),
    "two parameters": ("def model_fn(a, b): ...", "load", "TypeError", "missing 1 required positional argument"),
    "a module that is missing": ("import nowhere_at_all", "import", "ModuleNotFoundError", "No module named 'nowhere_at_all'"),
    "sagemaker's SDK is not there": ("import sagemaker", "import", "ModuleNotFoundError", "No module named 'sagemaker'"),
    "nor is our own server": ("import serving", "import", "ModuleNotFoundError", "No module named 'serving'"),
    "Python 2": ("print 'hello'", "import", "SyntaxError", ""),
    "raises at import": ("1 / 0", "import", "ZeroDivisionError", "division by zero"),
    "transform_fn beside input_fn": (
        "def model_fn(d): return 1\ndef transform_fn(m, b, c, a): ...\ndef input_fn(b, c): ...",
        "import",
        "_rehearsal.sagemaker.UserError",
        "in place of input_fn",
    ),
    "an error that cannot be told": (
        "class E(Exception):\n    def __str__(self):\n        raise self\ndef model_fn(d):\n    raise E",
        "load",
        "inference.E",
        "cannot be made",
    ),
    "recursion": ("def model_fn(d):\n    return model_fn(d)", "load", "RecursionError", "maximum recursion"),
    "memory": ("def model_fn(d):\n    raise MemoryError", "load", "MemoryError", ""),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_does_not_load_answers_500_to_everything(what: str) -> None:
    script, stage, kind, message = BROKEN[what]
    with serving({"code/inference.py": script}) as server:
        for method, path in (("GET", "/ping"), ("POST", "/invocations"), ("GET", "/nowhere")):
            body = told(server.ask(method, path))
            assert (body["stage"], body["type"]) == (stage, kind)
            assert message in body["message"]
            assert body["trace"][-1].startswith(kind)
        asked = probe(server.address, "sagemaker", [Payload()], Bounds(), server)
    assert asked.loads.ok is False
    assert (asked.loads.problem or "").startswith(kind)
    assert asked.ping.ok is None
    assert asked.attempts == ()


def test_a_script_that_is_not_there() -> None:
    with serving({}) as server:
        body = told(server.ask("GET", "/ping"))
    assert (body["stage"], body["type"]) == ("import", "ModuleNotFoundError")
    assert body["message"] == "No module named 'inference'"


def test_what_failed_once_is_tried_again() -> None:
    script = """
        import os
        def model_fn(model_dir):
            mark = os.path.join(os.path.dirname(model_dir), "tried")
            if not os.path.exists(mark):
                open(mark, "w").close()
                raise ValueError("not yet")
            return 1
        """
    with serving({"code/inference.py": script}) as server:
        assert [server.ask("GET", "/ping").status for _ in range(3)] == [500, 200, 200]


@pytest.mark.parametrize("how", ["raise SystemExit(3)", "import sys; sys.exit()", "raise KeyboardInterrupt"])
def test_leaving_ends_the_process_after_it_was_told(how: str) -> None:
    with serving({"code/inference.py": f"def model_fn(d):\n    {how}"}) as server:
        asked = probe(server.address, "sagemaker", [Payload()], Bounds(), server)
        assert asked.loads.ok is False
        assert (asked.loads.problem or "").split(":")[0] in ("SystemExit", "KeyboardInterrupt")
        assert asked.loads.trace[0].startswith("> inference.py:2 in model_fn: ")
        server.process.wait(5)
        assert server.ended() is not None


def test_a_process_that_dies_without_a_word() -> None:
    with serving({"code/inference.py": "import os\ndef model_fn(d):\n    os._exit(0)"}) as server:
        asked = probe(server.address, "sagemaker", [Payload()], Bounds(), server)
    assert asked.loads.ok is False
    assert asked.loads.problem == "The process ended with code 0."


# -- SageMaker: which module, which files ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "program", ["sklearn.py", "code.py", "test.py", "my-script.py", "server.py", "serving.py", "inference"]
)
def test_the_script_goes_before_what_is_installed(program: str) -> None:
    name = program if program.endswith(".py") else f"{program}.py"
    with serving({f"code/{name}": SCRIPT}, program=program) as server:
        assert server.ask("GET", "/ping").status == 200


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("json.py", "a module json of its own"),
        ("flask.py", "a module flask of its own"),
        ("src/inference.py", "No module named 'src/inference'"),
        ("my.script.py", "No module named 'my'"),
    ],
)
def test_names_that_the_container_does_not_come_to(program: str, message: str) -> None:
    with serving({f"code/{program}": SCRIPT}, program=program) as server:
        body = told(server.ask("GET", "/ping"))
    assert body["stage"] == "import"
    assert message in body["message"]


def test_modules_beside_the_script() -> None:
    files = {
        "code/inference.py": "from helpers import deep\nfrom helpers.deep import model_fn, input_fn, output_fn",
        "code/helpers/__init__.py": "",
        "code/helpers/deep.py": SCRIPT,
    }
    with serving(files) as server:
        assert server.post(b"[[1, 2]]").body == b"[3]"


def test_requirements_go_before_what_is_installed_and_after_the_standard_library() -> None:
    script = """
        import extra, json, os, pytest
        def model_fn(d):
            assert hasattr(json, "loads")
            return (extra.here, pytest.here, os.environ["PTH"])
        def input_fn(b, c): return b
        def predict_fn(d, m): return m
        def output_fn(p, a): return repr(p)
        """
    files = {
        "code/inference.py": script,
        "paths/extra.py": "here = 1",
        "paths/pytest.py": "here = 2",
        "paths/json.py": "",
        "paths/more.pth": "import os; os.environ['PTH'] = 'run'",
    }
    with serving(files, paths=["paths"]) as server:
        assert server.post(b"").body == b"(1, 2, 'run')"


def test_every_python_at_hand(tmp_path: Path) -> None:
    found = {one.series: one.executable for one in pythons.find((), tmp_path)}
    assert found
    script = SCRIPT.replace("import json", "import json, warnings\nwarnings.warn('old')", 1)
    for series, python in found.items():
        with serving({"code/inference.py": script}, python=python) as server:
            asked = probe(server.address, "sagemaker", [Payload(body=b"["), Payload()], Bounds(), server)
        assert [one.status for one in asked.attempts] == [500, 200], (series, asked)
        assert asked.attempts[0].trace[0].startswith("> inference.py:"), series
        assert asked.warnings == ("UserWarning: old",), series
        with serving({}, contract="vertex", python=python) as server:
            asked = probe(server.address, "vertex", [], Bounds(), server)
        assert (asked.loads.problem or "").startswith("ValueError: There is no model.joblib"), series


def test_main_holds_nothing_of_ours() -> None:
    script = """
        import pickle
        def model_fn(d):
            return pickle.loads(b"c__main__\\nmain\\n.")
        """
    with serving({"code/inference.py": script}) as server:
        body = told(server.ask("GET", "/ping"))
    assert (body["type"], body["stage"]) == ("AttributeError", "load")
    assert "__main__" in body["message"]


# -- SageMaker: what the functions are handed, what becomes of what they return -----------------------------------------

SEES = """
def model_fn(model_dir): return "model"
def input_fn(body, content_type): return [type(body).__name__, content_type]
def predict_fn(data, model): return data + [model]
def output_fn(prediction, accept): return ",".join(prediction + [accept]), "text/plain"
"""


@pytest.mark.parametrize(
    ("headers", "seen"),
    [
        ({}, "str,application/json,model,application/json"),
        ({"Content_Type": "application/json"}, "str,application/json,model,application/json"),
        ({"Content_Type": "text/csv"}, "str,text/csv,model,application/json"),
        ({"Content_Type": "application/json; charset=utf-8"}, "bytes,application/json; charset=utf-8,model,application/json"),
        ({"Content_Type": "application/x-npy"}, "bytes,application/x-npy,model,application/json"),
        ({"ContentType": "text/csv", "Content_Type": "application/json"}, "str,text/csv,model,application/json"),
        ({"Accept": "*/*"}, "str,application/json,model,application/json"),
        ({"Accept": "text/csv"}, "str,application/json,model,text/csv"),
        ({"Accept": "text/html, */*"}, "str,application/json,model,text/html, */*"),
    ],
)  # fmt: skip
def test_what_the_functions_are_handed(headers: dict[str, str], seen: str) -> None:
    with serving({"code/inference.py": SEES}) as server:
        answer = server.ask("POST", "/invocations", b"\xff", **headers)
    assert answer == Answer(200, "text/plain; charset=utf-8", seen.encode())


def test_the_accept_that_the_deployment_sets() -> None:
    environment = {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}
    with serving({"code/inference.py": SEES}, environment=environment) as server:
        assert server.post(b"").body.endswith(b",text/csv")


RESULTS = [
    ("'[1]', 'application/json'", 200, "application/json", b"[1]"),
    ("b'[1]', 'application/json'", 200, "application/json", b"[1]"),
    ("'1,2', 'text/csv'", 200, "text/csv; charset=utf-8", b"1,2"),
    ("'1', 'text/csv', 3", 200, "text/csv; charset=utf-8", b"1"),
    ("'1', None", 200, "application/json", b"1"),
    ("['a', b'b'], 'text/csv'", 200, "text/csv; charset=utf-8", b"ab"),
    ("{'predictions': [1]}, 'application/json'", 200, "application/json", b"predictions"),
    ("None, 'application/json'", 200, "application/json", b""),
    ("'[1]'", 200, "text/html; charset=utf-8", b"[1]"),
    ("b'[1]'", 200, "text/html; charset=utf-8", b"[1]"),
    ("{'predictions': [1]}", 200, "application/json", b'{"predictions": [1]}\n'),
    ("worker.Response('[1]')", 200, "application/json", b"[1]"),
    ("worker.Response('1', mimetype='text/csv')", 200, "text/csv; charset=utf-8", b"1"),
    ("worker.Response('1', 'ignored', 418, mimetype='text/csv')", 418, "text/csv; charset=utf-8", b"1"),
    ("encoders.encode([1, 2], content_types.JSON), content_types.JSON", 200, "application/json", b"[1, 2]"),
    ("'1', 'text/plain\\r\\nX-Evil: 1'", 200, "text/plain  X-Evil: 1; charset=utf-8", b"1"),
    ("Own()", 207, "text/x", b"own"),
    ("[1]", 500, "output", b"list, which the container cannot send"),
    ("None", 500, "output", b"NoneType, which the container cannot send"),
    ("7", 500, "output", b"int, which the container cannot send"),
    ("{'a': {1, 2}}", 500, "output", b"set is not JSON serializable"),
    ("('[1]',)", 500, "output", b"tuple index out of range"),
    ("7, 'text/csv'", 500, "output", b"not iterable"),
    ("[1.5], 'text/csv'", 500, "output", b"sequence of these, not of float"),
    ("'x', 7", 500, "output", b"has no attribute"),
    ("1 / 0", 500, "output", b"division by zero"),
]


def test_what_becomes_of_results() -> None:
    branches = "\n".join(f"    if data == {i}: return {code}" for i, (code, *_) in enumerate(RESULTS))
    script = (
        "from sagemaker_containers.beta.framework import content_types, encoders, env, modules, transformer, worker\n"
        "class Own:\n    status_code, content_type = 207, 'text/x'\n    def get_data(self): return b'own'\n"
        "def model_fn(d): return d\ndef input_fn(body, kind): return int(body)\ndef predict_fn(data, model): return data\n"
        f"def output_fn(data, accept):\n{branches}\n"
    )
    with serving({"code/inference.py": script}) as server:
        for number, (code, status, kind, body) in enumerate(RESULTS):
            answer = server.post(str(number).encode())
            assert answer.status == status, code
            if status == 500:
                assert told(answer)["stage"] == kind, code
                assert body.decode() in told(answer)["message"], code
            else:
                assert (answer.content_type, answer.body) == (kind, body), code


@pytest.mark.parametrize(
    ("function", "stage"), [("input_fn", "input"), ("predict_fn", "predict"), ("output_fn", "output")]
)
def test_the_step_that_failed_and_the_students_own_lines(function: str, stage: str) -> None:
    files = {
        "code/inference.py": SCRIPT + f"\nimport helper\ndef {function}(a, b):\n    return helper.help(a)\n",
        "code/helper.py": "import json\ndef help(a):\n    # a comment\n    return json.loads('{')\n",
    }
    with serving(files) as server:
        answer = server.post(b"[[1]]")
    body = told(answer)
    assert (body["stage"], body["type"]) == (stage, "json.decoder.JSONDecodeError")
    own = [line for line in body["trace"] if line.startswith("> ")]
    assert own[0].endswith(f"in {function}: return helper.help(a)")
    assert own[1] == "> helper.py:4 in help: return json.loads('{')"
    assert body["trace"][-1].startswith("json.decoder.JSONDecodeError: Expecting property name")
    assert not any("rehearsal" in line for line in body["trace"])


TRANSFORM = """
import json
def model_fn(d): return 10
def transform_fn(model, body, content_type, accept):
    return json.dumps([model, body, content_type]), accept
"""


def test_transform_fn_stands_for_the_three() -> None:
    with serving({"code/inference.py": TRANSFORM}) as server:
        assert server.post(b"x", "text/csv") == Answer(200, "application/json", b'[10, "x", "text/csv"]')


def test_an_older_image_does_not_know_transform_fn() -> None:
    with serving({"code/inference.py": TRANSFORM}, transform_fn=False) as server:
        assert server.ask("GET", "/ping").status == 200
        body = told(server.post(b"x", "text/x"))
        assert body["stage"] == "input"
    mixed = TRANSFORM + SCRIPT.replace("return json.dumps(prediction), accept", "return '[1]'")
    with serving({"code/inference.py": mixed}, transform_fn=False) as server:
        assert server.post(b"[[1]]").body == b"[1]"


def test_execution_parameters() -> None:
    script = SCRIPT + "\ndef execution_parameters_fn():\n    return {'MaxPayloadInMB': 6}\n"
    with serving({"code/inference.py": script}) as server:
        assert json.loads(server.ask("GET", "/execution-parameters").body) == {"MaxPayloadInMB": 6}


def test_what_is_printed_and_warned_is_told() -> None:
    script = SCRIPT.replace(
        "    return Sums()",
        "    import sys, warnings\n    print('one')\n    print('two', file=sys.stderr)\n"
        "    for _ in range(2):\n        warnings.warn('made by 0.24,\\n here is 1.2')\n    return Sums()",
    )
    with serving({"code/inference.py": script}) as server:
        asked = probe(server.address, "sagemaker", [Payload(body=b"{"), Payload()], Bounds(), server)
    assert asked.warnings == ("UserWarning: made by 0.24, here is 1.2",)
    logged(server, "one\ntwo\n")
    assert [one.status for one in asked.attempts] == [500, 200]
    assert asked.attempts[0].answer == ""
    assert asked.predicted is not None
    assert asked.predicted.prediction == ("3",)
