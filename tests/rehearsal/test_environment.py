"""Environments: what is asked of them, kept once, told where they differ. The quick part: nothing large is built.

uv is real; its packages are wheels made here, so that no index is needed. scikit-learn itself is built in
``test_building.py``.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.rehearsal import cache, companions
from grader.rehearsal.environment import RequirementsFailed, Settings, Unavailable
from tests.rehearsal.conftest import HERE, SKLEARN, Local
from tests.rehearsal.wheels import wheel


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


@pytest.mark.parametrize(
    "record", [{}, {"executable": 3, "packages": {}}, {"executable": "/p", "packages": {"numpy": 1}}, []]
)
@pytest.mark.parametrize("kind", ["environments", "requirements"])
def test_a_record_of_another_form_counts_as_none(local: Local, record: object, kind: str) -> None:
    wheel(local.wheels, "extra", "1.0")
    first = local.prepare(SKLEARN, requirements=("extra",))
    ((place,),) = ([p for p in (first.python.parents[3] / kind).iterdir() if p.name[0] != "."],)
    (place / "made.json").write_text(json.dumps(record))
    again = local.prepare(SKLEARN, requirements=("extra",))
    assert again == first
    assert local.builds == (2 if kind == "environments" else 1)


@pytest.mark.parametrize(
    "answer", [{}, {"environment": 1}, {"environment": "gone", "until": "soon"}, {"until": [1]}, 7]
)
def test_an_answer_of_another_form_counts_as_none(local: Local, answer: object) -> None:
    first = local.prepare(SKLEARN)
    answers = list((first.python.parents[3] / "answers").iterdir())
    assert answers
    for file in answers:
        file.write_text(json.dumps(answer))
    assert local.prepare(SKLEARN) == first


@pytest.mark.parametrize(
    "known", [[], {"/usr/bin/python3": 1}, {"x": {"state": [1], "answer": {"version": [1e999]}}}]
)
def test_what_pythons_said_in_another_form_is_asked_anew(local: Local, known: object) -> None:
    first = local.prepare(SKLEARN)
    (first.python.parents[3] / "pythons.json").write_text(json.dumps(known))
    assert local.prepare(SKLEARN) == first


@pytest.mark.parametrize("line", ["sklearn", "Sklearn"])
def test_a_name_that_only_tells_of_another_is_no_package(local: Local, line: str) -> None:
    with pytest.raises(RequirementsFailed, match="called `scikit-learn`"):
        local.prepare(SKLEARN, requirements=("joblib", line))
