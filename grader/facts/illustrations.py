"""What documents show or point to as a picture, a video or a PDF, and which file of the submission that is."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote, urlsplit

from grader.facts import images, markdown
from grader.facts.code import NotebookDocument
from grader.facts.documents import Document
from grader.facts.records import Illustration
from grader.patterns import pattern

Kind = Literal["local", "missing", "remote", "attachment", "output", "video", "pdf"]

_VIDEO = (".mp4", ".mov", ".webm", ".avi", ".mkv", ".m4v", ".wmv", ".mpg", ".mpeg")
_VIDEO_HOSTS = pattern(
    r"(?:^|\.)(?:youtube\.com|youtu\.be|vimeo\.com|loom\.com|bilibili\.com|asciinema\.org)$"
)
# Where people put pictures that have no ending in their address.
_PICTURE_PLACES = pattern(
    r"github\.com/(?:user-attachments/assets|[^/\s]{1,100}/[^/\s]{1,100}/assets)/"
    r"|user-images\.githubusercontent\.com/|drive\.google\.com/|docs\.google\.com/|photos\.app\.goo\.gl/"
    r"|dropbox\.com/|1drv\.ms/|onedrive\.live\.com/|sharepoint\.com/|imgur\.com/|gyazo\.com/|prnt\.sc/|ibb\.co/"
    r"|postimg\.cc/|snipboard\.io/|lightshot|cloudapp\.com/|droplr\.com/|monosnap\.com/"
)
_BADGES = pattern(
    r"shields\.io|badge|badgen\.net|travis-ci|codecov\.io|coveralls\.io|circleci\.com|appveyor\.com|/workflows/[^\s]{1,200}\.svg"
    r"|pepy\.tech|forthebadge|readthedocs\.org/projects|zenodo\.org/|herokucdn\.com/deploy|/button\.(?:svg|png)"
    r"|skillicons\.dev|/devicons?/|simpleicons|icons8\.com|flaticon|contrib\.rocks|star-history|komarev\.com"
    r"|github-readme-stats|readme-typing-svg|capsule-render|visitor|hits\.|creativecommons\.org"
    r"|img\.youtube\.com/vi|i\.ytimg\.com|avatars\.githubusercontent|opencollective\.com|colab-badge"
    r"|/sagemaker-nb/"  # results of the tests of AWS's own example notebooks
)
_BADGE_ALT = pattern(r"(?i)\bbadge(?:$| failed to load)")
_HOSTED = pattern(
    r"^(?:https?://)?(?:www\.)?(?:github\.com/[^/]+/[^/]+/(?:blob|raw|tree)|raw\.githubusercontent\.com/[^/]+/[^/]+"
    r"|gitlab\.com/[^?#]{1,300}?/-/(?:blob|raw)|bitbucket\.org/[^/]+/[^/]+/(?:src|raw))/([^?#]{1,1000})"
)
_SCHEME = pattern(r"[A-Za-z][A-Za-z0-9+.-]{1,20}:")


@lru_cache(maxsize=4)
def _folded(paths: frozenset[str]) -> dict[str, str]:
    return {path.lower(): path for path in sorted(paths, reverse=True)}


def local_path(target: str, base: str, paths: frozenset[str]) -> str | None:
    """The file of the submission that ``target``, written in the document ``base``, means; None if it means none there.

    Relative to the document, then to the root; percent signs decoded, capitals forgiven, an address at a code host
    taken for the file of that path in this very tree. Never outside of the tree.
    """
    hosted = _HOSTED.match(target)
    if hosted:
        rest = unquote(hosted.group(1))
        for _ in range(4):  # a branch's name may have slashes in it
            _, _, rest = rest.partition("/")
            if rest in paths:
                return rest
        return None
    if _SCHEME.match(target) or target.startswith("//"):
        return None
    home = posixpath.dirname(base)
    written = target.replace("\\", "/")
    bare = written.partition("#")[0].partition("?")[0]
    candidates = dict.fromkeys((unquote(bare), bare, unquote(written), written))
    for fold in (False, True):
        for text in candidates:
            if not text or len(text) > 1_000:
                continue
            roots = ("",) if text.startswith("/") else (home, "")
            for root in roots:
                path = posixpath.normpath(posixpath.join(root, text.lstrip("/").strip()))
                if fold:
                    path = _folded(paths).get(path.lower(), "")
                if path in paths:
                    return path
    return None


def _classify(target: str, base: str, paths: frozenset[str], *, embedded: bool) -> tuple[Kind, str] | None:
    """Kind and target of what a document shows (``embedded``) or links to; None for a link to anything else."""
    lowered = target.lower()
    if lowered.startswith("attachment:"):
        return "attachment", unquote(target[len("attachment:") :])
    if lowered.startswith("data:"):
        return ("attachment", lowered[:40].partition(",")[0]) if lowered.startswith("data:image/") else None
    found = local_path(target, base, paths)
    name = (found or target).lower().partition("#")[0].partition("?")[0]
    if found is None and (_SCHEME.match(target) or target.startswith("//")):
        return _remote(target, name, embedded=embedded)
    if found is None:
        return (
            ("missing", target)
            if embedded or images.is_image(name) or name.endswith((*_VIDEO, ".pdf"))
            else None
        )
    if name.endswith(_VIDEO):
        return "video", found
    if name.endswith(".pdf"):
        return "pdf", found
    return ("local", found) if images.is_image(name) else None


def _remote(target: str, name: str, *, embedded: bool) -> tuple[Kind, str] | None:
    if not target.lower().startswith(("http:", "https:", "//")):
        return None
    try:
        host = urlsplit(target).hostname or ""
    except ValueError:
        host = ""
    if name.endswith(_VIDEO) or _VIDEO_HOSTS.search(host):
        return "video", target
    if name.endswith(".pdf"):
        return "pdf", target
    if embedded or images.is_image(name) or _PICTURE_PLACES.search(name):
        return "remote", target
    return None


def _is_decoration(kind: Kind, target: str, alt: str) -> bool:
    if kind == "remote" and (_BADGES.search(target.lower()[:2_000]) or _BADGE_ALT.search(alt[:200].strip())):
        return True
    return kind in ("local", "missing", "remote") and (
        images.named_decoration(target.partition("?")[0])
        or alt.strip().lower() in ("logo", "badge", "icon", "license")
    )


def of_document(
    document: Document, path: str, paths: frozenset[str], *, cell: int | None = None
) -> tuple[Illustration, ...]:
    """The illustrations of a document: every picture that it shows, and its links to pictures, videos and PDFs."""
    return tuple(_each(document, path, paths, cell))


def _each(document: Document, path: str, paths: frozenset[str], cell: int | None) -> Iterator[Illustration]:
    shown = set()
    for picture in document.pictures:
        found = _classify(picture.target, path, paths, embedded=True)
        if found is None:
            continue
        kind, target = found
        shown.add(target)
        decoration = picture.small or _is_decoration(kind, target, picture.alt)
        yield Illustration(path, cell, picture.line, kind, target, picture.alt, True, decoration)
    for link in document.links:
        found = _classify(link.target, path, paths, embedded=False)
        if found is None or found[1] in shown:
            continue
        kind, target = found
        shown.add(target)
        decoration = _is_decoration(kind, target, "")
        yield Illustration(path, cell, link.line, kind, target, link.text, False, decoration)


def in_notebook(document: NotebookDocument, paths: Iterable[str]) -> tuple[Illustration, ...]:
    """The illustrations of a notebook: those of its markdown cells, attachments, and pictures that its run left.

    Of an ``output``, ``target`` is the picture's media type and ``line`` is None.
    """
    known = paths if isinstance(paths, frozenset) else frozenset(paths)
    out: list[Illustration] = []
    for cell in document.cells:
        if cell.kind == "markdown":
            found = of_document(markdown.read(cell.source), document.path, known, cell=cell.index)
            out += found
            used = {shown.target for shown in found}
            out += (
                Illustration(document.path, cell.index, None, "attachment", name, "", False)
                for name in cell.attachments
                if name not in used
            )
        for output in cell.outputs:
            out += (Illustration(document.path, cell.index, None, "output", kind) for kind in output.images)
    return tuple(out)
