"""SageMaker endpoints through boto3: a real moto server, with a proxy before it for what moto cannot do."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from grader.facts.asked import LiveEndpoint
from grader.live.ping import ask
from grader.live.targets import Request, Target
from tests.aws_server import Cloud, Fault
from tests.live.asking import request
from tests.live.conftest import IMAGE, SECRET_KEY, TOKEN
from tests.live.webserver import Answered, Asked, serving

ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/penguins"


def asked(name: str = "penguins", *requests: Request, seconds: float = 60, **more: Any) -> LiveEndpoint:
    named = {"named_by": "operator", "region": "us-east-1", **more}
    return ask(
        Target(platform="aws", kind="sagemaker", name=name, requests=requests or (request(),), **named),
        seconds,
    )


def test_in_service_and_predicting(aws: Cloud) -> None:
    aws.will_answer('["Adelie"]')
    found = asked()
    assert (found.state, found.trouble, found.reason) == ("in-service", None, None)
    assert (found.account, found.resource, found.allowed) == ("123456789012", ARN, True)
    assert (found.image, found.scikit_learn, found.model) == (IMAGE, "1.2.1", "s3://lab/model.tar.gz")
    assert found.created is not None
    assert found.age is not None
    assert 0 <= found.age < 600
    assert found.delete == "aws sagemaker delete-endpoint --endpoint-name penguins --region us-east-1"
    (attempt,) = found.attempts
    assert (attempt.status, attempt.prediction, attempt.problem) == (200, ("Adelie",), None)
    assert attempt.sent == "[[1, 2, 3, 4]]"


def test_described_before_it_is_invoked(aws: Cloud) -> None:
    aws.will_answer("[0]")
    asked()
    assert [call for call in aws.calls if call != "DescribeEndpointConfig"] == [
        "DescribeEndpoint",
        "DescribeModel",
        "InvokeEndpoint",
    ]


def test_a_missing_endpoint_is_absent_and_not_invoked(aws: Cloud) -> None:
    """Where nothing is, moto answers an invocation all the same."""
    aws.will_answer("[0]")
    found = asked("nobody-made-it")
    assert (found.state, found.attempts, found.delete) == ("absent", (), None)
    assert "InvokeEndpoint" not in aws.calls


@pytest.mark.parametrize(
    ("more", "certain"),
    [
        ({"named_by": "operator"}, True),
        ({"named_by": "endpoint.yaml"}, False),
        ({"named_by": "endpoint.yaml", "allow": ("123456789012",)}, True),
        ({"named_by": "files", "allow": ("210987654321",)}, False),
    ],
)
def test_an_absence_is_certain_only_where_it_had_to_be(
    aws: Cloud, more: dict[str, Any], certain: bool
) -> None:
    """Credentials open one account; that the student's is another is likelier than that they made the name up."""
    found = asked("nobody-made-it", **more)
    assert (found.state, found.certain) == ("absent", certain)
    if more["named_by"] != "operator":
        assert found.account == "123456789012"


def test_whose_credentials_they_are_may_stay_unknown(aws: Cloud) -> None:
    aws.faults.append(Fault("GetCallerIdentity", "AccessDenied", status=403))
    found = asked("nobody-made-it", named_by="files", allow=("123456789012",))
    assert (found.state, found.certain, found.account) == ("absent", False, None)


def test_an_endpoint_of_another_region_is_absent(aws: Cloud) -> None:
    assert asked(region="eu-west-1").state == "absent"


def test_the_canned_answer_is_no_prediction(aws: Cloud) -> None:
    found = asked()
    assert found.state == "in-service"
    assert found.attempts[0].answer == "body"
    assert not found.attempts[0].prediction
    assert found.attempts[0].problem


@pytest.mark.parametrize(
    ("status", "why", "state", "told"),
    [
        ("Creating", None, "creating", None),
        ("Failed", "The container did not pass the ping health check.", "failed", "ping health check"),
        ("Failed", None, "failed", "Failed"),
        ("OutOfService", None, "failed", "OutOfService"),
        ("Deleting", None, "absent", "deleted"),
        ("SomethingNew", None, "unknown", "SomethingNew"),
        ("Updating", None, "in-service", "updated"),
        ("SystemUpdating", None, "in-service", "maintenance"),
        ("RollingBack", None, "in-service", "taken back"),
        ("UpdateRollbackFailed", None, "in-service", "failed"),
        ("Failed", "\x1b[31mred\u202eder\nnext " + "x" * 5_000, "failed", "\\x1b[31mred\\u202eder next"),
    ],
)
def test_every_status(aws: Cloud, status: str, why: str | None, state: str, told: str | None) -> None:
    aws.states.append((status, why))
    found = asked()
    assert found.state == state
    if told is not None:
        assert told in (found.reason or "")
    assert len(found.reason or "") <= 300
    assert ("InvokeEndpoint" in aws.calls) is (state == "in-service")


