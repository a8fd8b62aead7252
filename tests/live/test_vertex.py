"""Vertex AI endpoints through Google's own client, against a small server that speaks its REST."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from grader.facts.asked import LiveEndpoint
from grader.live.ping import ask
from grader.live.targets import Request, Target
from grader.live.vertex import OVERRIDE
from tests.live.asking import request
from tests.live.webserver import Answered, Asked, serving
from tests.vertex_server import NUMBER, Cloud

IMAGE = "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6:latest"
INSTANCES = b'{"instances": [[1, 2, 3, 6]]}'


def row(body: bytes = INSTANCES, **more: Any) -> Request:
    return request(body, form='one row of JSON under "instances"', **more)


def asked(name: str, *requests: Request, seconds: float = 60, **more: Any) -> LiveEndpoint:
    named = {"named_by": "operator", "region": "us-central1", "project": "lab-project-1", **more}
    return ask(
        Target(platform="gcp", kind="vertex", name=name, requests=requests or (row(),), **named), seconds
    )


def made(gcp: Cloud, **more: Any) -> tuple[str, str]:
    """(the id, the whole name) of an endpoint in service."""
    model = gcp.add_model("penguins", containerSpec={"imageUri": IMAGE}, artifactUri="gs://lab/model")
    name = gcp.add_endpoint("penguins", model=model, **more)["name"]
    return name.rpartition("/")[2], name


def test_in_service_and_predicting(gcp: Cloud) -> None:
    identifier, name = made(gcp)
    found = asked(identifier)
    assert (found.state, found.trouble, found.reason) == ("in-service", None, None)
    assert found.notes == ()
    assert (found.project, found.account, found.resource) == ("lab-project-1", NUMBER, name)
    assert (found.image, found.scikit_learn, found.model) == (IMAGE, "1.6", "gs://lab/model")
    assert found.age is not None
    assert 0 <= found.age < 600
    (attempt,) = found.attempts
    assert (attempt.status, attempt.prediction, attempt.problem) == (200, ("3.0",), None)
    deployed = gcp.endpoints[name]["deployedModels"][0]["id"]
    where = "--region=us-central1 --project=lab-project-1"
    assert found.delete == (
        f"gcloud ai endpoints undeploy-model {identifier} --deployed-model-id={deployed} {where}"
        f" && gcloud ai endpoints delete {identifier} {where}"
    )


def test_it_is_asked_with_the_operators_credentials_and_described_first(gcp: Cloud) -> None:
    identifier, _ = made(gcp)
    gcp.calls.clear()
    asked(identifier)
    assert gcp.calls == ["endpoints.get", "models.get", "predict"]
    assert all(headers["authorization"].startswith("Bearer ") for headers in gcp.headers)
    sent = json.loads(gcp.requests[-1][2])
    assert sent["instances"] == [[1, 2, 3, 6]]


@pytest.mark.parametrize("spelling", ["projects/lab-project-1/locations/us-central1/endpoints/{}", "{}"])
def test_by_its_whole_name(gcp: Cloud, spelling: str) -> None:
    identifier, _ = made(gcp)
    assert asked(spelling.format(identifier)).attempts[0].prediction == ("3.0",)


@pytest.mark.parametrize("name", ["penguins", "My penguins, 2nd".replace(",", "")])
def test_by_the_name_that_people_see(gcp: Cloud, name: str) -> None:
    gcp.add_endpoint("others")
    identifier = gcp.add_endpoint(name)["name"].rpartition("/")[2]
    found = asked(name)
    assert found.state == "in-service"
    assert (found.resource or "").endswith(identifier)


def test_two_of_one_name_are_not_guessed_between(gcp: Cloud) -> None:
    gcp.add_endpoint("penguins")
    gcp.add_endpoint("penguins")
    found = asked("penguins")
    assert (found.state, found.trouble) == ("unknown", "other")
    assert "2 endpoints" in (found.reason or "")


@pytest.mark.parametrize(
    "name",
    ["4100000000000000009", "nobody", "No body", "projects/lab-project-1/locations/us-central1/endpoints/9"],
)
def test_a_missing_endpoint(gcp: Cloud, name: str) -> None:
    made(gcp)
    found = asked(name)
    assert (found.state, found.attempts, found.delete) == ("absent", (), None)


def test_an_endpoint_without_a_model_is_not_in_service(gcp: Cloud) -> None:
    identifier = gcp.add_endpoint("empty", deployed=False)["name"].rpartition("/")[2]
    found = asked(identifier)
    assert (found.state, found.attempts) == ("absent", ())
    assert "no model is deployed" in (found.reason or "")


def test_the_credentials_project_serves_where_none_is_said(gcp: Cloud) -> None:
    identifier, _ = made(gcp)
    assert asked(identifier, project=None).project == "lab-project-1"


@pytest.mark.parametrize(
    ("project", "named_by", "certain"),
    [("lab-project-1", "files", True), (None, "files", False), (None, "operator", True)],
)
def test_an_absence_is_certain_only_where_it_had_to_be(
    gcp: Cloud, project: str | None, named_by: str, certain: bool
) -> None:
    found = asked("41", project=project, named_by=named_by)
    assert (found.state, found.certain) == ("absent", certain)


def test_no_region(gcp: Cloud) -> None:
    found = asked("penguins", region=None)
    assert (found.state, found.trouble) == ("unknown", "other")
    assert "region" in (found.reason or "")
    assert gcp.calls == []


@pytest.mark.parametrize(
    ("call", "status", "reason", "trouble"),
    [
        ("endpoints.get", 403, "PERMISSION_DENIED", "no-permission"),
        ("endpoints.get", 401, "UNAUTHENTICATED", "no-credentials"),
        ("endpoints.get", 429, "RESOURCE_EXHAUSTED", "throttled"),
        ("endpoints.get", 503, "UNAVAILABLE", "other"),
        ("endpoints.get", 500, "INTERNAL", "other"),
        ("endpoints.get", 504, "DEADLINE_EXCEEDED", "time-out"),
        ("endpoints.get", 400, "INVALID_ARGUMENT", "other"),
        ("predict", 403, "PERMISSION_DENIED", "no-permission"),
        ("predict", 401, "UNAUTHENTICATED", "no-credentials"),
        ("predict", 429, "RESOURCE_EXHAUSTED", "throttled"),
        ("predict", 504, "DEADLINE_EXCEEDED", "time-out"),
    ],
)
def test_troubles(gcp: Cloud, call: str, status: int, reason: str, trouble: str) -> None:
    identifier, _ = made(gcp)
    gcp.fail(call, status, reason, "as the test wants it")
    found = asked(identifier)
    assert found.trouble == trouble
    assert found.state == ("unknown" if call == "endpoints.get" else "in-service")
    assert found.attempts == ()


@pytest.mark.parametrize(
    ("status", "reason"), [(400, "INVALID_ARGUMENT"), (500, "INTERNAL"), (400, "FAILED_PRECONDITION")]
)
def test_an_error_of_the_model_is_told(gcp: Cloud, status: int, reason: str) -> None:
    identifier, _ = made(gcp)
    gcp.fail("predict", status, reason, "X has 4 features, but expects 13")
    found = asked(identifier, row(), row(b'{"instances": [[1]]}'))
    assert (found.state, found.trouble) == ("in-service", None)
    assert [a.status for a in found.attempts] == [status, status]
    assert "expects 13" in found.attempts[0].answer


def test_throttling_is_waited_out(gcp: Cloud) -> None:
    identifier, _ = made(gcp)
    gcp.fail("endpoints.get", 503, "UNAVAILABLE", "later", times=1)
    gcp.fail("predict", 429, "RESOURCE_EXHAUSTED", "later", times=1)
    assert asked(identifier).attempts[0].prediction == ("3.0",)


def test_gone_between_the_two(gcp: Cloud) -> None:
    identifier, _ = made(gcp)
    gcp.fail("predict", 404, "NOT_FOUND", "gone")
    assert asked(identifier).state == "absent"


@pytest.mark.parametrize(
    "predictions",
    [[], [None], ["NaN"[:0]], {}, [[]], [[1, 2, 3, 6]]],
    ids=["none", "null", "empty", "object", "nested", "echo"],
)
def test_what_is_no_prediction(gcp: Cloud, predictions: Any) -> None:
    identifier, _ = made(gcp)
    gcp.predict = lambda _: predictions
    found = asked(identifier)
    assert found.state == "in-service"
    assert not any(attempt.prediction for attempt in found.attempts)
    assert all(attempt.problem for attempt in found.attempts)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"predictions": "x', b"null", b'{"predictions": 1}']
)
def test_nonsense_of_the_service(gcp: Cloud, body: bytes) -> None:
    identifier, _ = made(gcp)
    gcp.answer = (200, "application/json", body)
    found = asked(identifier)
    assert found.state == "in-service"
    assert not any(attempt.prediction for attempt in found.attempts)


def test_labels_and_parameters(gcp: Cloud) -> None:
    identifier, _ = made(gcp)
    gcp.predict = lambda instances: ["Adelie" for _ in instances]
    found = asked(identifier, row(b'{"instances": [{"a": 1.5, "b": "x"}], "parameters": {"k": 2}}'))
    assert found.attempts[0].prediction == ("Adelie",)
    assert json.loads(gcp.requests[-1][2])["parameters"] == {"k": 2}


def test_a_sample_of_another_form_is_told(gcp: Cloud) -> None:
    identifier, _ = made(gcp)
    found = asked(identifier, request(b"[[1, 2]]", origin="gcp_deploy/sample.json"), request(b"[[3]]"))
    assert [(a.status, a.prediction) for a in found.attempts] == [(None, ())]
    assert "instances" in (found.attempts[0].problem or "")
    assert "predict" not in gcp.calls


def test_a_token_that_comes_back_is_not_told(gcp: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers with the very headers that it was sent."""

    def echo(asked: Asked) -> Answered:
        told = {"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": str(asked.headers)}}
        return 400, {"Content-Type": "application/json"}, json.dumps(told).encode()

    with serving(answer=echo) as web:
        monkeypatch.setenv(OVERRIDE, web.url)
        found = asked("penguins")
    (token,) = {sent.headers["authorization"].partition(" ")[2] for sent in web.asked}
    assert len(token) > 100
    assert found.reason
    for part in (token, token[:40], token.partition(".")[2][:40], "Bearer ey"):
        assert part not in repr(found)


