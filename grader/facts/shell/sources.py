"""Where shell text stands: scripts, Makefiles, Dockerfiles, workflows, the code blocks of READMEs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from grader.facts.code import CodeBlock, Dialect, ShellText
from grader.facts.shell import build_steps
from grader.patterns import pattern

_MAKEFILES = frozenset({"makefile", "gnumakefile", "justfile"})

_LANGUAGES: dict[str, Dialect] = {
    **dict.fromkeys(
        (
            *(
                "",
                "bash",
                "sh",
                "shell",
                "zsh",
                "ksh",
                "fish",
                "console",
                "terminal",
                "session",
                "shell-session",
            ),
            *(
                "shellsession",
                "bash-session",
                "sh-session",
                "text",
                "txt",
                "plaintext",
                "plain",
                "none",
                "cli",
            ),
            *("command", "commands", "commandline", "command-line", "gcloud", "aws", "code", "cloudshell"),
        ),
        "sh",
    ),
    **dict.fromkeys(("bat", "batch", "cmd", "dos", "batchfile", "winbatch"), "bat"),
    **dict.fromkeys(("powershell", "ps1", "ps", "pwsh", "posh"), "powershell"),
    **dict.fromkeys(("makefile", "make"), "make"),
}
_SESSIONS = frozenset(
    {"console", "terminal", "session", "shell-session", "shellsession", "bash-session", "sh-session"}
)
_PYTHON = frozenset({"python", "py", "python3", "ipython", "ipython3", "jupyter", "pycon"})
_PROMPT = pattern(
    r"[ \t]*(?:\([\w .\-]{1,40}\)[ \t]*)?"
    r"(?:\[[^\]\n]{1,60}\][$#%]|[\w.@~:/\\\-]{0,80}\$|[\w.\-]+@[\w.~:/\-]{1,80}[%#]|PS [^>\n]{0,80}>|[A-Z]:\\[^>\n]{0,80}>)[ \t]+(?=\S)"
)
_ROOT_PROMPT = pattern(r"[ \t]*#[ \t](?=(?:sudo |gcloud|gsutil|aws|curl|docker|python)\b)")
_ANGLE_PROMPT = pattern(r"[ \t]*>[ \t]+(?=\S)")
_APOSTROPHE = pattern(r"(?<=[A-Za-z])'(?=(?:s|t|ll|re|ve|d|m)\b)")
_HERE = pattern(r"<<-?[ \t]*(['\"]?)(\w+)\1")
_WORKFLOWS = pattern(
    r"(?:^|/)(?:\.github/workflows/[^/]+|\.gitlab-ci|\.circleci/config|azure-pipelines|buildspec|\.travis)\.ya?ml\Z"
)
_SHEBANG = pattern(r"#![ \t]*\S*?(?:/|env[ \t]+)(?:ba|z|k|da)?sh\b")


def from_file(path: str, text: str) -> tuple[ShellText, ...]:
    """What a shell is told in a file, by its name; nothing for other kinds of file."""
    name = path.rpartition("/")[2].lower()
    if name.endswith((".bat", ".cmd")):
        return (ShellText(path, None, 1, text, "bat"),)
    if name.endswith(".ps1"):
        return (ShellText(path, None, 1, text, "powershell"),)
    if name in _MAKEFILES or name.endswith(".mk"):
        return (ShellText(path, None, 1, text, "make"),)
    if name.startswith("dockerfile") or name.endswith(".dockerfile"):
        return tuple(_dockerfile(path, text))
    if name.endswith((".yml", ".yaml", ".json")):
        if _WORKFLOWS.search(path):
            return (*_workflow(path, text), *build_steps.read(path, text, scripts=False))
        return tuple(build_steps.read(path, text))
    if name.endswith((".sh", ".bash", ".zsh", ".ksh", ".command")) or _SHEBANG.match(text):
        return (ShellText(path, None, 1, text, "sh"),)
    return ()


def language_of(block: CodeBlock) -> str:
    """The first word of a block's language, without the marks that some renderers want around it."""
    words = block.language.strip().strip("{}").replace(".", " ").split()
    return words[0].lower() if words else ""


