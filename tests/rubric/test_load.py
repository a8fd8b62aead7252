"""A rubric's faults: each told, with its place, in a sentence of its own, and by the JSON Schema too where it can."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rubric_samples import REGISTRY

from grader.checks import registry as checks
from grader.rubric.load import RubricError, load
from grader.rubric.schema import json_schema

HEAD = "rubric: r\nversion: 1\ntitle: R\nplatforms: [aws, gcp]\n"
SCHEMA = json_schema(REGISTRY)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def item(text: str, head: str = HEAD) -> str:
    """A rubric of one item; it stands in line 8 of the file, from column 9 on."""
    return f"{head}choose: best\nsections:\n  - items:\n      - {{{text}}}\n    title: S\n"


def loaded(tmp_path: Path, text: str | bytes) -> Any:
    file = tmp_path / "r.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(file, REGISTRY)


def faults(tmp_path: Path, text: str | bytes) -> list[tuple[int, int, str]]:
    with pytest.raises(RubricError) as caught:
        loaded(tmp_path, text)
    return [(fault.line, fault.column, fault.message) for fault in caught.value.faults]


GOOD = [
    item("check: folder.present, points: 1"),
    item("check: folder.present, penalty: 0.5"),
    item("check: folder.present"),
    item("check: folder.present, hint: false"),
    item("check: manual, id: talk, title: The talk, points: 5"),
    item("check: readme.present, with: {whole: 3, real: 2, word: 'x', flag: false, words: [a, b]}"),
    item("check: live.predicts, visibility: after_due_date"),
]


@pytest.mark.parametrize("text", GOOD)
def test_what_is_right_is_taken_by_both(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text).id == "r"
    VALIDATOR.validate(yaml.safe_load(text))


# What is faulty, where (None: the place is not the point), words of the sentence, and whether a schema can say it.
BAD: list[tuple[str, str, tuple[int, int] | None, str, bool]] = [
    ("unknown key at the top", HEAD + "sectoins: []\n", (5, 1), "did you mean sections", True),
    ("unknown key of an item", item("check: folder.present, weihgt: 3"), (8, 33), "`weihgt` is no key", True),
    ("unknown check", item("check: folder.presnt"), (8, 17), "did you mean folder.present", True),
    (
        "unknown parameter",
        item("check: readme.present, with: {wole: 1}"),
        (8, 40),
        "did you mean whole",
        True,
    ),
    ("parameter of a check without any", item("check: folder.present, with: {a: 1}"), (8, 40), "none", True),
    ("text for a whole number", item("check: readme.present, with: {whole: '1'}"), (8, 47), "quotes", True),
    (
        "fraction for a whole number",
        item("check: readme.present, with: {whole: 1.5}"),
        (8, 47),
        "whole",
        True,
    ),
    ("number for a text", item("check: readme.present, with: {word: 1.10}"), (8, 46), 'as in "1.10"', True),
    ("boolean for a text", item("check: readme.present, with: {word: on}"), (8, 46), 'as in "on"', False),
    ("yes for true", item("check: readme.present, with: {flag: yes}"), (8, 46), "true or false", False),
    ("text for a list", item("check: readme.present, with: {words: a}"), (8, 47), "write [a]", True),
    (
        "number in a list of texts",
        item("check: readme.present, with: {words: [1]}"),
        (8, 48),
        "quote it",
        True,
    ),
    (
        "both points and penalty",
        item("check: folder.present, points: 1, penalty: 1"),
        (8, 44),
        "together",
        True,
    ),
    ("negative points", item("check: folder.present, points: -1"), (8, 41), "from 0", True),
    ("boolean points", item("check: folder.present, points: true"), (8, 41), "not `true`", True),
    ("points as text", item("check: folder.present, points: '5'"), (8, 41), "take the quotes away", True),
    ("points that are no number", item("check: folder.present, points: .nan"), (8, 41), "a number", False),
    ("endless points", item("check: folder.present, points: .inf"), (8, 41), "a number", True),
    ("points beyond floats", item("check: folder.present, points: 1e999"), (8, 41), "a number", True),
    ("octal points", item("check: folder.present, points: 010"), (8, 41), "leading zero", False),
    ("underscored points", item("check: folder.present, points: 1_0"), (8, 41), "plain decimal", False),
    ("no points", item("check: folder.present, points: "), (8, 41), "nothing", True),
    ("unknown visibility", item("check: folder.present, visibility: secret"), (8, 45), "it is one of", True),
    (
        "unknown requirement",
        item("check: folder.present, requires: [readme.presnt]"),
        (8, 44),
        "did you mean",
        False,
    ),
    (
        "requirement as text",
        item("check: folder.present, requires: readme.present"),
        (8, 43),
        "write [",
        True,
    ),
    ("circle", item("check: folder.present, requires: [readme.present]"), (8, 44), "in a circle", False),
    (
        "circle of one",
        item("check: folder.present, requires: [folder.present]"),
        (8, 44),
        "in a circle",
        False,
    ),
    (
        "other platform",
        item("check: folder.present, requires: [aws.model-fn]"),
        (8, 44),
        "every platform",
        False,
    ),
    ("only on request", item("check: folder.present, requires: [live.predicts]"), (8, 44), "--live", False),
    ("manual without id", item("check: manual, title: T"), (8, 9), "needs the key `id`", True),
    ("manual without title", item("check: manual, id: t"), (8, 9), "needs the key `title`", True),
    ("manual with parameters", item("check: manual, id: t, title: T, with: {}"), None, "no parameters", True),
    (
        "manual named as a check",
        item("check: manual, id: folder.present, title: T"),
        (8, 29),
        "a check",
        False,
    ),
    ("id of a check", item("check: folder.present, id: f"), (8, 33), "manual items", True),
    ("item without check", item("points: 1"), (8, 9), "needs the key `check`", True),
    ("empty title", item("check: folder.present, title: ''"), (8, 40), "empty", True),
    ("hint: true", item("check: folder.present, hint: true"), (8, 39), "quote it", True),
    ("duplicate key", item("check: folder.present, points: 1, points: 2"), (8, 44), "twice", False),
    ("unknown platform", item("check: folder.present", HEAD.replace("gcp", "azure")), (4, 18), "azure", True),
    ("platform twice", item("check: folder.present", HEAD.replace("gcp", "aws")), (4, 18), "twice", True),
    ("no platforms", item("check: folder.present", HEAD.replace("aws, gcp", "")), (4, 12), "empty", True),
    (
        "absent platform",
        item("check: gcp.runtime-version", HEAD.replace(", gcp", "")),
        (8, 17),
        "gcp only",
        False,
    ),
    ("version 0", item("check: folder.present", HEAD.replace("1", "0")), (2, 10), "1 or more", True),
    ("version 1.0", item("check: folder.present", HEAD.replace("1", "1.0")), (2, 10), "whole", False),
    ("version 1.5", item("check: folder.present", HEAD.replace("1", "1.5")), (2, 10), "whole", True),
    ("version as text", item("check: folder.present", HEAD.replace("1", "'1'")), (2, 10), "quotes", True),
    ("version true", item("check: folder.present", HEAD.replace("1", "true")), (2, 10), "not `true`", True),
    ("title no", item("check: folder.present", HEAD.replace("R", "no")), (3, 8), 'as in "no"', False),
    ("no sections", HEAD, (1, 1), "needs the key `sections`", True),
    ("empty sections", HEAD + "sections: []\n", (5, 11), "empty", True),
    ("empty items", HEAD + "sections: [{title: S, items: []}]\n", (5, 30), "empty", True),
    (
        "section without title",
        HEAD + "sections: [{items: [{check: folder.present}]}]\n",
        (5, 12),
        "title",
        True,
    ),
    ("a list", "- 1\n", (1, 1), "not a list", True),
    ("a text", "rubric\n", (1, 1), "not the text", True),
]


@pytest.mark.parametrize(
    ("text", "at", "words", "told"), [row[1:] for row in BAD], ids=[row[0] for row in BAD]
)
def test_what_is_faulty(
    tmp_path: Path, text: str, at: tuple[int, int] | None, words: str, told: bool
) -> None:
    found = faults(tmp_path, text)
    ours = [place for *place, message in found if words in message]
    assert ours, found
    assert at is None or list(at) in ours, found
    if told:
        assert not VALIDATOR.is_valid(_as_json(text))


def _as_json(text: str) -> Any:
    """The text as an editor's YAML 1.2 reads it, near enough: 1e999 is a number there."""
    return json.loads(json.dumps(yaml.safe_load(text.replace("1e999", "1.0e+999"))))


