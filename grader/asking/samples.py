"""The student's own requests: sample files, what ``endpoint.yaml`` names, and requests written out in commands and code.

Only what stands there as data is taken: literals, through variables of the same file. Nothing is run. A request is sent
as its author would send it, with the content type that stands beside it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from grader.asking.sample import ADDRESS, LARGEST, Read, Sample, bytes_of, dumped, told_here
from grader.asking.samples_in_code import in_code
from grader.facts.counted.models import resolved
from grader.facts.counted.subject import Subject
from grader.facts.records import Command
from grader.faults import FaultyFile
from grader.patterns import pattern
from grader.text import decode

_MOST = 8
_NAMED = pattern(
    r"^(?:sample|example|request|payload|input|instances?|predict|test)"
    r"(?:[_-]?(?:request|payload|input|instances?|data|row|rows|body|sample|json|csv))?[_-]?[0-9]{0,2}"
    r"\.(?:json|jsonl|ndjson|csv|npy)$"
)
# Data to test the model with is no request.
_NOT_ONE = frozenset(
    {"test.csv", "test_data.csv", "test-data.csv", "data.csv", "input.csv", "test.json", "test.npy"}
)
_KINDS = {
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".ndjson": "application/jsonlines",
    ".csv": "text/csv",
    ".npy": "application/x-npy",
}
_HEADER = pattern(r"(?i)^content-?type\s*:\s*([\w.+/-]+(?:;[\w\s=.-]+)?)")


def of_deployment(subject: Subject, read: Read, platform: str) -> tuple[Sample, ...]:
    """The requests of the deployment: what ``endpoint.yaml`` names, files by their usual names, commands, code.

    Each once, at most a handful; unreadable and overlarge ones are left out.
    """
    found: dict[tuple[str, bytes], Sample] = {}
    for sample in _all(subject, read, platform):
        if len(sample.body) <= LARGEST and sample.body.strip():
            found.setdefault((sample.content_type, sample.body), sample)
        if len(found) >= _MOST:
            break
    return tuple(found.values())


def _all(subject: Subject, read: Read, platform: str) -> Iterator[Sample]:
    folder = subject.folder
    if folder is None:
        return
    yield from _from_endpoint_file(subject, read, platform)
    paths = [f.path for f in subject.facts.files if subject.inside(f.path)]
    for path in sorted(paths, key=lambda p: (p.count("/"), p)):
        name = path.rpartition("/")[2].lower()
        if _NAMED.match(name) and name not in _NOT_ONE:
            yield from _from_file(path, bytes_of(read, path), platform)
    for command in subject.facts.commands:
        if told_here(subject, command.path):
            yield from _from_command(subject, read, command, platform)
    yield from in_code(subject, read, platform)


# -- files ---------------------------------------------------------------------------------------------------------


def _from_endpoint_file(subject: Subject, read: Read, platform: str) -> Iterator[Sample]:
    """The ``sample``, or the ``body``, of the folder's ``endpoint.yaml``."""
    import yaml

    from grader.yamlnodes import compose

    path = f"{subject.folder.path}/endpoint.yaml" if subject.folder else ""
    if path not in subject.file_names():
        return
    raw = bytes_of(read, path)
    try:
        root = compose(raw or b"", path, "an endpoint file")
    except FaultyFile:
        return  # told where the endpoint itself is asked for
    if not isinstance(root, yaml.MappingNode):
        return
    said = {
        key.value: value.value
        for key, value in root.value
        if isinstance(key, yaml.ScalarNode) and isinstance(value, yaml.ScalarNode)
    }
    kind = str(said.get("content_type", "")) or None
    if "sample" in said:
        named = resolved(subject, said["sample"], path)
        if named is not None:
            yield from _from_file(named, bytes_of(read, named), platform, kind)
    elif "body" in said:
        body = str(said["body"]).encode("utf-8", "replace")
        yield Sample(f"the request in {path}", kind or "application/json", body, path)


def _from_file(path: str, data: bytes | None, platform: str, kind: str | None = None) -> Iterator[Sample]:
    if not data:
        return
    ending = "." + path.lower().rpartition(".")[2]
    kind = kind or _KINDS.get(ending, "application/json")
    form = f"the request in {path}"
    if platform == "gcp":
        body = _as_instances(data, kind)
        if body is not None:
            yield Sample(form, "application/json", body, path)
        return
    if kind == "application/jsonlines" and ending in (".jsonl", ".ndjson"):
        first = next((line for line in data.splitlines() if line.strip()), b"")
        yield Sample(f"the first line of {path}", "application/json", first, path)
        return
    if kind == "text/csv":
        lines = [line for line in decode(data).splitlines() if line.strip()]
        if len(lines) > 1_000:
            return  # a data set
        yield Sample(form, kind, data, path, rows=max(1, len(lines)))
        if len(lines) > 1 and _is_header(lines[0]) and not _is_header(lines[1]):
            bare = "\n".join(lines[1:]).encode("utf-8", "replace")
            yield Sample(f"the rows of {path} without their header", kind, bare, path, rows=len(lines) - 1)
        return
    yield Sample(form, kind, data, path)


