"""What SageMaker runs: loads the penguin model and answers requests. Made for Python 3.9 and scikit-learn 1.2.1.

A request holds one or more penguins, each with four measurements in the order of FEATURES. SageMaker's own input
handling wants two or more rows of CSV, knows no ``{"instances": ...}``, and takes a content type only if it is written
without ``; charset=utf-8``; the functions below take these too.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np

FEATURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
EXAMPLE = "[[39.1, 18.7, 181, 3750]]"


def model_fn(model_dir: str) -> Any:
    """Called once, when the container starts, with the folder that ``model.tar.gz`` was unpacked into."""
    return joblib.load(Path(model_dir) / "model.joblib")


def input_fn(input_data: str | bytes, content_type: str | None) -> np.ndarray:
    """The body of a request as an array with one row a penguin.

    ``input_data`` is text for plain ``text/csv`` and ``application/json``, bytes for everything else. Raises ValueError,
    with a sentence that says what is wrong, for what cannot be read.
    """
    kind = (content_type or "application/json").split(";")[0].strip().lower()
    if kind == "application/json":
        rows = _from_json(_text(input_data))
    elif kind == "text/csv":
        rows = _from_csv(_text(input_data))
    elif kind == "application/x-npy":
        rows = _from_npy(input_data)
    else:
        raise ValueError(
            f"Content type {kind!r} is not known here: use application/json, text/csv or application/x-npy."
        )
    return _checked(rows)


def predict_fn(input_data: np.ndarray, model: Any) -> np.ndarray:
    """The species of each penguin."""
    return model.predict(input_data)


def output_fn(prediction: np.ndarray, accept: str | None) -> tuple[str | bytes, str]:
    """The answer in the first of the accepted forms that is known here; JSON if any will do."""
    species = [str(label) for label in prediction]
    for wanted in (accept or "*/*").split(","):
        kind = wanted.split(";")[0].strip().lower()
        if kind in ("application/json", "application/*", "*/*", ""):
            return json.dumps(species), "application/json"
        if kind in ("text/csv", "text/*"):
            return "".join(label + "\n" for label in species), "text/csv"
        if kind == "application/x-npy":
            packed = io.BytesIO()
            np.save(packed, np.array(species), allow_pickle=False)
            return packed.getvalue(), "application/x-npy"
    raise ValueError(
        f"An answer as {accept!r} is not to be had: use application/json, text/csv or application/x-npy."
    )


def _text(body: str | bytes) -> str:
    if isinstance(body, str):
        return body.lstrip("\ufeff")
    try:
        return bytes(body).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("The request is not UTF-8 text.") from None


def _from_json(text: str) -> list[Any]:
    """Rows as lists (one row may come without its outer list), as objects by name, or either within ``instances``."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The request is not JSON ({error}); expected something like {EXAMPLE}.") from None
    if isinstance(data, dict) and "instances" in data:
        data = data["instances"]
    if isinstance(data, dict):
        data = [data]
    if not isinstance(data, list):
        raise ValueError(f"The request holds no list of penguins; expected something like {EXAMPLE}.")
    if data and not any(isinstance(row, (list, dict)) for row in data):
        data = [data]
    return [_by_name(row) if isinstance(row, dict) else row for row in data]


def _from_csv(text: str) -> list[Any]:
    """Rows of numbers; a first row of names is a header, and says the order."""
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text))]
    except csv.Error as error:
        raise ValueError(f"The request is not CSV ({error}).") from None
    rows = [row for row in rows if any(row)]
    if rows and set(FEATURES) <= set(rows[0]):
        names = rows[0]
        return [
            _by_name({name: row[at] for at, name in enumerate(names) if at < len(row)}) for row in rows[1:]
        ]
    return rows


def _from_npy(body: str | bytes) -> np.ndarray:
    try:
        data = np.load(io.BytesIO(bytes(body)), allow_pickle=False)
    except Exception:  # there is no end to what a damaged file can raise
        data = None
    if not isinstance(data, np.ndarray):
        raise ValueError("The request is not a numpy array of numbers, as numpy.save writes it.")
    return np.atleast_2d(data)


def _by_name(penguin: dict[str, Any]) -> list[Any]:
    missing = [name for name in FEATURES if name not in penguin]
    if missing:
        raise ValueError(f"A penguin lacks {', '.join(missing)}.")
    return [penguin[name] for name in FEATURES]


def _checked(rows: list[Any] | np.ndarray) -> np.ndarray:
    if len(rows) == 0:
        raise ValueError(f"The request holds no penguin; expected something like {EXAMPLE}.")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, (list, np.ndarray)) or len(row) != len(FEATURES):
            raise ValueError(f"Row {number} should be four numbers: {', '.join(FEATURES)}.")
    try:
        penguins = np.array([[float(cell) for cell in row] for row in rows])
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"Every measurement should be a number: {', '.join(FEATURES)}.") from None
    if not np.isfinite(penguins).all():
        raise ValueError(
            "Every measurement should be a finite number; the model cannot fill in what is missing."
        )
    return penguins
