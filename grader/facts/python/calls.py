"""What calls of the standard library and of loaders give: paths, listings, environment, what was loaded."""

from __future__ import annotations

import ast
import builtins
import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from grader.facts.python.arguments import argparse_method
from grader.facts.python.loading import first_of, is_remote, loaded_by, opened
from grader.facts.python.text_methods import text_method
from grader.facts.python.values import (
    ENVIRONMENT,
    HERE,
    HOLE,
    LISTED,
    NONE,
    UNKNOWN,
    Args,
    Choice,
    Const,
    Func,
    Handle,
    Keywords,
    Loaded,
    Map,
    Method,
    Obj,
    Ref,
    Seq,
    Text,
    Value,
    choice,
    combined,
    dirname,
    items_of,
    loaded_in,
    make_text,
    options,
    spot_of,
    texts,
)

if TYPE_CHECKING:
    from grader.facts.python.machine import CallSeen, Machine


BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_")) | {
    "unicode",
    "raw_input",
    "xrange",
}
EXITS = frozenset({"sys.exit", "builtins.exit", "builtins.quit", "os._exit", "os.abort"})
_SAME_TEXT = frozenset({
    "os.path.normpath", "os.path.abspath", "os.path.realpath", "os.path.expanduser", "os.path.expandvars", "os.fspath",
    "builtins.str", "builtins.repr", "builtins.unicode", "os.fsdecode", "os.fsencode", "pathlib.Path", "pathlib.PurePath",
    "pathlib.PosixPath", "pathlib.PurePosixPath", "textwrap.dedent", "inspect.cleandoc", "shlex.quote", "sys.intern",
    "urllib.parse.quote",
})  # fmt: skip
_OPENERS = frozenset({
    "builtins.open", "io.open", "gzip.open", "bz2.open", "lzma.open", "codecs.open", "gzip.GzipFile", "bz2.BZ2File",
    "lzma.LZMAFile", "io.FileIO", "zipfile.ZipFile", "tarfile.open", "smart_open.open", "smart_open.smart_open", "builtins.file",
    "h5py.File", "tensorflow.io.gfile.GFile", "fsspec.open",
})  # fmt: skip
_READERS = frozenset({"read", "readline", "readlines", "read_bytes", "read_text", "getvalue", "getbuffer"})
_TRANSPARENT = frozenset(
    {"builtins.open", "io.BytesIO", "io.BufferedReader", "io.StringIO", "io.TextIOWrapper"}
)
_ROUNDS = 5  # numbers of a range that are gone through one by one
# Names as everybody imports them, for code whose import is out of sight.
_ABBREVIATIONS = {
    "np": "numpy",
    "pd": "pandas",
    "tf": "tensorflow",
    "xgb": "xgboost",
    "lgb": "lightgbm",
    "ort": "onnxruntime",
}
_ENVIRONMENT_NAMES = frozenset({"SM_MODEL_DIR", "SAGEMAKER_MODEL_DIR"})


def own_file(script: str) -> Value:
    """``__file__``: the script's own folder, and its name."""
    return Text(f"{HERE}/{script.rpartition('/')[2]}")


def attribute(owner: Value, name: str) -> Value:
    """``owner.name`` for what is no module, class or object of the submission."""
    if isinstance(owner, Text):
        if name == "parent":
            return make_text(dirname(owner.text), owner.spot)
        if name in ("name", "stem", "suffix"):
            base = owner.text.rstrip("/").rpartition("/")[2]
            stem, suffix = posixpath.splitext(base)
            return make_text({"name": base, "stem": stem, "suffix": suffix}[name], owner.spot)
        if name == "parents":
            found, parts = owner.text, []
            for _ in range(6):
                found = dirname(found)
                parts.append(make_text(found))
            return Seq(tuple(parts))
    if isinstance(owner, Handle) and name in ("file", "buffer", "fileobj", "raw"):
        return owner
    return Method(owner, name)


def item(owner: Value, key: Value, environment: dict[str, Value]) -> Value:
    """``owner[key]``."""
    if isinstance(owner, Ref):
        if owner.name == "os.environ":
            return environ(texts(key)[0], environment)
        return Ref(f"{owner.name}[]")
    if isinstance(owner, Seq):
        if (
            isinstance(key, Const)
            and isinstance(key.value, int)
            and -len(owner.items) <= key.value < len(owner.items)
        ):
            if owner.more and key.value in (0, -1):
                return _end(owner.items if key.value == 0 else owner.items[::-1])
            return owner.items[key.value]
        return choice(owner.items) if owner.items and len(owner.items) < 5 else UNKNOWN
    if isinstance(owner, Map):
        found = owner.items.get(texts(key)[0])
        return found if found is not None else owner.items.get(HOLE, UNKNOWN)
    if isinstance(owner, Loaded):
        return owner
    if isinstance(owner, Obj):
        return owner if is_remote(owner) else Method(owner, "[]")
    return UNKNOWN


