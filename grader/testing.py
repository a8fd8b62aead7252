"""The test helper for checks: files in, facts or a verdict out. Ours use it, and a course's own checks may.

>>> from grader.testing import ask
>>> ask("folder.present", {"aws_deploy/README.md": "# Deploying"}).status.value
'pass'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from grader.checks import registry as checks
from grader.checks.run import judge
from grader.checks.subject import Subject, deploy_folder
from grader.checks.verdict import Verdict
from grader.facts.gather import gather
from grader.facts.records import Facts
from grader.limits import Limits
from grader.submission.tree import Entry, Tree, build

Files = Mapping[str, "str | bytes"]
"""A submission as paths and contents."""


def tree_of(files: Files, limits: Limits | None = None) -> Tree:
    """A submission's tree that exists in memory only."""
    contents = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
    entries = [Entry(path, len(raw)) for path, raw in contents.items()]
    return build(entries, lambda path, limit: contents[path][: limit + 1], limits or Limits())


def facts_of(files: Files, limits: Limits | None = None) -> Facts:
    """What the grader sees in ``files``."""
    return gather(tree_of(files, limits), limits or Limits())


def ask(
    check: str,
    submission: Files | Facts,
    *,
    platform: str = "aws",
    requested: frozenset[str] = frozenset(),
    **parameters: Any,
) -> Verdict:
    """The verdict of ``check`` on a submission given as files or as facts, behind all that the check requires.

    ``parameters`` are the check's own, as a rubric's ``with:`` gives them.

    Raises:
        KeyError: no such check.
    """
    registry = checks.load_builtin()
    facts = submission if isinstance(submission, Facts) else facts_of(submission)
    subject = Subject(facts, platform, deploy_folder(facts, platform, ("{platform}_deploy",)), requested)
    return judge(subject, [check], registry, parameters={check: parameters})[check]
