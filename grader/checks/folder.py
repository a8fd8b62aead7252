"""The deploy folder."""

from __future__ import annotations

from grader.checks.registry import check
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, failed, partial, passed, review
from grader.facts.folders import near
from grader.facts.records import Place

_PLATFORMS = ("aws", "gcp")


@check("folder.present")
def present(subject: Subject, *, names: tuple[str, ...] = ("{platform}_deploy",)) -> Verdict:
    """The repository has a folder {platform}_deploy at its root

    Why: The folder is the deliverable: it holds all that a deployment needs, and its name says where it goes.
    Example: `aws_deploy/` with `README.md`, `inference.py` and `model.tar.gz` in it.
    Remedy: Put the deployment's files into one folder at the root of the repository, named `aws_deploy` or
        `gcp_deploy`, in lower case and with an underscore.
    """
    platforms = (subject.platform,) if subject.platform else _PLATFORMS
    wanted = tuple(name.replace("{platform}", platform) for platform in platforms for name in names)
    asked = " or ".join(f"`{name}`" for name in wanted)
    found = subject.folder
    if found is not None and found.path in wanted:
        return passed(f"The folder `{found.path}` is at the root, as asked.", Place(found.path))
    exact = next((name for name in wanted if name in subject.facts.folders), None)
    if exact is not None:
        return passed(f"The folder `{exact}` is at the root, as asked.", Place(exact))
    if found is not None:
        how = _difference(found.path, wanted)
        return partial(
            f"A folder {asked} at the root was expected; `{found.path}` is there, {how}.",
            Place(found.path),
            hint=f"Rename or move it, so that the repository has {asked} at its root.",
        )
    linked = next((u for u in subject.facts.unread if u.path in wanted), None)
    if linked is not None:
        return failed(
            f"A folder {asked} at the root was expected; `{linked.path}` is no folder that can be read ({linked.why}).",
            Place(linked.path),
        )
    if any(u.path == "." for u in subject.facts.unread):
        return review(
            f"A folder {asked} at the root was expected; none is among the files that were listed, and not all were.",
            Place("."),
        )
    others = near(subject.facts.folders)
    if others:
        named = ", ".join(f"`{path}`" for path in others[:3])
        return failed(
            f"A folder {asked} at the root was expected; there is none, and {named} "
            f"{'is' if len(others[:3]) == 1 else 'are'} not named for a platform's deployment.",
            *(Place(path) for path in others[:3]),
        )
    return failed(f"A folder {asked} at the root was expected; there is none.", Place("."))


def _difference(path: str, wanted: tuple[str, ...]) -> str:
    """What keeps a folder from being the one that was asked for."""
    name = path.rpartition("/")[2]
    if name in wanted:
        return "but not at the root"
    return "under another name, and not at the root" if "/" in path else "under another name"