def _end(items: tuple[Value, ...]) -> Value:
    """The first of ``items``, or one behind it where those before are of listings, which may have nothing."""
    count = 1
    while count < min(len(items), 5) and all(LISTED in text for text in texts(items[count - 1])):
        count += 1
    return choice(items[:count])


def environ(name: str, environment: dict[str, Value], default: Value | None = None) -> Value:
    """An environment variable: the model directory's own, one that the program sets, else the default."""
    if name in _ENVIRONMENT_NAMES:
        return Text(ENVIRONMENT)
    found = environment.get(name)
    if found is not None:
        return found
    # A blank default is none: the program is meant to be run with the variable set.
    return UNKNOWN if default is None or (isinstance(default, Text) and not default.text) else default


def arithmetic(operator: ast.operator, left: Const, right: Const) -> Value:
    """Sums and products of small numbers."""
    one, other = left.value, right.value
    if (
        not (isinstance(one, int | float) and isinstance(other, int | float))
        or abs(one) > 1e9
        or abs(other) > 1e9
    ):
        return UNKNOWN
    if isinstance(operator, ast.Add):
        return Const(one + other)
    if isinstance(operator, ast.Sub):
        return Const(one - other)
    if isinstance(operator, ast.Mult):
        return Const(one * other)
    return UNKNOWN


def dotted(function: Value) -> str:
    """A name for what is called: ``joblib.load``, ``?.fit`` for a method of something unknown."""
    if isinstance(function, Ref):
        name = function.name.removeprefix("?")
        root, dot, rest = name.partition(".")
        return f"{_ABBREVIATIONS.get(root, root)}{dot}{rest}" if name != function.name else name
    if isinstance(function, Method):
        owner = function.owner
        if isinstance(owner, Obj):
            return f"{owner.name}.{function.name}"
        return f"?.{function.name}"
    return "?"


def external(machine: Machine, function: Value, args: Args, keywords: Keywords, seen: CallSeen) -> Value:
    """What a call of something that is no function of the submission gives."""
    name = seen.name if seen.function is function else dotted(function)
    if isinstance(function, Method):
        found = _method(machine, function, args, keywords, seen)
        if found is not None:
            return found
    known = _known(machine, name, args, keywords, seen)
    if known is not None:
        return known
    loaded = loaded_by(machine, function, name, args, keywords)
    if loaded is not None:
        return loaded
    inner = tuple(found for value in (*args, *keywords.values()) for found in loaded_in(value))
    if isinstance(function, Method) and isinstance(function.owner, Loaded):
        return function.owner
    if not name.startswith("?.") or inner:
        return Obj(name, args, keywords)
    if isinstance(function, Method) and isinstance(function.owner, Obj | Ref):
        return Obj(name, args, keywords)
    return (
        UNKNOWN
        if isinstance(function, Method) and not isinstance(function.owner, Obj)
        else Obj(name, args, keywords)
    )


