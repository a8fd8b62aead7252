"""Model files: what format they are of, and for pickles what they hold, read without running anything.

Told apart by content, not by ending: a pickle with joblib's array wrappers is ``joblib`` (so is a bare zlib or lz4
stream, which nothing else writes), one that names ``cloudpickle`` or ``dill`` is that, else ``pickle``. A joblib dump
without any array is a plain pickle, and is called so: both loaders read it. Other formats are named and not opened,
but for the pickle inside PyTorch's zip and the schema of skops.
"""

from __future__ import annotations

import io
import json
import lzma
import struct
import zipfile
import zlib
from typing import BinaryIO

from grader.facts.pickles.read import Reading, deadline, read_pickle
from grader.facts.pickles.source import Malformed, OverBound, compression_of
from grader.facts.records import Model
from grader.limits import Limits
from grader.text import visible

_PICKLES = (".joblib", ".jbl", ".pkl", ".pickle", ".pck", ".pcl", ".p", ".sav", ".dill", ".cloudpickle")
_PACKED = (".gz", ".bz2", ".xz", ".lzma", ".z", ".zlib", ".lz4")
_OTHERS = (".bst", ".skops", ".onnx", ".h5", ".hdf5", ".keras", ".pt", ".pth", ".cbm", ".pmml", ".ubj")
_BY_ENDING = {
    ".bst": "xgboost",
    ".ubj": "xgboost",
    ".onnx": "onnx",
    ".cbm": "catboost",
    ".pmml": "pmml",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".pt": "torch",
    ".pth": "torch",
}
_LFS = b"version https://git-lfs"
_MOST_SCHEMA = 20_000_000
_MOST_PICKLE_IN_ZIP = 50_000_000
_MOST_TOLD = 2_000  # names that a record keeps
_ZIP_FAULTS = (
    *(zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, RuntimeError, EOFError),
    *(struct.error, lzma.LZMAError, IndexError, KeyError, Malformed, OverBound),
)

TAIL = 66_000
"""Bytes at a zip's end in which its directory's size stands."""

DIRECTORY_ENTRY = 300
"""Bytes of a zip's directory that an entry usually takes."""


def is_model(path: str) -> bool:
    """Whether a file is, by its ending, a serialized model (``.model`` is not among them: tokenizers are called so)."""
    name = path.rpartition("/")[2].lower()
    if name.startswith("."):
        return False
    for ending in _PACKED:
        if name.endswith(ending):
            return name.removesuffix(ending).endswith(_PICKLES)
    return name.endswith(_PICKLES + _OTHERS)


# The pickle of the number that `torch.save` begins with in that format (torch/serialization.py, read 2026-11-22).
_TORCH_PICKLES = 5
_TORCH_BEFORE_1_6 = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def is_pointer(start: bytes) -> bool:
    """Whether a file that begins so is a Git LFS pointer."""
    return start.startswith(_LFS)


def directory_size(tail: bytes) -> int:
    """Bytes of a zip's directory, as its reader will take it, by the zip's last 66 kB; 0 if there is none."""
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(tail):
        return 0
    size = int.from_bytes(tail[end + 12 : end + 16], "little")
    if end >= 76 and tail[end - 20 : end - 16] == b"PK\x06\x07":
        size = max(size if size != 0xFFFFFFFF else 0, int.from_bytes(tail[end - 36 : end - 28], "little"))
    return size


def looks_pickled(start: bytes) -> bool:
    """Whether a file that begins so is a pickle of protocol 2 or later, not compressed."""
    return len(start) > 2 and start[0] == 0x80 and 2 <= start[1] <= 5 and start[2:3] not in (b"\0", b"\xff")


