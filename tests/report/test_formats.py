"""The registry of formats, and what the terminal takes into account."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from report_samples import CLEAN, MEAN, OPEN, REPORTS, report

from grader.facts.records import Place
from grader.report import formats, statistics


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.json", "json"),
        ("a.md", "markdown"),
        ("A.MARKDOWN", "markdown"),
        ("x/a.HTML", "html"),
        ("a.htm", "html"),
        ("a.csv", "csv"),
        ("a.txt", "terminal"),
        ("a.xml", None),
        ("json", None),
    ],
)
def test_the_ending_names_the_format(file: str, name: str | None) -> None:
    assert formats.of_file(file) == name


def test_an_unknown_format_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        formats.render(REPORTS["open"](), "xml")


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    for line in formats.render(REPORTS[name](), "terminal", width=width).splitlines():
        assert len(line) <= width, line


@pytest.mark.parametrize("name", REPORTS)
def test_colour_changes_no_letter(name: str) -> None:
    plain = formats.render(REPORTS[name](), "terminal", width=80)
    colored = formats.render(REPORTS[name](), "terminal", width=80, color=True)
    assert "\x1b" not in plain
    assert "\x1b[" in colored
    stripped = re.sub(r"\x1b\[[\d;]*m", "", colored)
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "no-such-encoding"])
def test_what_a_stream_cannot_express_is_told_in_ascii(encoding: str) -> None:
    made = formats.render(REPORTS["class"](), "terminal", width=80, encoding=encoding)
    made.encode("ascii" if encoding.startswith("no-") else encoding)
    assert "38-63 of 100, 2 items to review" in made
    assert "\\u2013" not in made


def test_the_surroundings_of_the_process_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = formats.render(REPORTS["open"](), "terminal", width=80)
    for name, value in {"COLUMNS": "20", "FORCE_COLOR": "1", "TERM": "dumb", "JUPYTER_COLUMNS": "10"}.items():
        monkeypatch.setenv(name, value)
    assert formats.render(REPORTS["open"](), "terminal", width=80) == before


def test_json_has_the_promised_fields_first_and_in_order() -> None:
    found = json.loads(formats.render(REPORTS["class"](), "json"))
    assert list(found) == ["schema", "grader", "rubric", "submissions"]
    assert found["schema"] == "grade.report/1"
    promised = [
        "source",
        "ref",
        "commit",
        "committed_at",
        "excluded",
        "outcome",
        "platform",
        "score",
        "items",
        "other_platforms",
        "timings",
    ]
    for submission in found["submissions"]:
        assert list(submission)[: len(promised)] == promised
        assert (submission["problem"] is None) == (submission["outcome"] == "graded")
    fields = [
        "id",
        "title",
        "status",
        "points",
        "possible",
        "penalty",
        "deduction",
        "message",
        "hint",
        "evidence",
    ]
    first = found["submissions"][0]
    for item in first["items"]:
        assert list(item)[: len(fields)] == fields
        assert isinstance(item["penalty"], bool)
        for place in item["evidence"]:
            assert list(place) == ["path", "cell", "line", "excerpt"]
    assert list(first["other_platforms"][0]) == ["platform", "score", "items"]
    assert first["items"][3]["points"] is None


def test_whole_numbers_have_no_point_in_json() -> None:
    text = formats.render(report(OPEN), "json")
    assert not re.search(r"\d\.0\b(?!\")", text.replace('"0.1.0"', ""))
    assert '"points": 17.5' in text


def test_a_class_is_described_from_four_on() -> None:
    assert statistics.summarise(report(OPEN, CLEAN, MEAN)) is None
    found = statistics.summarise(report(OPEN, CLEAN, MEAN, OPEN))
    assert found is not None
    assert (found.graded, found.to_review) == (4, 3)
    assert (found.median_low, found.median_high) == (38, 63)
    assert found.failed[0] == ("aws.model-fn", "The entry point defines model_fn", 3)


def test_json_and_csv_need_no_rich() -> None:
    code = (
        "import sys; from grader.report import formats, jsonformat, csvformat; print('rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_many_places_are_counted_in_a_terminal_and_told_in_files() -> None:
    assert OPEN.result is not None
    places = tuple(Place(f"file{n}.py", None, 1) for n in range(20))
    item = OPEN.result.items[2]._replace(evidence=places, more_evidence=5)
    many = report(OPEN._replace(result=OPEN.result._replace(items=(item,)), other_platforms=()))
    told = formats.render(many, "terminal", width=80)
    assert told.count("at file") == 6
    assert "and 19 more places" in told
    for name in ("markdown", "html"):
        assert formats.render(many, name).count(".py:1") == 20
        assert "and 5 more places" in formats.render(many, name)


def test_a_mean_says_of_what() -> None:
    told = formats.render(report(MEAN), "terminal", width=80)
    assert "mean of aws, gcp" in told
    assert "Also graded" not in told
