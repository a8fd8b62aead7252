"""``gcp_deploy/deploy.py`` through Google's own client libraries, against a server that speaks their REST."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.vertex_server import Cloud, serving

# Google's libraries warn of their own dependencies.
pytestmark = pytest.mark.filterwarnings("default", "ignore::FutureWarning")

HERE = Path(__file__).resolve().parents[2] / "gcp_deploy"
ON = ("--project", "penguin-lab")
SAMPLE = json.loads((HERE / "sample_request.json").read_text())["instances"]


def by_flipper(instances: list[Any]) -> list[Any]:
    """Answers of the model's form: a species a row."""
    return ["Gentoo" if row[2] > 205 else "Adelie" for row in instances]


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """deploy.py as a module; its own modules lie beside it."""
    specification = importlib.util.spec_from_file_location("gcp_deploy_script", HERE / "deploy.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[module.__name__] = module  # its records look their own module up
    own = (module.__name__, "showing", "troubles")
    for name in own[1:]:
        sys.modules.pop(name, None)
    sys.path.insert(0, str(HERE))
    try:
        specification.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(HERE))
        for name in own:
            sys.modules.pop(name, None)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """The server, and Google's libraries told to use it; what the script does is the same."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import aiplatform

    with serving(Cloud(predict=by_flipper)) as running:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.url)
        aiplatform.init(credentials=AnonymousCredentials(), api_endpoint=running.url, api_transport="rest")
        yield running
    logging.disable(logging.NOTSET)


def made(cloud: Cloud) -> tuple[int, int, int, int]:
    """How many buckets, objects, models and endpoints there are."""
    objects = sum(map(len, cloud.buckets.values()))
    return len(cloud.buckets), objects, len(cloud.models), len(cloud.endpoints)


def only(things: dict[str, Any]) -> Any:
    (thing,) = things.values()
    return thing


def test_deploys(script: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["deploy", *ON]) == 0
    assert made(cloud) == (1, 1, 1, 1)
    ((name, content),) = cloud.buckets["penguin-lab-penguins"].items()
    assert content == (HERE / "model.joblib").read_bytes()
    model, endpoint = only(cloud.models), only(cloud.endpoints)
    assert model["containerSpec"]["imageUri"] == script.CONTAINER
    assert f"{model['artifactUri']}/model.joblib" == f"gs://penguin-lab-penguins/{name}"
    (served,) = endpoint["deployedModels"]
    assert served["model"] == model["name"]
    assert served["dedicatedResources"]["machineSpec"]["machineType"] == script.MACHINE
    assert (
        served["dedicatedResources"]["minReplicaCount"]
        == served["dedicatedResources"]["maxReplicaCount"]
        == 1
    )
    assert endpoint["trafficSplit"] == {served["id"]: 100}
    assert "In service" in capsys.readouterr().out


def test_predicts(script: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    script.main(["deploy", *ON])
    capsys.readouterr()
    assert script.main(["predict", *ON]) == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.rpartition("-> ")[2] for line in out] == by_flipper(SAMPLE)
    method, path, body = cloud.requests[-1]
    assert (method, path.partition("?")[0].rpartition(":")[2]) == ("POST", "predict")
    assert json.loads(body)["instances"] == SAMPLE


def test_a_request_of_ones_own(
    script: ModuleType, cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.main(["deploy", *ON])
    capsys.readouterr()
    file = tmp_path / "mine.json"
    file.write_text('{"instances": [[47.0, 15.0, 218, 5000]]}')
    assert script.main(["predict", *ON, "--file", str(file)]) == 0
    assert capsys.readouterr().out.split() == ["[47.0,", "15.0,", "218,", "5000]", "->", "Gentoo"]


def test_twice_is_once(script: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    script.main(["deploy", *ON])
    before = (made(cloud), list(cloud.models), list(cloud.endpoints), only(cloud.endpoints)["deployedModels"])
    capsys.readouterr()
    assert script.main(["deploy", *ON]) == 0
    assert (
        made(cloud),
        list(cloud.models),
        list(cloud.endpoints),
        only(cloud.endpoints)["deployedModels"],
    ) == before
    assert "already" in capsys.readouterr().out


def test_another_model_takes_the_former_ones_place(
    script: ModuleType, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.main(["deploy", *ON])
    (former,) = cloud.models
    other = tmp_path / "model.joblib"
    other.write_bytes(b"other bytes")
    monkeypatch.setattr(script, "MODEL", other)
    assert script.main(["deploy", *ON]) == 0
    (served,) = only(cloud.endpoints)["deployedModels"]
    assert served["model"] in cloud.models
    assert served["model"] != former
    assert only(cloud.endpoints)["trafficSplit"] == {served["id"]: 100}
    assert script.main(["delete", *ON]) == 0
    assert made(cloud) == (0, 0, 0, 0)


def test_deletes(script: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    script.main(["deploy", *ON])
    assert script.main(["delete", *ON]) == 0
    assert made(cloud) == (0, 0, 0, 0)
    capsys.readouterr()
    assert script.main(["delete", *ON]) == 0  # and once more
    assert "Nothing is there" in capsys.readouterr().out


def test_deletes_what_is_its_own_alone(
    script: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.buckets["mine"] = {"thesis.pdf": b"%PDF"}
    endpoint, model = cloud.add_endpoint("whales"), only(cloud.models)
    assert script.main(["deploy", *ON, "--bucket", "mine"]) == 0
    assert script.main(["delete", *ON, "--bucket", "mine"]) == 0
    assert cloud.buckets == {"mine": {"thesis.pdf": b"%PDF"}}
    assert (list(cloud.endpoints), list(cloud.models)) == ([endpoint["name"]], [model["name"]])
    assert endpoint["deployedModels"]


def test_a_bucket_with_other_things_stays(
    script: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    script.main(["deploy", *ON])
    cloud.buckets["penguin-lab-penguins"]["notes.txt"] = b"mine"
    assert script.main(["delete", *ON]) == 1
    assert made(cloud) == (1, 1, 0, 0)
    assert one_sentence(capsys).startswith("Not deleted: the bucket (Google answered: ")


def one_sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """What was said on stderr: one line, no traceback."""
    said = capsys.readouterr().err.strip()
    assert said
    assert "\n" not in said
    assert "Traceback" not in said
    return said


FAILURES = [
    (
        "buckets.insert",
        403,
        "PERMISSION_DENIED",
        "does not have storage.buckets.create access",
        False,
        "not allow",
    ),
    (
        "objects.insert",
        403,
        "PERMISSION_DENIED",
        "does not have storage.objects.create access",
        False,
        "not allow",
    ),
    ("models:upload", 403, "PERMISSION_DENIED", "Vertex AI API has not been used", False, "not allow"),
    (
        "models:upload",
        400,
        "INVALID_ARGUMENT",
        "artifact cannot be copied",
        True,
        "artifact cannot be copied",
    ),
    ("endpoints.create", 429, "RESOURCE_EXHAUSTED", "Quota exceeded: endpoints", False, "quota"),
    ("endpoints.create", 503, "UNAVAILABLE", "The service is away", True, "trouble"),
    ("deployModel", 403, "PERMISSION_DENIED", "no aiplatform.endpoints.deploy", False, "not allow"),
    ("deployModel", 429, "RESOURCE_EXHAUSTED", "custom_model_serving_cpus", True, "quota"),
    (
        "deployModel",
        400,
        "FAILED_PRECONDITION",
        "Model server never became ready",
        True,
        "never became ready",
    ),
    ("deployModel", 500, "INTERNAL", "Something broke inside", True, "trouble"),
]


@pytest.mark.parametrize(("call", "status", "reason", "message", "later", "told"), FAILURES)
def test_a_failure_leaves_nothing_behind(
    script: ModuleType,
    cloud: Cloud,
    capsys: pytest.CaptureFixture[str],
    call: str,
    status: int,
    reason: str,
    message: str,
    later: bool,
    told: str,
) -> None:
    cloud.fail(call, status, reason, message, operation=later)
    assert script.main(["deploy", *ON]) == 1
    assert made(cloud) == (0, 0, 0, 0)
    said = one_sentence(capsys)
    assert told in said
    assert message in said
    assert said.endswith("What this run had made is taken away again.")


def test_a_failure_leaves_what_was_there_before(script: ModuleType, cloud: Cloud, tmp_path: Path) -> None:
    script.main(["deploy", *ON])
    before = made(cloud), only(cloud.endpoints)["deployedModels"]
    other = tmp_path / "model.joblib"
    other.write_bytes(b"other bytes")
    cloud.fail("deployModel", 429, "RESOURCE_EXHAUSTED", "Quota exceeded", operation=True)
    held, script.MODEL = script.MODEL, other
    try:
        assert script.main(["deploy", *ON]) == 1
    finally:
        script.MODEL = held
    assert (made(cloud), only(cloud.endpoints)["deployedModels"]) == before


def test_what_cannot_be_taken_away_is_told(
    script: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.fail("deployModel", 500, "INTERNAL", "It broke", operation=True)
    cloud.fail("models.delete", 403, "PERMISSION_DENIED", "no aiplatform.models.delete")
    assert script.main(["deploy", *ON]) == 1
    assert made(cloud) == (0, 0, 1, 0)
    said = one_sentence(capsys)
    assert "Still there: the model (Google does not allow it" in said
    assert said.endswith("Run `python deploy.py delete`.")


@pytest.mark.parametrize(
    ("call", "what", "left"),
    [
        ("buckets.get", "the bucket", (1, 1, 0, 0)),
        ("objects.list", "the bucket", (1, 1, 0, 0)),
        ("models.list", "the model", (0, 0, 1, 0)),
        ("models.delete", "the model", (0, 0, 1, 0)),
        ("endpoints.list", "the endpoint", (0, 0, 1, 1)),  # a model that is deployed cannot go
        ("undeployModel", "the endpoint", (0, 0, 1, 1)),
    ],
)
def test_what_cannot_be_deleted_does_not_keep_the_rest(
    script: ModuleType,
    cloud: Cloud,
    capsys: pytest.CaptureFixture[str],
    call: str,
    what: str,
    left: tuple[int, int, int, int],
) -> None:
    script.main(["deploy", *ON])
    cloud.fail(call, 403, "PERMISSION_DENIED", "not for you")
    assert script.main(["delete", *ON]) == 1
    assert made(cloud) == left
    assert one_sentence(capsys).startswith(f"Not deleted: {what} (Google does not allow it: ")
    cloud.faults.clear()
    assert script.main(["delete", *ON]) == 0
    assert made(cloud) == (0, 0, 0, 0)


def test_a_bucket_of_somebody_else(
    script: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.fail("buckets.get", 403, "PERMISSION_DENIED", "not yours")
    assert script.main(["deploy", *ON]) == 1
    assert one_sentence(capsys).startswith("The bucket penguin-lab-penguins is not yours to use: choose")


def test_a_hiccup_while_waiting(script: ModuleType, cloud: Cloud) -> None:
    """One question of many that goes unanswered is no failed deployment."""
    cloud.polls = 2
    cloud.fail("operations.get", 503, "UNAVAILABLE", "later", times=1)
    assert script.main(["deploy", *ON]) == 0
    assert made(cloud) == (1, 1, 1, 1)


def test_a_bucket_that_is_not_there(
    script: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["deploy", *ON, "--bucket", "mine"]) == 1
    assert made(cloud) == (0, 0, 0, 0)
    assert one_sentence(capsys).startswith("There is no bucket mine: make it first")


def test_no_endpoint_to_ask(script: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["predict", *ON]) == 1
    assert one_sentence(capsys).startswith("There is no endpoint penguins in us-central1: run")


@pytest.mark.parametrize(
    ("status", "reason", "told"),
    [
        (429, "RESOURCE_EXHAUSTED", "quota"),
        (403, "PERMISSION_DENIED", "not allow"),
        (400, "INVALID_ARGUMENT", "as asked"),
    ],
)
def test_a_prediction_that_is_refused(
    script: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str], status: int, reason: str, told: str
) -> None:
    script.main(["deploy", *ON])
    capsys.readouterr()
    cloud.fail("predict", status, reason, "as asked")
    assert script.main(["predict", *ON]) == 1
    assert told in one_sentence(capsys)


def test_progress_is_told(
    script: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "PROGRESS", 0.001)
    cloud.polls = 2
    assert script.main(["deploy", *ON]) == 0
    assert "still starting, after 0 min" in capsys.readouterr().out


def test_a_region_that_is_none(script: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["deploy", *ON, "--region", "moon-east1"]) == 1
    assert one_sentence(capsys).startswith("Vertex AI is not to be had in moon-east1")
    assert cloud.calls == []


def test_no_credentials(
    script: ModuleType,
    cloud: Cloud,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("STORAGE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # nor is this one of Google's machines
    assert script.main(["deploy", *ON]) == 1
    assert one_sentence(capsys) == (
        "Google does not know who you are: run `gcloud auth application-default login` and try again."
    )
    assert cloud.calls == []


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The script by itself, without any of Google's libraries (no site-packages)."""
    return subprocess.run(
        [sys.executable, "-E", "-S", str(HERE / "deploy.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "calls"),
    [
        (
            "deploy",
            ["bucket.create(", "blob.upload_from_filename(", "aiplatform.Model.upload(", "aiplatform.Endpoint.create(",
             "endpoint.deploy(model=model, machine_type='e2-standard-2'"],
        ),
        ("predict", ["endpoint.predict(instances=[[39.1,"]),
        ("delete", ["endpoint.delete(force=True)", "model.delete()", "blob.delete()", "bucket.delete()"]),
    ],
)  # fmt: skip
def test_a_dry_run_shows_the_calls(command: str, calls: list[str]) -> None:
    done = alone(command, *ON, "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    at = [done.stdout.find(call) for call in calls]
    assert -1 not in at
    assert at == sorted(at)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("deploy",), "Write your own project's id into endpoint.yaml"),
        (("deploy", *ON), "Google's library is missing"),
        (("predict", *ON, "--file", "nowhere.json"), "nowhere.json cannot be read"),
        (("predict", *ON, "--file", str(HERE / "endpoint.yaml")), "is no request"),
        (("predict", "--url", "127.0.0.1:8080"), "--url wants an address"),
        (("predict", "--url", "http://127.0.0.1:1"), "Nothing answers at http://127.0.0.1:1/predict"),
    ],
)
def test_what_is_missing_is_told(arguments: tuple[str, ...], told: str) -> None:
    done = alone(*arguments)
    assert done.returncode == 1
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("status", "answer", "code", "told"),
    [
        (
            200,
            '{"predictions": ["Adelie", "Gentoo", "Chinstrap"]}',
            0,
            "[50.0, 16.3, 230, 5700]      -> Chinstrap",
        ),
        (200, '{"predictions": ["Adelie"]}', 1, "3 rows were sent, and 1 answers came back."),
        (200, '{"other": 1}', 1, "is no prediction"),
        (200, "<html>", 1, "is no prediction"),
        (500, '{"detail": "broken"}', 1, 'answered with status 500: {"detail": "broken"}'),
    ],
)
def test_a_server_on_this_machine(
    script: ModuleType, capsys: pytest.CaptureFixture[str], status: int, answer: str, code: int, told: str
) -> None:
    asked: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.handle_request, daemon=True)
    thread.start()
    try:
        assert script.main(["predict", "--url", f"http://127.0.0.1:{server.server_port}"]) == code
    finally:
        thread.join(10)
        server.server_close()
    assert asked == [("/predict", {"instances": SAMPLE})]
    said = capsys.readouterr()
    assert told in said.out + said.err


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcloud") is None, reason="the gcloud command line is not installed here")
def test_the_commands_of_the_readme(tmp_path: Path) -> None:
    """gcloud itself, told to ask the server; the README's text as it stands."""
    blocks = re.findall(r"^```bash\n(.*?)^```", (HERE / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    (up,) = (block for block in blocks if "gcloud ai models upload" in block)
    (down,) = (block for block in blocks if "gcloud ai models delete" in block)
    with serving(Cloud(predict=by_flipper, polls=0)) as running:
        told = {
            "CONFIG": str(tmp_path),
            "API_ENDPOINT_OVERRIDES_AIPLATFORM": f"{running.url}/",
            "API_ENDPOINT_OVERRIDES_STORAGE": f"{running.url}/storage/v1/",
            "AUTH_DISABLE_CREDENTIALS": "true",
            "COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
            "CORE_DISABLE_PROMPTS": "true",
            "CORE_DISABLE_USAGE_REPORTING": "true",
        }
        environment = {**os.environ, **{f"CLOUDSDK_{name}": value for name, value in told.items()}}

        def typed(commands: str) -> str:
            done = subprocess.run(
                ["bash", "-euc", commands.replace("YOUR-PROJECT", "penguin-lab")],
                cwd=HERE,
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        names = 'echo "MODEL=$MODEL ENDPOINT=$ENDPOINT"'
        out = typed(up + names)
        assert str(by_flipper(SAMPLE)) in out
        assert made(running) == (1, 1, 1, 1)
        before = " PROJECT=penguin-lab REGION=us-central1 BUCKET=gs://penguin-lab-penguins\n"
        typed(out.splitlines()[-1] + before + down)
        assert made(running) == (0, 0, 0, 0)
