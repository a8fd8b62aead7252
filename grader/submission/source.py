"""From what a user types or pastes to a submission: which kind of source it is, where it lies, which ref is meant."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from grader.limits import Limits
from grader.patterns import pattern
from grader.submission import weblinks
from grader.submission.errors import Unobtainable, WrongCall
from grader.submission.tree import Tree
from grader.text import redact_url, visible

Kind = Literal["git", "folder", "bare", "archive", "refused"]

_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz")
_SCHEME = pattern(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_HELPER = pattern(r"[A-Za-z][A-Za-z0-9+.-]*::")
_SCP = pattern(r"(?P<host>(?:[\w.-]+@)?(?:[\w-]+\.)*[\w-]{2,}|\S*@\[[0-9A-Fa-f:]+\]):(?P<path>[^:\\].*)")
_BARE_HOST = pattern(r"(?P<host>(?:[A-Za-z0-9](?:[\w-]*)\.)+[A-Za-z]{2,24}(?::\d+)?)/(?P<path>[^\s]+)")
_LOOSE_LOGIN = pattern(r"[^/@\s:]+:[^/@\s]+@(?=(?:[\w-]+\.)+[A-Za-z]{2,24}(?::\d+)?/)")
_REF_REFUSED = pattern(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)|^[/.]|[/.]$")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a submission is. Nothing in its ``repr`` is a credential.

    ``shown``: as given, credentials as ``***``. ``location``: a URL without credentials, or an absolute path. ``refs``:
    candidates for the ref, the likeliest first; none means HEAD. ``asked``: the ref was named (a missing one is told).
    ``login``: user and password of a URL. ``problem``: why a ``refused`` source is none.
    """

    shown: str
    kind: Kind
    given: str = field(default="", repr=False)
    location: str = field(default="", repr=False)
    refs: tuple[str, ...] = ()
    login: tuple[str, str | None] | None = field(default=None, repr=False)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission that is here. ``committed_at`` is ISO 8601 with offset; ``notes`` are sentences for the report."""

    tree: Tree
    ref: str | None = None
    commit: str | None = None
    committed_at: str | None = None
    notes: tuple[str, ...] = ()
    closer: Callable[[], None] | None = field(default=None, repr=False, compare=False)

    def close(self) -> None:
        """End what was opened to read it. May be called more than once."""
        if self.closer is not None:
            self.closer()


def shown(text: str) -> str:
    """``text`` as given, with the credentials in it as ``***``; also of a URL that is malformed."""
    match = _SCHEME.match(text.strip())
    if match is None:
        login = _LOOSE_LOGIN.match(text.strip())
        return f"***@{text.strip()[login.end() :]}" if login else redact_url(text)
    rest = match.group("rest")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    ssh = match.group("scheme").lower().endswith("ssh")
    if "@" in authority:
        info, _, host = authority.rpartition("@")
        if not ssh or ":" in info:
            rest = f"***@{host}{rest[len(authority) :]}"
    elif ":" in authority and not re.fullmatch(r"(?:\[[^\]]*\]|[^:]*):\d*", authority) and "@" in rest:
        rest = f"***@{rest.rpartition('@')[2]}"  # a password with a slash in it
    return redact_url(f"{match.group('scheme')}://{rest}")


def refused(text: str, problem: str) -> Source:
    """A source that is none; obtaining it says ``problem``."""
    return Source(shown(text), "refused", given=text, problem=problem)


def parse(text: str, ref: str | None = None) -> Source:
    """What ``text`` (a URL, a folder, an archive, as typed or pasted) and ``--ref`` mean.

    Raises:
        Unobtainable: nothing that a submission can be obtained from; one sentence with what to do next.
        WrongCall: a ref that is none, or one where none can be.
    """
    if ref is not None:
        _check_ref(ref)
    trimmed = _trimmed(text)
    if not trimmed:
        raise Unobtainable("The source is empty; give a git URL, a folder, or a .zip or .tar.gz of one.")
    if re.search(r"[\x00-\x1f\x7f]", trimmed):
        raise Unobtainable(f"{visible(shown(trimmed))} has control characters in it; give it without them.")
    scheme = _SCHEME.match(trimmed)
    if scheme:
        return _url(text, scheme.group("scheme").lower(), scheme.group("rest"), ref)
    local = _local(text, trimmed, ref)
    if local is not None:
        return local
    if _HELPER.match(trimmed):
        raise _other_scheme(trimmed)
    if _LOOSE_LOGIN.match(trimmed) or _bare_host(trimmed):
        return _url(text, "https", trimmed, ref)
    scp = _SCP.fullmatch(trimmed)
    if scp and ("@" in scp.group("host") or "." in scp.group("host")) and trimmed[0] != "-":
        path, named = weblinks.split_ref(scp.group("path"))
        return _git(text, f"{scp.group('host')}:{path.rstrip('/')}", (named,) if named else (), ref)
    hint = ""
    if re.fullmatch(r"[\w-]+/[\w.-]+", trimmed):
        hint = f"; for the repository on GitHub write github.com/{trimmed}"
    raise Unobtainable(
        f"There is no folder or archive called {visible(shown(trimmed))}; check the path, or give a git URL{hint}."
    )


def obtain(
    source: Source,
    workdir: Path,
    limits: Limits,
    *,
    exclude: tuple[str, ...] = (),
    wanted: Callable[[Sequence[str]], Sequence[str]],
) -> Submission:
    """Bring the submission here. ``workdir`` is an empty folder that the caller removes.

    ``wanted`` says, of all paths, whose bytes will be asked for, however large they are.

    Raises:
        Unobtainable: it could not be obtained or read; one sentence without credentials.
        WrongCall: a expression of ``exclude`` is none.
    """
    from grader.submission.exclude import matcher

    left_out = matcher(exclude)
    if source.kind == "git":
        from grader.submission import git

        return git.obtain(source, workdir, limits, exclude=left_out, wanted=wanted)
    if source.kind == "folder":
        from grader.submission import folder

        return folder.obtain(source, workdir, limits, exclude=left_out)
    if source.kind == "bare":
        from grader.submission import localrepo

        return localrepo.obtain_bare(source, workdir, limits, exclude=left_out)
    if source.kind == "archive":
        from grader.submission import archive

        return archive.obtain(source, workdir, limits, exclude=left_out)
    raise Unobtainable(source.problem or "This is no source of a submission.")


def _trimmed(text: str) -> str:
    """Without what comes along when one pastes: spaces, angle brackets, quotes, ``git clone``."""
    text = text.strip().strip("\u200b\ufeff")
    text = re.sub(r"\Agit\s+clone\s+(?=\S+\Z)", "", text)
    return text[1:-1].strip() if len(text) > 2 and text[0] + text[-1] in ("<>", '""', "''") else text


def _check_ref(ref: str) -> None:
    if ref.startswith(("-", "+")) or not ref or _REF_REFUSED.search(ref) or len(ref) > 500:
        raise WrongCall(
            f"{visible(ref)[:80]!r} cannot be the name of a branch, tag or commit; give --ref as in --ref main"
        )


def _other_scheme(text: str) -> Unobtainable:
    return Unobtainable(
        f"{visible(shown(text))} is no kind of address that is graded; give one with https, http, ssh or file, or git@host:path."
    )


def _bare_host(text: str) -> bool:
    """A URL pasted without its scheme: a host's name, and no such folder here."""
    match = _BARE_HOST.fullmatch(text)
    return match is not None and not os.path.lexists(match.group("host"))


