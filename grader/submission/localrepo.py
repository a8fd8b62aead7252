"""The repository of a local folder: git is asked for objects only, and nothing in its config is ever read.

Git runs in a repository of our own whose object folder is theirs. HEAD and refs are small texts that we read ourselves.
Objects that lie elsewhere (a ``.git`` file, alternates, links) are not followed.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from grader.limits import Limits
from grader.patterns import pattern
from grader.submission import objects
from grader.submission.disk import Disk
from grader.submission.errors import Unobtainable, Unreadable
from grader.submission.source import Source, Submission
from grader.text import visible

_REF = pattern(r"ref:\s*(refs/[^\s\x00-\x1f\x7f]{1,500})\s*")
_PACKED = pattern(r"^([0-9a-f]{40}(?:[0-9a-f]{24})?) (\S+)$", re.MULTILINE)
_SMALL = 4_096
_MOST_PACKED = 8_000_000


class Elsewhere(Exception):
    """The repository's refs or objects are not where they could be read safely. The message says why, briefly."""


class Head(NamedTuple):
    """What HEAD names: a branch (None when detached), and a commit's id (None when the branch has no commit yet)."""

    branch: str | None
    oid: str | None


class LocalRepo:
    """A repository on disk, by its ``.git`` folder (or itself, when bare)."""

    def __init__(self, disk: Disk, prefix: str, workdir: Path, *, patience: float = 10.0) -> None:
        """``prefix`` is where the repository lies below ``disk``: ``.git/``, or nothing when bare."""
        self._disk = disk
        self._prefix = prefix
        self._home = workdir / "objects-only"
        self.objects = objects.Objects(self.start, patience=patience)

    def head(self) -> Head:
        """What HEAD names.

        Raises:
            Elsewhere: it cannot be told from what lies here.
        """
        text = self._text("HEAD", _SMALL)
        if text is None or self._kind("reftable") or self._kind("commondir"):
            raise Elsewhere("its refs are not kept as files here")
        match = _REF.fullmatch(text)
        if match is None:
            oid = text.strip()
            if not objects.OID.fullmatch(oid):
                raise Elsewhere("its HEAD is damaged")
            return Head(None, oid)
        name = match.group(1)
        return Head(name.removeprefix("refs/heads/"), self.ref(name))

    def ref(self, name: str) -> str | None:
        """The id that a full ref name stands for; None where there is no such ref."""
        for _ in range(5):
            text = self._text(name, _SMALL)
            if text is None:
                return self._packed().get(name)
            if objects.OID.fullmatch(text.strip()):
                return text.strip()
            match = _REF.fullmatch(text)
            if match is None:
                return None
            name = match.group(1)
        return None

    def find(self, ref: str) -> str | None:
        """The id, or a beginning of it, that a branch, tag or commit is named by; None where there is none."""
        for name in (
            ref,
            f"refs/{ref}",
            f"refs/tags/{ref}",
            f"refs/heads/{ref}",
            f"refs/remotes/origin/{ref}",
        ):
            if name.startswith("refs/") and (oid := self.ref(name)):
                return oid
        return ref if re.fullmatch(r"[0-9a-f]{4,64}", ref) else None

    def check(self) -> None:
        """Whether its objects lie here, as plain files.

        Raises:
            Elsewhere: they do not, or a link is among their folders.
        """
        if self._kind("objects") != "folder":
            raise Elsewhere("it has no folder of objects")
        if self._kind("objects/info") not in (None, "folder"):
            raise Elsewhere("its objects lie behind a link")
        if self._kind("objects/info/alternates") or self._kind("objects/info/http-alternates"):
            raise Elsewhere("its objects lie in another repository")
        for name, kind in self._disk.names(f"{self._prefix}objects"):
            if kind != "folder":
                if kind == "file":
                    continue
                raise Elsewhere("its objects lie behind a link")
            if len(name) == 2 or name == "pack":
                for _, below in self._disk.names(f"{self._prefix}objects/{name}"):
                    if below != "file":
                        raise Elsewhere("its objects lie behind a link, or are no files")

    def commit(self, oid: str) -> tuple[str, objects.Commit]:
        """The full id of a commit, and what it says; a tag is peeled.

        Raises:
            objects.Missing, objects.Broken: it cannot be read.
            Elsewhere: see :meth:`check`.
        """
        self.check()
        objects.prepare(self._home, 64 if len(oid) > 40 or self._is_sha256() else 40)
        commit = objects.commit(self.objects, f"{oid}^{{commit}}")
        return self.objects.last, commit

    def start(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start git on their objects, and on nothing else of theirs or of the user's."""
        kept = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH", "PATHEXT")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {
            "GIT_DIR": str(self._home),
            "GIT_OBJECT_DIRECTORY": os.path.join(self._disk.root, self._prefix, "objects"),  # noqa: PTH118
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_ALLOW_PROTOCOL": "",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "LC_ALL": "C",
            "GIT_CONFIG_COUNT": "4",
            "GIT_CONFIG_KEY_0": "core.commitGraph",
            "GIT_CONFIG_VALUE_0": "false",
            "GIT_CONFIG_KEY_1": "core.bigFileThreshold",
            "GIT_CONFIG_VALUE_1": "16m",
            "GIT_CONFIG_KEY_2": "core.packedGitWindowSize",
            "GIT_CONFIG_VALUE_2": "32m",
            "GIT_CONFIG_KEY_3": "core.packedGitLimit",
            "GIT_CONFIG_VALUE_3": "128m",
        }
        return objects.pipes(arguments, environment)

    def _kind(self, name: str) -> str | None:
        return self._disk.kind(self._prefix + name)

    def _text(self, name: str, most: int) -> str | None:
        try:
            return self._disk.read(self._prefix + name, most).decode("utf-8", "surrogateescape")
        except Unreadable:
            return None

    def _packed(self) -> dict[str, str]:
        text = self._text("packed-refs", _MOST_PACKED) or ""
        return {name: oid for oid, name in _PACKED.findall(text)}

    def _is_sha256(self) -> bool:
        """By the length of the ids in its refs; an abbreviated commit does not tell."""
        try:
            oid = self.head().oid
        except Elsewhere:
            return False
        return oid is not None and len(oid) == 64


