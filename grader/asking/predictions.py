"""What counts as a prediction: the answer of a rehearsed or live endpoint, read without believing any of it.

JSON, CSV or npy, as the Content-Type says, whole, with at least one label or finite number. Everything here is bounded,
raises nothing and needs no numpy: the body may be anything.
"""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any, NamedTuple

from grader.asking import answers, arrays
from grader.patterns import pattern

MOST_BYTES = 6_291_456
"""The largest answer that is read: what SageMaker passes on (botocore 1.44.5's model of InvokeEndpoint, 2026-11-22)."""

MOST_VALUES = 1_000
"""Labels and numbers kept of one answer."""

_JSON = ("application/json", "text/json", "application/x-json")
_LINES = ("application/jsonlines", "application/x-ndjson", "application/ndjson", "application/jsonl")
_CSV = ("text/csv", "application/csv")
_NPY = ("application/x-npy",)
# What a server calls bytes of which it was told nothing. SageMaker's container says text/html of every plain string
# that an output_fn returns, and Google's own server echoes an Accept of */*: the label says nothing, the body must.
_UNTOLD = ("", "*/*", "text/html", "text/plain", "application/octet-stream", "binary/octet-stream")

_CHARSET = pattern(r";\s*charset\s*=\s*\"?([\w.:-]{1,40})", 2)
_CHARSETS = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "latin-1": "latin-1",
    "latin1": "latin-1",
    "windows-1252": "cp1252",
    "utf-16": "utf-16",
}


class Prediction(NamedTuple):
    """What was found in an answer.

    ``values`` are labels and numbers as text, in their order, at most :data:`MOST_VALUES` of at most 200 characters, empty
    where there is a ``problem``: one sentence on why the answer is none. Texts may hold anything.
    """

    values: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def ok(self) -> bool:
        """Whether this is a prediction."""
        return self.problem is None


def read(
    content_type: str | None, body: bytes, *, pointer: str | None = None, sent: bytes | None = None
) -> Prediction:
    """The prediction in an answer of status 200.

    ``pointer`` says where it stands in a JSON answer (``predictions[0].label``, ``$.result``, ``/predictions/0``): then
    what stands there must be a label or number, or hold some. ``sent`` is the request's body: an answer that only
    repeats it is no prediction.
    """
    if len(body) > MOST_BYTES:
        return _none(f"The answer has more than {MOST_BYTES} bytes.")
    if not body.strip():
        return _none("The answer is empty.")
    if sent is not None and _echo(body, sent):
        return _none("The answer only repeats the request.")
    kind = (content_type or "").split(";")[0].strip().lower()[:100]
    try:
        if kind in _NPY or (kind in _UNTOLD and body.startswith(arrays.MAGIC)):
            return _of(arrays.values(body, MOST_VALUES))
        if kind not in (*_JSON, *_LINES, *_CSV, *_UNTOLD) and not kind.endswith("+json"):
            return _none(f"The answer is said to be {kind}, not JSON, CSV or npy.")
        text = _text(content_type or "", body)
        if kind in _LINES:
            return _of(answers.values(_parsed_lines(text), pointer, MOST_VALUES))
        if kind in _CSV:
            return _of(_of_csv(text, pointer))
        if kind in _UNTOLD:
            return _of(_of_untold(kind, text, pointer))
        return _of(answers.values(_parsed(text), pointer, MOST_VALUES))
    except answers.NoPrediction as problem:
        return _none(str(problem))
    except (RecursionError, MemoryError, OverflowError):
        return _none("The answer is nested too deeply to be read.")


def agree(a: Prediction, b: Prediction) -> bool | None:
    """Whether two answers to the same request say the same; None: one of them is no prediction.

    Numbers may differ by 1e-6 of their size (one may have travelled as 32 bits, an integer as a float), labels not.
    """
    if not a.ok or not b.ok:
        return None
    return len(a.values) == len(b.values) and all(map(_same, a.values, b.values))


def _same(a: str, b: str) -> bool:
    if a == b:
        return True
    x, y = _number(a), _number(b)
    return x is not None and y is not None and math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-9)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _none(problem: str) -> Prediction:
    return Prediction((), problem)


def _of(values: list[str]) -> Prediction:
    return Prediction(tuple(values))


def _text(content_type: str, body: bytes) -> str:
    named = _CHARSET.search(content_type[:500])
    encoding = _CHARSETS.get(named.group(1).lower(), "utf-8-sig") if named else "utf-8-sig"
    try:
        return body.decode(encoding)
    except UnicodeDecodeError:
        raise answers.NoPrediction("The answer is no text in the encoding that it should be in.") from None


def _parsed(text: str) -> Any:
    if text.lstrip()[:1] == "<":
        raise answers.NoPrediction("The answer is a web page, not the JSON that it is said to be.")
    try:
        return json.loads(text, parse_int=_whole)
    except ValueError as problem:
        why = str(problem)[:100]
        raise answers.NoPrediction(f"The answer is said to be JSON and is not ({why}).") from None


def _whole(digits: str) -> int | float:
    """An integer; one of many digits as a float, which takes no time to make (and is infinite above 1e308)."""
    return int(digits) if len(digits) < 300 else float(digits)


def _parsed_lines(text: str) -> list[Any]:
    return [_parsed(line) for line in text.splitlines() if line.strip()]


def _of_csv(text: str, pointer: str | None) -> list[str]:
    start = text.lstrip()[:1]
    if start == "<":
        raise answers.NoPrediction("The answer is a web page, not the CSV that it is said to be.")
    if start and start in "[{":
        # Functions that forget the Accept header answer JSON under CSV's name; a person reads it as what it is.
        try:
            parsed = json.loads(text, parse_int=_whole)
        except ValueError:
            pass
        else:
            return answers.values(parsed, pointer, MOST_VALUES)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as problem:
        raise answers.NoPrediction(f"The answer is said to be CSV and is not ({problem}).") from None
    cells = [cell.strip() for row in rows for cell in row]
    if sum(1 for cell in cells if cell) == 1:
        return answers.values(_cell("".join(cells)), None, MOST_VALUES)
    if answers.is_error(text.lstrip().partition("\n")[0]):
        raise answers.NoPrediction(f"The answer is a message: {answers.said(text.strip(), 120)}")
    return answers.values([_cell(cell) for cell in cells], None, MOST_VALUES)


def _cell(text: str) -> str | float:
    """A number where the cell is one, so that ``nan`` is none; else its text."""
    number = _number(text) if len(text) < 50 else None
    return text if number is None or math.isfinite(number) else number


def _of_untold(kind: str, text: str, pointer: str | None) -> list[str]:
    try:
        parsed = json.loads(text, parse_int=_whole)
    except ValueError:
        said = f"is said to be {kind}" if kind else "does not say what it is"
        raise answers.NoPrediction(f"The answer {said}, and is no JSON either.") from None
    return answers.values(parsed, pointer, MOST_VALUES)


def _echo(body: bytes, sent: bytes) -> bool:
    """Whether the answer is the request again, as bytes or as JSON. One number alone may well be its own answer."""
    if len(sent) > MOST_BYTES or sent.strip()[:1] not in (b"[", b"{", b"\x93"):
        return body.strip() == sent.strip() and (b"," in sent or b"\n" in sent.strip())
    if body.strip() == sent.strip():
        return b"," in sent or b":" in sent
    if len(body) > 4 * len(sent) + 100 or body.strip()[:1] != sent.strip()[:1]:
        return False
    try:
        asked, answered = json.loads(sent), json.loads(body)
        return bool(asked == answered and (b"," in sent or b":" in sent))
    except (ValueError, RecursionError):
        return False
