"""``grade checks``: the list of checks and a page for each, made from what stands on the checks themselves.

The same pages as Markdown are the documentation (``tools/make_docs.py``).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from grader.checks.registry import Check, Parameter, Registry
from grader.patterns import pattern
from grader.report import words
from grader.rubric.model import Rubric, RubricItem

FAMILIES = {
    "folder": "The deploy folder",
    "readme": "Its README",
    "evidence": "Evidence of a prediction",
    "model": "The model",
    "aws": "AWS: SageMaker",
    "gcp": "GCP: AI Platform and Vertex AI",
    "tutorial": "The tutorials",
    "hygiene": "Care",
    "rehearsal": "Rehearsal (with --rehearse)",
    "live": "The live endpoint (with --live)",
}
"""Headings of the families; of others, the family's own name."""


def item_of(check: Check, rubric: Rubric) -> RubricItem | None:
    """The rubric's item that asks ``check``, or None."""
    return next((i for s in rubric.sections for i in s.items if i.check == check.id), None)


def worth(item: RubricItem | None) -> str:
    """``17 points``, ``deducts up to 5``, ``told only``, ``not asked`` (the rubric has no such item)."""
    if item is None:
        return "not asked"
    if item.is_penalty:
        return f"deducts up to {words.amount(item.penalty)}"
    return words.counted_points(item.points) if item.points else "told only"


def answers(check: Check, rubric: Rubric) -> tuple[tuple[str, str], ...]:
    """What each status is worth for ``check`` under ``rubric``: (status, sentence)."""
    item = item_of(check, rubric)
    behind = _listed([f"`{name}`" for name in requirements(check, item)])
    skipped = f"Not looked at while {behind} is not met" if behind else None
    if item is None or not (item.points or item.penalty):
        tail, open_tail = "", ""
    elif item.is_penalty:
        tail, open_tail = "", f" Up to {words.amount(item.penalty)} points are open."
    else:
        tail, open_tail = "", f" {words.counted_points(item.points).capitalize()} are open."
    told = [
        ("pass", f"Asked for and there.{_gain(item, whole=True)}"),
        ("partial", f"Partly there; the message says which part is missing.{_gain(item, whole=False)}"),
        ("fail", f"Asked for and not there.{_loss(item)}{tail}"),
        ("review", f"A person has to look; the message says why, and at what.{open_tail}"),
        ("error", f"The grader or its surroundings failed, which is not the student's doing.{open_tail}"),
    ]
    if skipped:
        told.append(("skipped", f"{skipped}."))
    told.append(("not-applicable", "Does not concern the submission, and counts in neither sum."))
    return tuple(told)


def _gain(item: RubricItem | None, *, whole: bool) -> str:
    if item is None or item.is_penalty or not item.points:
        return ""
    return f" Earns {words.counted_points(item.points)}." if whole else " Earns a share of the points."


def _loss(item: RubricItem | None) -> str:
    if item is None or not (item.points or item.penalty):
        return ""
    return f" Costs {words.counted_points(item.penalty)}." if item.is_penalty else " Earns nothing."


def requirements(check: Check, item: RubricItem | None) -> tuple[str, ...]:
    """The ids that come before ``check``: its own requirements, then the rubric's."""
    own = [r.check for r in check.requires]
    return tuple(dict.fromkeys([*own, *(item.requires if item else ())]))


def _listed(names: list[str]) -> str:
    return " or ".join(names)


def _default(parameter: Parameter) -> str:
    value = parameter.default
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(str(v) for v in value)}]"
    return str(value) if value != "" else '""'


_KINDS = {int: "whole number", float: "number", str: "text", bool: "true or false", list: "list of texts"}


def _begun(text: str) -> str:
    """``text`` with a capital: under a heading of its own it is a sentence, whatever it was behind the colon."""
    return text[:1].upper() + text[1:]


