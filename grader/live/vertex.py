"""A Vertex AI endpoint: looked up, its deployed model looked at, then asked for a prediction. And AI
Platform, which is off.

Calls and fields: the REST interface of Vertex AI (projects.locations.endpoints, models) as
google-cloud-aiplatform 2.7
speaks it, as of 2026-11-22. AI Platform's prediction service ended on 2025-01-31 (Google Cloud, VPC Service
Controls,
supported products).
"""

from __future__ import annotations

import json
import os
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

from grader.live import names
from grader.live.inquiry import Inquiry, Sent, Trouble
from grader.patterns import pattern
from grader.platforms import tables

NO_CLIENT = (
    "google-cloud-aiplatform is not installed here; install it with: pip install 'deploy-lab-grader[gcp]'"
)
SWITCHED_OFF = "AI Platform was switched off by Google on 2025-01-31; deploy the model to Vertex AI instead"
OVERRIDE = "CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM"
"""The gcloud CLI's own variable for another address of the service: the operator's to set."""

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_DEDICATED = pattern(r"[a-z0-9-]{1,63}\.[a-z0-9-]{1,40}\.prediction\.vertexai\.goog\Z")
_T = TypeVar("_T")


class _Clients(NamedTuple):
    endpoints: Any
    models: Any
    predictions: Callable[[str | None], Any]
    """For a host: None for the service's own."""
    project: str | None


def ask(inquiry: Inquiry) -> None:
    """Ask the endpoint, and take down in ``inquiry`` what it is and answers.

    Raises:
        Trouble: it could not be asked.
    """
    target = inquiry.target
    region = target.region
    if region is None:
        raise Trouble(
            "other", "which region it is in is said nowhere; give --region, or `region` in endpoint.yaml"
        )
    clients = _clients(inquiry, region)
    project = target.project or clients.project
    if project is None or names.project_problem(project):
        raise Trouble(
            "other", "which project it is in is said nowhere; give --project, or `project` in endpoint.yaml"
        )
    # Where the submission says no project, it was looked for in the one that the credentials belong to.
    inquiry.knows(project=project)
    inquiry.allow(project)
    inquiry.knows(certain=target.project is not None or inquiry.found.allowed)
    endpoint = _endpoint(inquiry, clients, project, region)
    if endpoint is None:
        return
    resource = names.resource_of(endpoint.name)
    if resource is None:
        raise Trouble("other", "Vertex AI answered with an endpoint whose name cannot be read")
    inquiry.knows(account=resource.project, resource=endpoint.name)
    inquiry.allow(project, resource.project, endpoint.name)
    deployed = list(endpoint.deployed_models)
    if not deployed:
        inquiry.is_in("absent", "the endpoint is there, and no model is deployed to it")
        return
    shares = dict(endpoint.traffic_split)
    first = max(deployed, key=lambda one: shares.get(one.id, 0))
    where = f"--region={region} --project={project}"
    undeploy = " && ".join(
        f"gcloud ai endpoints undeploy-model {resource.endpoint} --deployed-model-id={one.id} {where}"
        for one in deployed[:5]
        if str(one.id).isalnum()
    )
    inquiry.knows(
        delete=f"{undeploy} && gcloud ai endpoints delete {resource.endpoint} {where}".removeprefix(" && ")
    )
    inquiry.up_since(first.create_time)
    inquiry.is_in("in-service")
    _image(inquiry, clients, first)
    host = None
    if endpoint.dedicated_endpoint_enabled:
        host = str(endpoint.dedicated_endpoint_dns)
        if not _DEDICATED.match(host):
            raise Trouble("other", "it answers at an address of its own that is none of Vertex AI's")
    if endpoint.network or endpoint.private_service_connect_config.enable_private_service_connect:
        raise Trouble("no-route", "it answers only inside its own network")
    service = clients.predictions(host)
    for sent in inquiry.asked:
        if _predict(inquiry, service, endpoint.name, sent) is not False:
            return


