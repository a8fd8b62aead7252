"""What the deployed endpoint itself answered (``--live``)."""

from __future__ import annotations

from grader.checks.registry import check
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, error

_NOT_HERE = "The live endpoint was to be asked, and this version of the grader cannot ask it yet."
_LATER = "Grade without --live, or ask the endpoint by hand with the request that the README shows."


@check("live.in-service", on_request="live", requires=("folder.present",))
def in_service(subject: Subject) -> Verdict:
    """The endpoint exists and is in service

    Why: Only an endpoint in service can be asked for a prediction.
    Example: `aws sagemaker describe-endpoint` says `InService`.
    Remedy: Create the endpoint again, or wait until it is in service; delete it after it was graded.
    """
    return error(_NOT_HERE, subject.where, hint=_LATER)


@check("live.predicts", on_request="live", requires=("live.in-service",))
def predicts(subject: Subject) -> Verdict:
    """The endpoint answers a prediction

    Why: A prediction is what the deployment is for.
    Example: The endpoint answers one row of features with a label or a number.
    Remedy: Send the request that your README shows, and mend what the endpoint's log names.
    """
    return error(_NOT_HERE, subject.where, hint=_LATER)
