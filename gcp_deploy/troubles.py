"""What can go wrong, in words: one sentence or two that say what happened and what to do."""

from __future__ import annotations


class Trouble(Exception):
    """One sentence or two for whoever runs this: what went wrong, and what to do."""


def one_line(told: object) -> str:
    """The beginning of a message, on one line."""
    text = " ".join(str(told).split())
    return text if len(text) <= 300 else text[:300] + "..."


def kinds(problem: BaseException) -> set[str]:
    """What an exception is, by name: so that Google's library need not be loaded to know its exceptions."""
    return {kind.__name__ for kind in type(problem).__mro__}


def in_words(problem: BaseException) -> str:
    """What went wrong, for a person: what Google said, and what helps."""
    if isinstance(problem, Trouble):
        return str(problem)
    said = one_line(getattr(problem, "message", None) or problem).rstrip(".")
    names = kinds(problem)
    if names & {"DefaultCredentialsError", "RefreshError", "Unauthorized"}:
        return "Google does not know who you are: run `gcloud auth application-default login` and try again."
    if "Forbidden" in names:
        return (
            f"Google does not allow it: {said}. Is the project's id right, is the Vertex AI API switched on, "
            "and has your account the role Vertex AI User?"
        )
    if "TooManyRequests" in names:
        return f"Google's quota is used up for now: {said}. Try again later, or ask for more quota in the console."
    if names & {"ServerError", "ServiceUnavailable", "RetryError"}:
        return f"Google has trouble: {said}. Try again in a few minutes."
    if names & {"ConnectionError", "TransportError"}:
        return "Google could not be reached: is this machine online?"
    return f"Google answered: {said}."
