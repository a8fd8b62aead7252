"""The command line: arguments in, exit code out; no grading logic. Everything heavy is imported where it is needed."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from grader import __version__
from grader.options import (
    Parser,
    common_options,
    grade_parser,
    limits_of,
    live_of,
    parsed,
    python_option,
    pythons_of,
)
from grader.submission.errors import WrongCall

if TYPE_CHECKING:
    from grader.report.model import Report, SubmissionReport
    from grader.rubric.model import Rubric

GRADED, LOW, WRONG_CALL, UNREADABLE, CRASHED = 0, 1, 2, 3, 4
INTERRUPTED, CLOSED_PIPE = 130, 141
SAVE_EVERY = 10.0  # seconds between two writings of --output while a class is graded
SUBCOMMANDS = ("inspect", "rehearse", "checks", "rubric")


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    try:
        return _dispatch(list(arguments))
    except WrongCall as problem:
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
    if command == "rehearse":
        return _rehearse(arguments[1:])
    if command == "checks":
        return _checks(arguments[1:])
    if command == "rubric":
        return _rubric(arguments[1:])
    return _grade(arguments)


def _load_rubric(path: str | None) -> Rubric:
    from pathlib import Path

    from grader.rubric.load import RubricError, load

    try:
        return load(Path(path) if path is not None else None)
    except RubricError as problem:
        raise WrongCall(f"the rubric is faulty:\n{problem}") from None


def _grade(arguments: list[str]) -> int:
    options = parsed(grade_parser(), arguments)
    if not options.sources:
        raise WrongCall(
            "no SOURCE: name a git URL, a folder or an archive, as in: grade https://github.com/u/r"
        )
    if options.jobs is not None and options.jobs < 1:
        raise WrongCall("--jobs wants a number of 1 or more")
    if options.fail_under is not None and not 0 <= options.fail_under <= 100:
        raise WrongCall("--fail-under wants a percentage from 0 to 100")
    from grader.output import outputs_of

    outputs = outputs_of(options.output, options.format)
    limits = limits_of(options.limit)
    rubric = _load_rubric(options.rubric)
    if options.platform is not None and options.platform not in rubric.platforms:
        raise WrongCall(f"the rubric has no platform {options.platform}, only {', '.join(rubric.platforms)}")
    requested = frozenset(name for name in ("rehearse", "live") if getattr(options, name))
    live = live_of(options)
    if options.no_sandbox and not options.rehearse:
        raise WrongCall("--no-sandbox says how to rehearse: give --rehearse with it")
    if options.python and not options.rehearse:
        raise WrongCall("--python says what to rehearse with: give --rehearse with it")
    selected = _selection(rubric, options.select, options.ignore, requested)
    marks = _load_marks(options.marks, rubric)

    from grader.batch import own_code_only, results, scratch, tasks_of
    from grader.grading import not_reached, plan_of, told
    from grader.report.model import Report, for_audience

    plan = plan_of(
        rubric,
        platform=options.platform,
        requested=requested,
        selected=selected,
        sandboxed=not options.no_sandbox,
        pythons=pythons_of(options.python),
        live=live,
    )
    reports: dict[int, SubmissionReport] = {}
    with scratch() as folder:
        tasks = tasks_of(options.sources, options.ref, folder, limits, exclude=options.exclude, plan=plan)
        if options.no_sandbox:
            own_code_only(task.source for task in tasks)
        if marks:
            marks.announce(task.source.given for task in tasks)

        def finished() -> Report:
            report = Report(
                __version__,
                {"id": rubric.id, "version": rubric.version, "sha256": rubric.sha256},
                rubric.title,
                tuple(reports.get(index) or not_reached(task) for index, task in enumerate(tasks)),
            )
            return for_audience(report, options.audience)

        try:
            with contextlib.closing(results(tasks, options.jobs, limits)) as outcomes:
                saved = time.monotonic()
                for index, outcome in outcomes:
                    reports[index] = told(
                        tasks[index], outcome, rubric, requested=requested, selected=selected, marks=marks
                    )
                    if options.output and time.monotonic() - saved > SAVE_EVERY:
                        _write(
                            finished(), outputs
                        )  # a call that is killed later leaves what was graded by now
                        saved = time.monotonic()
        except (KeyboardInterrupt, SystemExit):
            if reports and options.output:  # what was graded until now is not lost
                _write(finished(), outputs)
            raise
    for note in marks.unused() if marks else ():
        _complain(note, 0)
    report = finished()
    _write(report, outputs)
    return _exit_code(report, options.fail_under)


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
                raise WrongCall(
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
            raise WrongCall(f"{name} is asked only with --{wanted}")
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
        raise WrongCall(f"the marks are faulty:\n{problem}") from None


def _write(report: Report, outputs: Sequence[tuple[str | None, str]]) -> None:
    from grader.output import look, save, show
    from grader.report import formats

    for file, name in outputs:
        if file is None:
            show(formats.render(report, name, **look(sys.stdout)))
        else:
            save(file, formats.render(report, name, width=100, color=False))


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
    parser = Parser(
        prog="grade inspect",
        description="Say what is there, judge nothing.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "sources", metavar="SOURCE", nargs="*", help="git URL (URL@REF), folder, .zip or .tar.gz"
    )
    parser.add_argument(
        "--format", choices=("terminal", "json"), help="default: terminal, or by the output's ending"
    )
    common_options(parser)
    options = parsed(parser, arguments)
    if len(options.sources) != 1:
        raise WrongCall("grade inspect takes one SOURCE, as in: grade inspect https://github.com/u/r")
    from grader.batch import results, scratch, tasks_of
    from grader.output import look, outputs_of, save, show
    from grader.report import inspecting

    outputs = outputs_of(options.output, options.format)
    limits = limits_of(options.limit)
    with scratch() as folder:
        tasks = tasks_of(options.sources, options.ref, folder, limits, exclude=options.exclude)
        ((_, outcome),) = list(results(tasks, 1, limits))
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
            seen = look(sys.stdout) if file is None else {"width": 100}
            text = inspecting.for_people(found, **seen)
        else:
            raise WrongCall(f"grade inspect has the formats terminal and json, not {name}")
        if file is None:
            show(text)
        else:
            save(file, text)
    if problem is None:
        return GRADED
    _complain(str(problem), 0)
    return CRASHED if outcome.answer is None and outcome.stage == "read" else UNREADABLE


def _rehearse(arguments: list[str]) -> int:
    """The rehearsal's checks alone; with ``--serve``, the rehearsed endpoint itself."""
    if "--serve" not in arguments:
        return _grade([*arguments, "--rehearse", "--select", "rehearsal"])
    parser = Parser(
        prog="grade rehearse", description="Keep the rehearsed endpoint up until Ctrl-C.", allow_abbrev=False
    )
    parser.add_argument("sources", metavar="SOURCE", nargs="*", help="a folder, a git URL or an archive")
    parser.add_argument("--serve", action="store_true", help="on loopback, to send requests of one's own")
    parser.add_argument("--port", metavar="N", type=int, help="default: 8080, or a free one")
    parser.add_argument("--platform", choices=("aws", "gcp"), help="default: the first one present")
    parser.add_argument("--no-sandbox", action="store_true", help="your own code only")
    python_option(parser)
    common_options(parser)
    options = parsed(parser, arguments)
    if len(options.sources) != 1:
        raise WrongCall("grade rehearse --serve takes one SOURCE, as in: grade rehearse . --serve")
    if options.output:
        raise WrongCall("grade rehearse --serve writes no report; leave --output out")
    from grader.batch import own_code_only, scratch, tasks_of
    from grader.grading import plan_of
    from grader.rehearsing import serve
    from grader.submission.errors import Unobtainable

    limits = limits_of(options.limit)
    plan = plan_of(
        _load_rubric(None),
        platform=options.platform,
        requested=frozenset({"rehearse"}),
        sandboxed=not options.no_sandbox,
        pythons=pythons_of(options.python),
    )
    with scratch() as folder:
        tasks = tasks_of(options.sources, options.ref, folder, limits, exclude=options.exclude, plan=plan)
        if options.no_sandbox:
            own_code_only(task.source for task in tasks)
        try:
            return serve(tasks[0], plan, port=options.port)
        except Unobtainable as problem:
            return _complain(str(problem), UNREADABLE)


