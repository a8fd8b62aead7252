"""Ask checks about a submission, requirements first. A check that raises is one ``error``, and the others go on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from grader.checks.registry import Check, Registry, Requirement
from grader.checks.subject import Subject
from grader.checks.verdict import Status, Verdict, error, skipped


def unmet(requirement: Requirement, verdict: Verdict) -> bool:
    """Whether ``verdict`` leaves ``requirement`` unmet (contract, section 3)."""
    if verdict.status is Status.PARTIAL:
        return requirement.whole
    return verdict.status in (Status.FAIL, Status.SKIPPED, Status.ERROR)


def judge(
    subject: Subject,
    wanted: Iterable[str],
    registry: Registry,
    *,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    requires: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, Verdict]:
    """The verdicts of the checks ``wanted`` and of all that they require, by id.

    ``parameters`` and ``requires`` are the rubric's, by check; the latter come on top of the check's own. A cycle
    among requirements has been refused by the rubric's validation.
    """
    parameters = parameters or {}
    requires = requires or {}
    verdicts: dict[str, Verdict] = {}

    def ask(identifier: str) -> Verdict:
        if identifier not in verdicts:
            item = registry[identifier]
            verdicts[identifier] = _behind(item) or _asked(item)
        return verdicts[identifier]

    def _behind(item: Check) -> Verdict | None:
        waiting: Verdict | None = None
        for requirement in (*item.requires, *(Requirement(i) for i in requires.get(item.id, ()))):
            verdict = ask(requirement.check)
            if not unmet(requirement, verdict):
                continue
            is_open = verdict.status is Status.ERROR or (verdict.status is Status.SKIPPED and verdict.open)
            because = (
                verdict.because if verdict.status is Status.SKIPPED and verdict.because else requirement.check
            )
            found = skipped(because, open=is_open, title=registry[because].title)
            if not is_open:  # a definite failure weighs more than an undecided one
                return found
            waiting = waiting or found
        return waiting

    def _asked(item: Check) -> Verdict:
        try:
            verdict: object = item(subject, **parameters.get(item.id, {}))
        except Exception as problem:  # any defect of a check is one item's error
            return error(
                f"The check itself failed ({type(problem).__name__}: {problem}); this is not the student's doing."
            )
        if not isinstance(verdict, Verdict):
            return error(
                f"The check returned {type(verdict).__name__} instead of a verdict; this is not the student's doing."
            )
        return verdict

    for identifier in wanted:
        ask(identifier)
    return verdicts
