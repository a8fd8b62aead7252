"""Image files: what they are, how large, and what can be said of them without reading what they show.

Only headers are parsed and, under a bound on pixels, the border is looked at. Formats are restricted to common raster
ones; an SVG is searched for its size as text, never parsed as XML. Nothing here says what a picture proves.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from grader.facts.records import Illustration, Image
from grader.limits import Limits
from grader.patterns import pattern

if TYPE_CHECKING:
    from PIL import Image as PillowImage

Kind = Literal["picture", "plot", "decoration", "tiny"]

_ENDINGS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ico"),
    *(".heic", ".heif", ".avif", ".svg"),
)
# By what a file of each format is known, from which byte on, and Pillow's module for it: `PIL.Image.open` loads them all.
_READERS: tuple[tuple[int, tuple[bytes, ...], str], ...] = (
    (0, (b"\x89PNG\r\n\x1a\n",), "Png"),
    (0, (b"\xff\xd8\xff",), "Jpeg"),
    (0, (b"GIF87a", b"GIF89a"), "Gif"),
    (0, (b"BM",), "Bmp"),
    (0, (b"II*\x00", b"II+\x00", b"II\x00*", b"MM\x00*", b"MM\x00+", b"MM*\x00"), "Tiff"),
    (8, (b"WEBP",), "WebP"),
    (0, (b"\x00\x00\x01\x00",), "Ico"),
    (4, (b"ftypavif", b"ftypavis", b"ftypmif1", b"ftypmsf1"), "Avif"),
)
_LFS = b"version https://git-lfs.github.com/spec/"
_MOST_DECODED = 6_000_000  # pixels of a picture whose border is looked at: some 50 ms
_SVG_HEAD = 64_000  # bytes of an SVG in which its root element is looked for

_SEPARATED = pattern(r"[^\W\d_]+")
_DECORATION = frozenset(
    {
        "logo",
        "logos",
        "badge",
        "badges",
        "icon",
        "icons",
        "favicon",
        "avatar",
        "banner",
        "divider",
        "watermark",
    }
)
_PLOT = pattern(
    r"confusion.?matri|(?:^|[^a-z])(?:c?roc|auc|pr).?curve|(?:^|[^a-z])(?:roc|auc|loss|acc|accuracy)(?:$|[^a-z])"
    r"|learning.?curve|training.?(?:curve|history|loss)|feature.?importance|heat.?map|correlation"
    r"|(?:^|[^a-z])corr(?:$|[^a-z])|histogram|box.?plot|pair.?plot|scatter|residual|(?:^|[^a-z])shap(?:$|[^a-z])"
    r"|distribution|(?:^|[^a-z])(?:plot|plots|chart|eda|hist|elbow)(?:$|[^a-z])|matriz.?de.?confusi"
)
_SHOT = pattern(
    r"screen|captura|pantalla|capture|predict|predicc|prediç|previs|endpoint|invo[kc]|deploy|despliegue|console"
    r"|consola|output|response|respuesta|request|result|sagemaker|vertex|infer|test|스크린샷|예측|截图|预测|截屏"
    r"|スクリーンショット|予測|bildschirm|vorhersage|schermata"
)


def is_image(path: str) -> bool:
    """Whether ``path`` ends as a raster image or SVG does, in any case."""
    return path.lower().endswith(_ENDINGS)


def named_decoration(name: str) -> bool:
    """Whether a file's name says logo, badge or icon."""
    return bool(_DECORATION.intersection(_SEPARATED.findall(_base(name).lower())))


def named_plot(name: str) -> bool:
    """Whether a file's name says chart of data or training, and nothing of a screenshot or a prediction."""
    base = _base(name).lower()
    return bool(_PLOT.search(base)) and not _SHOT.search(base)


def named_shot(name: str) -> bool:
    """Whether a file's name, or a picture's text, says screenshot, prediction, endpoint or the like."""
    base = _base(name).lower()
    return bool(_SHOT.search(base)) and not named_decoration(base)


def _base(name: str) -> str:
    return name[-400:].replace("\\", "/").rpartition("/")[2]


def read(path: str, data: bytes, limits: Limits) -> Image:
    """What the bytes of an image file are. ``problem`` says why something is not known; never raises for its content.

    ``digest`` is the SHA-256 of ``data``. The picture is decoded only below six million pixels, never above the bound.

    Raises:
        MemoryError: reading it takes more memory than there is.
    """
    digest = hashlib.sha256(data).hexdigest()
    nothing = Image(path, None, None, None, digest=digest)
    if data[: len(_LFS)] == _LFS:
        return nothing._replace(problem="a Git LFS pointer; the picture itself is not in the repository")
    if not data:
        return nothing._replace(problem="an empty file, no picture")
    head = data[:_SVG_HEAD]
    if path.lower().endswith(".svg") or (head.lstrip()[:1] == b"<" and b"<svg" in head):
        return _svg(path, head, digest)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _raster(path, data, limits, digest)
        except MemoryError:
            raise
        except Exception as problem:  # Pillow raises whatever its many parsers meet
            return nothing._replace(problem=_why(problem))


def _why(problem: Exception) -> str:
    name = type(problem).__name__
    if name == "UnidentifiedImageError":
        return "not a picture in a format that is read here"
    if name == "DecompressionBombError":
        return "more pixels than the bound on pictures allows"
    return f"a damaged picture ({name})"


