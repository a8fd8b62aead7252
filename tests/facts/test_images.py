"""Image files, made when the tests run."""

from __future__ import annotations

import io
import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import PngImagePlugin

from grader.facts import images
from grader.facts.records import Illustration, Image
from grader.limits import Limits
from tests.bounds import within_a_files_bound

LIMITS = Limits()


def picture(
    kind: str = "PNG", size: tuple[int, int] = (640, 360), colour: str = "navy", **options: object
) -> bytes:
    out = io.BytesIO()
    Pillow.new("RGB", size, colour).save(out, kind, **options)
    return out.getvalue()


def noise(kind: str, size: tuple[int, int] = (300, 200)) -> bytes:
    dice = random.Random(1)
    out = io.BytesIO()
    Pillow.frombytes("RGB", size, dice.randbytes(size[0] * size[1] * 3)).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.png", True), ("a.PNG", True), ("a b.JPG", True), ("x/a.jpeg", True), ("a.gif", True), ("a.svg", True),
        ("a.webp", True), ("a.png.txt", False), ("png", False), ("a.pdf", False), ("a.mp4", False),
    ],
)  # fmt: skip
def test_images_are_known_by_their_ending(path: str, expected: bool) -> None:
    assert images.is_image(path) is expected


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_format_and_size_are_what_the_bytes_say(kind: str) -> None:
    found = images.read("shot.png", picture(kind), LIMITS)
    assert (found.format, found.width, found.height, found.problem, found.kind) == (
        kind,
        640,
        360,
        None,
        "picture",
    )


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_that_is_cut_off_has_a_problem(kind: str) -> None:
    data = noise(kind)
    found = images.read("shot.png", data[: len(data) // 2], LIMITS)
    assert "damaged" in (found.problem or "")
    assert found.width in (300, None)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"not a picture at all", "format"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "LFS"),
        (b"%PDF-1.4 not a picture", "format"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "picture"),
    ],
)
def test_what_is_no_picture_has_a_problem(data: bytes, says: str) -> None:
    found = images.read("shot.png", data, LIMITS)
    assert says in (found.problem or "")
    assert (found.format, found.width) == (None, None)


def bomb(side: int) -> bytes:
    """A PNG of ``side`` x ``side`` one-bit pixels, small as a file."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")

    head = side.to_bytes(4, "big") * 2 + bytes((1, 0, 0, 0, 0))
    rows = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [9_600, 12_000, 60_000])
def test_a_bomb_is_told_and_not_decoded(side: int) -> None:
    with within_a_files_bound():
        found = images.read("shot.png", bomb(side), LIMITS)
    assert "bound" in (found.problem or "")


@pytest.mark.parametrize(
    ("text", "width", "height"),
    [
        ('<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"></svg>', 300, 200),
        ('<?xml version="1.0"?>\n<svg width="12cm" height="3in" viewBox="0 0 1 1">', 454, 288),
        ("<svg viewBox='0 0 640 480'/>", 640, 480),
        ('<svg width="100%" height="100%" viewBox="0,0,20,10">', 20, 10),
        ("<svg>", None, None),
        ('<!DOCTYPE x [<!ENTITY a "&a;&a;">]><svg width="&a;" height="1">', None, None),
    ],
)
def test_an_svg_is_measured_by_its_root(text: str, width: int | None, height: int | None) -> None:
    found = images.read("a.svg", text.encode(), LIMITS)
    assert (found.format, found.width, found.height, found.problem) == ("SVG", width, height, None)


def test_an_svg_without_one_has_a_problem() -> None:
    assert images.read("a.svg", b"<html></html>", LIMITS).problem


def chart(software: str | None) -> bytes:
    made = Pillow.new("RGB", (640, 480), "white")
    made.paste(Pillow.new("RGB", (496, 370), "#1f77b4"), (80, 58))
    notes = PngImagePlugin.PngInfo()
    if software:
        notes.add_text("Software", software)
    out = io.BytesIO()
    made.save(out, "PNG", pnginfo=notes)
    return out.getvalue()


@pytest.mark.parametrize(
    ("path", "data", "kind"),
    [
        ("a.png", chart("Matplotlib version3.4.1, https://matplotlib.org/"), "plot"),
        ("confusion_matrix.png", chart(None), "plot"),
        ("plots/loss.png", chart(None), "plot"),
        ("a.png", chart(None), "picture"),
        ("accuracy.png", picture(colour="black"), "picture"),
        ("predictions_plot.png", chart(None), "picture"),
        ("logo.png", picture(), "decoration"),
        ("aws-icon.png", picture(), "decoration"),
        ("x.png", picture(size=(128, 128)), "decoration"),
        ("x.png", picture(size=(40, 40)), "tiny"),
        ("line.png", picture(size=(900, 3)), "tiny"),
        ("answer.png", picture(size=(900, 30)), "picture"),
        ("shot.png", picture(size=(1920, 1080)), "picture"),
        ("catalogo.png", picture(), "picture"),
    ],
)
def test_kinds(path: str, data: bytes, kind: str) -> None:
    found = images.read(path, data, LIMITS)
    assert (found.kind, found.problem) == (kind, None)


def test_pictures_are_cross_referenced() -> None:
    a, b, c = (Image(p, "PNG", 9, 9, digest=d) for p, d in (("a.png", "1"), ("b.png", "2"), ("c.png", "1")))
    shown = [
        Illustration("README.md", None, 1, "local", "c.png"),
        Illustration("d/README.md", None, 1, "local", "c.png"),
        Illustration("README.md", None, 9, "local", "c.png"),
        Illustration("README.md", None, 2, "local", "b.png", embedded=False),
        Illustration("README.md", None, 3, "missing", "a.png"),
    ]
    found = images.cross_reference((a, b, c), shown)
    assert [i.embedded_in for i in found] == [(), (), ("README.md", "d/README.md")]
    assert [i.duplicate_of for i in found] == [None, None, "a.png"]


def test_unreadable_pictures_are_no_copies_of_each_other() -> None:
    found = images.cross_reference([Image("a.png", None, None, None), Image("b.png", None, None, None)], ())
    assert [i.duplicate_of for i in found] == [None, None]


_HEADS = st.sampled_from(
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"GIF89a",
        b"BM",
        b"II*\0",
        b"RIFF\0\0\0\0WEBP",
        b"<svg ",
        b"\0\0\1\0",
    ]
)


@settings(max_examples=150, deadline=None)
@given(_HEADS, st.binary(max_size=400), st.sampled_from(["a.png", "a.svg", "a.jpg"]))
def test_any_bytes_are_taken(head: bytes, tail: bytes, path: str) -> None:
    found = images.read(path, head + tail, LIMITS)
    assert found.path == path
    assert found.digest


_SAMPLES = [noise("PNG", (40, 30)), noise("JPEG", (40, 30)), noise("GIF", (40, 30)), noise("TIFF", (20, 10))]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(_SAMPLES),
    st.integers(0, 10_000),
    st.binary(min_size=1, max_size=6),
    st.integers(0, 10_000),
)
def test_damaged_pictures_are_taken(data: bytes, at: int, put: bytes, cut: int) -> None:
    at %= len(data)
    damaged = (data[:at] + put + data[at + len(put) :])[: max(1, len(data) - cut % len(data))]
    assert images.read("a.png", damaged, LIMITS).digest
