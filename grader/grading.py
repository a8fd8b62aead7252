"""One submission from source to report.

``examine`` runs in the submission's own process and answers in plain JSON values; ``told`` makes the report of such an
answer, in the parent. The score is computed there, once.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from grader.checks import registry as checks
from grader.checks.run import judge
from grader.checks.subject import Subject, deploy_folder
from grader.checks.verdict import Status, Verdict
from grader.facts.asked import LiveEndpoint, into, out
from grader.facts.records import DeployFolder, Facts, Place
from grader.isolation import Channel, Outcome, limit_process
from grader.limits import Limits
from grader.report.model import SubmissionReport
from grader.rubric.marks import Marks
from grader.rubric.model import MANUAL, Rubric
from grader.rubric.score import score
from grader.submission import source as sources
from grader.submission.errors import Unobtainable

if TYPE_CHECKING:
    from grader.asking.errand import Errand
    from grader.onrequest import Answers


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked about a submission, in plain values: it goes to another process.

    ``checks`` are ids in the rubric's order; ``platform`` is the only one to grade, if the caller named one;
    ``every_platform``: those without a folder too. ``check_files``: Python files of the rubric's own checks.
    ``sandboxed``: whether a rehearsal runs in a sandbox; ``pythons``: interpreters that the operator named for it;
    ``live``: what the operator said of the live endpoint.
    """

    checks: tuple[str, ...]
    platforms: tuple[str, ...]
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    requires: dict[str, tuple[str, ...]] = field(default_factory=dict)
    platform: str | None = None
    every_platform: bool = False
    requested: frozenset[str] = frozenset()
    check_files: tuple[str, ...] = ()
    sandboxed: bool = True
    pythons: tuple[str, ...] = ()
    live: dict[str, Any] = field(default_factory=dict)


class Task(NamedTuple):
    """One submission to examine. ``plan`` None: say what is there, judge nothing. ``scratch`` is removed by the caller."""

    source: sources.Source
    scratch: str
    limits: Limits
    exclude: tuple[str, ...] = ()
    plan: Plan | None = None


def plan_of(
    rubric: Rubric,
    *,
    platform: str | None = None,
    requested: frozenset[str] = frozenset(),
    selected: frozenset[str] | None = None,
    sandboxed: bool = True,
    pythons: tuple[str, ...] = (),
    live: Mapping[str, Any] | None = None,
) -> Plan:
    """What ``rubric`` asks; ``selected`` are the only ids to ask, None for all.

    ``sandboxed``, ``pythons`` and ``live`` as in :class:`Plan`.
    """
    items = [
        item
        for section in rubric.sections
        for item in section.items
        if item.check != MANUAL
        and (selected is None or item.id in selected)
        and (item.on_request is None or item.on_request in requested)
    ]
    # A check that others hang on keeps its parameters even when it is not itself reported.
    every = [item for section in rubric.sections for item in section.items if item.check != MANUAL]
    return Plan(
        checks=tuple(item.check for item in items),
        platforms=rubric.platforms,
        parameters={item.check: _plain(item.parameters) for item in every if item.parameters},
        requires={item.check: item.requires for item in every if item.requires},
        platform=platform,
        every_platform=rubric.choose == "all",
        requested=requested,
        check_files=rubric.check_files,
        sandboxed=sandboxed,
        pythons=pythons,
        live=dict(live or {}),
    )


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in parameters.items()}


def examine(task: Task, skip: Mapping[str, str], channel: Channel) -> None:
    """Obtain a submission, gather its facts, and judge them: the work of its process.

    Tells ``channel`` an object with ``problem`` (it could not be obtained), or ``facts`` (nothing was to be judged), or
    ``verdicts`` by platform (``""`` for none).
    """
    if task.plan is None or not task.plan.requested:
        _examine(task, skip, channel, None)
        return
    from grader import onrequest

    # Forked before anything of the submission is here, and before this process limits itself.
    with onrequest.aside() as errand:
        _examine(task, skip, channel, errand)


def _examine(task: Task, skip: Mapping[str, str], channel: Channel, errand: Errand | None) -> None:
    from grader.facts.gather import gather, wanted
    from grader.facts.records import to_json

    began = time.perf_counter()
    scratch = Path(task.scratch)
    scratch.mkdir(parents=True, exist_ok=True)
    channel.stage("obtain")
    try:
        submission = sources.obtain(task.source, scratch, task.limits, exclude=task.exclude, wanted=wanted)
    except Unobtainable as problem:
        channel.done({"problem": str(problem)})
        return
    try:
        fetched = time.perf_counter()
        channel.stage("read")
        note = limit_process(task.limits)
        facts = gather(submission.tree, task.limits, skip=skip, told=channel.at)
        gathered = time.perf_counter()
        answer: dict[str, Any] = {
            "ref": submission.ref,
            "commit": submission.commit,
            "committed_at": submission.committed_at,
            "notes": [*submission.notes, *([note] if note else [])],
        }
        timings = {"fetch": fetched - began, "facts": gathered - fetched}
        if task.plan is None:
            answer["facts"] = to_json(facts)
        else:
            found = None
            if errand is not None:
                from grader import onrequest

                found = onrequest.ask(task, task.plan, facts, submission.tree, errand, channel)
                timings["asking"] = time.perf_counter() - gathered
                gathered = time.perf_counter()
                answer["notes"] += found.notes
                answer["endpoints"] = [out(endpoint) for endpoint in found.endpoints]
            verdicts = verdicts_of(facts, task.plan, found)
            answer["verdicts"] = {
                platform or "": {identifier: _verdict_out(v) for identifier, v in of.items()}
                for platform, of in verdicts.items()
            }
        timings["checks"] = time.perf_counter() - gathered
        answer["timings"] = {name: round(seconds, 4) for name, seconds in timings.items()}
        channel.done(answer)
    finally:
        submission.close()


