"""Built, installed elsewhere and called from another folder: as its users get it, not as it lies here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from tests.calls import FIXTURES, ROOT

pytestmark = pytest.mark.slow

SUBMISSION = FIXTURES / "aws-sklearnmodel-complete" / "submission"
# Nothing of this tree, and nothing of the calling environment, may take part.
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP_", "VIRTUAL_ENV", "PYTEST"))}
CLEAN |= {"PYTHONUTF8": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
BIN = "Scripts" if sys.platform == "win32" else "bin"


def run(*arguments: object, cwd: Path, code: int = 0) -> str:
    """Run a program in a clean environment; its stdout."""
    done = subprocess.run(
        [*map(str, arguments)],
        cwd=cwd,
        env=CLEAN,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a release is built from, so that building leaves nothing behind."""
    target = tmp_path_factory.mktemp("source") / "tree"
    target.mkdir()
    for name in ("grader", "rubrics", "docs", "tests"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(SUBMISSION.parent, target / "fixtures" / SUBMISSION.parent.name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target / name)
    return target


@pytest.fixture(scope="module")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that is built from it."""
    target = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--outdir", target, source, cwd=target)
    return target


def environment(home: Path, *packages: object) -> Path:
    """The programs of a fresh environment with ``packages`` in it."""
    venv.create(home, with_pip=True, symlinks=sys.platform != "win32")
    run(home / BIN / "python", "-m", "pip", "install", "--quiet", *packages, cwd=home)
    return home / BIN


@pytest.fixture(scope="module")
def wheel_home(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    (wheel,) = built.glob("*.whl")
    return environment(tmp_path_factory.mktemp("wheel") / "venv", wheel)


def grades(programs: Path, cwd: Path, *flags: str) -> None:
    """It says its version, lists its checks, knows its rubric, and grades."""
    from grader import __version__

    grade = [programs / "python", *flags, programs / "grade"] if flags else [programs / "grade"]
    assert run(*grade, "--version", cwd=cwd) == f"grade {__version__}\n"
    assert "aws.model-fn" in run(*grade, "checks", cwd=cwd)
    assert json.loads(run(*grade, "rubric", "schema", cwd=cwd))["$schema"]
    report = json.loads(run(*grade, SUBMISSION, "--format", "json", cwd=cwd))
    (submission,) = report["submissions"]
    assert report["rubric"]["id"] == "cloud-deploy-lab"
    found = {item["id"]: item["status"] for item in submission["items"]}
    assert (found["aws.model-fn-loads"], found["evidence.screenshot"]) == ("pass", "review")
    assert submission["score"] == {"low": 80, "high": 100, "possible": 100}
    assert "80–100 of 100" in run(*grade, SUBMISSION, cwd=cwd)


def packaged_rubric(programs: Path, cwd: Path) -> Path:
    """The default rubric's file, as the installed package knows it."""
    script = (
        "from grader.rubric.load import load; import grader; print(grader.__file__); print(load(None).sha256)"
    )
    module, digest = run(programs / "python", "-c", script, cwd=cwd).split()
    import hashlib

    home = Path(module).parent
    candidates = (home / "rubrics", home.parent / "rubrics")
    found = [folder / "cloud-deploy-lab.yaml" for folder in candidates if folder.is_dir()]
    (rubric,) = [path for path in found if path.is_file()]
    assert hashlib.sha256(rubric.read_bytes()).hexdigest() == digest
    return rubric


def test_the_wheel_from_another_folder(wheel_home: Path, tmp_path: Path) -> None:
    grades(wheel_home, tmp_path)
    rubric = packaged_rubric(wheel_home, tmp_path)
    assert not rubric.is_relative_to(ROOT)
    assert "no faults" in run(wheel_home / "grade", "rubric", "check", rubric, cwd=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_optimised_it_grades_the_same(wheel_home: Path, tmp_path: Path, flag: str) -> None:
    run(
        wheel_home / "python",
        flag,
        "-m",
        "compileall",
        "-q",
        _site(wheel_home, tmp_path) / "grader",
        cwd=tmp_path,
    )
    grades(wheel_home, tmp_path, flag)


def _site(programs: Path, cwd: Path) -> Path:
    script = "import sysconfig; print(sysconfig.get_path('purelib'))"
    return Path(run(programs / "python", "-c", script, cwd=cwd).strip())


def test_without_what_is_only_for_development(wheel_home: Path, tmp_path: Path) -> None:
    listed = json.loads(run(wheel_home / "python", "-m", "pip", "list", "--format", "json", cwd=tmp_path))
    names = {package["name"].lower() for package in listed}
    assert "deploy-lab-grader" in names
    assert not names & {"pytest", "hypothesis", "mypy", "ruff", "numpy", "scikit-learn", "boto3"}
    run(wheel_home / "python", "-m", "pip", "check", cwd=tmp_path)


def test_what_is_in_the_packages(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    (sdist,) = built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [archive.read(name).decode() for name in names if name.endswith(".dist-info/METADATA")]
    assert {name.split("/")[0].split("-")[0] for name in names} == {"grader", "deploy_lab_grader"}
    assert "grader/rubrics/cloud-deploy-lab.yaml" in names
    assert any(name.startswith("grader/platforms/data/") for name in names)
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    with tarfile.open(sdist) as packed:
        inside = {name.partition("/")[2] for name in packed.getnames()}
    tops = {name.partition("/")[0] for name in inside}
    assert tops <= {
        "grader",
        "rubrics",
        "README.md",
        "LICENSE",
        "pyproject.toml",
        "PKG-INFO",
        ".gitignore",
        "",
    }
    assert {"grader", "rubrics", "README.md", "LICENSE", "pyproject.toml"} <= tops
    head, _, body = metadata.partition("\n\n")
    fields = [line.split(": ", 1) for line in head.splitlines() if not line.startswith(" ")]
    told = {field[0]: field[1] for field in fields}
    assert told["Description-Content-Type"] == "text/markdown"
    assert told["License-Expression"] == "MIT"
    assert told["Requires-Python"] == ">=3.10"
    assert body.startswith("# deploy-lab-grader")


def test_an_editable_install_finds_the_rubrics(source: Path, tmp_path: Path) -> None:
    programs = environment(tmp_path / "venv", "-e", source)
    work = tmp_path / "elsewhere"
    work.mkdir()
    grades(programs, work)
    assert packaged_rubric(programs, work) == source / "rubrics" / "cloud-deploy-lab.yaml"
