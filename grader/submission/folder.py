"""A submission in a local folder: its files as they are on disk, and what its last commit has instead."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from grader.limits import Limits
from grader.submission import objects, tree
from grader.submission.disk import Disk, Found
from grader.submission.errors import Unobtainable, Unreadable
from grader.submission.localrepo import Elsewhere, LocalRepo
from grader.submission.source import Source, Submission
from grader.text import visible

_COMPARED_FILE = 5_000_000
_COMPARED_ALL = 60_000_000
_COMPARING_SECONDS = 2.0
_NAMED = 3
# What tools leave behind and nobody means to hand in.
_CACHES = frozenset(
    {".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".DS_Store", ".idea", ".vscode"}
)


def obtain(
    source: Source, workdir: Path, limits: Limits, *, exclude: Callable[[str], bool] | None
) -> Submission:
    """List the folder (``submission.source.obtain`` says the rest). Its repository is asked for its last commit only."""
    disk = Disk(source.location)
    try:
        found = disk.walk(limits, exclude)
    except PermissionError:
        raise Unobtainable(
            f"{visible(source.shown)} may not be read: permission denied; ask for access to it."
        ) from None
    except OSError as problem:
        raise Unobtainable(f"{visible(source.shown)} could not be read: {problem.strerror}.") from None
    listed = [tree.Entry(path, size) for path, size in found.files.items()]
    built = tree.build(listed, disk.read, limits, unread=found.unread, folders=found.folders, exclude=exclude)
    kind = disk.kind(".git")
    if kind is None:
        return Submission(built)
    if kind != "folder":
        return Submission(
            built, notes=("Its .git leads to another place and was not followed: no commit is told.",)
        )
    repo = LocalRepo(disk, ".git/", workdir)
    branch = None
    try:
        head = repo.head()
        branch = head.branch
        if head.oid is None:
            if not found.files:
                raise Unobtainable(
                    f"{visible(source.shown)} is a repository without a commit and without files; nothing can be graded."
                )
            return Submission(built, branch, notes=("Nothing is committed yet: graded as it is on disk.",))
        oid, commit = repo.commit(head.oid)
        notes = _uncommitted(repo, commit, disk, found, built, limits, exclude)
        return Submission(built, branch, oid, commit.committed_at, notes)
    except (Elsewhere, objects.Missing, objects.Broken) as problem:
        why = str(problem) if not isinstance(problem, objects.Missing) else "an object is missing"
        return Submission(built, branch, notes=(f"Its last commit could not be read: {visible(why)}.",))
    finally:
        repo.objects.close()


def _uncommitted(
    repo: LocalRepo,
    commit: objects.Commit,
    disk: Disk,
    found: Found,
    built: tree.Tree,
    limits: Limits,
    exclude: Callable[[str], bool] | None,
) -> tuple[str, ...]:
    """What a student should know before handing in an address: what is here and not in the last commit."""
    committed = objects.listing(repo.objects, commit.tree, limits, exclude)
    new = [
        path
        for path in built.files
        if path not in committed.blobs and not _CACHES.intersection(path.split("/"))
    ]
    gone = [path for path in committed.blobs if path not in found.files]
    changed, told_all = _changed(repo, disk, found, built, committed.blobs)
    notes = []
    if new:
        notes.append(
            f"On disk but not in the last commit (not added, or ignored by .gitignore): {_some(new)}; "
            "graded from its address, the repository would lack that."
        )
    if changed:
        notes.append(f"Changed since the last commit: {_some(changed)}; graded as on disk.")
    if gone:
        notes.append(f"In the last commit but not on disk: {_some(sorted(gone))}; graded as on disk.")
    if not told_all and not changed:
        notes.append("Not every file was compared with the last commit: there is too much of it.")
    return tuple(notes)


def _some(paths: Sequence[str]) -> str:
    named = ", ".join(visible(path) for path in paths[:_NAMED])
    return f"{named} and {len(paths) - _NAMED} more" if len(paths) > _NAMED else named


def _changed(
    repo: LocalRepo, disk: Disk, found: Found, built: tree.Tree, blobs: dict[str, str]
) -> tuple[list[str], bool]:
    """Files whose bytes are not those of the commit, and whether all were compared. Line ends alone are no change."""
    both = [path for path in built.files if path in blobs]
    sizes = objects.sizes(repo.start, (blobs[path] for path in both), seconds=_COMPARING_SECONDS)
    deadline, left = time.monotonic() + _COMPARING_SECONDS, _COMPARED_ALL
    changed, told_all = [], True
    for path in both:
        size, stored = found.files[path], sizes.get(blobs[path])
        if stored is None:
            told_all = False
            continue
        if size < stored or size > 2 * stored + 1000:  # line ends alone make a file at most twice as long
            changed.append(path)
            continue
        left -= size
        if size > _COMPARED_FILE or left < 0 or time.monotonic() > deadline:
            told_all = False
            continue
        try:
            data = disk.read(path, _COMPARED_FILE)
        except Unreadable:
            continue  # its reading says so
        if _blob(data, blobs[path]) == blobs[path]:
            continue
        if size == stored or _blob(data.replace(b"\r\n", b"\n"), blobs[path]) != blobs[path]:
            changed.append(path)
    return changed, told_all


def _blob(data: bytes, like: str) -> str:
    """The id that git gives these bytes, in the format of the id ``like``."""
    make = hashlib.sha1 if len(like) == 40 else hashlib.sha256
    return make(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
