"""Addresses as people copy them from a browser: which repository, and which ref, a page belongs to.

Forms seen at github.com, gitlab.com, bitbucket.org and codeberg.org (Gitea, Forgejo), 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote

from grader.patterns import pattern

_OWNER_AND_NAME = frozenset({"github.com", "bitbucket.org", "codeberg.org"})
_WITH_REF = frozenset({"tree", "blob", "raw", "blame", "commits", "edit"})
_COMMIT = pattern(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class Link(NamedTuple):
    """A repository on a host. ``refs``: what the page's ref may be, the likeliest first."""

    host: str
    path: str
    refs: tuple[str, ...]


def split_ref(path: str) -> tuple[str, str | None]:
    """``r@main`` -> ``r``, ``main``; by the last ``@`` behind a name, so ``/@user/r`` has none."""
    before, at, ref = path.rpartition("@")
    if not at or not ref or not before or before.endswith("/") or ref.endswith(".git"):
        return path, None
    return before, ref


def read(host: str, path: str) -> Link | None:
    """The repository of the page ``path`` (with query and fragment) on ``host``; None where it names none."""
    path = re.split(r"[?#]", path, maxsplit=1)[0]
    name = host.lower()
    if name.startswith("www.") and name[4:] in _OWNER_AND_NAME | {"gitlab.com"}:
        name = host = name[4:]
    parts = [unquote(part) for part in path.split("/") if part]
    raw = [part for part in path.split("/") if part]
    if any(part in (".", "..") or re.search(r"[\x00-\x1f\x7f]", part) for part in parts):
        return None
    page: Sequence[str]
    if name not in _OWNER_AND_NAME and "-" in raw:  # GitLab: /group/subgroup/name/-/tree/main
        cut = raw.index("-")
        repository, page = raw[:cut], parts[cut + 1 :]
    elif name in _OWNER_AND_NAME or (len(raw) > 3 and _is_page(raw[2:]) and not path.endswith(".git")):
        repository, page = raw[:2], parts[2:]
    else:
        repository, page = raw, ()
    # The ref may stand behind the name (r@main) and have slashes in it (r@feature/x).
    inline = None
    joined = "/".join(repository)
    if not page or "@" in "/".join(raw[:2]):
        joined, inline = split_ref("/".join(raw if "@" in joined else repository))
        if inline is not None and "/" in joined and name in _OWNER_AND_NAME:
            joined = "/".join(joined.split("/")[:2])
    if not joined or (name in _OWNER_AND_NAME | {"gitlab.com"} and "/" not in joined):
        return None
    refs = (unquote(inline),) if inline else _refs(page)
    return Link(host, f"/{joined}", refs)


def _is_page(page: Sequence[str]) -> bool:
    return page[0] in _WITH_REF | {"commit", "pull", "src", "releases"}


def _refs(page: Sequence[str]) -> tuple[str, ...]:
    """The candidates for the ref of a page below the repository.

    A branch ``a`` and a branch ``a/b`` cannot both exist, so of ``a/b/c`` the shortest that is there is the one.
    """
    if len(page) < 2:
        return ()
    kind, rest = page[0], list(page[1:])
    if kind in ("pull", "merge_requests") and rest[0].isdigit():
        return (f"refs/pull/{rest[0]}/head",) if kind == "pull" else (f"refs/merge-requests/{rest[0]}/head",)
    if kind == "commit":
        return (rest[0],)
    if kind == "releases":
        return ("/".join(rest[1:]),) if rest[0] == "tag" and len(rest) > 1 else ()
    if kind == "src" and rest[0] in ("branch", "tag", "commit") and len(rest) > 1:
        rest = rest[1:]
    elif kind not in _WITH_REF | {"src", "branch"}:
        return ()
    if rest[:2] in (["refs", "heads"], ["refs", "tags"]) and len(rest) > 2:
        rest = rest[2:]
    if _COMMIT.fullmatch(rest[0]):
        return (rest[0],)
    if rest[0].startswith("-"):
        return ()
    return tuple("/".join(rest[:n]) for n in range(1, min(len(rest), 6) + 1))