def _model_error(status: int, said: str) -> tuple[int, dict[str, str], bytes]:
    told = {"Message": "Received error from model", "OriginalStatusCode": status, "OriginalMessage": said}
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "ModelError"}
    return 424, headers, json.dumps(told).encode()


def test_an_error_of_the_model_is_told(aws: Cloud) -> None:
    aws.answer = lambda *_: _model_error(500, "ValueError: could not convert string to float: 'a'")
    found = asked("penguins", request(), request(b"1,2\n", "text/csv", "one row of CSV"))
    assert (found.state, found.trouble) == ("in-service", None)
    assert [(a.form, a.status) for a in found.attempts] == [("one row of JSON", 500), ("one row of CSV", 500)]
    assert "could not convert string to float" in found.attempts[0].answer
    assert aws.calls.count("InvokeEndpoint") == 2  # an error of the model is not repeated


def test_the_form_that_it_takes_is_found(aws: Cloud) -> None:
    def only_csv(_name: str, kind: str, _body: bytes) -> tuple[int, dict[str, str], bytes]:
        if kind != "text/csv":
            return _model_error(415, "Unsupported content type")
        return 200, {"Content-Type": "text/csv; charset=utf-8"}, b"2\n"

    aws.answer = only_csv
    found = asked(
        "penguins", request(), request(b"1,2\n", "text/csv", "one row of CSV"), request(b"[3]", form="never")
    )
    assert [a.prediction for a in found.attempts] == [(), ("2",)]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"null"),
        ("application/json", b"[NaN]"),
        ("application/json", b'{"error": "no"}'),
        ("application/json", b"[1, 2"),
        ("text/html", b"<html><body>hello</body></html>"),
        ("application/json", b""),
        ("application/x-npy", b"\x93NUMPY\x01"),
        ("application/json", b"[" + b"1," * 700_000 + b"1]"),
    ],
)
def test_what_is_no_prediction(aws: Cloud, kind: str, body: bytes) -> None:
    aws.answer = lambda *_: (200, {"Content-Type": kind}, body)
    found = asked()
    assert found.state == "in-service"
    assert found.attempts[0].prediction == ()
    assert found.attempts[0].problem


DESCRIBE_TROUBLES = [
    ("AccessDeniedException", 400, "no-permission"),
    ("AccessDenied", 403, "no-permission"),
    ("ExpiredTokenException", 400, "no-credentials"),
    ("ExpiredToken", 403, "no-credentials"),
    ("UnrecognizedClientException", 400, "no-credentials"),
    ("InvalidSignatureException", 403, "no-credentials"),
    ("InvalidClientTokenId", 403, "no-credentials"),
    ("ThrottlingException", 400, "throttled"),
    ("TooManyRequestsException", 429, "throttled"),
    ("InternalFailure", 500, "other"),
    ("ServiceUnavailable", 503, "other"),
    ("ValidationException", 400, "other"),
    ("SomethingNew", 418, "other"),
]


@pytest.mark.parametrize(("code", "status", "trouble"), DESCRIBE_TROUBLES)
@pytest.mark.parametrize("action", ["DescribeEndpoint", "InvokeEndpoint"])
def test_troubles(aws: Cloud, action: str, code: str, status: int, trouble: str) -> None:
    aws.faults.append(Fault(action, code, f"about {SECRET_KEY} and {TOKEN}", status))
    found = asked()
    assert found.trouble == trouble
    assert found.state == ("unknown" if action == "DescribeEndpoint" else "in-service")
    assert found.attempts == ()
    assert found.reason if action == "DescribeEndpoint" else found.notes
    assert SECRET_KEY not in repr(found)
    assert TOKEN not in repr(found)


def test_throttling_is_waited_out(aws: Cloud) -> None:
    aws.will_answer("[0]")
    aws.faults.append(Fault("DescribeEndpoint", "ThrottlingException", times=2))
    aws.faults.append(Fault("InvokeEndpoint", "ModelNotReadyException", status=429, times=1))
    found = asked()
    assert found.attempts[0].prediction == ("0",)
    assert aws.calls.count("DescribeEndpoint") == 3


def test_gone_between_the_two(aws: Cloud) -> None:
    message = "Endpoint penguins of account 123456789012 not found."
    aws.faults.append(Fault("InvokeEndpoint", "ValidationError", message))
    assert asked().state == "absent"


