"""Archives: members as named, models in them, and everything that is not read told."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.facts import archives
from grader.facts.records import Archive, Model, Unread
from grader.limits import Limits
from tests.bounds import within_a_files_bound

FOLDER = Path(__file__).parent / "models"
FOREST = (FOLDER / "1.2.1-np1-forest.joblib").read_bytes()
SYSTEM = b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00lsQ\x85R."
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"


def tar(*members: tuple[str, bytes] | tarfile.TarInfo, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


def zipped(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def odd(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def read(
    data: bytes, path: str = "aws_deploy/model.tar.gz", **limits: int
) -> tuple[Archive, tuple[Model, ...], tuple[Unread, ...]]:
    return archives.read(path, data, Limits(**limits))  # type: ignore[arg-type]


PLAIN = (("model.joblib", FOREST), ("code/inference.py", b"def model_fn(d): ...\n"))


@pytest.mark.parametrize(
    "data",
    [
        tar(*PLAIN),
        gzip.compress(tar(*PLAIN)),
        bz2.compress(tar(*PLAIN)),
        lzma.compress(tar(*PLAIN)),
        gzip.compress(tar(*PLAIN, form=tarfile.GNU_FORMAT)),
        gzip.compress(tar(*PLAIN, form=tarfile.USTAR_FORMAT)),
        zipped(*PLAIN),
    ],
    ids=["tar", "gz", "bz2", "xz", "gnu", "ustar", "zip"],
)
def test_members_and_model_whatever_the_packing(data: bytes) -> None:
    archive, found, notes = read(data)
    assert archive.members == ("model.joblib", "code/inference.py")
    assert (archive.kind, archive.problem, notes) == ("model", None, ())
    assert [(m.member, m.class_name) for m in found] == [
        ("model.joblib", "sklearn.ensemble._forest.RandomForestClassifier")
    ]
    assert archives.sources("a.tar.gz", data, Limits()) == {
        "a.tar.gz!code/inference.py": "def model_fn(d): ...\n"
    }


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ((), "empty"),
        ((("train.py", b"1"), ("requirements.txt", b"")), "source"),
        ((("data.csv", b"1,2"),), "other"),
        ((("saved_model.pb", b"1"),), "model"),
        ((("1/saved_model.pb", b"1"), ("x.py", b"")), "model"),
        ((("model", FOREST[:2] and b"\x80\x04]."),), "model"),
        ((("._model.joblib", b"\0\x05\x16\x07"),), "other"),
    ],
)
def test_kinds(members: tuple[tuple[str, bytes], ...], kind: str) -> None:
    assert read(gzip.compress(tar(*members)))[0].kind == kind


def test_apple_doubles_are_members_and_no_models() -> None:
    archive, found, _ = read(
        gzip.compress(tar(("._model.joblib", b"\0\x05\x16\x07"), ("./model.joblib", FOREST)))
    )
    assert archive.members == ("._model.joblib", "./model.joblib")
    assert [m.member for m in found] == ["./model.joblib"]


NOT_READ = {
    "../model.joblib": ("../model.joblib", FOREST),
    "/etc/model.joblib": ("/etc/model.joblib", FOREST),
    "link": odd("model.joblib", tarfile.SYMTYPE, "/etc/passwd"),
    "hard link": odd("model.joblib", tarfile.LNKTYPE, "/etc/passwd"),
    "device": odd("model.joblib", tarfile.CHRTYPE),
    "fifo": odd("model.joblib", tarfile.FIFOTYPE),
    "nested": ("inner.tar.gz", gzip.compress(tar(*PLAIN))),
}


@pytest.mark.parametrize("name", sorted(NOT_READ))
def test_what_is_not_read_is_told(name: str) -> None:
    member = NOT_READ[name]
    _, found, notes = read(gzip.compress(tar(member)))
    assert found == ()
    assert len(notes) == 1
    assert notes[0].path.startswith("aws_deploy/model.tar.gz!")


def test_a_name_twice_is_told_and_both_are_read() -> None:
    archive, found, notes = read(gzip.compress(tar(("m.pkl", FOREST), ("m.pkl", SYSTEM))))
    assert archive.members == ("m.pkl", "m.pkl")
    assert [bool(m.dangerous) for m in found] == [False, True]
    assert "more than once" in notes[0].why


@pytest.mark.parametrize("pack", [lambda d: gzip.compress(tar(("m.pkl", d))), lambda d: zipped(("m.pkl", d))])
def test_a_payload_in_an_archive_is_caught(pack: object) -> None:
    assert callable(pack)
    assert read(pack(SYSTEM))[1][0].dangerous == ("os.system",)


@pytest.mark.parametrize("cut", [5, 100, 600, 1_500])
def test_a_truncated_archive_is_told(cut: int) -> None:
    data = gzip.compress(tar(("model.joblib", bytes(random.Random(1).randbytes(5_000)))))
    archive, _, notes = read(data[:-cut])
    assert archive.problem is not None
    assert notes


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"junk",
        b"junk" * 500,
        FOREST,
        gzip.compress(FOREST, mtime=0),  # the name of a test must not change with the time
        b"PK\x03\x04",
        b"PK\x05\x06" + bytes(18),
        b"\x1f\x8b",
    ],
)
def test_what_is_no_archive_is_told(data: bytes) -> None:
    archive, found, _ = read(data)
    assert archive.members == ()
    assert found == ()
    assert archive.problem is not None or archive.kind == "empty"


def test_a_git_lfs_pointer_is_told() -> None:
    archive, found, notes = read(LFS)
    assert "LFS" in (archive.problem or "")
    assert found[0].lfs
    assert notes


def test_an_encrypted_member_is_told() -> None:
    data = bytearray(zipped(("model.pkl", FOREST)))
    directory = data.rindex(b"PK\x01\x02")
    data[6] |= 1
    data[directory + 8] |= 1
    _, found, notes = read(bytes(data), "m.zip")
    assert found == ()
    assert "encrypted" in notes[0].why


def test_a_damaged_member_of_a_zip_is_told() -> None:
    data = bytearray(zipped(("model.pkl", FOREST), ("b.pkl", SYSTEM)))
    data[60:80] = bytes(20)
    archive, found, _ = read(bytes(data), "m.zip")
    assert archive.members == ("model.pkl", "b.pkl")
    assert found[0].problem
    assert found[1].dangerous


BOMBS = {
    "bytes": gzip.compress(tar(("zeros.bin", bytes(60_000_000)))),
    "bytes in a zip": zipped(("model.pkl", bytes(60_000_000))),
    "members": gzip.compress(tar(*((f"{n}", b"") for n in range(3_000)))),
    "members in a zip": zipped(*((f"{n}", b"") for n in range(3_000))),
    "a long header": gzip.compress(
        b"x".ljust(100, b"\0")
        + b"0000644\0"
        + b"0000000\0" * 2
        + b"77777777777\0"
        + b"0" * 12
        + bytes(8)
        + b"x"
        + bytes(355)
    ),
}


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_bombs_are_bounded_and_told(name: str) -> None:
    with within_a_files_bound():
        archive, found, notes = read(BOMBS[name], archive_bytes=10_000_000, archive_members=500)
    assert archive.problem or any(m.problem for m in found)
    assert notes or any(m.problem for m in found)
    assert len(archive.members) <= 500


@given(st.sampled_from([gzip.compress(tar(*PLAIN)), tar(*PLAIN), zipped(*PLAIN)]), st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_the_bytes_an_archive_is_told(data: bytes, chance: st.DataObject) -> None:
    changed = bytearray(data)
    for _ in range(3):
        changed[chance.draw(st.integers(0, len(changed) - 1))] = chance.draw(st.integers(0, 255))
    archive, found, notes = read(bytes(changed))
    assert isinstance(archive, Archive)
    assert all(isinstance(m, Model) for m in found)
    assert all(isinstance(n, Unread) for n in notes)
    archives.sources("a.zip", bytes(changed), Limits())


@given(st.binary(max_size=1_200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_told(data: bytes) -> None:
    for start in (b"", b"PK\x03\x04", b"\x1f\x8b\x08"):
        assert isinstance(read(start + data)[0], Archive)


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("a/model.tar.gz", True),
        ("m.tgz", True),
        ("m.ZIP", True),
        ("m.gz", False),
        ("._m.tar.gz", False),
        ("tar", False),
    ],
)
def test_archives_by_ending(path: str, is_one: bool) -> None:
    assert archives.is_archive(path) is is_one
