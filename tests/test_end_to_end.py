"""From a real source through the real command line to the reports: repositories, servers, archives, marks, audiences."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import random
import select
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.calls import fixture_files, grade, statuses, write
from tests.servers import Behaviour, Server, git, repository, served, serving

LOGIN = "ada:sesame-and-more"
FILES = fixture_files("aws-sklearnmodel-complete")
NOISE = random.Random(7).randbytes(2_500_000)


@dataclass(frozen=True)
class Lab:
    """One student's work in every form in which it can be handed in."""

    home: Path
    folder: Path
    root: Path
    first: str
    last: str
    zipped: Path
    tarred: Path


def _with_noise(archive: bytes, noise: bytes) -> bytes:
    """A model archive with a large file beside the model."""
    made = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as old,
        tarfile.open(fileobj=made, mode="w:gz", compresslevel=1) as new,
    ):
        for member in old.getmembers():
            new.addfile(member, old.extractfile(member))
        info = tarfile.TarInfo("vocabulary.bin")
        info.size = len(noise)
        new.addfile(info, io.BytesIO(noise))
    return made.getvalue()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    home = tmp_path_factory.mktemp("lab")
    folder = repository(home / "student", FILES)
    git(folder, "tag", "--annotate", "handed-in", "--message", "handed in")
    first = git(folder, "rev-parse", "HEAD")
    write(folder, {"notes.md": "Later.\n"})
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "later")
    git(folder, "branch", "feature/deploy", first)
    root = home / "served"
    served(folder, root / "u" / "lab.git")
    served(folder, root / "u" / "whole.git", partial=False)
    model = FILES["aws_deploy/model.tar.gz"]
    large = {
        **FILES,
        "aws_deploy/model.tar.gz": _with_noise(model, NOISE),
        "data/unasked.bin": random.Random(8).randbytes(12_000_000),
    }
    served(repository(home / "large", large), root / "u" / "large.git")
    git(root, "init", "--quiet", "--bare", "u/empty.git")
    with zipfile.ZipFile(home / "student.zip", "w") as archive:
        for name, content in {**FILES, "notes.md": b"Later.\n"}.items():
            archive.writestr(f"student-main/{name}", content)
    with tarfile.open(home / "student.tar.gz", "w:gz") as tar:
        for name in (*FILES, "notes.md"):
            tar.add(folder / name, name)
    last = git(folder, "rev-parse", "HEAD")
    return Lab(home, folder, root, first, last, home / "student.zip", home / "student.tar.gz")


@pytest.fixture
def server(lab: Lab) -> Iterator[Server]:
    with serving(lab.root) as running:
        yield running


def test_the_same_files_are_judged_alike_however_they_come(lab: Lab, server: Server) -> None:
    sources = [
        lab.folder,
        lab.root / "u" / "lab.git",
        lab.zipped,
        lab.tarred,
        f"file://{lab.root}/u/lab.git",
        server.url("u/lab.git"),
        server.url("u/whole.git"),
    ]
    done = grade(*sources, "--format", "json")
    assert (done.code, done.err) == (0, "")
    found = done.submissions
    assert [s["source"] for s in found] == [str(source) for source in sources]
    assert statuses(found[0])["aws.model-fn-loads"] == "pass"
    for submission in found[1:]:
        assert submission["items"] == found[0]["items"], submission["source"]
        assert submission["score"] == found[0]["score"]
    assert [s["commit"] for s in found] == [lab.last, lab.last, None, None, lab.last, lab.last, lab.last]
    assert {s["ref"] for s in found if s["commit"]} == {"main"}
    assert all(s["committed_at"] for s in found if s["commit"])


def test_every_way_to_name_a_ref(lab: Lab, server: Server) -> None:
    url = server.url("u/lab.git")
    refs = {
        f"{url}@main": lab.last,
        f"{url}@handed-in": lab.first,
        f"{url}@feature/deploy": lab.first,
        f"{url}@{lab.first}": lab.first,
        f"{url}@{lab.first[:9]}": lab.first,
        f"{url}/tree/feature/deploy/aws_deploy": lab.first,
        f"{url}/blob/main/aws_deploy/README.md": lab.last,
        f"file://{lab.root}/u/lab.git@handed-in": lab.first,
        f"{lab.root}/u/lab.git@handed-in": lab.first,
    }
    done = grade(*refs, "--format", "json", "--select", "folder")
    assert done.code == 0, done.out
    assert {s["source"]: s["commit"] for s in done.submissions} == refs
    named = grade(url, "--ref", "handed-in", "--format", "json", "--select", "folder")
    assert [(s["ref"], s["commit"]) for s in named.submissions] == [("handed-in", lab.first)]


