"""The project's own model: what lies in the deploy folders, what is written of it, and that it can be made again."""

from __future__ import annotations

import csv
import gzip
import hashlib
import importlib.util
import io
import json
import re
import sys
import tarfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grader.facts.records import Facts
from grader.platforms import tables
from grader.testing import facts_of

TOP = Path(__file__).resolve().parents[2]
HERE = TOP / "reference_solution"
METRICS: dict[str, Any] = json.loads((HERE / "metrics.json").read_text(encoding="utf-8"))


def load(name: str) -> ModuleType:
    """A script of the reference solution, as a module."""
    specification = importlib.util.spec_from_file_location(f"reference_{name}", HERE / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def train() -> ModuleType:
    return load("train")


@pytest.fixture(scope="module")
def facts() -> Facts:
    """What the grader sees in the two artifacts, without loading them."""
    names = [METRICS[platform]["artifact"] for platform in METRICS]
    return facts_of({name: (TOP / name).read_bytes() for name in names})


def test_both_are_there() -> None:
    assert set(METRICS) == {"aws", "gcp"}


@pytest.mark.parametrize("platform", sorted(METRICS))
def test_what_is_written_of_the_artifact_holds(platform: str, facts: Facts) -> None:
    said = METRICS[platform]
    artifact = (TOP / said["artifact"]).read_bytes()
    assert hashlib.sha256(artifact).hexdigest() == said["sha256"]
    (model,) = (model for model in facts.models if model.path == said["artifact"])
    assert model.class_name == "sklearn.pipeline.Pipeline"
    assert model.sklearn_versions == (said["scikit_learn"],)
    assert model.n_features == len(said["features"]) == 4
    assert model.feature_names == ()  # it takes plain arrays, as Vertex AI sends them
    assert model.problem is None
    assert not model.dangerous


@pytest.mark.parametrize("platform", sorted(METRICS))
def test_the_score_is_that_of_its_confusions(platform: str) -> None:
    said = METRICS[platform]
    counts = said["confusion"]["counts"]
    total = sum(map(sum, counts))
    assert total == said["birds"]["test"]
    right = sum(row[at] for at, row in enumerate(counts))
    assert said["accuracy"]["test"] == round(right / total, 4)
    assert said["accuracy"]["test"] > said["accuracy"]["test_if_always_the_commonest"] + 0.3
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    assert f"{right} of {total}" in readme


def locked(platform: str) -> dict[str, str]:
    lock = (HERE / "environments" / platform / "uv.lock").read_text(encoding="utf-8")
    return dict(re.findall(r'^name = "(.+)"\nversion = "(.+)"$', lock, re.MULTILINE))


@pytest.mark.parametrize("platform", sorted(METRICS))
def test_the_locks_are_of_what_was_used(platform: str, train: ModuleType) -> None:
    said, versions = METRICS[platform], locked(platform)
    assert (versions["scikit-learn"], versions["numpy"]) == (said["scikit_learn"], said["numpy"])
    project = (HERE / "environments" / platform / "pyproject.toml").read_text(encoding="utf-8")
    assert f'requires-python = "=={train.PYTHONS[platform]}.*"' in project
    assert said["python"] == train.PYTHONS[platform]
    text = (HERE / "environments" / platform / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r"https://([^/\"]+)", text)) == {"pypi.org", "files.pythonhosted.org"}


def test_the_versions_are_what_each_cloud_serves() -> None:
    image = tables.sagemaker_images()["1.2-1"]
    assert image.inference_v2
    for what, has in (("scikit_learn", image.scikit_learn), ("python", image.python), ("numpy", image.numpy)):
        assert METRICS["aws"][what] == has
    container = tables.vertex_containers()["1.6"]
    assert container.available()
    assert METRICS["gcp"]["scikit_learn"].startswith(container.version + ".")
    assert (METRICS["gcp"]["python"], METRICS["gcp"]["numpy"]) == (container.python, container.numpy)
    assert METRICS["aws"]["scikit_learn"] != METRICS["gcp"]["scikit_learn"]


def test_the_data_are_what_their_page_says() -> None:
    raw = (HERE / "data" / "penguins.csv").read_bytes()
    page = (HERE / "data" / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(raw).hexdigest() in page
    rows = list(csv.DictReader(io.StringIO(raw.decode())))
    features = METRICS["aws"]["features"]
    whole = [row for row in rows if all(row[name] != "NA" for name in features)]
    assert (len(rows), len(rows) - len(whole)) == (344, 2)
    assert sum(METRICS["aws"]["birds"].values()) == len(whole)


def test_packing_is_the_same_each_time_and_holds_the_model_at_the_root(train: ModuleType) -> None:
    packed = train.pack(b"a model")
    assert packed == train.pack(b"a model")
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as tar:
        (member,) = tar.getmembers()
        assert (member.name, member.mtime, member.uid, member.uname) == ("model.joblib", 0, 0, "")
        file = tar.extractfile(member)
        assert file is not None
        assert file.read() == b"a model"


def test_without_uv_it_says_so(
    train: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert train.main(["--into", str(tmp_path)]) == 1
    assert (
        capsys.readouterr().err
        == "uv was not found: install it with `pip install uv`, then run this again.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_it_can_be_made_again_byte_for_byte(train: ModuleType, tmp_path: Path) -> None:
    made = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        assert train.main(["--into", str(folder)]) == 0
        files = (path for path in folder.rglob("*") if path.is_file())
        made.append({str(path.relative_to(folder)): path.read_bytes() for path in files})
    assert made[0] == made[1]
    assert set(made[0]) == {*train.ARTIFACTS.values(), train.METRICS}
    # Another machine's arithmetic may differ in the last bit; what was measured may not.
    anew = json.loads(made[0][train.METRICS])
    for platform, said in METRICS.items():
        assert {**anew[platform], "sha256": said["sha256"]} == said
