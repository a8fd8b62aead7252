"""What went wrong in a rehearsal, by how it shows: what it means, how to mend it, and whose it may be.

A table of known failures. Each row is read off an exception's last line; the first that fits counts. Vendor facts behind
them are of 2026-11-22 (the version tables, SageMaker's and Vertex AI's serving contracts).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import NamedTuple

from grader.facts.asked import Rehearsal
from grader.patterns import pattern
from grader.text import excerpt


class Cause(NamedTuple):
    """A known failure.

    ``means`` and ``mend`` are sentences. ``hangs_on`` are the kinds of doubt (see ``Rehearsal``) that may explain it:
    with one of them open, a person must judge. ``ours``: the rehearsal is no cloud in just this respect. ``whatever``: no
    other request would have fared better.
    """

    means: str
    mend: str
    hangs_on: tuple[str, ...] = ("versions",)
    ours: bool = False
    whatever: bool = False


class Seen(NamedTuple):
    """What a cause is told by. ``problem`` is the exception's line, ``files`` the paths of the submission."""

    problem: str
    rehearsal: Rehearsal
    files: frozenset[str] = frozenset()
    content_type: str = ""
    sent: str = ""
    limit: str | None = None


# Modules that SageMaker's containers have beside scikit-learn, NumPy and pandas (its repository's requirements), and
# that an environment of a rehearsal does not.
_IN_CONTAINERS = frozenset({
    "boto3", "botocore", "cryptography", "flask", "gevent", "gunicorn", "jinja2", "PIL", "psutil", "retrying", "s3transfer",
    "sagemaker_containers", "sagemaker_inference", "sagemaker_sklearn_container", "sagemaker_training", "urllib3",
    "werkzeug", "requests", "dateutil", "six", "pandas", "scipy", "yaml", "certifi", "pkg_resources", "setuptools",
})  # fmt: skip
_CALLED = {
    "PIL": "Pillow", "bs4": "beautifulsoup4", "cv2": "opencv-python-headless", "dotenv": "python-dotenv",
    "sklearn": "scikit-learn", "skimage": "scikit-image", "yaml": "PyYAML", "imblearn": "imbalanced-learn",
}  # fmt: skip

_LIMITS = {
    "memory": ("It took more memory than a rehearsal gives it.", "Load less at once, or deploy a smaller model."),
    "time": (
        "It took longer than a rehearsal gives it.",
        "Keep work out of the script's top level and of model_fn; SageMaker itself waits 60 s for an answer.",
    ),
    "cpu": ("It took more processor time than it may.", "Keep work out of the script's top level and of model_fn."),
    "processes": ("It started more processes than it may.", "Leave out `n_jobs=-1` and processes of your own: one model serves."),
    "output": ("It printed without end.", "Print less: a line for each request will do."),
    "file size": ("It wrote a file that is too large.", "Write no files when serving."),
    "scratch": ("It filled its disk.", "Write no files when serving."),
}  # fmt: skip

_ROW = tuple[re.Pattern[str], Callable[[re.Match[str], Seen], "Cause | None"]]


def explain(seen: Seen) -> Cause:
    """The cause of a failure; of an unknown one, a cause that only points at the traceback."""
    if seen.limit is not None:
        means, mend = _LIMITS.get(
            seen.limit, (f"It broke the limit on {seen.limit}.", "Do less when serving.")
        )
        return Cause(means, mend, (), whatever=True)
    for shape, made in _TABLE:
        match = shape.search(seen.problem)
        cause = made(match, seen) if match else None
        if cause is not None:
            return cause
    return Cause("", "Follow the traceback: mend the line of your own that it names, and try again.")


# -- the causes ----------------------------------------------------------------------------------------------------


def _externals(_match: re.Match[str], seen: Seen) -> Cause:
    own = (
        "write `import joblib` in the script"
        if _in_own_code(seen)
        else "save the model again with `import joblib`"
    )
    return Cause(
        "`sklearn.externals.joblib` is gone from scikit-learn 0.23 on.",
        f"{own[0].upper()}{own[1:]}.",
        whatever=True,
    )