def _git(
    given: str,
    location: str,
    named: tuple[str, ...],
    ref: str | None,
    login: tuple[str, str | None] | None = None,
) -> Source:
    for one in named:
        _check_ref(one)
    refs = (ref,) if ref is not None else named
    return Source(shown(given.strip()), "git", given=given, location=location, refs=refs, login=login)


def _url(given: str, scheme: str, rest: str, ref: str | None) -> Source:
    if scheme not in ("https", "http", "ssh", "git+ssh", "ssh+git", "file"):
        raise _other_scheme(f"{scheme}://{rest}")
    if "ssh" in scheme:
        scheme = "ssh"
    told = visible(shown(f"{scheme}://{rest}"))
    if scheme == "file":
        path = rest.partition("/")[1] + rest.partition("/")[2]
        named = None
        if not os.path.lexists(path):
            path, named = weblinks.split_ref(path)
        return _git(given, f"file://{path}", (named,) if named else (), ref)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    info, at, host = authority.rpartition("@")
    if not re.fullmatch(r"(?:[\w][\w.-]*|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?", host):
        raise Unobtainable(
            f"{told} names no host; write special characters of a user name or password in it percent-encoded."
        )
    if re.search(r"\s", rest):
        raise Unobtainable(f"{told} has a space in it; write it as %20.")
    path = rest[len(authority) :]
    login = None
    if at:
        from urllib.parse import unquote

        user, colon, password = info.partition(":")
        login = (unquote(user), unquote(password) if colon else None)
        if any(set(part or "") & set("\r\n\0") for part in login):
            raise Unobtainable(f"{told} has control characters in its user name or password.")
    if scheme == "ssh":
        path, named = weblinks.split_ref(path.rstrip("/"))
        user = f"{login[0]}@" if login else ""
        if user.startswith("-"):
            raise Unobtainable(f"{told} names no user.")
        return _git(given, f"ssh://{user}{host}{path}", (named,) if named else (), ref)
    link = weblinks.read(host, path)
    if link is None:
        raise Unobtainable(
            f"{told} is not the address of a repository; give it as in https://github.com/USER/REPOSITORY."
        )
    return _git(given, f"{scheme}://{link.host}{link.path}", link.refs, ref, login)


