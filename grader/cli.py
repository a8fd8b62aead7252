"""The command line: arguments in, exit code out; no grading logic. Everything heavy is imported where it is needed."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from grader import __version__
from grader.limits import Limits

if TYPE_CHECKING:
    from grader.grading import Task
    from grader.isolation import Outcome
    from grader.report.model import Report, SubmissionReport
    from grader.rubric.model import Rubric

GRADED, LOW, WRONG_CALL, UNREADABLE, CRASHED = 0, 1, 2, 3, 4
INTERRUPTED, CLOSED_PIPE = 130, 141
SUBCOMMANDS = ("inspect", "checks", "rubric")

_EPILOG = """\
subcommands (as the first word):
  grade inspect SOURCE          say what is there, judge nothing
  grade checks [ID]             list the checks, or explain one
  grade rubric check FILE       validate a rubric
  grade rubric schema           print the JSON Schema of the rubric format

exit codes: 0 graded, 1 below --fail-under, 2 the call is wrong, 3 a submission could not be read, 4 a defect of ours
"""


class WrongCallError(Exception):
    """The call is wrong (exit code 2); the message is one sentence with what to do next."""


class _Parser(argparse.ArgumentParser):
    """An argument parser that says one sentence instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        raise WrongCallError(f"{message}; see {self.prog} --help")


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    try:
        return _dispatch(list(arguments))
    except WrongCallError as problem:
        return _complain(str(problem), WRONG_CALL)
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # Python would flush stdout once more at exit, into the closed pipe.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except Exception as problem:  # whatever it is, it is ours: exit code 4, never 1
        if os.environ.get("GRADE_TRACEBACK") == "1":
            raise
        return _complain(
            f"the grader itself failed: {type(problem).__name__}: {problem} "
            "(set GRADE_TRACEBACK=1 to see where, and report it please)",
            CRASHED,
        )


def _complain(sentence: str, code: int) -> int:
    from grader.text import visible

    with contextlib.suppress(OSError, ValueError):
        print(f"grade: {visible(sentence, keep=chr(10))}", file=sys.stderr)
    return code


def _dispatch(arguments: list[str]) -> int:
    command = arguments[0] if arguments and arguments[0] in SUBCOMMANDS else None
    if command == "inspect":
        return _inspect(arguments[1:])
    if command == "checks":
        return _checks(arguments[1:])
    if command == "rubric":
        return _rubric(arguments[1:])
    return _grade(arguments)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ref", metavar="REF", help="branch, tag or commit to take (git sources)")
    parser.add_argument(
        "--exclude",
        metavar="GLOB",
        action="append",
        default=[],
        help="leave these paths out (gitignore syntax)",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        action="append",
        default=[],
        help="write there instead; format by its ending",
    )
    parser.add_argument(
        "--limit",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="set a bound, as in fetch-seconds=300",
    )


def _grade_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="grade",
        usage="grade SOURCE... [options]",
        description="Grade submissions: git URLs, local folders, or .zip/.tar.gz archives of one.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("sources", metavar="SOURCE", nargs="*", help="git URL (URL@REF), folder, .zip or .tar.gz")
    add("--version", action="version", version=f"grade {__version__}")
    add("--rubric", metavar="FILE", help="another rubric than cloud-deploy-lab")
    add(
        "--platform",
        choices=("aws", "gcp"),
        help="grade this platform only (default: each there; the best counts)",
    )
    add("--format", metavar="FORMAT", help="terminal (default), json, markdown, html or csv")
    _common(parser)
    add("--jobs", metavar="N", type=int, help="submissions at a time (default: the cores)")
    add("--marks", metavar="FILE", help="a person's marks for open and manual items (YAML)")
    add(
        "--audience",
        choices=("student", "staff"),
        default="staff",
        help="student: hide what the rubric hides",
    )
    add("--fail-under", metavar="N", type=float, help="exit 1 when a score's low end is below N percent")
    add("--select", metavar="ID", action="append", default=[], help="only these checks (id or family)")
    add("--ignore", metavar="ID", action="append", default=[], help="all but these checks (id or family)")
    add("--rehearse", action="store_true", help="also run the deployment locally, in a sandbox")
    add("--no-sandbox", action="store_true", help="rehearse without a sandbox: your own code only")
    add("--live", action="store_true", help="also ping the live endpoint")
    for name in ("endpoint", "region", "project", "url"):
        add(
            f"--{name}", metavar=name.upper(), help=f"with --live: the {name}, above what the submission says"
        )
    add("--allow-private", action="store_true", help="with --live: allow addresses that are not public")
    return parser


