"""What went wrong in a rehearsal, by how it shows: what it means, how to mend it, and whose it may be.

A table of known failures. Each row is read off an exception's last line; the first that fits counts. Vendor facts behind
them are of 2026-11-22 (the version tables, SageMaker's and Vertex AI's serving contracts).
"""

from __future__ import annotations

from grader.checks.cause import Cause, Seen
from grader.checks.causes_asking import ASKING
from grader.checks.causes_loading import LOADING

_LIMITS = {
    "memory": ("It took more memory than a rehearsal gives it.", "Load less at once, or deploy a smaller model."),
    "time": (
        "It took longer than a rehearsal gives it.",
        "Keep work out of the script's top level and of model_fn; SageMaker itself waits 60 s for an answer.",
    ),
    "cpu": ("It took more processor time than it may.", "Keep work out of the script's top level and of model_fn."),
    "processes": ("It started more processes than it may.", "Leave out `n_jobs=-1` and processes of your own: one model serves."),
    "output": ("It printed without end.", "Print less: a line for each request will do."),
    "file size": ("It wrote a file that is too large.", "Write no files when serving."),
    "scratch": ("It filled its disk.", "Write no files when serving."),
}  # fmt: skip


def explain(seen: Seen) -> Cause:
    """The cause of a failure; of an unknown one, a cause that only points at the traceback."""
    if seen.limit is not None:
        means, mend = _LIMITS.get(
            seen.limit, (f"It broke the limit on {seen.limit}.", "Do less when serving.")
        )
        return Cause(means, mend, (), whatever=True)
    if (
        seen.rehearsal.python is None
    ):  # the environment stood before anything was run, but for requirements.txt
        return Cause(
            "The container installs `requirements.txt` when it starts, and stops where that fails.",
            "See that `pip install -r requirements.txt` works with the Python that the container has, and loosen what is too strict.",
            ("versions", "requirements"),
            whatever=True,
        )
    for shape, made in (*LOADING, *ASKING):
        match = shape.search(seen.problem)
        cause = made(match, seen) if match else None
        if cause is not None:
            return cause
    return Cause("", "Follow the traceback: mend the line of your own that it names, and try again.")