def _known(machine: Machine, name: str, args: Args, keywords: Keywords, seen: CallSeen) -> Value | None:
    environment = seen.frame.module.environment
    if name in _SAME_TEXT:
        if name.startswith("pathlib.") and len(args) != 1:
            return combined(args, "/") if args else Text(".")
        value = first_of(args, keywords, "object", "path")
        if value is None:
            return Text("")
        if isinstance(value, Text | Choice) or (isinstance(value, Const) and name == "builtins.str"):
            return _mapped(value, lambda t: t)
        return value if isinstance(value, Handle | Loaded) else UNKNOWN
    if name in ("os.path.join", "posixpath.join", "ntpath.join"):
        return combined(args, "/") if args else UNKNOWN
    if name == "os.path.dirname" and args:
        return _mapped(args[0], dirname)
    if name == "os.path.basename" and args:
        return _mapped(args[0], lambda t: t.rpartition("/")[2])
    if name == "os.path.splitext" and args:
        return Seq(
            (
                _mapped(args[0], lambda t: posixpath.splitext(t)[0]),
                _mapped(args[0], lambda t: posixpath.splitext(t)[1]),
            )
        )
    if name in ("os.getenv", "os.environ.get", "os.environ.setdefault", "os.environ.pop"):
        default = (
            args[1] if len(args) > 1 else keywords.get("default", NONE if name == "os.getenv" else UNKNOWN)
        )
        return environ(texts(args[0])[0], environment, default) if args else UNKNOWN
    if name in ("os.getcwd", "pathlib.Path.cwd"):
        return machine.directory or Text(".")
    if name == "os.chdir" and args:
        machine.enter(args[0])
        return NONE
    if name in ("os.listdir", "os.scandir", "glob.glob", "glob.iglob", "os.walk"):
        return _listing(name, args, keywords)
    if name in ("builtins.next", "builtins.max", "builtins.min") and args:
        items, _ = items_of(args[0])
        fallback = args[1:2] if name == "builtins.next" else ()
        first = _end(items) if items else UNKNOWN
        return choice([first, *(d for d in fallback if not (isinstance(d, Const) and d.value is None))])
    if (
        name
        in (
            "builtins.list",
            "builtins.tuple",
            "builtins.sorted",
            "builtins.set",
            "builtins.reversed",
            "builtins.iter",
            "builtins.filter",
        )
        and args
    ):
        items, complete = items_of(args[-1] if name.endswith("filter") else args[0])
        return Seq(items, not complete or name.endswith("filter"))
    if name == "builtins.range" and args:
        return _range(args)
    if name == "builtins.enumerate" and args:
        items, complete = items_of(args[0])
        return Seq(tuple(Seq((UNKNOWN, i)) for i in items[:50]), not complete)
    if name == "builtins.zip" and args:
        lists = [items_of(a) for a in args]
        return Seq(
            tuple(Seq(t) for t in list(zip(*(i for i, _ in lists), strict=False))[:50]),
            not all(c for _, c in lists),
        )
    if name == "builtins.map" and len(args) == 2:
        items, complete = items_of(args[1])
        return Seq(tuple(machine.apply(args[0], (i,), {}, seen) for i in items[:20]), not complete)
    if name in ("builtins.dict", "collections.OrderedDict"):
        base = args[0] if args and isinstance(args[0], Map) else Map({}, bool(args))
        return Map(
            {**base.items, **{k: v for k, v in keywords.items() if k != "**"}},
            base.more or "**" in keywords,
            base.spot,
        )
    if name == "builtins.getattr" and len(args) >= 2:
        return machine.attribute(args[0], texts(args[1])[0])
    if name == "builtins.print":
        return NONE
    if name == "functools.partial" and args:
        return _partial(args, keywords)
    if name in ("json.dumps", "yaml.dump", "yaml.safe_dump") and args and isinstance(args[0], Map):
        return args[0]
    if name in _OPENERS or name == "os.open":
        return opened(machine, args, keywords)
    if name.endswith("get_prebuilt_prediction_container_uri"):
        return _prebuilt(args, keywords)
    if name in _TRANSPARENT and args:
        return args[0]
    return None


def _range(args: Args) -> Value:
    """The numbers of a short range."""
    bounds = [a.value for a in args if isinstance(a, Const) and isinstance(a.value, int)]
    if len(bounds) == len(args) <= 3 and 0 not in bounds[2:]:
        numbers = range(*bounds)
        if 0 < len(numbers) <= _ROUNDS:
            return Seq(tuple(Const(number) for number in numbers))
    return Seq((UNKNOWN,), more=True)


def _prebuilt(args: Args, keywords: Keywords) -> Value:
    """The container that Vertex AI's helper names (google-cloud-aiplatform 2.7.0, read 2026-11-22)."""
    order = ("framework", "framework_version", "region", "accelerator")
    given = {**dict(zip(order, args, strict=False)), **keywords}
    told = {name: texts(given[name])[0] for name in order if name in given}
    framework, version = told.get("framework", HOLE), told.get("framework_version", HOLE)
    if HOLE in framework + version:
        return UNKNOWN
    place = told.get("region", "us").partition("-")[0]
    place = place if place in ("us", "europe", "asia") else "us"
    kind = "gpu" if told.get("accelerator", "cpu") == "gpu" else "cpu"
    text = (
        f"{place}-docker.pkg.dev/vertex-ai/prediction/{framework}-{kind}.{version.replace('.', '-')}:latest"
    )
    return Text(text, spot_of(given["framework_version"]))