RAW: list[tuple[str, str | bytes, tuple[int, int], str]] = [
    ("empty", "", (1, 1), "empty"),
    ("only a comment", "# nothing\n", (1, 1), "empty"),
    ("a tab", "rubric: r\nsections:\n\t- title: S\n", (3, 1), "tab"),
    ("latin-1", "rubric: r\ntitle: Übung\n".encode("latin-1"), (2, 8), "0xdc"),
    ("utf-16", "rubric: r".encode("utf-16"), (1, 1), "UTF-8"),
    ("two documents", HEAD + "---\nrubric: s\n", (5, 1), "second"),
    ("an alias", "a: &x [1]\nb: *x\n", (2, 4), "aliases"),
    ("an anchor", "a: &x [1]\nb: *x\n", (1, 4), "anchors"),
    ("a tag", "a: !!python/object/apply:os.system [x]\n", (1, 4), "tags"),
    ("no YAML", "a: [1\nb: }\n", (2, 2), "no YAML"),
    ("a merge key", "<<: {rubric: r}\n", (1, 1), "merge"),
    ("deep", "a: " + "[" * 5000, (1, 15), "deep"),
    ("a key that is a list", "? [a]\n: b\n", (1, 3), "not a list"),
    ("large", b"#" * 1_000_001, (1, 1), "bytes"),
    ("a NUL", "a: \0\n", (1, 4), "YAML does not know"),
]


