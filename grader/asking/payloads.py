"""Requests to send to a deployment: the student's own samples first, then some made from the model's features.

Values that are made mean nothing but are plausible: 1.0 for every feature, 2.0 in a second row. Whole numbers, because
a column may be a count, a flag or a code; a model of numbers answers them whatever it was fitted on.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from grader.asking import npy, samples
from grader.asking.handlers import Handlers, handlers_of
from grader.facts.counted.models import is_estimator, of_deployment
from grader.facts.counted.scripts import chosen, judged
from grader.facts.counted.subject import Subject
from grader.facts.records import DeployFolder, Facts, Model
from grader.submission.errors import Unreadable
from grader.text import decode

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"

_MOST = 14
_TEXTS = "sklearn.feature_extraction.text."
# What takes words (or may), so that numbers prove nothing.
_OF_WORDS = (
    _TEXTS, "sklearn.preprocessing._encoders.", "sklearn.preprocessing._target_encoder.",
    "sklearn.preprocessing.data.OneHotEncoder", "sklearn.preprocessing.data.CategoricalEncoder",
    "sklearn.feature_extraction._dict_vectorizer.", "sklearn.feature_extraction.dict_vectorizer.",
    "sklearn.feature_extraction._hash.", "sklearn.feature_extraction.hashing.", "category_encoders.",
)  # fmt: skip
_WRAPS = ("instances", "inputs", "input", "data", "features", "values", "rows", "X", "x")


class Payload(NamedTuple):
    """One request. ``form`` is how a person would call it; ``rows`` how many predictions it asks for.

    ``origin`` is the path of the student's file that it was taken from, None where it was made from the model.
    """

    form: str
    content_type: str
    body: bytes
    accept: str | None = None
    rows: int = 1
    origin: str | None = None


class Payloads(NamedTuple):
    """Requests, the best first. ``problem``: why those that were made may be wrong, or why none could be made."""

    tried: tuple[Payload, ...]
    problem: str | None = None


def candidates(
    facts: Facts,
    read: Callable[[str, int], bytes],
    folder: DeployFolder,
    platform: str,
    *,
    model: Model | None = None,
    script: str | None = None,
) -> Payloads:
    """Requests for the deployment of ``folder`` on ``platform``.

    ``read(path, limit)`` gives a file's bytes or raises ``Unreadable`` or ``KeyError``. ``model`` and ``script`` (its
    text) are those that are served, where the caller has chosen them; else they are chosen by the facts. Never raises
    for what a submission holds.
    """
    subject = Subject(facts, platform, folder)
    if script is None and platform == "aws":
        script = _script(subject, read)
    handlers = handlers_of(script) if script else Handlers()
    model = model or _model(subject)
    own = [
        Payload(one.form, one.content_type, one.body, one.accept, one.rows, one.origin)
        for one in samples.of_deployment(subject, read, platform)
    ]
    made, problem = _made(model, handlers, platform)
    tried = _each_once((*own, *made))
    return Payloads(tried[:_MOST], None if own else problem)


def _each_once(payloads: Sequence[Payload]) -> tuple[Payload, ...]:
    found: dict[tuple[str, bytes], Payload] = {}
    for payload in payloads:
        found.setdefault((payload.content_type, payload.body), payload)
    return tuple(found.values())


def _script(subject: Subject, read: Callable[[str, int], bytes]) -> str | None:
    functions, script, _ = chosen(subject)
    fn = judged(functions)
    path = script or (fn.script or fn.path if fn is not None else None)
    if path is None:
        return None
    written = [w.text for w in subject.facts.written_texts if w.target == path]
    if written:
        return written[-1]
    try:
        return decode(read(path, 1_000_000))
    except (Unreadable, KeyError):
        return None


def _model(subject: Subject) -> Model | None:
    found = [m for m in of_deployment(subject) if is_estimator(m)]
    return next((m for m in found if m.n_features is not None), found[0] if found else None)


def _made(model: Model | None, handlers: Handlers, platform: str) -> tuple[list[Payload], str | None]:
    """Requests that fit the model, and why they may not."""
    if model is None:
        return [], "no model is at hand to make a request from, and no sample request is beside it"
    width = len(model.feature_names) or model.n_features
    reads_texts = bool(model.steps) and model.steps[0].startswith(_TEXTS)
    if reads_texts:
        problem: str | None = "the model takes text, and no sample request is beside it"
        rows: list[object] = ["a short text", "another one"]
    elif width is None or not 0 < width <= 20_000:
        return (
            [],
            "how many features the model takes does not stand in it, and no sample request is beside it",
        )
    else:
        rows = [[1.0] * width, [2.0] * width]
        words = any(name.startswith(_OF_WORDS) for name in model.globals)
        problem = (
            "the model takes words among its features, which ones cannot be told, and no sample request is beside it"
            if words
            else None
        )
    if platform == "gcp":
        body = json.dumps({"instances": rows[:1]}).encode()
        return [Payload('one row of JSON under "instances"', JSON, body)], problem
    names = model.feature_names or tuple(k for k in handlers.keys if k not in _WRAPS)
    if names and width is not None and len(names) != width:
        names = ()
    made = list(_for_sagemaker(rows, names, handlers))
    order = [*handlers.content_types, NPY, JSON, CSV] if handlers.takes_input else [NPY, JSON, CSV]
    return sorted(made, key=lambda p: order.index(p.content_type) if p.content_type in order else 99), problem


def _for_sagemaker(rows: list[object], names: Sequence[str], handlers: Handlers) -> Iterator[Payload]:
    """The forms in which people ask a scikit-learn endpoint; within a content type, the most usual first."""
    one = rows[:1]
    data = npy.array(one)
    if data is not None:
        yield Payload("one row of npy, as the SDK's predictor sends it", NPY, data, accept=NPY)
    record = dict(zip(names, one[0], strict=False)) if names and isinstance(one[0], list) else None
    known = [key for key in _WRAPS if key in handlers.keys]
    if handlers.takes_input:
        for key in known:
            yield Payload(f'one row of JSON under "{key}"', JSON, json.dumps({key: one}).encode())
        if record is not None and set(record) <= set(handlers.keys):
            yield Payload("one JSON object by the features' names", JSON, json.dumps(record).encode())
    yield Payload("one row of JSON", JSON, json.dumps(one).encode())
    yield Payload("two rows of CSV", CSV, _csv(rows), rows=2)
    if not handlers.takes_input:
        return
    yield Payload("one row of CSV", CSV, _csv(one))
    if record is not None:
        yield Payload("one JSON record in a list", JSON, json.dumps([record]).encode())
        if not set(record) <= set(handlers.keys):
            yield Payload("one JSON object by the features' names", JSON, json.dumps(record).encode())
        for key in known:
            yield Payload(f'one JSON record under "{key}"', JSON, json.dumps({key: [record]}).encode())
        yield Payload("one row of CSV under its header", CSV, _csv([list(names), *one]))
    if "instances" not in known:
        yield Payload('one row of JSON under "instances"', JSON, json.dumps({"instances": one}).encode())
    yield Payload("one row of JSON without a list around it", JSON, json.dumps(one[0]).encode())


def _csv(rows: Sequence[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(row if isinstance(row, list) else [row] for row in rows)
    return out.getvalue().encode()
