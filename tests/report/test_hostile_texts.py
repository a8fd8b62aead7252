"""Whatever a submission's texts hold, they are shown, and do nothing, in every format."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from report_samples import OPEN, REPORTS, report

from grader.checks.verdict import Status
from grader.facts.records import Place
from grader.report import formats
from grader.report.model import Item, Mark, PlatformResult, Report, Score, SubmissionReport

UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
NASTY = [
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe",
    "\udcff\udc80",
    "\ud800",
    "<img src=x onerror=alert(1)>",
    "</code></pre></details><script>alert(1)</script>",
    "[x](http://evil.example)",
    "![x](http://evil.example/i.png)",
    "<http://evil.example>",
    "`` ` ``",
    "`[x](http://evil.example)`",
    "[`](http://evil.example)`",
    "[`a`](http://evil.example)",
    "a|b|c\\|d",
    "\\|<b>|",
    "line one\nline two\r\n# heading",
    "# heading",
    "- item",
    "1. one",
    "+ plus",
    "===",
    "~~~",
    "    code",
    "[red]markup[/red] [link=http://evil.example]x[/link]",
    ":smile: @everyone #1 www.evil.example",
    "=HYPERLINK(1)",
    "+1",
    "-1+1",
    "@SUM(1)",
    "\t=1",
    "'=1",
    "$x$ &amp; &#60;b&#62;",
    "",
    " ",
    "`",
    "``",
    "\\",
    "\\`x`",
    "x" * 300,
    "漢字" * 60,
]
texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=40),
    st.text(alphabet="`[](:/)", max_size=12),
    st.text(alphabet="`|\\<>[]()!*_~#+-=&;:@.$'\"\x1b\n ab1", max_size=30),
    st.builds("{}{}".format, st.sampled_from(NASTY), st.sampled_from(NASTY)),
)


def hostile(text: str, other: str, status: Status) -> Report:
    """A report with ``text`` or ``other`` wherever a text can stand."""
    points = None if status in (Status.REVIEW, Status.ERROR) else 1.5
    item = Item(
        "family.name",
        text,
        other,
        status,
        points,
        3,
        False,
        0,
        f"Expected `{text}`; found {other}",
        text,
        (Place(text, 2, 3, other), Place(other, None, 1, text), Place(text)),
        2,
        points is None,
        "a.b" if status is Status.SKIPPED else None,
        Mark(Status.PASS, 1, other) if len(text) % 2 else None,
    )
    result = PlatformResult("aws", Score(1.5, 3, 3, 1), (item, item))
    graded = SubmissionReport(
        text,
        other,
        text,
        other,
        (text,),
        "graded",
        None,
        result.score,
        result,
        (result,),
        (other,),
        1,
        {"fetch": 1.0},
    )
    unread = SubmissionReport(other, None, None, None, (), "unreadable", text)
    return report(graded, unread, graded, graded, graded)._replace(rubric_title=other)


class Elements(HTMLParser):
    """The elements and attributes of a page, and whether every element is closed."""

    VOID = frozenset({"meta"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.stack: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.links.update(value or "" for name, value in attrs if name in ("href", "src"))
        if tag not in self.VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag


KNOWN = Elements(formats.render(REPORTS["class"](), "html"))


def is_inert_html(page: str) -> None:
    seen = Elements(page)
    assert not seen.stack
    assert seen.tags <= KNOWN.tags
    assert seen.attributes <= KNOWN.attributes
    assert all(re.fullmatch(r"#s\d+", link) for link in seen.links)


MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = re.compile(r"<sub>|</sub>|</?details>|<summary>|</summary>")


def is_inert_markdown(text: str) -> list[str]:
    """No link, image, HTML, emphasis of its own; returns the kinds of block tokens."""
    tokens = MARKDOWN.parse(text)
    for token in tokens:
        if token.type == "html_block":
            assert "<details>" in token.content or "</details>" in token.content, token.content
            inner = re.sub(r"<details>|</details>|<summary>Also graded, [^<>]*</summary>", "", token.content)
            assert not inner.strip(), token.content
        assert token.type not in ("fence", "code_block", "blockquote_open", "hr", "ordered_list_open"), token
        for child in token.children or ():
            assert child.type in ("text", "code_inline", "strong_open", "strong_close", "html_inline"), child
            if child.type == "html_inline":
                assert OURS.fullmatch(child.content), child
    return [t.type for t in tokens]


@settings(max_examples=80, deadline=None)
@given(texts, texts, st.sampled_from(list(Status)))
def test_nothing_acts(text: str, other: str, status: Status) -> None:
    given_report = hostile(text, other, status)
    for name in formats.names():
        for color in (False, True) if name == "terminal" else (False,):
            made = formats.render(given_report, name, width=70, color=color)
            plain = re.sub(r"\x1b\[[\d;]*m", "", made) if color else made
            assert not UNSAFE.search(plain.removeprefix("\ufeff")), name
            made.encode("utf-8")
        if name == "html":
            is_inert_html(made)
        elif name == "markdown":
            is_inert_markdown(made)
        elif name == "csv":
            rows = list(csv.reader(io.StringIO(made.removeprefix("\ufeff"))))
            assert len(rows) == 6
            assert len({len(row) for row in rows}) == 1
            for row in rows[1:]:
                for field in row:
                    assert not field.lstrip().startswith(("=", "+", "@")), field
                    assert not field.startswith("-") or re.fullmatch(r"-[\d.]+", field), field
        elif name == "json":
            assert len(json.loads(made)["submissions"]) == 5


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("status", [Status.FAIL, Status.REVIEW])
def test_the_structure_of_markdown_stays(text: str, status: Status) -> None:
    """As many headings, tables, rows and list items as with harmless text."""

    def shape(told: str) -> list[str]:
        kinds = is_inert_markdown(formats.render(hostile(told, told, status), "markdown"))
        return [
            k
            for k in kinds
            if k in ("heading_open", "table_open", "tr_open", "td_open", "th_open", "list_item_open")
        ]

    # "an" and not "a": whether an item is marked hangs on the length being odd.
    calm = "an" if len(text) % 2 == 0 else "and"
    if text.strip():
        assert shape(text) == shape(calm)


@pytest.mark.parametrize("text", [t for t in NASTY if t.strip()])
def test_markdown_shows_the_path_whole(text: str) -> None:
    from grader.text import visible

    found = formats.render(hostile(text, "and", Status.FAIL), "markdown")
    codes = [c.content for t in MARKDOWN.parse(found) for c in t.children or () if c.type == "code_inline"]
    assert any(visible(text).strip() == code.strip() for code in codes)


def test_json_keeps_the_source_as_given_but_for_credentials() -> None:
    given_report = report(OPEN._replace(source="https://me:s3cr3t@host.example/u/r\u202e\x1b"))
    made = formats.render(given_report, "json")
    assert json.loads(made)["submissions"][0]["source"] == "https://***@host.example/u/r\u202e\x1b"
    assert not UNSAFE.search(made)
    for name in formats.names():
        assert "s3cr3t" not in formats.render(given_report, name)


def test_a_credential_in_an_excerpt_is_hidden_in_every_format() -> None:
    key = "wJalrXUtnFEMIbK7MDENGabPxRfiCYzzzzKEYab1"
    place = Place("notes.txt", None, 3, f"aws_secret_access_key = {key}")
    assert OPEN.result is not None
    items = (OPEN.result.items[2]._replace(evidence=(place,)),)
    leaking = report(OPEN._replace(result=OPEN.result._replace(items=items)))
    for name in formats.names():
        assert key not in formats.render(leaking, name, width=200)


def test_html_holds_nothing_from_elsewhere() -> None:
    page = formats.render(REPORTS["class"](), "html")
    assert "<script" not in page
    assert not re.search(r"url\((?!#)|@import|\bsrc=|\bon\w+=|\bstyle=", page)
    assert re.search(r"default-src &#x27;none&#x27;", page)


def test_the_policy_allows_the_style_sheet_and_no_other() -> None:
    import base64
    import hashlib
    import html

    page = formats.render(REPORTS["clean"](), "html")
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert f"'sha256-{digest}'" in html.unescape(page)
