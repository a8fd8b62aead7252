"""An index and a cache of the test's own, for all that needs an environment and no real package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from grader.rehearsal.environment import Environment, Settings, Wanted, prepare
from tests.rehearsal.wheels import wheel

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
SKLEARN = ("scikit-learn", "1.2.1")


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
