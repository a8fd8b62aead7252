"""The contracts under real scikit-learns, old to new, and held against AWS's and Google's own serving code.

Environments are built by uv from the package registry, in a folder of the test session.
"""

from __future__ import annotations

import json
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from grader.asking import predictions
from grader.rehearsal.environment import Settings, Unavailable, Wanted, prepare
from grader.rehearsal.probe import probe
from tests.rehearsal.serving import Bounds, serving
from tests.rehearsal.test_probe import Payload

pytestmark = pytest.mark.slow

ORACLES = Path(__file__).parent / "oracles"
SCRIPT = """
import os
import joblib

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""
JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"

SCIKIT_LEARNS = {
    "0.23.2": Wanted("3.7", (("scikit-learn", "0.23.2"), ("numpy", "1.19.2"))),
    "1.2.1": Wanted("3.9", (("scikit-learn", "1.2.1"), ("numpy", "1.24.1"))),
    "1.4.2": Wanted("3.12", (("scikit-learn", "1.4.2"), ("numpy", "2.1.0"))),
    "the newest": Wanted("3.12", (("scikit-learn", ""),)),
}


class World(NamedTuple):
    """A scikit-learn, and models that it wrote."""

    python: Path
    models: Path
    version: str


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Where environments are built: large, so they are gone right after."""
    with tempfile.TemporaryDirectory(prefix="grade-conformance-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def settings(home: Path) -> Settings:
    """Environments are built there."""
    return Settings(cache=home / "cache")


@pytest.fixture(scope="module")
def worlds() -> dict[str, World]:
    """The worlds that have been made."""
    return {}


@pytest.fixture(params=list(SCIKIT_LEARNS))
def world(request: pytest.FixtureRequest, worlds: dict[str, World], settings: Settings, home: Path) -> World:
    """One scikit-learn after the other; those that cannot be had here are left out."""
    name = request.param
    if name not in worlds:
        try:
            python = prepare(SCIKIT_LEARNS[name], settings=settings).python
        except Unavailable as problem:
            pytest.skip(str(problem))
        worlds[name] = trained(python, home / "models" / name.replace(" ", "-"))
    return worlds[name]


def trained(python: Path, folder: Path) -> World:
    """Models written under this interpreter. It holds nothing but what these tests asked for."""
    done = subprocess.run(
        [str(python), "-I", "-B", str(ORACLES / "train.py"), str(folder)],
        check=True,
        capture_output=True,
        text=True,
    )
    return World(python, folder, done.stdout.strip())


def npy(rows: Sequence[Sequence[float]]) -> bytes:
    """What numpy.save writes of a 2-D array."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({len(rows)}, {len(rows[0])}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    flat = [number for row in rows for number in row]
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(header))
        + header.encode()
        + struct.pack(f"<{len(flat)}d", *flat)
    )


ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
BOTH = json.dumps(ROWS).encode()


# -- SageMaker's table of statuses ------------------------------------------------------------------------------------

TABLE = [
    ("JSON", JSON, BOTH, None, 200, JSON, b"[0, 2]"),
    ("one row of JSON without its outer list", JSON, b"[5.1, 3.5, 1.4, 0.2]", None, 500, "predict", b"Expected 2D array"),
    ("two rows of CSV", CSV, b"5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n", None, 200, JSON, b"[0, 2]"),
    ("one row of CSV", CSV, b"5.1,3.5,1.4,0.2\n", None, 500, "predict", b"Expected 2D array"),
    ("CSV with names", CSV, b"a,b,c,d\n5.1,3.5,1.4,0.2\n", None, 500, "input", b"could not convert string to float"),
    ("ragged CSV", CSV, b"1,2\n3\n", None, 500, "input", b""),
    ("instances", JSON, b'{"instances": [[5.1, 3.5, 1.4, 0.2]]}', None, 500, "input", b"float() argument must be a string or a"),
    ("not JSON", JSON, b"5.1,3.5", None, 500, "input", b"Extra data"),
    ("a charset", "application/json; charset=utf-8", BOTH, None, 500, "input", b"exactly so written"),
    ("XML", "application/xml", BOTH, None, 500, "input", b"exactly so written"),
    ("HTML wanted", JSON, BOTH, "text/html", 500, "output", b"exactly so written"),
    ("no content type", None, BOTH, None, 200, JSON, b"[0, 2]"),
    ("anything wanted", JSON, BOTH, "*/*", 200, JSON, b"[0, 2]"),
    ("CSV wanted", JSON, BOTH, "text/csv", 200, "text/csv; charset=utf-8", b"0\n2\n"),
    ("npy", NPY, npy(ROWS), None, 200, JSON, b"[0, 2]"),
    ("npy both ways", NPY, npy(ROWS), NPY, 200, NPY, b"\x93NUMPY"),
    ("npy of objects", NPY, npy(ROWS).replace(b"'<f8'", b"'|O' "), None, 500, "input", b"allow_pickle=False"),
    ("too few columns", JSON, b"[[1, 2]]", None, 500, "predict", b"features"),
    ("nothing", JSON, b"", None, 500, "input", b"Expecting value"),
]  # fmt: skip


def test_the_table_of_statuses(world: World) -> None:
    with serving(
        {"code/inference.py": SCRIPT}, python=world.python, model=world.models / "classifier"
    ) as server:
        ping = server.ask("GET", "/ping")
        assert (ping.status, ping.body) == (200, b"")
        assert server.ask("GET", "/nowhere").status == 404
        assert server.ask("GET", "/invocations").status == 405
        for what, kind, body, accept, status, said, part in TABLE:
            answer = server.post(body, kind, accept)
            assert answer.status == status, (what, answer)
            if status == 200:
                assert (answer.content_type, answer.body[: len(part)]) == (said, part), what
                assert predictions.read(answer.content_type, answer.body).ok, what
            else:
                error = json.loads(answer.body)
                assert error["stage"] == said, (what, error)
                assert part.decode() in error["message"], (what, error)


SHAPES = """
import os
import joblib

def model_fn(model_dir):
    names = {4: "classifier", 3: "regression", 2: "two_outputs", 1: "labels"}
    models = {n: joblib.load(os.path.join(model_dir, names[n], "model.joblib")) for n in names}
    return models

def predict_fn(data, models):
    if data.shape[1] == 1:
        return models[1].predict(data.repeat(4, axis=1))
    if data.shape[0] == 3:
        return {"classes": models[4].predict(data), "scores": models[4].predict_proba(data)}
    return models[data.shape[1]].predict(data)
"""


def test_results_of_other_shapes(world: World) -> None:
    two, three = b"[[5.1, 3.5], [6, 3]]", json.dumps([*ROWS, ROWS[0]]).encode()
    with serving({"code/inference.py": SHAPES}, python=world.python, model=world.models) as server:
        for body, accept, count in (
            (two, JSON, 4),
            (two, CSV, 4),
            (two, NPY, 4),
            (b"[[5.1, 3.5, 1.4]]", JSON, 1),
        ):
            answer = server.post(body, JSON, accept)
            assert len(predictions.read(answer.content_type, answer.body).values) == count, answer
        for accept in (JSON, CSV, NPY):
            answer = server.post(b"[[0], [7]]", JSON, accept)
            assert predictions.read(answer.content_type, answer.body).values == ("setosa", "virginica")
        both = json.loads(server.post(three).body)
    assert both["classes"] == [0, 2, 0]
    assert [len(row) for row in both["scores"]] == [3, 3, 3]


def test_a_model_of_another_version_is_warned_of(worlds: dict[str, World], world: World) -> None:
    other = next((w for w in worlds.values() if w.version != world.version), None)
    if other is None:
        pytest.skip("no second scikit-learn yet")
    with serving(
        {"code/inference.py": SCRIPT}, python=world.python, model=other.models / "classifier"
    ) as server:
        asked = probe(server.address, "sagemaker", [Payload(body=BOTH)], Bounds(60), server)
    # Far apart it may not load at all, or not predict.
    assert asked.predicted is None or any("version" in warning for warning in asked.warnings)


# -- Vertex AI and AI Platform ----------------------------------------------------------------------------------------


def test_googles_contracts(world: World) -> None:
    one = b'{"instances": [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], "parameters": {}}'
    legacy = (("ai-platform", "pickled"),) if world.version.startswith("0.") else ()
    for contract, model in (("vertex", "labels"), *legacy):
        with serving({}, contract=contract, python=world.python, model=world.models / model) as server:
            forms = [Payload(body=BOTH), Payload(body=one)]
            asked = probe(server.address, contract, forms, Bounds(60), server)
        assert asked.loads.ok, asked
        assert [attempt.status for attempt in asked.attempts] == [500, 200]
        assert asked.predicted is not None
        assert asked.predicted.prediction == (("setosa", "virginica") if model == "labels" else ("0", "2"))


# -- in the sandbox ---------------------------------------------------------------------------------------------------


@pytest.fixture
def sandboxed(settings: Settings, tmp_path: Path) -> Iterator[Any]:
    """A server in the real sandbox, as a rehearsal starts it."""
    import socket

    from grader.rehearsal.job import CODE, Job, NoSandbox
    from grader.rehearsal.job import Bounds as Most
    from grader.rehearsal.sandbox import find, start

    try:
        sandbox = find()
        environment = prepare(SCIKIT_LEARNS["1.2.1"], settings=settings)
    except (NoSandbox, Unavailable) as problem:
        pytest.skip(str(problem))
    world = trained(environment.python, tmp_path / "models")
    for name, content in (("code/inference.py", SCRIPT), ("config/config.json", "")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(content)
    config = {
        "contract": "sagemaker",
        "model_dir": "/opt/ml/model",
        "code_dir": "/opt/ml/code",
        "program": "inference.py",
    }
    (tmp_path / "config" / "config.json").write_text(
        json.dumps({**config, "transform_fn": True, "paths": []})
    )
    subprocess.run(["chmod", "-R", "a+rX", str(tmp_path)], check=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen(8)
        job = Job(
            (str(environment.python), "-I", f"{CODE}/server.py", "/opt/ml/config/config.json"),
            (
                (world.models / "classifier", "/opt/ml/model"),
                (tmp_path / "code", "/opt/ml/code"),
                (tmp_path / "config", "/opt/ml/config"),
                *((path, str(path)) for path in environment.readable),
            ),
            listener=listener,
        )
        with start(job, Most(seconds=60), sandbox=sandbox) as running:
            yield tmp_path / "s", running


def test_all_of_it_in_the_sandbox(sandboxed: Any) -> None:
    address, running = sandboxed
    forms = [Payload("one row of CSV", CSV, b"5.1,3.5,1.4,0.2\n"), Payload("npy", NPY, npy(ROWS), accept=NPY)]
    asked = probe(address, "sagemaker", forms, Bounds(60), running)
    assert asked.loads.ok, (asked, running.log())
    assert [one.status for one in asked.attempts] == [500, 200]
    assert asked.attempts[0].problem is not None
    assert asked.attempts[0].problem.startswith("ValueError: Expected 2D array")
    assert asked.predicted is not None
    assert asked.predicted.prediction == ("0", "2")
    assert running.ended() is None