def _local(given: str, text: str, ref: str | None) -> Source | None:
    """A folder or file that is here; None where there is none of that name."""
    path = text
    found = _mode(path)
    if found is None:
        before, named = weblinks.split_ref(text)
        found = _mode(before) if named else None
        if found is None or (named is None):
            if text.lower().endswith(_ARCHIVES) and "://" not in text and not _bare_host(text):
                raise Unobtainable(f"There is no archive {visible(text)}; check the path.")
            return None
        path = before
        if ref is None:
            _check_ref(named)
            ref = named
    absolute = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
    told = visible(path)
    if stat.S_ISDIR(found):
        if _is_bare(absolute):
            return Source(given, "bare", given=given, location=absolute, refs=(ref,) if ref else ())
        if ref is not None:
            raise WrongCall(
                f"{told} is a folder and is graded as it is on disk; leave the ref out, or give file://{absolute}"
            )
        return Source(given, "folder", given=given, location=absolute)
    if stat.S_ISREG(found) and path.lower().endswith(_ARCHIVES):
        if ref is not None:
            raise WrongCall(f"{told} is an archive and has no refs; leave the ref out")
        return Source(given, "archive", given=given, location=absolute)
    raise Unobtainable(
        f"{told} is neither a folder nor an archive; give a folder, a .zip, a .tar.gz or a git URL."
    )


def _mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode  # noqa: PTH116 - the user named it; a link in that name is theirs
    except (OSError, ValueError):
        return None


def _is_bare(path: str) -> bool:
    """A bare repository by its own files; a folder with ``.git`` is a working folder."""
    if os.path.lexists(os.path.join(path, ".git")):  # noqa: PTH118
        return False
    kinds = {"HEAD": stat.S_ISREG, "objects": stat.S_ISDIR, "refs": stat.S_ISDIR}
    for name, is_kind in kinds.items():
        try:
            if not is_kind(os.lstat(os.path.join(path, name)).st_mode):  # noqa: PTH118
                return False
        except OSError:
            return False
    return True
