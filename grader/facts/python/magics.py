"""A notebook's cell as IPython takes it apart: Python, shell commands, magics, a file that is written.

Line numbers stay: what is no Python is replaced by as many lines of Python that mean nothing, or mean the same to the
reader of values (``x = !cmd`` becomes ``x = __shell__()``, ``%run a.py`` becomes ``__run__('a.py')``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from grader.patterns import pattern

SHELL_CELLS = frozenset({"bash", "sh", "script", "system", "sx", "!"})
_PYTHON_CELLS = frozenset(
    {"time", "timeit", "capture", "prun", "python", "python3", "pypy", "local", "snakeviz", "mprun", "memit"}
)
_WRITERS = frozenset({"writefile", "file"})
_LINE = pattern(r"^(?P<indent>\s*)(?P<mark>!!?|%%?|\?\??)(?P<rest>.*)$")
_ASSIGN = pattern(r"^(?P<head>\s*[A-Za-z_][\w.\[\]'\", ]*?\s*=\s*)(?P<mark>!|%(?=[A-Za-z]))(?P<rest>.*)$")
_HELP = pattern(r"^\s*[%\w.*]+\s*\?\??\s*$")
_MAGIC = pattern(r"^\s*([A-Za-z_]\w*)\s*(.*)$", re.DOTALL)
_AUTO = pattern(r"^(pip3?|conda|ls|cd|pwd|cat|cp|mv|rm|mkdir)(\s+[\w./~=<>$*:-]+)+\s*$|^(ls|pwd)\s*$")


@dataclass(frozen=True, slots=True)
class ShellPart:
    """Shell text in a cell; ``line`` is 1-based in the cell."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class WritePart:
    """A ``%%writefile``: the name as written (without quotes), the text, and where its first line stands."""

    line: int
    name: str
    text: str
    append: bool = False


@dataclass(frozen=True, slots=True)
class EnvPart:
    """``%env NAME=VALUE``: known from ``line`` on."""

    line: int
    name: str
    value: str


@dataclass(slots=True)
class Cell:
    """A code cell, taken apart. ``python`` has the cell's own line numbers."""

    python: str = ""
    shells: list[ShellPart] = field(default_factory=list)
    writes: WritePart | None = None
    environment: list[EnvPart] = field(default_factory=list)
    foreign: bool = False


def take_apart(source: str) -> Cell:
    """The parts of the code cell ``source``. Never raises."""
    source = source.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")
    lines = source.split("\n")
    first = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    # Comments may stand before a cell magic only as far as people's cells show them: Jupyter itself wants it first.
    head = next((n for n in range(first, len(lines)) if not _is_blank(lines[n])), len(lines))
    if head < len(lines) and lines[head].lstrip().startswith("%%"):
        return _cell_magic(lines, head)
    cell = Cell()
    cell.python = "\n".join(_lines(lines, cell))
    return cell


def _is_blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _cell_magic(lines: list[str], head: int) -> Cell:
    cell = Cell()
    match = _MAGIC.match(lines[head].lstrip()[2:])
    name, rest = (match.group(1).lower(), match.group(2).strip()) if match else (lines[head].strip()[2:3], "")
    body = lines[head + 1 :]
    if name in _WRITERS:
        append = bool(re.search(r"(^|\s)(-a|--append)(\s|$)", rest))
        target = re.sub(r"(^|\s)(-a|--append)(?=\s|$)", " ", rest).strip()
        target = re.sub(r"\s+#.*$", "", target)
        if len(target) > 1 and target[0] == target[-1] and target[0] in "'\"":
            target = target[1:-1]
        cell.writes = WritePart(head + 2, target.strip(), "\n".join(body), append)
    elif name in SHELL_CELLS:
        program = rest.split() if name == "script" else ["bash"]
        words = [w.rpartition("/")[2] for w in program if not w.startswith("-")]
        if words[:1] and words[0] in ("bash", "sh", "zsh", "env", "dash"):
            cell.shells.append(ShellPart(head + 2, "\n".join(body)))
        elif words[:1] and words[0].startswith("python"):
            cell.python = "\n" * (head + 1) + "\n".join(body)
        else:
            cell.foreign = True
        if name in ("system", "sx", "!") and rest:
            cell.shells.insert(0, ShellPart(head + 1, rest))
    elif name in _PYTHON_CELLS:
        cell.python = "\n" * (head + 1) + "\n".join(_lines(body, cell, head + 1))
        if name in ("time", "timeit") and rest and not rest.startswith("-"):
            cell.python = "\n" * head + rest + cell.python[head:]
    else:
        cell.foreign = True
    return cell


def _lines(lines: list[str], cell: Cell, before: int = 0) -> list[str]:
    """Python lines for ``lines``; magics and commands go into ``cell``. ``before`` lines stand above them."""
    out: list[str] = []
    quote = ""  # inside a triple-quoted string that began above
    depth = 0  # open brackets
    index = 0
    while index < len(lines):
        line = lines[index]
        number = before + index + 1
        if not quote and not depth:
            taken, replacement = _special(lines, index, number, cell)
            if taken:
                out.append(replacement)
                out.extend([""] * (taken - 1))
                index += taken
                continue
        quote, depth = bracket_state(line, quote, depth)
        out.append(line)
        index += 1
    return out


_TOKENS = pattern(r"'''|\"\"\"|\\.|['\"#()\[\]{}]", re.DOTALL)


