"""Rehearsals carried out for real: environment, sandbox, server, requests. The slow ones share one environment."""

from __future__ import annotations

import http.client
import json
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.asking.payloads import Payload
from grader.facts.asked import Rehearsal
from grader.rehearsal.environment import Environment
from grader.rehearsal.plan import Order
from grader.rehearsal.rehearse import _about, carry_out, serve
from grader.rehearsal.settings import RequirementsFailed, Settings, Unavailable

MODEL = Path(__file__).parent.parent / "facts" / "models" / "1.2.1-np1-pipeline.joblib"
FN = "import os\nimport joblib\n\ndef model_fn(model_dir):\n    return joblib.load(os.path.join(model_dir, 'model.joblib'))\n"
ROW = Payload("one row of JSON", "application/json", b"[[0.5, 0.4, 0.1, 0.9]]")


def order_of(stage: Path, script: str = FN, **changes: object) -> Order:
    """An order for a script and a model, staged below ``stage``."""
    for name, data in (("model/model.joblib", MODEL.read_bytes()), ("code/inference.py", script.encode())):
        path = stage / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        for one in (path, path.parent, stage):
            one.chmod(0o755 if one.is_dir() else 0o644)
    about = Rehearsal("aws", "asked", script="aws_deploy/inference.py", contract="sagemaker")
    packages = (("scikit-learn", "1.2.1"), ("numpy", "1.24.1"))
    order = Order(
        "aws", "sagemaker", "3.9", packages, (), str(stage), "inference.py", "/opt/ml/code", True, (ROW,),
        60.0, 1_000_000_000, 64, 300.0, about,
    )  # fmt: skip
    return order._replace(**changes)  # type: ignore[arg-type]


def test_without_network_and_cache_it_is_our_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    offline = Settings(cache=tmp_path / "cache", offline=True)
    found = carry_out(order_of(tmp_path / "stage"), sandboxed=False, settings=offline)
    assert found.outcome == "unavailable"
    assert (found.problem or "").endswith(".")
    assert found.loads.ok is None


def test_a_model_that_names_no_version_is_our_trouble_too(tmp_path: Path) -> None:
    offline = Settings(cache=tmp_path / "cache", offline=True)
    order = order_of(tmp_path / "stage", packages=(("scikit-learn", "1.2; rm -rf"),))
    assert carry_out(order, sandboxed=False, settings=offline).outcome == "unavailable"
    with pytest.raises((Unavailable, RequirementsFailed)), serve(order, sandboxed=False, settings=offline):
        pass


# -- slow ----------------------------------------------------------------------------------------------------------

Try = Callable[..., Rehearsal]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("environments")


@pytest.fixture
def rehearse(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Try:
    temporary = tmp_path_factory.mktemp("t")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def run(script: str = FN, sandboxed: bool = True, **changes: object) -> Rehearsal:
        order = order_of(tmp_path / "stage", script, **changes)
        found = carry_out(order, sandboxed=sandboxed, settings=Settings(cache=cache))
        assert list(temporary.iterdir()) == [], "something was left behind"
        assert str(cache) not in json.dumps(found), "a place of ours is told"
        return found

    return run


@pytest.mark.slow
@pytest.mark.parametrize("sandboxed", [True, False])
def test_all_well(rehearse: Try, sandboxed: bool) -> None:
    found = rehearse(sandboxed=sandboxed)
    assert found.outcome == "asked", found.problem
    assert found.loads.ok, found.loads
    assert found.ping.ok
    assert [one.prediction for one in found.attempts] == [("0",)]
    assert (found.python or "").startswith("3.")
    assert dict(found.packages)["scikit-learn"] == "1.2.1"
    assert ("it ran without a sandbox" in found.notes) is not sandboxed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("import gone\n" + FN, "No module named 'gone'"),
        ("def model_fn(d):\n    open('/etc/shadow')\n", "Errno"),
        ("def model_fn(d:\n", "SyntaxError"),
        ("import sys\nsys.exit(0)\n", "SystemExit"),
        ("import os\nos._exit(0)\n", "ended by itself, with code 0"),
        ("import os\nos.kill(os.getpid(), 9)\n", "SIGKILL"),
        (
            "def model_fn(d):\n    import joblib\n    return joblib.load(d + '/other.joblib')\n",
            "No such file",
        ),
    ],
)
def test_what_the_code_breaks_is_its_own(rehearse: Try, script: str, says: str) -> None:
    found = rehearse(script)
    assert found.outcome == "asked"
    assert found.loads.ok is False
    assert says in (found.loads.problem or ""), found.loads
    assert found.attempts == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "limit", "changes"),
    [
        ("while True: pass\n", "time", {"seconds": 4.0}),
        ("import time\ntime.sleep(600)\n", "time", {"seconds": 4.0}),
        ("x = []\nwhile True: x.append(bytearray(10_000_000))\n", "memory", {"memory": 300_000_000}),
    ],
)
def test_a_limit_that_breaks_is_named(
    rehearse: Try, script: str, limit: str, changes: dict[str, object]
) -> None:
    found = rehearse(script, **changes)
    assert found.outcome == "asked"
    assert found.loads.ok is False
    assert found.loads.limit == limit or (limit == "memory" and "MemoryError" in (found.loads.problem or ""))