def read(
    path: str, member: str | None, stream: BinaryIO, size: int, limits: Limits, until: float | None = None
) -> Model:
    """What a model file is. ``stream`` is seekable, ``size`` its length in bytes; ``until`` is processor time.

    Never raises for what the bytes are: what is wrong with them is the record's ``problem``.
    """
    until = deadline(limits) if until is None else until
    try:
        stream.seek(0)
        start = stream.read(512)
    except (Malformed, OverBound) as why:
        return Model(path, member, None, None, problem=str(why), size=size)
    ending = "." + (member or path).lower().rpartition(".")[2]
    if not start:
        return Model(path, member, None, None, problem="it is empty", size=size)
    if is_pointer(start):
        return Model(
            path,
            member,
            None,
            None,
            problem="it is a Git LFS pointer; the model itself is not here",
            size=size,
            lfs=True,
        )
    if start.startswith(b"PK\x03\x04"):
        return _zipped(path, member, stream, size, limits, until)
    if start.startswith(b"\x89HDF\r\n\x1a\n"):
        return Model(path, member, "hdf5", "none", size=size)
    is_pickle = start[0] == 0x80 or compression_of(start) != "none"
    if ending in _BY_ENDING and not is_pickle:
        return Model(path, member, _BY_ENDING[ending], "none", size=size)
    reading = read_pickle(stream, size, limits, until)
    if not reading.began:
        problem = reading.problem or "it is no pickle"
        told = _text(start) or f"it is no pickle, or a damaged one: {problem}"
        return Model(path, member, None, reading.compression, problem=told, size=size)
    if start.startswith(_TORCH_BEFORE_1_6):
        return _legacy_torch(_record(path, member, size, reading, "torch"), reading.findings.further)
    return _record(path, member, size, reading, _format(reading))


def _legacy_torch(told: Model, further: int) -> Model:
    """PyTorch's format before 1.6: five pickles, the first a magic number, and the tensors' bytes behind them.

    ``further``: how many were read behind the first. Where it was not all of them, what follows is no matter of course.
    """
    problem = told.problem or "" if further >= _TORCH_PICKLES - 1 else ""
    expected = problem == "there is data after its end" or "persistent ids" in problem
    return told._replace(class_name=None, problem=None if expected else told.problem)


def _text(start: bytes) -> str | None:
    """What to say of a file that is plainly something else."""
    if start.lstrip()[:1] == b"<":
        return "it is a web page or XML, no serialized model"
    try:
        start.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if b"\0" in start else "it is text, no serialized model"


def _format(reading: Reading) -> str:
    modules = [name.module for name in reading.findings.names.values()]
    if any(
        m == "joblib" or m.startswith(("joblib.numpy_pickle", "sklearn.externals.joblib")) for m in modules
    ):
        return "joblib"
    if reading.compression in ("zlib", "lz4"):
        return "joblib"
    for library in ("cloudpickle", "dill"):
        if any(m == library or m.startswith(f"{library}.") for m in modules):
            return library
    return "pickle"


def _record(path: str, member: str | None, size: int, reading: Reading, kind: str) -> Model:
    findings, summary = reading.findings, reading.summary
    names = dict.fromkeys(name.full for name in findings.names.values())
    problem = reading.problem
    if problem is None and any(n.endswith(".NDArrayWrapper") for n in names):
        problem = "its arrays lie in files of their own (a dump of joblib before 0.10)"
    if problem is None and len(names) > _MOST_TOLD:
        problem = f"it names {len(names)} classes and functions; {_MOST_TOLD} are told"
    top = summary.class_name
    numpy2 = None
    if any(name.startswith("numpy.") for name in names):
        numpy2 = any(name.startswith("numpy._core.") for name in names) or (
            None if not any(name.startswith("numpy.core.") for name in names) else False
        )
    return Model(
        path,
        member,
        kind,
        reading.compression,
        class_name=visible(top[:300]) if top else None,
        sklearn_versions=tuple(sorted((visible(v) for v in findings.versions), key=_by_number)),
        n_features=summary.n_features,
        globals=tuple(visible(name[:300]) for name in list(names)[:_MOST_TOLD]),
        dangerous=tuple(visible(name) for name in list(findings.runs)[:_MOST_TOLD]),
        problem=visible(problem) if problem else None,
        size=size,
        protocol=findings.protocol,
        steps=tuple(visible(step[:300]) for step in summary.steps),
        feature_names=tuple(visible(name[:300]) for name in summary.feature_names),
        numpy2=numpy2,
        excused=tuple(sorted(n for n in findings.excused if n not in findings.doubted)),
    )


def _by_number(version: str) -> tuple[tuple[int, ...], str]:
    """1.10 behind 1.9."""
    return tuple(int(p) for p in version.split(".") if p.isascii() and p.isdigit() and len(p) < 9), version


# -- zips: skops, PyTorch, Keras -----------------------------------------------------------------------------------


