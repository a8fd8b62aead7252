"""Marks: read strictly, matched to the right submission, and told when they are of no use."""

from __future__ import annotations

from pathlib import Path

import pytest
from rubric_samples import an_item, rubric_of

from grader.rubric.faults import RubricError
from grader.rubric.marks import Marks, load

RUBRIC = rubric_of(an_item("folder.present", 10), an_item("hygiene.secrets", penalty=4))


def loaded(tmp_path: Path, text: str) -> Marks:
    file = tmp_path / "marks.yaml"
    file.write_text(text)
    return load(file, RUBRIC)


def one(submission: str, item: str = "folder.present") -> str:
    return f"- {{submission: {submission!r}, item: {item}, points: 1}}\n"


@pytest.mark.parametrize(
    ("submission", "given", "matches"),
    [
        ("https://github.com/u/r", "https://github.com/u/r", True),
        ("https://github.com/u/r/", "https://github.com/u/r", True),
        ("https://***@github.com/u/r", "https://secret@github.com/u/r", True),
        ("https://secret@github.com/u/r", "https://secret@github.com/u/r", True),
        ("r", "https://github.com/u/r.git", True),
        ("r", "work/r.zip", True),
        ("r", "work/other", False),
        ("u/r", "https://github.com/u/r", False),
        ("https://github.com/v/r", "https://github.com/u/r", False),
    ],
)
def test_whom_a_mark_is_for(tmp_path: Path, submission: str, given: str, matches: bool) -> None:
    marks = loaded(tmp_path, one(submission))
    shown = given.replace("secret@", "***@")
    assert bool(marks.for_submission(given, shown).entries) == matches
    assert bool(marks.unused()) != matches


def test_an_ambiguous_name_is_for_nobody(tmp_path: Path) -> None:
    marks = loaded(tmp_path, one("r"))
    marks.announce(["a/r", "b/r"])
    first = marks.for_submission("a/r")
    assert not first.entries
    assert "several submissions are called r" in first.notes[0]


def test_two_spellings_of_one_mark_are_not_used(tmp_path: Path) -> None:
    found = loaded(tmp_path, one("r") + one("work/r")).for_submission("work/r")
    assert not found.entries
    assert "lines 1 and 2" in found.notes[0]


def test_unused_marks_hide_credentials(tmp_path: Path) -> None:
    (note,) = loaded(tmp_path, one("https://token@h/u/r")).unused()
    assert "https://***@h/u/r" in note
    assert "token" not in note


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("submission: r\n", (1, 1), "a list of marks"),
        ("- {item: a, points: 1}\n", (1, 3), "`submission`"),
        ("- {submission: r, item: a}\n", (1, 3), "both are missing"),
        ("- {submission: r, item: a, points: 1, status: pass}\n", (1, 39), "one of them"),
        ("- {submission: r, item: a, status: partial}\n", (1, 36), "pass, fail or not-applicable"),
        ("- {submission: r, item: a, points: .inf}\n", (1, 36), "a number"),
        ("- {submission: r, item: a, point: 1}\n", (1, 28), "did you mean points"),
        ("- {submission: r, item: folder.present, points: 11}\n", (1, 49), "from 0 to 10"),
        ("- {submission: r, item: hygiene.secrets, points: 1}\n", (1, 50), "from -4 to 0"),
        (one("r") + one("r"), (2, 3), "marked twice"),
        ("", (1, 1), "empty"),
    ],
)
def test_faults(tmp_path: Path, text: str, at: tuple[int, int], words: str) -> None:
    with pytest.raises(RubricError) as caught:
        loaded(tmp_path, text)
    found = [(fault.line, fault.column) for fault in caught.value.faults if words in fault.message]
    assert at in found, str(caught.value)