def _paragraphs(text: str) -> Iterator[tuple[bool, str]]:
    """Docstring text as (is code, text): lines indented against their paragraph are code, kept as they stand."""
    # A heading's text begins on the heading's line, so the first line's indent says nothing of the others'.
    first, _, rest = text.partition("\n")
    lines = [first, *inspect.cleandoc("\n" + rest).splitlines()] if rest else [first]
    plain: list[str] = []
    code: list[str] = []
    for line in [*lines, ""]:
        if line.startswith("    ") or (code and not line.strip() and line is not lines[-1]):
            if plain:
                yield False, " ".join(plain)
                plain = []
            code.append(line)
            continue
        if code:
            while code and not code[-1].strip():
                code.pop()
            yield True, inspect.cleandoc("\n" + "\n".join(code))
            code = []
        if line.strip():
            plain.append(line.strip())
        elif plain:
            yield False, " ".join(plain)
            plain = []
    if plain:
        yield False, " ".join(plain)
    if code:
        yield True, inspect.cleandoc("\n" + "\n".join(code).rstrip())


def _families(registry: Registry, rubric: Rubric, family: str | None) -> Iterator[tuple[str, list[Check]]]:
    """The families and their checks in the rubric's order, then by id: which module came first decides nothing."""
    asked = [item.check for section in rubric.sections for item in section.items]
    ordered = sorted(registry, key=lambda c: (asked.index(c.id) if c.id in asked else len(asked), c.id))
    known = sorted(registry.families())
    for name in [*(f for f in FAMILIES if f in known), *(f for f in known if f not in FAMILIES)]:
        if family in (None, name):
            yield name, [check for check in ordered if check.family == name]


def listing(
    registry: Registry,
    rubric: Rubric,
    *,
    family: str | None = None,
    width: int = 80,
    color: bool = False,
    encoding: str = "utf-8",
) -> str:
    """All checks, or those of a family, grouped: id, title, and what the rubric gives for them."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from grader.report.console import drawn

    groups = list(_families(registry, rubric, family))
    longest = max((len(check.id) for _, checks in groups for check in checks), default=0)

    def draw(console: Console) -> None:
        for index, (name, checks) in enumerate(groups):
            if index:
                console.print()
            console.print(Text(FAMILIES.get(name, name), style="bold"))
            grid = Table.grid(padding=(0, 2), expand=True)
            grid.add_column(width=min(longest + 2, console.width // 2), overflow="fold")
            grid.add_column(ratio=1, overflow="fold")
            grid.add_column(justify="right", no_wrap=True)
            for check in checks:
                told = worth(item_of(check, rubric))
                grid.add_row(Text(f"  {check.id}", style="cyan"), Text(check.title), Text(told, style="dim"))
            console.print(grid)
        console.print()
        console.print(
            Text(f"Points are those of the rubric {rubric.id}. More on one: grade checks ID", style="dim")
        )

    return drawn(draw, width=width, color=color, encoding=encoding)


def page(
    check: Check, rubric: Rubric, *, width: int = 80, color: bool = False, encoding: str = "utf-8"
) -> str:
    """One check, explained: what it asks, why, an example, how to mend it, what it hangs on, what a rubric may set."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from grader.report.console import drawn, prose

    item = item_of(check, rubric)

    def draw(console: Console) -> None:
        def section(heading: str, text: str) -> None:
            console.print()
            console.print(Text(heading, style="bold"))
            for index, (is_code, piece) in enumerate(_paragraphs(_begun(text))):
                if index:
                    console.print()
                made = Text(piece, style="cyan") if is_code else prose(piece)
                console.print(Padding(made, (0, 0, 0, 4 if is_code else 2)))

        def rows(heading: str, lines: list[tuple[str, str]]) -> None:
            console.print()
            console.print(Text(heading, style="bold"))
            for name, told in lines:
                row = Text(f"{name}: ", style="cyan").append_text(prose(told, "not bold default"))
                console.print(Padding(row, (0, 0, 0, 2)))

        console.print(Text(check.id, style="bold cyan"))
        console.print(Text(check.title))
        console.print(Text(_circumstances(check, item), style="dim"))
        section("Why", check.why)
        section("Example", check.example)
        section("How to mend it", check.remedy)
        rows("Answers", list(answers(check, rubric)))
        if check.parameters:
            rows("What a rubric may set (with:)", [(n, _parameter(p)) for n, p in check.parameters.items()])

    return drawn(draw, width=width, color=color, encoding=encoding)


