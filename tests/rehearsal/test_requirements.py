"""Which lines of a requirements.txt are taken, whatever the text."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from grader.rehearsal.requirements import MOST_LINE, MOST_LINES, MOST_TAKEN, MOST_TEXT, sift


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("", ()),
        ("requests", ("requests",)),
        ("requests==2.31.0\n", ("requests==2.31.0",)),
        ("requests == 2.31.0 # why\r\nflask\r\n", ("requests==2.31.0", "flask")),
        ("\ufeffscikit-learn>=1.0,<2", ("scikit-learn<2,>=1.0",)),
        ("uvicorn[standard] ~= 0.20", ("uvicorn[standard]~=0.20",)),
        ('dataclasses; python_version < "3.7"', ('dataclasses; python_version < "3.7"',)),
        ("dataclasses ; python_version < '3.7'", ('dataclasses; python_version < "3.7"',)),
        ("# a comment\n\n   # another\nnumpy", ("numpy",)),
        ("numpy#1", ()),
        ("numpy \\\n  >=1.19, \\\n  <2\npandas", ("numpy<2,>=1.19", "pandas")),
        ("numpy \\\n# the rest is a comment\npandas", ("numpy", "pandas")),
        ("numpy \\", ("numpy",)),
        ("numpy\\\n", ("numpy",)),
        ("numpy\nnumpy\n", ("numpy",)),
        ("torch==2.0.0+cpu", ("torch==2.0.0+cpu",)),
        ("pandas==1.1.*", ("pandas==1.1.*",)),
        ("pandas (>=1.0)", ("pandas>=1.0",)),
    ],
)
def test_taken(text: str, taken: tuple[str, ...]) -> None:
    assert sift(text).taken == taken


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("-r other.txt", "names another file"),
        ("-r/etc/passwd", "names another file"),
        ("--requirement=/etc/passwd", "names another file"),
        ("-c constraints.txt", "names another file"),
        ("-e .", "from source"),
        ("-e git+https://github.com/u/r#egg=r", "from source"),
        ("--editable=./r", "from source"),
        ("-i https://mirror.example/simple", "options"),
        ("--extra-index-url https://mirror.example/simple", "options"),
        ("--find-links=/wheels", "options"),
        ("--pre", "options"),
        ("-", "options"),
        ("numpy --hash=sha256:00", "options"),
        ("numpy --no-binary=numpy", "options"),
        ("numpy==1.0 \\\n  --hash=sha256:00", "options"),
        ("https://example.org/x.whl", "address"),
        ("git+https://github.com/u/r", "address"),
        ("file:///etc/passwd", "address"),
        ("name @ file:///etc/passwd", "address"),
        ("name@https://example.org/name-1-py3-none-any.whl", "address"),
        ("name[extra] @ git+ssh://git@example.org/r", "address"),
        ("./name", "path"),
        ("../name-1.0.tar.gz", "path"),
        ("/srv/name.whl", "path"),
        ("~/name", "path"),
        ("folder/name", "path"),
        ("name-1.0-py3-none-any.whl", "path"),
        ("C:\\wheels\\name.whl", "address"),
        ("\\\\server\\share", "path"),
        ("${INDEX}", "environment variable"),
        ("name==${VERSION}", "environment variable"),
        ("numpy=1.19.2=py37h54aff64_0", "conda"),
        ("numpy=1.19.2", "conda"),
        ("numpy 1.19.2", "form"),
        ("numpy=>1.19", "form"),
        ("numpy==1.19; rm -rf", "form"),
        ("pip install numpy", "form"),
        ("import numpy", "form"),
        ("<<<<<<< HEAD", "form"),
        ("n\u00fcmpy", "form"),
        ("numpy\x00==1", "form"),
        ("name===caf\u00e9", "characters"),
        ("name===\x1b[31m", "characters"),
        ("a" * (MOST_LINE + 1), "too long"),
    ],
)
def test_refused(line: str, why: str) -> None:
    sifted = sift(f"numpy\n{line}\npandas\n")
    assert sifted.taken == ("numpy", "pandas")
    [(number, shown, reason)] = sifted.refused
    assert number == 2
    assert why in reason
    assert shown.isprintable()


def test_refused_lines_keep_their_numbers() -> None:
    text = "a\\\n  ==1\n\n# no\n-r x\nb\n./c\n"
    assert [number for number, _, _ in sift(text).refused] == [5, 7]


def test_bounds() -> None:
    many = sift("\n".join(f"p{n}" for n in range(MOST_TAKEN + 50)))
    assert len(many.taken) == MOST_TAKEN
    assert many.refused[0][0] == MOST_TAKEN + 1
    same = sift("a\n" * (MOST_LINES + 1))
    assert same.taken == ("a",)
    assert same.refused[0][0] == MOST_LINES + 1
    assert len(sift("-r x\n" * 20_000).refused) <= 101
    long = sift("\n" * MOST_TEXT + "late\n")
    assert long.taken == ()
    assert "too long" in long.refused[-1][2]
    [(_, _, why)] = sift("x\\\n" * 50_000 + "y").refused
    assert "too long" in why


_PIECES = st.sampled_from(
    [
        "numpy",
        "==",
        "1.0",
        " ",
        "\\\n",
        "\n",
        "-r",
        "@",
        "file://",
        "[a]",
        ";",
        "#",
        "$",
        "--",
        "'",
        '"',
        "(",
        "\r",
        "===",
        "~",
        "/",
    ]
)


@given(st.one_of(st.text(max_size=300), st.lists(_PIECES, max_size=30).map("".join)))
@example("[" * 5_000)
@example("a;" + "(" * 5_000)
def test_whatever_is_taken_is_one_plain_requirement(text: str) -> None:
    sifted = sift(text)
    for line in sifted.taken:
        requirement = Requirement(line)
        assert requirement.url is None
        assert line[0].isalnum()
        assert line.isprintable()
        assert line.isascii()
        assert " --" not in line
        assert "$" not in line
        assert str(requirement) == line
    for number, _, why in sifted.refused:
        assert 1 <= number <= text.count("\n") + text.count("\r") + 1
        assert why