def test_slow_is_trouble_of_ours(gcp: Cloud) -> None:
    identifier, _ = made(gcp)
    asked(identifier)  # the client is imported by now
    gcp.latency = 4.0
    began = time.monotonic()
    found = asked(identifier, seconds=2)
    assert time.monotonic() - began < 8
    assert found.trouble == "time-out"


def test_no_credentials(gcp: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    found = asked("penguins")
    assert (found.state, found.trouble) == ("unknown", "no-credentials")
    assert gcp.requests == []


def test_no_route(gcp: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv(OVERRIDE, f"http://127.0.0.1:{closed.getsockname()[1]}")
        found = asked("penguins")
    assert (found.state, found.trouble) == ("unknown", "no-route")


def test_an_endpoint_with_an_address_of_its_own(gcp: Cloud) -> None:
    """Where the operator chose the address, requests stay there, and a name that is none of Google's is never asked."""
    dns = f"123.us-central1-{NUMBER}.prediction.vertexai.goog"
    identifier, _ = made(gcp, dedicatedEndpointEnabled=True, dedicatedEndpointDns=dns)
    assert asked(identifier).attempts[0].prediction == ("3.0",)
    with serving() as canary:
        identifier, _ = made(
            gcp, dedicatedEndpointEnabled=True, dedicatedEndpointDns=f"127.0.0.1:{canary.port}"
        )
        found = asked(identifier)
        assert (found.state, found.trouble) == ("in-service", "other")
        assert canary.connections == 0


@pytest.mark.parametrize(
    ("named_by", "allow", "allowed"),
    [
        ("operator", (), True),
        ("endpoint.yaml", (), False),
        ("files", ("lab-project-1",), True),
        ("files", (NUMBER,), True),
        ("files", ("other-project",), False),
    ],
)
def test_whose_it_is(gcp: Cloud, named_by: str, allow: tuple[str, ...], allowed: bool) -> None:
    identifier, _ = made(gcp)
    assert asked(identifier, named_by=named_by, allow=allow).allowed is allowed


def test_ai_platform_is_switched_off_and_not_asked(gcp: Cloud) -> None:
    found = ask(Target("gcp", "ai-platform", "census", "files"), 5)
    assert found.state == "switched-off"
    assert "2025-01-31" in (found.reason or "")
    assert gcp.requests == []