@pytest.mark.parametrize(("text", "at", "words"), [row[1:] for row in RAW], ids=[row[0] for row in RAW])
def test_what_is_hardly_yaml(tmp_path: Path, text: str | bytes, at: tuple[int, int], words: str) -> None:
    found = faults(tmp_path, text)
    assert any(words in message and (line, column) == at for line, column, message in found), found


def test_every_fault_at_once_with_file_line_and_column(tmp_path: Path) -> None:
    text = item("check: nope.x, points: -1", HEAD.replace("1", "0")) + "colour: red\n"
    with pytest.raises(RubricError) as caught:
        loaded(tmp_path, text)
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        f"{tmp_path}/r.yaml:{at}" for at in ("2:10", "8:17", "8:33", "10:1")
    ]


def test_a_bomb_of_aliases_is_refused_quickly(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))
    assert "anchors" in faults(tmp_path, bomb)[0][2]


def test_a_duplicate_item_names_the_first(tmp_path: Path) -> None:
    two = HEAD + "sections:\n- title: S\n  items:\n  - check: folder.present\n  - check: folder.present\n"
    assert faults(tmp_path, two) == [(9, 12, "the rubric has `folder.present` twice; first in line 8")]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RubricError, match="cannot be read: No such file"):
        load(tmp_path / "none.yaml", REGISTRY)


def test_checks_of_the_rubrics_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "registry", REGISTRY)
    (tmp_path / "own.py").write_text(
        "from grader.checks import check, passed\n\n\n@check('course.own')\ndef own(subject):\n"
        '    """Own\n\n    Why: W\n    Example: E\n    Remedy: R\n    """\n    return passed("Yes.")\n'
    )
    text = item("check: course.own, points: 2", HEAD + "checks: [own.py]\n")
    assert loaded(tmp_path, text).check_files == (str(tmp_path / "own.py"),)
    missing = item("check: folder.present", HEAD + "checks: [none.py]\n")
    assert faults(tmp_path, missing) == [(5, 10, "there is no file `none.py` beside the rubric")]
    VALIDATOR.validate(yaml.safe_load(item("check: other.own", HEAD + "checks: [own.py]\n")))