def _open(data: bytes) -> PillowImage.Image:
    """The picture in ``data``, its header read and nothing decoded; only the module for its format is loaded.

    Raises:
        UnidentifiedImageError: it is in no format that is read here, or this Pillow lacks the module.
    """
    from PIL import UnidentifiedImageError

    for offset, starts, name in _READERS:
        if data.startswith(starts, offset):
            try:
                reader = getattr(importlib.import_module(f"PIL.{name}ImagePlugin"), f"{name}ImageFile")
                opened: PillowImage.Image = reader(io.BytesIO(data))
            except (ImportError, SyntaxError) as problem:  # SyntaxError is how Pillow declines a file
                raise UnidentifiedImageError(name) from problem
            return opened
    raise UnidentifiedImageError("unknown beginning")


def _raster(path: str, data: bytes, limits: Limits, digest: str) -> Image:
    with _open(data) as opened:
        kind_of_file = opened.format
        width, height = opened.size
        software = _software(opened)
        image = Image(path, kind_of_file, width, height, digest=digest)
        border: bool | None = None
        if width * height > limits.image_pixels:
            return image._replace(
                problem=f"{width} x {height} pixels, more than the bound of {limits.image_pixels}"
            )
        try:
            if kind_of_file == "JPEG" and b"\xff\xd9" not in data[-65_536:]:
                raise EOFError
            if width * height <= _MOST_DECODED:
                with _open(data) as again:
                    border = _light_border(again)
            else:
                opened.verify()
        except MemoryError:
            raise
        except Exception as damage:  # the header stands, what follows does not
            return image._replace(problem=_why(damage))
    kind = _kind(path, width, height, software, border)
    return image._replace(kind=kind)


def _software(opened: PillowImage.Image) -> str:
    """The program that a PNG says it was made by."""
    named: Any = opened.info.get("Software", "")
    return named[:200].lower() if isinstance(named, str) else ""


def _light_border(opened: PillowImage.Image) -> bool:
    """Whether the outermost pixels are nearly all of one light colour, as a chart's margins are."""
    opened.draft("RGB", (512, 512))
    small = opened.convert(
        "RGBA" if "transparency" in opened.info or opened.mode in ("RGBA", "LA", "PA") else "RGB"
    )
    small.thumbnail((200, 200))
    flat = small.convert("RGBA")
    width, height = flat.size
    strips = (
        (0, 0, width, 1),
        (0, height - 1, width, height),
        (0, 0, 1, height),
        (width - 1, 0, width, height),
    )
    light = total = 0
    for box in strips:
        for count, colour in flat.crop(box).getcolors(4_000) or ():
            total += count
            if isinstance(colour, tuple) and (colour[3] < 16 or min(colour[:3]) >= 225):
                light += count
    return total > 0 and light >= 0.97 * total


def _kind(path: str, width: int, height: int, software: str, border: bool | None) -> Kind:
    if max(width, height) < 64 or width * height < 64 * 64:
        return "tiny"
    if path.lower().endswith(".ico") or (width == height and width <= 256):
        return "decoration"
    if named_decoration(path):
        return "decoration"
    if "matplotlib" in software or (named_plot(path) and border is not False):
        return "plot"
    return "picture"


_ROOT = re.compile(rb"<(?:svg|\w{1,20}:svg)(?=[\s>/])([^>]{0,4000})", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    rb"(?:^|\s)(width|height|viewBox)\s{0,8}=\s{0,8}([\"'])([^\"'<>]{0,100})\2", re.IGNORECASE
)
_LENGTH = pattern(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*(px|pt|in|cm|mm|pc|)\s*")
_PIXELS = {"": 1.0, "px": 1.0, "pt": 96 / 72, "in": 96.0, "cm": 96 / 2.54, "mm": 96 / 25.4, "pc": 16.0}


def _svg(path: str, head: bytes, digest: str) -> Image:
    """An SVG's size by its root element: ``width`` and ``height``, else the ``viewBox``."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", errors="replace").encode()
    root = _ROOT.search(head)
    if root is None:
        return Image(path, None, None, None, problem="no <svg> element where one is expected", digest=digest)
    found: dict[str, str] = {}
    for name, _, value in _ATTRIBUTE.findall(root.group(1)):
        found.setdefault(name.decode("ascii").lower(), value.decode("utf-8", errors="replace"))
    width, height = _pixels(found.get("width", "")), _pixels(found.get("height", ""))
    if width is None or height is None:
        width = height = None
        box = found.get("viewbox", "").replace(",", " ").split()
        if len(box) == 4:
            width, height = _pixels(box[2]), _pixels(box[3])
    kind: Kind = "picture"
    if width is not None and height is not None:
        kind = _kind(path, width, height, "matplotlib" if b"matplotlib" in head else "", None)
    elif named_decoration(path):
        kind = "decoration"
    elif named_plot(path) or b"matplotlib" in head:
        kind = "plot"
    return Image(path, "SVG", width, height, kind=kind, digest=digest)


def _pixels(text: str) -> int | None:
    match = _LENGTH.fullmatch(text)
    return round(float(match.group(1)) * _PIXELS[match.group(2)]) if match else None


def cross_reference(images: Sequence[Image], illustrations: Iterable[Illustration]) -> tuple[Image, ...]:
    """``images`` with the documents that embed each, in order, and the earlier image that each is a copy of."""
    documents: dict[str, dict[str, None]] = {}
    for shown in illustrations:
        if shown.kind == "local" and shown.embedded:
            documents.setdefault(shown.target, {})[shown.path] = None
    first: dict[str, str] = {}
    out = []
    for image in images:
        earlier = first.setdefault(image.digest, image.path) if image.digest else image.path
        out.append(
            image._replace(
                embedded_in=tuple(documents.get(image.path, ())),
                duplicate_of=None if earlier == image.path else earlier,
            )
        )
    return tuple(out)
