"""What can go wrong on the way to a submission, as sentences for people."""

from __future__ import annotations


class Unobtainable(Exception):
    """The submission could not be obtained or read (exit code 3). The message is one sentence, free of credentials."""


class Unreadable(Exception):
    """One file could not be read: too large, absent from a partial clone, undecodable. The message says why, briefly."""


class WrongCall(Exception):
    """The call is wrong (exit code 2). The message is one sentence with what to do next."""
