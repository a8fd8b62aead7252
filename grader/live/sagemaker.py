"""A SageMaker endpoint: described first, then invoked. It answers ``invoke`` only where it exists and is in
service.

Statuses and operations: SageMaker API reference (DescribeEndpoint, DescribeEndpointConfig, DescribeModel)
and SageMaker
runtime API reference (InvokeEndpoint, ModelError), as of 2026-11-22 with boto3 1.44.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from grader.live.inquiry import Inquiry, Sent, Trouble
from grader.live.names import region_problem
from grader.patterns import pattern
from grader.platforms import tables

NO_CLIENT = "boto3 is not installed here; install it with: pip install 'deploy-lab-grader[aws]'"

_SERVING = {
    "InService": None,
    "Updating": "it is being updated, and its former configuration answers meanwhile",
    "SystemUpdating": "it is under maintenance, and answers meanwhile",
    "RollingBack": "its last update is being taken back, and its former configuration answers meanwhile",
    "UpdateRollbackFailed": "its last update failed, and so did taking that back",
}
_NOT_THERE = pattern(r"(?i)could not find endpoint|does not exist|not found")
_KEYS_REFUSED = frozenset({
    "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",
    "SignatureDoesNotMatch",
    "InvalidSignatureException", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
    "RequestExpired",
    "InvalidAccessKeyId", "IncompleteSignature", "IncompleteSignatureException", "TokenRefreshRequired",
})  # fmt: skip
_NOT_PERMITTED = frozenset({
    "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized", "OptInRequired",
    "Forbidden",
    "UnauthorizedException",
})  # fmt: skip
_THROTTLED = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException",
    "RequestLimitExceeded",
    "RequestThrottled", "SlowDown", "ModelNotReadyException", "ServiceQuotaExceededException",
    "PriorRequestNotComplete",
})  # fmt: skip
_SERVICE_DOWN = frozenset({
    "InternalFailure", "InternalServerError", "InternalServerException", "InternalDependencyException",
    "InternalError",
    "ServiceUnavailable", "ServiceUnavailableException",
})  # fmt: skip
_AWS_SUFFIXES = (
    ".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn", ".amazonaws.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov", ".csp.hci.ic.gov", ".cloud.adc-e.uk",
)  # fmt: skip
_ACCOUNT = pattern(r"[0-9]{12}\Z")


def ask(inquiry: Inquiry) -> None:
    """Ask the endpoint, and take down in ``inquiry`` what it is and answers.

    Raises:
        Trouble: it could not be asked.
    """
    control, runtime, region, identity = _clients(inquiry)
    name = inquiry.target.name
    inquiry.knows(
        region=region, delete=f"aws sagemaker delete-endpoint --endpoint-name {name} --region {region}"
    )
    told = _called(inquiry, lambda: control.describe_endpoint(EndpointName=name))
    if told is None:
        inquiry.knows(delete=None)
        _looked_in(inquiry, identity)
        return
    arn = str(told.get("EndpointArn", ""))
    account = arn.split(":")[4] if arn.count(":") >= 5 else None
    account = account if account and _ACCOUNT.match(account) else None
    inquiry.knows(account=account, resource=inquiry.told(arn, 200) or None)
    inquiry.allow(account, arn)
    made = told.get("CreationTime")
    inquiry.up_since(made if isinstance(made, datetime) else None)
    status, reason = str(told.get("EndpointStatus", "")), told.get("FailureReason")
    if status == "Creating":
        inquiry.is_in("creating")
        return
    if status == "Deleting":
        inquiry.is_in("absent", "it is being deleted")
        return
    if status in ("Failed", "OutOfService"):
        inquiry.is_in("failed", str(reason) if reason else f"its status is {status or 'not told'}")
        return
    if status not in _SERVING:
        raise Trouble(
            "other", f"its status is {inquiry.told(status, 40) or 'not told'}, which means nothing here"
        )
    inquiry.is_in("in-service", _SERVING[status])
    _image(inquiry, control, told)
    if told.get("AsyncInferenceConfig"):
        raise Trouble("other", "it answers asynchronously, into a bucket, and is not asked here")
    for sent in inquiry.asked:
        if _invoke(inquiry, runtime, name, sent) is not False:
            return


def _looked_in(inquiry: Inquiry, identity: Any) -> None:
    """Whether an absence is certain: of a name that the submission says, only in an account that the operator allowed."""
    if inquiry.target.named_by == "operator":
        return
    try:
        account = str(identity().get_caller_identity().get("Account", ""))
    except Exception:  # then the account stays unknown
        account = ""
    if _ACCOUNT.match(account):
        inquiry.knows(account=account)
        inquiry.allow(account)
    inquiry.knows(certain=inquiry.found.allowed and inquiry.target.region is not None)


def _clients(inquiry: Inquiry) -> tuple[Any, Any, str, Any]:
    """(the service's client, the runtime's, the region, a maker of one that says whose the credentials are)."""
    try:
        import boto3
        import botocore.config
        import botocore.exceptions as problems
        import botocore.session
    except ImportError:
        raise Trouble("no-client", NO_CLIENT) from None
    try:
        core = botocore.session.Session()
        core.register_component("data_loader", _descriptions())
        session = boto3.session.Session(botocore_session=core)
        region = inquiry.target.region or session.region_name
        if region is None:
            raise Trouble(
                "other", "which region it is in is said nowhere; give --region, or `region` in endpoint.yaml"
            )
        if region_problem(region, "aws"):
            raise Trouble("other", "the region that your AWS configuration names is none of AWS")
        keys = session.get_credentials()
        if keys is None:
            raise Trouble("no-credentials", "no AWS credentials were found; sign in, or set AWS_PROFILE")
        frozen = keys.get_frozen_credentials()
        inquiry.keep_from_reports(frozen.access_key, frozen.secret_key, frozen.token)
        wait = max(1.0, min(inquiry.seconds, 60.0))
        config = botocore.config.Config(
            region_name=region,
            connect_timeout=min(5.0, wait),
            read_timeout=wait,
            retries={"total_max_attempts": 1, "mode": "standard"},  # repeated by one budget for all, in clock
        )
        clients = [session.client(service, config=config) for service in ("sagemaker", "sagemaker-runtime")]
        identity = functools.partial(session.client, "sts", config=config)
    except (problems.BotoCoreError, ValueError) as problem:
        raise sorted_out(problem, inquiry) from None
    configured = any(key.startswith("AWS_ENDPOINT_URL") for key in os.environ)
    scoped = core.get_scoped_config()
    configured = configured or "endpoint_url" in scoped or "services" in scoped
    for client in clients:
        host = urlsplit(client.meta.endpoint_url).hostname or ""
        if not configured and not host.endswith(_AWS_SUFFIXES):
            raise Trouble("other", "its requests would not go to SageMaker's own hosts")
    return clients[0], clients[1], region, identity


@functools.cache
def _descriptions() -> Any:
    """Where boto3 reads what its services are: kept, since SageMaker's is large and several endpoints may be
    asked."""
    import botocore.session

    return botocore.session.Session().get_component("data_loader")


def _called(inquiry: Inquiry, work: Any) -> Mapping[str, Any] | None:
    """What a call of the service answers; None, and the state, where the endpoint is not there."""
    import botocore.exceptions as problems

    try:
        answer: Mapping[str, Any] = inquiry.clock.again(work, _passing)
    except problems.ClientError as problem:
        if _is_absent(problem):
            inquiry.is_in("absent", "there is no endpoint of this name in this region and account")
            return None
        raise sorted_out(problem, inquiry) from None
    except Exception as problem:
        raise sorted_out(problem, inquiry) from None
    return answer


def _image(inquiry: Inquiry, control: Any, told: Mapping[str, Any]) -> None:
    """What serves it: image, scikit-learn, model data. Nothing hangs on it, so what fails here is a note."""
    image = data = None
    variants = told.get("ProductionVariants") or ()
    for variant in variants:
        for deployed in variant.get("DeployedImages") or ():
            image = image or deployed.get("SpecifiedImage") or deployed.get("ResolvedImage")
        if variant.get("CurrentServerlessConfig"):
            inquiry.note("It is serverless: it costs something only while it is asked.")
    try:
        config = control.describe_endpoint_config(EndpointConfigName=told.get("EndpointConfigName", ""))
        names = [v.get("ModelName") for v in config.get("ProductionVariants") or () if v.get("ModelName")]
        if (
            any(v.get("ServerlessConfig") for v in config.get("ProductionVariants") or ())
            and not inquiry.found.notes
        ):
            inquiry.note("It is serverless: it costs something only while it is asked.")
        if names:
            model = control.describe_model(ModelName=names[0])
            container: Mapping[str, Any] = model.get("PrimaryContainer") or next(
                iter(model.get("Containers") or ()), {}
            )
            image = container.get("Image") or image
            data = container.get("ModelDataUrl")
    except Exception as problem:
        code = getattr(problem, "response", {}).get("Error", {}).get("Code") or type(problem).__name__
        inquiry.note(f"Its model could not be looked up ({code}).")
    row = tables.sagemaker_image_of(str(image)) if image else None
    inquiry.knows(
        image=inquiry.told(str(image), 200) if image else None,
        scikit_learn=row.scikit_learn if row else None,
        model=inquiry.told(str(data), 200) if data else None,
    )


def _invoke(inquiry: Inquiry, runtime: Any, name: str, sent: Sent) -> bool | None:
    """Send one request: True when it predicted, False when another form may, None when it is no use to go
    on."""
    import botocore.exceptions as problems

    began = time.monotonic()
    more = {"Accept": sent.accept} if sent.accept else {}
    body = sent.body or b""
    kind = sent.content_type or "application/json"
    inquiry.clock.left()
    try:
        answer = inquiry.clock.again(
            lambda: runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType=kind, **more), _passing
        )
        raw = answer["Body"].read(inquiry.target.most_bytes + 1)
    except problems.ClientError as problem:
        code = str(problem.response.get("Error", {}).get("Code", ""))
        if code == "ModelError":
            status = problem.response.get("OriginalStatusCode")
            said = str(
                problem.response.get("OriginalMessage") or problem.response["Error"].get("Message", "")
            )
            inquiry.attempt(
                sent,
                began,
                status=status if isinstance(status, int) else 500,
                body=said.encode("utf-8", "replace"),
            )
            return False
        if _is_absent(problem):
            inquiry.is_in("absent", "it was gone when it was to be asked")
            return None
        raise sorted_out(problem, inquiry) from None
    except Exception as problem:
        raise sorted_out(problem, inquiry) from None
    return inquiry.attempt(sent, began, status=200, content_type=answer.get("ContentType"), body=raw)


def _code(problem: Exception) -> tuple[str, int]:
    """The service's code for an error and its HTTP status."""
    response = getattr(problem, "response", None) or {}
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return str(response.get("Error", {}).get("Code", "")), status if isinstance(status, int) else 0


