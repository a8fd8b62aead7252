"""Many submissions in one call: examined in parallel, with progress, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import NoReturn

from grader.grading import Plan, Task, examine, preload
from grader.isolation import Outcome, run_all
from grader.limits import Limits
from grader.submission import source as sources
from grader.submission.errors import Unobtainable
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
    with _progress(len(tasks)) as advance:
        for index, outcome in run_all(tasks, examine, jobs or cores, limits):
            shutil.rmtree(tasks[index].scratch, ignore_errors=True)
            advance(tasks[index].source.shown)
            yield index, outcome


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar on stderr for several submissions on a terminal; nothing in a pipe or in CI."""
    if total < 2 or not sys.stderr.isatty() or os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        yield _quiet
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    from grader.text import visible

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    # No refresh thread: this process forks, and stays single-threaded for that.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True) as bar:
        task = bar.add_task("", total=total)
        bar.refresh()

        def advance(shown: str) -> None:
            bar.update(task, advance=1, description=Text(visible(shown)).plain[-50:])
            bar.refresh()

        yield advance


def _quiet(shown: str) -> None:
    del shown
