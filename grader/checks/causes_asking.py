"""What keeps a loaded model from answering a prediction."""

from __future__ import annotations

import re

from grader.checks.cause import Cause, Row, Seen, fixed
from grader.patterns import pattern
from grader.text import excerpt


def _one_dimension(_match: re.Match[str], seen: Seen) -> Cause:
    if seen.content_type == "text/csv" and "input_fn" not in seen.rehearsal.handlers:
        return Cause(
            "SageMaker's own handler makes one row of CSV a flat list, which scikit-learn refuses.",
            "Send JSON, `[[1.0, 2.0]]`, or give the script an `input_fn` that reshapes one row with `.reshape(1, -1)`.",
            (),
        )
    return Cause(
        "The request is one flat list, and scikit-learn wants a list of rows.",
        "Send a list of lists, as in `[[1.0, 2.0]]`, or reshape one row with `.reshape(1, -1)` before predicting.",
        (),
    )


def _dictionary(_match: re.Match[str], seen: Seen) -> Cause | None:
    if "input_fn" in seen.rehearsal.handlers:
        return None
    return Cause(
        "SageMaker's own handler takes a plain list of rows; an object such as `{\"instances\": ...}` is Vertex AI's form.",
        "Send `[[1.0, 2.0]]`, or give the script an `input_fn` that takes the rows out of the object.",
        (),
    )


def _words(_match: re.Match[str], seen: Seen) -> Cause | None:
    if "input_fn" in seen.rehearsal.handlers or seen.rehearsal.contract != "sagemaker":
        return None
    return Cause(
        "SageMaker's own handler turns JSON and CSV into numbers, and the request holds words (a header, a category).",
        "Leave the header out; for words, give the script an `input_fn` that makes a DataFrame of the request.",
        (),
    )


def _content_type(_match: re.Match[str], seen: Seen) -> Cause | None:
    kind = excerpt(seen.content_type, 60)
    if {"input_fn", "transform_fn"} & set(seen.rehearsal.handlers):
        if seen.content_type == "application/x-npy":
            return Cause(
                "The script's own code does not take npy, which the SDK's predictor sends unless it is given a serializer.",
                "Give the predictor `serializer=JSONSerializer()`, or let the script take `application/x-npy` too.",
            )
        return Cause(
            f"The script's own code does not take `{kind}`.",
            "Send what it takes, or let it take that content type too.",
        )
    return Cause(
        "The content type is none that SageMaker's own handler takes: it is compared as a whole, `; charset=utf-8` included.",
        "Send exactly `application/json`, `text/csv` or `application/x-npy`, or write an `input_fn`.",
    )


def _npy_as_text(match: re.Match[str], seen: Seen) -> Cause | None:
    return _content_type(match, seen) if seen.content_type == "application/x-npy" else None


def _by_name(_match: re.Match[str], seen: Seen) -> Cause:
    if seen.rehearsal.contract == "sagemaker":
        mend = "Give the script an `input_fn` that makes a pandas DataFrame with the columns' names of the request."
    else:
        mend = "Select the columns by number (`ColumnTransformer([(..., [0, 1])])`), or serve the model from a container of your own."
    return Cause(
        "The model selects columns by name, and the platform hands it a plain array without names.",
        mend, (), whatever=True,
    )  # fmt: skip


def _features(match: re.Match[str], _seen: Seen) -> Cause:
    return Cause(
        f"The request has {match.group(1)} values a row, and the model takes {match.group(2)}.",
        "Send as many values as the model was fitted on, in that order, without the answer's column.",
        (),
    )


def _no_predict(match: re.Match[str], seen: Seen) -> Cause:
    kind = match.group(1)
    if kind == "NoneType":
        return Cause(
            "`model_fn` returned nothing.", "Return the loaded model, on every path.", (), whatever=True
        )
    if kind == "coroutine":
        return Cause(
            "`model_fn` is async, and SageMaker does not await it.",
            "Write it as a plain `def`.",
            (),
            whatever=True,
        )
    own = "predict_fn" in seen.rehearsal.handlers
    return Cause(
        f"What is loaded is a `{excerpt(kind, 60)}`, which has no `predict`.",
        "Load the fitted estimator itself"
        + ("." if own else ", or give the script a `predict_fn` that takes it out."),
        (),
        whatever=True,
    )


def _written_elsewhere(_match: re.Match[str], seen: Seen) -> Cause | None:
    if not any("Trying to unpickle" in warning for warning in seen.rehearsal.warnings):
        return None
    has = excerpt(dict(seen.rehearsal.packages).get("scikit-learn", ""), 40)
    shown = f"scikit-learn {has}" if has else "the scikit-learn that serves it"
    return Cause(
        f"The model was written by another scikit-learn than {shown}, and does not work with it.",
        f"Fit and save the model again with {shown}, or declare the version that has yours.",
        whatever=True,
    )


def _no_prediction(_match: re.Match[str], seen: Seen) -> Cause:
    if seen.rehearsal.contract != "sagemaker":
        return Cause(
            "What comes back is no prediction.", "See that the model answers labels or finite numbers."
        )
    return Cause(
        "What the script answers is not read as a prediction.",
        'Answer labels or finite numbers as JSON, as in `return json.dumps(prediction.tolist()), "application/json"`.',
    )


ASKING: tuple[Row, ...] = (
    (pattern(r"'(\w+)' object has no attribute 'predict'"), _no_predict),
    (
        pattern(r"NotFittedError|is not fitted yet"),
        fixed("The model was saved before it was fitted.", "Fit it, then save it again.", whatever=True),
    ),
    (
        pattern(r"AI Platform takes models of scikit-learn's own classes"),
        fixed(
            "AI Platform serves scikit-learn's own classes only.",
            "Put your own steps inside a scikit-learn Pipeline, or serve the model from a container of your own.",
            whatever=True,
        ),
    ),
    (
        pattern(r"Specifying the columns using strings|columns? .*only supported for (?:pandas )?[dD]ata[fF]rames"),
        _by_name,
    ),
    (pattern(r"'numpy\.ndarray' object has no attribute '(?:columns|iloc|loc|drop|copy_|values|select_dtypes|assign)'"), _by_name),
    (pattern(r"Expected 2D array, got (?:1D|scalar) array|Reshape your data"), _one_dimension),
    (pattern(r"float\(\) argument must be .*'?(?:dict|list)'?|int\(\) argument must be .*'dict'"), _dictionary),
    (pattern(r"could not convert string to float"), _words),
    (
        pattern(r"[Xx] has (\d+) features?(?: per sample)?[,;].*?(?:expecting|expects) (\d+)"),
        _features,
    ),
    (
        pattern(r"(?i)not JSON serializable"),
        fixed(
            "What `output_fn` makes of the prediction is no JSON.",
            "Turn arrays into lists with `.tolist()` before `json.dumps`.",
            whatever=True,
        ),
    ),
    (
        pattern(r"which the container cannot send"),
        fixed(
            "What the script returns cannot be sent as it is.",
            "Return text and its content type, as in `return json.dumps(result), \"application/json\"`.",
            whatever=True,
        ),
    ),
    (
        pattern(r"(?i)unsupported (?:content|media)[ -]?type|content[ -_]?type .*(?:not supported|unsupported)|UnsupportedFormatError"),
        _content_type,
    ),
    (pattern(r"can't decode byte 0x93"), _npy_as_text),
    (pattern(r"^AttributeError: '\w+' object has no attribute '\w+'"), _written_elsewhere),
    (pattern(r"^The answer (?:is|has|holds) "), _no_prediction),
)  # fmt: skip