def _clients(inquiry: Inquiry, region: str) -> _Clients:
    """The service's clients, with the operator's own credentials, by REST: no second runtime beside this
    one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on versions of Python, at import
        try:
            import google.auth
            from google.auth import exceptions as problems
            from google.cloud.aiplatform_v1.services import (
                endpoint_service,
                model_service,
                prediction_service,
            )
            from google.cloud.aiplatform_v1.services.endpoint_service.transports.rest import (
                EndpointServiceRestTransport,
            )
            from google.cloud.aiplatform_v1.services.model_service.transports.rest import (
                ModelServiceRestTransport,
            )
            from google.cloud.aiplatform_v1.services.prediction_service.transports.rest import (
                PredictionServiceRestTransport,
            )
        except ImportError:
            raise Trouble("no-client", NO_CLIENT) from None
        try:
            keys, project = google.auth.default(scopes=[_SCOPE])
        except problems.GoogleAuthError:
            raise Trouble(
                "no-credentials",
                "no Google credentials were found; run `gcloud auth application-default login`",
            ) from None
    scheme, host = "https", f"{region}-aiplatform.googleapis.com"
    override = os.environ.get(OVERRIDE)
    if override:
        parts = urlsplit(override)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise Trouble("other", f"{OVERRIDE} is no address")
        scheme, host = parts.scheme, parts.netloc

    def transport(kind: Any, at: str | None = None) -> Any:
        # A service account signs for itself, as it does with the client's own transport.
        return kind(host=at or host, credentials=keys, url_scheme=scheme, always_use_jwt_access=True)

    inquiry.keep_from_reports(getattr(keys, "token", None))
    keeper = getattr(keys, "_refresh_token", None) or getattr(keys, "refresh_token", None)
    inquiry.keep_from_reports(keeper if isinstance(keeper, str) else None)

    def predictions(at: str | None) -> Any:
        # Where the operator chose the address, it stays that one.
        used = None if override else at
        return prediction_service.PredictionServiceClient(
            transport=transport(PredictionServiceRestTransport, used)
        )

    return _Clients(
        endpoint_service.EndpointServiceClient(transport=transport(EndpointServiceRestTransport)),
        model_service.ModelServiceClient(transport=transport(ModelServiceRestTransport)),
        predictions,
        project if isinstance(project, str) else None,
    )


def _endpoint(inquiry: Inquiry, clients: _Clients, project: str, region: str) -> Any:
    """The endpoint; None, and the state, where there is none. By its id, else by the name that people see."""
    from google.api_core import exceptions as errors

    name = inquiry.target.name
    identifier = resource.endpoint if (resource := names.resource_of(name)) else name
    home = f"projects/{project}/locations/{region}"
    if names.is_vertex_id(identifier):
        try:
            return _called(
                inquiry, lambda wait: clients.endpoints.get_endpoint(
                    name=f"{home}/endpoints/{identifier}", timeout=wait, retry=None
                ),
            )  # fmt: skip
        except errors.NotFound:
            if identifier.isdigit() or resource is not None:
                inquiry.is_in("absent", "there is no endpoint of this id in this region and project")
                return None
    try:
        listed = _called(
            inquiry, lambda wait: list(_first(clients.endpoints.list_endpoints(
                request={"parent": home, "filter": f'display_name="{name}"', "page_size": 10},
                timeout=wait, retry=None,
            ), 10)),
        )  # fmt: skip
    except errors.NotFound:
        listed = []
    found = [one for one in listed if one.display_name == name]
    if not found:
        inquiry.is_in("absent", "there is no endpoint of this name in this region and project")
        return None
    if len(found) > 1:
        raise Trouble("other", f"{len(found)} endpoints have this name; its id says which is meant")
    return found[0]


def _first(items: Any, most: int) -> Any:
    for count, item in enumerate(items):
        if count >= most:
            return
        yield item


def _image(inquiry: Inquiry, clients: _Clients, deployed: Any) -> None:
    """What serves it: container, scikit-learn, model data. Nothing hangs on it, so what fails here is a
    note."""
    try:
        model = clients.models.get_model(name=deployed.model, timeout=inquiry.clock.left(10), retry=None)
        image, data = str(model.container_spec.image_uri), str(model.artifact_uri)
    except Exception as problem:
        inquiry.note(f"Its model could not be looked up ({type(problem).__name__}).")
        return
    row = tables.vertex_container_of(image) if image else None
    inquiry.knows(
        image=inquiry.told(image, 200) or None,
        scikit_learn=row.version if row else None,
        model=inquiry.told(data, 200) or None,
    )


def _predict(inquiry: Inquiry, service: Any, name: str, sent: Sent) -> bool | None:
    """Send one request: True when it predicted, False when another form may, None when it is no use to go
    on."""
    from google.api_core import exceptions as errors
    from google.protobuf import json_format, struct_pb2

    began = time.monotonic()
    try:
        request = json.loads(sent.body or b"")
    except (ValueError, RecursionError):
        request = None
    if not isinstance(request, dict) or not isinstance(request.get("instances"), list):
        problem = "Vertex AI takes JSON with a list of `instances`, and this request is none"
        if sent.origin is not None:  # the student's own; what we made in another form says nothing
            inquiry.attempt(sent, began, status=None, problem=problem)
        return False
    try:
        instances = [json_format.ParseDict(one, struct_pb2.Value()) for one in request["instances"]]
        extra = request.get("parameters")
        more = {} if extra is None else {"parameters": json_format.ParseDict(extra, struct_pb2.Value())}
        answer = _called(
            inquiry,
            lambda wait: service.predict(
                endpoint=name, instances=instances, timeout=wait, retry=None, **more
            ),
        )
        told = json_format.MessageToDict(type(answer).pb(answer))
    except errors.NotFound:
        inquiry.is_in("absent", "it was gone when it was to be asked")
        return None
    except (errors.ClientError, errors.ServerError) as refusal:
        trouble = sorted_out(refusal, inquiry)
        if trouble.kind != "other":
            raise trouble from None
        code = refusal.code if isinstance(refusal.code, int) else 500
        return (
            inquiry.attempt(sent, began, status=code, body=str(refusal.message).encode("utf-8", "replace"))
            or False
        )
    except (TypeError, ValueError, AttributeError, json_format.Error) as unfit:
        inquiry.attempt(
            sent, began, status=None, problem=f"the client cannot send or read it ({type(unfit).__name__})"
        )
        return False
    if told.get("predictions") == request["instances"]:
        problem = "the answer only repeats the request"
        return inquiry.attempt(sent, began, status=200, body=sent.body or b"", problem=problem)
    body = json.dumps({"predictions": told.get("predictions", [])}).encode()
    return inquiry.attempt(sent, began, status=200, content_type="application/json", body=body)


def _called(inquiry: Inquiry, work: Callable[[float], _T]) -> _T:
    """What a call of the service answers.

    Raises:
        Trouble: it could not be asked.
        GoogleAPICallError: the service answered with an error that may be about the endpoint itself.
    """
    from google.api_core import exceptions as errors

    wait = max(1.0, min(inquiry.seconds, 60.0))
    try:
        return inquiry.clock.again(lambda: work(min(wait, inquiry.clock.left())), _passing)
    except (errors.NotFound, errors.BadRequest, errors.ServerError, errors.ClientError) as problem:
        trouble = sorted_out(problem, inquiry)
        if trouble.kind != "other":
            raise trouble from None
        raise
    except Exception as problem:
        raise sorted_out(problem, inquiry) from None


def _passing(problem: Exception) -> bool:
    """Whether the same request may well do better in a moment."""
    from google.api_core import exceptions as errors

    return isinstance(problem, errors.TooManyRequests | errors.ServiceUnavailable | errors.BadGateway)


def sorted_out(problem: Exception, inquiry: Inquiry) -> Trouble:
    """What kept it from being asked; ``other`` for an error that may be the endpoint's own."""
    import requests
    from google.api_core import exceptions as errors
    from google.auth import exceptions as keys

    if isinstance(problem, Trouble):
        return problem
    if isinstance(problem, errors.GoogleAPICallError):
        said = inquiry.told(str(problem.message or ""))
        if isinstance(problem, errors.Unauthorized):
            return Trouble("no-credentials", "Google does not take the credentials; sign in again")
        if isinstance(problem, errors.Forbidden):
            return Trouble("no-permission", f"the credentials may not do that: {said}")
        if isinstance(problem, errors.TooManyRequests):
            return Trouble("throttled", "Vertex AI asks to come back later")
        if isinstance(problem, errors.GatewayTimeout):
            return Trouble("time-out", "no answer came in time")
        return Trouble("other", f"Vertex AI answered with an error ({problem.code}): {said}")
    kind = type(problem).__name__
    if isinstance(problem, keys.TransportError):
        return Trouble("no-route", f"Google could not be reached from here ({kind})")
    if isinstance(problem, keys.GoogleAuthError):
        return Trouble("no-credentials", f"no Google credentials could be had ({kind}); sign in again")
    if isinstance(problem, requests.Timeout | errors.RetryError):
        return Trouble("time-out", "no answer came in time")
    if isinstance(problem, requests.RequestException | OSError):
        return Trouble("no-route", f"Vertex AI could not be reached from here ({kind})")
    return Trouble("other", f"Vertex AI's answer could not be understood ({kind})")
