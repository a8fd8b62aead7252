"""Calls that make a SageMaker model or estimator, and with what.

Positional orders are those of the SageMaker Python SDK v2 (vendor facts of 2026-11-22).
"""

from __future__ import annotations

from dataclasses import replace

from grader.facts.python.machine import CallSeen
from grader.facts.python.values import (
    HERE,
    UNKNOWN,
    Const,
    Map,
    Method,
    Obj,
    Ref,
    Seq,
    Text,
    Value,
    normal,
    one_text,
    options,
)
from grader.facts.records import ModelCall
from grader.patterns import pattern
from grader.platforms.tables import sagemaker_image_of

_MODEL = ("model_data", "role", "entry_point", "framework_version")
_ESTIMATOR = ("entry_point", "framework_version")
# Class -> (framework, order of the positional arguments)
_CLASSES: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "SKLearnModel": ("sklearn", _MODEL),
    "SKLearn": ("sklearn", (*_ESTIMATOR, "py_version", "source_dir")),
    "XGBoostModel": ("xgboost", _MODEL),
    "XGBoost": ("xgboost", (*_ESTIMATOR, "source_dir")),
    "PyTorchModel": ("pytorch", _MODEL),
    "PyTorch": ("pytorch", (*_ESTIMATOR, "py_version", "source_dir")),
    "TensorFlowModel": (
        "tensorflow",
        ("model_data", "role", "entry_point", "image_uri", "framework_version"),
    ),
    "TensorFlow": ("tensorflow", ("py_version", "framework_version")),
    "HuggingFaceModel": ("huggingface", ("role", "model_data", "entry_point", "transformers_version")),
    "HuggingFace": ("huggingface", ("py_version", "entry_point", "transformers_version")),
    "MXNetModel": ("mxnet", _MODEL),
    "MXNet": ("mxnet", (*_ESTIMATOR, "py_version", "source_dir")),
    "ChainerModel": ("chainer", _MODEL),
    "Chainer": ("chainer", ("entry_point",)),
    "Model": (None, ("image_uri", "model_data", "role")),
    "FrameworkModel": (None, ("model_data", "image_uri", "role", "entry_point", "source_dir")),
    "Estimator": (None, ("image_uri", "role")),
    "ModelBuilder": (None, ("model",)),
    "ModelTrainer": (None, ()),
}
_PLAIN = frozenset(
    {
        "Model",
        "Estimator",
        "FrameworkModel",
        "TensorFlow",
        "Chainer",
        "HuggingFace",
        "PyTorch",
        "XGBoost",
        "SKLearn",
        "MXNet",
        "ModelBuilder",
        "ModelTrainer",
    }
)
_IMAGE_NAMES = ("image_uri", "image", "image_name", "training_image")
_IMAGE = pattern(
    r"sagemaker-(scikit-learn|xgboost)\b|/(pytorch|tensorflow|huggingface|mxnet)-(?:inference|training)"
)


def made_by(seen: CallSeen) -> ModelCall | None:
    """The model or estimator that a call makes, or None; its ``script`` is still to be found."""
    function = seen.function
    for option in options(function):
        name = option.name if isinstance(option, Ref) else None
        if name is not None:
            last = name.rpartition(".")[2].removeprefix("?")
            if last in _CLASSES and _is_sagemaker(name, last, seen):
                return _class_call(seen, last)
        if (
            isinstance(option, Ref | Method)
            and _called(option) == "create_model"
            and _is_client(option, seen)
        ):
            return _client_call(seen)
    return None


def _called(function: Ref | Method) -> str:
    return function.name.rpartition(".")[2] if isinstance(function, Ref) else function.name


def _is_sagemaker(name: str, last: str, seen: CallSeen) -> bool:
    root = name.partition(".")[0]
    if root == "sagemaker":
        return True
    if name != f"?{last}" or last in _PLAIN:
        return False
    # A name that nothing in sight defines: its import is missing, or came by a star from a package.
    return (
        bool({"entry_point", "model_data", "role", "framework_version"} & seen.keywords.keys())
        or len(seen.args) >= 2
    )


def _is_client(function: Ref | Method, seen: CallSeen) -> bool:
    if isinstance(function, Method) and isinstance(function.owner, Obj):
        owner = function.owner
        if owner.name.endswith((".client", "boto3.client")):
            service = owner.args[0] if owner.args else owner.keywords.get("service_name", UNKNOWN)
            return one_text(service) in ("sagemaker", None)
        if owner.cls is not None:
            return False
    return bool({"PrimaryContainer", "Containers"} & seen.keywords.keys())


