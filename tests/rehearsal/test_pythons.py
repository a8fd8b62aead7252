"""Interpreters: found in order, asked once, shown no further than needed. All real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from grader.rehearsal import installer, pythons
from grader.rehearsal.pythons import Interpreter
from grader.rehearsal.settings import Unavailable

RUNNING = sys.version_info[:3]
BASE = Path(sys.base_prefix)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Python of this machine is found, unless a test says where."""
    for name, value in (("PATH", ""), ("PYENV_ROOT", "pyenv"), ("UV_PYTHON_INSTALL_DIR", "uv")):
        monkeypatch.setenv(name, str(tmp_path / value) if value else "")


def asked(tmp_path: Path) -> list[str]:
    """The paths that were asked, by the record that is kept."""
    record = tmp_path / "cache" / "pythons.json"
    return list(json.loads(record.read_text())) if record.exists() else []


def find(tmp_path: Path, *named: str) -> tuple[Interpreter, ...]:
    return pythons.find(named, tmp_path / "cache")


def linked(folder: Path, name: str = "python3") -> Path:
    """A link, in a folder of its own, to the Python that runs this."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).symlink_to(os.path.realpath(sys.executable))
    return folder / name


def test_the_running_python(tmp_path: Path) -> None:
    [found] = find(tmp_path, sys.executable)
    assert found.version == RUNNING
    assert found.found == "named"
    assert found.executable == found.executable.resolve()
    assert found.executable.is_file()
    assert found.prefix == BASE.resolve()
    assert any((library / "os.py").is_file() for library in found.libraries)


def test_an_environment_stands_for_the_python_it_was_made_from(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    canary = tmp_path / "ran"
    site = next((tmp_path / "env" / "lib").glob("python3*/site-packages"))
    (site / "hostile.pth").write_text(f"import os; open({str(canary)!r}, 'w').close()\n")
    for name in ("env", "env/bin/python"):
        [found] = find(tmp_path, str(tmp_path / name))
        assert tmp_path not in found.executable.parents
        assert found.prefix == BASE.resolve()
    assert not canary.exists()
    subprocess.run([tmp_path / "env" / "bin" / "python", "-c", ""], check=True)
    assert canary.exists(), "the trap works, so that its silence means something"


def test_the_order_of_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = linked(tmp_path / "bin").parent
    pyenv = linked(tmp_path / "pyenv" / "versions" / "3.99.0" / "bin").parent
    uv = linked(tmp_path / "uv" / "cpython-3.99.0-linux-x86_64-gnu" / "bin").parent
    ours = linked(tmp_path / "cache" / "pythons" / "cpython-3.99.0-linux" / "bin").parent
    named = linked(tmp_path / "named")
    monkeypatch.setenv("PATH", str(path))
    assert find(tmp_path, str(named))[0].found == "named"
    assert [Path(p).parent for p in asked(tmp_path)] == [named.parent, path, pyenv, uv, ours]
    for gone, expected in ((path, "pyenv"), (pyenv, "uv"), (uv, "downloaded")):
        (gone / "python3").unlink()
        assert [i.found for i in find(tmp_path)] == [expected]


def test_each_is_asked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    counted = tmp_path / "bin" / "python3"
    counted.parent.mkdir()
    real = os.path.realpath(sys.executable)
    counted.write_text(f'#!/bin/sh\necho asked >> "{tmp_path}/count"\nexec "{real}" "$@"\n')
    counted.chmod(0o755)
    monkeypatch.setenv("PATH", str(counted.parent))
    for _ in range(3):
        assert [i.version for i in find(tmp_path)] == [RUNNING]
    assert (tmp_path / "count").read_text().count("asked") == 1
    os.utime(counted, (1, 1))
    assert find(tmp_path)
    assert (tmp_path / "count").read_text().count("asked") == 2


@pytest.mark.parametrize(
    "text",
    [
        "#!/bin/sh\nexit 127\n",
        "#!/bin/sh\necho '{}'\n",
        "#!/bin/sh\necho '[1, 2]'\n",
        "#!/bin/sh\necho nonsense\n",
        '#!/bin/sh\necho \'{"version": [3], "executable": "x", "prefix": "/", "libraries": [], "plain": true}\'\n',
        "#!/nowhere/at/all\n",
        "",
    ],
)
def test_what_is_no_python_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").write_text(text)
    (tmp_path / "bin" / "python3").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find(tmp_path) == ()
    with pytest.raises(Unavailable, match="was named as a Python"):
        find(tmp_path, str(tmp_path / "bin" / "python3"))


def test_one_that_hangs_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    linked(tmp_path / "good")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "bin" / "python3").chmod(0o755)
    monkeypatch.setattr(pythons, "_PATIENCE", 2.0)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{tmp_path / 'good'}{os.pathsep}/usr/bin")
    began = time.monotonic()
    assert RUNNING in [i.version for i in find(tmp_path)]
    assert time.monotonic() - began < 30


def test_relative_places_and_shims_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    linked(tmp_path / "here")
    linked(tmp_path / "shims")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", "here", str(tmp_path / "shims")]))
    assert find(tmp_path) == ()


def test_a_named_command_is_looked_for_on_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    linked(tmp_path / "bin", "python3.99")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("3.99", "python3.99"):
        assert [i.found for i in find(tmp_path, name)] == ["named"]
    with pytest.raises(Unavailable, match="name another"):
        find(tmp_path, "python3.98")


def test_a_damaged_record_is_no_trouble(tmp_path: Path) -> None:
    record = tmp_path / "cache" / "pythons.json"
    first = find(tmp_path, sys.executable)
    whole = record.read_text()
    for text in ("", "[]", "{", whole[:50], whole.replace('"answer"', '"other"'), '{"x": 1}', "[" * 100_000):
        record.write_text(text)
        assert find(tmp_path, sys.executable) == first


def test_a_python_that_vanished_is_not_remembered(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    assert find(tmp_path, str(tmp_path / "env"))
    (tmp_path / "env" / "bin" / "python3").unlink()
    (tmp_path / "env" / "bin" / "python").unlink()
    with pytest.raises(Unavailable):
        find(tmp_path, str(tmp_path / "env"))


def fake(minor: int, name: str = "a") -> Interpreter:
    return Interpreter(Path(f"/{name}/python3.{minor}"), (3, minor, 1), Path(f"/{name}"), (), "PATH")


@pytest.mark.parametrize(
    ("wanted", "there", "order"),
    [
        ((3, 9), (6, 9, 12), [9, 12, 6]),
        ((3, 7), (6, 8, 13), [8, 6, 13]),
        ((3, 14), (6, 8, 13), [13, 8, 6]),
        ((2, 7), (13, 6, 8), [6, 8, 13]),
        ((3, 9), (), []),
    ],
)
def test_nearest(wanted: tuple[int, int], there: tuple[int, ...], order: list[int]) -> None:
    found = [fake(minor) for minor in there] + [fake(minor, "later") for minor in there]
    answer = pythons.nearest(wanted, found)
    assert [i.version[1] for i in answer] == order
    assert all(i.prefix == Path("/a") for i in answer)


def shows(readable: tuple[Path, ...], path: Path) -> bool:
    return any(path == shown or shown in path.parents for shown in readable)


def test_what_is_shown_holds_the_standard_library_and_no_home(tmp_path: Path) -> None:
    [found] = find(tmp_path, sys.executable)
    shown = pythons.readable(found)
    assert shows(shown, found.executable)
    for name in ("json", "ctypes", "sqlite3"):
        module = __import__(name)
        assert shows(shown, Path(os.path.realpath(module.__file__)))
    import _ctypes

    assert shows(shown, Path(os.path.realpath(_ctypes.__file__)))
    assert Path.home() not in shown
    assert not any(Path.home().is_relative_to(path) for path in shown)
    assert not any(path in (Path("/"), Path("/usr"), Path("/usr/local"), Path("/usr/lib")) for path in shown)


def test_a_prefix_that_is_a_home_folder_is_not_shown_whole(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("bin", "lib/python3.9", "secrets"):
        (home / name).mkdir(parents=True)
    (home / "bin" / "python3.9").touch()
    one = Interpreter(home / "bin" / "python3.9", (3, 9, 1), home, (home / "lib" / "python3.9",), "PATH")
    shown = pythons.readable(one)
    assert shows(shown, home / "lib" / "python3.9" / "os.py")
    assert shows(shown, home / "bin" / "python3.9")
    assert not shows(shown, home / "secrets")


@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="no Python of the system's")
def test_the_systems_python_shows_its_library_alone(tmp_path: Path) -> None:
    [found] = find(tmp_path, "/usr/bin/python3")
    shown = pythons.readable(found)
    assert Path("/usr") not in shown
    assert Path("/usr/lib") not in shown
    assert shows(shown, Path(f"/usr/lib/python{found.series}/os.py"))


def test_places_that_cannot_be_looked_into_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PATH taken over from root holds folders closed to others; a name too long fails alike, for root as well."""
    closed = tmp_path / ("x" * 300)
    here = linked(tmp_path / "bin").parent
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, (closed, here))))
    for name in ("PYENV_ROOT", "UV_PYTHON_INSTALL_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(closed))
    [found] = find(tmp_path)
    assert found.found == "PATH"
    assert installer.configuration() in (None, Path("/etc/uv/uv.toml"), Path.home() / ".config/uv/uv.toml")
    assert "UV_NO_PROGRESS" in installer.variables(tmp_path)
    with pytest.raises(Unavailable):
        find(tmp_path, str(closed / "python3"))