def test_what_is_not_there_is_said_in_a_sentence(lab: Lab, server: Server) -> None:
    sources = [
        server.url("u/lab.git@nope"),
        server.url("u/none.git"),
        server.url("u/empty.git"),
        lab.root / "u" / "empty.git",
        f"file://{lab.root}/u/empty.git",
    ]
    done = grade(*sources, "--format", "json")
    assert done.code == 3
    said = [submission["problem"] for submission in done.submissions]
    assert all(s["score"] is None and s["outcome"] == "unreadable" for s in done.submissions)
    assert "nope" in said[0]
    assert "no such repository" in said[1].lower()
    assert all("commit" in sentence.lower() for sentence in said[2:]), said
    assert not any("fatal:" in sentence or "\n" in sentence for sentence in said)


def test_a_password_that_nobody_gave(lab: Lab) -> None:
    with serving(lab.root, Behaviour(password=LOGIN)) as running:
        done = grade(running.url("u/lab.git"), timeout=60)
    assert done.code == 3
    assert done.seconds < 10
    assert "asked for a login" in " ".join(done.out.split())
    assert "fatal" not in done.out + done.err


# Runs a program with its stdin as the terminal of its session, where git would ask if it could.
_AT_A_TERMINAL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


def test_no_prompt_is_written_to_the_terminal(lab: Lab) -> None:
    keyboard, terminal = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k not in ("GIT_ASKPASS", "SSH_ASKPASS", "DISPLAY")}
    try:
        with serving(lab.root, Behaviour(password=LOGIN)) as running:
            began = time.monotonic()
            process = subprocess.Popen(
                [
                    *(sys.executable, "-c", _AT_A_TERMINAL),
                    *(sys.executable, "-m", "grader", running.url("u/lab.git")),
                ],
                stdin=terminal,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
            out, err = process.communicate(timeout=60)
            assert process.returncode == 3, err
            assert time.monotonic() - began < 10
            written = os.read(keyboard, 1000) if select.select([keyboard], [], [], 0)[0] else b""
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert b"sername" not in out + err + written
    assert b"assword for" not in out + err + written


def test_a_token_in_the_address_serves_and_is_nowhere_to_be_read(lab: Lab, tmp_path: Path) -> None:
    endings = ("json", "md", "html", "csv", "txt")
    wanted = [part for e in endings for part in ("--output", tmp_path / f"report.{e}")]
    with serving(lab.root, Behaviour(password=LOGIN)) as running:
        right, wrong = running.url("u/lab.git", f"{LOGIN}@"), running.url("u/lab.git", "ada:sesame-too@")
        done = grade(right, wrong, running.url("u/none.git", f"{LOGIN}@"), *wanted)
        inspected = grade("inspect", right, "--format", "json")
        shown = grade(right, env={"GRADE_TRACEBACK": "1"})
        assert LOGIN in running.logins
    assert (done.code, inspected.code, shown.code) == (3, 0, 0)
    texts = {e: (tmp_path / f"report.{e}").read_text(encoding="utf-8") for e in endings}
    texts |= {"stderr": done.err, "stdout": done.out}
    texts |= {"inspect": inspected.out + inspected.err, "terminal": shown.out + shown.err}
    for name, text in texts.items():
        assert "sesame" not in text, name
    for name in (*endings, "inspect", "terminal"):
        assert "***" in texts[name].replace("\\*", "*"), name
    assert [s["outcome"] for s in json.loads(texts["json"])["submissions"]] == [
        "graded",
        "unreadable",
        "unreadable",
    ]


def test_a_repository_that_moved(lab: Lab) -> None:
    with serving(lab.root, Behaviour(redirect_first="")) as running:
        done = grade(running.url("u/lab.git"), "--format", "json")
    assert done.code == 0
    assert done.submissions[0]["commit"] == lab.last


@pytest.mark.parametrize(
    ("behaviour", "limit"),
    [
        (Behaviour(stall_after=500), "stall-seconds=2"),
        (Behaviour(drip=True), "fetch-seconds=3"),
        (Behaviour(latency=30), "fetch-seconds=3"),
    ],
    ids=["stalls", "drips", "never answers"],
)
def test_a_server_that_does_not_come_to_an_end(lab: Lab, behaviour: Behaviour, limit: str) -> None:
    with serving(lab.root, behaviour) as running:
        done = grade(running.url("u/large.git"), "--format", "json", "--limit", limit)
    assert done.code == 3
    assert done.seconds < 15
    assert done.submissions[0]["problem"].endswith(".")


def test_large_data_stays_on_the_server_and_a_large_model_comes(lab: Lab, server: Server) -> None:
    done = grade(server.url("u/large.git"), "--format", "json")
    assert done.code == 0
    found = statuses(done.submissions[0])
    assert (found["model.present"], found["aws.model-fn-loads"]) == ("pass", "pass")
    assert len(NOISE) < server.sent < len(NOISE) + 500_000


def test_six_of_mixed_fate(lab: Lab, server: Server, tmp_path: Path) -> None:
    whole = lab.tarred.read_bytes()
    (tmp_path / "cut.tar.gz").write_bytes(whole[: len(whole) // 50])
    (tmp_path / "nothing").mkdir()
    sources = [
        str(tmp_path / "none"),
        server.url("u/lab.git"),
        str(tmp_path / "cut.tar.gz"),
        str(lab.zipped),
        server.url("u/empty.git"),
        str(tmp_path / "nothing"),
    ]
    fates = ["unreadable", "graded", "unreadable", "graded", "unreadable", "graded"]
    wanted = [part for e in ("json", "md", "html", "csv") for part in ("--output", tmp_path / f"class.{e}")]
    done = grade(*sources, "--jobs", "2", *wanted)
    assert (done.code, done.out) == (3, "")
    report = json.loads((tmp_path / "class.json").read_text(encoding="utf-8"))
    assert [(s["source"], s["outcome"]) for s in report["submissions"]] == list(
        zip(sources, fates, strict=True)
    )
    rows = list(csv.DictReader(io.StringIO((tmp_path / "class.csv").read_text(encoding="utf-8-sig"))))
    assert [(row["source"].lstrip("'"), row["outcome"]) for row in rows] == list(
        zip(sources, fates, strict=True)
    )
    scores = [s["score"] for s in report["submissions"]]
    assert [row["low"] for row in rows] == ["" if s is None else f"{s['low']:g}" for s in scores]
    for ending in ("md", "html"):
        text = (tmp_path / f"class.{ending}").read_text(encoding="utf-8").replace("\\", "")
        places = [text.find(Path(source).name) for source in sources]
        assert -1 not in places, ending
        assert places == sorted(places), ending


def test_what_is_not_committed_is_told(lab: Lab, tmp_path: Path) -> None:
    folder = repository(tmp_path / "student", {**FILES, "gone.txt": b"x"})
    write(folder, {"aws_deploy/README.md": "# Changed\n", "aws_deploy/late.png": b"\x89PNG"})
    (folder / "gone.txt").unlink()
    done = grade(folder, "--format", "json")
    notes = " ".join(done.submissions[0]["notes"])
    assert all(name in notes for name in ("aws_deploy/README.md", "aws_deploy/late.png", "gone.txt"))
    assert "late.png" in " ".join(grade(folder).out.split())


KEYS = ["schema", "source", "commit", "deploy_folders", "readmes", "images", "model_fns", "model_calls"]
KEYS += ["archives", "models", "as_matrix", "sklearn_externals", "versions", "commands", "secrets", "unread"]
PARTS = {
    "deploy_folders": "path platform exact",
    "readmes": "path words images code_blocks",
    "images": "path format width height embedded_in",
    "model_fns": "path cell line via parameters callable_with_one loader loads from_model_dir "
    "returns_on_all_paths estimator_homonym",
    "model_calls": "path cell line via class entry_point source_dir model_data framework_version",
    "archives": "path members",
    "models": "path member format compression class sklearn_versions n_features globals dangerous problem",
    "commands": "path cell line program verb",
}


def test_inspecting_prints_the_keys_that_scripts_rely_on(server: Server) -> None:
    found = grade("inspect", server.url("u/lab.git"), "--format", "json").report
    assert [key for key in found if key in KEYS] == KEYS
    for name, keys in PARTS.items():
        assert found[name], name
        for entry in found[name]:
            assert set(keys.split()) <= entry.keys(), name


def marked(report: dict[str, Any], item: str) -> dict[str, Any]:
    (found,) = [i for i in report["submissions"][0]["items"] if i["id"] == item]
    assert isinstance(found, dict)
    return found


def test_marks_close_what_is_open_and_show_as_a_persons(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "marks.yaml").write_text(
        f"- submission: {lab.zipped}\n  item: evidence.screenshot\n  points: 15\n  comment: No answer to be seen.\n"
        f"- submission: {lab.zipped}\n  item: readme.present\n  status: fail\n",
        encoding="utf-8",
    )
    before = grade(lab.zipped, "--format", "json").submissions[0]["score"]
    assert before["low"] + 20 == before["high"]
    endings = ("json", "md", "html", "csv", "txt")
    wanted = [part for e in endings for part in ("--output", tmp_path / f"report.{e}")]
    done = grade(lab.zipped, "--marks", tmp_path / "marks.yaml", *wanted)
    assert done.code == 0
    texts = {e: (tmp_path / f"report.{e}").read_text(encoding="utf-8-sig") for e in endings}
    report = json.loads(texts["json"])
    score = report["submissions"][0]["score"]
    assert score["low"] == score["high"] == before["low"] + 15
    item = marked(report, "evidence.screenshot")
    assert (item["points"], item["mark"]["comment"]) == (15, "No answer to be seen.")
    assert marked(report, "readme.present")["status"] == "pass", "a mark on what is not open changes nothing"
    told = " ".join(report["submissions"][0]["notes"]) + done.err
    assert "readme.present" in told
    for ending in ("md", "html", "txt"):
        text = " ".join(texts[ending].split()).replace("\\", "")
        assert "marked" in text, ending
        assert "No answer to be seen." in text, ending
        assert f"{score['low']:g} of 100" in text, ending
    (row,) = csv.DictReader(io.StringIO(texts["csv"]))
    assert (row["low"], row["high"], row["open_items"]) == (f"{score['low']:g}", f"{score['low']:g}", "0")


HIDING = """\
rubric: hiding
version: 1
title: Hiding
platforms: [aws, gcp]
sections:
  - title: All
    items:
      - {check: folder.present, points: 10}
      - {check: model.present, points: 20, visibility: hidden}
      - {check: aws.model-fn, points: 30, visibility: after_published}
"""


def test_what_a_student_sees(lab: Lab, tmp_path: Path) -> None:
    rubric = tmp_path / "hiding.yaml"
    rubric.write_text(HIDING, encoding="utf-8")
    endings = ("json", "md", "html", "csv", "txt")
    wanted = [part for e in endings for part in ("--output", tmp_path / f"seen.{e}")]
    staff = grade(lab.zipped, "--rubric", rubric, "--format", "json").submissions[0]
    assert grade(lab.zipped, "--rubric", rubric, "--audience", "student", *wanted).code == 0
    seen = json.loads((tmp_path / "seen.json").read_text(encoding="utf-8"))["submissions"][0]
    assert seen["score"] == staff["score"] == {"low": 60, "high": 60, "possible": 60}
    assert list(statuses(seen)) == ["folder.present"]
    assert seen["hidden"] == 2
    for ending in endings:
        text = (tmp_path / f"seen.{ending}").read_text(encoding="utf-8-sig")
        assert "model_fn" not in text, ending
        assert "model.present" not in text, ending


def test_only_some_checks_and_a_threshold(lab: Lab) -> None:
    some = grade(lab.zipped, "--select", "aws,folder.present", "--ignore", "aws.model-fn", "--format", "json")
    assert list(statuses(some.submissions[0])) == [
        "folder.present",
        "aws.entry-point",
        "aws.model-fn-loads",
        "aws.framework-version",
    ]
    assert grade(lab.zipped, "--fail-under", "80").code == 0
    assert grade(lab.zipped, "--fail-under", "80.5").code == 1, "the low end counts"
