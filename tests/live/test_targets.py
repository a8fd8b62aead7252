"""Which endpoints are asked: the command line, then endpoint.yaml, then names in the files."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from grader.checks.subject import deploy_folder
from grader.limits import Limits
from grader.live.targets import LiveAsked, Target, targets, wrong_call
from grader.submission.tree import Entry, build
from grader.testing import facts_of, tree_of
from tests.calls import ROOT

DEPLOY = (
    "from sagemaker.sklearn.model import SKLearnModel\nm = SKLearnModel(model_data='s3://b/m', role='r', entry_point='i.py')\n"
    "m.deploy(1, 'ml.t2.medium', endpoint_name='{}')\n"
)
VERTEX = (
    "from google.cloud import aiplatform\naiplatform.init(project='lab-project-1', location='us-central1')\n"
    "aiplatform.Endpoint('{}')\n"
)
README = {"aws_deploy/README.md": "# Deploying\n", "gcp_deploy/README.md": "# Deploying\n"}
YAML = "endpoint: penguins\nregion: us-east-1\n"


def found(
    files: dict[str, Any], platform: str = "aws", limits: Limits | None = None, **asked: Any
) -> tuple[Target, ...]:
    files = {**README, **files}
    facts = facts_of(files)
    folder = deploy_folder(facts, platform, ("{platform}_deploy",))
    return targets(facts, tree_of(files), folder, platform, LiveAsked(**asked), limits)


def brief(target: Target) -> tuple[Any, ...]:
    return target.kind, target.name, target.named_by, target.region, target.project


@pytest.mark.parametrize(
    ("files", "platform", "asked", "expected"),
    [
        ({}, "aws", {}, []),
        ({"aws_deploy/endpoint.yaml": YAML}, "aws", {}, [("sagemaker", "penguins", "endpoint.yaml", "us-east-1", None)]),
        ({"aws_deploy/endpoint.yml": YAML}, "aws", {}, [("sagemaker", "penguins", "endpoint.yaml", "us-east-1", None)]),
        ({"aws_deploy/endpoint.yaml": YAML}, "gcp", {}, []),
        ({"endpoint.yaml": YAML}, "aws", {}, []),
        # The command line counts above the file, and the file fills what it leaves open.
        ({"aws_deploy/endpoint.yaml": YAML}, "aws", {"region": "eu-west-1"}, [("sagemaker", "penguins", "endpoint.yaml", "eu-west-1", None)]),
        ({"aws_deploy/endpoint.yaml": YAML}, "aws", {"endpoint": "gulls"}, [("sagemaker", "gulls", "operator", "us-east-1", None)]),
        ({}, "aws", {"endpoint": "gulls", "region": "us-west-2"}, [("sagemaker", "gulls", "operator", "us-west-2", None)]),
        ({"aws_deploy/deploy.py": "import boto3\nboto3.client('sagemaker', region_name='eu-west-3')\n"}, "aws", {"endpoint": "gulls"}, [("sagemaker", "gulls", "operator", "eu-west-3", None)]),
        ({}, "aws", {"url": "https://a.example/p"}, [("url", "https://a.example/p", "operator", None, None)]),
        # What belongs to the other cloud means nothing here.
        ({"aws_deploy/endpoint.yaml": YAML}, "aws", {"endpoint": "41", "project": "lab-project-1"}, [("sagemaker", "penguins", "endpoint.yaml", "us-east-1", None)]),
        ({"aws_deploy/endpoint.yaml": YAML}, "aws", {"region": "us-central1"}, [("sagemaker", "penguins", "endpoint.yaml", "us-east-1", None)]),
        ({}, "gcp", {"endpoint": "gulls", "region": "us-east-1"}, []),
        # Names in the files.
        ({"aws_deploy/deploy.py": DEPLOY.format("penguins")}, "aws", {}, [("sagemaker", "penguins", "files", None, None)]),
        ({"deploy.py": DEPLOY.format("penguins")}, "aws", {}, [("sagemaker", "penguins", "files", None, None)]),
        ({"deploy.py": DEPLOY.format("old"), "aws_deploy/deploy.py": DEPLOY.format("new")}, "aws", {}, [("sagemaker", "new", "files", None, None)]),
        ({"gcp_deploy/deploy.py": DEPLOY.format("penguins")}, "aws", {}, []),
        ({"aws_deploy/deploy.py": DEPLOY.format("<your-endpoint>")}, "aws", {}, []),
        ({"aws_deploy/deploy.py": DEPLOY.format("your-endpoint-name")}, "aws", {}, []),
        ({"aws_deploy/endpoint.yaml": YAML, "aws_deploy/deploy.py": DEPLOY.format("other")}, "aws", {}, [("sagemaker", "penguins", "endpoint.yaml", "us-east-1", None)]),
        ({"gcp_deploy/deploy.py": VERTEX.format("41")}, "gcp", {}, [("vertex", "41", "files", "us-central1", "lab-project-1")]),
        (
            {"gcp_deploy/deploy.py": VERTEX.format("projects/other-project-1/locations/us-east1/endpoints/41")},
            "gcp",
            {},
            [("vertex", "projects/other-project-1/locations/us-east1/endpoints/41", "files", "us-east1", "other-project-1")],
        ),
        # A display name only where no id is known; an id twice is one endpoint.
        (
            {"gcp_deploy/deploy.py": VERTEX.format("41") + "aiplatform.Endpoint.create(display_name='penguins')\naiplatform.Endpoint('projects/lab-project-1/locations/us-central1/endpoints/41')\n"},
            "gcp",
            {},
            [("vertex", "41", "files", "us-central1", "lab-project-1")],
        ),
        (
            {"gcp_deploy/README.md": "```sh\ngcloud ai-platform predict --model a --json-instances x\ngcloud ai-platform predict --model b --json-instances x\n```\n"},
            "gcp",
            {},
            [("ai-platform", "a", "files", None, None)],
        ),
        (
            {"gcp_deploy/README.md": "```sh\ngcloud ai-platform versions create v1 --model m --runtime-version 2.11 --origin gs://b\n```\n"},
            "gcp",
            {},
            [("ai-platform", "?", "files", None, None)],
        ),
        ({"gcp_deploy/endpoint.yaml": "endpoint: penguins\nregion: us-central1\nproject: your-project-id\n"}, "gcp", {}, [("vertex", "penguins", "endpoint.yaml", "us-central1", None)]),
        ({"gcp_deploy/endpoint.yaml": "endpoint: penguins\nregion: us-central1\nproject: your-project-id\n"}, "gcp", {"project": "lab-project-1"}, [("vertex", "penguins", "endpoint.yaml", "us-central1", "lab-project-1")]),
    ],
)  # fmt: skip
def test_which(
    files: dict[str, str], platform: str, asked: dict[str, Any], expected: list[tuple[Any, ...]]
) -> None:
    assert [brief(target) for target in found(files, platform, **asked)] == expected


def test_several_are_bounded() -> None:
    files = {"aws_deploy/deploy.py": "".join(DEPLOY.format(f"e{n}") for n in range(9))}
    assert [t.name for t in found(files)] == ["e0", "e1", "e2", "e3", "e4"]
    assert len(found(files, limits=Limits(live_endpoints=2))) == 2


def test_a_faulty_file_is_told_with_its_place() -> None:
    (target,) = found({"aws_deploy/endpoint.yaml": "endpont: penguins\nregion: Mars\n"})
    assert target.problem is not None
    assert "line 1, column 1" in target.problem
    assert "(and 2 more)" in target.problem
    assert target.place == ("aws_deploy/endpoint.yaml", None, 1)
    assert not target.undecided
    assert any("2:9" in note for note in target.notes)


def test_a_file_that_is_not_at_hand_is_not_the_students() -> None:
    files = {**README, "aws_deploy/endpoint.yaml": YAML}
    facts = facts_of(files)
    from grader.submission.errors import Unreadable

    def away(path: str, limit: int) -> bytes:
        raise Unreadable("it could not be fetched")

    tree = build([Entry(path, len(text)) for path, text in files.items()], away, Limits())
    folder = deploy_folder(facts, "aws", ("{platform}_deploy",))
    (target,) = targets(facts, tree, folder, "aws", LiveAsked())
    assert target.undecided
    assert "could not be fetched" in (target.problem or "")


def test_the_students_request_goes_first() -> None:
    body = '{"instances": [[1, 2, 3]]}'
    files = {
        "aws_deploy/endpoint.yaml": YAML + "sample: mine.json\nprediction: result[0]\naccept: text/csv\n",
        "aws_deploy/mine.json": body,
    }
    (target,) = found(files)
    first = target.requests[0]
    assert base64.b64decode(first.body or "").decode() == body
    assert (first.content_type, first.accept, first.origin) == (
        "application/json",
        "text/csv",
        "aws_deploy/mine.json",
    )
    assert target.pointer == "result[0]"
    bodies = [(r.content_type, r.body) for r in target.requests]
    assert len(bodies) == len(set(bodies)) <= 8


def test_an_address_with_its_request() -> None:
    text = "url: https://a.example/p?key=hunter2\nmethod: GET\nheaders: {x-api-key: abc}\n"
    (target,) = found({"aws_deploy/endpoint.yaml": text})
    assert (target.method, target.headers) == ("GET", (("x-api-key", "abc"),))
    assert [r.body for r in target.requests] == [None]
    assert "hunter2" not in target.shown


def test_a_target_goes_through_json() -> None:
    for target in (
        *found(
            {"aws_deploy/endpoint.yaml": "url: https://a.example/\nheaders: {a: b}\nbody: [1]\n"},
            allow=("1",),
            allow_private=True,
        ),
        *found({"aws_deploy/endpoint.yaml": "x: y"}),
        *found({"gcp_deploy/deploy.py": VERTEX.format("41")}, "gcp"),
    ):
        assert Target.from_json(json.loads(json.dumps(target.to_json()))) == target


@pytest.mark.parametrize("platform", ["aws", "gcp"])
def test_the_reference_solutions(platform: str) -> None:
    folder = ROOT / f"{platform}_deploy"
    files = {f"{platform}_deploy/{p.name}": p.read_bytes() for p in folder.iterdir() if p.is_file()}
    (target,) = found(files, platform)
    assert brief(target)[1:3] == ("penguins", "endpoint.yaml")
    assert target.requests[0].origin == f"{platform}_deploy/sample_request.json"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, None),
        ({"endpoint": "penguins", "region": "us-east-1"}, None),
        ({"endpoint": "projects/lab-project-1/locations/us-central1/endpoints/41"}, None),
        ({"url": "http://127.0.0.1:8080/", "allow_private": True}, None),
        ({"url": "http://127.0.0.1:8080/"}, None),
        ({"url": "https://a.example/", "endpoint": "a"}, "stand together"),
        ({"url": "ftp://a.example/"}, "--url"),
        ({"region": "us-east-1.evil.example"}, "--region"),
        ({"region": "Mars"}, "--region"),
        ({"project": "A B"}, "--project"),
        ({"endpoint": "a/b"}, "--endpoint"),
        ({"endpoint": ""}, "--endpoint"),
    ],
)
def test_a_wrong_call(asked: dict[str, Any], said: str | None) -> None:
    problem = wrong_call(LiveAsked(**asked))
    assert (problem is None) if said is None else said in (problem or "")
