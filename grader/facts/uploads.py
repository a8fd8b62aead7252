"""What commands put into cloud storage, and the names that they give to models on the way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from grader.facts.commands import ParsedCommand
from grader.facts.records import Upload
from grader.facts.shell.expand import Word

_MODELS = (
    ".joblib",
    ".pkl",
    ".pickle",
    ".sav",
    ".bst",
    ".model",
    ".skops",
    ".tar.gz",
    ".tgz",
    ".json",
    ".onnx",
)
_COPIES = {
    ("gsutil", "cp"): frozenset({"-a", "-z", "-s", "-L"}),
    ("gsutil", "mv"): frozenset({"-a", "-z", "-s", "-L"}),
    ("gsutil", "rsync"): frozenset({"-x", "-y", "-a", "-j"}),
    ("gcloud", "storage cp"): frozenset(
        {"--predefined-acl", "--storage-class", "--project", "--content-type"}
    ),
    ("gcloud", "storage mv"): frozenset({"--predefined-acl", "--storage-class", "--project"}),
    ("gcloud", "storage rsync"): frozenset({"--exclude", "--project"}),
    ("aws", "s3 cp"): frozenset(
        [
            "--acl",
            "--content-type",
            "--exclude",
            "--include",
            "--profile",
            "--region",
            "--sse",
            "--storage-class",
            "--endpoint-url",
        ]
    ),
    ("aws", "s3 mv"): frozenset(
        ["--acl", "--content-type", "--exclude", "--include", "--profile", "--region", "--sse"]
    ),
    ("aws", "s3 sync"): frozenset(
        ["--acl", "--content-type", "--exclude", "--include", "--profile", "--region", "--sse"]
    ),
}
_RENAMES = frozenset({"mv", "cp", "copy", "move", "ren", "rename"})
_CLOUD = ("gs://", "s3://")


def uploads_of(commands: Iterable[ParsedCommand]) -> tuple[Upload, ...]:
    """An Upload for each file that a command copies into storage, or renames to a model's name.

    ``target`` of a copy is the address as written, variables resolved; of a rename it is the local path.
    """
    return tuple(upload for command in commands for upload in _uploads(command))


def _uploads(command: ParsedCommand) -> list[Upload]:
    record = command.record
    if command.program in _RENAMES:
        return _renames(command)
    if record is None:
        return []
    if (record.program, record.verb) == ("aws", "s3api put-object"):
        key, bucket = command.value("--key"), command.value("--bucket") or ""
        if key is None:
            return []
        return [_upload(command, command.value("--body"), f"s3://{bucket}/{key}")]
    flags = _COPIES.get((record.program, record.verb))
    if flags is None:
        return []
    places = _positional(record.arguments, flags)
    if record.program == "gcloud" or len(places) < 2:
        places = [place for place in places if place]
    if len(places) < 2:
        return []
    *sources, target = places
    if not _may_be_cloud(target):
        return []
    return [_upload(command, source, target) for source in sources if not source.startswith(_CLOUD)]


def _may_be_cloud(target: str) -> bool:
    """A storage address, or what a variable that is not known here may make one."""
    return target.startswith((*_CLOUD, "$", "{", "%", "<gs", "<s3", '"gs'))


def _positional(arguments: Sequence[str], with_value: frozenset[str]) -> list[str]:
    out: list[str] = []
    skip = False
    for word in arguments:
        if skip:
            skip = False
        elif word.startswith("-") and len(word) > 1:
            skip = word in with_value
        else:
            out.append(word)
    return out


def _renames(command: ParsedCommand) -> list[Upload]:
    words: list[Word] = [w for w in command.words if not w.text.startswith(("-", "/Y", "/y"))]
    if len(words) != 2:
        return []
    source, target = words[0].text, words[1].text
    if target.endswith(("/", "\\")) or not target.lower().endswith(_MODELS):
        return []
    return [_upload(command, source, target)]


def _upload(command: ParsedCommand, source: str | None, target: str) -> Upload:
    return Upload(command.path, command.cell, command.line, source, target, "command")
