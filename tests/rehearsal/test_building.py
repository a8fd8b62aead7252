"""Environments as deployments declare them, from a real package index; and several processes that want one at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from grader.rehearsal import pythons
from grader.rehearsal.environment import RequirementsFailed, Settings, Unavailable, Wanted, prepare
from tests.rehearsal.wheels import wheel

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"

PREPARE = """
import os, signal, sys
from pathlib import Path
from grader.rehearsal.environment import Settings, Wanted, prepare

def told(line):
    print(line, flush=True)
    if line.startswith("building") and sys.argv[2] == "die":
        os.kill(os.getpid(), signal.SIGKILL)

settings = Settings(cache=Path(sys.argv[1]), pythons=(sys.executable,))
wanted = Wanted(None, (("scikit-learn", "1.2.1"), ("numpy", "")), ("joblib",))
print(prepare(wanted, settings=settings, progress=told).python)
"""


def preparing(tmp_path: Path, word: str = "live") -> subprocess.Popen[str]:
    """A process that wants an environment, of wheels made here."""
    wheels = tmp_path / "wheels"
    if not wheels.exists():
        filler = {f"numpy/part{n}.py": f"VALUE = {n}\n" * 50 for n in range(300)}
        wheel(wheels, "numpy", "1.24.1", {"numpy/__init__.py": "", **filler})
        wheel(wheels, "scikit-learn", "1.2.1", requires=("numpy",))
        wheel(wheels, "joblib", "1.4.0")
    surroundings = {
        **os.environ,
        "PATH": os.defpath,
        "PYENV_ROOT": str(tmp_path / "none"),
        "XDG_CONFIG_HOME": str(tmp_path / "none"),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
    }
    command = [sys.executable, "-c", PREPARE, str(tmp_path / "cache"), word]
    return subprocess.Popen(command, env=surroundings, stdout=subprocess.PIPE, text=True)


def outcome(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    told, _ = process.communicate(timeout=120)
    return process.returncode, told.splitlines()


def new_ones(tmp_path: Path) -> list[str]:
    return [p.name for p in (tmp_path / "cache").glob("*/.new-*")]


def test_several_processes_build_one(tmp_path: Path) -> None:
    answers = [outcome(process) for process in [preparing(tmp_path) for _ in range(4)]]
    assert [code for code, _ in answers] == [0] * 4
    lines = [line for _, told in answers for line in told]
    assert sum(line.startswith("building") for line in lines) == 1
    assert sum(line.startswith("installing") for line in lines) == 1
    assert len({told[-1] for _, told in answers}) == 1
    assert new_ones(tmp_path) == []


def test_a_build_that_is_killed_is_begun_anew(tmp_path: Path) -> None:
    code, told = outcome(preparing(tmp_path, "die"))
    assert code == -signal.SIGKILL
    assert told[-1].startswith("building")
    assert len(new_ones(tmp_path)) == 1
    code, told = outcome(preparing(tmp_path))
    assert code == 0
    assert sum(line.startswith("building") for line in told) == 1
    assert new_ones(tmp_path) == []
    assert subprocess.run([told[-1], "-I", "-c", "import numpy.part299"], check=False).returncode == 0


def test_one_that_waits_for_a_build_that_is_killed_builds(tmp_path: Path) -> None:
    first, second = preparing(tmp_path, "die"), preparing(tmp_path)
    assert outcome(first)[0] in (0, -signal.SIGKILL)  # 0: the other one was first
    assert outcome(second)[0] == 0
    assert new_ones(tmp_path) == []


# With a real index


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A cache of its own for these tests; what uv downloaded before is used again."""
    return Settings(cache=tmp_path_factory.mktemp("environments"), seconds=400)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The Pythons on this machine, by series."""
    return {i.series for i in pythons.find((), tmp_path_factory.mktemp("asked"))}


FITS = """
import sys, warnings
import numpy, sklearn, sklearn.linear_model, sklearn.ensemble, sklearn.pipeline, sklearn.preprocessing
for name in sys.argv[1:]:
    __import__(name)
