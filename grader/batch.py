"""Many submissions in one call: examined in parallel, with progress, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import NoReturn

from grader.grading import Plan, Task, examine, preload
from grader.isolation import Outcome, run_all
from grader.limits import Limits
from grader.submission import source as sources
from grader.submission.errors import Unobtainable, WrongCall
from grader.submission.exclude import matcher


def tasks_of(
    given: Sequence[str],
    ref: str | None,
    folder: str,
    limits: Limits,
    *,
    exclude: Sequence[str] = (),
    plan: Plan | None = None,
) -> list[Task]:
    """A task for each source as the user gave it; one that cannot be a source is a task that says so.

    Raises:
        WrongCall: a ref where none can be, or a glob of ``exclude`` that is none.
    """
    matcher(tuple(exclude))
    tasks = []
    for index, text in enumerate(given):
        try:
            source = sources.parse(text, ref)
        except Unobtainable as problem:
            source = sources.refused(text, str(problem))
        tasks.append(Task(source, f"{folder}/{index}", limits, tuple(exclude), plan))
    return tasks


def own_code_only(given: Iterable[sources.Source]) -> None:
    """Refuse to run without a sandbox what was fetched or handed in.

    Raises:
        WrongCall: one of them is anything but a folder of one's own.
    """
    for source in given:
        if source.kind not in ("folder", "refused"):
            raise WrongCall(
                f"--no-sandbox is for your own code in a local folder, and {source.shown} is none; rehearse it in the sandbox"
            )


@contextlib.contextmanager
def scratch() -> Iterator[str]:
    """A temporary folder that is gone at the end, also when the call is ended from outside."""
    import signal
    import tempfile

    def ended(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    with contextlib.suppress(ValueError):  # not in the main thread: whoever calls us handles signals
        signal.signal(signal.SIGTERM, ended)
    with tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True) as folder:
        yield folder


def results(
    tasks: Sequence[Task], jobs: int | None, limits: Limits
) -> Generator[tuple[int, Outcome], None, None]:
    """Examine every task, with progress on a terminal's stderr."""
    import shutil

    preload(tasks)
    if len(tasks) > 1:
        from grader.warm import warm

        warm(tasks[0].plan)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with _progress(tasks) as progress:
        for index, outcome in run_all(tasks, examine, jobs or cores, limits, progress.note):
            shutil.rmtree(tasks[index].scratch, ignore_errors=True)
            progress.advance(index)
            yield index, outcome


class _Progress:
    """What is told on stderr while submissions are graded: here nothing, as in a pipe or in CI."""

    def advance(self, index: int) -> None:
        """One submission is done."""

    def note(self, index: int, sentence: str) -> None:
        """What is being done for one, where that takes long."""


class _Lines(_Progress):
    """A line for each thing that takes long; with several submissions, a bar below."""

    def __init__(
        self, tasks: Sequence[Task], write: Callable[[str], None], step: Callable[[str], None]
    ) -> None:
        self._tasks, self._write, self._step = tasks, write, step

    def advance(self, index: int) -> None:
        self._step(self._shown(index)[-50:])

    def note(self, index: int, sentence: str) -> None:
        from grader.text import visible

        whose = f"{self._shown(index)}: " if len(self._tasks) > 1 else ""
        self._write(f"grade: {whose}{visible(sentence)}")

    def _shown(self, index: int) -> str:
        from grader.text import visible

        return visible(self._tasks[index].source.shown)


@contextlib.contextmanager
def _progress(tasks: Sequence[Task]) -> Iterator[_Progress]:
    """Progress on stderr, if that is a terminal: a bar for several submissions, and a line for what takes long."""
    if not sys.stderr.isatty() or os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        yield _Progress()
        return
    if len(tasks) < 2:
        yield _Lines(tasks, lambda line: print(line, file=sys.stderr, flush=True), lambda _: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    # No refresh thread: this process forks, and stays single-threaded for that.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True) as bar:
        task = bar.add_task("", total=len(tasks))
        bar.refresh()

        def step(shown: str) -> None:
            bar.update(task, advance=1, description=shown)
            bar.refresh()

        yield _Lines(tasks, lambda line: bar.console.print(Text(line)), step)
