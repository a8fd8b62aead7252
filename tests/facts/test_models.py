"""Models that scikit-learn 0.20 to 1.9 really wrote: all are read, none is flagged."""

from __future__ import annotations

import collections
import io
import json
import pickle
import zipfile
import zlib
from pathlib import Path

import pytest

from grader.facts import models
from grader.facts.pickles.names import classify
from grader.facts.records import Model
from grader.limits import Limits

FOLDER = Path(__file__).parent / "models"
INDEX = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))


def read(data: bytes, path: str = "model.joblib", **limits: object) -> Model:
    return models.read(path, None, io.BytesIO(data), len(data), Limits(**limits))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(INDEX))
def test_a_real_model_is_read_and_not_flagged(name: str) -> None:
    told = INDEX[name]
    model = read((FOLDER / name).read_bytes(), name)
    assert model.problem is None
    assert model.dangerous == ()
    assert model.class_name == told["class"]
    assert model.sklearn_versions == (told["sklearn"],)
    assert (model.format, model.compression) == (told["format"], told["compression"])
    assert list(model.steps) == told["steps"]
    if told["n_features"] is not None:
        assert model.n_features == told["n_features"]
    assert [g for g in model.globals if classify(g) != "known"] == []


def test_every_version_and_both_numpys_are_in_the_table() -> None:
    assert len({told["sklearn"] for told in INDEX.values()}) >= 10
    assert {told["numpy"].split(".")[0] for told in INDEX.values()} == {"1", "2"}


def test_the_names_of_the_columns_are_told() -> None:
    name = next(n for n in sorted(INDEX) if n.startswith("1.2") and n.endswith("columns.joblib"))
    assert read((FOLDER / name).read_bytes()).feature_names == ("a", "b", "c", "d", "city")


@pytest.mark.parametrize(("start", "numpy2"), [("1.4.2-np1", False), ("1.4.2-np2", True)])
def test_who_wrote_the_scalars_is_told(start: str, numpy2: bool) -> None:
    name = next(n for n in sorted(INDEX) if n.startswith(start) and n.endswith("forest.joblib"))
    assert read((FOLDER / name).read_bytes()).numpy2 is numpy2


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("aws_deploy/model.joblib", True),
        ("model.PKL", True),
        ("model.joblib.gz", True),
        ("model.pkl.bz2", True),
        ("model.sav", True),
        ("model.skops", True),
        ("a/b.onnx", True),
        ("._model.joblib", False),
        ("spiece.model", False),
        ("notes.gz", False),
        ("model.py", False),
        ("joblib", False),
    ],
)
def test_models_by_ending(path: str, is_one: bool) -> None:
    assert models.is_model(path) is is_one


@pytest.mark.parametrize("name", ["1.2.1-np1-forest", "1.6.1-np2-forest", "0.20.4-np1-bayes"])
def test_lz4_is_read_like_the_file_it_holds(name: str) -> None:
    import lz4.frame

    found = sorted((Path(__file__).parent / "models").glob(f"{name}*.joblib"))
    plain = found[0].read_bytes()
    bare, packed = read(plain, "model.joblib"), read(lz4.frame.compress(plain), "model.joblib")
    assert packed == bare._replace(compression="lz4", size=packed.size)
    for cut in (20, len(plain) // 8):
        assert read(lz4.frame.compress(plain)[:cut], "model.joblib").problem


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"


@pytest.mark.parametrize(
    ("data", "path", "kind", "problem"),
    [
        (b"", "model.joblib", None, "empty"),
        (LFS, "model.joblib", None, "LFS"),
        (b"<!DOCTYPE html><html>", "model.pkl", None, "web page"),
        (b"not a model at all\n", "model.pkl", None, "text"),
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "model.h5", "hdf5", None),
        (b"\x08\x07\x12\x07skl2onnx", "model.onnx", "onnx", None),
        (b"binf\0\0\0", "model.bst", "xgboost", None),
        (pickle.dumps([1, 2]), "model.bst", "pickle", None),
        (zlib.compress(pickle.dumps({"a": 1})), "model.joblib", "joblib", None),
        (pickle.dumps([1, 2]) + b"more", "model.pkl", "pickle", "after its end"),
        (pickle.dumps([1, 2]) * 2, "model.pkl", "pickle", "after its end"),
        (pickle.dumps(["a", "b"])[:-3], "model.pkl", None, "cut off"),
        (bytes(100), "model.pkl", None, "no pickle"),
        (b"\x04\x22\x4d\x18" + bytes(30), "model.joblib", None, "lz4|damaged"),
    ],
)
def test_other_formats_and_faults_are_told(
    data: bytes, path: str, kind: str | None, problem: str | None
) -> None:
    model = read(data, path)
    assert model.format == kind
    if problem is None:
        assert model.problem is None
    else:
        assert any(part in (model.problem or "") for part in problem.split("|")), model.problem
    assert model.lfs is (data == LFS)


