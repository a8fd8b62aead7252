"""The command line as its users meet it: exit codes, one clear sentence, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

GOOD = {
    "aws_deploy/README.md": "# Deploying to SageMaker\n\nHow to do it.\n",
    "aws_deploy/inference.py": "import joblib, os\n\ndef model_fn(model_dir):\n"
    "    return joblib.load(os.path.join(model_dir, 'model.joblib'))\n",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(tmp_path / "good", GOOD)


@pytest.fixture
def grade(tmp_path: Path) -> Run:
    def run(*arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "TMPDIR": str(tmp_path), "GRADE_TRACEBACK": ""}
        return subprocess.run(
            [sys.executable, "-m", "grader", *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
            **{"env": environment, "cwd": tmp_path, **more},  # type: ignore[call-overload]
        )

    return run


def items(report: str, index: int = 0) -> dict[str, str]:
    submission = json.loads(report)["submissions"][index]
    return {item["id"]: item["status"] for item in submission["items"]}


def test_version(grade: Run) -> None:
    from grader import __version__

    done = grade("--version")
    assert (done.returncode, done.stdout) == (0, f"grade {__version__}\n")


def test_nothing_heavy_is_imported_to_say_the_version() -> None:
    script = (
        "import sys\nfrom grader.cli import run\n"
        "try:\n    run(['--version'])\nexcept SystemExit:\n    pass\n"
        # `google` alone is a namespace that one of its packages makes when the interpreter starts
        "heavy = {'boto3', 'git', 'PIL', 'nbformat', 'rich', 'yaml', 'markdown_it', 'requests', 'uv', 'filelock', 'grader.live',\n"
        "    'grader.rehearsal', 'google.cloud.aiplatform', 'google.auth'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_folder_is_graded(grade: Run, good: Path) -> None:
    done = grade(good, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert items(done.stdout)["folder.present"] == "pass"


def test_the_report_alone_goes_to_stdout(grade: Run, good: Path) -> None:
    done = grade(good, good)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "no SOURCE"),
        (("--formt", "json", "{good}"), 2, "unrecognized arguments: --formt"),
        (("{good}", "--format", "jsn"), 2, "did you mean json?"),
        (("{good}", "--jobs", "0"), 2, "--jobs"),
        (("{good}", "--jobs", "many"), 2, "invalid int value"),
        (("{good}", "--fail-under", "101"), 2, "percentage"),
        (("{good}", "--platform", "azure"), 2, "invalid choice"),
        (("{good}", "--select", "aws.modelfn"), 2, "did you mean aws.model-fn?"),
        (("{good}", "--ignore", "nothing"), 2, "no check 'nothing'"),
        (("{good}", "--select", "live"), 2, "only with --live"),
        (("{good}", "--limit", "entris=3"), 2, "did you mean entries?"),
        (("{good}", "--output", "{tmp}/none/report.json"), 2, "its folder does not exist"),
        (("{good}", "--output", "{tmp}"), 2, "names no format"),
        (("{good}", "--output", "{tmp}", "--format", "json"), 2, "it is a folder"),
        (("{good}", "--rubric", "{tmp}/none.yaml"), 2, "none.yaml"),
        (("{good}", "--marks", "{tmp}/none.yaml"), 2, "none.yaml"),
        (("{good}", "--ref", "main"), 2, "ref"),
        (("{tmp}/none",), 3, "none"),
        (("ftp://host/u/r",), 3, "ftp"),
        (("ext::sh -c touch% pwned",), 3, "ext::"),
        (("{good}/aws_deploy/README.md",), 3, "README.md"),
        (("file://{tmp}/none.git",), 3, "none.git"),
        (("{tmp}/cut.tar.gz",), 3, "cut.tar.gz"),
        (("{tmp}/noise.zip",), 3, "noise.zip"),
        (("{tmp}/void.zip",), 3, "void.zip"),
        (("checks", "aws.modelfn"), 2, "did you mean aws.model-fn?"),
        (("rubric",), 2, "required"),
        (("rubric", "check", "{tmp}/none.yaml"), 2, "none.yaml"),
        (("inspect",), 2, "SOURCE"),
        (("inspect", "{tmp}/none"), 3, "none"),
    ],
)
def test_bad_input_is_one_sentence(
    grade: Run, good: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    with tarfile.open(tmp_path / "whole.tar.gz", "w:gz") as archive:
        archive.add(good, "good")
    (tmp_path / "cut.tar.gz").write_bytes((tmp_path / "whole.tar.gz").read_bytes()[:60])
    (tmp_path / "noise.zip").write_bytes(b"PK\3\4" + bytes(range(200)))
    with zipfile.ZipFile(tmp_path / "void.zip", "w"):
        pass
    filled = [a.replace("{good}", str(good)).replace("{tmp}", str(tmp_path)) for a in arguments]
    done = grade(*filled)
    assert done.returncode == code, done.stderr
    told = done.stdout + done.stderr
    assert "Traceback" not in told
    assert "".join(said.split()) in "".join(told.split())  # a terminal's report is folded
    assert not (tmp_path / "pwned").exists()


def test_the_first_word_alone_is_a_subcommand(grade: Run, tmp_path: Path) -> None:
    write(tmp_path / "checks", GOOD)
    assert "readme.instructions" in grade("checks").stdout
    done = grade("./checks", "--format", "json")
    assert items(done.stdout)["folder.present"] == "pass"


def test_options_end_at_two_dashes(grade: Run, tmp_path: Path) -> None:
    write(tmp_path / "--jobs", GOOD)
    done = grade("--format", "json", "--", "--jobs")
    assert done.returncode == 0, done.stderr
    assert items(done.stdout)["folder.present"] == "pass"


def test_options_may_stand_between_sources(grade: Run, good: Path) -> None:
    done = grade(good, "--format", "json", good)
    assert len(json.loads(done.stdout)["submissions"]) == 2


def test_sources_are_told_in_the_order_given_and_one_that_fails_costs_no_other(
    grade: Run, good: Path, tmp_path: Path
) -> None:
    done = grade(tmp_path / "none", good, "nowhere://x", good, "--format", "json")
    report = json.loads(done.stdout)
    assert done.returncode == 3
    assert [s["outcome"] for s in report["submissions"]] == ["unreadable", "graded", "unreadable", "graded"]
    assert report["submissions"][0]["score"] is None
    assert report["submissions"][0]["problem"]


def test_fail_under(grade: Run, good: Path) -> None:
    assert grade(good, "--fail-under", "100").returncode == 1
    assert grade(good, "--fail-under", "0").returncode == 0
    assert grade(good, "nowhere://x", "--fail-under", "100").returncode == 3


def test_outputs_are_written_and_stdout_stays_empty(grade: Run, good: Path, tmp_path: Path) -> None:
    names = ("report.json", "report.md", "report.html", "report.csv", "report.txt")
    wanted = [part for name in names for part in ("--output", tmp_path / name)]
    done = grade(good, *wanted)
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["schema"] == "grade.report/1"
    assert all((tmp_path / name).stat().st_size for name in names)


def test_the_submission_is_never_changed_and_nothing_is_left(grade: Run, good: Path, tmp_path: Path) -> None:
    def state() -> dict[str, tuple[int, float]]:
        return {str(p): (p.stat().st_size, p.stat().st_mtime) for p in sorted(good.rglob("*"))}

    before = state()
    grade(good, "--rehearse", "--live")
    assert state() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["good"]


def test_a_closed_pipe_is_141(good: Path) -> None:
    many = f'for i in $(seq 40); do set -- "$@" {good}; done; {sys.executable} -m grader "$@" --format json | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", many], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "141", done.stderr
    assert "Traceback" not in done.stderr


def test_interrupting_is_130_and_keeps_what_was_graded(good: Path, tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    target = tmp_path / "report.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "grader", str(good), f"http://127.0.0.1:{port}/u/r", "--output", str(target)],
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        start_new_session=True,
    )
    connection, _ = listener.accept()  # git is waiting for an answer that never comes
    time.sleep(1.0)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    connection.close()
    listener.close()
    assert process.returncode == 130
    assert b"Traceback" not in said
    first, second = json.loads(target.read_text("utf-8"))["submissions"]
    assert (first["outcome"], second["outcome"]) == ("graded", "crashed")
    assert second["problem"] == "It was not graded: the call ended before; grade it again."
    assert not list(tmp_path.glob("grade-*"))


def test_a_call_that_is_killed_leaves_what_was_graded(good: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/u/r"
        target = tmp_path / "report.json"
        script = (
            "import sys, grader.cli as cli\ncli.SAVE_EVERY = 0.0\nsys.exit(cli.run(sys.argv[1:]))"  # at once
        )
        process = subprocess.Popen(
            [sys.executable, "-c", script, url, str(good), "--jobs", "2", "--output", str(target)],
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
        until = time.monotonic() + 60
        while not target.exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.kill()
        process.wait(30)
    outcomes = [s["outcome"] for s in json.loads(target.read_text("utf-8"))["submissions"]]
    assert outcomes == ["crashed", "graded"]


def test_inspect_prints_the_contracts_keys(grade: Run, good: Path) -> None:
    done = grade("inspect", good, "--format", "json")
    found = json.loads(done.stdout)
    assert list(found)[:3] == ["schema", "source", "commit"]
    (function,) = found["model_fns"]
    assert function["loads"] == ["model.joblib"]
    assert function["from_model_dir"] is True


def test_inspect_of_what_cannot_be_read(grade: Run, tmp_path: Path) -> None:
    done = grade("inspect", tmp_path / "none", "--format", "json")
    assert done.returncode == 3
    assert list(json.loads(done.stdout)) == ["schema", "source", "problem"]


def test_every_check_is_explained(grade: Run) -> None:
    from grader.checks.registry import load_builtin

    listing = grade("checks").stdout
    for item in load_builtin():
        assert item.id in listing
    page = grade("checks", "aws.model-fn")
    assert page.returncode == 0
    assert "model_fn" in page.stdout


def test_excluded_paths_are_left_out_and_told(grade: Run, good: Path) -> None:
    done = grade(good, "--exclude", "aws_deploy/", "--format", "json")
    (submission,) = json.loads(done.stdout)["submissions"]
    assert submission["excluded"] == ["aws_deploy/"]
    assert submission["platform"] is None


def test_nothing_of_the_working_folder_is_imported(grade: Run, good: Path, tmp_path: Path) -> None:
    for name in ("yaml", "PIL", "git", "json", "markdown_it", "rich", "joblib", "sitecustomize"):
        write(
            good, {f"{name}.py": f"open({str(tmp_path / 'ran')!r}, 'a').write({name!r})\nraise SystemExit(9)"}
        )
    script = Path(sys.executable).with_name("grade")
    done = subprocess.run(
        [str(script), ".", "--format", "json"], cwd=good, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists()


def test_a_report_in_an_encoding_that_lacks_letters(grade: Run, good: Path, tmp_path: Path) -> None:
    write(good, {"aws_deploy/été 模型.ipynb": "{"})
    done = grade(good, env={**os.environ, "PYTHONIOENCODING": "ascii", "TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
