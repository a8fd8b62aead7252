"""Hostile pickles: every opcode that can call, in every place; all are caught or refused, and none is run."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import random
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.facts import models
from grader.facts.pickles.names import classify, known_globals
from grader.facts.records import Model
from grader.limits import Limits
from tests.bounds import within_a_files_bound

FOLDER = Path(__file__).parent / "models"
FOREST = (FOLDER / "1.2.1-np1-forest.joblib").read_bytes()
LOGISTIC = (FOLDER / "1.2.1-np1-logistic-p4.pkl").read_bytes()
CANARY = "canary-was-here"


def read(data: bytes, path: str = "model.joblib", limits: Limits | None = None) -> Model:
    return models.read(path, None, io.BytesIO(data), len(data), limits or Limits())


def text(value: str) -> bytes:
    raw = value.encode()
    return b"X" + struct.pack("<I", len(raw)) + raw


def short(value: str) -> bytes:
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def named(module: str, name: str) -> bytes:
    """GLOBAL."""
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def stacked(module: str, name: str) -> bytes:
    """STACK_GLOBAL."""
    return short(module) + short(name) + b"\x93"


def call(module: str, name: str, *args: str) -> bytes:
    """One REDUCE."""
    return named(module, name) + b"(" + b"".join(text(a) for a in args) + b"tR"


COMMAND = f"touch {CANARY}"
SYSTEM = call("os", "system", COMMAND)
P2, P4 = b"\x80\x02", b"\x80\x04"
# The wrapper of an array as joblib writes it, without its bytes: uint8, shape (n,).
DTYPE = named("numpy", "dtype") + text("u1") + b"\x89\x88\x87R"


def wrapper(length: int, alignment: bool = False, extra: bytes = b"") -> bytes:
    state = (
        b"}("
        + (text("shape") + b"J" + struct.pack("<i", length) + b"\x85")
        + (text("dtype") + DTYPE)
        + (text("order") + text("C"))
        + (text("numpy_array_alignment_bytes") + b"K\x10" if alignment else b"")
        + extra
        + b"u"
    )
    return named("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81" + state + b"b"


DISTRIBUTION = named("scipy.stats._continuous_distns", "norm_gen") + b")\x81"

CAUGHT: dict[str, bytes] = {
    "reduce": P2 + SYSTEM + b".",
    "reduce-protocol-0": b"cos\nsystem\n(S'" + COMMAND.encode() + b"'\ntR.",
    "inst": b"(S'" + COMMAND.encode() + b"'\nios\nsystem\n.",
    "obj": b"(cos\nsystem\nS'" + COMMAND.encode() + b"'\no.",
    "newobj": P2 + named("subprocess", "Popen") + text(COMMAND) + b"\x85\x81.",
    "newobj-ex": P4 + stacked("subprocess", "Popen") + short(COMMAND) + b"\x85}\x92.",
    "stack-global": P4 + stacked("os", "system") + short(COMMAND) + b"\x85R.",
    "memoised-names": P4
    + short("os")
    + b"\x940"
    + short("system")
    + b"\x940h\x00h\x01\x93"
    + short("x")
    + b"\x85R.",
    "memoised-far": P4
    + short("os")
    + b"r\xff\xff\x00\x000"
    + short("system")
    + b"q\x070j\xff\xff\x00\x00h\x07\x93)R.",
    "put-and-get": b"Vos\np7\n0Vsystem\np900\n0\x80\x04g7\ng900\n\x93)R.",
    "named-only": P2 + named("os", "system") + b".",
    "in-a-list": P2 + b"](K\x01" + SYSTEM + b"e.",
    "as-a-key": P2 + b"}" + SYSTEM + b"K\x01s.",
    "as-a-state": P2 + named("sklearn.pipeline", "Pipeline") + b")\x81}" + text("memory") + SYSTEM + b"sb.",
    "popped": P2 + SYSTEM + b"0K\x01.",
    "behind-a-mark": P2 + b"(" + SYSTEM + b"1K\x01.",
    "duplicated": P2 + named("os", "system") + b"2" + text(COMMAND) + b"\x85R.",
    "posix": P2 + call("posix", "system", COMMAND) + b".",
    "nt": P2 + call("nt", "system", COMMAND) + b".",
    "eval": P2 + call("builtins", "eval", "1") + b".",
    "eval-python-2": P2 + call("__builtin__", "eval", "1") + b".",
    "apply-python-2": P2 + call("__builtin__", "apply", "1") + b".",
    "exec": P4 + stacked("builtins", "exec") + short("1") + b"\x85R.",
    "getoutput-python-2": P2 + call("commands", "getoutput", COMMAND) + b".",
    "import": P2 + call("importlib", "import_module", "antigravity") + b".",
    "webbrowser": P2 + call("webbrowser", "open", "http://localhost") + b".",
    "code": P2 + call("code", "interact") + b".",
    "socket": P2 + call("socket", "create_connection") + b".",
    "rmtree": P2 + call("shutil", "rmtree", "/nowhere") + b".",
    "pip": P2 + call("pip", "main", "install") + b".",
    "timeit": P2 + call("timeit", "timeit", "1") + b".",
    "ctypes": P2 + call("ctypes", "CDLL", "libc.so") + b".",
    "loads": P2 + call("pickle", "loads", "x") + b".",
    "joblib-load": P2 + call("joblib", "load", "other.joblib") + b".",
    "joblib-load-inner": P2 + call("joblib.numpy_pickle", "load", "other.joblib") + b".",
    "numpy-load": P2 + call("numpy", "load", "other.npy") + b".",
    "numpy-load-inner": P2 + call("numpy.lib.npyio", "load", "other.npy") + b".",
    "numpy-fromfile": P2 + call("numpy", "fromfile", "/etc/hostname") + b".",
    "numpy-runstring": P2 + call("numpy.testing._private.utils", "runstring", "1") + b".",
    "numpy-f2py": P2 + call("numpy.f2py.crackfortran", "myeval", "1") + b".",
    "pandas-read": P2 + call("pandas", "read_pickle", "x.pkl") + b".",
    "pandas-eval": P2 + call("pandas", "eval", "1") + b".",
    "torch-load": P2 + call("torch", "load", "x.pt") + b".",
    "sklearn-fetch": P2 + call("sklearn.datasets._base", "_fetch_remote", "x") + b".",
    "getattr-of-a-class": P2
    + named("builtins", "getattr")
    + b"("
    + named("numpy", "ndarray")
    + text("tofile")
    + b"tR.",
    "partial": P2 + named("functools", "partial") + named("numpy.testing", "measure") + b"\x85R.",
    "partial-called": P2 + named("functools", "partial") + named("numpy", "mean") + b"\x85R)R.",
    "attrgetter": P2 + call("operator", "attrgetter", "system") + b".",
    "methodcaller": P2 + call("operator", "methodcaller", "system") + b".",
    "itemgetter-called": P2 + call("operator", "itemgetter", "0") + b")R.",
    "through-a-package": P4 + stacked("sklearn.utils", "os.system") + short(COMMAND) + b"\x85R.",
    "through-a-class": P4 + stacked("sklearn.base", "BaseEstimator.__init__.__globals__") + b".",
    "module-of-a-package": P4 + stacked("sklearn.datasets._base", "os") + b".",
    "ufunc": P2 + call("numpy.core", "_ufunc_reconstruct", "os", "system") + b".",
    "a-name-made-at-load": P4
    + named("builtins", "str")
    + short("os")
    + b"\x85R"
    + short("system")
    + b"\x93.",
    "a-class-changed": P2 + named("sklearn.pipeline", "Pipeline") + b"}" + text("fit") + b"Nsb.",
    "a-setstate": P2 + named("sklearn.pipeline", "Pipeline") + b")\x81}" + text("__setstate__") + b"Nsb.",
    "a-class-swapped": P2
    + named("sklearn.pipeline", "Pipeline")
    + b")\x81N}"
    + text("__class__")
    + b"Ns\x86b.",
    "a-key-made-at-load": P2
    + (named("sklearn.pipeline", "Pipeline") + b")\x81}" + call("builtins", "str", "steps") + b"Nsb."),
    "a-distribution-compiles": P2
    + DISTRIBUTION
    + b"}"
    + text("_parse_arg_template")
    + text("import os")
    + b"sb.",
    "a-distribution-hides": P2 + DISTRIBUTION + b"(" + text("_parse_arg_template") + text("x") + b"\x86tb.",
    "before-an-array": P2 + b"](" + SYSTEM + wrapper(3) + b"abce.",
    "after-an-array": P2 + b"](" + wrapper(400_000) + bytes(400_000) + SYSTEM + b"e.",
    "after-a-padded-array": P2 + b"](" + wrapper(9, True) + b"\x05" + b"\xff" * 5 + bytes(9) + SYSTEM + b"e.",
    "in-an-object-array": P2
    + wrapper(1).replace(text("u1"), text("O8"))
    + (b"\x80\x02" + SYSTEM + b".")
    + b".",
    "in-the-array-for-pickle": P2 + wrapper(len(SYSTEM) + 1) + SYSTEM + b"." + b".",
    "trailing-junk": P2 + SYSTEM + b".junk",
    "second-pickle": pickle.dumps([1]) + P2 + SYSTEM + b".",
    "then-cut-off": P2 + SYSTEM + b"X\xff\xff\xff\x7f",
    "then-no-opcode": P2 + SYSTEM + b"\xff",
    "by-long-binstring": b"\x80\x02T\x02\x00\x00\x00osT\x06\x00\x00\x00system\x80\x04\x93)R.",
    "by-unicode8": P4 + b"\x8d" + struct.pack("<Q", 2) + b"os" + short("system") + b"\x93)R.",
    "a-lying-frame": P4 + b"\x95" + struct.pack("<Q", 2**60) + stacked("os", "system") + b")R.",
    "dill-eval": P2 + call("dill._dill", "_eval_repr", "1") + b".",
    "cloudpickle-loads": P2 + call("cloudpickle", "loads", "1") + b".",
    "code-object": P2 + named("types", "CodeType") + b")R.",
}


@pytest.mark.parametrize("name", sorted(CAUGHT))
@pytest.mark.parametrize("packed", ["plain", "zlib", "gzip", "bz2", "xz", "lzma"])
def test_a_payload_is_caught_and_not_run(
    name: str, packed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack: dict[str, Callable[[bytes], bytes]] = {
        "plain": bytes,
        "zlib": zlib.compress,
        "gzip": gzip.compress,
        "bz2": bz2.compress,
        "xz": lzma.compress,
        "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    }
    monkeypatch.chdir(tmp_path)
    model = read(pack[packed](CAUGHT[name]))
    assert model.dangerous, model
    assert list(tmp_path.iterdir()) == []


def test_the_payloads_do_run_when_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The canary is alive: Python's own loader does what the table says."""
    monkeypatch.chdir(tmp_path)
    if sys.platform != "win32":
        pickle.loads(CAUGHT["reduce"])
        assert (tmp_path / CANARY).exists()


