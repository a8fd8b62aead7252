"""A rehearsal, carried out: environment, sandbox, server, probe.

What goes wrong on our side (no environment, no sandbox) makes it ``unavailable``; what the student's requirements or code
break is what it showed. Nothing is decided here: the checks judge the record.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from grader.facts.asked import Attempt, Rehearsal, Stage
from grader.facts.secrets import hide
from grader.patterns import pattern
from grader.rehearsal.job import CODE, Bounds, Job, NoSandbox
from grader.rehearsal.plan import CODE_DIR, MODEL_DIR, Order
from grader.rehearsal.settings import Progress, RequirementsFailed, Settings, Unavailable, quiet

if TYPE_CHECKING:
    from grader.rehearsal.environment import Environment
    from grader.rehearsal.sandbox import Running, Sandbox

_CONFIG = "/opt/ml/config"
_LOG_LINES = 20
_LONGEST_TEMPORARY = 80  # bytes of the temporary folder's path
_MOST_PACKAGES = 60


class Served(NamedTuple):
    """A server that is up: the unix socket to ask it at, what runs, the record of how it was started, and in what."""

    address: Path
    running: Running
    about: Rehearsal
    bounds: Bounds
    environment: Environment


def carry_out(
    order: Order, *, progress: Progress = quiet, sandboxed: bool = True, settings: Settings | None = None
) -> Rehearsal:
    """Rehearse what ``order`` says. Never raises for what a submission does, nor for what this machine lacks.

    ``sandboxed`` False is ``--no-sandbox``, for one's own code. ``progress`` is told what takes time.
    """
    from grader.rehearsal.probe import probe

    began = time.monotonic()
    about = order.about
    try:
        with serve(order, progress=progress, sandboxed=sandboxed, settings=settings) as served:
            progress("asking the rehearsed server")
            about = served.about
            asked = probe(served.address, order.contract, order.payloads, served.bounds, served.running)
            ending = served.running.ended()
            reached = served.running.reached()
        if asked.loads.ok is False and asked.loads.limit is None:
            # Before that is the student's: the environment may have been damaged since it was built.
            _proven_anew(served, sandboxed=sandboxed)
    except RequirementsFailed as problem:
        about = about._replace(loads=Stage(False, str(problem), limit=None))
        return about._replace(seconds=_since(began))
    except (Unavailable, NoSandbox) as problem:
        return about._replace(outcome="unavailable", problem=str(problem), seconds=_since(began))
    if ending is not None and ending.ours:
        return about._replace(outcome="unavailable", problem=ending.sentence, seconds=_since(began))
    loads, ping = _limited(asked.loads, reached), _limited(asked.ping, reached)
    showed = about._replace(
        loads=loads,
        ping=ping,
        attempts=tuple(_attempt(one, reached) for one in asked.attempts),
        warnings=asked.warnings,
        log=asked.log[-_LOG_LINES:],
        seconds=_since(began),
    )
    return _fit_to_tell(showed)


@contextlib.contextmanager
def serve(
    order: Order, *, progress: Progress = quiet, sandboxed: bool = True, settings: Settings | None = None
) -> Iterator[Served]:
    """The server of ``order``, started; leaving the context ends it and all that came of it.

    Raises:
        Unavailable, NoSandbox: trouble of ours.
        RequirementsFailed: what the student's requirements ask for can be installed by nobody.
    """
    from grader.rehearsal.environment import Wanted, prepare
    from grader.rehearsal.proof import prove
    from grader.rehearsal.sandbox import find, start

    sandbox = find() if sandboxed else None
    settings = (settings or Settings())._replace(seconds=order.environment_seconds)
    whole = not any(kind == "requirements" for kind, _ in order.about.doubts)
    wanted = Wanted(order.python, order.packages, order.requirements, whole)
    environment = prepare(wanted, settings=settings, progress=progress)
    prove(environment, sandbox)
    bounds = Bounds(
        seconds=order.seconds, memory=order.memory, processes=order.processes, cpu_seconds=order.seconds
    )
    with _listener() as (address, listener):
        job = _job(order, environment, listener, sandbox)
        progress("starting the rehearsed server")
        with start(job, bounds, sandbox=sandbox) as running:
            yield Served(address, running, _about(order, environment, sandboxed), bounds, environment)


def _proven_anew(served: Served, *, sandboxed: bool) -> None:
    from grader.rehearsal.proof import prove
    from grader.rehearsal.sandbox import find

    prove(served.environment, find() if sandboxed else None, anew=True)


@contextlib.contextmanager
def _listener() -> Iterator[tuple[Path, socket.socket]]:
    """A listening unix socket in a folder that only this user may enter, and no sandbox sees."""
    usual = tempfile.gettempdir()
    # The address of a unix socket has at most 107 bytes.
    short = usual if len(os.fsencode(usual)) < _LONGEST_TEMPORARY else "/tmp"  # noqa: S108 - a folder of its own in it
    folder = Path(tempfile.mkdtemp(prefix="grade-", dir=short))
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        address = folder / "server"
        listener.bind(os.fspath(address))
        listener.listen(16)
        yield address, listener
    finally:
        listener.close()
        shutil.rmtree(folder, ignore_errors=True)


def _job(order: Order, environment: Environment, listener: socket.socket, sandbox: Sandbox | None) -> Job:
    """The server's command, and all that it sees; its configuration is written beside the staged files."""
    from grader.rehearsal.sandbox import place

    stage = Path(order.stage)
    config_folder = stage / "config"
    readable = (
        (stage / "model", MODEL_DIR),
        (stage / "code", CODE_DIR),
        (config_folder, _CONFIG),
        *((path, os.fspath(path)) for path in environment.readable),
    )
    variables = {"SM_MODEL_DIR": MODEL_DIR, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    if order.contract == "sagemaker":
        variables |= {
            "SAGEMAKER_BASE_DIR": "/opt/ml",
            "SAGEMAKER_PROGRAM": order.program or "",
            "SAGEMAKER_SUBMIT_DIRECTORY": order.code_dir or CODE_DIR,
            "SAGEMAKER_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
        }
    command = (os.fspath(environment.python), "-I", f"{CODE}/server.py", f"{_CONFIG}/config.json")
    job = Job(command, readable, variables, listener=listener)
    config = {
        "contract": order.contract,
        "model_dir": place(job, MODEL_DIR, sandbox=sandbox),
        "program": order.program,
        "code_dir": place(job, order.code_dir, sandbox=sandbox) if order.code_dir else None,
        "transform_fn": order.transform_fn,
        "paths": [os.fspath(path) for path in environment.extra_path],
    }
    config_folder.mkdir(mode=0o755, exist_ok=True)
    config_folder.chmod(0o755)
    file = config_folder / "config.json"
    file.write_text(json.dumps(config), encoding="utf-8")
    file.chmod(0o644)
    return job


def _about(order: Order, environment: Environment, sandboxed: bool) -> Rehearsal:
    """What is known once the environment stands."""
    doubts = tuple((_kind(note), note) for note in environment.notes)
    notes = () if sandboxed else ("it ran without a sandbox",)
    about = order.about
    return about._replace(
        python=environment.python_version,
        packages=tuple(sorted(environment.packages, key=_telling))[:_MOST_PACKAGES],
        notes=(*about.notes, *notes, *environment.notes),
        doubts=(*about.doubts, *doubts),
    )


def _telling(package: tuple[str, str]) -> bool:
    """What is no part of the platform's comes last, and is what a long list loses."""
    return package[0] not in ("scikit-learn", "numpy", "scipy", "pandas", "joblib")


def _kind(note: str) -> str:
    """What a note of the environment's is about: the Python and scikit-learn, or one other package."""
    first = note.split(" ", 1)[0].strip("`")
    return "versions" if first in ("Python", "scikit-learn") or not first.isascii() else first.lower()


def _limited(stage: Stage, reached: tuple[str, ...]) -> Stage:
    """A failure behind which lies a bound that was reached."""
    return (
        stage._replace(limit=reached[0]) if stage.ok is False and stage.limit is None and reached else stage
    )


def _attempt(one: Attempt, reached: tuple[str, ...]) -> Attempt:
    return (
        one._replace(limit=reached[0]) if one.problem is not None and one.limit is None and reached else one
    )


_CUT = pattern(
    r"[A-Za-z0-9/+=_-]{16,}(…|\.\.\.)$"
)  # at a text's cut end: it may be half a key, which has no form
_PACKAGES = pattern(r"/[^\s'\"()<>:,]*?/(?:site|dist)-packages/")
_LIBRARY = pattern(r"/[^\s'\"()<>:,]*?/(lib(?:64)?/python3\.[0-9]+/)")


def _fit_to_tell(showed: Rehearsal) -> Rehearsal:
    """The record without credentials, which code can print, and without the folders of this machine, which tracebacks name."""

    def plain(text: str) -> str:
        return _LIBRARY.sub(r"\1", _PACKAGES.sub("", _CUT.sub(r"***\1", hide(text))))

    def stage(one: Stage) -> Stage:
        return one._replace(problem=one.problem and plain(one.problem), trace=tuple(map(plain, one.trace)))

    return showed._replace(
        loads=stage(showed.loads),
        ping=stage(showed.ping),
        attempts=tuple(
            one._replace(
                problem=one.problem and plain(one.problem),
                trace=tuple(map(plain, one.trace)),
                answer=plain(one.answer),
                prediction=tuple(map(plain, one.prediction)),
            )
            for one in showed.attempts
        ),
        warnings=tuple(map(plain, showed.warnings)),
        log=tuple(map(plain, showed.log)),
    )


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