_WORDS = st.sampled_from(
    ["x", "", " ", "no", "1", "manual", "folder.present", "aws", "best", "nope.x", "a b", "all"]
)
_VALUES = st.one_of(
    _WORDS,
    st.integers(-2, 12),
    st.sampled_from([0.5, -0.5, 1000000.5, 2.25]),
    st.booleans(),
    st.none(),
    st.lists(_WORDS, max_size=2),
    st.dictionaries(_WORDS, st.integers(0, 2), max_size=1),
)


def _mostly(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda n: _VALUES if n == 0 else right)


_PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "whole": _mostly(st.integers()),
        "real": _mostly(st.sampled_from([0.5, 3, -1.25])),
        "word": _mostly(_WORDS),
        "flag": _mostly(st.booleans()),
        "words": _mostly(st.lists(_WORDS)),
        "other": st.just(1),
    },
)
_ITEM = st.fixed_dictionaries(
    {"check": _mostly(st.sampled_from([*REGISTRY.ids(), "manual"]))},
    optional={
        "id": _mostly(st.sampled_from(["talk", "bad id", "x\n"])),
        "points": _mostly(st.integers(0, 20)),
        "penalty": _mostly(st.integers(0, 20)),
        "with": _mostly(_PARAMETERS),
        "requires": _mostly(st.lists(st.sampled_from(["folder.present", "hygiene.secrets"]), max_size=2)),
        "visibility": _mostly(st.sampled_from(["visible", "hidden"])),
        "title": _mostly(st.just("T")),
        "hint": _mostly(st.sampled_from([False, "H"])),
        "weihgt": st.just(3),
    },
)
_SECTION = st.fixed_dictionaries(
    {"title": _mostly(st.just("S")), "items": _mostly(st.lists(_ITEM, max_size=2))}
)
_RUBRIC = st.fixed_dictionaries(
    {
        "rubric": _mostly(st.just("r")),
        "version": _mostly(st.integers(1, 3)),
        "title": _mostly(st.just("R")),
        "platforms": _mostly(st.lists(st.sampled_from(["aws", "gcp"]), max_size=2)),
        "sections": _mostly(st.lists(_SECTION, max_size=2)),
    },
    optional={"choose": _mostly(st.sampled_from(["best", "all"])), "hints": _mostly(st.booleans())},
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rubric=st.one_of(
        _RUBRIC,
        _ITEM.map(
            lambda i: {
                "rubric": "r",
                "version": 1,
                "title": "R",
                "platforms": ["aws", "gcp"],
                "sections": [{"title": "S", "items": [i]}],
            }
        ),
    )
)
def test_loader_and_schema_agree(tmp_path: Path, rubric: Any) -> None:
    try:
        loaded(tmp_path, json.dumps(rubric))
        shapely = True
    except RubricError as problem:
        shapely = all(fault.kind == "reference" for fault in problem.faults)
    assert shapely == VALIDATOR.is_valid(rubric)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    raw=st.one_of(
        st.binary(max_size=200),
        st.text("ab:-[]{}&*!|>'\"\\#?,% \n\t0.xU\ufeff\x85", max_size=80).map(str.encode),
    )
)
def test_any_bytes_are_a_rubric_or_a_fault(tmp_path: Path, raw: bytes) -> None:
    with pytest.raises(RubricError) as caught:
        loaded(tmp_path, raw)
    lines = (
        raw.count(b"\n") + raw.count(b"\r") + raw.count(b"\x85") + raw.count(b"\xa8") + raw.count(b"\xa9") + 2
    )
    assert caught.value.faults
    assert all(1 <= fault.line <= lines and fault.column >= 1 for fault in caught.value.faults)
    assert str(caught.value)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    offered = SCHEMA["properties"]["sections"]["items"]["properties"]["items"]["items"]["properties"]["check"]
    assert {
        "const": "folder.present",
        "title": "Title of folder.present",
        "description": "Because.",
    } in offered["anyOf"][0]["oneOf"]