def _circumstances(check: Check, item: RubricItem | None) -> str:
    parts = [worth(item)]
    if check.platform:
        parts.append(f"asked of {check.platform} deployments")
    if check.on_request:
        parts.append(f"only with --{check.on_request}")
    behind = requirements(check, item)
    if behind:
        parts.append(f"after {' and '.join(behind)}")
    return ", ".join(parts)


def _parameter(parameter: Parameter) -> str:
    return f"{_KINDS.get(parameter.kind, parameter.kind.__name__)}, by default {_default(parameter)}"


# As Markdown. The texts are the checks' own, which are trusted: they stand as they are, but for bare <angles>.
_ANGLE = pattern(r"(`[^`]*`)|([<>])")


def _markdown(text: str) -> str:
    return _ANGLE.sub(lambda m: m.group(1) or ("&lt;" if m.group(2) == "<" else "&gt;"), text)


def _markdown_text(text: str) -> list[str]:
    lines: list[str] = []
    for is_code, piece in _paragraphs(_begun(text)):
        lines += ["```", piece, "```", ""] if is_code else [_markdown(piece), ""]
    return lines


def markdown_page(check: Check, rubric: Rubric) -> str:
    """The documentation page of one check."""
    item = item_of(check, rubric)
    lines = [
        f"# `{check.id}`",
        "",
        f"**{_markdown(check.title)}**",
        "",
        f"*{_circumstances(check, item)}*",
        "",
    ]
    for heading, text in (("Why", check.why), ("Example", check.example), ("How to mend it", check.remedy)):
        lines += [f"## {heading}", "", *_markdown_text(text)]
    lines += ["## Answers", "", "| Status | Meaning |", "|---|---|"]
    lines += [f"| `{status}` | {_markdown(told)} |" for status, told in answers(check, rubric)]
    lines.append("")
    if check.parameters:
        lines += ["## What a rubric may set", "", "| `with:` | Type | Default |", "|---|---|---|"]
        for name, parameter in check.parameters.items():
            default = _default(parameter).replace("|", "\\|")
            lines.append(
                f"| `{name}` | {_KINDS.get(parameter.kind, parameter.kind.__name__)} | `{default}` |"
            )
        lines.append("")
    lines.append(f"Points are those of the rubric `{rubric.id}`. [All checks](README.md)")
    return "\n".join(lines) + "\n"


def markdown_index(registry: Registry, rubric: Rubric) -> str:
    """The documentation's list of checks."""
    lines = ["# The checks", "", f"One question each; the points are those of the rubric `{rubric.id}`.", ""]
    for name, checks in _families(registry, rubric, None):
        lines += [f"## {FAMILIES.get(name, name)}", "", "| Check | Asks | Worth |", "|---|---|---|"]
        for check in checks:
            title = _markdown(check.title).replace("|", "\\|")
            lines.append(f"| [`{check.id}`]({check.id}.md) | {title} | {worth(item_of(check, rubric))} |")
        lines.append("")
    return "\n".join(lines)


def documents(registry: Registry, rubric: Rubric) -> dict[str, str]:
    """Every page of ``docs/checks`` by file name: the list, and one for each check."""
    pages = {"README.md": markdown_index(registry, rubric)}
    pages.update({f"{check.id}.md": markdown_page(check, rubric) for check in registry})
    return pages
