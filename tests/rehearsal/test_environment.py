"""Environments: what is asked of them, kept once, told where they differ. The quick part: nothing large is built.

uv is real; its packages are wheels made here, so that no index is needed. scikit-learn itself is built in
``test_building.py``.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from grader.rehearsal import cache, companions, installer
from grader.rehearsal.environment import (
    Environment,
    RequirementsFailed,
    Settings,
    Unavailable,
    Wanted,
    prepare,
)
from tests.rehearsal.wheels import source, wheel

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


class Local:
    """Wheels of our own as the only index, and a cache of our own."""

    def __init__(self, folder: Path) -> None:
        self.wheels = folder / "wheels"
        self.settings = Settings(cache=folder / "cache", pythons=(sys.executable,), seconds=120)
        self.told: list[str] = []
        for name, version in (
            ("scikit-learn", "1.2.1"),
            ("scikit-learn", "1.2.2"),
            ("scikit-learn", "1.3.0"),
            ("numpy", "1.24.1"),
            ("numpy", "1.24.4"),
            ("numpy", "1.26.4"),
            ("numpy", "2.1.0"),
        ):
            files = {f"{name.replace('-', '_')}.py": f"__version__ = {version!r}\n"}
            wheel(self.wheels, name, version, files, requires=("numpy",) if name != "numpy" else ())
        wheel(self.wheels, "pandas", "1.5.3", requires=("numpy<2",))
        wheel(self.wheels, "pandas", "2.2.3", requires=("numpy>=1.26",))
        wheel(self.wheels, "joblib", "1.4.0")

    def prepare(self, *packages: tuple[str, str], python: str | None = HERE, **more: Any) -> Environment:
        settings = self.settings._replace(**more.pop("settings", {}))
        return prepare(Wanted(python, packages, **more), settings=settings, progress=self.told.append)

    @property
    def builds(self) -> int:
        return sum(line.startswith("building") for line in self.told)


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Local:
    made = Local(tmp_path)
    for name in (
        "PATH",
        "UV_OFFLINE",
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "UV_CONFIG_FILE",
        "GRADE_CACHE",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "none"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.wheels))
    return made


SKLEARN = ("scikit-learn", "1.2.1")


def test_what_is_wanted_is_there(local: Local) -> None:
    made = local.prepare(SKLEARN, ("numpy", "1.24.1"), ("pandas", "1.5.3"))
    assert dict(made.packages) == {"numpy": "1.24.1", "pandas": "1.5.3", "scikit-learn": "1.2.1"}
    assert made.notes == ()
    assert made.python_version == ".".join(map(str, sys.version_info[:3]))
    assert made.extra_path == ()
    assert local.told == [
        f"building an environment: Python {HERE}, scikit-learn 1.2.1, numpy 1.24.1, pandas 1.5.3"
    ]
    # What a sandbox does: start it, isolated, and import. Here it holds nothing but wheels of our own.
    code = "import sys, numpy, scikit_learn; print(numpy.__version__, sys.prefix, numpy.__cached__)"
    done = subprocess.run([made.python, "-I", "-c", code], capture_output=True, text=True, check=True)
    version, prefix, compiled = done.stdout.split()
    assert version == "1.24.1"
    assert Path(prefix) == made.python.parent.parent
    assert Path(compiled).is_file(), "bytecode is kept: a sandbox cannot write it"


def test_shown_places_hold_all_that_it_loads(local: Local) -> None:
    made = local.prepare(SKLEARN)
    code = "import sys, numpy, ctypes, json, ssl; print(*[m.__file__ for m in sys.modules.values() if getattr(m, '__file__', 0)])"
    done = subprocess.run([made.python, "-I", "-c", code], capture_output=True, text=True, check=True)
    for name in done.stdout.split():
        assert any(name.startswith(f"{shown}{os.sep}") for shown in made.readable), name
    assert all(place.exists() and place.is_absolute() for place in made.readable)


def test_once_there_nothing_is_started(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(local.wheels, "extra", "1.0")
    wish = {"requirements": ("extra",)}
    first = local.prepare(SKLEARN, ("numpy", "1.24.1"), **wish)

    def started(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", started)
    monkeypatch.setattr(os, "fork", started)
    local.told.clear()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        assert local.prepare(SKLEARN, ("numpy", "1.24.1"), **wish) == first
        times.append(time.perf_counter() - began)
    assert local.told == []
    assert min(times) < 0.1  # some 3 ms on a machine with nothing else to do


@pytest.mark.parametrize(
    ("packages", "expected", "notes"),
    [
        ([("scikit-learn", "1.2")], {"scikit-learn": "1.2.2", "numpy": "1.26.4"}, []),
        (
            [("scikit-learn", "1.2.9")],
            {"scikit-learn": "1.2.2"},
            ["scikit-learn 1.2.2 was used; 1.2.9 was not"],
        ),
        (
            [("scikit-learn", "1.3.dev0")],
            {"scikit-learn": "1.3.0"},
            ["scikit-learn 1.3.0 was used; 1.3.dev0"],
        ),
        ([SKLEARN, ("numpy", "1.24.2")], {"numpy": "1.24.4"}, ["numpy 1.24.4 was used; 1.24.2 was not"]),
        ([SKLEARN, ("numpy", "1.25.0")], {"numpy": "1.26.4"}, ["numpy 1.26.4 was used; 1.25.0 was not"]),
        ([SKLEARN, ("numpy", "3.0.0")], {"numpy": "1.26.4"}, ["numpy 1.26.4 was used; 3.0.0 was not"]),
        # pandas gives way, not numpy.
        (
            [SKLEARN, ("numpy", "1.24.1"), ("pandas", "2.2.3")],
            {"numpy": "1.24.1", "pandas": "1.5.3"},
            ["pandas 1.5.3 was used; 2.2.3 was not"],
        ),
        # What is free is not too new for what is not.
        ([SKLEARN, ("pandas", "")], {"numpy": "1.26.4", "pandas": "2.2.3"}, []),
        ([("scikit_learn", "1.2.1+local")], {"scikit-learn": "1.2.1"}, []),
    ],
)
def test_the_nearest_is_taken_and_told(
    local: Local, packages: list[tuple[str, str]], expected: dict[str, str], notes: list[str]
) -> None:
    made = local.prepare(*packages)
    assert expected.items() <= dict(made.packages).items()
    assert len(made.notes) == len(notes)
    assert all(note.startswith(start) for note, start in zip(made.notes, notes, strict=True)), made.notes
    assert local.prepare(*packages).notes == made.notes
    assert local.builds == 1


@pytest.mark.parametrize(
    ("python", "note"), [("3.99", "Python 3.99: it is not installed here"), ("2.7", "Python 2.7: it")]
)
def test_another_python_is_told(local: Local, python: str, note: str) -> None:
    made = local.prepare(SKLEARN, python=python)
    assert made.notes == (
        f"Python {HERE} was used in place of {note.partition(':')[0]}: it is not installed here",
    )
    assert local.prepare(SKLEARN, python=None).notes == ()
    [odd] = local.prepare(SKLEARN, python="py3").notes
    assert odd.startswith("`py3` is no version of Python")


def test_an_answer_that_is_not_quite_it_is_looked_for_again_the_next_day(local: Local) -> None:
    local.prepare(SKLEARN, python="3.99")
    until = [json.loads(f.read_text())["until"] for f in (local.settings.cache / "answers").iterdir()]
    assert until
    assert all(0 < moment - time.time() <= 86_400 for moment in until)
    for file in (local.settings.cache / "answers").iterdir():
        record = json.loads(file.read_text())
        file.write_text(json.dumps({**record, "until": time.time() - 1}))
    local.prepare(SKLEARN, python="3.99")
    assert all(
        json.loads(f.read_text())["until"] > time.time() for f in (local.settings.cache / "answers").iterdir()
    )
    assert local.builds == 1


def test_an_old_answer_is_better_than_none(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    made = local.prepare(SKLEARN, ("numpy", "1.24.2"))
    assert made.notes
    for file in (local.settings.cache / "answers").iterdir():
        file.write_text(json.dumps({**json.loads(file.read_text()), "until": 1.0}))
    monkeypatch.setenv("PIP_FIND_LINKS", str(local.wheels / "gone"))
    assert local.prepare(SKLEARN, ("numpy", "1.24.2")) == made
    assert local.prepare(SKLEARN, ("numpy", "1.24.2"), settings={"offline": True}) == made


@pytest.mark.parametrize(
    ("packages", "sentence"),
    [
        ((("scikit-learn", "1.2.1; import os"),), "is no version"),
        ((("scikit-learn", "--index-url"),), "is no version"),
        ((("scikit-learn", "../x"),), "is no version"),
        ((("scikit-learn", "1.2.1\n-r /etc/passwd"),), "is no version"),
        ((("scikit-learn", "1" * 500),), "is no version"),
        ((("-r", "1.0"), SKLEARN), "is no version"),
        ((("numpy", "1.0"),), "No version of scikit-learn is known"),
        ((("scikit-learn", "9.9.9"),), "scikit-learn 9.9.9 could not be installed"),
        ((SKLEARN, ("scipy", "1.8.0")), "scipy cannot be had beside scikit-learn 1.2.1"),
    ],
)
def test_what_cannot_be_had(local: Local, packages: tuple[tuple[str, str], ...], sentence: str) -> None:
    with pytest.raises(Unavailable, match=sentence) as problem:
        local.prepare(*packages)
    assert str(problem.value).isprintable()
    assert len(str(problem.value)) < 700
    assert list((local.settings.cache / "environments").glob("*")) == []


def test_no_uv(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    with pytest.raises(Unavailable, match="which is not installed: pip install"):
        local.prepare(SKLEARN)


def test_no_python(local: Local) -> None:
    with pytest.raises(Unavailable, match=r"any other Python found here \(none\).*install Python 3.9"):
        local.prepare(SKLEARN, python="3.9", settings={"pythons": ()})


def test_time_is_bounded(local: Local) -> None:
    with pytest.raises(Unavailable, match="more time than it may"):
        local.prepare(SKLEARN, settings={"seconds": 0.0})
    assert local.prepare(SKLEARN)


def test_without_a_network_only_what_is_kept(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("UV_CACHE_DIR", str(local.wheels.parent / "uv"))
    with pytest.raises(Unavailable, match="without a network none can be built"):
        local.prepare(("scikit-learn", "1.6.1"), settings={"offline": True})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    made = local.prepare(SKLEARN)
    assert local.prepare(SKLEARN, settings={"offline": True}) == made


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


# The cache


def test_a_cache_that_anybody_may_write_to_is_refused(local: Local, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(Unavailable, match="Anybody may write"):
        local.prepare(SKLEARN, settings={"cache": tmp_path / "open"})


def test_a_cache_that_cannot_be_made(local: Local, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be used"):
        local.prepare(SKLEARN, settings={"cache": tmp_path / "file"})
    with pytest.raises(Unavailable, match="cannot be used"):
        local.prepare(SKLEARN, settings={"cache": tmp_path / "file" / "below"})


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("GRADE_CACHE", raising=False)
    assert cache.root(Settings()).name == "deploy-lab-grader"
    monkeypatch.setenv("GRADE_CACHE", str(tmp_path / "ours"))
    assert cache.root(Settings()) == (tmp_path / "ours").resolve()
    assert cache.root(Settings(cache=tmp_path / "asked")) == (tmp_path / "asked").resolve()


def test_it_may_be_read_by_anybody_whatever_the_umask(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(local.wheels.parent / "uv"))
    before = os.umask(0o077)
    try:
        made = local.prepare(SKLEARN, requirements=("joblib",))
    finally:
        os.umask(before)
    root = local.settings.cache
    assert root is not None
    for place in (*made.readable[:2], made.python.parent):
        for path in (place, *place.rglob("*"), *(p for p in place.parents if p.is_relative_to(root))):
            mode = path.lstat().st_mode
            if not path.is_symlink():
                assert mode & 0o444 == 0o444, path
                assert mode & 0o111 == 0o111 or not stat.S_ISDIR(mode), path
                assert not mode & 0o022, path


@pytest.mark.parametrize("damage", ["record", "python", "everything", "answer", "answer-nonsense"])
def test_what_was_damaged_is_built_again(local: Local, damage: str) -> None:
    made = local.prepare(SKLEARN)
    root = local.settings.cache
    assert root is not None
    place = made.python.parent.parent
    answers = list((root / "answers").iterdir())
    if damage == "record":
        (place / "made.json").write_text("{")
    elif damage == "python":
        made.python.unlink()
        (place / "made.json").unlink()
    elif damage == "everything":
        place.rename(root / "elsewhere")
    for answer in answers:
        if damage == "answer":
            answer.unlink()
        elif damage == "answer-nonsense":
            answer.write_text(json.dumps({"environment": "../../../etc", "until": None}))
    again = local.prepare(SKLEARN)
    assert again == made
    assert subprocess.run([again.python, "-I", "-c", "import numpy"], check=False).returncode == 0


def test_what_a_killed_build_left_is_removed(local: Local, tmp_path: Path) -> None:
    root = tmp_path / "cache"
    left = root / "environments" / f".new-{'0' * 24}-abc"
    (left / "lib").mkdir(parents=True)
    local.prepare(SKLEARN)
    assert not left.exists()
    assert [p.name for p in (root / "environments").glob(".*")] == []


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


# What goes with what


@pytest.mark.parametrize(
    ("versions", "lines"),
    [
        ({"scikit-learn": (1, 2, 1)}, {"numpy<2", "scipy<1.14"}),
        ({"scikit-learn": (1, 2, 1), "numpy": (1, 24, 1)}, {"scipy<1.14"}),
        ({"scikit-learn": (1, 9, 0)}, set()),
        ({"scikit-learn": (1, 9, 0), "pandas": (1, 5, 3)}, {"numpy<2"}),
        ({"scikit-learn": (1, 4)}, {"numpy<2"}),
    ],
)
def test_companions(versions: dict[str, tuple[int, ...]], lines: set[str]) -> None:
    assert set(companions.ceilings(versions)) == lines


@pytest.mark.parametrize(
    ("release", "python"),
    [((0, 20, 0), (3, 7)), ((1, 0, 2), (3, 9)), ((1, 6), (3, 12)), ((3, 0), (3, 12)), ((), (3, 7))],
)
def test_home(release: tuple[int, ...], python: tuple[int, int]) -> None:
    assert companions.home(release) == python


def test_importing_it_imports_nothing_heavy() -> None:
    heavy = ["uv", "filelock", "platformdirs", "packaging"]
    code = f"import sys, grader.cli, grader.rehearsal.environment; print(*[m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