def _limits(settings: Sequence[str]) -> Limits:
    limits = Limits()
    for setting in settings:
        try:
            limits = limits.with_setting(setting)
        except ValueError as problem:
            raise WrongCallError(str(problem)) from None
    return limits


def _load_rubric(path: str | None) -> Rubric:
    from pathlib import Path

    from grader.rubric.load import RubricError, load

    try:
        return load(Path(path) if path is not None else None)
    except RubricError as problem:
        raise WrongCallError(f"the rubric is faulty:\n{problem}") from None


def _grade(arguments: list[str]) -> int:
    options = _grade_parser().parse_intermixed_args(arguments)
    if not options.sources:
        raise WrongCallError(
            "no SOURCE: name a git URL, a folder or an archive, as in: grade https://github.com/u/r"
        )
    if options.jobs is not None and options.jobs < 1:
        raise WrongCallError("--jobs wants a number of 1 or more")
    if options.fail_under is not None and not 0 <= options.fail_under <= 100:
        raise WrongCallError("--fail-under wants a percentage from 0 to 100")
    outputs = _outputs(options.output, options.format)
    limits = _limits(options.limit)
    rubric = _load_rubric(options.rubric)
    if options.platform is not None and options.platform not in rubric.platforms:
        raise WrongCallError(
            f"the rubric has no platform {options.platform}, only {', '.join(rubric.platforms)}"
        )
    requested = frozenset(name for name in ("rehearse", "live") if getattr(options, name))
    selected = _selection(rubric, options.select, options.ignore, requested)
    marks = _load_marks(options.marks, rubric)

    from grader.grading import plan_of, told
    from grader.report.model import Report, for_audience

    plan = plan_of(rubric, platform=options.platform, requested=requested, selected=selected)
    reports: dict[int, SubmissionReport] = {}
    with _scratch() as scratch:
        tasks = _tasks(options, scratch, limits, plan)

        def finished() -> Report:
            report = Report(
                __version__,
                {"id": rubric.id, "version": rubric.version, "sha256": rubric.sha256},
                rubric.title,
                tuple(reports[index] for index in sorted(reports)),
            )
            return for_audience(report, options.audience)

        try:
            for index, outcome in _results(tasks, options.jobs, limits):
                reports[index] = told(
                    tasks[index], outcome, rubric, requested=requested, selected=selected, marks=marks
                )
        except KeyboardInterrupt:
            if reports and options.output:
                _write(finished(), outputs)
                raise KeyboardInterrupt from None
            raise
    for note in marks.unused() if marks else ():
        _complain(note, 0)
    report = finished()
    _write(report, outputs)
    return _exit_code(report, options.fail_under)


def _tasks(options: Any, scratch: str, limits: Limits, plan: Any) -> list[Task]:
    from grader.grading import Task
    from grader.submission import source as sources
    from grader.submission.errors import Unobtainable, WrongCall

    tasks = []
    for index, text in enumerate(options.sources):
        try:
            source = sources.parse(text, options.ref)
        except WrongCall as problem:
            raise WrongCallError(str(problem)) from None
        except Unobtainable as problem:
            source = sources.refused(text, str(problem))
        tasks.append(Task(source, os.path.join(scratch, str(index)), limits, tuple(options.exclude), plan))  # noqa: PTH118
    return tasks


@contextlib.contextmanager
def _scratch() -> Iterator[str]:
    """A temporary folder that is gone at the end, also when the call is ended from outside."""
    import signal
    import tempfile

    def ended(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    with contextlib.suppress(ValueError):  # not in the main thread: whoever calls us handles signals
        signal.signal(signal.SIGTERM, ended)
    with tempfile.TemporaryDirectory(prefix="grade-", ignore_cleanup_errors=True) as folder:
        yield folder


def _results(tasks: list[Task], jobs: int | None, limits: Limits) -> Iterator[tuple[int, Outcome]]:
    """Examine every task, with progress on a terminal's stderr."""
    import shutil

    from grader.grading import examine, preload
    from grader.isolation import run_all

    preload(tasks)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with _progress(len(tasks)) as advance:
        for index, outcome in run_all(tasks, examine, jobs or cores, limits):
            shutil.rmtree(tasks[index].scratch, ignore_errors=True)
            advance(tasks[index].source.shown)
            yield index, outcome


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Any]:
    """A progress bar on stderr for several submissions on a terminal; nothing in a pipe or in CI."""
    if total < 2 or not sys.stderr.isatty() or os.environ.get("CI") or os.environ.get("TERM") == "dumb":
        yield lambda shown: None
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


