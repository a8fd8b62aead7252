"""What only the whole of a rubric shows: ids that stand twice, requirements of what is not there, circles among them."""

from __future__ import annotations

from collections.abc import Iterator

from grader.checks.registry import Check, Registry
from grader.rubric.faults import did_you_mean, quoted
from grader.rubric.model import MANUAL
from grader.rubric.reading import Read, Reader


def all_items(rubric: Read) -> Iterator[Read]:
    """The items that could be read, in order."""
    sections = rubric.value.get("sections")
    for section in sections.value if sections is not None else ():
        items = section.value.get("items")
        yield from items.value if items is not None else ()


def check_references(reader: Reader, rubric: Read, registry: Registry) -> None:
    """Add the faults of ``rubric`` as a whole to ``reader``; what could not be read is left out."""
    items = list(all_items(rubric))
    _unique(reader, items, registry)
    platforms = rubric.get("platforms")
    if platforms:
        _platforms(reader, items, registry, platforms)
    _requirements(reader, items, registry)


def _id(item: Read) -> Read | None:
    """What an item is called, with its place."""
    check = item.value.get("check")
    found: Read | None = item.value.get("id") if check is not None and check.value == MANUAL else check
    return found


def _is_manual(item: Read) -> bool:
    return bool(item.get("check") == MANUAL)


def _unique(reader: Reader, items: list[Read], registry: Registry) -> None:
    first: dict[str, Read] = {}
    for item in items:
        name = _id(item)
        if name is None:
            continue
        if name.value in first:
            line = first[name.value].line
            message = f"the rubric has {quoted(name.value)} twice; first in line {line}"
            reader.fault(name, message, "reference")
        elif _is_manual(item) and (name.value in registry or name.value == MANUAL):
            message = f"a manual item cannot be called {quoted(name.value)}: that is a check"
            reader.fault(name, message, "reference")
        first.setdefault(name.value, name)


def _platforms(reader: Reader, items: list[Read], registry: Registry, platforms: tuple[str, ...]) -> None:
    for item in items:
        check = item.value.get("check")
        if check is None or check.value not in registry:
            continue
        platform = registry[check.value].platform
        if platform is not None and platform not in platforms:
            message = f"{quoted(check.value)} is asked of {platform} only, and that is not among the rubric's platforms"
            reader.fault(check, message, "reference")


def _requirements(reader: Reader, items: list[Read], registry: Registry) -> None:
    by_id = {name.value: item for item in items if (name := _id(item)) is not None}
    manual = {name for name, item in by_id.items() if _is_manual(item)}
    edges = {check.id: [r.check for r in check.requires] for check in registry}
    for name, item in by_id.items():
        for required in _required(item):
            if required.value not in registry and required.value not in manual:
                hint = (
                    did_you_mean(required.value, [*registry.ids(), *manual]) or "; `grade checks` lists them"
                )
                message = f"{quoted(name)} requires {quoted(required.value)}, which is not there{hint}"
                reader.fault(required, message, "reference")
                continue
            edges.setdefault(name, []).append(required.value)
            if name in manual:
                if required.value not in by_id:
                    message = (
                        f"{quoted(name)} requires {quoted(required.value)}, which is no item of this rubric"
                    )
                    reader.fault(required, message, "reference")
            elif required.value in manual:
                message = (
                    f"{quoted(name)} requires {quoted(required.value)}, a manual item: "
                    "a check is judged before a person marks"
                )
                reader.fault(required, message, "reference")
            if name in registry and required.value in registry:
                _same_ground(reader, required, registry[name], registry[required.value])
    for name, item in by_id.items():
        for required in _required(item):
            way = _way(edges, required.value, name)
            if way is not None:
                circle = " -> ".join((name, *way))
                reader.fault(required, f"requirements go in a circle: {circle}", "reference")


def _required(item: Read) -> list[Read]:
    found = item.value.get("requires")
    return found.value if found is not None else []


def _same_ground(reader: Reader, at: Read, check: Check, required: Check) -> None:
    """A check may wait only for what is asked wherever it is asked itself."""
    if required.platform is not None and required.platform != check.platform:
        asked = f"of {check.platform}" if check.platform else "of every platform"
        message = f"{quoted(check.id)} is asked {asked}, and requires {quoted(required.id)}, asked of {required.platform}"
        reader.fault(at, message, "reference")
    if required.on_request is not None and check.on_request is None:
        message = (
            f"{quoted(check.id)} is always asked, and requires {quoted(required.id)}, "
            f"asked only with --{required.on_request}"
        )
        reader.fault(at, message, "reference")


def _way(edges: dict[str, list[str]], start: str, goal: str) -> tuple[str, ...] | None:
    """A way from ``start`` to ``goal`` along requirements, both included; None where there is none."""
    came: dict[str, str | None] = {start: None}
    waiting = [start]
    while waiting:
        here = waiting.pop()
        if here == goal:
            way = []
            step: str | None = here
            while step is not None:
                way.append(step)
                step = came[step]
            return tuple(reversed(way))
        for following in edges.get(here, ()):
            if following not in came:
                came[following] = here
                waiting.append(following)
    return None
