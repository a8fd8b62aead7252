"""SageMaker models that are declared outside Python: by the command line, a CloudFormation template, a request in JSON.

What counts is the container's definition, wherever it stands: a mapping with an ``Environment`` that holds
``SAGEMAKER_PROGRAM``, or with an ``Image`` and a ``ModelDataUrl`` (the ContainerDefinition of SageMaker's CreateModel, API
reference, 2026-11-22). Each is the same to SageMaker as boto3's ``create_model``, and becomes the same record.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from grader.facts.code import CodeBlock, WrittenText
from grader.facts.commands import ParsedCommand
from grader.facts.datatexts import DataText, data_texts
from grader.facts.declared import Datum, composed
from grader.facts.records import ModelCall, Via
from grader.facts.shell.expand import Word
from grader.patterns import pattern
from grader.platforms.tables import sagemaker_image_of

if TYPE_CHECKING:
    import yaml

_MOST_NODES = 20_000
_MOST_CALLS = 200
_LONGEST = 20_000  # characters of a container that a command gives on its line
_PROGRAM = "SAGEMAKER_PROGRAM"
_SUBMIT = "SAGEMAKER_SUBMIT_DIRECTORY"
_FRAMEWORK = pattern(
    r"sagemaker-(scikit-learn|xgboost)\b|/(pytorch|tensorflow|huggingface|mxnet)-(?:inference|training)"
)
_UNKNOWN = pattern(r"[$<>{}\[\]]|\A\s*\Z")
_OPEN_TAG = pattern(r"sagemaker-[a-z-]{1,40}:[^\s]{0,80}[$<{]")
_PAIR = pattern(
    r"(?:\A|[,{\s])(?P<key>Image|ModelDataUrl|SAGEMAKER_PROGRAM|SAGEMAKER_SUBMIT_DIRECTORY)\s{0,4}=\s{0,4}(?P<value>[^,{}\s]{0,1000})"
)


@dataclass(frozen=True, slots=True)
class _Container:
    """A container's definition: its values by key, as written; empty where there is a value that cannot be told."""

    values: Mapping[str, Datum] = field(default_factory=dict)

    @property
    def anchor(self) -> Datum:
        """The value that the definition is known by."""
        found = self.values.get(_PROGRAM) or self.values.get("Image") or self.values.get("ModelDataUrl")
        return found or Datum("", 0)


def read(
    commands: Sequence[ParsedCommand],
    written_texts: Iterable[WrittenText],
    data: Mapping[str, str],
    blocks: Iterable[CodeBlock],
    files: frozenset[str],
    homes: Sequence[str] = (),
) -> tuple[ModelCall, ...]:
    """The models that a submission's commands, templates and requests declare, each at the line of its program.

    ``written_texts`` are files that notebooks and programs write, ``data`` YAML and JSON by path, ``blocks`` the code of
    READMEs; ``files`` are the paths of the submission and of what it writes, ``homes`` the deploy folders. Never raises
    for what they contain; time is linear in their length.
    """
    found: dict[ModelCall, None] = {}
    for command in commands:
        for text in _given(command):
            for container in _containers(text.text) or _shorthand(text.text):
                found[_call(container, text, files, homes)] = None
    for text in data_texts(commands, written_texts, data, blocks):
        for container in _containers(text.text):
            found[_call(container, text, files, homes)] = None
        if len(found) >= _MOST_CALLS:
            break
    return tuple(list(found)[:_MOST_CALLS])


def _given(command: ParsedCommand) -> Iterator[DataText]:
    """The containers that ``aws sagemaker create-model`` gets on its own line; files that it names are read as files."""
    record = command.record
    if record is None or record.program != "aws" or record.verb != "sagemaker create-model":
        return
    taking = False
    for word in command.words:
        name, equals, _ = word.text.partition("=")
        if name.startswith("--"):
            taking = name in ("--primary-container", "--containers", "--cli-input-json", "--cli-input-yaml")
            if taking and equals:
                yield _inline(command, word, len(name) + 1)
        elif taking and not word.text.startswith(("file://", "fileb://")):
            yield _inline(command, word, 0)


def _inline(command: ParsedCommand, word: Word, offset: int) -> DataText:
    via: Literal["code", "readme"] = "readme" if command.via == "readme" else "code"
    text = word.text[offset : offset + _LONGEST]
    return DataText(command.path, command.cell, word.line, None, text, via, word, offset)


def _shorthand(text: str) -> list[_Container]:
    """``Image=...,ModelDataUrl=...,Environment={SAGEMAKER_PROGRAM=...}``: one container."""
    values: dict[str, Datum] = {}
    for match in _PAIR.finditer(text):
        values.setdefault(match["key"], Datum(match["value"].strip("\"'"), match.start("value")))
    return [_Container(values)] if _PROGRAM in values or "Image" in values else []


