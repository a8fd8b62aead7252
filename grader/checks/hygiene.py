"""What should not be in a repository."""

from __future__ import annotations

from grader.checks.registry import check
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict, failed, passed, review
from grader.facts.images import is_image
from grader.facts.records import Place
from grader.patterns import pattern

_NAMES = {
    "aws-access-key-id": "an AWS access key id",
    "aws-secret-access-key": "an AWS secret access key",
    "aws-session-token": "an AWS session token",
    "gcp-service-account-key": "a Google service account key",
    "private-key": "a private key",
    "api-token": "an API token",
}
# A bound that was hit, as the readers tell it; a broken file is told in other words, and changes nothing here.
_BOUND = pattern(r"more than|not reached within|processor time|more memory|too long or too deep")
# A source beyond the bound on parsing is searched for secrets all the same, and so is a program that was not followed.
_PARSING_ONLY = pattern(r"more than \d+ sources|bytes of source text")
_FOLLOWING_ONLY = pattern(r"^not followed:|followed in part$")


@check("hygiene.secrets")
def secrets(subject: Subject) -> Verdict:
    """No cloud credentials are in the files

    Why: Whoever finds a key in a repository can spend its owner's money, and bots find it within minutes. Git keeps
        it after it was deleted from the files.
    Example: a notebook cell that writes `aws_access_key_id` and `aws_secret_access_key` into a file.
    Remedy: Revoke the key in the cloud's console now, take it out of the files, and let the code read it from the
        environment or from `~/.aws/credentials`, which no repository holds.
    """
    found = subject.facts.secrets
    if found:
        first = found[0]
        kinds = " and ".join(dict.fromkeys(_NAMES.get(secret.kind, "a credential") for secret in found))
        return failed(
            f"No credentials were expected in the files; `{first.path}` "
            f"{'holds' if len({s.path for s in found}) == 1 else 'and others hold'} {kinds}.",
            *(Place(secret.path, secret.cell, secret.line) for secret in found),
        )
    packed = {m.path for m in subject.facts.models} | {a.path for a in subject.facts.archives}
    over = tuple(
        dict.fromkeys(
            Place(u.path) for u in subject.facts.unread if u.path not in packed and _hangs_on(u.path, u.why)
        )
    )
    if over:
        return review(
            f"No credentials were expected and none were found, but `{over[0].path}` was not read to its end.",
            *over,
        )
    return passed("No credentials were found in the files.")


def _hangs_on(path: str, why: str) -> bool:
    """Whether a text in which credentials could stand was left unread because of a bound."""
    if not _BOUND.search(why) or _FOLLOWING_ONLY.search(why) or is_image(path):
        return False
    return path.lower().endswith(".ipynb") or not _PARSING_ONLY.search(why)
