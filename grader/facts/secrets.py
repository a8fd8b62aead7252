"""Cloud credentials in texts and notebooks, by their form; and how to keep them out of what is printed.

Precision first: what is found here costs points, so a placeholder, an ARN, an account number, a path to a key file or
a value read from the environment is none. :func:`hide`, for excerpts, errs on the other side.

Forms: AWS access key ids begin with AKIA (long-lived) or ASIA (temporary) and are 20 characters, secret access keys
are 40 (IAM User Guide, "IAM identifiers", 2026-11-22); a Google service account key is a JSON object with
``private_key`` and ``client_email`` (Google Cloud IAM documentation, "Create service account keys", 2026-11-22);
prefixes of tokens are those that each vendor publishes for scanners.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from grader.facts.code import NotebookDocument
from grader.facts.records import Secret
from grader.patterns import pattern

_KEY_ID = pattern(r"(?<![A-Za-z0-9/+])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])")
_SIGNED = pattern(r"X-Amz-(?:Credential|Security-Token)=\Z", re.IGNORECASE)
_FORTY = pattern(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_SECRET_NAME = pattern(r"(?i)secret(?!s?[_-]?(?:name|arn|id|manager))|aws[_-]?(?:access[_-]?)?key(?![_-]?id)")
_NAME_REACH = 60  # characters between a name and its value
_ID_REACH = 3  # lines between a key id and its secret

_TOKEN_NAME = pattern(r"(?i)(?:session|security|aws)[_-]?token")
_TOKEN_VALUE = pattern(r"(?<![A-Za-z0-9/+_-])[A-Za-z0-9/+_-]{80,}")
_TOKEN_MARK = ("FwoGZXIvYXdz", "IQoJb3JpZ2lu", "FQoGZXIvYXdz", "FQoDYXdz", "AQoDYXdz", "AgoJb3JpZ2lu")

_PEM = pattern(r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = pattern(r"[A-Za-z0-9+/]{40,}")
_PEM_REACH = 2_000
_SERVICE_ACCOUNT = pattern(r"private_key[\\\"']{1,4}\s{0,8}:")
_SERVICE_ACCOUNT_SIGN = pattern(r"client_email|service_account|gserviceaccount\.com")
_SERVICE_ACCOUNT_REACH = 6_000

# Prefixed tokens: literal beginnings, so that searching for them is linear.
_TOKENS = pattern(
    r"(?<![A-Za-z0-9_-])(?:"
    r"gh[pousr]_[A-Za-z0-9]{36,255}"
    r"|github_pat_[A-Za-z0-9_]{60,255}"
    r"|glpat-[A-Za-z0-9_-]{20,100}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{20,255}"
    r"|AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"
    r"|GOCSPX-[A-Za-z0-9_-]{28}(?![A-Za-z0-9_-])"
    r"|ya29\.[A-Za-z0-9_-]{40,2000}"
    r"|1//0[A-Za-z0-9_-]{40,255}"
    r"|sk-(?:proj|ant|svcacct|admin)-[A-Za-z0-9_-]{32,255}"
    r"|sk-[A-Za-z0-9]{40,64}(?![A-Za-z0-9_-])"
    r"|sk_live_[A-Za-z0-9]{24,120}"
    r"|hf_[A-Za-z0-9]{30,60}(?![A-Za-z0-9_-])"
    r"|npm_[A-Za-z0-9]{36}(?![A-Za-z0-9_-])"
    r"|pypi-AgE[A-Za-z0-9_-]{50,500}"
    r"|dckr_pat_[A-Za-z0-9_-]{27,60}"
    r"|SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"
    r"|dapi[a-f0-9]{32}(?![A-Za-z0-9])"
    r")"
)
# Tokens without a prefix of their own, which the name before them tells.
_NAMED_TOKEN = pattern(
    r"(?i)(?:wandb[_.-]?(?:api[_-]?key|login)[^\n]{0,20}?(?<![a-f0-9])([a-f0-9]{40})(?![a-f0-9])"
    r"|kaggle[_-]?key[^\n]{0,12}?(?<![a-f0-9])([a-f0-9]{32})(?![a-f0-9])"
    r"|[\"']username[\"']\s{0,4}:\s{0,4}[\"'][^\"'\n]{1,60}[\"']\s{0,4},\s{0,4}[\"']key[\"']\s{0,4}:\s{0,4}[\"']([a-f0-9]{32})[\"']"
    r"|AccountKey=([A-Za-z0-9+/]{86}==))"
)

_DUMMY = pattern(
    r"(?i)example|your|placeholder|change.?me|dummy|fake|redacted|sample|insert|replace|secret.?(?:access|key)"
    r"|x{4}|\*{3}|\.{3}|(.)\1{5}|0123456|1234567|abcdefg|deadbeef|qwerty"
)


def _entropy(value: str) -> float:
    """Bits a character, of at most 400 characters."""
    value = value[:400]
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values()) if value else 0.0


def _random(value: str, bits: float) -> bool:
    return not _DUMMY.search(value[:400]) and _entropy(value) >= bits


def _is_key_id(text: str, match: re.Match[str]) -> bool:
    """An access key id that stands for a credential: no example, and no part of a signed address."""
    before = text[max(0, match.start() - 24) : match.start()]
    return _random(match.group()[4:], 2.8) and not _SIGNED.search(before)


def _mixed(value: str) -> bool:
    """Lower case, upper case and a digit: no word, path or hexadecimal digest looks like that."""
    return bool(
        re.search(r"[a-z]", value)
        and re.search(r"[A-Z]", value)
        and re.search(r"[0-9]", value)
        and not re.fullmatch(r"[0-9a-fA-F]+", value)
    )


def _spans(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of every credential, the weightiest kind of a line first."""
    ids = [m for m in _KEY_ID.finditer(text) if _is_key_id(text, m)]
    yield from _secret_keys(text, ids)
    for match in _TOKEN_VALUE.finditer(text):
        named = _TOKEN_NAME.search(text, max(0, match.start() - _NAME_REACH), match.start())
        value = match.group()
        marked = value.startswith(_TOKEN_MARK)
        if _SIGNED.search(text[max(0, match.start() - 24) : match.start()]):
            continue
        if (marked or (named and len(value) >= 100)) and _mixed(value[:400]) and _random(value, 4.2):
            yield match.start(), match.end(), "aws-session-token"
    yield from _private_keys(text)
    for match in _TOKENS.finditer(text):
        value = match.group()
        if _random(value[4:], 3.0) and (
            value.startswith("dapi") or re.search(r"[0-9]|[a-z][A-Z]", value[4:])
        ):
            yield match.start(), match.end(), "api-token"
    for match in _NAMED_TOKEN.finditer(text):
        group = match.lastindex or 0
        if _random(match.group(group), 2.8):
            yield match.start(group), match.end(group), "api-token"
    for match in ids:
        yield match.start(), match.end(), "aws-access-key-id"


