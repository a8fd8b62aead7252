"""A small server that speaks Vertex AI's REST and the part of Cloud Storage's JSON API that a deployment needs.

Models are uploaded, endpoints made, models deployed to them and taken off again, each as a long-running operation
that has to be asked after; endpoints answer predictions. It keeps what was made, refuses what Vertex AI refuses (an
endpoint that still holds a model, a model that is still deployed, an artifact folder without a model file), answers
with Google's error bodies, and can be told to fail at a given call or operation. Resource names carry the project's
number, as Google's do. Sources: the REST mappings of google-cloud-aiplatform 2.7.0 and google-cloud-storage 3.17.1,
2026-11-22.

    with serving() as cloud:
        cloud.buckets["lab"] = {}
        cloud.add_endpoint("penguins")                 # in service, answers with cloud.predict
        cloud.fail("deployModel", 429, "RESOURCE_EXHAUSTED", "Quota exceeded")
        ...cloud.url...
"""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.storage_routes import StorageRoutes

Json = dict[str, Any]
NUMBER = "123456789012"
"""The number of every project here."""
_TYPE = "type.googleapis.com/google.cloud.aiplatform.v1."
_HOME = re.compile(
    r"/(?:v1|v1beta1|ui)/projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)/(?P<rest>.+)\Z"
)
# Operations are asked after below /ui, as the client library does.
_FILTER = re.compile(r'(display_name|labels\.[\w-]+)\s*[=:]\s*"?([^"]*)"?\Z')
_FILES = ("model.joblib", "model.pkl", "model.bst")


class Refused(Exception):
    """An answer that is an error, in Google's form."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


@dataclass
class Fault:
    """What goes wrong when ``call`` comes: at once with an HTTP status, or (``operation``) when it is asked after."""

    call: str
    status: int
    reason: str
    message: str
    times: int | None = None
    operation: bool = False


@dataclass
class Operation:
    """Something that takes a while: ``polls`` questions after it are answered with "not yet"."""

    name: str
    polls: int
    finish: Callable[[], Json]
    kind: str
    error: Json | None = None
    response: Json | None = None
    done: bool = False


def mean_of_each(instances: list[Any]) -> list[Any]:
    """A prediction that depends on what was sent: the mean of each row's numbers."""
    return [round(sum(map(float, row)) / len(row), 6) for row in instances]