def test_nothing_is_imported() -> None:
    before = set(sys.modules)
    read(CAUGHT["import"])
    read(P2 + named("antigravity", "x") + b".")
    assert "antigravity" not in sys.modules
    assert not {
        m for m in set(sys.modules) - before if m.split(".")[0] in ("numpy", "sklearn", "joblib", "os_")
    }


HARMLESS_LOOKING = {
    "a-bound-method": P2
    + named("builtins", "getattr")
    + (b"(" + named("sklearn.pipeline", "Pipeline") + b")\x81" + text("predict") + b"tR."),
    "a-partial-of-numpy": P2 + named("functools", "partial") + named("numpy", "log1p") + b"\x85R.",
    "an-itemgetter": P2 + call("operator", "itemgetter", "a") + b".",
    "the-students-own": P2 + named("__main__", "Cleaner") + b")\x81.",
    "another-library": P2 + named("xgboost.sklearn", "XGBClassifier") + b")\x81.",
    "unknown-of-scipy": P2 + named("scipy.signal", "lfilter") + b".",
}


@pytest.mark.parametrize("name", sorted(HARMLESS_LOOKING))
def test_what_may_be_honest_is_neither_flagged_nor_known(name: str) -> None:
    model = read(HARMLESS_LOOKING[name])
    assert model.dangerous == ()
    assert any(classify(g) != "known" for g in model.globals)


