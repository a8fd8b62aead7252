"""The screenshot of a prediction. What a picture shows is not read here, so the answer is never ``pass``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.checks.readme import judged
from grader.checks.registry import check
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, failed, review
from grader.facts.images import is_image, named_plot, named_shot
from grader.facts.records import Illustration, Image, Place
from grader.facts.secrets import hide
from grader.patterns import pattern
from grader.text import excerpt, redact_url

_VIDEO_OR_PDF = pattern(r"(?i)\.(?:mp4|mov|webm|avi|mkv|m4v|wmv|mpe?g|pdf|docx?|pptx?)$")
_LOOK = "that it shows a prediction against the deployment was not established"


@check("evidence.screenshot", requires=("folder.present",))
def screenshot(subject: Subject) -> Verdict:
    """A screenshot shows a prediction made against the deployment

    Why: The endpoint is gone when the lab is graded; the picture is what remains of its answer.
    Example: `aws_deploy/prediction.png`, shown in the folder's README: the call to the endpoint and what it answered.
    Remedy: Take a screenshot of a request to your endpoint and its answer, put it into the deploy folder, and show it
        in the README with `![prediction](prediction.png)`.
    """
    found = list(_candidates(subject))
    found.sort(key=lambda candidate: candidate[0])
    places = tuple(dict.fromkeys(place for _, place in found))
    if places:
        first = places[0].excerpt or places[0].path
        what = _what(subject, places[0])
        others = f" ({len(places)} places to look at)" if len(places) > 1 else ""
        return review(
            f"A screenshot of a prediction was expected; {what} `{first}` is there, and {_LOOK}{others}.",
            *places,
            hint="Look at the picture: does it show a request to the endpoint and the answer?",
        )
    asked = "A screenshot of a prediction against the deployment was expected"
    aside = tuple(_elsewhere(subject))
    if aside:
        return review(
            f"{asked}; nothing in `{subject.where.path}` shows one, but `{aside[0].path}` elsewhere in the repository "
            "may be it.",
            *aside,
            hint="Put the screenshot into the deploy folder, or show it in the folder's README.",
        )
    unread = _unread(subject)
    if unread:
        return review(f"{asked}; not all that could hold it could be read.", *unread)
    missing = tuple(
        Place(s.path, s.cell, s.line, s.target)
        for s in _pointed(subject)
        if s.kind == "missing" and s.embedded
    )
    if missing:
        return failed(
            f"{asked}; `{missing[0].path}` shows `{missing[0].excerpt}`, and that file is not in the repository.",
            *missing,
        )
    left_out = [i for i in subject.facts.images if subject.inside(i.path) and i.kind != "picture"]
    if left_out:
        return failed(
            f"{asked}; `{left_out[0].path}` is {_kind(left_out[0])}, and no other picture is there.",
            *(Place(image.path) for image in left_out),
        )
    return failed(
        f"{asked}; there is no picture in `{subject.where.path}`, and its README shows none.", subject.where
    )


def _kind(image: Image) -> str:
    return {"plot": "a chart", "decoration": "a logo or icon", "tiny": "too small for one"}.get(
        image.kind, "none"
    )


def _what(subject: Subject, place: Place) -> str:
    image = next((i for i in subject.facts.images if i.path == place.path), None)
    if image is not None and image.problem:
        return "the picture (which could not be read)"
    return "the picture" if image is not None else "what may be one,"


def _pointed(subject: Subject) -> Iterator[Illustration]:
    """What the README that is judged, and the folder's other documents, show or link to."""
    readme = judged(subject)
    for shown in subject.facts.illustrations:
        if subject.inside(shown.path) or (readme is not None and shown.path == readme.path):
            yield shown


def _shown(target: str) -> str:
    return excerpt(hide(redact_url(target)))


_Rank = tuple[int, int, str]


