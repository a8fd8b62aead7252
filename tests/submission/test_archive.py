"""Submissions as archives: what an LMS hands out, and what a hostile one may hold."""

from __future__ import annotations

import contextlib
import io
import random
import stat
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.limits import Limits
from grader.submission import source
from grader.submission.errors import Unobtainable, Unreadable
from tests.servers import WHEN, git, repository
from tests.submission.conftest import Obtain, everything

FILES = {"aws_deploy/README.md": b"# Deploying\n", "model.joblib": random.Random(1).randbytes(50_000)}
ENDINGS = ["zip", "tar", "tar.gz", "tgz", "tar.bz2", "tar.xz"]


def packed(path: Path, files: Mapping[str, bytes], around: str = "") -> Path:
    """An archive of ``files``, by the ending of its name."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(around + name, data)
        return path
    mode = {"gz": "w:gz", "tgz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}.get(path.suffix[1:], "w")
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(around + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("around", ["", "lab-main/", "./", "./lab/"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_every_form(tmp_path: Path, obtain: Obtain, ending: str, around: str) -> None:
    found = obtain(packed(tmp_path / f"work.{ending}", FILES, around))
    assert {path: found.tree.read(path, 10**6) for path in found.tree.files} == FILES
    assert {path: entry.size for path, entry in found.tree.files.items()} == {
        k: len(v) for k, v in FILES.items()
    }
    assert (found.commit, found.committed_at, found.notes) == (None, None, ())
    with pytest.raises(Unreadable, match="bound of 10"):
        found.tree.read("model.joblib", 10)


@pytest.mark.parametrize("ending", ENDINGS)
def test_cut_off_anywhere(tmp_path: Path, obtain: Obtain, ending: str) -> None:
    whole = packed(tmp_path / f"work.{ending}", FILES).read_bytes()
    for part in (0, 10, len(whole) // 3, len(whole) * 2 // 3):
        (tmp_path / f"cut.{ending}").write_bytes(whole[:part])
        with pytest.raises(Unobtainable, match=r"damaged or cut off|no file in it"):
            obtain(tmp_path / f"cut.{ending}")


def test_an_archive_is_what_its_bytes_say(tmp_path: Path, obtain: Obtain) -> None:
    packed(tmp_path / "a.zip", FILES).rename(tmp_path / "a.tar.gz")
    assert set(obtain(tmp_path / "a.tar.gz").tree.files) == set(FILES)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["lab/a.py", "__MACOSX/lab/._a.py", ".DS_Store", "lab/.DS_Store"], ["a.py"]),
        (["lab/a.py", "lab/._a.py"], ["a.py"]),
        (["lab/aws_deploy/a.py"], ["aws_deploy/a.py"]),
        (["aws_deploy/a.py"], ["aws_deploy/a.py"]),
        (["my_deploy/aws_deploy/a.py", "my_deploy/x"], ["aws_deploy/a.py", "x"]),
        (["lab/a.py", "b.py"], ["b.py", "lab/a.py"]),
        (["lab/.git/config", "lab/a.py"], ["a.py"]),
        (["lab/__pycache__/x.pyc", "lab/venv/pyvenv.cfg", "lab/venv/x.py", "lab/a.py"], ["a.py"]),
    ],
)
def test_the_folder_around_everything(
    tmp_path: Path, obtain: Obtain, names: list[str], expected: list[str]
) -> None:
    found = obtain(packed(tmp_path / "a.zip", dict.fromkeys(names, b"x")))
    assert list(found.tree.files) == expected


def test_hostile_members_of_a_tar(tmp_path: Path, obtain: Obtain) -> None:
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:

        def add(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> None:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)

        for name in (
            "ok.txt",
            "../up.txt",
            "/abs.txt",
            "a/../../b.txt",
            "twice.txt",
            "twice.txt",
            "is/both",
            "is/both/x",
        ):
            add(name)
        add("link", tarfile.SYMTYPE, "/etc/passwd")
        add("aws_deploy", tarfile.SYMTYPE, "/etc")
        add("hard", tarfile.LNKTYPE, "ok.txt")
        add("pipe", tarfile.FIFOTYPE)
        add("device", tarfile.CHRTYPE)
    found = obtain(path)
    assert list(found.tree.files) == ["is/both/x", "ok.txt"]
    assert {p for p, _ in found.tree.unread} >= {
        *("../up.txt", "/abs.txt", "a/../../b.txt", "twice.txt", "is/both"),
        *("link", "aws_deploy", "hard", "pipe", "device"),
    }
    assert "aws_deploy" not in found.tree.folders


def test_hostile_members_of_a_zip(tmp_path: Path, obtain: Obtain) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ok.txt", b"ok")
        archive.writestr("C:/windows.txt", b"x")
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bomb", b"\0" * 5_000_000)
        archive.writestr("wrong", b"some text that is stored" * 10)
        archive.writestr("locked", b"x")
    raw = bytearray(path.read_bytes())
    central = raw.index(b"PK\x01\x02")
    at = raw.index(b"locked", central) - 46
    raw[at + 8] |= 1  # the flag of encryption, in the directory
    size = raw.index(b"bomb", central) - 46 + 24
    raw[size : size + 4] = (100).to_bytes(4, "little")  # a size that lies
    crc = raw.index(b"wrong", central) - 46 + 16
    raw[crc] ^= 0xFF
    path.write_bytes(raw)
    found = obtain(path)
    assert {"link", "locked", "C:/windows.txt"} == {p for p, _ in found.tree.unread}
    assert found.tree.read("ok.txt", 10) == b"ok"
    for name in ("bomb", "wrong"):
        with pytest.raises(Unreadable):
            found.tree.read(name, 1000)


def test_bounds(tmp_path: Path, obtain: Obtain) -> None:
    small = replace(Limits(), archive_bytes=10_000, archive_members=5)
    with pytest.raises(Unobtainable, match="unpacks to more than"):
        obtain(packed(tmp_path / "a.tar.gz", {"zeros": b"\0" * 1_000_000}), limits=small)
    many = {f"{number}.txt": b"" for number in range(20)}
    for ending in ("zip", "tar"):
        found = obtain(packed(tmp_path / f"many.{ending}", many), limits=small)
        assert len(found.tree.files) == 5
        assert any("more than 5 files" in why for _, why in found.tree.unread)
    left = obtain(packed(tmp_path / "b.zip", FILES), exclude=("aws_deploy",))
    assert list(left.tree.files) == ["model.joblib"]


def test_nothing_to_read(tmp_path: Path, obtain: Obtain) -> None:
    for ending in ("zip", "tar.gz"):
        with pytest.raises(Unobtainable):
            obtain(packed(tmp_path / f"none.{ending}", {}))
    with pytest.raises(Unobtainable):
        obtain(packed(tmp_path / "up.zip", {"../x": b"x"}))


@pytest.mark.parametrize("pack", [False, True])
def test_the_commit_of_a_repository_inside(tmp_path: Path, obtain: Obtain, pack: bool) -> None:
    folder = repository(tmp_path / "lab", FILES)
    if pack:
        git(folder, "gc", "--quiet")
    path = tmp_path / "a.tgz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, "lab")
    found = obtain(path)
    assert (found.ref, found.commit) == ("main", git(folder, "rev-parse", "HEAD"))
    assert found.committed_at == (None if pack else WHEN)
    assert set(found.tree.files) == set(FILES)


def _any_archive(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.zip")
        path.write_bytes(data)
        (Path(folder) / "work").mkdir()
        with contextlib.suppress(Unobtainable):
            found = source.obtain(
                source.parse(str(path)), Path(folder) / "work", Limits(), exclude=(), wanted=everything
            )
            try:
                for name in found.tree.files:
                    with contextlib.suppress(Unreadable):
                        assert len(found.tree.read(name, 1000)) <= 1000
            finally:
                found.close()
        assert {entry.name for entry in Path(folder).iterdir()} == {"a.zip", "work"}


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("made")
    files = {"lab/a.py": b"x = 1\n" * 50, "lab/b/c.txt": b"y"}
    return [packed(folder / f"a.{ending}", files).read_bytes() for ending in ENDINGS]


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_bytes_anywhere(archives: list[bytes], data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(archives)))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    _any_archive(bytes(raw))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=2000), st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh9"]))
def test_any_bytes(data: bytes, start: bytes) -> None:
    _any_archive(start + data)