def test_a_bound_method_of_a_known_class_is_excused() -> None:
    """SciPy's `randint`, in a search's parameters, holds one of itself."""
    owner = named("scipy.stats._discrete_distns", "randint_gen") + b")\x81"
    model = read(P2 + named("builtins", "getattr") + b"(" + owner + text("_entropy") + b"tR.")
    assert (model.dangerous, model.excused) == ((), ("builtins.getattr",))


def test_an_array_that_was_mapped_is_not_flagged() -> None:
    mapped = text("subclass") + named("numpy", "memmap")
    assert read(P2 + wrapper(3, extra=mapped) + b"abc.").dangerous == ()
    assert read(P2 + named("numpy", "memmap") + text("x.npy") + b"\x85\x81.").dangerous == ("numpy.memmap",)


def _record(kind: str, flags: int) -> bytes:
    """The wrapper of one record of one field, 8 bytes."""
    field = named("numpy", "dtype") + text(kind) + b"\x89\x88\x87R"
    fields = b"}" + text("x") + field + b"K\x00\x86s"
    names = text("x") + b"\x85"
    state = b"(K\x03" + text("|") + b"N" + names + fields + b"K\x08K\x01K" + bytes([flags]) + b"tb"
    return wrapper(1).replace(DTYPE, named("numpy", "dtype") + text("V8") + b"\x89\x88\x87R" + state)


