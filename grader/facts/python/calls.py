"""What calls of the standard library and of loaders give: texts and paths, open files, listings, what was loaded."""

from __future__ import annotations

import ast
import builtins
import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from grader.facts.python import loaders
from grader.facts.python.values import (
    ENVIRONMENT,
    HERE,
    HOLE,
    LISTED,
    MODEL_DIR,
    NONE,
    UNKNOWN,
    Choice,
    Cls,
    Const,
    Func,
    Handle,
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
    join_path,
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
Keywords = dict[str, Value]
Args = tuple[Value, ...]

_SAME_TEXT = frozenset({
    "os.path.normpath", "os.path.abspath", "os.path.realpath", "os.path.expanduser", "os.path.expandvars", "os.fspath",
    "builtins.str", "builtins.repr", "builtins.unicode", "os.fsdecode", "os.fsencode", "pathlib.Path", "pathlib.PurePath",
    "pathlib.PosixPath", "pathlib.PurePosixPath", "textwrap.dedent", "inspect.cleandoc", "shlex.quote", "sys.intern",
    "urllib.parse.quote",
})  # fmt: skip
_SAME_METHODS = frozenset(
    {
        "resolve",
        "absolute",
        "expanduser",
        "as_posix",
        "__str__",
        "__fspath__",
        "encode",
        "decode",
        "strip",
        "rstrip",
        "lstrip",
    }
)
_OPENERS = frozenset({
    "builtins.open", "io.open", "gzip.open", "bz2.open", "lzma.open", "codecs.open", "gzip.GzipFile", "bz2.BZ2File",
    "lzma.LZMAFile", "io.FileIO", "zipfile.ZipFile", "tarfile.open", "smart_open.open", "smart_open.smart_open", "builtins.file",
    "h5py.File", "tensorflow.io.gfile.GFile", "fsspec.open",
})  # fmt: skip
_READERS = frozenset({"read", "readline", "readlines", "read_bytes", "read_text", "getvalue", "getbuffer"})
_TRANSPARENT = frozenset(
    {"builtins.open", "io.BytesIO", "io.BufferedReader", "io.StringIO", "io.TextIOWrapper"}
)
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


def items_of(value: Value) -> tuple[tuple[Value, ...], bool]:
    """What iterating over ``value`` gives, and whether that is all of it."""
    if isinstance(value, Seq):
        return value.items, not value.more
    if isinstance(value, Map):
        return tuple(Text(k) if k != HOLE else UNKNOWN for k in value.items), not value.more
    return (), False


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


def sliced(owner: Value, bounds: list[Value | None]) -> Value:
    """``owner[a:b:c]`` for lists and texts with constant bounds."""
    numbers: list[int | None] = []
    for bound in bounds:
        if bound is None:
            numbers.append(None)
        elif isinstance(bound, Const) and isinstance(bound.value, int):
            numbers.append(bound.value)
        else:
            return owner if isinstance(owner, Seq) else UNKNOWN
    if numbers[2] == 0:
        return UNKNOWN
    if isinstance(owner, Seq):
        return Seq(owner.items[slice(*numbers)], owner.more)
    if isinstance(owner, Text) and owner.known:
        return make_text(owner.text[slice(*numbers)], owner.spot)
    return owner if isinstance(owner, Loaded) else UNKNOWN


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
            return owner.items[key.value]
        return choice(owner.items) if owner.items and len(owner.items) < 5 else UNKNOWN
    if isinstance(owner, Map):
        found = owner.items.get(texts(key)[0])
        return found if found is not None else owner.items.get(HOLE, UNKNOWN)
    if isinstance(owner, Loaded):
        return owner
    if isinstance(owner, Obj):
        return Method(owner, "[]")
    return UNKNOWN


def environ(name: str, environment: dict[str, Value], default: Value | None = None) -> Value:
    """An environment variable: the model directory's own, one that the program sets, else the default."""
    if name in _ENVIRONMENT_NAMES:
        return Text(ENVIRONMENT)
    found = environment.get(name)
    if found is not None:
        return found
    return UNKNOWN if default is None else default


_PERCENT = re.compile(r"%(?:\((\w+)\))?([#0\- +]*\d*(?:\.\d+)?)([sdrfigxeu%])")


def percent(left: Value, right: Value) -> Value:
    """``"..." % values``."""
    pattern = texts(left)[0]
    supply = list(right.items) if isinstance(right, Seq) else [right]
    parts: list[Value] = []
    position = 0
    for match in list(_PERCENT.finditer(pattern))[:100]:
        parts.append(Text(pattern[position : match.start()]))
        position = match.end()
        if match.group(3) == "%":
            parts.append(Text("%"))
        elif match.group(1):
            parts.append(right.items.get(match.group(1), UNKNOWN) if isinstance(right, Map) else UNKNOWN)
        else:
            value = supply.pop(0) if supply else UNKNOWN
            parts.append(value if match.group(3) in "sd" and not match.group(2) else UNKNOWN)
    parts.append(Text(pattern[position:]))
    found = combined(parts)
    return Text(found.text, spot_of(left)) if isinstance(found, Text) else found


_FIELD = re.compile(r"\{\{|\}\}|\{(\w*)((?:\.\w+|\[\w+\])*)(![rsa])?(:[^{}]*)?\}")


def formatted(pattern: Value, args: Args, keywords: Keywords) -> Value:
    """``"...".format(...)``."""
    text = texts(pattern)[0]
    parts: list[Value] = []
    position = number = 0
    for match in list(_FIELD.finditer(text))[:100]:
        parts.append(Text(text[position : match.start()]))
        position = match.end()
        if match.group() in ("{{", "}}"):
            parts.append(Text(match.group()[0]))
            continue
        name = match.group(1)
        value: Value
        if name == "" or name.isdigit():
            index = int(name[:4]) if name else number
            number += not name
            value = args[index] if index < len(args) else UNKNOWN
        else:
            value = keywords.get(name, UNKNOWN)
        parts.append(UNKNOWN if match.group(2) or match.group(4) else value)
    parts.append(Text(text[position:]))
    found = combined(parts)
    return Text(found.text, spot_of(pattern)) if isinstance(found, Text) else found


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
    loaded = _load(machine, function, name, args, keywords)
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


def _first(args: Args, keywords: Keywords, *names: str) -> Value | None:
    for name in names:
        if name in keywords:
            return keywords[name]
    return args[0] if args else None


def _known(machine: Machine, name: str, args: Args, keywords: Keywords, seen: CallSeen) -> Value | None:
    environment = seen.frame.module.environment
    if name in _SAME_TEXT:
        if name.startswith("pathlib.") and len(args) != 1:
            return combined(args, "/") if args else Text(".")
        value = _first(args, keywords, "object", "path")
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
        machine.directory = args[0]
        return NONE
    if name in ("os.listdir", "os.scandir", "glob.glob", "glob.iglob", "os.walk"):
        return _listing(name, args, keywords)
    if name in ("builtins.next", "builtins.max", "builtins.min") and args:
        items, _ = items_of(args[0])
        fallback = args[1:2] if name == "builtins.next" else ()
        first = items[0] if items else UNKNOWN
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
        return _open(machine, args, keywords)
    if name.endswith("get_prebuilt_prediction_container_uri"):
        return _prebuilt(args, keywords)
    if name in _TRANSPARENT and args:
        return args[0]
    return None


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


_CONSTANTS: dict[str, Value] = {
    "os.sep": Text("/"), "os.path.sep": Text("/"), "os.curdir": Text("."), "os.pardir": Text(".."),
    "os.path.curdir": Text("."), "os.path.pardir": Text(".."), "os.extsep": Text("."), "os.linesep": Text("\n"),
}  # fmt: skip


def _mapped(value: Value, change: object) -> Value:
    assert callable(change)  # noqa: S101 - given by this module only
    return choice(
        make_text(change(texts(one)[0]), spot_of(one)) if texts(one)[0] != HOLE else UNKNOWN
        for one in options(value)
    )


def _listing(name: str, args: Args, keywords: Keywords) -> Value:
    where = _first(args, keywords, "pathname", "path", "top")
    if name == "os.listdir":
        return Seq((Text(LISTED),), more=True)
    if where is None:
        return Seq((Text(LISTED),), more=True)
    if name == "os.walk":
        return Seq((Seq((where, Seq((Text(LISTED),), True), Seq((Text(LISTED),), True))),), more=True)
    if name == "os.scandir":
        return Seq((combined((where, Text(LISTED)), "/"),), more=True)
    return Seq((_mapped(where, lambda t: t.replace("**/", "").replace("*", LISTED)),), more=True)


def _open(machine: Machine, args: Args, keywords: Keywords) -> Value:
    path = _first(args, keywords, "file", "filename", "name", "fileobj")
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
        if machine.directory is not None and not text.startswith(("/", MODEL_DIR, ENVIRONMENT, HERE, HOLE)):
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


def _method(
    machine: Machine, function: Method, args: Args, keywords: Keywords, seen: CallSeen
) -> Value | None:
    owner, method = function.owner, function.name
    if isinstance(owner, Text):
        return _text_method(machine, owner, method, args, keywords)
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
            return _argparse(owner, method, args, keywords)
        if owner.name.endswith(("add_argument_group", "add_mutually_exclusive_group")) and owner.args[:1]:
            return _argparse(owner, method, args, keywords)
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


def _text_method(machine: Machine, owner: Text, method: str, args: Args, keywords: Keywords) -> Value | None:
    if method in (
        "resolve",
        "absolute",
        "expanduser",
        "as_posix",
        "encode",
        "decode",
        "__str__",
        "rstrip",
    ) or (method in _SAME_METHODS and not args):
        text = owner.text
        if method == "rstrip" and args and texts(args[0])[0] == "/":
            text = text.rstrip("/")
        return Text(text.strip() if method == "strip" else text, owner.spot)
    if method == "format":
        return formatted(owner, args, keywords)
    if method in ("joinpath", "__truediv__"):
        return combined((owner, *args), "/")
    if method == "join" and args:
        items, complete = items_of(args[0])
        if not complete or not items:
            return UNKNOWN
        parts: list[Value] = []
        for value in items:
            parts += [owner, value] if parts else [value]
        return combined(parts)
    if method == "replace" and len(args) >= 2:
        old, new = texts(args[0])[0], texts(args[1])[0]
        if HOLE in old or not old or len(new) > 10_000:
            return UNKNOWN
        return (
            make_text(owner.text.replace(old, new), owner.spot)
            if owner.text.count(old) * len(new) < 200_000
            else UNKNOWN
        )
    if method in ("lower", "upper", "title", "capitalize"):
        return make_text(getattr(owner.text, method)(), owner.spot)
    if method in ("split", "rsplit"):
        separator = texts(args[0])[0] if args else None
        if owner.known and separator != "" and (separator is None or HOLE not in separator) and len(args) < 2:
            return Seq(tuple(Text(p) for p in owner.text.split(separator)[:500]))
        return UNKNOWN
    if method in ("with_suffix", "with_name", "with_stem") and args:
        return _renamed(owner, method, args[0])
    if method in ("glob", "rglob"):
        pattern = texts(args[0])[0] if args else "*"
        return Seq(
            (make_text(join_path(owner.text, pattern.replace("**/", "").replace("*", LISTED))),), more=True
        )
    if method == "iterdir":
        return Seq((make_text(join_path(owner.text, LISTED)),), more=True)
    if method in ("read_bytes", "read_text"):
        note_open(machine, owner, None)
        return Handle(owner, "rb", True)
    if method == "open":
        return _open(machine, (owner, *args), keywords)
    if method == "removeprefix" and args:
        return make_text(owner.text.removeprefix(texts(args[0])[0]), owner.spot)
    if method == "removesuffix" and args:
        return make_text(owner.text.removesuffix(texts(args[0])[0]), owner.spot)
    if method in (
        "exists",
        "is_file",
        "is_dir",
        "startswith",
        "endswith",
        "write_text",
        "write_bytes",
        "mkdir",
        "relative_to",
    ):
        return owner if method == "relative_to" else UNKNOWN
    return None


def _renamed(owner: Text, method: str, argument: Value) -> Value:
    folder, slash, base = owner.text.rpartition("/")
    stem, suffix = posixpath.splitext(base)
    found = []
    for text in texts(argument):
        new = {"with_suffix": stem + text, "with_name": text, "with_stem": text + suffix}[method]
        found.append(make_text(folder + slash + new, owner.spot))
    return choice(found)


def _argparse(owner: Obj, method: str, args: Args, keywords: Keywords) -> Value | None:
    store = owner.attributes
    if method == "add_argument":
        names = [t for a in args for t in texts(a) if HOLE not in t]
        named = texts(keywords["dest"])[0] if "dest" in keywords else None
        long = next((n for n in names if n.startswith("--")), names[0] if names else None)
        key = named or (long.lstrip("-").replace("-", "_") if long else None)
        if key:
            store[key] = keywords.get("default", NONE if long and long.startswith("-") else UNKNOWN)
        return NONE
    if method == "set_defaults":
        store.update(keywords)
        return NONE
    if method in ("add_argument_group", "add_mutually_exclusive_group"):
        return owner
    if method in ("parse_args", "parse_known_args"):
        # What is given on the command line is not known: a default is what an entry point is run with.
        namespace = Obj(
            "argparse.Namespace", attributes={k: UNKNOWN if v is NONE else v for k, v in store.items()}
        )
        return Seq((namespace, UNKNOWN)) if method == "parse_known_args" else namespace
    return None


def _load(machine: Machine, function: Value, name: str, args: Args, keywords: Keywords) -> Value | None:
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
        rooted = next(
            (
                v
                for v in values
                if isinstance(v, Text | Choice)
                and any(t.startswith((MODEL_DIR, ENVIRONMENT)) for t in texts(v))
            ),
            None,
        )
        handle = next((v for v in values if isinstance(v, Handle)), None)
        if rooted is not None and loaders.may_load(name):
            found = Loaded("other", note_open(machine, rooted, "other"), values)
            _keep(function, found)
            return found
        if (
            handle is not None
            and loaders.may_load(name)
            and name not in ("json.load", "json.loads", "yaml.safe_load", "yaml.load")
        ):
            return _from(machine, handle, "other")
        return None
    source = _first(
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
        while isinstance(inner, Obj) and inner.args and inner.cls is None:
            inner = inner.args[0]  # a wrapper around a file: BytesIO(...), decompress(...)
        if isinstance(inner, Loaded):
            found.append(Loaded(loader, inner.paths, inner.parts))
            continue
        path = inner.path if isinstance(inner, Handle) else inner
        if isinstance(path, Cls | Func | Map | Seq):
            path = UNKNOWN
        found.append(Loaded(loader, note_open(machine, path, loader)))
    return choice(found)