def obtain_bare(
    source: Source, workdir: Path, limits: Limits, *, exclude: Callable[[str], bool] | None
) -> Submission:
    """A bare repository in a local folder, at HEAD or at the ref that was named."""
    repo = LocalRepo(Disk(source.location), "", workdir, patience=limits.read_seconds)
    told = visible(source.shown)
    ref: str | None
    try:
        if source.refs:
            ref = source.refs[0]
            oid = repo.find(ref)
            if oid is None:
                raise Unobtainable(
                    f"{told} has no branch, tag or commit called {visible(ref)}; check the name after @ or --ref."
                )
        else:
            head = repo.head()
            ref, oid = head.branch, head.oid
            if oid is None:
                raise Unobtainable(f"{told} is a repository without a commit; push the work to it first.")
        full, commit = repo.commit(oid)
        found = objects.listing(repo.objects, commit.tree, limits, exclude)
        known = objects.sizes(repo.start, found.blobs.values(), seconds=limits.read_seconds)
    except Elsewhere as problem:
        raise Unobtainable(
            f"{told} is a bare repository that cannot be read here: {problem}; give it as file://{source.location}."
        ) from None
    except objects.Missing:
        what = f"no commit {visible(source.refs[0])}" if source.refs else "no commit that HEAD names"
        raise Unobtainable(f"{told} has {what}; the repository is damaged or the name is wrong.") from None
    except objects.Broken as problem:
        raise Unobtainable(f"{told} could not be read: {problem}.") from None
    finally:
        repo.objects.close()
    tree = objects.tree_of(
        found, known, repo.objects, limits, exclude=exclude, absent="not in the repository"
    )
    return Submission(tree, ref, full, commit.committed_at, (), repo.objects.close)