@dataclass
class Cloud:
    """A running server and all that it holds. Change it from the test as it runs."""

    port: int = 0
    token: str | None = None
    projects: tuple[str, ...] | None = None
    polls: int = 1  # an operation is done at this question after it (0: at once)
    slow: dict[str, int] = field(default_factory=dict)  # ... and for these calls, later
    latency: float = 0.0
    predict: Callable[[list[Any]], list[Any]] = mean_of_each
    answer: tuple[int, str, bytes] | None = None  # instead of any prediction: status, content type, body
    buckets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    models: dict[str, Json] = field(default_factory=dict)
    endpoints: dict[str, Json] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    requests: list[tuple[str, str, bytes]] = field(default_factory=list)  # method, path with query, body
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(4_100_000_000_000_000_001))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def fail(
        self,
        call: str,
        status: int,
        reason: str,
        message: str,
        *,
        times: int | None = None,
        operation: bool = False,
    ) -> None:
        """Let ``call`` (as in ``calls``: ``models:upload``, ``endpoints.create``, ``deployModel``, ``predict``,
        ``buckets.get``, ``objects.insert``, ...) fail, always or ``times`` times; its operation only, if asked for.
        """
        self.faults.append(Fault(call, status, reason, message, times, operation))

    def add_model(self, name: str, region: str = "us-central1", **more: Any) -> Json:
        """A model that is there already."""
        with self.lock:
            identifier = str(next(self.numbers))
            model: Json = {
                "name": f"projects/{NUMBER}/locations/{region}/models/{identifier}",
                "displayName": name,
                "versionId": "1",
                "versionAliases": ["default"],
                "createTime": _now(),
                "updateTime": _now(),
                "supportedDeploymentResourcesTypes": ["DEDICATED_RESOURCES"],
                **more,
            }
            self.models[model["name"]] = model
            return model

    def add_endpoint(
        self,
        name: str,
        region: str = "us-central1",
        *,
        model: Json | None = None,
        deployed: bool = True,
        **more: Any,
    ) -> Json:
        """An endpoint that is there already, with a model in service unless ``deployed`` is False."""
        with self.lock:
            identifier = str(more.pop("identifier", None) or next(self.numbers))
            endpoint: Json = {
                "name": f"projects/{NUMBER}/locations/{region}/endpoints/{identifier}",
                "displayName": name,
                "createTime": _now(),
                "updateTime": _now(),
                "etag": "AMEw9y",
                **more,
            }
            self.endpoints[endpoint["name"]] = endpoint
            if deployed:
                self._deploy(endpoint, {"model": (model or self.add_model(name, region))["name"]}, {"0": 100})
            return endpoint

    def left(self) -> list[str]:
        """What costs money or room and is still there: endpoints, models, objects."""
        with self.lock:
            objects = [f"gs://{bucket}/{name}" for bucket, held in self.buckets.items() for name in held]
            return [*self.endpoints, *self.models, *objects]

    # What the routes do, below; ``Refused`` is answered as an error.

    def vertex(self, method: str, project: str, region: str, rest: str, query: Json, body: Json) -> Json:
        """One call of Vertex AI."""
        if self.projects is not None and project not in (*self.projects, NUMBER):
            raise Refused(403, "PERMISSION_DENIED", f"Permission denied on resource project {project}.")
        home = f"projects/{NUMBER}/locations/{region}"
        name = f"{home}/{rest.partition(':')[0]}"
        kind, _, _ = rest.partition("/")
        action = rest.partition(":")[2]
        if "/operations/" in f"/{rest}":
            self._count("operations.get")
            return self._operation(f"{home}/{rest}".removesuffix(":wait"))
        if rest == "models:upload":
            return self._upload(home, body)
        if rest == "endpoints" and method == "POST":
            return self._create_endpoint(home, query, body)
        if rest in ("endpoints", "models"):
            self._count(f"{rest}.list")
            held = self.endpoints if rest == "endpoints" else self.models
            found = [
                item for key, item in held.items() if key.startswith(home + "/") and _matches(item, query)
            ]
            return {rest: found} if found else {}
        held = {"endpoints": self.endpoints, "models": self.models}.get(kind, {})
        call = action or f"{kind}.{'delete' if method == 'DELETE' else 'get'}"
        self._count(call)
        name = name.partition("@")[0]
        if name not in held:
            raise Refused(404, "NOT_FOUND", f"The {kind.rstrip('s').title()} {name!r} does not exist.")
        item = held[name]
        if action == "deployModel":
            deployed, split = body.get("deployedModel", {}), body.get("trafficSplit", {})
            if _canonical(deployed.get("model", "")) not in self.models:
                raise Refused(404, "NOT_FOUND", "The Model does not exist.")
            if not deployed.get("dedicatedResources", {}).get("machineSpec", {}).get("machineType"):
                raise Refused(400, "INVALID_ARGUMENT", "A machine type is required to deploy this model.")
            return self._start(
                name,
                call,
                lambda: {"deployedModel": self._deploy(item, deployed, split)},
                "DeployModelResponse",
            )
        if action == "undeployModel":
            return self._start(name, call, lambda: self._undeploy(item, body), "UndeployModelResponse")
        if action in ("predict", "rawPredict"):
            return self._predict(item, body)
        if method == "DELETE":
            self._may_be_deleted(kind, item)
            return self._start(name, call, lambda: held.pop(name) and {}, None)
        return item

    def _count(self, call: str) -> None:
        """Note a call, and refuse it where a fault says so."""
        self.calls.append(call)
        self._raise(call, operation=False)

    def _raise(self, call: str, *, operation: bool) -> None:
        for fault in self.faults:
            if fault.call == call and fault.operation is operation and fault.times != 0:
                fault.times = None if fault.times is None else fault.times - 1
                raise Refused(fault.status, fault.reason, fault.message)

    def _upload(self, home: str, body: Json) -> Json:
        self._count("models:upload")
        model = body.get("model", {})
        if not model.get("displayName"):
            raise Refused(400, "INVALID_ARGUMENT", "Model display name is required.")
        uri = model.get("artifactUri", "")
        bucket, _, prefix = uri.removeprefix("gs://").partition("/")
        files = [
            o.rpartition("/")[2]
            for o in self.buckets.get(bucket, {})
            if o.startswith(prefix.rstrip("/") + "/")
        ]
        if uri and not any(name in files for name in _FILES):
            raise Refused(400, "INVALID_ARGUMENT", f"There are no model files under {uri!r} to copy.")

        def finish() -> Json:
            made = self.add_model(model["displayName"], home.rpartition("/")[2], **_rest(model))
            return {"model": made["name"], "modelVersionId": "1"}

        return self._start(f"{home}/models/0", "models:upload", finish, "UploadModelResponse")

    def _create_endpoint(self, home: str, query: Json, body: Json) -> Json:
        self._count("endpoints.create")
        wanted = query.get("endpointId", "")

        def finish() -> Json:
            return self.add_endpoint(
                body["displayName"], home.rpartition("/")[2], deployed=False, identifier=wanted, **_rest(body)
            )

        return self._start(f"{home}/endpoints/0", "endpoints.create", finish, "Endpoint")

    def _deploy(self, endpoint: Json, deployed: Json, split: Json) -> Json:
        identifier = str(next(self.numbers))
        model = self.models[_canonical(deployed["model"])]
        entry = {"displayName": model["displayName"], **deployed, "id": identifier, "createTime": _now()}
        entry |= {"model": model["name"], "modelVersionId": model["versionId"]}
        endpoint.setdefault("deployedModels", []).append(entry)
        endpoint["trafficSplit"] = {identifier if key == "0" else key: share for key, share in split.items()}
        return entry

    def _undeploy(self, endpoint: Json, body: Json) -> Json:
        kept = [d for d in endpoint.get("deployedModels", []) if d["id"] != body.get("deployedModelId")]
        endpoint["deployedModels"] = kept
        endpoint["trafficSplit"] = body.get("trafficSplit", {})
        return {}

    def _may_be_deleted(self, kind: str, item: Json) -> None:
        if kind == "endpoints" and item.get("deployedModels"):
            raise Refused(
                400, "FAILED_PRECONDITION", "The Endpoint has deployed models; undeploy them first."
            )
        used = [
            d["model"].partition("@")[0] for e in self.endpoints.values() for d in e.get("deployedModels", [])
        ]
        if kind == "models" and item["name"] in used:
            raise Refused(
                400, "FAILED_PRECONDITION", "The Model is deployed at an Endpoint; undeploy it first."
            )

    def _predict(self, endpoint: Json, body: Json) -> Json:
        if not endpoint.get("deployedModels"):
            raise Refused(400, "FAILED_PRECONDITION", "The Endpoint has no deployed model to answer.")
        instances = body.get("instances")
        if not isinstance(instances, list) or not instances:
            raise Refused(400, "INVALID_ARGUMENT", "The request has no instances.")
        try:
            predictions = self.predict(instances)
        except Exception as problem:
            raise Refused(400, "INVALID_ARGUMENT", f"Prediction failed: {problem}") from problem
        first = endpoint["deployedModels"][0]
        return {
            "predictions": predictions,
            "deployedModelId": first["id"],
            "model": first["model"],
            "modelDisplayName": first["displayName"],
            "modelVersionId": first["modelVersionId"],
        }

    def _start(self, resource: str, call: str, finish: Callable[[], Json], response: str | None) -> Json:
        name = f"{resource}/operations/{next(self.numbers)}"
        kind = f"{_TYPE}{response}" if response else "type.googleapis.com/google.protobuf.Empty"
        self.operations[name] = Operation(
            name, self.slow.get(call, self.polls), lambda: self._finished(call, finish), kind
        )
        return self._operation(name)

    def _finished(self, call: str, finish: Callable[[], Json]) -> Json:
        self._raise(call, operation=True)
        return finish()

    def _operation(self, name: str) -> Json:
        operation = self.operations.get(name)
        if operation is None:
            raise Refused(404, "NOT_FOUND", f"There is no operation {name!r}.")
        if not operation.done and operation.polls <= 0:
            operation.done = True
            try:
                operation.response = {"@type": operation.kind, **operation.finish()}
            except Refused as refusal:
                operation.error = {"code": _CODES.get(refusal.reason, 2), "message": refusal.message}
        operation.polls -= 1
        told: Json = {"name": name, "done": operation.done}
        if operation.error is not None:
            told["error"] = operation.error
        elif operation.response is not None:
            told["response"] = operation.response
        return told