def bracket_state(line: str, quote: str, depth: int) -> tuple[str, int]:
    """Whether the next line begins inside a triple-quoted string, and in how many brackets."""
    position = 0
    single = ""
    while match := _TOKENS.search(line, position):
        mark = match.group()
        position = match.end()
        if quote:
            if mark == quote:
                quote = ""
        elif single:
            if mark == single:
                single = ""
            elif mark in ("'''", '"""') and mark[0] == single:
                single, position = "", match.start() + 1
        elif mark == "#":
            break
        elif mark in ("'''", '"""'):
            quote = mark
        elif mark in "'\"":
            single = mark
        elif mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth = max(0, depth - 1)
    return quote, depth


def _continued(lines: list[str], index: int, first: str) -> tuple[str, int]:
    """A command with its ``\\`` continuation lines, kept as written; and how many lines it takes."""
    parts = [first]
    taken = 1
    while parts[-1].rstrip().endswith("\\") and index + taken < len(lines):
        parts.append(lines[index + taken])
        taken += 1
    return "\n".join(parts), taken


def _special(lines: list[str], index: int, number: int, cell: Cell) -> tuple[int, str]:
    """(lines taken, Python in their place) where a line is no Python; (0, "") where it is."""
    line = lines[index]
    stripped = line.strip()
    if not stripped:
        return 0, ""
    match = _LINE.match(line)
    if match:
        indent, mark, rest = match.group("indent"), match.group("mark"), match.group("rest")
        if mark.startswith("?"):
            return 1, f"{indent}pass"
        text, taken = _continued(lines, index, rest)
        if mark.startswith("!"):
            cell.shells.append(ShellPart(number, text))
            return taken, f"{indent}pass"
        return taken, indent + _magic(text, number, cell)
    match = _ASSIGN.match(line)
    if match and "==" not in match.group("head"):
        text, taken = _continued(lines, index, match.group("rest"))
        if match.group("mark") == "!":
            cell.shells.append(ShellPart(number, text))
        else:
            _magic(text, number, cell)
        return taken, match.group("head") + "__shell__()"
    if stripped.endswith("?") and _HELP.match(line):
        return 1, line[: len(line) - len(line.lstrip())] + "pass"
    if _AUTO.match(stripped) and "=" not in stripped.split()[1:2]:
        text, taken = _continued(lines, index, stripped)
        cell.shells.append(ShellPart(number, text))
        return taken, line[: len(line) - len(line.lstrip())] + "pass"
    return 0, ""


_HEREDOC = pattern(
    r"(?m)^[ \t]*(?:(?:cat|tee)\b[^\n|;&<]*?>>?[ \t]*|tee[ \t]+(?:-a[ \t]+)?)[\"']?(?P<before>[^\s<>|;&\"']+\.py)[\"']?[ \t]*"
    r"<<(?P<strip>-?)[ \t]*\\?[\"']?(?P<end>\w+)[\"']?[^\n]*\n"
    r"|^[ \t]*(?:cat|tee)[ \t]*<<(?P<strip2>-?)[ \t]*\\?[\"']?(?P<end2>\w+)[\"']?[ \t]*>>?[ \t]*"
    r"[\"']?(?P<after>[^\s<>|;&\"']+\.py)[\"']?[ \t]*\n"
)


def written_by_shell(part: ShellPart) -> list[WritePart]:
    """Python files that a shell writes from here-documents (``cat > inference.py <<EOF``)."""
    found: list[WritePart] = []
    position = 0
    while len(found) < 50 and (match := _HEREDOC.search(part.text, position)):
        end = match.group("end") or match.group("end2")
        strips = bool(match.group("strip") or match.group("strip2"))
        body: list[str] = []
        position = match.end()
        for line in part.text[match.end() :].split("\n"):
            position += len(line) + 1
            if (line.lstrip("\t") if strips else line).rstrip() == end:
                break
            body.append(line.lstrip("\t") if strips else line)
        name = match.group("before") or match.group("after")
        begins = part.line + part.text.count("\n", 0, match.end())
        found.append(
            WritePart(begins, name, "\n".join(body), ">>" in match.group() or "tee -a" in match.group())
        )
    return found


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _magic(text: str, number: int, cell: Cell) -> str:
    """The Python that stands for a line magic."""
    match = _MAGIC.match(text.strip())
    if not match:
        return "pass"
    name, rest = match.group(1).lower(), match.group(2).strip()
    if name in ("env", "set_env"):
        key, equals, value = rest.partition("=") if "=" in rest else rest.partition(" ")
        if equals and key.strip():
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
                value = value[1:-1]
            cell.environment.append(EnvPart(number, key.strip(), value))
            return f"__env__({key.strip()!r}, {value!r})"
    elif name in ("sx", "system", "sc", "bash", "sh"):
        cell.shells.append(ShellPart(number, rest))
    elif name in ("time", "timeit", "prun", "memit"):
        statement = re.sub(r"^(-\w\s*\d*\s+)+", "", rest)
        if statement.startswith("!"):
            cell.shells.append(ShellPart(number, statement[1:]))
        elif statement and "\n" not in statement:
            return statement
    elif name in ("pip", "conda", "gcloud", "gsutil", "aws", "cp", "mv", "mkdir", "ls", "cat", "rm"):
        cell.shells.append(ShellPart(number, f"{name} {rest}"))
    elif name == "cd" and rest and not rest.startswith(("-", "~")):
        return f"__cd__({_unquoted(rest)!r})"
    elif name == "run" and rest:
        file = re.sub(r"^(-\w+\s+)+", "", rest).strip()
        quoted = re.match(r"""^(['"])(.*?)\1""", file)
        return f"__run__({(quoted.group(2) if quoted else file.split()[0] if file else '')!r})"
    return "pass"
