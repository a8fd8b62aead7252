"""Deployments that Python declares (AI Platform by its REST API, Vertex AI by its client), and files put into storage."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from grader.facts.python import calls, signs
from grader.facts.python.machine import CallSeen
from grader.facts.python.values import (
    HOLE,
    Handle,
    Map,
    Method,
    Obj,
    Spot,
    Text,
    Value,
    loaded_in,
    one_text,
    options,
    spot_of,
    texts,
)
from grader.facts.records import Packing, Upload, Version

_TRAINING = frozenset({"trainingInput", "scaleTier", "packageUris", "masterType", "jobId"})
_SKLEARN_IMAGE = "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.{}:latest"


_HEARD = signs.ANYWHERE.union(*(words for _, words in signs.GIVEN))
_KEYWORDS = frozenset({
    "serving_container_image_uri", "runtime_version", "PrimaryContainer", "Containers", "file", "bash_command", "command",
    "cmds",
})  # fmt: skip


def may_tell(seen: CallSeen) -> bool:
    """Whether a call is worth a closer look: by its name as written or as resolved, or by a keyword."""
    if seen.last in _HEARD or seen.name.rpartition(".")[2] in _HEARD or seen.name == "?":
        return True
    return not _KEYWORDS.isdisjoint(seen.keywords) or "ersion" in seen.last or "deploy" in seen.last.lower()


def version(seen: CallSeen) -> Version | None:
    """The deployment that a call declares, or None."""
    name = seen.name
    last = seen.last
    if "serving_container_image_uri" in seen.keywords and "Job" not in name and "train" not in last.lower():
        return _vertex(seen, seen.keywords["serving_container_image_uri"])
    if last == "upload_scikit_learn_model_file":
        return _vertex_sklearn(seen)
    if last == "upload_model":
        for value in (*seen.args, *seen.keywords.values()):
            model = value.items.get("model", value) if isinstance(value, Map) else value
            spec = model.items.get("container_spec") if isinstance(model, Map) else None
            if isinstance(spec, Map) and "image_uri" in spec.items:
                return _vertex(seen, spec.items["image_uri"])
    if last == "upload" and name.endswith("Model.upload") and "aiplatform" in name:
        return _vertex(seen, seen.args[0] if seen.args else None)
    if ("deploy" in last.lower() or "version" in last.lower()) and "runtime_version" in seen.keywords:
        return _platform(
            seen,
            {
                "runtimeVersion": seen.keywords["runtime_version"],
                "pythonVersion": seen.keywords.get("python_version"),
            },
        )
    if last in ("create", "post", "request", "put", "dump", "dumps", "patch", "execute") or "ersion" in last:
        for value in (*seen.args, *seen.keywords.values()):
            body = value.items.get("version", value) if isinstance(value, Map) else value
            if isinstance(body, Map) and _is_version(body, last, seen):
                return _platform(seen, body.items, body.spot)
    return None


def _is_version(body: Map, last: str, seen: CallSeen) -> bool:
    keys = body.items.keys()
    if keys & _TRAINING:
        return False
    if "jobs" in ast.dump(seen.node.func)[:4000] and last == "create":
        return False
    return "deploymentUri" in keys or "runtimeVersion" in keys


def _place(seen: CallSeen, *spots: Spot | None) -> Spot:
    unit = seen.frame.unit
    found = next((spot for spot in spots if spot is not None), None)
    return found or Spot(unit.path, unit.cell, seen.node.lineno + unit.offset)


def _platform(seen: CallSeen, items: Mapping[str, Value | None], spot: Spot | None = None) -> Version:
    told = {
        name: items.get(name) for name in ("runtimeVersion", "pythonVersion", "framework", "deploymentUri")
    }
    runtime, python = told["runtimeVersion"], told["pythonVersion"]
    at = _place(
        seen, None if runtime is None else spot_of(runtime), None if python is None else spot_of(python), spot
    )
    known = {name: None if value is None else _text(value) for name, value in told.items()}
    missing = tuple(
        field
        for field, name in (("runtime_version", "runtimeVersion"), ("python_version", "pythonVersion"))
        if told[name] is not None and known[name] is None
    )
    return Version(
        at.path,
        at.cell,
        at.line,
        "python",
        known["runtimeVersion"],
        known["pythonVersion"],
        None,
        "ai-platform",
        known["framework"],
        missing,
        "readme" if seen.frame.unit.readme else "code",
        origin=known["deploymentUri"],
    )


def _text(value: Value) -> str | None:
    found = texts(value)
    return (
        found[0]
        if len(found) == 1 and HOLE not in found[0] and (not isinstance(value, Text) or value.known)
        else None
    )


def _vertex(seen: CallSeen, image: Value | None) -> Version:
    container = None if image is None else one_text(image)
    at = _place(seen, None if image is None else spot_of(image))
    missing = ("container",) if image is not None and container is None else ()
    return Version(
        at.path,
        at.cell,
        at.line,
        "python",
        None,
        None,
        container,
        "vertex",
        None,
        missing,
        "readme" if seen.frame.unit.readme else "code",
        origin=_text(seen.keywords["artifact_uri"]) if "artifact_uri" in seen.keywords else None,
    )


def _vertex_sklearn(seen: CallSeen) -> Version:
    """``upload_scikit_learn_model_file``: the client makes the container's name from ``sklearn_version``."""
    given = seen.keywords.get("sklearn_version")
    number = None if given is None else _text(given)
    at = _place(seen, None if given is None else spot_of(given))
    container = _SKLEARN_IMAGE.format(number.replace(".", "-")) if number else None
    missing = ("container",) if given is not None and number is None else ()
    return Version(
        at.path,
        at.cell,
        at.line,
        "python",
        None,
        None,
        container,
        "vertex",
        "scikit-learn",
        missing,
        "readme" if seen.frame.unit.readme else "code",
    )


