"""The options of the command line: what each call takes, and what the words given for it mean."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any, NoReturn

from grader import __version__
from grader.limits import Limits
from grader.submission.errors import WrongCall

_EPILOG = """\
subcommands (as the first word):
  grade inspect SOURCE          say what is there, judge nothing
  grade rehearse SOURCE         run the deployment locally, in a sandbox; --serve keeps it up
  grade checks [ID]             list the checks, or explain one
  grade rubric check FILE       validate a rubric
  grade rubric schema           print the JSON Schema of the rubric format

exit codes: 0 graded, 1 below --fail-under, 2 the call is wrong, 3 a submission could not be read, 4 a defect of ours
"""


class Parser(argparse.ArgumentParser):
    """An argument parser that says one sentence instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        raise WrongCall(f"{message}; see {self.prog} --help")


def common_options(parser: argparse.ArgumentParser) -> None:
    """What every call that takes a source has."""
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


def grade_parser() -> argparse.ArgumentParser:
    """The parser of ``grade SOURCE...``."""
    parser = Parser(
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
    common_options(parser)
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
    python_option(parser)
    add("--live", action="store_true", help="also ping the live endpoint")
    for name in ("endpoint", "region", "project", "url"):
        add(
            f"--{name}", metavar=name.upper(), help=f"with --live: the {name}, above what the submission says"
        )
    add("--allow-private", action="store_true", help="with --live: allow addresses that are not public")
    add(
        "--allow-endpoint",
        metavar="ACCOUNT",
        action="append",
        default=[],
        help="with --live: an account, a project or an ARN whose endpoints students may name; repeatable",
    )
    return parser


def python_option(parser: argparse.ArgumentParser) -> None:
    """``--python``, of the calls that rehearse."""
    parser.add_argument(
        "--python",
        metavar="PATH",
        action="append",
        default=[],
        help="an interpreter to rehearse with, where its version fits (repeatable)",
    )


def pythons_of(given: Sequence[str]) -> tuple[str, ...]:
    """Absolute paths of interpreters, for a process that may stand in another folder.

    Raises:
        WrongCall: one of them is no program.
    """
    import shutil

    found = [shutil.which(path) for path in given]
    for path, executable in zip(given, found, strict=True):
        if executable is None:
            raise WrongCall(f"--python {path} is no program that can be run; give the path of an interpreter")
    return tuple(os.path.abspath(path) for path in found if path is not None)  # noqa: PTH100 - keeps a venv's link


def parsed(parser: argparse.ArgumentParser, arguments: list[str]) -> argparse.Namespace:
    """Options and sources in any order; behind ``--`` everything is a source."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_intermixed_args(arguments[:end])
    options.sources = [*options.sources, *arguments[end + 1 :]]
    return options


def limits_of(settings: Sequence[str]) -> Limits:
    """The bounds with the settings of ``--limit``.

    Raises:
        WrongCall: no such bound, or no number.
    """
    limits = Limits()
    for setting in settings:
        try:
            limits = limits.with_setting(setting)
        except ValueError as problem:
            raise WrongCall(str(problem)) from None
    return limits


def live_of(options: argparse.Namespace) -> dict[str, Any]:
    """What the operator said of the live endpoint, for :class:`grader.live.targets.LiveAsked`; empty without ``--live``.

    Raises:
        WrongCall: something is said of it that cannot be, or without ``--live``.
    """
    named = {name: getattr(options, name) for name in ("endpoint", "region", "project", "url")}
    given = [f"--{name}" for name, value in named.items() if value is not None]
    given += ["--allow-private"] if options.allow_private else []
    given += ["--allow-endpoint"] if options.allow_endpoint else []
    if given and not options.live:
        raise WrongCall(f"{given[0]} says what to ask for: give --live with it")
    if not options.live:
        return {}
    from grader.live.targets import LiveAsked, wrong_call

    asked = {**named, "allow_private": options.allow_private, "allow": tuple(options.allow_endpoint)}
    problem = wrong_call(LiveAsked(**asked))
    if problem is not None:
        raise WrongCall(problem)
    return asked
