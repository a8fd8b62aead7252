"""A real moto server over loopback, and a small proxy in front of it that fails, or changes an answer, where a test says so."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ACCOUNT = "123456789012"
KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",  # no second try, which would come after a pause
}


@dataclass
class Fault:
    """The next ``times`` calls of ``action`` fail with the service's error ``code``."""

    action: str
    code: str
    message: str = "as the test wants it"
    status: int = 400
    times: int = 1_000_000


@dataclass
class Cloud:
    """Where the server is, and how the proxy behaves.

    ``states`` are what the next answers to DescribeEndpoint say (status, reason), one each; then moto's own word stands.
    ``answer`` takes an invocation's endpoint, content type and body and gives (status, headers, body); None: moto answers.
    ``accept`` is what the latest invocation wants its answer as.
    """

    url: str
    moto: int
    calls: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    states: list[tuple[str, str | None]] = field(default_factory=list)
    answer: Callable[[str, str, bytes], tuple[int, dict[str, str], bytes]] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    accept: str = "*/*"
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def reset(self) -> None:
        """Nothing there, nothing failing."""
        self.calls.clear()
        self.faults.clear()
        self.states.clear()
        self.answer = None
        self.post("/moto-api/reset", b"")

    def post(self, path: str, body: bytes) -> int:
        """A request to moto's own interface; its status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.moto, timeout=30)
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            return connection.getresponse().status
        finally:
            connection.close()

    def will_answer(
        self, body: str, content_type: str = "application/json", region: str = "us-east-1"
    ) -> None:
        """Queues what moto answers to an invocation."""
        result = {"Body": body, "ContentType": content_type, "InvokedProductionVariant": "AllTraffic"}
        asked = {"account_id": ACCOUNT, "region": region, "results": [result]}
        assert self.post("/moto-api/static/sagemaker/endpoint-results", json.dumps(asked).encode()) == 201

    def client(self, service: str, region: str = "us-east-1") -> Any:
        """A boto3 client that asks moto itself, past the proxy."""
        import boto3

        if (service, region) not in self.clients:
            self.clients[service, region] = boto3.client(
                service,
                region_name=region,
                endpoint_url=f"http://127.0.0.1:{self.moto}",
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
            )
        return self.clients[service, region]

    def there(self, region: str = "us-east-1") -> dict[str, list[str]]:
        """All that exists, by kind."""
        sagemaker = self.client("sagemaker", region)
        s3 = self.client("s3", region)
        buckets = [each["Name"] for each in s3.list_buckets()["Buckets"]]
        objects = [
            each["Key"]
            for bucket in buckets
            for each in s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        ]
        return {
            "endpoints": [e["EndpointName"] for e in sagemaker.list_endpoints()["Endpoints"]],
            "configs": [
                e["EndpointConfigName"] for e in sagemaker.list_endpoint_configs()["EndpointConfigs"]
            ],
            "models": [e["ModelName"] for e in sagemaker.list_models()["Models"]],
            "buckets": buckets,
            "objects": objects,
            "roles": [each["RoleName"] for each in self.client("iam", region).list_roles()["Roles"]],
        }


def action_of(method: str, target: str, path: str, body: bytes) -> str:
    """The name of the API call that a request is."""
    if target:
        return target.rpartition(".")[2]
    address = urllib.parse.urlsplit(path)
    if address.path.startswith("/endpoints/"):
        return "InvokeEndpoint"
    if body.startswith(b"Action="):
        return urllib.parse.parse_qs(body.decode())["Action"][0]
    what = "Object" if len([part for part in address.path.split("/") if part]) > 1 else "Bucket"
    if "tagging" in address.query:
        return {"PUT": "Put", "GET": "Get", "DELETE": "Delete"}[method] + what + "Tagging"
    if "list-type" in address.query:
        return "ListObjectsV2"
    if method == "PUT":
        return "PutObject" if what == "Object" else "CreateBucket"
    return method.capitalize() + what


def error_of(fault: Fault, action: str, target: str) -> tuple[str, bytes]:
    """An error's content type and body, as the action's service writes it."""
    if target:
        said = {"__type": fault.code, "message": fault.message}
        return "application/x-amz-json-1.1", json.dumps(said).encode()
    if action == "InvokeEndpoint":
        return "application/json", json.dumps({"message": fault.message}).encode()
    inner = f"<Code>{fault.code}</Code><Message>{fault.message}</Message>"
    if action.endswith(("Bucket", "Object", "Tagging", "ObjectsV2")):
        return "application/xml", f"<Error>{inner}</Error>".encode()
    return "text/xml", f"<ErrorResponse><Error>{inner}</Error></ErrorResponse>".encode()


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer goes out in one piece: half of one would wait for the other's receipt
    disable_nagle_algorithm = True
    cloud: Cloud

    def log_message(self, *arguments: object) -> None:
        """Keeps quiet."""

    def handle_expect_100(self) -> bool:
        """The word to go on, which a client with a body waits for, goes out at once."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def forward(self) -> None:
        cloud = self.cloud
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.headers.get("X-Amz-Target", "")
        action = action_of(self.command, target, self.path, body)
        with cloud.lock:
            cloud.calls.append(action)
            fault = next((f for f in cloud.faults if f.action == action and f.times > 0), None)
            if fault is not None:
                fault.times -= 1
        if fault is not None:
            kind, text = error_of(fault, action, target)
            self.reply(fault.status, {"Content-Type": kind, "x-amzn-ErrorType": fault.code}, text)
        elif action == "InvokeEndpoint" and cloud.answer is not None:
            name = self.path.split("/")[2]
            cloud.accept = self.headers.get("Accept", "*/*")
            self.reply(*cloud.answer(name, self.headers.get("Content-Type", ""), body))
        else:
            self.reply(*self.passed_on(action, body))

    def passed_on(self, action: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.cloud.moto, timeout=30)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            data = response.read()
            headers = dict(response.getheaders())
            if action == "DescribeEndpoint" and response.status == 200:
                data = self.changed(data)
            return response.status, headers, data
        finally:
            connection.close()

    def changed(self, data: bytes) -> bytes:
        with self.cloud.lock:
            if not self.cloud.states:
                return data
            status, reason = self.cloud.states.pop(0)
        answer = {**json.loads(data), "EndpointStatus": status}
        if reason is not None:
            answer["FailureReason"] = reason
        return json.dumps(answer).encode()

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "server", "date", "transfer-encoding"):
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = forward  # noqa: N815


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def serving() -> Iterator[Cloud]:
    """A moto server with the proxy before it; both gone at the end."""
    moto = _free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(moto)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    server: ThreadingHTTPServer | None = None
    try:
        until = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", moto), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, "moto ended"
                assert time.monotonic() < until, "moto did not start"
                time.sleep(0.05)
        cloud = Cloud("", moto)
        handler = type("Handler", (_Proxy,), {"cloud": cloud})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        cloud.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield cloud
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()
        process.terminate()
        process.wait(20)