def _selection(
    rubric: Rubric, select: Sequence[str], ignore: Sequence[str], requested: frozenset[str]
) -> frozenset[str] | None:
    """The item ids to report, None for all."""
    if not select and not ignore:
        return None
    items = {item.id: item for section in rubric.sections for item in section.items}

    def matching(names: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for name in (part.strip() for text in names for part in text.split(",")):
            ours = {i for i in items if i == name or i.partition(".")[0] == name}
            if not ours:
                import difflib

                near = difflib.get_close_matches(name, [*items, *{i.partition(".")[0] for i in items}], 1)
                raise WrongCallError(
                    f"the rubric has no check {name!r}"
                    + (f"; did you mean {near[0]}?" if near else "; see: grade checks")
                )
            found |= ours
        return found

    chosen = matching(select) if select else set(items)
    chosen -= matching(ignore)
    for name in chosen if select else ():
        wanted = items[name].on_request
        if wanted is not None and wanted not in requested:
            raise WrongCallError(f"{name} is asked only with --{wanted}")
    return frozenset(chosen)


def _load_marks(path: str | None, rubric: Rubric) -> Any:
    if path is None:
        return None
    from pathlib import Path

    from grader.rubric.load import RubricError
    from grader.rubric.marks import load

    try:
        return load(Path(path), rubric)
    except RubricError as problem:
        raise WrongCallError(f"the marks are faulty:\n{problem}") from None


def _outputs(files: Sequence[str], name: str | None) -> list[tuple[str | None, str]]:
    """(file or None for stdout, format) of every output; refuses early what could not be written late."""
    from grader.report import formats

    if name is not None and name not in formats.names():
        import difflib

        near = difflib.get_close_matches(name, formats.names(), 1)
        raise WrongCallError(
            f"no format is called {name!r}"
            + (f"; did you mean {near[0]}?" if near else f"; one of {', '.join(formats.names())}")
        )
    if not files:
        return [(None, name or "terminal")]
    found: list[tuple[str | None, str]] = []
    for file in files:
        chosen = name or formats.of_file(file)
        if chosen is None:
            raise WrongCallError(
                f"the ending of {file} names no format; give --format, one of {', '.join(formats.names())}"
            )
        folder = os.path.dirname(os.path.abspath(file))  # noqa: PTH100, PTH120 - pathlib is not loaded yet
        if os.path.isdir(file) or not os.path.isdir(folder):  # noqa: PTH112
            raise WrongCallError(
                f"{file} cannot be written: {'it is a folder' if os.path.isdir(file) else 'its folder does not exist'}"
            )
        if not os.access(file if os.path.exists(file) else folder, os.W_OK):  # noqa: PTH110
            raise WrongCallError(f"{file} cannot be written: no permission")
        found.append((file, chosen))
    return found


def _write(report: Report, outputs: Sequence[tuple[str | None, str]]) -> None:
    from grader.report import formats

    for file, name in outputs:
        if file is None:
            _print(formats.render(report, name, **_look(sys.stdout)))
        else:
            _save(file, formats.render(report, name, width=100, color=False))


def _look(stream: TextIO) -> dict[str, Any]:
    """Width and colour for a stream."""
    import shutil

    terminal = stream.isatty()
    plain = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb" or bool(os.environ.get("CI"))
    width = shutil.get_terminal_size((80, 24)).columns if terminal or "COLUMNS" in os.environ else 80
    return {"width": max(40, min(width, 120)), "color": terminal and not plain}


def _print(text: str) -> None:
    with contextlib.suppress(AttributeError):
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def _save(file: str, text: str) -> None:
    """Write ``file`` whole or not at all: a call that is killed leaves the old one."""
    from pathlib import Path

    target = Path(file)
    try:
        if target.exists() and not target.is_file():  # a pipe, a device
            target.write_text(text, encoding="utf-8")
            return
        beside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            beside.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as problem:
        raise WrongCallError(f"{file} cannot be written: {problem.strerror or problem}") from None


def _exit_code(report: Report, fail_under: float | None) -> int:
    code = GRADED
    for submission in report.submissions:
        if submission.outcome == "unreadable":
            code = max(code, UNREADABLE)
        elif submission.outcome == "crashed":
            code = max(code, CRASHED)
        elif fail_under is not None and submission.score is not None:
            score = submission.score
            percent = 100 * score.low / score.possible if score.possible else 100.0
            code = max(code, LOW if percent < fail_under else GRADED)
    return code


def _inspect(arguments: list[str]) -> int:
    parser = _Parser(
        prog="grade inspect",
        description="Say what is there, judge nothing.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "sources", metavar="SOURCE", nargs="+", help="git URL (URL@REF), folder, .zip or .tar.gz"
    )
    parser.add_argument(
        "--format", choices=("terminal", "json"), help="default: terminal, or by the output's ending"
    )
    _common(parser)
    options = parser.parse_intermixed_args(arguments)
    if len(options.sources) > 1:
        raise WrongCallError("grade inspect takes one SOURCE at a time")
    outputs = _outputs(options.output, options.format)
    limits = _limits(options.limit)
    from grader.report import inspecting

    with _scratch() as scratch:
        tasks = _tasks(options, scratch, limits, None)
        ((_, outcome),) = list(_results(tasks, 1, limits))
    shown = tasks[0].source.shown
    answer = outcome.answer or {}
    problem = outcome.problem or answer.get("problem")
    if problem is not None:
        found = inspecting.problem_json(shown, str(problem))
    else:
        found = inspecting.inspect_json(answer["facts"], shown, answer["commit"])
    for file, name in outputs:
        if name == "json":
            text = inspecting.as_text(found)
        elif name == "terminal":
            text = inspecting.for_people(found, **_look(sys.stdout))
        else:
            raise WrongCallError(f"grade inspect has the formats terminal and json, not {name}")
        if file is None:
            _print(text)
        else:
            _save(file, text)
    if problem is None:
        return GRADED
    _complain(str(problem), 0)
    return CRASHED if outcome.answer is None and outcome.stage == "read" else UNREADABLE


def _checks(arguments: list[str]) -> int:
    parser = _Parser(prog="grade checks", description="List the checks, or explain one.", allow_abbrev=False)
    parser.add_argument("id", metavar="ID", nargs="?", help="a check, or a family")
    parser.add_argument("--rubric", metavar="FILE", help="another rubric than cloud-deploy-lab")
    options = parser.parse_args(arguments)
    rubric = _load_rubric(options.rubric)

    from grader.checks import registry as checks
    from grader.report import explain

    registry = checks.load_builtin()
    try:
        checks.load_installed()
    except ValueError as problem:
        _complain(str(problem), 0)
    if options.id is None:
        _print(explain.listing(registry, rubric, **_look(sys.stdout)))
    elif options.id in registry:
        _print(explain.page(registry[options.id], rubric, **_look(sys.stdout)))
    elif options.id in registry.families():
        _print(explain.listing(registry, rubric, family=options.id, **_look(sys.stdout)))
    else:
        import difflib

        near = difflib.get_close_matches(options.id, registry.ids(), 1)
        raise WrongCallError(
            f"no check is called {options.id!r}"
            + (f"; did you mean {near[0]}?" if near else "; see: grade checks")
        )
    return GRADED


def _rubric(arguments: list[str]) -> int:
    parser = _Parser(
        prog="grade rubric", description="Validate a rubric, or print its schema.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    check = commands.add_parser("check", help="validate a rubric", allow_abbrev=False)
    check.add_argument("file", metavar="FILE")
    commands.add_parser("schema", help="print the JSON Schema of the rubric format", allow_abbrev=False)
    options = parser.parse_args(arguments)
    if options.command == "schema":
        import json

        from grader.rubric.schema import json_schema

        _print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
        return GRADED
    from pathlib import Path

    from grader.rubric.load import RubricError, load

    try:
        rubric = load(Path(options.file))
    except RubricError as problem:
        return _complain(f"the rubric is faulty:\n{problem}", WRONG_CALL)
    items = [item for section in rubric.sections for item in section.items]
    totals = {
        platform: sum(item.points for _, item in rubric.items(platform)) for platform in rubric.platforms
    }
    told = ", ".join(f"{total:g} points on {platform}" for platform, total in totals.items())
    _print(f"{options.file}: no faults; {len(items)} items, {told}")
    return GRADED