def _in_own_code(seen: Seen) -> bool:
    trace = seen.rehearsal.loads.trace
    mine = [line for line in trace if line.startswith("> ")]
    return bool(mine) and "import" in mine[-1]


def _numpy2(_match: re.Match[str], _seen: Seen) -> Cause:
    return Cause(
        "NumPy 2 wrote the model, and the NumPy that serves it is older and does not know its names.",
        "Save the model again under the container's own NumPy (below 2), or choose a container with NumPy 2.",
        ("versions", "numpy"),
        whatever=True,
    )


def _other_sklearn(_match: re.Match[str], seen: Seen) -> Cause:
    has = dict(seen.rehearsal.packages).get("scikit-learn")
    shown = f"scikit-learn {has}" if has else "the scikit-learn that serves it"
    return Cause(
        f"The model was written by another scikit-learn than {shown}, and does not fit it.",
        f"Fit and save the model again with {shown}, or declare the version that has yours.",
        whatever=True,
    )


def _protocol(match: re.Match[str], seen: Seen) -> Cause:
    return Cause(
        f"The model is pickled with protocol {match.group(1)}, which Python {seen.rehearsal.python or 'there'} does not read.",
        "Save it with `pickle.dump(model, file, protocol=4)` (joblib: `joblib.dump(model, path, protocol=4)`), or choose "
        "a newer container.",
        whatever=True,
    )


def _main_class(match: re.Match[str], seen: Seen) -> Cause:
    name = excerpt(match.group(1), 60)
    if seen.rehearsal.contract == "sagemaker":
        mend = f"Put `{name}` into a module of its own, import it from there when training, and ship that module in `source_dir`."
    else:
        mend = f"Build the model of scikit-learn's own classes, or put `{name}` into a container of your own: the prebuilt one has no code of yours."
    return Cause(
        f"The model holds `{name}`, which was defined in the notebook or program that trained it and is not there when it is served.",
        mend, (), whatever=True,
    )  # fmt: skip


def _own_attribute(match: re.Match[str], seen: Seen) -> Cause | None:
    module = match.group(2)
    if module.startswith("sklearn"):
        return _other_sklearn(match, seen)
    return None


def _no_module(match: re.Match[str], seen: Seen) -> Cause:
    name = match.group(1)
    root = name.partition(".")[0]
    shown = excerpt(root, 60)
    has = dict(seen.rehearsal.packages).get("scikit-learn", "this version")
    if root == "sklearn":
        return Cause(
            f"`{excerpt(name, 80)}` is no module of scikit-learn {has}: the model, or the script, is made for another one.",
            "Fit and save the model again with the version that serves it, or declare the version that has yours.",
            whatever=True,
        )
    if root == "numpy":
        return Cause(
            f"`{excerpt(name, 80)}` is no module of the NumPy that serves the model.",
            "Save the model again under the container's own NumPy.",
            ("versions", "numpy"),
            whatever=True,
        )
    if _is_own(seen.files, name):
        if seen.rehearsal.contract != "sagemaker":
            return Cause(
                f"The model needs `{shown}`, a module of your own, and the prebuilt container has no code of yours.",
                "Build the model of scikit-learn's own classes, or serve it from a container of your own.",
                (), whatever=True,
            )  # fmt: skip
        return Cause(
            f"`{shown}` is a module of your own that is not shipped with the script.",
            "Put it into the folder that `source_dir` names, beside the script (or into the archive's `code` folder).",
            ("code",),
            whatever=True,
        )
    package = _CALLED.get(root, root)
    if root in _IN_CONTAINERS:
        return Cause(
            f"`{shown}` is not in the environment of the rehearsal, though the platform's container may have it.",
            f"See whether the container has {excerpt(package, 60)}, or list it in `requirements.txt` beside the script.",
            (), ours=True, whatever=True,
        )  # fmt: skip
    if root in sys.stdlib_module_names:
        return Cause(
            f"`{shown}` is not in Python {seen.rehearsal.python or 'there'}.",
            "Write it without that module, or choose a newer container.",
            whatever=True,
        )
    if seen.rehearsal.contract != "sagemaker":
        return Cause(
            f"The model needs `{shown}`, which the prebuilt container does not have.",
            "Use scikit-learn's own classes, or serve the model from a container of your own.",
            whatever=True,
        )
    return Cause(
        f"`{shown}` is no package of the container.",
        f"List `{excerpt(package, 60)}` in a `requirements.txt` at the root of `source_dir`: the container installs it when it starts.",
        ("requirements", "code"),
        whatever=True,
    )