def _checks(arguments: list[str]) -> int:
    parser = Parser(prog="grade checks", description="List the checks, or explain one.", allow_abbrev=False)
    parser.add_argument("id", metavar="ID", nargs="?", help="a check, or a family")
    parser.add_argument("--rubric", metavar="FILE", help="another rubric than cloud-deploy-lab")
    options = parser.parse_args(arguments)
    rubric = _load_rubric(options.rubric)

    from grader.checks import registry as checks
    from grader.output import look, show
    from grader.report import explain

    registry = checks.load_builtin()
    try:
        checks.load_installed()
    except ValueError as problem:
        _complain(str(problem), 0)
    if options.id is None:
        show(explain.listing(registry, rubric, **look(sys.stdout)))
    elif options.id in registry:
        show(explain.page(registry[options.id], rubric, **look(sys.stdout)))
    elif options.id in registry.families():
        show(explain.listing(registry, rubric, family=options.id, **look(sys.stdout)))
    else:
        import difflib

        near = difflib.get_close_matches(options.id, registry.ids(), 1)
        raise WrongCall(
            f"no check is called {options.id!r}"
            + (f"; did you mean {near[0]}?" if near else "; see: grade checks")
        )
    return GRADED


def _rubric(arguments: list[str]) -> int:
    parser = Parser(
        prog="grade rubric", description="Validate a rubric, or print its schema.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    check = commands.add_parser("check", help="validate a rubric", allow_abbrev=False)
    check.add_argument("file", metavar="FILE")
    commands.add_parser("schema", help="print the JSON Schema of the rubric format", allow_abbrev=False)
    options = parser.parse_args(arguments)
    from grader.output import show

    if options.command == "schema":
        import json

        from grader.rubric.schema import json_schema

        show(json.dumps(json_schema(), indent=2, ensure_ascii=False))
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
    show(f"{options.file}: no faults; {len(items)} items, {told}")
    return GRADED
