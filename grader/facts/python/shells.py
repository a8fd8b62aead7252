"""What Python hands to a shell, and what it writes to files: for those who read commands and declarations."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Mapping
from types import MappingProxyType

from grader.facts.code import Origin, ShellText
from grader.facts.python import calls
from grader.facts.python.machine import CallSeen
from grader.facts.python.values import (
    MARKS,
    Choice,
    Const,
    Handle,
    Map,
    Method,
    Seq,
    Spot,
    Text,
    Value,
    one_text,
    options,
    spot_of,
    texts,
)
from grader.patterns import pattern

_SHELLS = frozenset({
    "os.system", "os.popen", "subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output",
    "subprocess.Popen", "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell",
    "asyncio.create_subprocess_exec", "commands.getoutput", "sh.run", "invoke.run",
})  # fmt: skip
# Keywords of workflow operators (Airflow's BashOperator, SSHOperator, KubernetesPodOperator) that are commands.
_HANDED = ("bash_command", "command", "cmds")
_IPYTHON = frozenset({"system", "getoutput", "system_raw", "system_piped"})
_VARIABLE = pattern(r"\{+\s*([A-Za-z_]\w*)\s*\}+|\$\{?([A-Za-z_]\w*)\}?")
_EXPRESSION = pattern(r"\{([^{}\n]*[^{}\n\w\s][^{}\n]*)\}")
_UNKNOWN = "${_}"


def command(seen: CallSeen) -> ShellText | None:
    """The shell text of a call, or None where it runs no command."""
    name = seen.name
    last = name.rpartition(".")[2]
    handed = next((key for key in _HANDED if key in seen.keywords), None)
    if handed == "command" and not last.endswith(("Operator", "Op")):
        handed = None
    node: ast.expr | None
    if handed is not None:
        given = seen.keywords[handed]
        node = next((k.value for k in seen.node.keywords if k.arg == handed), None)
        more = seen.keywords.get("arguments")
        if isinstance(given, Seq) and isinstance(more, Seq):
            given = Seq((*given.items, *more.items))
    elif name not in _SHELLS and not (last in _IPYTHON and "get_ipython" in name):
        return None
    else:
        keys = [key for key in ("args", "cmd", "command") if key in seen.keywords]
        found = seen.args[0] if seen.args else seen.keywords[keys[0]] if keys else None
        if found is None:
            return None
        given = found
        node = seen.node.args[0] if seen.node.args else None
    if isinstance(node, ast.List | ast.Tuple):
        at = node.lineno
    else:
        spot = spot_of(given)
        here = spot is not None and (spot.path, spot.cell) == (seen.frame.unit.path, seen.frame.unit.cell)
        at = (
            seen.node.lineno
            if node is None or not isinstance(node, ast.Constant | ast.JoinedStr) or not here
            else node.lineno
        )
    value = next(iter(options(given)))
    variables: dict[str, str] = {}
    origins: dict[str, Origin] = {}
    if isinstance(value, Seq):
        parts = [_word(item, variables, origins) for item in value.items]
        if seen.args[1:] and name.endswith("exec"):
            parts += [_word(item, variables, origins) for item in seen.args[1:]]
        text = " ".join(parts)
    elif isinstance(node, ast.JoinedStr):
        text = _interpolated(node, seen, variables, origins)
    elif isinstance(value, Text):
        text = shown(value.text)
    else:
        return None
    if isinstance(value, Text) and "$" in text:
        for key, known in seen.frame.module.environment.items():
            told = one_text(known)
            if told is not None and key not in variables:
                variables[key] = told
    unit = seen.frame.unit
    via = "readme" if unit.readme else "code"
    return ShellText(
        unit.path, unit.cell, at + unit.offset, text, "sh", MappingProxyType(variables),
        "readme" if via == "readme" else "code", MappingProxyType(origins),
    )  # fmt: skip


def shown(text: str) -> str:
    """A text for a shell: what cannot be told is a variable that nobody sets."""
    for mark in MARKS:
        text = text.replace(mark, _UNKNOWN)
    return text


def _word(value: Value, variables: dict[str, str], origins: dict[str, Origin]) -> str:
    """One word of a command: a value whose literal stands elsewhere goes in as a variable."""
    text = texts(value)[0]
    if any(mark in text for mark in MARKS):
        return '"' + shown(text).replace('"', "") + '"'
    del variables, origins
    return shlex.quote(text)


def _interpolated(
    node: ast.JoinedStr, seen: CallSeen, variables: dict[str, str], origins: dict[str, Origin]
) -> str:
    """An f-string for a shell: names stay names, with their values and where those stand."""
    parts: list[str] = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
            continue
        if not isinstance(part, ast.FormattedValue):
            continue
        name = part.value.id if isinstance(part.value, ast.Name) else None
        value = _quietly(seen, part.value)
        text = one_text(value) if isinstance(value, Text | Choice) else None
        if text is None and isinstance(value, Const) and value.value is not None:
            text = str(value.value)
        if name is not None and text is not None and "\n" not in text and _simple(text):
            parts.append("${" + name + "}")
            variables[name] = text
            spot = spot_of(value)
            if spot is not None:
                origins[name] = _origin(spot)
        else:
            parts.append(shown(texts(value)[0]) if text is None else text)
    return "".join(parts)


def _simple(text: str) -> bool:
    return bool(re.fullmatch(r"[\w.:/@=+,-]*", text))


def _quietly(seen: CallSeen, node: ast.expr) -> Value:
    """The value of an expression, once more, without telling anyone."""
    return seen.machine.quietly(node, seen.frame)


def _origin(spot: Spot) -> Origin:
    return Origin(spot.path, spot.cell, spot.line, "shell-variable" if spot.by_shell else "python")


def cell_variables(text: str, snapshot: Mapping[str, Value]) -> tuple[dict[str, str], dict[str, Origin]]:
    """The Python names that a cell's shell text uses, as far as their values are known."""
    variables: dict[str, str] = {}
    origins: dict[str, Origin] = {}
    for match in _VARIABLE.finditer(text):
        name = match.group(1) or match.group(2)
        value = snapshot.get(name)
        if value is None or name in variables:
            continue
        found = texts(value)[0]
        if any(mark in found for mark in MARKS) or len(texts(value)) != 1:
            continue
        variables[name] = found
        spot = spot_of(value)
        if spot is not None:
            origins[name] = _origin(spot)
    return variables, origins


