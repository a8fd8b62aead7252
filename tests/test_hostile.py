"""Whole submissions that try to crash, hang, mislead or reach out: graded by the real command line, within bounds."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.calls import Call, fixture_files, grade, measured, statuses, write
from tests.hostile import Case, modules_named_as_ours
from tests.hostile_texts import CASES  # the table of tests.hostile, with the rows of both
from tests.made import bomb

SECONDS = 30
MEMORY = 700_000_000
ENDINGS = ("json", "md", "html", "csv", "txt")
ENVIRONMENT = {"GRADE_TEST_WORD": "zanzibar-in-the-environment"}
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")


def texts_of(home: Path) -> dict[str, str]:
    """The reports that a call wrote, line ends as they are."""
    return {e: (home / f"report.{e}").read_bytes().decode("utf-8-sig") for e in ENDINGS}


def graded(home: Path, *arguments: object, cwd: Path | None = None) -> tuple[Call, dict[str, str]]:
    """Grade with every format as output, measured."""
    wanted = [part for ending in ENDINGS for part in ("--output", home / f"report.{ending}")]
    done = measured(home / "cost", *arguments, *wanted, cwd=cwd or home, env=ENVIRONMENT, timeout=100)
    assert "Traceback" not in done.out + done.err
    assert done.code in (0, 3), done.err
    return done, texts_of(home)


def harmless(texts: dict[str, str]) -> None:
    """No report holds a control character, or markup that came from the submission."""
    for name, text in texts.items():
        plain = text.replace("\r\n", "\n") if name == "csv" else text
        assert not RAW.search(plain), (name, RAW.search(plain))
    page = _Page()
    page.feed(texts["html"])
    assert not page.active
    for token in _tokens(MarkdownIt("gfm-like", {"linkify": False}).parse(texts["md"])):
        assert token.type not in ("image", "link_open", "html_block"), token
        assert token.type != "html_inline" or token.content in ("<sub>", "</sub>", "<br>"), token
    for row in csv.reader(io.StringIO(texts["csv"])):
        assert not any(cell[:1] in ("=", "+", "@", "\t") for cell in row)
        assert not any(cell.startswith("-") and not cell[1:].replace(".", "").isdigit() for cell in row)


def _tokens(found: list[Token]) -> Iterator[Token]:
    for token in found:
        yield token
        yield from _tokens(token.children or [])


class _Page(HTMLParser):
    """What a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.active: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and re.fullmatch(r"#s[0-9]+", given.get("href", "")):
            return  # from the table of a class to a submission
        if tag in ("script", "img", "iframe", "object", "embed", "form", "base", "link", "a"):
            self.active.append(f"{tag} {given}")
        if any(name.startswith("on") for name in given) or "javascript:" in str(given.values()):
            self.active.append(f"{tag} {given}")


# What takes longest; each is much like another case of the core run.
SLOW = {
    "files-without-end",
    "archives-of-many-members",
    "readme-of-brackets",
    "readme-of-restructured",
    "readme-of-directives",
    "python-of-many-functions",
    "python-of-warnings",
}


def _marks(name: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.slow] if name in SLOW else []


def _rows() -> list[object]:
    assert {case.name for case in CASES} >= SLOW
    return [pytest.param(case, id=case.name, marks=_marks(case.name)) for case in CASES]


@pytest.mark.parametrize("case", _rows())
def test_it_is_graded_within_bounds_and_runs_nothing(case: Case, tmp_path: Path) -> None:
    folder = write(tmp_path / "submission", fixture_files("aws-sklearnmodel-complete"))
    canary = tmp_path / "canary"
    allowed = case.make(folder, canary)
    done, texts = graded(tmp_path, folder, "--platform", "aws")
    assert done.code == 0, done.err
    assert done.seconds < SECONDS
    assert done.memory < MEMORY
    assert not canary.exists(), canary.read_text()
    (submission,) = json.loads(texts["json"])["submissions"]
    assert submission["outcome"] == "graded", submission["problem"]
    found = statuses(submission)
    wrong = {i: found[i] for i, statuses_ in allowed.items() if found[i] not in statuses_.split()}
    assert not wrong, [item["message"] for item in submission["items"] if item["id"] in wrong]
    assert "error" not in found.values(), found
    harmless(texts)
    told = dict(texts)
    if case.unread or case.hidden:
        inspected = grade("inspect", folder, "--format", "json", env=ENVIRONMENT)
        assert inspected.code == 0, inspected.err
        unread = {entry["path"] for entry in inspected.report["unread"]}
        assert set(case.unread) <= unread
        told["inspect"] = inspected.out
    for text in case.hidden:
        assert not [name for name, report in told.items() if text in report], text
    assert not canary.exists()