def _is_header(line: str) -> bool:
    """Whether no cell of a line of CSV is a number."""
    cells = next(csv.reader(io.StringIO(line[:20_000])), [])
    return bool(cells) and not any(_number(cell) is not None for cell in cells)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _as_instances(data: bytes, kind: str) -> bytes | None:
    """What Vertex AI and AI Platform are sent for a file: ``{"instances": ...}``, made by gcloud of plain lines too."""
    if kind == "text/csv":
        lines = [line for line in decode(data).splitlines() if line.strip()][:101]
        if len(lines) > 1 and _is_header(lines[0]):
            lines = lines[1:]
        rows = [[_number(c) if _number(c) is not None else c for c in row] for row in csv.reader(lines[:100])]
        return dumped({"instances": rows})
    if kind == "application/x-npy":
        return None
    text = decode(data)
    whole = _loaded(text)
    if isinstance(whole, dict):
        return data if "instances" in whole else dumped({"instances": [whole]})
    if isinstance(whole, list):
        # One row on the file's one line is an instance; a list of rows is the instances.
        rows_inside = bool(whole) and isinstance(whole[0], list | dict | str)
        return dumped({"instances": whole if rows_inside else [whole]})
    lines = [line for line in text.splitlines() if line.strip()][:100]
    instances = [_loaded(line) for line in lines]
    return dumped({"instances": instances}) if instances and None not in instances else None


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


# -- commands ------------------------------------------------------------------------------------------------------


def _from_command(subject: Subject, read: Read, command: Command, platform: str) -> Iterator[Sample]:
    words = command.arguments
    if command.program == "aws" and command.verb.endswith("invoke-endpoint") and platform == "aws":
        body, kind = _option(words, "--body"), _option(words, "--content-type")
        accept = _option(words, "--accept")
        data, origin = _handed(subject, read, body, command, ("fileb://", "file://"))
        if data is not None:
            # Without the option the service hands on what the client sends: a type of bytes that is none.
            yield Sample(f"the request in {origin}", kind or "application/json", data, origin, accept=accept)
    elif command.program == "gcloud" and command.verb.split()[-1:] == ["predict"] and platform == "gcp":
        name = _option(words, "--json-request")
        data, origin = _handed(subject, read, name and f"@{name}", command, ("@",))
        if data is None:
            name = _option(words, "--json-instances") or _option(words, "--text-instances")
            data, origin = _handed(subject, read, name and f"@{name}", command, ("@",))
            data = data and _as_instances(data, "application/json")
        if data is not None:
            yield Sample(f"the request in {origin}", "application/json", data, origin)
    elif command.program == "curl":
        yield from _from_curl(subject, read, command, platform)


def _from_curl(subject: Subject, read: Read, command: Command, platform: str) -> Iterator[Sample]:
    words = tuple(w for w in (command.verb, *command.arguments) if w)
    if not any(ADDRESS.search(word) for word in words):
        return
    given = next(
        (
            found
            for name in ("-d", "--data-binary", "--data-raw", "--data", "--json")
            if (found := _option(words, name))
        ),
        None,
    )
    kind = "application/json" if _option(words, "--json") else None
    for index, word in enumerate(words[:-1]):
        if word in ("-H", "--header"):
            match = _HEADER.match(words[index + 1])
            kind = match.group(1) if match else kind
    data, origin = _handed(subject, read, given, command, ("@",))
    if data is None:
        return
    if kind is None:
        kind = "application/json"
    if platform == "aws" or isinstance(_loaded(decode(data)), dict):
        yield Sample(f"the request in {origin}", kind, data, origin)


def _option(words: tuple[str, ...], name: str) -> str | None:
    for index, word in enumerate(words):
        if word == name and index + 1 < len(words):
            return words[index + 1]
        if word.startswith(name + "=") and name.startswith("--"):
            return word[len(name) + 1 :]
    return None


def _handed(
    subject: Subject, read: Read, given: str | None, command: Command, marks: tuple[str, ...]
) -> tuple[bytes | None, str]:
    """(the bytes that an option hands over, the file they stand in)."""
    if not given:
        return None, command.path
    for mark in marks:
        if given.startswith(mark):
            name = given[len(mark) :]
            path = resolved(subject, name, command.path)
            if path is not None:
                return bytes_of(read, path), path
            return _written(subject, name), command.path
    if any(c in given for c in ("$", "`")):
        return None, command.path
    return given.encode("utf-8", "replace"), command.path


def _written(subject: Subject, name: str) -> bytes | None:
    """The text that code writes to a file of that name."""
    texts = [
        w.text for w in subject.facts.written_texts if w.target.rpartition("/")[2] == name.rpartition("/")[2]
    ]
    return texts[-1].encode("utf-8", "replace") if texts else None
