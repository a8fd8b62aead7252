"""Names and texts of a submission are data: nothing in them may act on a terminal, a page or a log."""

from __future__ import annotations

import re

from grader.patterns import pattern

# C0, DEL, C1, bidirectional marks and the lone surrogates that stand for bytes that are no UTF-8.
_UNSAFE = pattern("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str, keep: str = "") -> str:
    r"""``text`` with control characters, bidirectional marks and undecodable bytes shown as ``\x1b``.

    ``keep`` names characters that may stay (``"\n\t"`` in an excerpt of several lines).
    """

    def shown(match: re.Match[str]) -> str:
        char = match.group()
        if char in keep:
            return char
        code = ord(char)
        if 0xDC80 <= code <= 0xDCFF:  # surrogateescape: a byte that was no UTF-8
            return f"\\x{code - 0xDC00:02x}"
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"

    return _UNSAFE.sub(shown, text)


def excerpt(text: str, width: int = 120) -> str:
    """One line of a submission for a report: visible, trimmed, at most ``width`` characters."""
    line = visible(text[: 4 * width], keep="\t").replace("\t", " ").strip()
    return line if len(line) <= width else line[: width - 1] + "…"


def decode(raw: bytes) -> str:
    """Text of a file whose encoding nobody promised: UTF-8 or UTF-16 by its mark, else UTF-8, else latin-1."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


_USERINFO = pattern(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<info>[^/?#\s'\"]*)@")
_QUERY_SECRET = pattern(r"(?i)([?&;](?:[a-z_-]*token|key|password|secret|sig(?:nature)?|auth)=)[^&#\s'\"]+")


def redact_url(text: str) -> str:
    """``text`` with the credentials of every URL in it shown as ``***``; a plain ssh user name stays."""

    def hidden(match: re.Match[str]) -> str:
        scheme, info = match.group("scheme"), match.group("info")
        if scheme.lower() in ("ssh://", "git+ssh://") and ":" not in info:
            return match.group()
        return f"{scheme}***@"

    return _QUERY_SECRET.sub(r"\1***", _USERINFO.sub(hidden, text))
