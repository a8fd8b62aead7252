"""The list of checks and their pages, made from what stands on the checks."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from grader.checks.registry import Check, Parameter, Registry, Requirement
from grader.checks.verdict import Verdict, passed
from grader.report import explain
from grader.rubric.model import Rubric, RubricItem, Section

EXAMPLE = """This script has one:

    def model_fn(model_dir):
        return load(model_dir)

and that is enough."""


def _ask(subject: object) -> Verdict:
    return passed("There.")


def made(identifier: str, **more: object) -> Check:
    given: dict[str, object] = {
        "title": f"The question of {identifier}",
        "why": "It matters.",
        "example": EXAMPLE,
        "remedy": "Write `model_fn(model_dir)` at <module> level.",
        "function": _ask,
        "requires": (),
        "parameters": {},
        **more,
    }
    return Check(id=identifier, **given)  # type: ignore[arg-type]


@pytest.fixture
def registry() -> Registry:
    found = Registry()
    found.add(made("aws.model-fn", requires=(Requirement("aws.entry-point"),), platform="aws"))
    found.add(made("ours.own", parameters={"names": Parameter("names", list, ("a", "b"))}))
    found.add(made("folder.present", parameters={"least": Parameter("least", int, 3)}))
    found.add(made("tutorial.old"))
    found.add(made("live.up", on_request="live"))
    return found


RUBRIC = Rubric(
    "course",
    1,
    "A course",
    ("aws",),
    "best",
    (
        Section(
            "All",
            (
                RubricItem("folder.present", "folder.present", points=10),
                RubricItem("aws.model-fn", "aws.model-fn", points=1, requires=("folder.present",)),
                RubricItem("tutorial.old", "tutorial.old", penalty=5),
                RubricItem("live.up", "live.up"),
            ),
        ),
    ),
    "00",
)


@pytest.mark.parametrize(
    ("identifier", "told"),
    [
        ("folder.present", "10 points"),
        ("aws.model-fn", "1 point"),
        ("tutorial.old", "deducts up to 5"),
        ("live.up", "told only"),
        ("ours.own", "not asked"),
    ],
)
def test_the_list_tells_what_each_is_worth(registry: Registry, identifier: str, told: str) -> None:
    lines = explain.listing(registry, RUBRIC).splitlines()
    (line,) = [line for line in lines if line.split()[:1] == [identifier]]
    assert line.endswith(told)
    assert f"The question of {identifier}" in line


def test_the_list_is_grouped_by_family_unknown_ones_last(registry: Registry) -> None:
    lines = explain.listing(registry, RUBRIC).splitlines()
    heads = [line for line in lines if line and not line.startswith(" ")][:-1]
    assert heads == [
        "The deploy folder",
        "AWS: SageMaker",
        "The tutorials",
        "The live endpoint (with --live)",
        "ours",
    ]


def test_a_family_alone(registry: Registry) -> None:
    told = explain.listing(registry, RUBRIC, family="aws")
    assert "aws.model-fn" in told
    assert "folder.present" not in told


def test_a_page_tells_all_that_there_is(registry: Registry) -> None:
    told = explain.page(registry["aws.model-fn"], RUBRIC, width=100)
    for line in (
        "aws.model-fn",
        "The question of aws.model-fn",
        "1 point, asked of aws deployments, after aws.entry-point and folder.present",
        "  It matters.",
        "    def model_fn(model_dir):",
        "        return load(model_dir)",
        "  and that is enough.",
        "  Write `model_fn(model_dir)` at <module> level.",
        "  pass: Asked for and there. Earns 1 point.",
        "  fail: Asked for and not there. Earns nothing.",
        "  skipped: Not looked at while `aws.entry-point` or `folder.present` is not met.",
    ):
        assert line in told.splitlines(), told


def test_a_penaltys_page_says_what_it_costs(registry: Registry) -> None:
    told = explain.page(registry["tutorial.old"], RUBRIC, width=100)
    assert "  fail: Asked for and not there. Costs 5 points." in told.splitlines()
    assert "Earns" not in told


def test_a_page_tells_the_parameters(registry: Registry) -> None:
    assert (
        "  names: list of texts, by default [a, b]" in explain.page(registry["ours.own"], RUBRIC).splitlines()
    )
    assert (
        "  least: whole number, by default 3" in explain.page(registry["folder.present"], RUBRIC).splitlines()
    )


def test_the_markdown_page(registry: Registry) -> None:
    page = explain.markdown_page(registry["aws.model-fn"], RUBRIC)
    tokens = MarkdownIt("commonmark").enable("table").parse(page)
    heads = [tokens[i + 1].content for i, t in enumerate(tokens) if t.type == "heading_open"]
    assert heads == ["`aws.model-fn`", "Why", "Example", "How to mend it", "Answers"]
    (fence,) = [t.content for t in tokens if t.type == "fence"]
    assert fence == "def model_fn(model_dir):\n    return load(model_dir)\n"
    assert not [c for t in tokens for c in t.children or () if c.type == "html_inline"]


def test_there_is_a_page_for_each_check_and_the_list_links_them(registry: Registry) -> None:
    pages = explain.documents(registry, RUBRIC)
    assert set(pages) == {"README.md", *(f"{identifier}.md" for identifier in registry.ids())}
    tokens = MarkdownIt("commonmark").enable("table").parse(pages["README.md"])
    links = [c.attrs["href"] for t in tokens for c in t.children or () if c.type == "link_open"]
    assert sorted(map(str, links)) == sorted(f"{identifier}.md" for identifier in registry.ids())