def upload(seen: CallSeen) -> Upload | None:
    """The file that a call puts into storage or saves a model under, or None."""
    last = seen.last
    args, named = seen.args, seen.keywords

    def argument(index: int, *names: str) -> Value | None:
        return next((named[n] for n in names if n in named), args[index] if len(args) > index else None)

    if last in ("upload_from_filename", "upload_from_file", "upload_from_string"):
        source = argument(0, "filename", "file_obj")
        target = None
        if isinstance(seen.function, Method) and isinstance(seen.function.owner, Obj):
            blob = seen.function.owner
            target = blob.args[0] if blob.args else blob.keywords.get("blob_name")
        return _upload(seen, source if last != "upload_from_string" else None, target, "python")
    if last == "upload_file":
        return _upload(seen, argument(0, "Filename", "filename"), argument(2, "Key", "key"), "python")
    if last == "upload_fileobj":
        return _upload(seen, argument(0, "Fileobj"), argument(2, "Key"), "python")
    if last == "put_object":
        return _upload(seen, named.get("Body"), named.get("Key"), "python")
    if last == "upload_data":
        return _upload(seen, argument(0, "path"), argument(2, "key_prefix"), "python")
    if last == "upload_blob" and len(args) >= 2:
        return _upload(seen, argument(1, "source_file_name"), argument(2, "destination_blob_name"), "python")
    name = seen.name
    if (
        last == "dump"
        and name.rpartition(".")[0].rpartition(".")[2]
        in ("joblib", "pickle", "cloudpickle", "dill", "_pickle", "cPickle", "io")
        and name != "json.dump"
    ):
        return _upload(seen, None, argument(1, "filename", "file", "value"), "dump")
    if last == "save_model" and args and any(True for _ in loaded_in(args[0])) is False:
        return _upload(seen, None, argument(0, "fname", "filename"), "dump")
    return None


def _upload(seen: CallSeen, source: Value | None, target: Value | None, by: str) -> Upload | None:
    unit = seen.frame.unit
    at, to = _file(source), _file(target)
    if at is None and to is None:
        return None
    if by == "dump":
        return Upload(unit.path, unit.cell, seen.node.lineno + unit.offset, to, to, "dump")
    return Upload(unit.path, unit.cell, seen.node.lineno + unit.offset, at, to, "python")


def _file(value: Value | None) -> str | None:
    if value is None:
        return None
    for option in options(value):
        path = option.path if isinstance(option, Handle) else option
        if isinstance(path, Text) and path.known:
            return path.text
        if isinstance(path, Text):
            # A name behind an unknown folder still is a name.
            last = path.text.rpartition("/")[2]
            if last and Text(last).known:
                return f"*/{last}"
    return None


def packing(seen: CallSeen) -> Packing | None:
    """What a call puts into an archive that is being written, or None."""
    unit, args, named = seen.frame.unit, seen.args, seen.keywords
    at = (unit.path, unit.cell, seen.node.lineno + unit.offset)
    function = seen.function
    if isinstance(function, Method) and isinstance(function.owner, Handle):
        writing = any(letter in function.owner.mode for letter in "wxa")
        if function.name not in ("add", "write") or not writing or ":" not in function.owner.mode:
            return None
        source = args[0] if args else named.get("name")
        name = args[1] if len(args) > 1 else named.get("arcname")
        told = None if source is None else one_text(source)
        if name is None:
            return Packing(*at, told, told)
        return Packing(*at, told, one_text(name))
    if calls.dotted(function) == "shutil.make_archive":
        root = args[2] if len(args) > 2 else named.get("root_dir")
        return Packing(*at, None if root is None else one_text(root), ".")
    return None


# What a table gives that is a dict all the same.
_DICTS = ("to_dict", "groups", "indices", "sheet_name", "__dict__")


def is_of_table(function: Value) -> bool:
    """Whether ``X.values``, about to be called, is that of a pandas table or column."""
    if not isinstance(function, Method) or function.name != "values":
        return False
    owner: Value = function.owner
    for _ in range(20):
        if isinstance(owner, Method):
            if owner.name in _DICTS:
                return False
            owner = owner.owner
        elif isinstance(owner, Obj):
            if "sheet_name" in owner.keywords or any(name in owner.name.split(".") for name in _DICTS):
                return False
            return owner.name.startswith("pandas.") and owner.cls is None
        else:
            return False
    return False