def cell_expressions(text: str) -> list[str]:
    """``{...}`` in a cell's shell text that is more than a name: ``{os.environ['X']}``, ``{BUCKET + '/x'}``."""
    return [match.group(1) for match in _EXPRESSION.finditer(text)][:20]


def written(seen: CallSeen) -> list[tuple[Value, Value, ast.expr | None]]:
    """(target, content, the content's node) of what a call writes to a file."""
    function = seen.function
    node = seen.node.args[0] if seen.node.args else None
    content = seen.args[0] if seen.args else None
    if isinstance(function, Method) and content is not None:
        if function.name in ("write", "writelines") and isinstance(function.owner, Handle):
            return [(function.owner.path, content, node)]
        if function.name in ("write_text", "write_bytes") and isinstance(function.owner, Text):
            return [(function.owner, content, node)]
    name = calls.dotted(function)
    if name == "builtins.print" and isinstance(seen.keywords.get("file"), Handle) and content is not None:
        handle = seen.keywords["file"]
        return [(handle.path, content, node)] if isinstance(handle, Handle) else []
    return []


def content_text(value: Value) -> str | None:
    """The text that is written, with what cannot be told as ``${_}``; None where nothing of it is known."""
    for option in options(value):
        if isinstance(option, Text):
            return shown(option.text)
        if isinstance(option, Seq):
            return "".join(shown(t) for item in option.items for t in texts(item)[:1])
        if isinstance(option, Map):
            return None
    return None
