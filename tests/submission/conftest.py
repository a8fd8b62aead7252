"""What the tests of obtaining share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from grader.limits import Limits
from grader.submission import source
from grader.submission.source import Submission

Obtain = Callable[..., Submission]


def everything(paths: Sequence[str]) -> Sequence[str]:
    """All that is there is wanted."""
    return paths


def nothing(paths: Sequence[str]) -> Sequence[str]:
    """Nothing beyond the small files is wanted."""
    return ()


@pytest.fixture(autouse=True)
def no_settings_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No credential helper, proxy or agent of whoever runs the tests takes part."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in (
        "GIT_CONFIG_GLOBAL",
        "XDG_CONFIG_HOME",
        "http_proxy",
        "HTTP_PROXY",
        "ALL_PROXY",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def obtain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Obtain]:
    """Obtain a submission as the command line does, and close it at the end."""
    opened: list[Submission] = []

    def work(
        text: str | Path,
        *,
        ref: str | None = None,
        limits: Limits | None = None,
        exclude: tuple[str, ...] = (),
        wanted: Callable[[Sequence[str]], Sequence[str]] = everything,
        workdir: Path | None = None,
    ) -> Submission:
        where = workdir or tmp_path_factory.mktemp("work")
        found = source.obtain(
            source.parse(str(text), ref), where, limits or Limits(), exclude=exclude, wanted=wanted
        )
        opened.append(found)
        return found

    yield work
    for one in opened:
        one.close()
