"""The whole command line with ``--live``: real clients, real servers, and no credential in anything that is printed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import aws_server, vertex_server
from tests.calls import ROOT, Call, grade, statuses, write
from tests.live.conftest import SECRET_KEY, TOKEN
from tests.live.webserver import serving

FORMATS = ("terminal", "json", "markdown", "html", "csv")
LIVE = ("--select", "live", "--select", "folder.present")


def copied(platform: str, to: Path) -> Path:
    """A submission that is the reference solution's deploy folder, without what a cloud made of it."""
    ignore = shutil.ignore_patterns("__pycache__", ".deployed*")
    shutil.copytree(ROOT / f"{platform}_deploy", to / f"{platform}_deploy", ignore=ignore)
    return to


def live(call: Call) -> list[str]:
    """The statuses of the two checks."""
    told = statuses(call.submissions[0])
    return [told["live.in-service"], told["live.predicts"]]


@pytest.mark.slow
def test_the_reference_solution_on_aws(aws: aws_server.Cloud, tmp_path: Path) -> None:
    aws.answer = lambda *_: (200, {"Content-Type": "application/json"}, b'["Adelie"]')
    here = copied("aws", tmp_path)
    called = grade(here, "--live", "--format", "json", *LIVE)
    assert live(called) == ["review", "review"]  # nobody said whose the account is
    called = grade(here, "--live", "--allow-endpoint", "123456789012", "--format", "json", *LIVE)
    assert live(called) == ["pass", "pass"]
    called = grade(here, "--live", "--endpoint", "penguins", "--format", "json", *LIVE)
    assert live(called) == ["pass", "pass"]
    (found,) = called.submissions[0]["endpoints"]
    assert (found["state"], found["account"], found["scikit_learn"]) == (
        "in-service",
        "123456789012",
        "1.2.1",
    )
    called = grade(here, "--live", "--endpoint", "gulls", "--format", "json", *LIVE)
    assert live(called) == ["fail", "skipped"]
    assert "DeleteEndpoint" not in aws.calls
    assert "CreateEndpoint" not in aws.calls


@pytest.mark.slow
def test_the_reference_solution_on_gcp(gcp: vertex_server.Cloud, tmp_path: Path) -> None:
    gcp.add_endpoint("penguins")
    here = copied("gcp", tmp_path)
    called = grade(
        here,
        "--live",
        "--project",
        "lab-project-1",
        "--allow-endpoint",
        "lab-project-1",
        "--format",
        "json",
        *LIVE,
    )
    assert live(called) == ["pass", "pass"]
    assert not [
        call for call in gcp.calls if call not in ("endpoints.get", "endpoints.list", "models.get", "predict")
    ]


@pytest.mark.slow
def test_several_submissions_list_what_is_up(aws: aws_server.Cloud, tmp_path: Path) -> None:
    aws.answer = lambda *_: (200, {"Content-Type": "application/json"}, b"[1]")
    for name, endpoint in (("ada", "penguins"), ("ben", "penguins"), ("eve", "gulls")):
        files = {
            "aws_deploy/README.md": "# Deploying\n",
            "aws_deploy/endpoint.yaml": f"endpoint: {endpoint}\nregion: us-east-1\nbody: [[1]]\n",
        }
        write(tmp_path / name, files)
    sources = [tmp_path / name for name in ("ada", "ben", "eve")]
    for form in ("terminal", "markdown", "html"):
        out = grade(*sources, "--live", "--format", form, *LIVE).out
        summary = out.partition("Endpoints that are up, and cost money:")[2]
        assert summary, form
        told = " ".join(summary.split())[:4_000] if form == "terminal" else summary[:4_000]
        assert told.count("delete-endpoint --endpoint-name penguins") >= 2
        assert "ada" in told
        assert "ben" in told
        assert "gulls" not in told.partition("Failed most")[0].partition("<article")[0].partition("## ")[0]


@pytest.mark.slow
def test_no_credential_is_told_anywhere(aws: aws_server.Cloud, tmp_path: Path) -> None:
    """The endpoint sends back what it can know of them, and the service quotes what was signed."""
    said = f"Authorization: AWS4-HMAC-SHA256 Credential=x {SECRET_KEY} x-amz-security-token: {TOKEN}"

    def echo(*_: object) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Type": "application/json"}, f'["{TOKEN}", "{said}"]'.encode()

    here = copied("aws", tmp_path / "one")
    for index, form in enumerate(FORMATS):
        aws.faults.clear()
        aws.answer = echo
        if index % 2:
            aws.faults.append(aws_server.Fault("DescribeEndpoint", "InvalidSignatureException", said, 403))
        called = grade(
            here, "--live", "--endpoint", "penguins", "--format", form, env={"GRADE_TRACEBACK": "1"}
        )
        assert called.code == 0, called.err
        for secret in (SECRET_KEY, TOKEN, "AWS4-HMAC"):
            assert secret not in called.out, form
            assert secret not in called.err, form


def test_an_address_of_a_submission_reaches_nothing_private(tmp_path: Path) -> None:
    with serving() as canary:
        files = {
            "aws_deploy/README.md": "# Deploying\n",
            "aws_deploy/endpoint.yaml": f"url: {canary.url}/p\nbody: [[1]]\n",
        }
        here = write(tmp_path, files)
        called = grade(here, "--live", "--format", "json", *LIVE)
        assert live(called) == ["fail", "skipped"]
        assert canary.connections == 0
        called = grade(here, "--live", "--allow-private", "--format", "json", *LIVE)
        assert live(called) == ["pass", "pass"]
        assert canary.connections == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--live", "--region", "us-east-1.evil.example"),
        ("--endpoint", "penguins"),
        ("--allow-endpoint", "123456789012"),
    ],
)
def test_a_wrong_call_is_told_before_anything_is_asked(arguments: tuple[str, ...], tmp_path: Path) -> None:
    called = grade(write(tmp_path, {"aws_deploy/README.md": "# Deploying\n"}), *arguments)
    assert called.code == 2
    assert called.out == ""
    assert "--" in called.err


@pytest.mark.slow
def test_without_live_nothing_is_asked(aws: aws_server.Cloud, tmp_path: Path) -> None:
    called = grade(copied("aws", tmp_path), "--format", "json")
    assert "live.in-service" not in statuses(called.submissions[0])
    assert called.submissions[0]["endpoints"] == []
    assert aws.calls == []