def _partial(args: Args, keywords: Keywords) -> Value:
    function = args[0]
    if not isinstance(function, Func):
        return Obj("functools.partial", args, keywords)
    named = {**(function.named or {}), **{k: v for k, v in keywords.items() if k != "**"}}
    return replace(function, given=(*function.given, *args[1:]), named=named, decorated=True)


def constant(name: str) -> Value:
    """A constant of the standard library, or the name as such."""
    return _CONSTANTS.get(name) or Ref(name)


def _mapped(value: Value, change: object) -> Value:
    assert callable(change)  # noqa: S101 - given by this module only
    return choice(
        make_text(change(texts(one)[0]), spot_of(one)) if texts(one)[0] != HOLE else UNKNOWN
        for one in options(value)
    )


def _listing(name: str, args: Args, keywords: Keywords) -> Value:
    where = first_of(args, keywords, "pathname", "path", "top")
    if name == "os.listdir":
        return Seq((Text(LISTED),), more=True)
    if where is None:
        return Seq((Text(LISTED),), more=True)
    if name == "os.walk":
        return Seq((Seq((where, Seq((Text(LISTED),), True), Seq((Text(LISTED),), True))),), more=True)
    if name == "os.scandir":
        return Seq((combined((where, Text(LISTED)), "/"),), more=True)
    return Seq((_mapped(where, lambda t: t.replace("**/", "").replace("*", LISTED)),), more=True)


def _method(
    machine: Machine, function: Method, args: Args, keywords: Keywords, seen: CallSeen
) -> Value | None:
    owner, method = function.owner, function.name
    if isinstance(owner, Text):
        return text_method(machine, owner, method, args, keywords)
    if isinstance(owner, Handle):
        if method in _READERS:
            return Handle(owner.path, owner.mode, True)
        if method in ("__enter__", "extractfile", "open"):
            return owner
        return None
    if isinstance(owner, Seq):
        if method in ("append", "add", "extend") and args:
            _append(seen, owner, args[0], method)
            return NONE
        if method == "pop":
            return owner.items[-1] if owner.items else UNKNOWN
        return None
    if isinstance(owner, Map):
        return _map_method(owner, method, args)
    if isinstance(owner, Loaded) and method in (
        "eval",
        "to",
        "cuda",
        "cpu",
        "float",
        "half",
        "train",
        "load",
        "get",
        "pop",
        "best_estimator_",
    ):
        return owner
    if isinstance(owner, Obj):
        if owner.name.endswith("ArgumentParser"):
            return argparse_method(owner, method, args, keywords)
        if owner.name.endswith(("add_argument_group", "add_mutually_exclusive_group")) and owner.args[:1]:
            return argparse_method(owner, method, args, keywords)
    return None


def _append(seen: CallSeen, owner: Seq, value: Value, method: str) -> None:
    target = seen.node.func.value if isinstance(seen.node.func, ast.Attribute) else None
    if isinstance(target, ast.Name) and len(owner.items) < 500:
        added = items_of(value)[0] if method == "extend" else (value,)
        if seen.frame.env.get(target.id) is owner:
            seen.frame.env[target.id] = Seq((*owner.items, *added), owner.more)


def _map_method(owner: Map, method: str, args: Args) -> Value | None:
    if method == "get" and args:
        found = owner.items.get(texts(args[0])[0])
        if found is None:
            found = owner.items.get(HOLE)
        if found is not None:
            return found
        return UNKNOWN if owner.more else args[1] if len(args) > 1 else NONE
    if method == "items":
        return Seq(
            tuple(Seq((Text(k) if k != HOLE else UNKNOWN, v)) for k, v in owner.items.items()), owner.more
        )
    if method == "values":
        return Seq(tuple(owner.items.values()), owner.more)
    if method == "keys":
        return Seq(tuple(Text(k) for k in owner.items), owner.more)
    if method == "copy":
        return Map(dict(owner.items), owner.more, owner.spot)
    if method == "update" and args and isinstance(args[0], Map):
        owner.items.update(args[0].items)
        return NONE
    return None


_CONSTANTS: dict[str, Value] = {
    "os.sep": Text("/"), "os.path.sep": Text("/"), "os.curdir": Text("."), "os.pardir": Text(".."),
    "os.path.curdir": Text("."), "os.path.pardir": Text(".."), "os.extsep": Text("."), "os.linesep": Text("\n"),
}  # fmt: skip
