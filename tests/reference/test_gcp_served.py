"""What `gcp_deploy` deploys really answers: rehearsed under the container's versions, asked by its own `deploy.py`."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.calls import ROOT, grade, statuses
from tests.vertex_server import Cloud, serving

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default", "ignore::FutureWarning")]

HERE = ROOT / "gcp_deploy"
SHOWN = (HERE / "README.md").read_text(encoding="utf-8")
ROUTE = "http://127.0.0.1:"
# Google's libraries are told to ask the server; deploy.py itself runs as it is.
RUN = """
import os, runpy, sys
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform
url, script, *arguments = sys.argv[1:]
aiplatform.init(credentials=AnonymousCredentials(), api_endpoint=url, api_transport="rest")
sys.argv = [script, *arguments]
sys.path.insert(0, os.path.dirname(script))
runpy.run_path(script, run_name="__main__")
"""


def command(cloud: Cloud, *arguments: str) -> list[str]:
    """deploy.py, with ``cloud`` for Google."""
    return [sys.executable, "-W", "ignore", "-c", RUN, cloud.url, str(HERE / "deploy.py"), *arguments]


def deployed(cloud: Cloud, *arguments: str) -> subprocess.CompletedProcess[str]:
    """How deploy.py ended."""
    return subprocess.run(
        command(cloud, *arguments),
        env={**_plain(), "STORAGE_EMULATOR_HOST": cloud.url},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _plain() -> dict[str, str]:
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("GOOGLE_", "CLOUDSDK_"))
    }


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """A cloud to which deploy.py has deployed."""
    with serving() as running:
        done = deployed(running, "deploy", "--project", "penguin-lab")
        assert done.returncode == 0, done.stderr
        yield running


@pytest.fixture(scope="module")
def address(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The rehearsed endpoint of what lies in that cloud: the artifact is fetched from where the model says it is."""
    folder = tmp_path_factory.mktemp("submission")
    shutil.copytree(HERE, folder / "gcp_deploy", ignore=shutil.ignore_patterns("model.joblib", "__pycache__"))
    (model,) = cloud.models.values()
    bucket, _, prefix = model["artifactUri"].removeprefix("gs://").partition("/")
    files = {name: raw for name, raw in cloud.buckets[bucket].items() if name.startswith(prefix + "/")}
    assert list(files) == [f"{prefix}/model.joblib"]  # exactly one, of exactly this name
    (folder / "gcp_deploy" / "model.joblib").write_bytes(files[f"{prefix}/model.joblib"])

    serve = [sys.executable, "-m", "grader", "rehearse", str(folder), "--serve", "--port", "0"]
    server = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        said = ""
        for line in server.stderr:
            said += line
            found = re.search(re.escape(ROUTE) + r"\d+", line)
            if found:
                yield found.group()
                break
        else:
            raise AssertionError(said)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
        if server.stderr is not None:
            server.stderr.close()


@pytest.fixture(scope="module")
def serves(cloud: Cloud, address: str) -> Cloud:
    """The cloud, whose endpoint is answered by the rehearsed model."""

    def predict(instances: list[Any]) -> list[Any]:
        body = json.dumps({"instances": instances}).encode()
        request = urllib.request.Request(f"{address}/predict", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            return list(json.load(response)["predictions"])

    cloud.predict = predict
    return cloud


def shown_in_the_readme() -> str:
    """What the README says that `deploy.py predict` prints."""
    (block,) = re.findall(r"```text\n(.*?)```", SHOWN, re.DOTALL)
    return "".join(f"{line.strip()}\n" for line in block.strip().splitlines())


def test_the_readme_shows_what_a_local_endpoint_answers(address: str) -> None:
    asks = [sys.executable, str(HERE / "deploy.py"), "predict", "--url", address]
    done = subprocess.run(asks, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, shown_in_the_readme(), "")


def test_the_readme_shows_what_the_cloud_answers(serves: Cloud) -> None:
    done = deployed(serves, "predict", "--project", "penguin-lab")
    assert (done.returncode, done.stdout, done.stderr) == (0, shown_in_the_readme(), "")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([[39, 19, 181, 3750]], ["Adelie"]),  # whole numbers
        ([[50.0, 16.3, 230.0, 5700.0]] * 100, ["Gentoo"] * 100),
    ],
)
def test_rows_of_ones_own(address: str, tmp_path: Path, rows: list[Any], told: list[str]) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"instances": rows}))
    asks = [sys.executable, str(HERE / "deploy.py"), "predict", "--url", address, "--file", str(file)]
    done = subprocess.run(asks, capture_output=True, text=True, timeout=60, check=False)
    assert [line.rpartition("-> ")[2] for line in done.stdout.splitlines()] == told


def test_a_row_that_is_none_is_one_sentence(address: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"instances": [[39.1, 18.7]]}')
    asks = [sys.executable, str(HERE / "deploy.py"), "predict", "--url", address, "--file", str(file)]
    done = subprocess.run(asks, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "features" in done.stderr


def test_ctrl_c_while_a_machine_starts() -> None:
    """The machine comes up all the same; who interrupts is told how it goes away."""
    with serving(Cloud(slow={"deployModel": 10_000})) as running:
        asks = command(running, "deploy", "--project", "penguin-lab")
        environment = {**_plain(), "STORAGE_EMULATOR_HOST": running.url, "PYTHONUNBUFFERED": "1"}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(asks, env=environment, text=True, **pipes) as process:
            while "deployModel" not in running.calls:
                assert process.poll() is None
                time.sleep(0.02)
            time.sleep(0.5)  # it waits now
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=60)[1]
        assert process.returncode == 130
        assert said.startswith("Interrupted. A machine may still be starting: run `python deploy.py delete`")
        assert len(said.splitlines()) == 1


def test_the_grader_rehearses_it(tmp_path: Path) -> None:
    shutil.copytree(HERE, tmp_path / "gcp_deploy")
    done = grade(tmp_path, "--rehearse", "--platform", "gcp", "--format", "json", timeout=300)
    (submission,) = done.submissions
    found = {name: status for name, status in statuses(submission).items() if name.startswith("rehearsal.")}
    assert found == {"rehearsal.loads": "pass", "rehearsal.ping": "pass", "rehearsal.predicts": "pass"}