def test_records_hold_bytes_or_a_pickle_as_their_type_says() -> None:
    inner = P2 + SYSTEM + b"."
    assert read(P2 + _record("f8", 0) + bytes(8) + b".").problem is None
    assert read(P2 + _record("O8", 1) + inner + b".").dangerous == ("os.system",)
    for kind, flags in (("f8", 1), ("O8", 0)):
        assert "two things" in (read(P2 + _record(kind, flags) + inner + b".").problem or "")


def test_a_distribution_as_scipy_writes_it_is_not_flagged() -> None:
    template = (
        "\ndef _parse_args(self, a, b, loc=0, scale=1):\n    return (a, b), loc, scale\n"
        "\ndef _parse_args_rvs(self, a, b, loc=0, scale=1, size=None):\n"
        "    return self._argcheck_rvs(a, b, loc, scale, size=size)\n"
        "\ndef _parse_args_stats(self, a, b, loc=0, scale=1, moments='mv'):\n    return (a, b), loc, scale, moments\n"
    )
    assert (
        read(P2 + DISTRIBUTION + b"}" + text("_parse_arg_template") + text(template) + b"sb.").dangerous == ()
    )
    worse = template.replace("loc=0", "loc=exit()")
    assert read(P2 + DISTRIBUTION + b"}" + text("_parse_arg_template") + text(worse) + b"sb.").dangerous


