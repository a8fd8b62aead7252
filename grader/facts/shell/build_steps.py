"""Commands that a build's file gives as lists: Cloud Build's steps, containers' ``command`` and ``args``, an action's.

An argument stands on a line of its own there; the shell text that is made of them keeps each on its line. Field names:
Cloud Build's build configuration schema, GitHub's workflow syntax, Kubernetes' Container (2026-11-22).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from grader.facts.code import Origin, ShellText
from grader.facts.declared import composed
from grader.patterns import pattern

if TYPE_CHECKING:
    import yaml

_MOST_NODES = 20_000
_MOST_STEPS = 200
_MOST_WORDS = 200
_OF_INTEREST = pattern(r"[\"']?\b(?:args|command|script)[\"']?[ \t]*:")
_PROGRAMS = pattern(r"\b(?:gcloud|gsutil|aws|curl|docker|python3?|google-cloud-cli|cloud-sdk)\b")
# Images whose entry point is the program that they are called after.
_OWN_PROGRAM = frozenset({"gcloud", "gsutil", "docker", "curl", "bq", "kubectl", "python", "aws", "aws-cli"})
_SHELLS = frozenset({"bash", "sh", "zsh", "dash"})
_PLAIN = pattern(r"(?:[\w@%+=:,./~-]|\$(?:\w+|\{\w+\}))+\Z")
_SHEBANG = pattern(r"#![ \t]*\S*?(?:/|env[ \t]+)(?:ba|z|k|da)?sh\b")


def read(path: str, text: str, *, scripts: bool = True) -> Iterator[ShellText]:
    """The commands of a build's file in YAML or JSON, each an own text. ``scripts``: with its ``script:`` blocks.

    Nothing for other files, for what does not parse, and for what is over a bound; never raises.
    """
    if not (_OF_INTEREST.search(text) and _PROGRAMS.search(text)):
        return
    text = text.replace("\r\n", "\n").replace("\ufeff", " ")
    count = 0
    for root in composed(text) or ():
        variables, origins = _substitutions(path, root)
        for step in _steps(root):
            count += 1
            if count > _MOST_STEPS:
                return
            found = _script(path, step, variables, origins) if scripts else None
            found = found or _command(path, step, variables, origins)
            if found is not None:
                yield found


def _fields(node: yaml.Node) -> dict[str, yaml.Node]:
    import yaml

    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _steps(root: yaml.Node) -> Iterator[dict[str, yaml.Node]]:
    """The mappings that hold a command, in the order of the text."""
    import yaml

    seen: set[int] = set()
    waiting = [root]
    while waiting and len(seen) < _MOST_NODES:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += reversed(node.value)
        elif isinstance(node, yaml.MappingNode):
            fields = _fields(node)
            told = fields.keys() & {"args", "command"} or {"script", "name"} <= fields.keys()
            if told and not fields.keys() & {"uses", "with"}:
                yield fields
            inner = _fields(fields["with"]) if "with" in fields else {}
            if "args" in inner and "uses" in fields:
                yield {**inner, "image": fields["uses"]}
            else:
                waiting += [
                    value for _, value in reversed(node.value) if not isinstance(value, yaml.ScalarNode)
                ]


def _substitutions(path: str, root: yaml.Node) -> tuple[dict[str, str], dict[str, Origin]]:
    """A build's own variables (``substitutions: {_RUNTIME: "2.11"}``) and where they stand."""
    import yaml

    variables: dict[str, str] = {}
    origins: dict[str, Origin] = {}
    fields = _fields(root)
    for name, node in _fields(fields["substitutions"]).items() if "substitutions" in fields else ():
        if isinstance(node, yaml.ScalarNode) and len(variables) < _MOST_WORDS:
            variables[name] = node.value[:1_000]
            origins[name] = Origin(path, None, node.start_mark.line + 1, "shell-variable")
    return variables, origins


def _scalars(node: yaml.Node | None) -> list[yaml.ScalarNode]:
    import yaml

    if isinstance(node, yaml.ScalarNode):
        return [node]
    if isinstance(node, yaml.SequenceNode):
        return [item for item in node.value[:_MOST_WORDS] if isinstance(item, yaml.ScalarNode)]
    return []


def _program(step: Mapping[str, yaml.Node]) -> str | None:
    """What a step starts: its entry point, or the program that its image is called after."""
    entry = _scalars(step.get("entrypoint"))
    if entry:
        return entry[0].value.strip().rpartition("/")[2] or None
    image = _scalars(step.get("name")) or _scalars(step.get("image"))
    if not image:
        return None
    named = re.split(r"[:@]", image[0].value.removeprefix("docker://"), maxsplit=1)[0]
    last = named.rstrip("/").rpartition("/")[2].strip()
    return {"aws-cli": "aws"}.get(last, last) if last in _OWN_PROGRAM else None


def _block(
    path: str, node: yaml.ScalarNode, variables: Mapping[str, str], origins: Mapping[str, Origin]
) -> ShellText:
    """A value that is itself a shell's text. ``$$`` is Cloud Build's way to write a shell's ``$``."""
    line = node.start_mark.line + (2 if node.style in ("|", ">") else 1)
    return ShellText(path, None, line, node.value.replace("$$", "$"), variables=variables, origins=origins)


def _script(
    path: str, step: Mapping[str, yaml.Node], variables: Mapping[str, str], origins: Mapping[str, Origin]
) -> ShellText | None:
    found = _scalars(step.get("script"))
    if len(found) != 1 or "name" not in step:
        return None
    if found[0].value.startswith("#!") and not _SHEBANG.match(found[0].value):
        return None
    return _block(path, found[0], variables, origins)


def _command(
    path: str, step: Mapping[str, yaml.Node], variables: Mapping[str, str], origins: Mapping[str, Origin]
) -> ShellText | None:
    command, arguments = _scalars(step.get("command")), _scalars(step.get("args"))
    words = [*command, *arguments]
    if not words:
        return None
    program = None if command else _program(step)
    whole = command or arguments
    if len(words) == 1 and whole and step.get("command" if command else "args") is words[0]:
        # One string: the whole command line, or what follows the program.
        block = _block(path, words[0], variables, origins)
        if program is None or program in _SHELLS:
            return block
        return ShellText(
            path, None, block.line, f"{program} {block.text}", variables=variables, origins=origins
        )
    head = program or words[0].value.strip().rpartition("/")[2]
    if head in _SHELLS:
        flag = next((n for n, word in enumerate(words) if re.fullmatch(r"-[a-z]*c", word.value)), None)
        if flag is not None and flag + 1 < len(words):
            return _block(path, words[flag + 1], variables, origins)
    line = at = words[0].start_mark.line + 1
    pieces = [program] if program else []
    for word in words:
        here = word.start_mark.line + 1
        if here > at:
            pieces.append("\\\n" * (here - at))
            at = here
        pieces.append(_quoted(word.value))
    text = " ".join(pieces)
    return ShellText(path, None, line, text, variables=variables, origins=origins)


def _quoted(word: str) -> str:
    """A word as a shell takes it for one; variables in it stay variables. Line breaks in it become blanks."""
    word = " ".join(word[:5_000].split("\n"))
    if _PLAIN.match(word):
        return word
    return '"' + re.sub(r'([\\"`])', r"\\\1", word) + '"'
