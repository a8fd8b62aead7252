"""Syntax that this interpreter does not know, in words that it does: of newer Pythons, and of Python 2.

Both are rewritings of text that keep the lines; whether the result is right is for the parser to say.
"""

from __future__ import annotations

import re

from grader.patterns import pattern

_TYPE_ALIAS = pattern(r"(?m)^([ \t]*)type[ \t]+([A-Za-z_]\w*)[ \t]*(\[[^\]\n]*\])?[ \t]*=(?!=)")
_TYPE_PARAMETERS = pattern(
    r"(?m)^([ \t]*(?:async[ \t]+def|def|class)[ \t]+\w+)[ \t]*\[[^\n]*?\](?=[ \t]*[(:])"
)
_EXCEPT_GROUP = pattern(r"(?m)^([ \t]*except)[ \t]*\*")
_EXCEPT_BARE = pattern(r"(?m)^([ \t]*except[ \t]+)([\w.]+(?:[ \t]*,[ \t]*[\w.]+)+)([ \t]*:)")
_STRING = pattern(r"""(?P<prefix>(?<![\w.])[A-Za-z]{0,2})(?P<quote>'''|\"\"\"|'|")|#[^\n]*""")
_MOST_DEPTH = 12


def newer(text: str) -> str | None:
    """``text`` with newer syntax rewritten, or None where there is none to be seen.

    PEP 695 (``type X = ...``, ``def f[T](...)``), ``except*``, PEP 701 (any expression in an f-string), PEP 750
    (t-strings). Python 3.14's ``except A, B:`` is left to Python 2, whose meaning of it is another and far more common.
    """
    out = _TYPE_PARAMETERS.sub(r"\1", text)
    out = _TYPE_ALIAS.sub(r"\1\2 =", out)
    out = _EXCEPT_GROUP.sub(r"\1 ", out)
    out = _plain_fstrings(out)
    return out if out != text else None


def _plain_fstrings(text: str) -> str:
    """F-strings and t-strings as sums: ``f"a{x}"`` becomes ``("a"+format(x))``, nested quotes and all."""
    out: list[str] = []
    position = 0
    while match := _STRING.search(text, position):
        quote = match.group("quote")
        if quote is None:  # a comment
            out.append(text[position : match.end()])
            position = match.end()
            continue
        prefix = match.group("prefix").lower()
        out.append(text[position : match.start()])
        if set(prefix) & {"f", "t"} and set(prefix) <= set("frtb"):
            parsed = _fstring(text, match.end(), quote, "r" in prefix, 0)
            if parsed is None:
                return text
            replacement, position = parsed
            out.append(replacement)
            continue
        end = _string_end(text, match.end(), quote)
        out.append(text[match.start() : end])
        position = end
    out.append(text[position:])
    return "".join(out)


def _string_end(text: str, position: int, quote: str) -> int:
    while position < len(text):
        if text[position] == "\\":
            position += 2
        elif text.startswith(quote, position):
            return position + len(quote)
        elif text[position] == "\n" and len(quote) == 1:
            return position
        else:
            position += 1
    return len(text)


def _fstring(text: str, start: int, quote: str, raw: bool, depth: int) -> tuple[str, int] | None:
    """The sum for the f-string whose contents begin at ``start``, and where it ends."""
    parts: list[str] = []
    literal: list[str] = []
    position = start
    if depth > _MOST_DEPTH:
        return None

    def flush() -> None:
        if literal:
            prefix = "r" if raw else ""
            parts.append(prefix + quote + "".join(literal) + quote)
            literal.clear()

    while position < len(text):
        char = text[position]
        if text.startswith(quote, position):
            flush()
            return "(" + ("+".join(parts) or '""') + ")", position + len(quote)
        if char == "\\" and not raw and text[position : position + 3] == "\\N{":
            end = text.find("}", position)
            if end < 0:
                return None
            literal.append(text[position : end + 1])
            position = end + 1
        elif char == "\\":
            literal.append(text[position : position + 2])
            position += 2
        elif char in "{}" and text[position + 1 : position + 2] == char:
            literal.append(char)
            position += 2
        elif char == "{":
            flush()
            field = _field(text, position + 1, depth + 1)
            if field is None:
                return None
            expression, position = field
            parts.append(f"format({expression})")
        elif char == "\n" and len(quote) == 1:
            return None
        else:
            literal.append(char)
            position += 1
    return None


