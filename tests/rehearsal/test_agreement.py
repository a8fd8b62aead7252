"""The contracts held against AWS's and Google's own serving code, on the same models and requests.

Environments are built by uv from the package registry, and are gone right after.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from grader.rehearsal import pythons
from tests.rehearsal.serving import INSIDE
from tests.rehearsal.test_conformance import BOTH, CSV, JSON, NPY, ORACLES, SCRIPT, TABLE, World, trained

pytestmark = pytest.mark.slow

Ask = tuple[str, str, dict[str, str], bytes]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Where environments are built: large, so they are gone right after."""
    with tempfile.TemporaryDirectory(prefix="grade-agreement-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def built(folder: Path, python: str, *installs: Sequence[str]) -> Path:
    """An environment made by uv; its interpreter."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    uv = shutil.which("uv") or _packaged_uv()
    if uv is None:
        pytest.skip("there is no uv")
    found = next(
        (str(one.executable) for one in pythons.find((), folder.parent) if one.series == python), None
    )
    if found is None:
        pytest.skip(f"there is no Python {python} here")
    subprocess.run([uv, "venv", "--quiet", "--seed", "--python", found, str(folder)], check=True)
    interpreter = folder / "bin" / "python"
    for one in installs:
        done = subprocess.run(
            [uv, "pip", "install", "--quiet", "--python", str(interpreter), *one],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            pytest.skip(f"it cannot be installed here: {done.stderr.strip()[-300:]}")
    return interpreter


def _packaged_uv() -> str | None:
    try:
        from uv import find_uv_bin

        return str(find_uv_bin())
    except (ImportError, FileNotFoundError):
        return None


def oracle(
    python: Path, script: str, folder: Path, order: dict[str, Any], requests: Sequence[Ask]
) -> dict[str, list[tuple[int | None, str | None, bytes]]]:
    """What an implementation answers."""
    order["requests"] = [[method, path, headers, body.hex()] for method, path, headers, body in requests]
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(python), "-B", str(ORACLES / script)],
        check=False,
        input=json.dumps(order),
        capture_output=True,
        text=True,
        cwd=folder,
        env={"HOME": str(folder), "PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    return {
        name: [(status, kind, bytes.fromhex(body)) for status, kind, body in answers]
        for name, answers in found.items()
    }


@pytest.fixture(scope="module")
def amazon(home: Path) -> World:
    """An environment with AWS's serving code beside scikit-learn 1.2.1."""
    folder = home / "amazon"
    python = built(
        folder / "env",
        "3.9",
        ["setuptools==65.5.0", "wheel", "scikit-learn==1.2.1", "numpy==1.24.1", "scipy==1.9.3", "joblib",
         "Flask==1.1.1", "Werkzeug==2.0.3", "jinja2<3.1", "itsdangerous<2.1", "markupsafe<2.1", "protobuf==3.20.2"],
        ["--no-build-isolation", "sagemaker-containers==2.8.6.post2", "setuptools==65.5.0"],
    )  # fmt: skip
    return trained(python, folder / "models")


INVOCATIONS: list[Ask] = [
    *(
        ("POST", "/invocations", ({"Content-Type": kind} if kind else {}) | ({"Accept": accept} if accept else {}), body)
        for _, kind, body, accept, *_ in TABLE
    ),
    ("GET", "/ping", {}, b""),
    ("HEAD", "/ping", {}, b""),
    ("POST", "/ping", {}, b""),
    ("GET", "/ping/", {}, b""),
    ("GET", "/invocations", {}, b""),
    ("GET", "/execution-parameters", {}, b""),
    ("GET", "/nowhere", {}, b""),
    ("POST", "/invocations", {"ContentType": CSV, "Content-Type": JSON}, b"1,2,3,4\n5,6,7,8\n"),
    ("POST", "/invocations", {"Content-Type": "TEXT/CSV"}, b"1,2,3,4\n5,6,7,8\n"),
    ("POST", "/invocations", {"Content-Type": "text/csv;charset=utf-8"}, b"1,2,3,4\n5,6,7,8\n"),
    ("POST", "/invocations", {"Content-Type": CSV}, b'"1","2",3,4\r\n5,6,7,8\r\n'),
    ("POST", "/invocations", {"Content-Type": CSV}, b"1,2,3,4\n5,6,7,\n"),
    ("POST", "/invocations", {"Content-Type": CSV}, b"1,2,3,nan\n5,6,7,8\n"),
    ("POST", "/invocations", {"Content-Type": CSV}, b"1;2;3;4\n5;6;7;8\n"),
    ("POST", "/invocations", {"Content-Type": CSV}, b'"1,2,3,4\n'),
    ("POST", "/invocations", {"Content-Type": CSV}, b""),
    ("POST", "/invocations", {"Content-Type": JSON}, b"[[1, 2, 3, null]]"),
    ("POST", "/invocations", {"Content-Type": JSON}, b'[["1", "2", "3", "4"]]'),
    ("POST", "/invocations", {"Content-Type": JSON}, b'[{"a": 1}]'),
    ("POST", "/invocations", {"Content-Type": JSON}, b"\xff\xfe"),
    ("POST", "/invocations", {"Content-Type": NPY}, b"not npy"),
    ("POST", "/invocations", {"Content-Type": JSON, "Accept": "application/json, text/csv"}, BOTH),
]  # fmt: skip

FUNCTIONS = {
    "defaults": "",
    "text": "def output_fn(prediction, accept):\n    return str(prediction.tolist())\n",
    "bytes": "def output_fn(prediction, accept):\n    return b'[1]'\n",
    "a pair": "def output_fn(prediction, accept):\n    return str(prediction.tolist()), accept\n",
    "three": "def output_fn(prediction, accept):\n    return str(prediction.tolist()), 'text/csv', 7\n",
    "one": "def output_fn(prediction, accept):\n    return (str(prediction.tolist()),)\n",
    "a pair without a type": "def output_fn(prediction, accept):\n    return '[1]', None\n",
    "a dictionary": "def output_fn(prediction, accept):\n    return {'predictions': prediction.tolist()}\n",
    "a dictionary of arrays": "def output_fn(prediction, accept):\n    return {'predictions': prediction}\n",
    "a list": "def output_fn(prediction, accept):\n    return prediction.tolist()\n",
    "the array": "def output_fn(prediction, accept):\n    return prediction\n",
    "nothing": "def output_fn(prediction, accept):\n    return None\n",
    "a number": "def output_fn(prediction, accept):\n    return 7\n",
    "a dictionary in a pair": "def output_fn(prediction, accept):\n    return {'predictions': 1}, accept\n",
    "nothing in a pair": "def output_fn(prediction, accept):\n    return None, accept\n",
    "worker.Response": (
        "from sagemaker_containers.beta.framework import encoders, worker\n"
        "def output_fn(prediction, accept):\n"
        "    return worker.Response(encoders.encode(prediction, accept), mimetype=accept)\n"
    ),
    "worker.Response with an old argument": (
        "from sagemaker_containers.beta.framework import worker\n"
        "def output_fn(prediction, accept):\n    return worker.Response('[1]', accept, mimetype='text/csv')\n"
    ),
    "probabilities": "def predict_fn(data, model):\n    return model.predict_proba(data).round(3)\n",
    "a frame": (
        "import io, json\ndef input_fn(body, content_type):\n"
        "    assert content_type == 'application/json', content_type\n    return json.loads(body)\n"
    ),
    "decoding by hand": (
        "from sagemaker_containers.beta.framework import content_types, encoders\n"
        "def input_fn(body, content_type):\n"
        "    return encoders.decode(body, content_types.CSV if 'csv' in content_type else content_type).reshape(-1, 4)\n"
    ),
    "transform_fn": (
        "import json\ndef transform_fn(model, body, content_type, accept):\n"
        "    return json.dumps([type(body).__name__, content_type, accept]), 'application/json'\n"
    ),
    "transform_fn beside input_fn": "def transform_fn(a, b, c, d): return ''\ndef input_fn(a, b): return 1\n",
    "an error": "def predict_fn(data, model):\n    raise ValueError('no')\n",
    "three parameters": "def predict_fn(data, model, context):\n    return 1\n",
    "no model_fn": "del model_fn\n",
    "does not import": "import nowhere_at_all\n",
}  # fmt: skip


def test_agreement_with_the_code_of_aws(amazon: World, tmp_path: Path) -> None:
    programs = {f"script{number}.py": what for number, what in enumerate(FUNCTIONS)}
    (tmp_path / "code").mkdir()
    for program, what in programs.items():
        (tmp_path / "code" / program).write_text(SCRIPT + FUNCTIONS[what])
    order = {
        "inside": str(INSIDE),
        "contract": "sagemaker",
        "code_dir": str(tmp_path / "code"),
        "model_dir": str(amazon.models / "classifier"),
        "programs": list(programs),
    }
    theirs = oracle(amazon.python, "aws.py", tmp_path / "theirs", order, INVOCATIONS)
    ours = oracle(amazon.python, "ours.py", tmp_path / "ours", order, INVOCATIONS)
    for program, what in programs.items():
        for request, their, our in zip(INVOCATIONS, theirs[program], ours[program], strict=True):
            assert our[0] == their[0], (what, request, their, our)
            if our[0] == 200 and request[1] == "/invocations":
                assert our[1] == their[1], (what, request)
                assert _plain(our[2]) == _plain(their[2]), (what, request)
    statuses = [status for answers in ours.values() for status, *_ in answers]
    assert statuses.count(200) > 100
    assert statuses.count(500) > 100


def _plain(body: bytes) -> Any:
    """A body to compare: JSON may be spaced and sorted otherwise."""
    try:
        return json.loads(body)
    except ValueError:
        return body


@pytest.fixture(scope="module")
def google(home: Path) -> World:
    """An environment with Google's own model server beside scikit-learn 1.6.1."""
    folder = home / "google"
    python = built(
        folder / "env",
        "3.10",
        [
            "google-cloud-aiplatform[prediction]==2.7.0",
            "scikit-learn==1.6.1",
            "numpy==1.26.4",
            "joblib",
            "httpx",
        ],
    )
    return trained(python, folder / "models")


def _predict(body: bytes, **headers: str) -> Ask:
    return "POST", "/predict", {name.replace("_", "-"): value for name, value in headers.items()}, body


PREDICTS: list[Ask] = [
    _predict(b'{"instances": [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]}', Content_Type=JSON),
    _predict(b'{"instances": [[5.1, 3.5, 1.4, 0.2]], "parameters": {"a": 1}}', Content_Type=JSON),
    _predict(b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}', Content_Type=f"{JSON}; charset=utf-8"),
    _predict(b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}', Content_Type=JSON, Accept="*/*"),
    _predict(b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}', Content_Type=JSON, Accept=JSON),
    _predict(b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}', Content_Type=JSON, Accept="text/csv"),
    _predict(b'{"instances": [5.1, 3.5, 1.4, 0.2]}', Content_Type=JSON),
    _predict(b'{"instances": [["5.1", "3.5", "1.4", "0.2"]]}', Content_Type=JSON),
    _predict(b'{"instances": [{"a": 5.1}]}', Content_Type=JSON),
    _predict(b'{"instances": []}', Content_Type=JSON),
    _predict(b'{"instances": [[1, 2]]}', Content_Type=JSON),
    _predict(b'{"instances": [[1, 2, 3, null]]}', Content_Type=JSON),
    _predict(b'{"instances": [[5.1, 3.5, 1.4], [1]]}', Content_Type=JSON),
    _predict(b"[[5.1, 3.5, 1.4, 0.2]]", Content_Type=JSON),
    _predict(b"{}", Content_Type=JSON),
    _predict(b"{", Content_Type=JSON),
    _predict(b"", Content_Type=JSON),
    _predict(b"5.1,3.5,1.4,0.2\n", Content_Type=CSV),
    _predict(b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}'),
    ("GET", "/health", {}, b""),
    ("POST", "/health", {}, b""),
    ("GET", "/predict", {}, b""),
    ("GET", "/nowhere", {}, b""),
]


def test_agreement_with_the_server_of_google(google: World, tmp_path: Path) -> None:
    (google.models / "nothing").mkdir()
    folders = sorted(str(folder) for folder in google.models.iterdir())
    order = {"inside": str(INSIDE), "contract": "vertex", "code_dir": str(tmp_path), "model_dirs": folders}
    theirs = oracle(google.python, "google.py", tmp_path / "theirs", order, PREDICTS)
    ours = oracle(google.python, "ours.py", tmp_path / "ours", order, PREDICTS)
    for folder in folders:
        for request, their, our in zip(PREDICTS, theirs[folder], ours[folder], strict=True):
            assert our[0] == their[0], (folder, request, their, our)
            if our[0] == 200:
                assert json.loads(our[2]) == json.loads(their[2]), (folder, request)
    assert {status for status, *_ in ours[str(google.models / "nothing")]} == {None}
    assert [status for status, *_ in ours[str(google.models / "classifier")]].count(200) > 5