def _zipped(
    path: str, member: str | None, stream: BinaryIO, size: int, limits: Limits, until: float
) -> Model:
    stream.seek(0)
    plain = Model(path, member, "zip", "none", size=size)
    try:
        stream.seek(max(0, size - TAIL))
        tail = b""
        while piece := stream.read(TAIL):
            tail += piece
        stream.seek(0)
        if directory_size(tail) > limits.archive_members * DIRECTORY_ENTRY:
            return Model(
                path, member, "zip", "none", problem="it is a zip of far too many members", size=size
            )
        with zipfile.ZipFile(stream) as archive:
            infos = archive.infolist()
            names = {info.filename: info for info in infos[: limits.archive_members]}
            schema = names.get("schema.json")
            if schema is not None:
                return _skops(path, member, archive, schema, size)
            inner = next((n for n in names if n == "data.pkl" or n.endswith("/data.pkl")), None)
            if inner is not None:
                return _torch(path, member, archive, names[inner], size, limits, until)
            if "config.json" in names and "metadata.json" in names:
                return Model(path, member, "keras", "none", size=size)
    except _ZIP_FAULTS:
        return Model(path, member, "zip", "none", problem="it is a damaged zip", size=size)
    return plain


def _bounded(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    with archive.open(info) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise ValueError("larger than the bound")
    return data


def _torch(
    path: str,
    member: str | None,
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    size: int,
    limits: Limits,
    until: float,
) -> Model:
    """PyTorch's zip: tensors beside a pickle, to which they are handed as persistent ids."""
    data = _bounded(archive, info, _MOST_PICKLE_IN_ZIP)
    reading = read_pickle(io.BytesIO(data), len(data), limits, until)
    told = _record(path, member, size, reading, "torch")
    if told.problem is None or "persistent ids" not in told.problem:
        return told
    return told._replace(problem=None)


def _skops(
    path: str, member: str | None, archive: zipfile.ZipFile, info: zipfile.ZipInfo, size: int
) -> Model:
    """The skops format: a tree of nodes in ``schema.json``, each with class, module and loader."""
    try:
        schema = json.loads(_bounded(archive, info, _MOST_SCHEMA))
    except (ValueError, RecursionError):
        return Model(path, member, "skops", "none", problem="its schema cannot be read", size=size)
    names: dict[str, None] = {}
    versions: dict[str, None] = {}
    waiting: list[object] = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(reversed(node))
        elif isinstance(node, dict):
            name = _node_class(node)
            if name:
                names.setdefault(name)
            version = node.get("_sklearn_version")
            value = _json_value(version)
            if isinstance(value, str):
                versions.setdefault(value[:40])
            waiting.extend(reversed(list(node.values())))
    features = _json_value(_attribute(schema, "n_features_in_"))
    return Model(
        path,
        member,
        "skops",
        "none",
        class_name=visible((_node_class(schema) or "")[:300]) or None,
        sklearn_versions=tuple(sorted((visible(v) for v in versions), key=_by_number)),
        n_features=features if type(features) is int and 0 < features < 10**9 else None,
        globals=tuple(visible(name[:300]) for name in list(names)[:_MOST_TOLD]),
        dangerous=tuple(visible(n[:300]) for n in names if _runs(n))[:_MOST_TOLD],
        size=size,
    )


def _runs(name: str) -> bool:
    from grader.facts.pickles.names import classify

    # skops constructs getters and partials itself, from parts that are in the schema; those parts are judged.
    plain = ("functools.partial", "operator.attrgetter", "operator.methodcaller", "operator.itemgetter")
    return name not in plain and classify(name[:300]) == "runs"


def _node_class(node: object) -> str | None:
    if not isinstance(node, dict):
        return None
    module, name = node.get("__module__"), node.get("__class__")
    return f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else None


def _attribute(node: object, key: str) -> object:
    """An attribute of a skops node: below ``content``, sometimes twice."""
    for _ in range(3):
        if not isinstance(node, dict):
            return None
        if key in node:
            return node[key]
        node = node.get("content")
    return None


def _json_value(node: object) -> object:
    """The value of a skops node that holds JSON as text; at most a few hundred characters."""
    if isinstance(node, str):
        return node
    if isinstance(node, dict):
        content = node.get("content")
        if isinstance(content, str) and len(content) < 300:
            try:
                return json.loads(content)
            except (ValueError, RecursionError):
                return None
    return None