def _field(text: str, position: int, depth: int) -> tuple[str, int] | None:
    """The expression of a replacement field that begins at ``position``, and where the field ends."""
    out: list[str] = []
    brackets = 0
    while position < len(text):
        char = text[position]
        match = _STRING.match(text, position)
        if match and match.group("quote"):
            quote, prefix = match.group("quote"), match.group("prefix").lower()
            if set(prefix) & {"f", "t"}:
                inner = _fstring(text, match.end(), quote, "r" in prefix, depth)
                if inner is None:
                    return None
                out.append(inner[0])
                position = inner[1]
            else:
                end = _string_end(text, match.end(), quote)
                out.append(text[position:end])
                position = end
            continue
        if char in "([{":
            brackets += 1
        elif char in ")]" or (char == "}" and brackets):
            brackets -= 1
        elif not brackets and (char == "}" or (char in ":!" and text[position + 1 : position + 2] != "=")):
            break
        out.append(char)
        position += 1
    level = 0
    while position < len(text):  # conversion and format specification mean nothing to us
        if text[position] == "{":
            level += 1
        elif text[position] == "}":
            if not level:
                return "".join(out).strip().removesuffix("=") or "None", position + 1
            level -= 1
        position += 1
    return None


_PRINT = pattern(
    r"(?m)^(?P<head>(?:[ \t]*|.*?:[ \t]+|.*?;[ \t]*))print(?P<rest>[ \t]*(?:>>[^\n]*|(?![ \t]*[(=.,)\]])[^\n;]*))(?=$|;)"
)
_PRINT_PARENTHESES = pattern(r"(?m)^([ \t]*)print[ \t]*(\([^\n]*\)[ \t]*(?:%|,|\+)[^\n]*)$")
_EXEC = pattern(r"(?m)^([ \t]*)exec[ \t]+(?!\()([^\n]+)$")
_EXCEPT_AS = pattern(r"(?m)^([ \t]*except[ \t]+(?:[\w.]+|\([^\n)]*\)))[ \t]*,[ \t]*(\w+)([ \t]*:)")
_RAISE = pattern(r"(?m)^([ \t]*raise[ \t]+[\w.]+)[ \t]*,[ \t]*([^\n]+)$")
_OCTAL = pattern(r"(?<![\w.])0+([1-7][0-7]*)[lL]?\b")
_LONG = pattern(r"(?<![\w.])(\d+)[lL]\b")
_UR = pattern(r"(?<![\w])[uU][rR](?=['\"])")
_BACKTICKS = pattern(r"`([^`\n]+)`")
_NOT_EQUAL = pattern(r"<>")
_TUPLE_PARAMETER = pattern(r"(?m)^([ \t]*def[ \t]+\w+[ \t]*\([^\n]*?)\(([\w, \t]+)\)([^\n]*\)[ \t]*:)")


def python2(text: str) -> str | None:
    """``text`` with what only Python 2 knows rewritten, or None where nothing of it is to be seen."""
    out = _PRINT_PARENTHESES.sub(r"\1print(\2)", text)
    out = _PRINT.sub(_printed, out)
    out = _EXCEPT_AS.sub(r"\1 as \2\3", out)
    out = _EXEC.sub(r"\1exec(\2)", out)
    out = _RAISE.sub(r"\1(\2)", out)
    out = _UR.sub("r", out)
    out = _NOT_EQUAL.sub("!=", out)
    out = _BACKTICKS.sub(r"repr(\1)", out)
    out = _OCTAL.sub(r"0o\1", out)
    out = _LONG.sub(r"\1", out)
    out = _TUPLE_PARAMETER.sub(r"\1_unpacked\3", out)
    return out if out != text else None


def _printed(match: re.Match[str]) -> str:
    head, rest = match.group("head"), match.group("rest")
    if "'" in head or '"' in head or "#" in head:
        return match.group()
    comment = ""
    rest = rest.strip()
    if rest.startswith(">>"):
        rest = rest[2:]
    if "#" in rest and not re.search(r"['\"][^'\"]*#", rest):
        rest, _, note = rest.partition("#")
        comment = " #" + note
    if rest.rstrip().endswith("\\") or re.match(r"(=|\+=|and\b|or\b|in\b|is\b)", rest):
        return match.group()
    return f"{head}print({rest.strip()}){comment}"
