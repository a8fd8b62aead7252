"""What keeps a model from loading."""

from __future__ import annotations

import re
import sys

from grader.checks.cause import Cause, Row, Seen, fixed
from grader.patterns import pattern
from grader.text import excerpt

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


def _variable(match: re.Match[str], _seen: Seen) -> Cause:
    return Cause(
        f"The code reads the environment variable `{excerpt(match.group(1), 60)}`, which a rehearsal does not set.",
        "Take the model's folder from `model_dir`; what the code needs besides, put into the script.",
        (), ours=True, whatever=True,
    )  # fmt: skip


_NETWORK = fixed(
    "The code wants the network, which a rehearsal does not have.",
    "Ship what it needs in the model archive; with credentials and a network it may work in the cloud.",
    ours=True, whatever=True,
)  # fmt: skip

LOADING: tuple[Row, ...] = (
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
    (pattern(r"^KeyError: '([A-Z][A-Z0-9]*_[A-Z0-9_]*)'"), _variable),
    (pattern(r"FileNotFoundError: .*?'([^']+)'|No such file or directory: '([^']+)'"), _no_file),
    (
        pattern(r"(?:No such file or directory: |expected str, bytes.*not )(?:''|NoneType)"),
        fixed(
            "The path that it opens is empty, as what comes from an environment variable is that a rehearsal does not set.",
            "Open the model by its name in `model_dir`.",
            ours=True,
            whatever=True,
        ),
    ),
    (
        pattern(r"There is no model\.joblib and no model\.pkl"),
        fixed(
            "The folder that is uploaded has no file called exactly model.joblib or model.pkl.",
            "Upload the model under one of these names, and point `--artifact-uri` (or `--origin`) at its folder.",
            "place", whatever=True,
        ),
    ),
    (
        pattern(r"provide a model_fn implementation"),
        fixed(
            "The script has no `model_fn` at its top level.",
            "Define `model_fn(model_dir)` in the script, outside classes, functions and `if __name__ == \"__main__\"`.",
            whatever=True,
        ),
    ),
    (
        pattern(r"model_fn\(\) (?:missing \d+ required|takes \d+ positional)"),
        fixed(
            "`model_fn` is called with one argument, the model's folder.",
            "Define it as `def model_fn(model_dir):`.",
            whatever=True,
        ),
    ),
    (
        pattern(r"transform_fn stands in place of"),
        fixed(
            "A script has either `transform_fn` or the three others, not both.",
            "Remove `transform_fn`, or the others.",
            whatever=True,
        ),
    ),
    (
        pattern(r"has a module \S+ of its own"),
        fixed(
            "The script is called like a module that the container has loaded already.",
            "Give the script another name, `inference.py` for one, and name that as the entry point.",
            whatever=True,
        ),
    ),
    (
        pattern(r"SyntaxError|IndentationError|TabError"),
        fixed(
            "The Python that serves the script cannot read it.",
            "Mend the line, or choose a container with a newer Python if the syntax is newer.",
            "versions",
            whatever=True,
        ),
    ),
    (
        pattern(r"CUDA|cuda|cudnn|Torch not compiled"),
        fixed(
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
        fixed(
            "The code writes where a rehearsal does not let it; in the cloud it may.",
            "Write only to a temporary folder, if at all.",
            ours=True, whatever=True,
        ),
    ),
    (
        pattern(r"cannot open shared object file|undefined symbol|GLIBC"),
        fixed(
            "A library's own part could not be loaded on this machine.",
            "See whether the package works under the container's Python.",
            ours=True, whatever=True,
        ),
    ),
    (
        pattern(r"MemoryError|Unable to allocate"),
        fixed("It needs more memory than it is given.", "Deploy a smaller model.", whatever=True),
    ),
    (
        pattern(r"invalid load key|pickle data was truncated|UnpicklingError|EOFError|could not find MARK|STACK_GLOBAL requires"),
        fixed(
            "The file is not what the loader expects: damaged, or written by another (joblib, pickle, compressed).",
            "Load the model with what saved it: `joblib.load` for `joblib.dump`; and see that the file is whole.",
            whatever=True,
        ),
    ),
)  # fmt: skip
