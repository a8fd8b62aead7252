"""Labels and numbers in a parsed JSON answer, whatever shape the student gave it.

Where a key says what stands behind it, that decides; an error, a status, an echo of the request are no prediction.
"""

from __future__ import annotations

import math
from typing import Any

from grader.patterns import pattern

_DEEPEST = 20
_MOST_LOOKED_AT = 100_000
_LABEL = 200  # characters kept of a label
_LONGEST = 1_000  # characters of what can be a label at all


class NoPrediction(Exception):
    """An answer that is none; the message is one sentence on why."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Keys as they are compared: lower case, letters and digits alone.
_PREDICTS = _words(
    "label labels class classes classname classnames score scores proba probas probability probabilities prob probs "
    "y yhat ypred target targets forecast estimate estimates estimated decision category value values"
)
_WRAPS = _words("result results output outputs response answer answers data body")
_ERRORS = _words(
    "error errors errormessage errormsg errortype exception exceptions traceback stacktrace fault faultstring"
)
_STATUS = _words("status statuscode code httpstatus httpstatuscode errorcode originalstatuscode")
_MESSAGES = _words("message msg detail details reason originalmessage")
_BESIDE = (
    _STATUS
    | _MESSAGES
    | _words(
        "id ids requestid uuid version versions modelversion modelversionid modelname model modelid modeldisplayname "
        "deployedmodelid modelresourcename time times timestamp date datetime duration elapsed elapsedms latency latencyms "
        "took seconds ms info description hello welcome greeting success ok ready healthy health alive loaded "
        "modelloaded path url uri method headers docs documentation instance instances input inputs inputdata feature "
        "features featurenames column columns columnnames index parameters params request payload received echo metadata "
        "service server app title type datatype dtype shape user host port uptime threshold accuracy license"
    )
)
_STATUS_WORDS = _words(
    "ok okay success successful succeeded pong ping healthy alive ready hello welcome none"
)
_MISSING = frozenset(("", "nan", "null", "undefined", "nat", "inf", "-inf", "infinity", "-infinity"))
_ERROR_TEXT = pattern(
    r"(?i)^\W*(?:error|exception|traceback|failed to|failure|could not|cannot|unable to)\b\W+\w|"
    r"\b[A-Za-z]*(?:Error|Exception)\b\s*[:(]|^\s*<[!?/a-z]"
)
_COMPLAINT = pattern(
    r"(?i)\b(?:error|exception|not found|not allowed|forbidden|unauthori[sz]ed|denied|failed|invalid|unavailable|"
    r"unsupported|bad request|too many requests|missing|required|expected|hello|welcome)\b"
)


def values(data: Any, pointer: str | None, most: int) -> list[str]:
    """The first ``most`` labels and finite numbers of a parsed answer, as text.

    ``pointer`` names the place to look at (``predictions[0]``, ``$.result``, ``/predictions/0``), None: wherever they are.

    Raises:
        NoPrediction: there are none, or the answer is an error.
    """
    if pointer is not None:
        data = _at(data, pointer)
    reader = _Reader(most)
    if isinstance(data, str) and pointer is None:
        reader.sentence(data)
    elif isinstance(data, dict):
        complaint = _complaint(data)
        if complaint is not None:
            raise NoPrediction(f"The answer is an error: {said(complaint, 120)}")
        reader.any(data, 0)
    else:
        reader.any(data, 0)
    if reader.found:
        return reader.found
    if data is None:
        raise NoPrediction("The answer is null.")
    if pointer is not None:
        raise NoPrediction(f"The answer has no label and no finite number at {said(pointer)}.")
    raise NoPrediction("The answer holds no label and no finite number that is a prediction.")


def said(text: str, width: int = _LABEL) -> str:
    """A bounded text."""
    return text if len(text) <= width else text[: width - 1] + "…"


def is_error(text: str) -> bool:
    """Whether a text complains: an exception, a traceback, a web page."""
    return _ERROR_TEXT.search(text[:_LONGEST]) is not None


class _Reader:
    """Gathers labels and numbers."""

    def __init__(self, most: int) -> None:
        self.found: list[str] = []
        self.most = most
        self.left = _MOST_LOOKED_AT

    def any(self, data: Any, depth: int) -> None:
        """What a value holds."""
        self.left -= 1
        if depth > _DEEPEST or self.left < 0 or len(self.found) >= self.most:
            return
        if isinstance(data, list):
            for one in data:
                if len(self.found) >= self.most or self.left < 0:
                    return
                self.any(one, depth + 1)
        elif isinstance(data, dict):
            self._object(data, depth)
        elif isinstance(data, bool):
            self.found.append(str(data))
        elif isinstance(data, (int, float)):
            if _finite(data):
                self.found.append(said(str(data)))
        elif isinstance(data, str):
            text = data.strip()
            if len(text) <= _LONGEST and text.lower() not in _MISSING and not is_error(text):
                self.found.append(said(text))

    def sentence(self, text: str) -> None:
        """A text that stands alone: a label, unless it says how the server is, or complains."""
        words = text.split()
        if len(words) == 1 and words[0].lower().strip(".!") in _STATUS_WORDS:
            return
        if len(words) > 1 and _COMPLAINT.search(text[:_LONGEST]):
            raise NoPrediction(f"The answer is a message: {said(text.strip(), 120)}")
        self.any(text, 0)

    def _object(self, data: dict[str, Any], depth: int) -> None:
        if depth and _complaint(data) is not None:
            return
        keys = {key: _plain(key) for key in data}
        named = [key for key, plain in keys.items() if _predicts(plain)]
        for key in named:
            self.any(data[key], depth + 1)
        if named:
            return
        wrapped = [key for key, plain in keys.items() if plain in _WRAPS]
        before = len(self.found)
        for key in wrapped:
            value = data[key]
            if isinstance(value, str):
                try:
                    self.sentence(value)
                except NoPrediction:
                    continue
            else:
                self.any(value, depth + 1)
        if wrapped and (len(self.found) > before or any(_empty(data[key]) for key in wrapped)):
            return
        for key, plain in keys.items():
            if plain not in _BESIDE and plain not in _ERRORS and plain not in _WRAPS:
                self.any(data[key], depth + 1)


def _predicts(plain: str) -> bool:
    return plain in _PREDICTS or plain.startswith(("predict", "pred")) or plain.endswith("prediction")


def _plain(key: str) -> str:
    return "".join(c for c in key[:100].lower() if c.isalnum())


def _empty(value: Any) -> bool:
    return value is None or value in ([], {})


def _finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return True  # an integer beyond what a float can hold


def _complaint(data: dict[str, Any]) -> str | None:
    """What an error body says, None where it is none."""
    predicts = False
    status: Any = None
    message: str | None = None
    for key, value in data.items():
        plain = _plain(key)
        predicts = predicts or _predicts(plain)
        if plain in _ERRORS and isinstance(value, (str, dict, list)) and value and not _numbers(value):
            return value if isinstance(value, str) else _first_text(value) or "an error object"
        if plain in _STATUS and isinstance(value, int) and 400 <= value < 600:
            status = value
        if plain in _MESSAGES and isinstance(value, (str, list)) and value:
            message = value if isinstance(value, str) else _first_text(value)
    if predicts or status is None:
        return None
    return message or f"status {status}"


def _numbers(value: Any) -> bool:
    """Whether this is a list of numbers, as the errors of a regression may be."""
    return isinstance(value, list) and all(isinstance(one, (int, float)) for one in value[:10])


def _first_text(value: Any, depth: int = 0) -> str | None:
    if isinstance(value, str):
        return value
    if depth > 3:
        return None
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in list(within)[:20]:
        text = _first_text(one, depth + 1)
        if text:
            return text
    return None


_STEP = pattern(r"\.?([\w$ -]+)|\.?\[\s*(\d{1,9})\s*\]|\.?\[\s*'([^'\]]*)'\s*\]|\.?\[\s*\"([^\"\]]*)\"\s*\]")


def _at(data: Any, pointer: str) -> Any:
    """What stands at a place, by RFC 6901 (``/a/0``) or as JavaScript writes it (``$.a[0]``)."""
    steps: list[str] = []
    pointer = pointer.strip()[:500]
    if pointer.startswith("/"):
        steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]
    else:
        rest = pointer[1:] if pointer.startswith("$") else pointer
        while rest:
            match = _STEP.match(rest)
            if match is None:
                raise NoPrediction(f"Where the prediction should stand is no path in JSON: {said(pointer)}.")
            steps.append(next(group for group in match.groups() if group is not None))
            rest = rest[match.end() :]
    for step in steps:
        if isinstance(data, dict) and step in data:
            data = data[step]
        elif isinstance(data, list) and step.isascii() and step.isdecimal() and int(step) < len(data):
            data = data[int(step)]
        else:
            raise NoPrediction(f"The answer has nothing at {said(pointer)}.")
    return data
