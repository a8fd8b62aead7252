"""What AWS and the network can answer instead of working, each as one sentence with what to do next."""

from __future__ import annotations

from typing import Any

NOT_THERE = {
    "404",
    "NoSuchBucket",
    "NoSuchKey",
    "NoSuchEntity",
    "NoSuchTagSet",
    "NotFound",
    "ResourceNotFound",
}
THROTTLED = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "SlowDown",
    "503",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403", "Forbidden"}
_BAD_KEYS = {
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
_OLD_KEYS = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_QUOTA = {"LimitExceeded", "ResourceLimitExceeded", "ServiceQuotaExceededException", "TooManyBuckets"}


class Trouble(Exception):
    """One sentence for whoever runs this: what was not to be had, and what to do."""


def code_of(error: Exception) -> str:
    """The service's own code of an error, empty for what no service said."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def message_of(error: Exception) -> str:
    """The service's own words on one line, without a full stop at the end."""
    response: Any = getattr(error, "response", None)
    text = response.get("Error", {}).get("Message", "") if isinstance(response, dict) else str(error)
    return " ".join(str(text).split()).rstrip(".")[:600]


def is_missing(error: Exception) -> bool:
    """Whether the answer means: there is no such thing. SageMaker has no code for that, only a sentence."""
    said = message_of(error).lower()
    sagemaker = code_of(error) == "ValidationException" and ("could not find" in said or "not found" in said)
    return code_of(error) in NOT_THERE or sagemaker


def is_passing(error: Exception) -> bool:
    """Whether asking again a little later may help."""
    return code_of(error) in THROTTLED or type(error).__name__ in (
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "EndpointConnectionError",
        "ReadTimeoutError",
    )


def sentence(error: Exception, region: str) -> str:
    """One sentence on what boto3 raised."""
    if isinstance(error, Trouble):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename} could not be read: {error.strerror}."
    code, said, kind = code_of(error), message_of(error), type(error).__name__
    doing = getattr(error, "operation_name", "the call")
    if kind in ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"):
        return "No usable AWS credentials were found: run `aws configure`, or set AWS_PROFILE."
    if kind == "ProfileNotFound":
        return f"{said}: choose one that `aws configure list-profiles` names."
    if kind in (
        "SSOTokenLoadError",
        "UnauthorizedSSOTokenError",
        "TokenRetrievalError",
        "LoginRefreshRequired",
    ):
        return "The AWS login has run out: run `aws sso login`, then this again."
    if code in _OLD_KEYS:
        return f"AWS says that the credentials have expired ({said}): log in again, then run this again."
    if code in _BAD_KEYS:
        return f"AWS does not know these credentials ({said}): check `aws sts get-caller-identity`."
    if code in _DENIED:
        return (
            f"AWS denies {doing} to these credentials ({said}): ask whoever runs the account for that permission; "
            "README.md lists what is needed."
        )
    if code in ("BucketAlreadyExists", "InvalidBucketName"):
        return f"A bucket of that name is not to be had ({said}): choose another with --bucket."
    if code in _QUOTA:
        return f"The account's quota does not allow {doing} ({said}): ask for more in Service Quotas, or use less."
    if code in THROTTLED:
        return f"AWS throttled {doing} again and again ({said}): wait a minute, then run this again."
    if kind in (
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ConnectionClosedError",
    ):
        return f"AWS could not be reached in {region} ({said}): check the network, and that the region is spelt so."
    if kind == "InvalidRegionError":
        return f"{region!r} is no region of AWS: choose one with --region."
    if kind == "ParamValidationError":
        return f"A name or value is not one that AWS takes: {said}."
    if code:
        return f"AWS refused {doing}: {code}, {said}."
    return f"AWS could not be asked: {kind}, {said}."