def test_an_image_that_cannot_be_looked_up_is_a_note(aws: Cloud) -> None:
    aws.will_answer("[0]")
    aws.faults.append(Fault("DescribeModel", "AccessDeniedException"))
    found = asked()
    assert (found.image, found.scikit_learn) == (None, None)
    assert any("AccessDeniedException" in note for note in found.notes)
    assert found.attempts[0].prediction == ("0",)


def test_a_credential_that_comes_back_is_not_told(aws: Cloud) -> None:
    aws.answer = lambda *_: _model_error(500, f"headers: {TOKEN} {SECRET_KEY}")
    found = asked()
    assert "***" in found.attempts[0].answer
    assert TOKEN not in repr(found)
    assert SECRET_KEY not in repr(found)


def test_a_signature_that_comes_back_is_not_told(aws: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers with the very headers that it was sent."""

    def echo(asked: Asked) -> Answered:
        told = {
            "EndpointArn": ARN,
            "EndpointStatus": "Failed",
            "FailureReason": " ".join(asked.headers[n] for n in ("Authorization", "X-Amz-Security-Token")),
        }
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(told).encode()

    with serving(answer=echo) as web:
        monkeypatch.setenv("AWS_ENDPOINT_URL", web.url)
        found = asked()
    sent = web.asked[0].headers
    assert found.state == "failed"
    assert "***" in (found.reason or "")
    assert sent["X-Amz-Security-Token"] == TOKEN
    signature = sent["Authorization"].rpartition("Signature=")[2]
    for part in ("AWS4-HMAC", signature, signature[:16], TOKEN):
        assert part not in repr(found)


def test_slow_is_trouble_of_ours(aws: Cloud) -> None:
    def slow(*_: Any) -> tuple[int, dict[str, str], bytes]:
        time.sleep(12)
        return 200, {"Content-Type": "application/json"}, b"[0]"

    aws.answer = slow
    began = time.monotonic()
    found = asked(seconds=4)
    assert time.monotonic() - began < 10
    assert (found.state, found.trouble) == ("in-service", "time-out")


def test_no_credentials(aws: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    found = asked()
    assert (found.state, found.trouble) == ("unknown", "no-credentials")
    assert aws.calls == []


def test_a_profile_that_is_not_there(aws: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert asked().trouble == "no-credentials"


def test_the_profiles_region_and_address_serve(
    aws: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"[profile lab]\nregion = us-east-1\nendpoint_url = {os.environ['AWS_ENDPOINT_URL']}\n"
        "aws_access_key_id = testing\naws_secret_access_key = testing12\n",
        encoding="utf-8",
    )
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "lab")
    aws.will_answer("[0]")
    found = asked(region=None)
    assert (found.state, found.region) == ("in-service", "us-east-1")
    assert found.attempts[0].prediction == ("0",)


def test_no_region(aws: Cloud) -> None:
    found = asked(region=None)
    assert (found.state, found.trouble) == ("unknown", "other")
    assert "region" in (found.reason or "")


def test_no_route(aws: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        found = asked()
    assert (found.state, found.trouble) == ("unknown", "no-route")


@pytest.mark.parametrize(
    "raw",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\xff\xfe{}", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_nonsense_of_the_service(aws: Cloud, monkeypatch: pytest.MonkeyPatch, raw: bytes) -> None:
    with serving(raw=lambda out: out.write(raw)) as web:
        monkeypatch.setenv("AWS_ENDPOINT_URL", web.url)
        found = asked()
    assert found.state == "unknown"
    assert found.attempts == ()


@pytest.mark.parametrize(
    ("named_by", "allow", "allowed"),
    [
        ("operator", (), True),
        ("endpoint.yaml", (), False),
        ("files", (), False),
        ("files", ("123456789012",), True),
        ("endpoint.yaml", (ARN,), True),
        ("endpoint.yaml", ("210987654321", ARN + "s"), False),
    ],
)
def test_whose_it_is(aws: Cloud, named_by: str, allow: tuple[str, ...], allowed: bool) -> None:
    found = asked(named_by=named_by, allow=allow)
    assert found.allowed is allowed
    assert found.account == "123456789012"


def test_without_a_request_it_is_not_invoked(aws: Cloud) -> None:
    target = Target(
        "aws", "sagemaker", "penguins", "operator", region="us-east-1", no_request="The model takes texts."
    )
    found = ask(target, 10)
    assert (found.state, found.trouble) == ("in-service", "no-request")
    assert "InvokeEndpoint" not in aws.calls
    assert any("takes texts" in note for note in found.notes)