def _secret_keys(text: str, ids: list[re.Match[str]]) -> Iterator[tuple[int, int, str]]:
    """Forty mixed characters behind a name that says secret, or within three lines of a key id."""
    near: list[tuple[int, int]] = []
    for found in ids:
        begin, end = found.start(), found.end()
        for _ in range(_ID_REACH):
            begin = max(0, text.rfind("\n", 0, max(begin, 0)))
            after = text.find("\n", end + 1)
            end = len(text) if after < 0 else after
        near.append((max(begin, found.start() - 1_000), min(end, found.end() + 1_000)))
    for match in _FORTY.finditer(text):
        value = match.group()
        if not _mixed(value) or not _random(value, 3.7):
            continue
        line = text.rfind("\n", 0, match.start()) + 1
        named = _SECRET_NAME.search(text, max(line, match.start() - _NAME_REACH), match.start())
        if named or any(begin <= match.start() < end for begin, end in near[:200]):
            yield match.start(), match.end(), "aws-secret-access-key"


def _private_keys(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _PEM.finditer(text):
        body = text[match.end() : match.end() + _PEM_REACH]
        close = body.find("-----")
        body = body if close < 0 else body[:close]
        # In JSON, and in a string of code, a line of the key ends in a backslash and an n.
        first = _PEM_BODY.search(body.replace("\\n", "\n"))
        if first is None or not _random(first.group(), 3.5):
            continue
        begin, end = max(0, match.start() - _SERVICE_ACCOUNT_REACH), match.end() + _SERVICE_ACCOUNT_REACH
        named = _SERVICE_ACCOUNT.search(text, max(0, match.start() - 40), match.start())
        is_account = named is not None and _SERVICE_ACCOUNT_SIGN.search(text, begin, end) is not None
        yield match.start(), match.end(), "gcp-service-account-key" if is_account else "private-key"


def _found(text: str) -> list[tuple[int, str]]:
    """(line, kind), one a line: the weightiest; a private key of several lines is its first."""
    spans = list(_spans(text))
    if not spans:
        return []
    ends = [m.start() for m in re.finditer("\n", text)]
    from bisect import bisect_left

    by_line: dict[int, str] = {}
    for start, _, kind in spans:
        by_line.setdefault(bisect_left(ends, start) + 1, kind)
    return sorted(by_line.items())


def in_text(path: str, text: str) -> tuple[Secret, ...]:
    """The credentials in the text of a file, one a line at most, in order. Their own text is not kept."""
    return tuple(Secret(path, None, line, kind) for line, kind in _found(text))


def in_notebook(document: NotebookDocument) -> tuple[Secret, ...]:
    """The credentials in a notebook's cells and their outputs. In an output, ``line`` counts within its text."""
    found: list[Secret] = []
    for cell in document.cells:
        for text in (cell.source, *(output.text for output in cell.outputs)):
            found += [Secret(document.path, cell.index, line, kind) for line, kind in _found(text)]
    return tuple(dict.fromkeys(found))


_MASK = "***"
_IDS = pattern(
    r"(?i:(?<=client_email\": \")|(?<=client_email\":\")|(?<=client_email': '))[^\"'\s]{3,}"
    r"|(?i:(?<=private_key_id\": \")|(?<=private_key_id\":\")|(?<=private_key_id': '))[^\"'\s]{3,}"
    r"|(?i:(?<=client_id\": \")|(?<=client_id\":\")|(?<=client_id': '))[^\"'\s]{3,}"
    r"|(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{8,}[A-Za-z0-9/+=_-]*"
)
_LOOSE_TOKENS = pattern(
    r"(?<![A-Za-z0-9_-])(?:gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-|AIza|GOCSPX-|ya29\.|1//0|sk-proj-|sk-ant-"
    r"|sk_live_|hf_|npm_|pypi-AgE|dckr_pat_|SG\.|dapi)[A-Za-z0-9_.-]{12,}"
)
_BEGUN_KEY = pattern(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[^\"']*")
_ASSIGNED = pattern(
    r"(?i)((?:secret|token|passw(?:or)?d|pwd|credential|api[_-]?key|access[_-]?key(?:[_-]?id)?|account[_-]?key)"
    r"[a-z_]{0,30}[\"']?\s{0,4}(?:=>|[=:,])\s{0,4}[\"']?)([^\s\"'<>${}()\[\],;]{8,})"
)
_LONG = pattern(r"(?<![A-Za-z0-9/+_-])[A-Za-z0-9/+_-]{40,}={0,2}")
_CODE_VALUE = pattern(
    r"(?i)os\.|getenv|environ|sagemaker\.|boto3\.|session\.|self\.|args\.|config\.|none$|true$"
)


def hide(text: str) -> str:
    """``text`` with every credential in it, and the ids that go with one, shown as ``***``.

    For excerpts, and so on the safe side: a value of an assignment to a secret's name and any long run of mixed
    characters are hidden too. Hide first and shorten then: half a key has no form. Hiding twice changes nothing.
    """

    def assigned(match: re.Match[str]) -> str:
        name, value = match.groups()
        return match.group() if _CODE_VALUE.match(value) else name + _MASK

    def long(match: re.Match[str]) -> str:
        value = match.group()
        # Where slashes part it into words it is a path or an ARN's end, not a key.
        words = value.count("/") >= 2 and not re.search(r"[A-Za-z0-9+_-]{24,}", value)
        return match.group() if words or not _mixed(value[:4_000]) else _MASK

    # An address in clear text is a path to look at; "gs://" and the like never look like a key.
    text = _covered(text)
    text = _BEGUN_KEY.sub(_MASK, text)
    text = _IDS.sub(_MASK, text)
    text = _LOOSE_TOKENS.sub(_MASK, text)
    text = _ASSIGNED.sub(assigned, text)
    return _LONG.sub(long, text)


def _covered(text: str) -> str:
    out: list[str] = []
    at = 0
    for start, end in _merged((start, end) for start, end, _ in _spans(text)):
        out += (text[at:start], _MASK)
        at = end
    return "".join((*out, text[at:]))


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
