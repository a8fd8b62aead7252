"""What a local rehearsal of the deployment showed (``--rehearse``)."""

from __future__ import annotations

from grader.checks.registry import check
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, error

_NOT_HERE = "The deployment was to be rehearsed, and this version of the grader cannot rehearse yet."
_LATER = (
    "Grade without --rehearse, or rehearse by hand: load the model with the declared scikit-learn and ask it."
)


@check("rehearsal.loads", on_request="rehearse", requires=("folder.present",))
def loads(subject: Subject) -> Verdict:
    """In a rehearsal the model loads through the student's own code

    Why: An endpoint that cannot load its model never comes into service, and the cloud takes a quarter of an hour
        to say so.
    Example: `model_fn` opens `model.joblib`, and under the declared scikit-learn it loads.
    Remedy: Load the model with the very versions that the deployment declares, through your own `model_fn`.
    """
    return error(_NOT_HERE, subject.where, hint=_LATER)


@check("rehearsal.ping", on_request="rehearse", requires=("rehearsal.loads",))
def ping(subject: Subject) -> Verdict:
    """In a rehearsal the server answers the health check

    Why: The platform sends no request to a container that does not answer its health check.
    Example: `GET /ping` answers 200 once the model is loaded.
    Remedy: Make the code that runs at start-up finish without an error, and quickly.
    """
    return error(_NOT_HERE, subject.where, hint=_LATER)


@check("rehearsal.predicts", on_request="rehearse", requires=("rehearsal.ping",))
def predicts(subject: Subject) -> Verdict:
    """In a rehearsal the server answers a prediction

    Why: A prediction is what the deployment is for.
    Example: `POST /invocations` with one row of features answers a label or a number.
    Remedy: Send the request that your README shows, and mend what its traceback names.
    """
    return error(_NOT_HERE, subject.where, hint=_LATER)