def _containers(text: str) -> list[_Container]:
    """The containers' definitions in a YAML or JSON text, in its order."""
    if _PROGRAM not in text and not ("ModelDataUrl" in text and "Image" in text):
        return []
    import yaml

    out: list[_Container] = []
    for root in composed(text.replace("\ufeff", " ")) or ():
        parameters = _parameters(root)
        seen: set[int] = set()
        waiting: list[yaml.Node] = [root]
        while waiting and len(seen) < _MOST_NODES:
            node = waiting.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            if isinstance(node, yaml.SequenceNode):
                waiting += reversed(node.value)
            if not isinstance(node, yaml.MappingNode):
                continue
            waiting += [value for _, value in reversed(node.value) if not isinstance(value, yaml.ScalarNode)]
            keys = _keys(node)
            inside = _keys(keys["Environment"][1]) if "Environment" in keys else {}
            if _PROGRAM in inside or {"Image", "ModelDataUrl"} <= keys.keys():
                wanted = {name: pair for name, pair in keys.items() if name in ("Image", "ModelDataUrl")}
                wanted |= {name: pair for name, pair in inside.items() if name in (_PROGRAM, _SUBMIT)}
                out.append(_Container({name: _datum(pair, parameters) for name, pair in wanted.items()}))
    return out


def _keys(node: yaml.Node) -> dict[str, tuple[yaml.ScalarNode, yaml.Node]]:
    import yaml

    if not isinstance(node, yaml.MappingNode):
        return {}
    return {key.value: (key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}


def _parameters(root: yaml.Node) -> dict[str, str]:
    """A template's parameters that have a default."""
    import yaml

    out: dict[str, str] = {}
    for name, (_, node) in _keys(
        _keys(root)["Parameters"][1] if "Parameters" in _keys(root) else root
    ).items():
        default = _keys(node).get("Default")
        if default is not None and isinstance(default[1], yaml.ScalarNode):
            out[name] = default[1].value
    return out


def _datum(pair: tuple[yaml.ScalarNode, yaml.Node], parameters: Mapping[str, str]) -> Datum:
    """A value where it stands; what CloudFormation refers to (``!Ref``, ``Fn::Sub``) as far as the template tells."""
    import yaml

    key, value = pair
    offset = key.start_mark.index
    function = ""
    if isinstance(value, yaml.MappingNode) and len(value.value) == 1:  # {"Ref": "Image"}, {"Fn::Sub": "..."}
        inner: tuple[Any, Any] = value.value[0]
        function = inner[0].value if isinstance(inner[0], yaml.ScalarNode) else ""
        value = inner[1]
        if function not in ("Ref", "Fn::Sub"):
            return Datum("", offset)
    if not isinstance(value, yaml.ScalarNode):
        return Datum("", offset)
    text = value.value.strip()
    offset = value.start_mark.index + (value.style in ("'", '"'))
    if value.tag == "!Ref" or function == "Ref":
        return Datum(parameters.get(text, ""), offset)
    if value.tag == "!Sub" or function == "Fn::Sub":
        for name in [name for name in parameters if f"${{{name}}}" in text][:50]:
            text = text.replace(f"${{{name}}}", parameters[name])[:4_000]
    elif value.tag.startswith("!"):
        text = ""
    return Datum(text, offset)


def _call(container: _Container, text: DataText, files: frozenset[str], homes: Sequence[str]) -> ModelCall:
    path, cell, line, _ = text.place(container.anchor)
    known = {key: _told(datum) for key, datum in container.values.items()}
    program, image = known.get(_PROGRAM), container.values.get("Image", Datum("", 0)).text or None
    # An image is told by its end: an account or a region in front of it may be left open, its tag may not.
    row = sagemaker_image_of(image) if image else None
    kind = _FRAMEWORK.search(image[:500]) if image else None
    framework = (kind.group(1) or kind.group(2)) if kind else None
    via: Via = "string" if text.via == "readme" else "writefile"
    if text.on_disk or (text.target is None and text.via == "code"):
        via = "module"
    return ModelCall(
        path=path,
        cell=cell,
        line=line,
        via=via,
        class_name="create_model",
        entry_point=program,
        source_dir=None,
        model_data=known.get("ModelDataUrl"),
        framework_version=row.version if row else None,
        entry_point_given=_PROGRAM in container.values,
        framework_version_given=row is not None,
        submit_directory=known.get(_SUBMIT),
        script=_script(path, program, files, homes) if program else None,
        image=None if image is None or _OPEN_TAG.search(image[:500]) else image,
        framework="sklearn" if framework == "scikit-learn" else framework,
        declared=True,
    )


def _told(datum: Datum) -> str | None:
    return None if _UNKNOWN.search(datum.text) else datum.text


def _script(path: str, program: str, files: frozenset[str], homes: Sequence[str]) -> str | None:
    """The file that the program names: from the own folder, then the root, then the deploy folders."""
    for base in (posixpath.dirname(path), "", *homes):
        candidate = posixpath.normpath(posixpath.join(base, program))
        if candidate in files:
            return candidate
    return None