data = numpy.arange(40.0).reshape(20, 2)
target = [0, 1] * 10
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for model in (sklearn.linear_model.LogisticRegression(), sklearn.ensemble.RandomForestClassifier(5)):
        assert len(model.fit(data, target).predict(data)) == 20
print(sys.version.split()[0], sklearn.__version__, numpy.__version__, sklearn.__file__)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("python", "packages"),
    [
        ("3.7", (("scikit-learn", "0.20.0"), ("numpy", "1.19.5"), ("pandas", "0.25"))),
        ("3.7", (("scikit-learn", "0.23.2"), ("numpy", "1.19.2"), ("pandas", "1.1.3"))),
        ("3.9", (("scikit-learn", "1.2.1"), ("numpy", "1.24.1"), ("pandas", "1.1.3"))),
        ("3.10", (("scikit-learn", "1.6"), ("numpy", "1.26.4"))),
        ("3.12", (("scikit-learn", "1.9.0"), ("numpy", "2.5.1"), ("pandas", "2.2.3"))),
    ],
)
def test_as_containers_have_it(
    settings: Settings, here: set[str], python: str, packages: tuple[tuple[str, str], ...]
) -> None:
    if python not in here:
        pytest.skip(f"no Python {python} on this machine")
    made = prepare(Wanted(python, packages), settings=settings)
    assert made.notes == ()
    assert made.python_version.startswith(f"{python}.")
    there = dict(made.packages)
    assert all(there[name].startswith(version) for name, version in packages)
    more = ["pandas"] if "pandas" in there else []
    done = subprocess.run([made.python, "-I", "-c", FITS, *more], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    version, scikit_learn, numpy, place = done.stdout.split()
    assert (version, scikit_learn, numpy) == (made.python_version, there["scikit-learn"], there["numpy"])
    assert Path(place).is_relative_to(made.readable[0])


@pytest.mark.slow
@pytest.mark.parametrize("scikit_learn", ["0.24", "1.0.2", "1.3"])
def test_what_goes_with_it_works_with_it(settings: Settings, scikit_learn: str) -> None:
    """Where only scikit-learn is known: a Python that has wheels of it, companions that are not too new."""
    try:
        made = prepare(Wanted(None, (("scikit-learn", scikit_learn), ("pandas", ""))), settings=settings)
    except Unavailable as problem:
        pytest.skip(f"no Python on this machine that has wheels of it: {problem}")
    done = subprocess.run(
        [made.python, "-I", "-c", FITS, "pandas"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (made.packages, done.stderr)
    assert "Warning" not in done.stderr


@pytest.mark.slow
def test_a_python_without_wheels_gives_way(settings: Settings, here: set[str]) -> None:
    if not {"3.12", "3.13"} <= here:
        pytest.skip("it takes two neighbours")
    made = prepare(Wanted("3.13", (("scikit-learn", "1.4.2"), ("numpy", "2.1.0"))), settings=settings)
    assert made.python_version.startswith("3.12.")
    assert made.notes == ("Python 3.12 was used in place of Python 3.13: this could not be installed for it",)
    assert dict(made.packages)["scikit-learn"] == "1.4.2"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "error", "sentence"),
    [
        (("joblib==99.9",), RequirementsFailed, "no version of joblib==99.9"),
        (("no-such-package-in-any-index-7f3a",), RequirementsFailed, "was not found in the package registry"),
        (("flask==3.0.0", "werkzeug<1"), RequirementsFailed, "flask==3.0.0 depends on werkzeug>=3"),
        (("pywin32==306",), RequirementsFailed, "pywin32==306 has no wheels with a matching platform tag"),
    ],
)
def test_what_nobody_can_install_and_what_only_we_cannot(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    here: set[str],
    lines: tuple[str, ...],
    error: type[Exception],
    sentence: str,
) -> None:
    base = (("scikit-learn", "1.6"),)
    if "3.10" not in here:
        pytest.skip("no Python 3.10 on this machine")
    with pytest.raises(error, match=sentence):
        prepare(Wanted("3.10", base, lines), settings=settings)
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(settings.cache / "empty") if settings.cache else "")
    with pytest.raises(Unavailable, match="uv could not install packages"):
        prepare(Wanted("3.10", base, lines), settings=settings)