def _class_call(seen: CallSeen, name: str) -> ModelCall:
    framework, order = _CLASSES[name]
    given = dict(zip(order, seen.args, strict=False))
    given.update(seen.keywords)
    entry, source = given.get("entry_point"), given.get("source_dir")
    code = given.get("source_code")
    if isinstance(code, Obj):
        entry = entry or code.keywords.get("entry_script") or code.keywords.get("entry_point")
        source = source or code.keywords.get("source_dir")
    elif isinstance(code, Map):
        entry, source = entry or code.items.get("entry_script"), source or code.items.get("source_dir")
    written = next((given[key] for key in _IMAGE_NAMES if key in given), None)
    image, asked, version_asked = _image(written)
    environment = given.get("env")
    program = submit = None
    if isinstance(environment, Map):
        program = environment.items.get("SAGEMAKER_PROGRAM")
        submit = environment.items.get("SAGEMAKER_SUBMIT_DIRECTORY")
    entry = entry or program
    version = given.get("framework_version") or given.get("version")
    data = given.get("model_data", given.get("s3_model_data_url"))
    if isinstance(data, Map):  # {"S3DataSource": {"S3Uri": ...}}
        inner = data.items.get("S3DataSource")
        data = inner.items.get("S3Uri") if isinstance(inner, Map) else None
    call = _record(seen, name, entry, source, data, version, submit, image, framework or asked, version_asked)
    shipped = given.get("dependencies")
    return replace(
        call,
        dependencies=() if shipped is None else _all_told(shipped),
        image_given=written is not None and not (isinstance(written, Const) and written.value is None),
    )


def _client_call(seen: CallSeen) -> ModelCall:
    container = seen.keywords.get("PrimaryContainer")
    if container is None:
        several = seen.keywords.get("Containers")
        container = several.items[0] if isinstance(several, Seq) and several.items else None
    items = container.items if isinstance(container, Map) else {}
    environment = items.get("Environment")
    inside = environment.items if isinstance(environment, Map) else {}
    image, asked, version = _image(items.get("Image"))
    data = items.get("ModelDataUrl")
    return _record(
        seen, "create_model", inside.get("SAGEMAKER_PROGRAM"), None, data, None,
        inside.get("SAGEMAKER_SUBMIT_DIRECTORY"), image, asked, version,
    )  # fmt: skip


def _record(
    seen: CallSeen,
    name: str,
    entry: Value | None,
    source: Value | None,
    data: Value | None,
    version: Value | None,
    submit: Value | None,
    image: str | None,
    framework: str | None,
    version_asked: Value | None,
) -> ModelCall:
    unit = seen.frame.unit
    entry_text, source_text = _told(entry), _told(source)
    return ModelCall(
        path=unit.path,
        cell=unit.cell,
        line=seen.node.lineno + unit.offset,
        via=unit.via,
        class_name=name,
        entry_point=entry_text,
        source_dir=source_text,
        model_data=_told(data),
        framework_version=_told(version) if version is not None else _told(version_asked),
        entry_point_given=entry is not None,
        framework_version_given=version is not None or version_asked is not None,
        submit_directory=_told(submit),
        image=image,
        framework=framework,
        source_dir_given=source is not None,
    )


def _all_told(value: Value) -> tuple[str, ...] | None:
    """The texts of a list, None where one of them cannot be told."""
    told = [_told(item) for item in value.items] if isinstance(value, Seq) and not value.more else [None]
    return None if None in told else tuple(item for item in told if item is not None)


def _told(value: Value | None) -> str | None:
    """The text that a value is; a path by ``__file__`` as one from the calling script's own folder."""
    if isinstance(value, Text) and value.text.startswith(HERE):
        rest = value.text[1:].lstrip("/")
        return normal(rest) if Text(rest).known else None
    return None if value is None else one_text(value)


def _image(value: Value | None) -> tuple[str | None, str | None, Value | None]:
    """(the image, its framework, its version) of a URI or of what ``image_uris.retrieve`` was asked for."""
    if isinstance(value, Obj) and value.name.endswith(("image_uris.retrieve", "get_image_uri", "retrieve")):
        old = value.name.endswith("get_image_uri")
        framework = value.keywords.get("framework") or value.keywords.get("repo_name")
        framework = framework or (value.args[1 if old else 0] if len(value.args) > old else None)
        version = value.keywords.get("version") or value.keywords.get("repo_version")
        version = version or (value.args[2] if len(value.args) > 2 else None)
        named, number = _told(framework), _told(version)
        return (f"{named}:{number}" if named and number else named), named, version
    text = _told(value)
    found = _IMAGE.search(text) if text else None
    kind = (found.group(1) or found.group(2)) if found else None
    row = sagemaker_image_of(text) if text and kind == "scikit-learn" else None
    tag = Text(row.version) if row is not None else None
    return text, "sklearn" if kind == "scikit-learn" else kind, tag


def merged(one: ModelCall, other: ModelCall) -> ModelCall:
    """A call met twice (in a helper that is called twice): what is told once is kept, what differs is not known."""
    changes: dict[str, str | bool | tuple[str, ...] | None] = {
        "entry_point_given": one.entry_point_given or other.entry_point_given,
        "source_dir_given": one.source_dir_given or other.source_dir_given,
        "dependencies": one.dependencies if one.dependencies == other.dependencies else None,
        "framework_version_given": one.framework_version_given or other.framework_version_given,
        "image_given": one.image_given or other.image_given,
    }
    for name in (
        "entry_point",
        "source_dir",
        "model_data",
        "framework_version",
        "submit_directory",
        "image",
        "framework",
    ):
        first, second = getattr(one, name), getattr(other, name)
        changes[name] = first if second is None or first == second else second if first is None else None
    return replace(one, **changes)  # type: ignore[arg-type]
