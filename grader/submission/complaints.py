"""What git says on stderr, as one sentence for people: what is wrong, and what to do next. Never a credential."""

from __future__ import annotations

import re

from grader.patterns import pattern
from grader.submission.source import Source, shown
from grader.text import redact_url, visible

_MISSING_REF = pattern(r"(?i)couldn't find remote ref|could not find remote branch|no such remote ref")
_REFUSED = pattern(
    r"(?i)not our ref|unadvertised object|did not send all necessary objects|no such ref was fetched"
)
_DUMB = pattern(r"(?i)dumb http transport does not support")
_FORMAT = pattern(r"(?i)mismatched algorithms|hash algorithm|object format")

_ACCESS = (
    "It asked for a login: the repository is private or does not exist; check the address, "
    "or set up a credential helper or a key that may read it."
)
# The first that matches what git said. Texts of git 2.39 to 2.47, libcurl and OpenSSH.
_SENTENCES: tuple[tuple[str, str], ...] = (
    (
        r"dubious ownership",
        "The repository belongs to another user of this machine; name it in git's safe.directory if that is right.",
    ),
    (
        r"couldn't find remote ref HEAD|remote HEAD refers to nonexistent",
        "The repository has no commit on its default branch: nothing was pushed there; push the work, or name a branch as in URL@BRANCH.",
    ),
    (
        r"could ?n.t find remote ref|not our ref|unadvertised object",
        "It has no such branch, tag or commit; check the name after @ or --ref.",
    ),
    (
        r"could not resolve host|name or service not known|temporary failure in name resolution|nodename nor servname",
        "{host} is not known; check the address and the connection to the network.",
    ),
    (
        r"host key verification failed",
        "The key of {host} is not among the known hosts; connect to it once by ssh, or give the https address.",
    ),
    (
        r"terminal prompts disabled|could not read (username|password)|authentication failed|permission denied|returned error: 40[13]|access denied|invalid credentials|publickey",
        _ACCESS,
    ),
    (r"operation too slow|timed? ?out|timeout", "{host} sent nothing for too long; try again later."),
    (
        r"connection refused|failed to connect|couldn't connect|no route to host|network is unreachable",
        "{host} refuses the connection or cannot be reached; check the address and the port.",
    ),
    (
        r"\bssl\b|\btls\b|certificate",
        "No secure connection to {host} could be made: its certificate or its TLS was not accepted.",
    ),
    (
        r"redirect|returned error: 30\d",
        "{host} redirects to another place; give the address that it leads to.",
    ),
    (
        r"repository not found|repository '.*' not found|does not exist|does not appear to be a git repository|not a git repository|no such file or directory|returned error: (404|410)|is this a git repository|could not be found",
        "There is no such repository at {host}, or it is private; check the address.",
    ),
    (r"no space left", "There is no space left on this machine's disk."),
    (
        r"out of memory|cannot allocate|mmap failed",
        "Reading what the server sent needs more memory than it may use.",
    ),
    (r"returned error: (\d{3})", "{host} answered with an error of its own (HTTP {code}); try again later."),
    (
        r"early eof|remote end hung up|unexpected disconnect|connection reset|recv failure|empty reply|transfer closed|rpc failed|connection closed|curl \d+",
        "The connection to {host} broke off; try again later.",
    ),
    (r"could not read from remote repository", _ACCESS),
)


def is_missing_ref(said: str) -> bool:
    """Whether the ref that was asked for is not there."""
    return _MISSING_REF.search(said) is not None


def is_refused_object(said: str) -> bool:
    """Whether the server has no such object, or gives out none that no ref names."""
    return _REFUSED.search(said) is not None


def is_dumb_server(said: str) -> bool:
    """Whether the server is a plain web server that knows neither depth nor filter."""
    return _DUMB.search(said) is not None


def is_other_format(said: str) -> bool:
    """Whether the repository's ids are of another length than ours."""
    return _FORMAT.search(said) is not None


def sentence(said: str, source: Source) -> str:
    """One sentence on why git could not fetch. What the server itself wrote (``remote:`` lines) is not repeated."""
    lines = [line for line in said.splitlines() if not line.lstrip().startswith(("remote:", "warning:"))]
    own = "\n".join(lines)
    for expression, text in _SENTENCES:
        match = re.search(f"(?i){expression}", own)
        if match:
            code = re.search(r"returned error: (\d{3})", own)
            return text.format(host=_host(source), code=code.group(1) if code else "")
    if re.search(r"(?i)repository not found|not found|denied|does not exist", said):
        return f"There is no such repository at {_host(source)}, or it is private; check the address."
    fatal = next((line for line in lines if line.startswith("fatal:")), "") or next(iter(lines), "")
    text = _redacted(fatal.removeprefix("fatal:").strip(), source)[:300].rstrip(".")
    return f"It could not be fetched: {text}." if text else "It could not be fetched: git gave no reason."


def _redacted(text: str, source: Source) -> str:
    for secret in filter(None, source.login or ()):
        if len(secret) > 3:
            text = text.replace(secret, "***")
    return visible(redact_url(text))


def _host(source: Source) -> str:
    if source.location.startswith("file://"):
        return "that place"
    host = re.match(r"(?:[a-z+]+://)?(?:[^@/]*@)?(\[[^\]]*\]|[^:/]+)", source.location)
    return visible(host.group(1)) if host else visible(shown(source.shown))
