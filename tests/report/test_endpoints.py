"""Live endpoints in a report: what is up, what it takes to delete it, and texts from out there that do nothing."""

from __future__ import annotations

import json
import re

import pytest
from markdown_it import MarkdownIt
from report_samples import CLEAN, OPEN, UNREADABLE, report

from grader.facts.asked import Attempt, LiveEndpoint
from grader.report import formats
from grader.report.model import for_audience

DELETE = "aws sagemaker delete-endpoint --endpoint-name penguins --region us-east-1"
UP = LiveEndpoint(
    "aws", "sagemaker", "penguins", "endpoint.yaml", "in-service", region="us-east-1", account="123456789012", age=7_300.0,
    delete=DELETE, attempts=(Attempt("one row of JSON", "application/json", "[[1]]", 200, "[0]", ("0",)),),
)  # fmt: skip
ADDRESS = UP._replace(
    kind="url", name="https://a.example/p", region=None, account=None, age=None, delete=None
)
HEAD = "Endpoints that are up, and cost money:"
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
HOSTILE = "\x1b[2J\u202e<script>alert(1)</script> [x](http://evil.example) `` ` `` | # a\nb"


def one_line(text: str) -> str:
    """A text without its folds and without what Markdown puts before signs."""
    return " ".join(text.replace("\\", "").split())


@pytest.mark.parametrize("kind", ["terminal", "markdown", "html"])
def test_what_is_up_is_told_with_the_command(kind: str) -> None:
    made = one_line(formats.render(report(OPEN._replace(endpoints=(UP, ADDRESS))), kind, width=100))
    assert "Endpoint penguins (us-east-1, 123456789012) has been up for 2 hours; delete it with: " in made
    assert DELETE in made
    assert "a.example/p" in made
    assert HEAD not in made


@pytest.mark.parametrize("kind", ["terminal", "markdown", "html"])
def test_a_class_lists_them(kind: str) -> None:
    gone = UP._replace(state="absent", name="gulls")
    several = report(OPEN._replace(endpoints=(UP,)), CLEAN._replace(endpoints=(gone,)), UNREADABLE)
    made = one_line(formats.render(several, kind, width=100))
    assert made.count(HEAD) == 1
    assert "penguins" in made.partition(HEAD)[2]
    assert "gulls" not in made
    assert HEAD not in formats.render(report(CLEAN._replace(endpoints=(gone,)), UNREADABLE), kind, width=100)


def test_json_tells_all_of_it() -> None:
    made = json.loads(formats.render(report(OPEN._replace(endpoints=(UP,)), CLEAN), "json", width=80))
    (found,) = made["submissions"][0]["endpoints"]
    assert (found["name"], found["state"], found["age"], found["delete"]) == (
        "penguins",
        "in-service",
        7_300.0,
        DELETE,
    )
    assert found["attempts"][0]["prediction"] == ["0"]
    assert made["submissions"][1]["endpoints"] == []


@pytest.mark.parametrize("kind", ["terminal", "markdown", "html", "json", "csv"])
def test_texts_from_out_there_do_nothing(kind: str) -> None:
    hostile = UP._replace(
        name=HOSTILE, region=HOSTILE, account=HOSTILE, delete=HOSTILE, reason=HOSTILE, notes=(HOSTILE,),
        attempts=(Attempt(HOSTILE, HOSTILE, HOSTILE, 200, HOSTILE, (HOSTILE,)),),
    )  # fmt: skip
    made = formats.render(report(OPEN._replace(endpoints=(hostile,)), CLEAN), kind, width=100)
    assert not UNSAFE.search(made)
    if kind == "html":
        assert "<script>" not in made
    if kind == "markdown":
        tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(made)
        inside = [child for token in tokens for child in token.children or ()]
        assert not [child for child in inside if child.type in ("link_open", "image")]
        assert not [
            one for one in (*tokens, *inside) if one.type.startswith("html") and "script" in one.content
        ]


def test_who_may_not_see_the_items_does_not_see_the_endpoints() -> None:
    assert OPEN.result is not None
    first = OPEN.result.items[0]._replace(id="live.in-service", visibility="hidden")
    hidden = OPEN._replace(
        endpoints=(UP,), result=OPEN.result._replace(items=(first, *OPEN.result.items[1:]))
    )
    assert for_audience(report(hidden), "student").submissions[0].endpoints == ()
    assert for_audience(report(hidden), "staff").submissions[0].endpoints == (UP,)
    shown = OPEN._replace(endpoints=(UP,))
    assert for_audience(report(shown), "student").submissions[0].endpoints == (UP,)
