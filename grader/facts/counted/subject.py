"""What a check is asked about: the facts of a submission, seen from one platform's deployment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from grader.facts.asked import LiveEndpoint, Rehearsal
from grader.facts.records import Archive, DeployFolder, Facts, Model, ModelFn, Place, Readme


def deploy_folder(facts: Facts, platform: str, names: Sequence[str]) -> DeployFolder | None:
    """The folder that counts for ``platform``: one of ``names`` at the root, else the best variant.

    ``names`` are a rubric's accepted names with ``{platform}`` in them. Among variants the least deep counts, and of
    those the first that holds a README or a model, then the alphabet decides.
    """
    for name in names:
        path = name.replace("{platform}", platform).strip("/")
        if path in facts.folders:
            return DeployFolder(path, platform, exact="/" not in path)
    ours = [folder for folder in facts.deploy_folders if folder.platform == platform]
    things: tuple[Readme | Model | Archive | ModelFn, ...]
    things = (*facts.readmes, *facts.models, *facts.archives, *facts.model_fns)
    told = [thing.path for thing in things]

    def rank(folder: DeployFolder) -> tuple[bool, int, bool, str]:
        filled = any(path.startswith(folder.path + "/") for path in told)
        return (not folder.exact, folder.path.count("/"), not filled, folder.path)

    return min(ours, key=rank) if ours else None


class Subject(NamedTuple):
    """The facts, the platform they are judged for, and the deploy folder that counts for it.

    ``platform`` None: no platform is asked about (a check that concerns the repository). ``folder`` None: the
    submission has no deploy folder for the platform. ``requested``: what was asked for beyond reading (``rehearse``,
    ``live``); ``rehearsals`` and ``endpoints`` are what that found, of all platforms.
    """

    facts: Facts
    platform: str | None = None
    folder: DeployFolder | None = None
    requested: frozenset[str] = frozenset()
    rehearsals: tuple[Rehearsal, ...] = ()
    endpoints: tuple[LiveEndpoint, ...] = ()

    def inside(self, path: str) -> bool:
        """Whether ``path`` lies in the deploy folder (any depth)."""
        return self.folder is not None and path.startswith(self.folder.path + "/")

    def in_any_deploy_folder(self, path: str) -> bool:
        """Whether ``path`` lies in a deploy folder of any platform."""
        return any(path.startswith(folder.path + "/") for folder in self.facts.deploy_folders)

    @property
    def where(self) -> Place:
        """The deploy folder as a place (the root, without one): where absent things were looked for."""
        return Place(self.folder.path if self.folder else ".")

    def readme(self) -> Readme | None:
        """The folder's own README with text in it, else None."""
        if self.folder is None:
            return None
        own = [r for r in self.facts.readmes if r.path.rpartition("/")[0] == self.folder.path and r.words]
        # README.md before README.rst before README: what a code host shows.
        return (
            min(own, key=lambda r: (not r.path.lower().endswith((".md", ".markdown")), r.path))
            if own
            else None
        )

    def root_readme(self) -> Readme | None:
        """The README at the root with text in it, else None."""
        own = [r for r in self.facts.readmes if "/" not in r.path and r.words]
        return (
            min(own, key=lambda r: (not r.path.lower().endswith((".md", ".markdown")), r.path))
            if own
            else None
        )

    def models(self) -> tuple[Model, ...]:
        """The model files of the deploy folder, archives' members included."""
        return tuple(m for m in self.facts.models if self.inside(m.path))

    def file_names(self) -> frozenset[str]:
        """Paths of all files of the submission."""
        return frozenset(f.path for f in self.facts.files)

    def unread_in_folder(self) -> tuple[str, ...]:
        """Paths in the deploy folder (or the folder itself, or the whole tree) of which something was not read."""
        return tuple(u.path for u in self.facts.unread if u.path == "." or self.inside(u.path))
