"""Asks the endpoint, or a server on this machine that answers as the endpoint would."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from troubles import Trouble, code_of, message_of

CONTENT_TYPES = {".json": "application/json", ".csv": "text/csv", ".npy": "application/x-npy"}


def predict(name: str, region: str, file: Path, url: str | None) -> None:
    """Sends the request in ``file`` and prints what was asked, and the species in the answer. Raises Trouble."""
    if file.suffix not in CONTENT_TYPES:
        raise Trouble(f"{file.name} should end in {', '.join(CONTENT_TYPES)}, which says how it is sent.")
    try:
        body = file.read_bytes()
    except OSError as error:
        raise Trouble(f"{file} could not be read: {error.strerror}.") from error
    content_type = CONTENT_TYPES[file.suffix]
    begin = time.monotonic()
    answer = ask_url(url, body, content_type) if url else ask_endpoint(name, region, body, content_type)
    seconds = time.monotonic() - begin
    species = read(answer)
    print(f"{url or f'endpoint {name} in {region}'} answered in {seconds:.2f} s: {' '.join(answer.split())}")
    for row, kind in zip(rows_of(body, content_type, len(species)), species, strict=True):
        print(f"{row:<28} -> {kind}")


def rows_of(body: bytes, content_type: str, count: int) -> list[str]:
    """The penguins of a request, as they were written; just their numbers where that cannot be told."""
    rows: list[str] = []
    if content_type == "text/csv":
        rows = [line for line in body.decode("utf-8", "replace").splitlines() if line.strip()][-count:]
    elif content_type == "application/json":
        try:
            asked: Any = json.loads(body)
        except ValueError:
            asked = None
        asked = asked.get("instances") if isinstance(asked, dict) else asked
        rows = [json.dumps(row) for row in asked] if isinstance(asked, list) else []
    return rows if len(rows) == count else [f"penguin {number}" for number in range(1, count + 1)]


def ask_endpoint(name: str, region: str, body: bytes, content_type: str) -> str:
    """The answer of the endpoint. A serverless one that was idle takes some seconds for its first answer."""
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard"}, connect_timeout=20, read_timeout=70)
    runtime = boto3.session.Session(region_name=region).client("sagemaker-runtime", config=config)
    try:
        answer = runtime.invoke_endpoint(
            EndpointName=name, ContentType=content_type, Accept="application/json", Body=body
        )
    except Exception as error:
        said = message_of(error)
        if code_of(error) == "ValidationError" and "not found" in said:
            raise Trouble(
                f"There is no endpoint {name} in {region}: run `python deploy.py deploy` first."
            ) from error
        if code_of(error) == "ModelError":
            raise Trouble(
                f"The endpoint is there, but its code could not answer: {said}. "
                f"Its log is /aws/sagemaker/Endpoints/{name} in CloudWatch."
            ) from error
        raise
    text: str = answer["Body"].read().decode("utf-8", "replace")
    return text


def ask_url(url: str, body: bytes, content_type: str) -> str:
    """The answer of a server on this machine, asked as SageMaker asks the container: POST /invocations."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme != "http" or not parts.hostname or port == -1:
        raise Trouble(f"{url!r} is no address of a server on this machine, such as http://127.0.0.1:8080.")
    connection = http.client.HTTPConnection(parts.hostname, port, timeout=70)
    headers = {"Content-Type": content_type, "Accept": "application/json"}
    try:
        connection.request("POST", parts.path.rstrip("/") or "/invocations", body, headers)
        response = connection.getresponse()
        text = response.read(6_291_456).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise Trouble(
            f"No server answered at {url} ({error or type(error).__name__}): is it running?"
        ) from error
    finally:
        connection.close()
    if response.status != 200:
        raise Trouble(
            f"The server answered {response.status} {response.reason}: {' '.join(text.split())[:600]}"
        )
    return text


def read(answer: str) -> list[str]:
    """The species in an answer, one for each penguin."""
    try:
        found: Any = json.loads(answer)
    except ValueError:
        found = None
    if not isinstance(found, list) or not found or not all(isinstance(kind, str) for kind in found):
        raise Trouble(f"An answer came, but no list of species: {' '.join(answer.split())[:200]!r}.")
    return found