@pytest.mark.parametrize("cut", [1, 10, 100, 300])
@pytest.mark.parametrize(
    "name", ["forest.joblib.zlib", "forest.joblib.xz", "forest.joblib.bz2", "forest.joblib"]
)
def test_what_is_cut_off_is_told(name: str, cut: int) -> None:
    full = next(n for n in sorted(INDEX) if n.endswith(name))
    data = (FOLDER / full).read_bytes()
    assert read(data[:-cut], full).problem is not None


def _zip(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return out.getvalue()


def _node(module: str, name: str, **more: object) -> dict[str, object]:
    return {"__module__": module, "__class__": name, "__loader__": "ObjectNode", **more}


def test_skops_is_told_with_its_class() -> None:
    inner = _node(
        "builtins",
        "dict",
        content={
            "_sklearn_version": _node("builtins", "str", content='"1.6.1"'),
            "n_features_in_": _node("builtins", "int", content="4"),
            "hook": _node("os", "system"),
        },
    )
    schema = _node("sklearn.linear_model._base", "LinearRegression", content=inner)
    model = read(_zip(schema_dot_json=json.dumps(schema).encode()), "model.skops")
    assert model.format == "skops"
    assert model.class_name == "sklearn.linear_model._base.LinearRegression"
    assert (model.sklearn_versions, model.n_features) == (("1.6.1",), 4)
    assert model.dangerous == ("os.system",)


def test_torch_files_of_before_1_6_are_torchs() -> None:
    class Tensors:
        def __reduce__(self) -> tuple[object, ...]:
            return collections.OrderedDict, ()

    parts = (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, Tensors(), ["0"])
    data = b"".join(pickle.dumps(part, 2) for part in parts) + bytes(40)
    model = read(data, "model.pth")
    assert (model.format, model.class_name, model.problem) == ("torch", None, None)
    assert "collections.OrderedDict" in model.globals
    begin = b"".join(pickle.dumps(part, 2) for part in parts[:3])
    assert read(begin + b"\x80\x02cos\nsystem\n(S'true'\ntR.", "model.pth").dangerous == ("os.system",)
    hidden = read(begin + b"cos\nsystem\n(S'true'\ntR.", "model.pth")
    assert hidden.dangerous or hidden.problem


def test_the_pickle_in_a_torch_file_is_read() -> None:
    payload = b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00lsQ\x85R."
    model = read(_zip(archive__data_dot_pkl=payload), "model.pt")
    assert model.format == "torch"
    assert model.dangerous == ("os.system",)


def test_a_nested_schema_ends_in_a_problem() -> None:
    model = read(_zip(schema_dot_json=b"[" * 100_000), "model.skops")
    assert (model.format, model.problem) == ("skops", "its schema cannot be read")


def test_a_dictionary_with_a_model_in_it_tells_the_version() -> None:
    name = next(n for n in sorted(INDEX) if n.endswith("logistic-p4.pkl"))
    data = (FOLDER / name).read_bytes()
    # {"model": <the model>}: the pickle's frame is left out, which loaders allow.
    body = b"\x80\x04}\x8c\x05model" + data[11:-1] + b"s."
    model = read(body, "model.pkl")
    assert model.class_name == "builtins.dict"
    assert model.sklearn_versions == (INDEX[name]["sklearn"],)