def from_block(block: CodeBlock) -> tuple[ShellText, ...]:
    """What a README tells the reader to type. Output between prompts, and other languages, are left out."""
    language = language_of(block)
    if language in _PYTHON or block.text.lstrip().startswith((">>>", "In [")):
        return tuple(_escapes(block))
    dialect = _LANGUAGES.get(language)
    if dialect is None:
        return ()
    text = block.text.replace("\r\n", "\n")
    if dialect == "sh":
        if re.search(r"[ \t]\^[ \t]*$", text, re.MULTILINE):
            dialect = "bat"
        elif language in ("", "text") and re.search(r"\S[ \t]`[ \t]*\n[ \t]*-", text):
            dialect = "powershell"
    text = _typed(text, session=language in _SESSIONS)
    first, _, rest = text.partition("\n")
    if re.match(r"%%?(?:bash|sh|script|cmd)\b", first.strip()):
        text = "\n" + rest
    return (ShellText(block.path, None, block.line, _APOSTROPHE.sub("\u2019", text), dialect, via="readme"),)


def _typed(text: str, *, session: bool) -> str:
    """A session's text with its prompts blanked and its output emptied, line by line; other text as it is."""
    lines = text.split("\n")
    prompt = _PROMPT
    if not any(_PROMPT.match(line) for line in lines):
        filled = [line for line in lines if line.strip()]
        if filled and all(_ANGLE_PROMPT.match(line) for line in filled):
            prompt = _ANGLE_PROMPT
        elif session and any(_ROOT_PROMPT.match(line) for line in lines):
            prompt = _ROOT_PROMPT
        else:
            return text
    out: list[str] = []
    continued, until = False, ""
    for line in lines:
        match = prompt.match(line)
        if until:
            out.append(line)
            until = "" if line.strip() == until else until
            continue
        if match:
            line = line[match.end() :]  # noqa: PLW2901
        elif continued:
            angle = _ANGLE_PROMPT.match(line)
            line = line[angle.end() :] if angle else line  # noqa: PLW2901
        else:
            out.append("")
            continue
        out.append(line)
        continued = line.rstrip().endswith(("\\", "^", "`"))
        here = _HERE.search(line)
        until = here.group(2) if here else ""
    return "\n".join(out)


def _escapes(block: CodeBlock) -> Iterator[ShellText]:
    """The ``!`` lines and ``%%bash`` cells that a README quotes from a notebook."""
    lines = block.text.replace("\r\n", "\n").split("\n")
    index = 0
    while index < len(lines):
        stripped = lines[index].strip()
        if re.match(r"%%?(?:bash|sh|script)\b", stripped):
            yield ShellText(
                block.path, None, block.line + index + 1, "\n".join(lines[index + 1 :]), via="readme"
            )
            return
        start = index
        if stripped.startswith("!"):
            taken = [stripped.lstrip("!").lstrip()]
            while taken[-1].rstrip().endswith("\\") and index + 1 < len(lines):
                index += 1
                taken.append(lines[index])
            yield ShellText(block.path, None, block.line + start, "\n".join(taken), via="readme")
        index += 1


# Makefiles

_MAKE_VARIABLE = pattern(
    r"(?:export[ \t]+|override[ \t]+)*(?P<name>[A-Za-z_][\w.\-]{0,100})[ \t]*(?P<op>\?|::?|:::|\+|!)?=[ \t]*(?P<value>.*)\Z",
    re.DOTALL,
)
_RECIPE_MARKS = pattern(r"[ \t@+\-]*")


