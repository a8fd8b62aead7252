"""The clouds of these tests: a real moto server behind a proxy, a small server that speaks Vertex AI's REST."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.live import clock
from grader.live.vertex import OVERRIDE
from tests import aws_server, vertex_server

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
SECRET_KEY = "canarySecretcanarySecretcanarySecret1234"
TOKEN = "canaryTokencanaryTokencanaryTokencanaryToken5678"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked again is asked again soon; how often is as ever."""
    monkeypatch.setattr(clock, "FIRST_WAIT", 0.02)


@pytest.fixture(scope="session")
def moto() -> Iterator[aws_server.Cloud]:
    with aws_server.serving() as cloud:
        yield cloud


@pytest.fixture
def aws(moto: aws_server.Cloud, monkeypatch: pytest.MonkeyPatch) -> aws_server.Cloud:
    """SageMaker with one endpoint in service, ``penguins``; the operator's credentials are canaries."""
    moto.reset()
    for name, value in {
        **aws_server.KEYS,
        "AWS_ENDPOINT_URL": moto.url,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_SESSION_TOKEN": TOKEN,
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    client = moto.client("sagemaker")
    container = {"Image": IMAGE, "ModelDataUrl": "s3://lab/model.tar.gz"}
    client.create_model(
        ModelName="m", PrimaryContainer=container, ExecutionRoleArn="arn:aws:iam::123456789012:role/lab"
    )
    variant = {
        "VariantName": "v",
        "ModelName": "m",
        "InstanceType": "ml.t2.medium",
        "InitialInstanceCount": 1,
    }
    client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    client.create_endpoint(EndpointName="penguins", EndpointConfigName="c")
    return moto


@pytest.fixture(scope="session")
def google_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service account's key file, as Application Default Credentials take one; it opens nothing anywhere."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("google") / "key.json"
    told = {
        "type": "service_account",
        "project_id": "lab-project-1",
        "private_key_id": "0" * 40,
        "private_key": pem.decode(),
        "client_email": "grader@lab-project-1.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "http://127.0.0.1:9/token",  # never asked: the client signs for itself
        # Of Google's own universe the client would look up, aside, from where the key may be used.
        "universe_domain": "lab.example",
    }
    file.write_text(json.dumps(told), encoding="utf-8")
    return file


@pytest.fixture
def gcp(google_key: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[vertex_server.Cloud]:
    """Vertex AI with nothing in it."""
    with vertex_server.serving() as cloud:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(google_key))
        monkeypatch.setenv("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "lab.example")
        monkeypatch.setenv(OVERRIDE, cloud.url)
        for name in ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "HTTP_PROXY", "http_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield cloud