def _is_own(files: frozenset[str], name: str) -> bool:
    parts = name.split(".")
    ends = (f"{parts[0]}.py", f"{parts[0]}/__init__.py")
    return any(path == end or path.endswith("/" + end) for path in files for end in ends)


def _no_file(match: re.Match[str], _seen: Seen) -> Cause:
    path = match.group(1) or match.group(2)
    shown = excerpt(path, 80)
    if path.startswith("/opt/ml/model"):
        return Cause(
            f"The archive does not hold the file at that place, `{excerpt(path[len('/opt/ml/model/'):] or '.', 80)}`.",
            "Pack it so that `tar tzf model.tar.gz` lists just that path, or load the name that it has there.",
            ("place",), whatever=True,
        )  # fmt: skip
    if path.startswith("/opt/ml/code") or not path.startswith("/"):
        return Cause(
            f"`{shown}` is not there where the script runs: only `source_dir` and the model archive are.",
            "Put the file into the model archive and open it from `model_dir`.",
            ("place", "code"),
            whatever=True,
        )
    return Cause(
        f"`{shown}` is a place of the machine it was written on, and no place in the container.",
        "Open files from `model_dir` alone, and pack them into the model archive.",
        ("place",),
        whatever=True,
    )


def _fixed(
    means: str, mend: str, *hangs_on: str, ours: bool = False, whatever: bool = False
) -> Callable[[re.Match[str], Seen], Cause]:
    cause = Cause(means, mend, hangs_on, ours, whatever)
    return lambda _match, _seen: cause


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


_NETWORK = _fixed(
    "The code wants the network, which a rehearsal does not have.",
    "Ship what it needs in the model archive; with credentials and a network it may work in the cloud.",
    ours=True, whatever=True,
)  # fmt: skip

