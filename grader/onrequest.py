"""What is gathered only when asked for: rehearsals and live endpoints, between reading and judging.

What is to be rehearsed or asked is planned here, in the process that reads the submission, from its facts; doing it is the
errand of a process aside (:mod:`grader.asking.errand`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from grader.asking import errand as errands
from grader.asking.errand import Errand, ErrandFailed, Told
from grader.facts.asked import LiveEndpoint, Rehearsal, into, out
from grader.facts.records import DeployFolder, Facts
from grader.isolation import Channel
from grader.limits import Limits
from grader.submission.tree import Tree

if TYPE_CHECKING:
    from grader.grading import Plan, Task
    from grader.rehearsal.plan import Order


class Answers(NamedTuple):
    """What was found by asking, and sentences for the report."""

    rehearsals: tuple[Rehearsal, ...] = ()
    endpoints: tuple[LiveEndpoint, ...] = ()
    notes: tuple[str, ...] = ()


@contextlib.contextmanager
def aside() -> Iterator[Errand]:
    """The process that will do what costs, waiting for its orders."""
    with errands.start(_work) as errand:
        yield errand


def planned(
    facts: Facts, tree: Tree, platform: str, folder: DeployFolder, limits: Limits, stage: Path
) -> Rehearsal | Order:
    """What to rehearse for ``platform``; the files for it are written below ``stage``, a folder that the caller removes."""
    from grader.rehearsal.plan import plan

    stage.mkdir(parents=True, exist_ok=True)
    return plan(facts, tree, folder, platform, limits, stage)


def ask(task: Task, plan: Plan, facts: Facts, tree: Tree, errand: Errand, channel: Channel) -> Answers:
    """Rehearse and ask what ``plan`` requests, for every platform that is judged."""
    from grader.grading import homes_of

    homes = {p: home for p, home in homes_of(facts, plan).items() if p is not None and home is not None}
    done: dict[int, Rehearsal] = {}
    orders: list[dict[str, Any]] = []
    seconds = 0.0
    if "rehearse" in plan.requested:
        for index, (platform, folder) in enumerate(homes.items()):
            stage = Path(task.scratch) / "stage" / platform
            order = planned(facts, tree, platform, folder, task.limits, stage)
            if isinstance(order, Rehearsal):
                done[index] = order
                continue
            done[index] = Rehearsal(platform, "unavailable")
            raw = {"order": order.to_json(), "sandboxed": plan.sandboxed, "pythons": plan.pythons}
            orders.append({"do": "rehearse", "index": index, **raw})
            seconds += task.limits.environment_seconds + task.limits.rehearsal_seconds + 30
    endpoints: list[LiveEndpoint] = []
    if "live" in plan.requested:
        from grader.live.targets import LiveAsked, targets

        asked = LiveAsked(**plan.live)
        for platform, folder in homes.items():
            for target in targets(facts, tree, folder, platform, asked, task.limits):
                orders.append({"do": "live", "target": target.to_json(), "seconds": task.limits.live_seconds})
                seconds += task.limits.live_seconds + 30
    if not orders:
        return Answers(tuple(done.values()))
    channel.asking(seconds)
    try:
        answers = errand.carry_out(orders, seconds, channel.note)
    except ErrandFailed as problem:
        return _failed(done, orders, str(problem))
    finally:
        channel.asked()
    for order_given, answer in zip(orders, answers, strict=True):
        if order_given["do"] == "rehearse":
            done[order_given["index"]] = into(Rehearsal, dict(answer))
        else:
            endpoints.append(into(LiveEndpoint, dict(answer)))
    rehearsals = tuple(done.values())
    if rehearsals and endpoints:
        from grader.live.ping import compare

        endpoints = list(compare(endpoints, rehearsals))
    return Answers(rehearsals, tuple(endpoints))


def _failed(done: Mapping[int, Rehearsal], orders: list[dict[str, Any]], problem: str) -> Answers:
    """Nothing was answered: our trouble throughout."""
    from grader.live.ping import not_asked

    rehearsed = {order["index"] for order in orders if order["do"] == "rehearse"}
    rehearsals = tuple(
        one._replace(outcome="unavailable", problem=problem) if index in rehearsed else one
        for index, one in done.items()
    )
    endpoints = tuple(not_asked(order["target"], problem) for order in orders if order["do"] == "live")
    return Answers(rehearsals, endpoints)


def _work(order: Mapping[str, Any], told: Told) -> Mapping[str, Any]:
    """Carry one order out, in the process aside."""
    if order["do"] == "rehearse":
        from grader.rehearsal.plan import Order
        from grader.rehearsal.rehearse import carry_out
        from grader.rehearsal.settings import Settings

        what = Order.from_json(order["order"])
        settings = Settings(pythons=tuple(order["pythons"]))
        return out(carry_out(what, progress=told, sandboxed=order["sandboxed"], settings=settings))
    from grader.live.ping import ask as ask_live
    from grader.live.targets import Target

    return out(ask_live(Target.from_json(order["target"]), order["seconds"], told))