@pytest.mark.slow
def test_requirements_that_nobody_can_install_are_the_students(rehearse: Try) -> None:
    found = rehearse(requirements=("scikit-learn==99.99.99",))
    assert (found.outcome, found.loads.ok) == ("asked", False)
    assert "99.99.99" in (found.loads.problem or "")


@pytest.mark.slow
def test_two_rehearsals_show_the_same(rehearse: Try) -> None:
    script = FN + "\ndef predict_fn(rows, model):\n    raise ValueError('no ' + str(len(rows)))\n"
    one, other = rehearse(script), rehearse(script)
    for found in (one, other):
        assert found.loads.ok
        assert found.attempts[0].problem == "ValueError: no 1"

    def told(found: Rehearsal) -> object:
        return [(a.problem, a.trace, a.status, a.prediction) for a in found.attempts]

    assert told(one) == told(other)


@pytest.mark.slow
def test_a_served_endpoint_answers_on_its_socket(tmp_path: Path, cache: Path) -> None:
    class Local(http.client.HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(30)
            self.sock.connect(str(address))

    said: list[str] = []
    with serve(order_of(tmp_path / "stage"), progress=said.append, settings=Settings(cache=cache)) as served:
        address = served.address
        connection = Local("localhost")
        connection.request("POST", "/invocations", ROW.body, {"Content-Type": ROW.content_type})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())) == (200, [0])
        connection.close()
    assert not address.exists()
    assert served.running.ended() is not None
    assert said


KEY = "AKIA" + "QX3ZL7TSKDH2WPNE"
SECRET = "pQ7vXz2LmN8rT4wY6kJ1" + "hG3fD5sA9bC0eUiOxRtZ"


@pytest.mark.slow
@pytest.mark.parametrize(
    "script",
    [
        f"raise RuntimeError('aws_secret_access_key={SECRET} {KEY}')\n",
        f"import warnings\nwarnings.warn('{KEY}')\nprint('{KEY}', 'secret={SECRET}')\n" + FN,
        FN + f"\ndef predict_fn(rows, model):\n    return ['{KEY}']\n",
        f"raise RuntimeError('x ' * 140 + '{KEY} ' + '{SECRET} ' * 9)\n",
    ],
)
def test_credentials_that_code_prints_are_not_told(rehearse: Try, script: str) -> None:
    told = json.dumps(rehearse(script))
    assert "***" in told
    assert KEY[:12] not in told
    assert SECRET[:18] not in told


@pytest.mark.slow
def test_a_long_list_of_packages_keeps_the_platforms_own(rehearse: Try) -> None:
    packages = tuple((f"a{n}", "1") for n in range(90))
    real = rehearse()
    environment = Environment(Path("/p"), (), (), "3.9.18", (*packages, *real.packages), ())
    kept = dict(_about(order_of(Path(tempfile.gettempdir())), environment, True).packages)
    assert kept["scikit-learn"] == "1.2.1"
    assert len(kept) == 60


@pytest.mark.slow
@pytest.mark.parametrize("sandboxed", [True, False])
@pytest.mark.parametrize("when", ["before its first use", "later"])
def test_a_damaged_environment_is_our_trouble(
    rehearse: Try, tmp_path: Path, cache: Path, sandboxed: bool, when: str
) -> None:
    assert rehearse(sandboxed=sandboxed).loads.ok
    ((place,),) = ([p for p in (cache / "environments").iterdir() if p.name[0] != "."],)
    assert (place / "proven.json").is_file()
    if when == "before its first use":
        (place / "proven.json").unlink()
    (part,) = place.glob("lib/*/site-packages/sklearn/linear_model/__init__.py")
    part.unlink()
    part.write_text("raise ImportError('cut off')\n")
    found = rehearse(sandboxed=sandboxed)
    assert found.outcome == "unavailable", found.loads
    assert "cut off" in (found.problem or "")
    assert found.loads.ok is None
    assert rehearse(sandboxed=sandboxed).loads.ok, "it was not built anew"