_TABLE: tuple[_ROW, ...] = (
    (pattern(r"sklearn\.externals"), _externals),
    (pattern(r"No module named '?numpy\._core|not a known BitGenerator|numpy\._core"), _numpy2),
    (pattern(r"unsupported pickle protocol: ?(\d+)"), _protocol),
    (pattern(r"Can't get attribute '?([\w.]+)'? on <module '(?:__main__|_rehearsal)[^']*'"), _main_class),
    (pattern(r"Can't get attribute '?([\w.]+)'? on <module '([\w.]+)'"), _own_attribute),
    (
        pattern(
            r"incompatible dtype|__pyx_unpickle_|Buffer dtype mismatch|__randomstate_ctor|"
            r"object has no attribute '(?:_\w+|monotonic_cst|missing_go_to_left|feature_name_combiner|force_int_remainder_cols)'"
        ),
        _other_sklearn,
    ),
    (pattern(r"No module named '?([\w.]+)'?"), _no_module),
    (pattern(r"FileNotFoundError: .*?'([^']+)'|No such file or directory: '([^']+)'"), _no_file),
    (
        pattern(r"There is no model\.joblib and no model\.pkl"),
        _fixed(
            "The folder that is uploaded has no file called exactly model.joblib or model.pkl.",
            "Upload the model under one of these names, and point `--artifact-uri` (or `--origin`) at its folder.",
            "place", whatever=True,
        ),
    ),
    (
        pattern(r"provide a model_fn implementation"),
        _fixed(
            "The script has no `model_fn` at its top level.",
            "Define `model_fn(model_dir)` in the script, outside classes, functions and `if __name__ == \"__main__\"`.",
            whatever=True,
        ),
    ),
    (
        pattern(r"model_fn\(\) (?:missing \d+ required|takes \d+ positional)"),
        _fixed(
            "`model_fn` is called with one argument, the model's folder.",
            "Define it as `def model_fn(model_dir):`.",
            whatever=True,
        ),
    ),
    (
        pattern(r"transform_fn stands in place of"),
        _fixed(
            "A script has either `transform_fn` or the three others, not both.",
            "Remove `transform_fn`, or the others.",
            whatever=True,
        ),
    ),
    (
        pattern(r"has a module \S+ of its own"),
        _fixed(
            "The script is called like a module that the container has loaded already.",
            "Give the script another name, `inference.py` for one, and name that as the entry point.",
            whatever=True,
        ),
    ),
    (
        pattern(r"SyntaxError|IndentationError|TabError"),
        _fixed(
            "The Python that serves the script cannot read it.",
            "Mend the line, or choose a container with a newer Python if the syntax is newer.",
            whatever=True,
        ),
    ),
    (
        pattern(r"CUDA|cuda|cudnn|Torch not compiled"),
        _fixed(
            "The model wants a GPU, and scikit-learn's containers have none.",
            "Save it for the processor: `torch.load(path, map_location=\"cpu\")`.",
            whatever=True,
        ),
    ),
    (
        pattern(
            r"Name or service not known|Temporary failure in name resolution|Network is unreachable|NoCredentialsError|"
            r"EndpointConnectionError|NoRegionError|ConnectionRefusedError|gaierror|Failed to resolve|Max retries exceeded"
        ),
        _NETWORK,
    ),
    (
        pattern(r"Read-only file system|PermissionError"),
        _fixed(
            "The code writes where a rehearsal does not let it; in the cloud it may.",
            "Write only to a temporary folder, if at all.",
            ours=True, whatever=True,
        ),
    ),
    (
        pattern(r"cannot open shared object file|undefined symbol|GLIBC"),
        _fixed(
            "A library's own part could not be loaded on this machine.",
            "See whether the package works under the container's Python.",
            ours=True, whatever=True,
        ),
    ),
    (
        pattern(r"MemoryError|Unable to allocate"),
        _fixed("It needs more memory than it is given.", "Deploy a smaller model.", whatever=True),
    ),
    (
        pattern(r"invalid load key|pickle data was truncated|UnpicklingError|EOFError|could not find MARK|STACK_GLOBAL requires"),
        _fixed(
            "The file is not what the loader expects: damaged, or written by another (joblib, pickle, compressed).",
            "Load the model with what saved it: `joblib.load` for `joblib.dump`; and see that the file is whole.",
            whatever=True,
        ),
    ),
    (pattern(r"'(\w+)' object has no attribute 'predict'"), _no_predict),
    (
        pattern(r"NotFittedError|is not fitted yet"),
        _fixed("The model was saved before it was fitted.", "Fit it, then save it again.", whatever=True),
    ),
    (
        pattern(r"AI Platform takes models of scikit-learn's own classes"),
        _fixed(
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
        _fixed(
            "What `output_fn` makes of the prediction is no JSON.",
            "Turn arrays into lists with `.tolist()` before `json.dumps`.",
            whatever=True,
        ),
    ),
    (
        pattern(r"which the container cannot send"),
        _fixed(
            "What the script returns cannot be sent as it is.",
            "Return text and its content type, as in `return json.dumps(result), \"application/json\"`.",
            whatever=True,
        ),
    ),
    (
        pattern(r"(?i)unsupported (?:content|media)[ -]?type|content[ -_]?type .*(?:not supported|unsupported)|UnsupportedFormatError"),
        _fixed(
            "The content type of the request is none that is handled: it is compared as a whole, `; charset=utf-8` included.",
            "Send exactly `application/json`, `text/csv` or `application/x-npy`, or let `input_fn` take it.",
        ),
    ),
)  # fmt: skip