def _is_absent(problem: Exception) -> bool:
    code, _ = _code(problem)
    message = str(getattr(problem, "response", {}).get("Error", {}).get("Message", ""))
    return code in (
        "ValidationException",
        "ValidationError",
        "ResourceNotFound",
        "ResourceNotFoundException",
    ) and bool(_NOT_THERE.search(message))


def _passing(problem: Exception) -> bool:
    """Whether the same request may well do better in a moment."""
    import botocore.exceptions as problems

    if isinstance(problem, problems.ClientError):
        code, status = _code(problem)
        return (
            code in _THROTTLED
            or code in _SERVICE_DOWN
            or (status in (429, 502, 503) and code != "ModelError")
        )
    return isinstance(problem, problems.ConnectTimeoutError | problems.ConnectionClosedError)


def sorted_out(problem: Exception, inquiry: Inquiry) -> Trouble:
    """What kept it from being asked. Messages on signatures quote what was signed, so they are not told."""
    import botocore.exceptions as problems

    if isinstance(problem, Trouble):
        return problem
    if isinstance(problem, problems.ClientError):
        code, status = _code(problem)
        shown = inquiry.told(code, 80) or f"status {status}"
        message = inquiry.told(str(problem.response.get("Error", {}).get("Message", "")))
        if code in _KEYS_REFUSED:
            return Trouble("no-credentials", f"AWS does not take the credentials ({shown}); sign in again")
        if code in _NOT_PERMITTED or status == 403:
            return Trouble("no-permission", f"the credentials may not do that ({shown}): {message}")
        if code in _THROTTLED or status == 429:
            return Trouble("throttled", f"SageMaker asks to come back later ({shown})")
        return Trouble("other", f"SageMaker answered with an error ({shown}): {message}")
    kind = type(problem).__name__
    if isinstance(
        problem,
        problems.NoCredentialsError | problems.PartialCredentialsError | problems.CredentialRetrievalError
        | problems.TokenRetrievalError | problems.SSOError | problems.ProfileNotFound
        | problems.ConfigParseError
        | problems.NoAuthTokenError | problems.MetadataRetrievalError,
    ):  # fmt: skip
        return Trouble(
            "no-credentials", f"no AWS credentials could be had ({kind}); sign in, or set AWS_PROFILE"
        )
    if isinstance(problem, problems.ConnectTimeoutError | problems.ReadTimeoutError):
        return Trouble("time-out", "no answer came in time")
    if isinstance(problem, problems.HTTPClientError | problems.ConnectionError):
        return Trouble("no-route", f"SageMaker could not be reached from here ({kind})")
    return Trouble("other", f"SageMaker's answer could not be understood ({kind})")