_CODES = {
    "INVALID_ARGUMENT": 3,
    "NOT_FOUND": 5,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
}
"""Google's status codes by name (google.rpc.Code)."""


def _now() -> str:
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")


def _canonical(name: str) -> str:
    """A model's name with the project's number and without a version."""
    return re.sub(r"\Aprojects/[^/]+/", f"projects/{NUMBER}/", name).partition("@")[0]


def _rest(given: Json) -> Json:
    """What a caller says of a resource beyond its names."""
    return {
        key: value for key, value in given.items() if key not in ("name", "displayName", "deployedModels")
    }


def _matches(item: Json, query: Json) -> bool:
    """Whether a resource is one that the query's filter, a display name or a label, asks for."""
    found = _FILTER.match(query.get("filter", "").strip())
    if found is None:
        return True
    key, value = found.groups()
    if key == "display_name":
        return bool(item["displayName"] == value)
    return bool(item.get("labels", {}).get(key.partition(".")[2]) == value)


class _Handler(StorageRoutes, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    of: Cloud

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""

    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        time.sleep(self.of.latency)
        path, _, query = self.path.partition("?")
        with self.of.lock:
            self.of.requests.append((self.command, self.path, body))
            self.of.headers.append(dict(self.headers.items()))
            try:
                self._route(unquote(path), {k: v[-1] for k, v in parse_qs(query).items()}, body)
            except Refused as refusal:
                error = {"code": refusal.status, "message": refusal.message, "status": refusal.reason}
                self.send(refusal.status, {"error": error})
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    def _route(self, path: str, query: dict[str, str], body: bytes) -> None:
        cloud = self.of
        if cloud.token is not None and self.headers.get("Authorization") != f"Bearer {cloud.token}":
            raise Refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if self.storage(cloud.buckets, cloud._count, path, query, body):
            return
        found = _HOME.match(path)
        if found is None:
            raise Refused(404, "NOT_FOUND", f"There is nothing at {path}.")
        if cloud.answer is not None and path.endswith((":predict", ":rawPredict")):
            status, kind, raw = cloud.answer
            self.send_bytes(status, kind, raw)
            return
        try:
            told = json.loads(body) if body else {}
        except ValueError:
            raise Refused(400, "INVALID_ARGUMENT", "Invalid JSON payload received.") from None
        self.send(
            200, cloud.vertex(self.command, found["project"], found["region"], found["rest"], query, told)
        )

    def refuse(self, status: int, reason: str, message: str) -> None:
        """Answer with an error."""
        raise Refused(status, reason, message)

    def send(self, status: int, answer: Json) -> None:
        """Answer with JSON."""
        self.send_bytes(status, "application/json; charset=UTF-8", json.dumps(answer).encode())

    def send_bytes(self, status: int, kind: str, content: bytes, **headers: str) -> None:
        """Answer with bytes."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(cloud: Cloud | None = None) -> Iterator[Cloud]:
    """Serve on a free port of the loopback address until the block ends."""
    held = cloud or Cloud()

    class Handler(_Handler):
        of = held

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    held.port = http.server_address[1]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield held
    finally:
        http.shutdown()
        http.server_close()
        thread.join(5)
