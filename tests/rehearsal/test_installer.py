"""What uv may see, what it is asked to install for a student, and whose trouble it is when it cannot."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from grader.rehearsal import installer
from grader.rehearsal.environment import RequirementsFailed, Unavailable
from tests.rehearsal.conftest import HERE, SKLEARN, Local
from tests.rehearsal.wheels import source, wheel

# Requirements


def test_requirements_stand_beside_and_before(local: Local) -> None:
    wheel(local.wheels, "helper", "2.0", {"helper.py": "import numpy\n"}, requires=("numpy", "joblib"))
    base = local.prepare(SKLEARN, ("numpy", "1.24.1"))
    made = local.prepare(SKLEARN, ("numpy", "1.24.1"), requirements=("helper", "joblib<2"))
    assert made.python == base.python
    assert dict(made.packages) == {**dict(base.packages), "helper": "2.0", "joblib": "1.4.0"}
    [folder] = made.extra_path
    assert folder in made.readable
    assert (folder / "helper.py").is_file()
    assert not (folder / "numpy.py").exists(), "what the environment has is kept, as pip keeps it"
    assert made.notes == ()
    assert local.builds == 1
    assert local.told[-1].startswith("installing what requirements.txt asks for (2 lines)")
    count = len(local.told)
    assert local.prepare(SKLEARN, ("numpy", "1.24.1"), requirements=("joblib<2", "helper")) == made
    assert len(local.told) == count


def test_what_they_replace_is_told(local: Local) -> None:
    made = local.prepare(SKLEARN, ("numpy", "1.24.1"), requirements=("numpy==1.26.4", "pandas"))
    assert dict(made.packages)["numpy"] == "1.26.4"
    assert made.notes == ("requirements.txt asks for numpy 1.26.4, which was used in place of 1.24.1",)
    again = local.prepare(SKLEARN, ("numpy", "1.24.1"), requirements=("scikit-learn", "numpy>=1.20"))
    assert again.extra_path == ()
    assert again.notes == ()


def test_failures_are_laid_to_nobody_where_the_index_is_a_mirror(local: Local) -> None:
    with pytest.raises(Unavailable, match="may not have all there is"):
        local.prepare(SKLEARN, requirements=("joblib==99",))
    with pytest.raises(Unavailable, match="may not have all there is"):
        local.prepare(SKLEARN, requirements=("nowhere-to-be-found",))


def test_a_conflict_is_the_students(local: Local) -> None:
    wish = {"requirements": ("pandas==1.5.3", "numpy==2.1.0")}
    with pytest.raises(RequirementsFailed, match="depends on numpy<2"):
        local.prepare(SKLEARN, **wish)
    with pytest.raises(Unavailable, match="some of its lines were left out"):
        local.prepare(SKLEARN, whole=False, **wish)
    with pytest.raises(Unavailable, match=f"Python {HERE} is not surely that of the container"):
        local.prepare(SKLEARN, python="3.99", **wish)
    assert list((local.settings.cache / "requirements").glob("*")) == []


def test_what_is_there_as_source_only_is_left_out_and_never_built(local: Local, tmp_path: Path) -> None:
    canary = tmp_path / "built"
    setup = f"open({str(canary)!r}, 'w').close()\nfrom setuptools import setup\nsetup()\n"
    source(local.wheels, "fromsource", "1.0", setup)
    source(local.wheels, "also", "1.0", setup)
    wheel(local.wheels, "needy", "1.0", requires=("also",))
    made = local.prepare(SKLEARN, requirements=("joblib", "fromsource==1.0"))
    assert "joblib" in dict(made.packages)
    assert "fromsource" not in dict(made.packages)
    [note] = made.notes
    assert note.startswith("fromsource of requirements.txt was left out (`fromsource==1.0`)")
    assert local.prepare(SKLEARN, requirements=("joblib", "fromsource==1.0")) == made
    with pytest.raises(Unavailable, match="only wheels are installed here"):
        local.prepare(SKLEARN, requirements=("needy",))
    assert not canary.exists()


def test_what_is_made_for_other_systems_is_the_students(local: Local) -> None:
    plain = wheel(local.wheels, "windowsonly", "1.0")
    plain.rename(plain.with_name("windowsonly-1.0-py3-none-win_amd64.whl"))
    with pytest.raises(RequirementsFailed, match="no wheels with a matching platform"):
        local.prepare(SKLEARN, requirements=("windowsonly==1.0",))
    assert local.prepare(SKLEARN, requirements=("windowsonly; sys_platform == 'win32'",)).extra_path == ()


def test_nothing_of_a_wheel_runs_outside(local: Local) -> None:
    canary = local.wheels.parent / "ran"
    act = f"open({str(canary)!r}, 'w').close()"
    names = ("sitecustomize", "usercustomize", "hostile", "compileall", "json", "encodings/__init__")
    files = {f"{name}.py": f"{act}\n" for name in names}
    files["hostile.pth"] = f"import hostile; {act}\n"
    files["hostile-nspkg.pth"] = f"import sys; exec({act!r})\n"
    files["broken.py"] = "def f(:\n"
    files["deep.py"] = "x = " + "(" * 5_000 + ")" * 5_000 + "\n"
    outside = local.wheels.parent / "outside"
    outside.mkdir()
    (outside / "target.py").write_text("x = 1\n")
    wheel(local.wheels, "hostile", "1.0", files, links={"linked": str(outside), "linked.py": "/etc/passwd"})
    wheel(local.wheels, "other", "1.0")
    try:
        made = local.prepare(SKLEARN, requirements=("hostile",))
    except Unavailable:  # uv may refuse such a wheel as a whole; then without the links
        wheel(local.wheels, "hostile", "1.1", files)
        made = local.prepare(SKLEARN, requirements=("hostile==1.1",))
    local.prepare(SKLEARN, requirements=("hostile", "other"))  # once more beside it
    assert not canary.exists()
    assert [p.name for p in outside.iterdir()] == ["target.py"]
    [folder] = made.extra_path
    assert not [path for path in folder.rglob("*") if path.is_symlink()]
    # The trap works: where such an environment is started, the code runs. Only a sandbox may do so.
    code = f"import site; site.addsitedir({str(folder)!r})"
    subprocess.run([made.python, "-I", "-c", code], capture_output=True, check=False)
    assert canary.exists()


@pytest.mark.parametrize(
    "path",
    [
        "../../escaped.py",
        "/{folder}/escaped.py",
        "hostile-1.0.data/data/../../../escaped.py",
        "..\\escaped.py",
    ],
)
def test_a_wheel_stays_in_its_folder(local: Local, path: str) -> None:
    root = local.settings.cache
    assert root is not None
    folder = str(root.parent).lstrip("/")
    wheel(local.wheels, "hostile", "1.0", {path.format(folder=folder): "", "hostile.py": ""})
    with contextlib.suppress(Unavailable):
        local.prepare(SKLEARN, requirements=("hostile",))
    packages = root / "requirements"
    escaped = [p for p in root.parent.rglob("*escaped.py") if not p.is_relative_to(packages)]
    assert escaped == []
    assert not [p for p in packages.glob("*/*") if "escaped" in p.name]


# uv's surroundings


def test_uv_sees_nothing_of_a_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG"):
        monkeypatch.setenv(name, "secret")
    for name in (
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "LD_PRELOAD",
        "UV_CONSTRAINT",
        "UV_TARGET",
        "VIRTUAL_ENV",
        "GITHUB_TOKEN",
    ):
        monkeypatch.setenv(name, "secret")
    assert "secret" not in installer.variables().values()


def test_where_uv_keeps_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("UV_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "new"))
    assert "UV_CACHE_DIR" not in installer.variables(tmp_path)
    monkeypatch.setenv("HOME", f"{os.devnull}/home")  # where nobody can write
    assert installer.variables(tmp_path)["UV_CACHE_DIR"] == str(tmp_path / "uv")
    monkeypatch.setenv("UV_CACHE_DIR", "/asked")
    assert installer.variables(tmp_path)["UV_CACHE_DIR"] == "/asked"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"PIP_INDEX_URL": "https://m/simple"}, {"UV_DEFAULT_INDEX": "https://m/simple"}),
        (
            {"PIP_EXTRA_INDEX_URL": "https://a https://b"},
            {"UV_INDEX": "https://a https://b", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        ({"PIP_INDEX_URL": "https://m", "UV_INDEX_URL": "https://u"}, {"UV_INDEX_URL": "https://u"}),
        ({"PIP_INDEX_URL": "https://m", "UV_DEFAULT_INDEX": "https://u"}, {"UV_DEFAULT_INDEX": "https://u"}),
        ({"PIP_FIND_LINKS": "/a /b"}, {"UV_FIND_LINKS": "/a,/b"}),
        ({"PIP_CERT": "/ca.pem"}, {"SSL_CERT_FILE": "/ca.pem"}),
        ({"UV_INDEX_LAB_PASSWORD": "p"}, {"UV_INDEX_LAB_PASSWORD": "p"}),
        ({"HTTPS_PROXY": "http://proxy"}, {"HTTPS_PROXY": "http://proxy"}),
        ({}, {}),
    ],
)
def test_how_indexes_are_reached_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: dict[str, str], expected: dict[str, str]
) -> None:
    for name in list(os.environ):
        if name.startswith(("UV_", "PIP_", "SSL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    passed = installer.variables()
    assert {k: v for k, v in passed.items() if k.startswith(("UV_", "SSL_")) or k.endswith("PROXY")} == {
        **expected,
        "UV_NO_PROGRESS": "1",
    }


def test_no_configuration_of_a_folder_is_read(
    local: Local, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    below = tmp_path / "work" / "deep"
    below.mkdir(parents=True)
    for folder in (tmp_path / "work", below):
        (folder / "uv.toml").write_text('index-url = "http://127.0.0.1:9/simple"\nbroken = [\n')
        (folder / "pyproject.toml").write_text("[tool.uv\n")
        (folder / ".python-version").write_text("2.7\n")
    monkeypatch.chdir(below)
    monkeypatch.setenv("TMPDIR", str(below))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert local.prepare(SKLEARN).notes == ()


def test_the_users_own_configuration_is_read(
    local: Local, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config" / "uv" / "uv.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'no-index = true\nfind-links = ["{local.wheels}"]\n')
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert dict(local.prepare(SKLEARN).packages)["scikit-learn"] == "1.2.1"
    assert installer.own_index()
