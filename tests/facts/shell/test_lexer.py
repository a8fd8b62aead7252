"""Shell text becomes the commands that a shell would run, and never anything worse."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.facts import commands
from grader.facts.code import ShellText
from grader.facts.shell import lexer, parts
from tests.bounds import within_a_files_bound


def words(text: str, style: parts.Style = parts.SH) -> list[list[str]]:
    """Every simple command, its words as letters with references as written."""
    return [
        ["".join(p.text if isinstance(p, parts.Letters) else p.raw for p in word.parts) for word in raw.words]
        for raw in lexer.read(text, 1, style)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b c", [["a", "b", "c"]]),
        ("a 'b c' \"d e\"", [["a", "b c", "d e"]]),
        ("a b\\ c", [["a", "b c"]]),
        ("a \\\n  b", [["a", "b"]]),
        ("a \\  \n  b", [["a", "b"]]),
        ("a; b && c || d | e & f", [["a"], ["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("a # b\nc", [["a"], ["c"]]),
        ("a#b", [["a#b"]]),
        ("a 'it''s'", [["a", "its"]]),
        ("echo it's\nb", [["echo", "it's"], ["b"]]),
        ('echo "open\nb', [["echo", '"open'], ["b"]]),
        ("(a; b)", [["a"], ["b"]]),
        ("x=$(a b)", [["a", "b"], ["x=$(a b)"]]),
        ("x=`a b`", [["a", "b"], ["x=`a b`"]]),
        ('echo "$(a "b c")"', [["a", "b c"], ["echo", '$(a "b c")']]),
        ("a <<EOF\nb c\nEOF\nd", [["a"], ["d"]]),
        ("a <<-'E'\n\tb\n\tE\nd", [["a"], ["d"]]),
        ("a > f 2>&1 < g", [["a"]]),
        ("a &> f", [["a"]]),
        ("a <<< word", [["a"]]),
        ("diff <(a) <(b)", [["a"], ["b"], ["diff", "<(a)", "<(b)"]]),
        ("((i=1+(2))); a", [["a"]]),
        ("a $((1 + 2)) b", [["a", "$((1 + 2))", "b"]]),
        ("case x in\n a) b;;\n c|d) e;;\nesac", [["case", "x", "in"], ["b"], ["c"], ["e"], ["esac"]]),
        ("f() {\n a\n}", [["{"], ["a"], ["}"]]),
        ("a --m <YOUR MODEL> -x", [["a", "--m", "<YOUR MODEL>", "-x"]]),
        ("a gs://<bucket>/x", [["a", "gs://<bucket>/x"]]),
        ("a <in >out", [["a"]]),
        ("a\r\nb\r\n", [["a"], ["b"]]),
        ("a '", [["a", "'"]]),
        ("a `", [["a", "`"]]),
        ("a $", [["a", "$"]]),
        ("a \\", [["a", "\\"]]),
        ("${", [["${"]]),
        ("", []),
    ],
)
def test_sh(text: str, expected: list[list[str]]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("style", "text", "expected"),
    [
        (parts.BAT, "a ^\r\n  b", [["a", "b"]]),
        (parts.BAT, "rem a b\r\n:: c\r\nd", [["d"]]),
        (parts.BAT, 'a "C:\\x y" it\'s', [["a", "C:\\x y", "it's"]]),
        (parts.BAT, "a %V% & b", [["a", "%V%"], ["b"]]),
        (parts.POWERSHELL, "a `\n  b 'c d' # e", [["a", "b", "c d"]]),
        (parts.POWERSHELL, "a C:\\x", [["a", "C:\\x"]]),
        (parts.MAKE, "a $(V) $$W $(shell b c)", [["b", "c"], ["a", "$(V)", "$W", "$(shell b c)"]]),
    ],
)
def test_other_styles(style: parts.Style, text: str, expected: list[list[str]]) -> None:
    assert words(text, style) == expected


def test_lines() -> None:
    text = "a\n\nb 'x\ny' c\nd \\\n e\n<<E f\ng\nE\nh"
    found = [(raw.words[0].parts, raw.words[0].line) for raw in lexer.read(text, 10) if raw.words]
    assert [line for _, line in found] == [10, 12, 14, 16, 19]


@pytest.mark.parametrize(
    "text",
    [
        "$(" * 20_000,
        "`" * 50_001,
        '"$(' * 20_000,
        "${a:-" * 20_000,
        '"${a:-' * 20_000,
        "'" * 50_001,
        "it's\n" * 20_001,
        'x "\n' * 20_001,
        "(" * 50_000,
        "((" * 50_000,
        "A=(" * 20_000,
        "<(" * 20_000,
        "<<E\n" * 20_000,
        "\\`" * 20_000 + "`" + "\\`" * 20_000,
        "A=xxxxxxxxxx\n" + "A=$A$A\n" * 60 + "gcloud $A$A$A\n" * 3000,
        "case " * 20_000,
        "a \\\n" * 20_000,
        "<" * 50_000,
        "<a " * 30_000,
    ],
    ids=range(19),
)
def test_hostile_text_is_read_in_linear_time(text: str) -> None:
    with within_a_files_bound():
        commands.read(ShellText("x.sh", None, 1, text))
        commands.read(ShellText("Makefile", None, 1, text, "make"))
        commands.read(ShellText("x.bat", None, 1, text, "bat"))


SHELLISH = st.text(
    alphabet=st.sampled_from(list("ab$`'\"\\(){}[]<>|&;#=-\n\t %^!@*:~,/.?+012")) | st.characters(),
    max_size=120,
)


@settings(max_examples=400, deadline=None)
@given(SHELLISH, st.sampled_from(["sh", "bat", "make", "powershell"]))
def test_any_text_is_read(text: str, dialect: str) -> None:
    found = commands.read(ShellText("x", None, 5, text, dialect, {"a": "v w", "b": ""}))  # type: ignore[arg-type]
    last = 5 + text.count("\n") + text.count("\r") + 1
    assert all(5 <= command.line <= last for command in found)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="ab '\"$\\\n;#(`<", min_size=1, max_size=8), min_size=1, max_size=5))
def test_what_is_quoted_comes_back_whole(arguments: list[str]) -> None:
    import shlex

    found = commands.read(ShellText("x", None, 1, shlex.join(["gcloud", *arguments])))
    assert [[w.text for w in command.words] for command in found] == [arguments]