def makefile_parts(text: str, line: int) -> tuple[list[tuple[str, str, int]], list[tuple[str, int]]]:
    """The variables (name, value, line) and recipe lines (text, line) of a Makefile, continued lines
    together.

    ``?=`` counts where nothing set the variable before; which branch of an ``ifeq`` holds is not asked.
    """
    variables: list[tuple[str, str, int]] = []
    recipes: list[tuple[str, int]] = []
    known: set[str] = set()
    target = False  # below a rule: indented lines are its recipe
    for logical, number in _logical(text.replace("\r\n", "\n"), line):
        stripped = logical.strip()
        if logical.startswith("\t") or (target and logical[:1] == " " and stripped):
            if not stripped.startswith("#"):
                marks = _RECIPE_MARKS.match(logical)
                recipes.append((logical[marks.end() if marks else 0 :], number))
            continue
        if not stripped or stripped.startswith("#"):
            continue
        match = _MAKE_VARIABLE.match(stripped)
        if match:
            value = _uncommented(match["value"]).strip()
            if match["op"] == "?" and match["name"] in known:
                continue
            if match["op"] == "!":
                recipes.append((value, number))
                continue
            known.add(match["name"])
            variables.append((match["name"], re.sub(r"\\\n[ \t]*", " ", value), number))
            continue
        target = True
        head, semicolon, recipe = stripped.partition(";")
        if semicolon and ":" in head and "=" not in head and "#" not in head:
            recipes.append((recipe.strip(), number))
    return variables, recipes


def _uncommented(value: str) -> str:
    """A variable's value without the comment behind it."""
    at = value.find("#")
    while at > 0 and value[at - 1] not in " \t":
        at = value.find("#", at + 1)
    return value if at < 0 else value[:at]


def _logical(text: str, line: int) -> Iterator[tuple[str, int]]:
    """Lines with those they continue on, and the number of the first."""
    taken: list[str] = []
    start = line
    for number, row in enumerate(text.split("\n"), line):
        if not taken:
            start = number
        taken.append(row)
        if row.rstrip(" \t").endswith("\\"):
            continue
        yield "\n".join(taken), start
        taken = []
    if taken:
        yield "\n".join(taken), start


# Dockerfiles and workflows

_MOST_VARIABLES = 100
_RUN = pattern(r"[ \t]*RUN[ \t]+(?:--\S+[ \t]+)*", re.IGNORECASE)
_ENV = pattern(r"[ \t]*(?:ENV|ARG)[ \t]+([A-Za-z_]\w*)[= \t]\"?([^\"\n]*)\"?", re.IGNORECASE)


def _dockerfile(path: str, text: str) -> Iterator[ShellText]:
    variables: dict[str, str] = {}
    for logical, number in _logical(text.replace("\r\n", "\n"), 1):
        setting = _ENV.match(logical)
        if setting:
            if len(variables) < _MOST_VARIABLES:
                variables[setting.group(1)] = setting.group(2).strip()
            continue
        match = _RUN.match(logical)
        if match:
            yield ShellText(path, None, number, logical[match.end() :], "sh", dict(variables))


_STEP = pattern(r"(?P<indent>[ ]*)(?P<dash>-[ ]+)?(?:run|script|command|inlineScript):[ \t]*(?P<rest>.*)\Z")


def _workflow(path: str, text: str) -> Iterator[ShellText]:
    """The ``run:`` and ``script:`` steps of a workflow, whole or as a block."""
    if not re.search(r"^[ \t-]*(?:run|script|command|inlineScript):", text, re.MULTILINE):
        return
    lines = text.replace("\r\n", "\n").split("\n")
    index = 0
    while index < len(lines):
        match = _STEP.match(lines[index])
        index += 1
        if match is None:
            continue
        rest = match["rest"].strip()
        if rest and rest[0] not in "|>":
            if rest[0] in "'\"" and len(rest) > 1 and rest[-1] == rest[0]:
                rest = rest[1:-1]
            if rest[0:1] not in ("[", "{", ""):
                yield ShellText(path, None, index, rest)
            continue
        deeper = len(match["indent"]) + len(match["dash"] or "")
        start = index
        while index < len(lines) and (
            not lines[index].strip() or len(lines[index]) - len(lines[index].lstrip(" ")) > deeper
        ):
            index += 1
        body = [re.sub(r"^([ ]*)-[ ]+", r"\1", row) if not rest else row for row in lines[start:index]]
        if any(row.strip() for row in body):
            yield ShellText(path, None, start + 1, "\n".join(body))
