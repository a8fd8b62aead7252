"""Files that are opened, and what loaders make of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from grader.facts.python import loaders
from grader.facts.python.values import (
    ENVIRONMENT,
    HERE,
    HOLE,
    MODEL_DIR,
    NONE,
    REMOTE,
    UNKNOWN,
    Args,
    Choice,
    Cls,
    Func,
    Handle,
    Keywords,
    Loaded,
    Map,
    Method,
    Obj,
    Seq,
    Text,
    Value,
    choice,
    join_path,
    loaded_in,
    options,
    texts,
)
from grader.patterns import pattern

if TYPE_CHECKING:
    from grader.facts.python.machine import Machine


_REMOTE = pattern(r"(?:boto3|requests|urllib|urllib3|httpx|s3fs|gcsfs|google\.cloud\.storage)\b")


_WRAPPER = pattern(r"(?:.*\.)?(?:[A-Z]\w*|\w*(?:open|read|compress|code|crypt|bytes|load|array)\w*)")


def _wraps(made: Obj) -> bool:
    """Whether what was made is a file still, as its first argument was; a setting that was looked up is none."""
    return not is_remote(made) and _WRAPPER.fullmatch(made.name) is not None


def is_remote(value: Value) -> bool:
    """Whether a value is what a client of a bucket or of an address gave."""
    while isinstance(value, Method):
        value = value.owner
    return isinstance(value, Obj) and value.cls is None and _REMOTE.match(value.name) is not None


def first_of(args: Args, keywords: Keywords, *names: str) -> Value | None:
    for name in names:
        if name in keywords:
            return keywords[name]
    return args[0] if args else None


def opened(machine: Machine, args: Args, keywords: Keywords) -> Value:
    path = first_of(args, keywords, "file", "filename", "name", "fileobj")
    mode = args[1] if len(args) > 1 else keywords.get("mode", Text("r"))
    text = texts(mode)[0]
    if path is None:
        return UNKNOWN
    if isinstance(path, Handle):
        return path
    handle = Handle(path, text)
    if not any(letter in text for letter in "wax") or HOLE in text:
        note_open(machine, path, None)
    return handle


def note_open(machine: Machine, path: Value, loader: str | None) -> tuple[str, ...]:
    """Note that a file is opened for reading; the texts of its path."""
    found = []
    for text in texts(path):
        if machine.directory is not None and not text.startswith(
            ("/", MODEL_DIR, ENVIRONMENT, HERE, HOLE, REMOTE)
        ):
            text = join_path(texts(machine.directory)[0], text)  # noqa: PLW2901
        found.append(text)
    if machine.opened is not None and len(machine.opened) < 500:
        known = [text for text, _ in machine.opened]
        for text in found:
            if text not in known:
                machine.opened.append((text, loader))
            elif loader is not None:
                place = known.index(text)
                if machine.opened[place][1] is None:
                    machine.opened[place] = (text, loader)
    return tuple(found)


def loaded_by(machine: Machine, function: Value, name: str, args: Args, keywords: Keywords) -> Value | None:
    loader = loaders.loader_of(name)
    values = (*args, *keywords.values())
    if loader is None and isinstance(function, Method):
        if function.name in ("load_model", "load_weights", "load") and isinstance(function.owner, Obj):
            root = function.owner.name.partition(".")[0]
            loader = {
                "xgboost": "xgboost",
                "lightgbm": "lightgbm",
                "tensorflow": "tensorflow",
                "keras": "tensorflow",
                "pickle": "pickle",
                "dill": "dill",
            }.get(root)
        if function.name in ("load_state_dict", "load_model", "load_weights") and isinstance(
            function.owner, Obj
        ):
            inner = [found for value in values for found in loaded_in(value)]
            if inner:
                function.owner.attributes["?loaded"] = inner[0]
                return NONE
    if name in ("xgboost.Booster", "lightgbm.Booster"):
        path = keywords.get("model_file") or (
            args[1] if name.startswith("xgboost") and len(args) > 1 else None
        )
        if path is None:
            return Obj(name, args, keywords)
        return Loaded(loader or "other", note_open(machine, path, loader))
    if name == "pickle.Unpickler" and args:
        return Obj("pickle.Unpickler", args, keywords, {"?loaded": _from(machine, args[0], "pickle")})
    if (
        loader is not None
        and name.endswith("load")
        and isinstance(function, Method)
        and isinstance(function.owner, Obj)
    ):
        kept = function.owner.attributes.get("?loaded")
        if kept is not None:
            return kept
    if loader is None:
        rooted = [
            v
            for v in values
            if isinstance(v, Text | Choice) and any(t.startswith((MODEL_DIR, ENVIRONMENT)) for t in texts(v))
        ]
        handle = next((v for v in values if isinstance(v, Handle)), None)
        if rooted and loaders.may_load(name):
            machine.unsure.append(name)
            loader = "torch" if name.startswith("torch.") else "other"
            paths = [path for value in rooted for path in note_open(machine, value, loader)]
            found = Loaded(loader, tuple(dict.fromkeys(paths)), values)
            _keep(function, found)
            return found
        if (
            handle is not None
            and loaders.may_load(name)
            and name not in ("json.load", "json.loads", "yaml.safe_load", "yaml.load")
        ):
            machine.unsure.append(name)
            return _from(machine, handle, "other")
        return None
    if name == "transformers.pipeline":
        model = keywords.get("model") or (args[1] if len(args) > 1 else None)
        args = () if model is None else (model,)
    source = first_of(
        args,
        keywords,
        "filename",
        "file",
        "f",
        "path",
        "filepath",
        "model_file",
        "fname",
        "path_or_bytes",
        "pretrained_model_name_or_path",
        "filepath_or_buffer",
        "data",
        "model_path",
        "model_uri",
        "filepath_or_stream",
    )
    if source is None:
        return Loaded(loader, (HOLE,)) if "**" in keywords else Obj(name, args, keywords)
    if loader == "transformers" and all(_is_hub_name(text) for text in texts(source)):
        return Loaded(loader)  # a model of the hub, by its name: no file
    made = _from(machine, source, loader)
    _keep(function, made)
    return made


def _is_hub_name(text: str) -> bool:
    return bool(re.fullmatch(r"[\w-][\w.-]*(/[\w.-]+)?", text)) and not text.endswith(
        (".pt", ".bin", ".json")
    )


def _keep(function: Value, found: Value) -> None:
    """``model.load_model(path)`` changes ``model``."""
    if isinstance(function, Method) and isinstance(function.owner, Obj):
        function.owner.attributes["?loaded"] = found


def _from(machine: Machine, source: Value, loader: str) -> Value:
    """What ``loader`` makes of a path, an open file or its contents."""
    found: list[Value] = []
    for option in options(source):
        inner = option
        while isinstance(inner, Obj) and inner.args and inner.cls is None and _wraps(inner):
            inner = inner.args[0]  # a wrapper around a file: BytesIO(...), decompress(...)
        if isinstance(inner, Loaded):
            found.append(Loaded(loader, inner.paths, inner.parts))
            continue
        path = inner.path if isinstance(inner, Handle) else inner
        if is_remote(path):
            path = Text(REMOTE)
        if isinstance(path, Cls | Func | Map | Seq):
            path = UNKNOWN
        found.append(Loaded(loader, note_open(machine, path, loader)))
    return choice(found)