def homes_of(facts: Facts, plan: Plan) -> dict[str | None, DeployFolder | None]:
    """The platforms to judge and their deploy folders: every one present, the one named, or (None) where there is none."""
    names = plan.parameters.get("folder.present", {}).get("names", ("{platform}_deploy",))
    homes = {platform: deploy_folder(facts, platform, names) for platform in plan.platforms}
    asked: Sequence[str | None]
    if plan.platform is not None:
        asked = [plan.platform]
    elif plan.every_platform:
        asked = plan.platforms
    else:
        asked = [platform for platform in plan.platforms if homes[platform] is not None] or [None]
    # Without any deploy folder no platform is asked about: the first one only says which items there are.
    return {platform: homes.get(platform or plan.platforms[0]) for platform in asked}


def verdicts_of(
    facts: Facts, plan: Plan, answers: Answers | None = None
) -> dict[str | None, dict[str, Verdict]]:
    """The verdicts by platform (see :func:`homes_of`); ``answers`` are what rehearsals and live endpoints showed."""
    registry = checks.load_builtin()
    for file in plan.check_files:
        checks.load_file(file)
    if any(identifier not in registry for identifier in plan.checks):
        checks.load_installed()
    found: dict[str | None, dict[str, Verdict]] = {}
    for platform, home in homes_of(facts, plan).items():
        subject = Subject(facts, platform, home, plan.requested)
        if answers is not None:
            subject = subject._replace(rehearsals=answers.rehearsals, endpoints=answers.endpoints)
        judged = platform or plan.platforms[0]
        ours = [i for i in plan.checks if registry[i].platform in (None, judged)]
        found[platform] = judge(subject, ours, registry, parameters=plan.parameters, requires=plan.requires)
    return found


def told(
    task: Task,
    outcome: Outcome,
    rubric: Rubric,
    *,
    requested: frozenset[str] = frozenset(),
    selected: frozenset[str] | None = None,
    marks: Marks | None = None,
) -> SubmissionReport:
    """The report on one submission."""
    answer = outcome.answer or {}
    excluded = task.exclude
    if outcome.answer is None or "problem" in answer:
        crashed = outcome.answer is None and outcome.stage == "read"
        return SubmissionReport(
            source=task.source.shown,
            ref=None,
            commit=None,
            committed_at=None,
            excluded=excluded,
            outcome="crashed" if crashed else "unreadable",
            problem=outcome.problem or str(answer.get("problem")),
        )
    results = {
        platform or None: {identifier: _verdict_in(v) for identifier, v in of.items()}
        for platform, of in answer["verdicts"].items()
    }
    person = marks.for_submission(task.source.given, task.source.shown) if marks else None
    graded = score(rubric, results, requested=requested, marks=person, selected=selected)
    return SubmissionReport(
        source=task.source.shown,
        ref=answer["ref"],
        commit=answer["commit"],
        committed_at=answer["committed_at"],
        excluded=excluded,
        outcome="graded",
        score=graded.score,
        result=graded.result,
        other_platforms=graded.others,
        notes=(*answer["notes"], *graded.notes),
        timings=answer["timings"],
        endpoints=tuple(into(LiveEndpoint, one) for one in answer.get("endpoints", ())),
    )


def not_reached(task: Task) -> SubmissionReport:
    """The entry of a submission that was not graded before the call ended."""
    return SubmissionReport(
        source=task.source.shown,
        ref=None,
        commit=None,
        committed_at=None,
        excluded=task.exclude,
        outcome="crashed",
        problem="It was not graded: the call ended before; grade it again.",
    )


def _verdict_out(verdict: Verdict) -> dict[str, Any]:
    return {
        "status": verdict.status.value,
        "message": verdict.message,
        "evidence": [[p.path, p.cell, p.line, p.excerpt] for p in verdict.evidence],
        "fraction": verdict.fraction,
        "hint": verdict.hint,
        "more": verdict.more_evidence,
        "because": verdict.because,
        "open": verdict.open,
    }


def _verdict_in(raw: Mapping[str, Any]) -> Verdict:
    return Verdict(
        Status(raw["status"]),
        raw["message"],
        tuple(Place(*place) for place in raw["evidence"]),
        fraction=raw["fraction"],
        hint=raw["hint"],
        more_evidence=raw["more"],
        because=raw["because"],
        open=raw["open"],
    )


def preload(tasks: Sequence[Task]) -> None:
    """Import, before forking, what every child needs: paid once instead of for each submission."""
    from grader.facts import gather

    del gather
    checks.load_builtin()
    if any(task.source.kind == "git" for task in tasks):
        import git

        del git