def _candidates(subject: Subject) -> Iterator[tuple[_Rank, Place]]:
    """(rank, place) of all that may be the screenshot; the lowest rank is the likeliest.

    Ranks: named for it and shown, shown, in the folder, a remote picture or attachment, a video or PDF, the output of
    a notebook.
    """
    images = {image.path: image for image in subject.facts.images}
    told: set[str] = set()
    for shown in _pointed(subject):
        if shown.decoration or shown.kind == "missing":
            continue
        if shown.kind == "local":
            image = images.get(shown.target)
            if image is not None and _may_be(image):
                path = image.duplicate_of if image.duplicate_of in told else image.path
                if path and path not in told:
                    told.add(path)
                    named = named_shot(path) or named_shot(shown.alt)
                    yield (0 if named else 1, shown.line or 0, path), Place(path)
        elif shown.kind in ("remote", "attachment", "video", "pdf", "output"):
            # A file says itself what it is; of a remote picture, its name is all there is.
            if shown.kind == "remote" and named_plot(shown.target.partition("?")[0]):
                continue
            rank = {"remote": 3, "attachment": 3, "video": 4, "pdf": 5, "output": 6}[shown.kind]
            target = None if shown.kind == "output" else _shown(shown.target)
            yield (rank, shown.line or 0, shown.path), Place(shown.path, shown.cell, shown.line, target)
    named_folders = _named_folders(subject)
    for image in subject.facts.images:
        inside = subject.inside(image.path)
        if image.path in told or not _may_be(image) or image.duplicate_of in told:
            continue
        if inside or any(image.path.startswith(folder + "/") for folder in named_folders):
            told.add(image.path)
            yield (1 if named_shot(image.path) else 2, 0, image.path), Place(image.path)
    for file in subject.facts.files:
        if subject.inside(file.path) and _VIDEO_OR_PDF.search(file.path):
            yield (4, 0, file.path), Place(file.path)


def _may_be(image: Image) -> bool:
    """No logo, chart or speck; or a picture that could not be read."""
    return image.kind == "picture" if image.problem is None else True


def _named_folders(subject: Subject) -> tuple[str, ...]:
    """Folders of pictures that the README names without showing one of them."""
    readme = judged(subject)
    if readme is None:
        return ()
    folders = {image.path.rpartition("/")[0] for image in subject.facts.images} - {""}
    home = subject.folder.path if subject.folder else ""
    return tuple(name for name in readme.names if name in folders and not (home + "/").startswith(name + "/"))


def _elsewhere(subject: Subject) -> Iterator[Place]:
    """Pictures that nothing in the folder points to, and whose name or text says that they may be the screenshot.

    They do not count as evidence; a person is asked to look, because the file is there and only its place is wrong.
    """
    if subject.folder is None:
        return
    others = {f.path for f in subject.facts.deploy_folders} - {subject.folder.path}
    alts: dict[str, str] = {}
    for shown in subject.facts.illustrations:
        if "/" not in shown.path and not shown.decoration:
            if shown.kind == "local":
                alts.setdefault(shown.target, shown.alt)
            elif shown.kind in ("remote", "video", "attachment") and named_shot(shown.alt):
                yield Place(shown.path, shown.cell, shown.line, _shown(shown.target))
    for image in subject.facts.images:
        if any(image.path.startswith(folder + "/") for folder in others) or not _may_be(image):
            continue
        folder_says = bool(re.search(r"(?i)screen.?shots?|captur", image.path))
        if folder_says or named_shot(image.path) or named_shot(alts.get(image.path, "")):
            yield Place(image.path)


def _unread(subject: Subject) -> tuple[Place, ...]:
    """Unread files of the folder that could be or show the screenshot, and the tree itself where it was cut."""
    ends = (".ipynb", ".md", ".markdown", ".rst", ".txt")
    return tuple(
        Place(path)
        for path in dict.fromkeys(subject.unread_in_folder())
        if path == "." or is_image(path) or path.lower().endswith(ends)
    )
