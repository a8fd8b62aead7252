"""Whether an environment works at all, before anything of a student's runs in it: what is broken there is ours.

A few imports, inside the sandbox, at the first use of an environment; remembered beside it. Asked anew where a rehearsal
did not load: an environment may be damaged later, too.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from grader.rehearsal import cache
from grader.rehearsal.job import CODE, Bounds, Ending, Job
from grader.rehearsal.settings import Unavailable
from grader.text import excerpt

if TYPE_CHECKING:
    from grader.rehearsal.environment import Environment
    from grader.rehearsal.sandbox import Sandbox

_RECORD = "proven.json"
_BOUNDS = Bounds(seconds=60.0, memory=2_000_000_000, cpu_seconds=60.0)

# What of each package loads its compiled parts, where the package is there.
_MODULES = {
    "scikit-learn": ("sklearn.linear_model", "sklearn.ensemble", "sklearn.pipeline"),
    "numpy": ("numpy",),
    "scipy": ("scipy.sparse",),
    "joblib": ("joblib",),
    "pandas": ("pandas",),
}


def prove(environment: Environment, sandbox: Sandbox | None, *, anew: bool = False) -> None:
    """See that ``environment`` imports what it is for, without the student's requirements; ``anew``: whatever is remembered.

    Raises:
        Unavailable: it does not. It is then forgotten, and built again when it is next wanted.
        NoSandbox: it could not be tried.
    """
    place = environment.python.parent.parent
    record = place / _RECORD
    if not anew and (cache.read(record) or {}).get("works") is True:
        return
    there = cache.installed_in(place)
    modules = [name for package, names in _MODULES.items() if package in there for name in names]
    ending, said = _tried(environment, modules, sandbox)
    if ending.code == 0 and ending.limit is None:
        with contextlib.suppress(OSError):  # a cache that is only to be read: asked again next time
            cache.write(record, {"works": True})
        return
    told = said or ending.sentence
    if ending.limit is None and not ending.ours:
        cache.forget(place, _RECORD)
        told += "; it will be built anew next time"
    raise Unavailable(f"The environment that was built does not work here: {told}.")


def _tried(environment: Environment, modules: list[str], sandbox: Sandbox | None) -> tuple[Ending, str]:
    """How importing ``modules`` ended, and the last line that it printed, without a full stop."""
    from grader.rehearsal.sandbox import start

    readable = tuple((path, os.fspath(path)) for path in environment.readable)
    job = Job((os.fspath(environment.python), "-I", f"{CODE}/importing.py", *modules), readable)
    with start(job, _BOUNDS, sandbox=sandbox) as running:
        ending = running.wait(_BOUNDS.seconds + 30)
        lines = running.log().strip().splitlines()
    if ending is None:
        ending = Ending("time", None, "it did not end")
    return ending, excerpt(lines[-1], 200).rstrip(".") if lines and ending.code else ""