HUGE = struct.pack("<Q", 2**60)
REFUSED: dict[str, bytes] = {
    "protocol-255": b"\x80\xff.",
    "huge-text": P4 + b"\x8d" + HUGE + b"x.",
    "huge-bytes": P4 + b"\x8e" + HUGE + b"x.",
    "huge-bytearray": b"\x80\x05\x96" + HUGE + b"x.",
    "huge-number": P2 + b"\x8b\xff\xff\xff\x7f.",
    "negative-number": P2 + b"\x8b\xff\xff\xff\xff.",
    "negative-text": P2 + b"T\xff\xff\xff\xff.",
    "huge-array": P2 + wrapper(2**31 - 1) + b"abc.",
    "negative-array": P2 + wrapper(-1) + b".",
    "array-of-no-type": P2 + wrapper(3).replace(text("u1"), text("zz")) + b"abc.",
    "array-with-two-shapes": P2 + wrapper(3, extra=call("builtins", "str", "shape") + b"K\x01\x85") + b"abc.",
    "array-in-a-frame": P4 + b"\x95" + struct.pack("<Q", 10_000) + wrapper(3) + b"abc." + bytes(10_000),
    "array-by-arguments": P2 + named("joblib.numpy_pickle", "NumpyArrayWrapper") + b"K\x01\x85R}b.",
    "extension": P2 + b"\x82\x01.",
    "extension-2": P2 + b"\x83\x01\x00.",
    "extension-4": P2 + b"\x84\x01\x00\x00\x00.",
    "persistent": P2 + b"K\x01Q.",
    "persistent-0": b"Pabc\n.",
    "out-of-band": b"\x80\x05\x97.",
    "empty-stack": P2 + b".",
    "no-mark": P2 + b"e.",
    "pop-of-nothing": P2 + b"0.",
    "unknown-get": P2 + b"h\x05.",
    "no-end": P2 + b"K\x01",
    "no-newline": b"c" + b"a" * 300_000,
    "name-without-end": P2 + named("a" * 200_000, "b") + b".",
    "no-utf-8": P4 + b"\x8c\x02\xff\xfe.",
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_no_loader_would_take_is_told(name: str) -> None:
    with within_a_files_bound():
        model = read(REFUSED[name])
    assert model.problem


def _bomb_keys(levels: int) -> bytes:
    """Nested pairs of themselves as a key: hashing them would take 2**levels steps."""
    return P2 + b"}" + b"K\x01" + b"2\x86" * levels + b"Ns."


def _bomb_laughs(levels: int) -> bytes:
    body = b"]q\x00"
    for level in range(levels):
        body += b"](" + b"h" + bytes([level]) * 1 + (b"h" + bytes([level])) * 9 + b"eq" + bytes([level + 1])
    return P2 + body + b"."


BOMBS: dict[str, bytes] = {
    "keys-that-hash-for-ever": _bomb_keys(2_000),
    "a-billion-laughs": _bomb_laughs(60),
    "deep-tuples": P2 + b")" + b"\x85" * 1_000_000 + b".",
    "deep-lists": P2 + b"]" * 300_000 + b"a" * 299_999 + b".",
    "a-list-in-itself": P2 + b"]q\x00h\x00a.",
    "deep-objects": P2 + named("sklearn.pipeline", "Pipeline") + b")\x81}" * 1,
    "many-marks": P2 + b"(" * 1_000_000 + b".",
    "many-memos": P2 + b"K\x01" + b"".join(b"r" + struct.pack("<I", 7 * n) for n in range(100_000)) + b".",
    "many-empty-lists": P2 + b"]" * 3_000_000 + b".",
    "inflating-zeros": zlib.compress(
        P4 + b"\x8e" + struct.pack("<Q", 300_000_000) + bytes(300_000_000) + b"."
    ),
    "wanting-memory": b"]\0\0\xff\xff" + b"\xff" * 8 + bytes(200),
    "nested-object-arrays": P2 + wrapper(1).replace(text("u1"), text("O8")) * 50,
}


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_a_bomb_costs_little(name: str) -> None:
    with within_a_files_bound():
        read(BOMBS[name], limits=Limits(model_objects=500_000))


def test_the_pipeline_of_itself_ends() -> None:
    steps = b"](X\x01\x00\x00\x00ah\x00\x86e"
    body = named("sklearn.pipeline", "Pipeline") + b")\x81q\x00}" + text("steps") + steps + b"sb."
    model = read(P2 + body)
    assert model.class_name == "sklearn.pipeline.Pipeline"
    assert model.n_features is None


def test_a_bound_on_objects_is_told() -> None:
    model = read(P2 + b"](" + b"]" * 300_000 + b"e.", limits=Limits(model_objects=100_000))
    assert "more than 100000 objects" in (model.problem or "")


def test_a_bound_on_unpacked_bytes_is_told() -> None:
    packed = zlib.compress(P4 + b"\x8e" + struct.pack("<Q", 5_000_000) + bytes(5_000_000) + b".")
    model = read(packed, limits=Limits(archive_bytes=1_000_000))
    assert "1000000 bytes" in (model.problem or "") or "may hold" in (model.problem or "")


def test_a_name_with_control_characters_is_shown_escaped() -> None:
    model = read(P4 + stacked("evil\x1b[2J", "x") + b".")
    assert model.globals == ("evil\\x1b[2J.x",)


def test_an_old_dump_with_arrays_in_other_files_is_told() -> None:
    body = (
        named("joblib.numpy_pickle", "NDArrayWrapper")
        + b")\x81}"
        + text("filename")
        + text("m_01.npy")
        + b"sb."
    )
    packed = zlib.compress(P2 + body)
    old = b"ZF" + hex(len(P2 + body)).ljust(len(hex(2**64))).encode() + packed
    model = read(old)
    assert (model.format, model.compression) == ("joblib", "zlib")
    assert "files of their own" in (model.problem or "")


@pytest.mark.parametrize(
    "name",
    [
        *("joblib.load", "numpy.load", "functools.partial", "operator.attrgetter", "builtins.getattr"),
        *("builtins.eval", "os.system", "sklearn.utils.os", "numpy.testing.measure", "joblib.Parallel"),
    ],
)
def test_no_gadget_is_in_the_list(name: str) -> None:
    assert name not in known_globals()


# -- whatever the bytes ---------------------------------------------------------------------------------------------

SOME = st.sampled_from([FOREST, LOGISTIC, *CAUGHT.values(), *REFUSED.values()])


@given(st.one_of(st.binary(max_size=400), st.binary(max_size=200).map(lambda b: P4 + b)))
@settings(max_examples=300, deadline=None)
def test_any_bytes_end_in_a_record(data: bytes) -> None:
    assert isinstance(read(data), Model)


@given(SOME, st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_any_change_of_a_file_ends_in_a_record(data: bytes, changes: list[tuple[int, int]]) -> None:
    changed = bytearray(data)
    for place, byte in changes:
        changed[place % len(changed)] = byte
    assert isinstance(read(bytes(changed)), Model)


@pytest.mark.slow
def test_a_hundred_thousand_mutations() -> None:
    chance = random.Random(20261122)
    bases = [FOREST, LOGISTIC, *CAUGHT.values(), *REFUSED.values()]
    for _ in range(100_000):
        data = bytearray(chance.choice(bases)[:6_000])
        for _ in range(chance.randrange(1, 6)):
            place = chance.randrange(len(data))
            kind = chance.randrange(4)
            if kind == 0:
                data[place] = chance.randrange(256)
            elif kind == 1:
                del data[place : place + chance.randrange(1, 9)]
            elif kind == 2:
                data[place:place] = chance.choice(
                    [b"R", b"b", b"(", b"0", b"2", b"\x93", b"\x94", b"h\x00", b"e"]
                )
            else:
                data[place:place] = data[chance.randrange(len(data)) :][: chance.randrange(1, 40)]
            data = data or bytearray(b".")
        assert isinstance(read(bytes(data)), Model)
