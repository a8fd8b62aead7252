"""Commands that run another command, taken off: what is left is the one that matters."""

from __future__ import annotations

from collections.abc import Mapping

from grader.facts.shell.expand import Word
from grader.patterns import pattern

# Commands that run another one: how many words of their own they take after their flags, and which flags
# have values.
_PREFIXES: Mapping[str, tuple[int, frozenset[str]]] = {
    "sudo": (0, frozenset({"-u", "-g", "-h", "-p", "--user", "--group"})),
    "env": (0, frozenset({"-u", "-C", "--unset", "--chdir"})),
    "time": (0, frozenset({"-f", "-o"})),
    "nohup": (0, frozenset()),
    "exec": (0, frozenset({"-a"})),
    "command": (0, frozenset()),
    "builtin": (0, frozenset()),
    "nice": (0, frozenset({"-n"})),
    "timeout": (1, frozenset({"-s", "-k", "--signal", "--kill-after"})),
    "xargs": (0, frozenset({"-I", "-n", "-P", "-L", "-d", "-a", "-s"})),
    "watch": (0, frozenset({"-n", "--interval"})),
    "winpty": (0, frozenset()),
    "call": (0, frozenset()),
    "start": (0, frozenset()),
    "trap": (0, frozenset()),
    "cmd": (0, frozenset()),
    "cmd.exe": (0, frozenset()),
}
_RUNNERS = frozenset({"uv", "poetry", "pipenv", "pdm", "hatch", "rye", "conda"})
_ASSIGNMENT = pattern(r"([A-Za-z_]\w{0,100})(\+?)=")


def unwrapped(words: list[Word], *, in_cmd: bool = False) -> list[Word]:
    """The words without what only runs the command: ``sudo -E``, ``env X=1``, ``!``, ``@``, ``poetry run``.

    ``in_cmd``: by the rules of cmd.exe, which does not tell capitals and has its own ``if``.
    """
    for _ in range(8):
        if not words:
            return words
        first = words[0].text.lstrip("!@") or words[0].text
        if first != words[0].text:
            words = [Word(first, words[0].line, words[0].known, words[0].quoted), *words[1:]]
            continue
        if set(first) <= {"!", "@"}:
            words = words[1:]
            continue
        if first in _RUNNERS and any(w.text == "run" for w in words[1:3]):
            index = next(i for i, w in enumerate(words) if w.text == "run") + 1
            while index < len(words) and words[index].text.startswith("-"):
                index += 2 if words[index].text in ("-n", "--name", "-p", "--with", "-e") else 1
            words = words[index:]
            continue
        if in_cmd:
            first = first.lower()  # cmd.exe does not tell CALL from call
            if first == "if":
                words = _behind_condition(words)
                continue
        if first not in _PREFIXES:
            return words
        if first == "command" and any(w.text in ("-v", "-V") for w in words[1:2]):
            return words  # it asks whether there is such a command
        own, with_value = _PREFIXES[first]
        if first.startswith("cmd") and not any(w.text.lower() in ("/c", "/k") for w in words[1:2]):
            return words
        index = 1
        while index < len(words):
            text = words[index].text
            if text.startswith("-") and len(text) > 1:
                index += 2 if text in with_value else 1
            elif (first in ("cmd", "cmd.exe", "start") and text.startswith("/")) or (
                first == "env" and _ASSIGNMENT.match(text)
            ):
                index += 1
            elif own > 0:
                own -= 1
                index += 1
            else:
                break
        words = words[index:]
    return words


def _behind_condition(words: list[Word]) -> list[Word]:
    """What ``if [/i] [not] exist FILE``, ``errorlevel N``, ``defined X`` or ``A==B`` of cmd.exe runs."""
    rest = [w for w in words[1:] if w.text.lower() not in ("/i", "not")]
    if rest and rest[0].text.lower() in ("exist", "errorlevel", "defined"):
        return rest[2:]
    if len(rest) > 2 and rest[1].text.lower() in ("==", "equ", "neq", "lss", "leq", "gtr", "geq"):
        return rest[3:]
    return rest[1:]
