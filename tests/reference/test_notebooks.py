"""The two tutorial notebooks: what is committed is whole, and running them again gives the same."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from grader.testing import ask, facts_of
from tests.vertex_server import Cloud, serving

HERE = Path(__file__).resolve().parents[2] / "reference_solution" / "notebooks"
NOTEBOOKS = {"gcp": "gcp_census.ipynb", "aws": "aws_bank_marketing.ipynb"}
PYTHONS = {"gcp": "3.10", "aws": "3.11"}
CHECKS = ("tutorial.as-matrix", "tutorial.runtime-version", "tutorial.externals", "hygiene.secrets")


def read(folder: Path, platform: str) -> Any:
    """A notebook, held to its format."""
    notebook = nbformat.read(folder / NOTEBOOKS[platform], as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    return notebook


def tags(cell: Any) -> list[str]:
    return list(cell.metadata.get("tags", []))


def text(cell: Any) -> str:
    """What a cell printed and showed, as text."""
    shown = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "".join(shown)


@pytest.mark.parametrize("platform", NOTEBOOKS)
def test_outputs_are_there_where_no_cloud_is_needed(platform: str) -> None:
    cells = [cell for cell in read(HERE, platform).cells if cell.cell_type == "code"]
    run = [cell for cell in cells if "cloud" not in tags(cell) or "moto" in tags(cell)]
    assert [cell.execution_count for cell in run] == list(range(1, len(run) + 1))
    assert all(cell.execution_count is None and not cell.outputs for cell in cells if cell not in run)
    kinds = {kind for cell in run for output in cell.outputs for kind in output.get("data", {})}
    assert {"image/png", "text/html"} <= kinds  # a picture and a table
    streams = {output.name for cell in run for output in cell.outputs if output.output_type == "stream"}
    assert streams == {"stdout"}  # neither warnings nor tracebacks
    assert not re.search(r"/tmp|/root|/home|site-packages|\b20\d\d-\d\d-\d\dT", "".join(map(text, run)))


@pytest.mark.parametrize("platform", NOTEBOOKS)
def test_needs_of_the_cells_are_told_by_their_tags(platform: str) -> None:
    for cell in read(HERE, platform).cells:
        asks = re.search(r"gcloud |boto3\.|\bestimator\b|predictor\.|aiplatform", cell.source)
        if cell.cell_type == "code" and asks:
            assert "cloud" in tags(cell), cell.source


@pytest.mark.parametrize("check", CHECKS)
def test_the_grader_is_content(check: str) -> None:
    files = {f"notebooks/{path.name}": path.read_bytes() for path in HERE.iterdir() if path.is_file()}
    facts = facts_of(files)
    assert {tutorial.platform for tutorial in facts.tutorials} == {"aws", "gcp"}
    assert ask(check, facts, platform="gcp").status.value == "pass"


@pytest.mark.parametrize("platform", NOTEBOOKS)
def test_requirements_are_pinned(platform: str) -> None:
    lines = (HERE / f"requirements-{platform}.txt").read_text().splitlines()
    pinned = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert pinned
    assert [line for line in pinned if not re.match(r"[\w.\[\]-]+==\S+", line)] == []
    served = {
        "gcp": {"scikit-learn==1.6.1", "numpy==1.26.4", "joblib==1.5.3"},
        "aws": {"xgboost-cpu==3.0.5"},
    }
    assert served[platform] <= set(pinned)


STANDINS = {
    "census": {"adult.data": "14592c20e2432fd1", "adult.test": "2383d662adbf94b5"},
    "bank": {"bank_clean.csv": "7361e6615251ca6c"},
}
"""The beginnings of their SHA-256: another Python must not invent other people."""


@pytest.mark.parametrize("kind", STANDINS)
def test_stand_ins_come_out_the_same(kind: str, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, str(HERE / "make_standins.py"), kind, str(tmp_path)], check=True, capture_output=True
    )
    assert {f.name: hashlib.sha256(f.read_bytes()).hexdigest()[:16] for f in tmp_path.iterdir()} == STANDINS[
        kind
    ]


def test_stand_ins_have_the_columns_of_the_real_files(tmp_path: Path) -> None:
    sys.path.insert(0, str(HERE))
    try:
        import make_standins
    finally:
        sys.path.remove(str(HERE))
    make_standins.census(tmp_path, training=50, test=20)
    make_standins.bank(tmp_path, clients=50)
    first, *rows = (tmp_path / "adult.test").read_text().splitlines()
    assert first.startswith("|")
    assert {len(row.split(", ")) for row in rows} == {15}
    assert {row.rpartition(", ")[2] for row in rows} == {"<=50K.", ">50K."}
    header, *clients = (line.split(",") for line in (tmp_path / "bank_clean.csv").read_text().splitlines())
    assert header[:7] == ["", "age", "campaign", "pdays", "previous", "no_previous_contact", "not_working"]
    assert header[-2:] == ["y_no", "y_yes"]
    assert len(header) == 62
    for client in clients:
        told = dict(zip(header, client, strict=True))
        assert int(told["y_no"]) + int(told["y_yes"]) == 1
        assert sum(int(told[name]) for name in header if name.startswith("job_")) == 1


# From here on with environments of their own.


def python_of(version: str) -> str:
    """A Python of that version: pyenv's where it has one, else uv looks for it."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(root.glob(f"versions/{version}.*/bin/python"))
    return str(found[0]) if found else version


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each notebook, the Python of an environment that its pinned requirements make."""
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    assert uv is not None
    made = {}
    for platform, version in PYTHONS.items():
        folder = tmp_path_factory.mktemp(platform) / "environment"
        subprocess.run([uv, "venv", "-q", "--python", python_of(version), str(folder)], check=True)
        made[platform] = folder / "bin" / "python"
        wanted = ["-r", str(HERE / f"requirements-{platform}.txt")]
        subprocess.run([uv, "pip", "install", "-q", "--python", str(made[platform]), *wanted], check=True)
    return made


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """A moto server of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {**os.environ, "MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, env=kept, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/moto-api/", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, "moto's server ended"
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(10)


@pytest.mark.slow
@pytest.mark.parametrize("platform", NOTEBOOKS)
def test_running_it_again_gives_the_same(
    platform: str, environments: dict[str, Path], moto: str, tmp_path: Path
) -> None:
    command = [str(environments[platform]), str(HERE / "run.py"), str(HERE / NOTEBOOKS[platform])]
    command += ["--into", str(tmp_path), *(["--moto", moto] if platform == "aws" else [])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    committed, again = read(HERE, platform), read(tmp_path, platform)
    assert [(cell.id, cell.source, tags(cell)) for cell in again.cells] == [
        (cell.id, cell.source, tags(cell)) for cell in committed.cells
    ]
    for one, other in zip(committed.cells, again.cells, strict=True):
        if one.cell_type == "code":
            assert other.execution_count == one.execution_count
            assert text(other) == text(one), one.source
            assert [sorted(o.get("data", {})) for o in other.outputs] == [
                sorted(o.get("data", {})) for o in one.outputs
            ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [NOTEBOOKS[platform]]


@pytest.mark.slow
def test_without_an_account_what_needs_one_is_left_out(environments: dict[str, Path], tmp_path: Path) -> None:
    """The AWS notebook as a reader runs it who has neither an account nor moto: it still teaches something."""
    command = [
        str(environments["aws"]),
        str(HERE / "run.py"),
        str(HERE / NOTEBOOKS["aws"]),
        "--into",
        str(tmp_path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    for cell in read(tmp_path, "aws").cells:
        if cell.cell_type == "code":
            assert (cell.execution_count is None) == ("cloud" in tags(cell))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcloud") is None, reason="the gcloud command line is not installed here")
def test_the_gcloud_cells_are_what_gcloud_takes(environments: dict[str, Path], tmp_path: Path) -> None:
    """The GCP notebook's cells for the cloud, typed to gcloud itself, which asks a server that speaks Vertex AI's REST."""
    notebook = read(HERE, "gcp")
    notebook.cells = [cell for cell in notebook.cells if cell.id != "predict-python"]  # a client of its own
    for cell in notebook.cells:
        cell.source = cell.source.replace("your-project-id", "penguin-lab")
        cell.source = re.sub(r"!gcloud services enable .*\n", "", cell.source)  # no part of that server
    nbformat.write(notebook, tmp_path / "cloud.ipynb")
    shutil.copy(HERE / "make_standins.py", tmp_path)
    with serving(Cloud(polls=0, predict=lambda rows: [row[0] > 40 for row in rows])) as running:
        told = {
            "CONFIG": str(tmp_path / "gcloud"),
            "API_ENDPOINT_OVERRIDES_AIPLATFORM": f"{running.url}/",
            "API_ENDPOINT_OVERRIDES_STORAGE": f"{running.url}/storage/v1/",
            "AUTH_DISABLE_CREDENTIALS": "true",
            "COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
            "CORE_DISABLE_PROMPTS": "true",
            "CORE_DISABLE_USAGE_REPORTING": "true",
        }
        program = (
            "import nbformat; from nbclient import NotebookClient; "
            "n = nbformat.read('cloud.ipynb', 4); NotebookClient(n, timeout=300).execute(); nbformat.write(n, 'cloud.ipynb')"
        )
        subprocess.run(
            [str(environments["gcp"]), "-c", program],
            cwd=tmp_path,
            env={**os.environ, **{f"CLOUDSDK_{name}": value for name, value in told.items()}},
            check=True,
            capture_output=True,
            timeout=500,
        )
        assert {"models:upload", "endpoints.create", "deployModel", "predict", "undeployModel"} <= set(
            running.calls
        )
        assert running.left() == []
        assert running.buckets == {}
    said = {
        cell.id: text(cell) for cell in nbformat.read(tmp_path / "cloud.ipynb", 4).cells if "outputs" in cell
    }
    assert "ERROR" not in "".join(said.values())
    assert said["predict"].count("True") + said["predict"].count("False") == 10