def _archives(home: Path) -> dict[str, str]:
    """Archives as SOURCE, by name, and what may become of each."""
    files = fixture_files("aws-sklearnmodel-complete")
    home.mkdir()
    bomb(home / "bomb.tar.gz", member="aws_deploy/README.md", gigabytes=3)
    with zipfile.ZipFile(home / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(8):
            archive.writestr(f"aws_deploy/{number}.pkl", bytes(90_000_000))
    with zipfile.ZipFile(home / "outside.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for name in (
            "../escaped.txt",
            "/escaped.txt",
            "a/../../escaped.txt",
            "C:\\escaped.txt",
            "\x1b[2J.md",
        ):
            archive.writestr(name, "escaped")
        link = zipfile.ZipInfo("aws_deploy/link.py")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with tarfile.open(home / "devices.tar.gz", "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"work/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for kind, name in (
            (tarfile.SYMTYPE, "work/aws_deploy/s.py"),
            (tarfile.LNKTYPE, "work/aws_deploy/h.py"),
            (tarfile.FIFOTYPE, "work/aws_deploy/f.py"),
            (tarfile.CHRTYPE, "work/aws_deploy/c.py"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    with zipfile.ZipFile(home / "many.zip", "w") as archive:
        for number in range(40_000):
            archive.writestr(f"{number}.txt", "")
    (home / "noise.tar.gz").write_bytes(gzip.compress(b"\0\1\2" * 5_000_000))
    (home / "void.zip").write_bytes(b"PK\5\6" + bytes(18))
    return {
        "bomb.tar.gz": "graded unreadable",
        "bomb.zip": "graded unreadable",
        "outside.zip": "graded",
        "devices.tar.gz": "graded",
        "many.zip": "graded",
        "noise.tar.gz": "unreadable",
        "void.zip": "unreadable",
    }


def test_archives_as_source(tmp_path: Path) -> None:
    home = tmp_path / "handed in"
    fates = _archives(home)
    before = {path.name for path in tmp_path.iterdir()}
    done, texts = graded(tmp_path, *(home / name for name in fates), "--jobs", "2")
    assert done.code == 3
    assert done.memory < MEMORY
    assert done.seconds < SECONDS * len(fates)
    found = {Path(s["source"]).name: s for s in json.loads(texts["json"])["submissions"]}
    for name, fate in fates.items():
        assert found[name]["outcome"] in fate.split(), (name, found[name]["problem"])
        if found[name]["outcome"] == "graded":
            assert sum(found[name]["timings"].values()) < SECONDS
    for name in ("outside.zip", "devices.tar.gz"):
        assert statuses(found[name])["aws.model-fn-loads"] == "pass"
    assert statuses(found["many.zip"])["folder.present"] != "pass"
    harmless(texts)
    reports = {"cost", *(f"report.{ending}" for ending in ENDINGS)}
    assert {path.name for path in tmp_path.iterdir()} - before == reports
    assert not list(tmp_path.rglob("*escaped*"))


def test_the_working_folder_is_a_hostile_submission(tmp_path: Path) -> None:
    folder = write(tmp_path / "submission", fixture_files("aws-sklearnmodel-complete"))
    canary = tmp_path / "canary"
    modules_named_as_ours(folder, canary)
    script = Path(sys.executable).with_name("grade")
    done = grade(".", "--format", "json", cwd=folder, command=(str(script),))
    assert done.code == 0, done.err
    assert not canary.exists()
    (submission,) = done.submissions
    assert statuses(submission)["evidence.screenshot"] == "review"
    assert done.report["rubric"]["id"] == "cloud-deploy-lab"
    for command in (["checks"], ["rubric", "schema"], ["--version"]):
        assert grade(*command, cwd=folder, command=(str(script),)).code == 0
    assert not canary.exists()
