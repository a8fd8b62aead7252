"""Which versions deployments declare, and what was uploaded for them: read from commands, YAML and JSON.

Each creation of an AI Platform version or a Vertex AI model is one declaration, told where its runtime's
literal stands: in the command's flag, in the variable that the flag refers to, or in the file that
``--config`` names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from grader.facts.code import CodeBlock, WrittenText
from grader.facts.commands import ParsedCommand
from grader.facts.datatexts import DataText, Form, data_texts
from grader.facts.declared import Datum, Declared, declared
from grader.facts.records import Upload, Version
from grader.facts.shell.expand import Word
from grader.facts.uploads import uploads_of
from grader.patterns import pattern

_SERVICE = Literal["ai-platform", "vertex"]
_VERSION_VERBS = frozenset({"ai-platform versions create", "ml-engine versions create"})
_JOB_VERBS = frozenset(
    f"{family} jobs submit {kind}"
    for family in ("ai-platform", "ml-engine")
    for kind in ("training", "prediction")
)
_REST = pattern(r"ml\.googleapis\.com/.*/versions|/models/[^/]+/versions/?\Z|/models:upload|/versions/?\Z")
_PLACEHOLDER = pattern(r"[$<{\[%]|your[-_ ]", re.IGNORECASE | re.ASCII)
_NAME_ONLY = pattern(r"[A-Z][A-Z0-9_]{2,}\Z")


def read(
    commands: Sequence[ParsedCommand],
    written_texts: Iterable[WrittenText],
    data: Mapping[str, str],
    blocks: Iterable[CodeBlock] = (),
) -> tuple[tuple[Version, ...], tuple[Upload, ...]]:
    """The declarations and uploads of a whole submission.

    ``written_texts`` are files that notebooks and programs write, ``data`` the text of its YAML and JSON
    files by path, ``blocks`` the code blocks of READMEs (of which those that hold YAML or JSON count). Never
    raises.
    """
    documents = data_texts(commands, written_texts, data, blocks)
    reading = _Reading(documents)
    versions = [version for command in commands for version in reading.command(command)]
    versions += reading.loose()
    return tuple(dict.fromkeys(versions)), uploads_of(commands)


class _Reading:
    def __init__(self, documents: list[DataText]) -> None:
        self.documents = documents
        self.used: set[int] = set()
        self._declared: dict[int, tuple[Declared, ...]] = {}
        self._by_name: dict[str, list[int]] = {}
        for index, document in enumerate(documents):
            if document.target:
                self._by_name.setdefault(_base(document.target), []).append(index)

    def command(self, command: ParsedCommand) -> list[Version]:
        """The declaration that a command makes: one, or none."""
        record = command.record
        if record is None:
            return []
        if record.program == "gcloud":
            if record.verb in _VERSION_VERBS:
                return [self.version(command)]
            if record.verb == "ai models upload":
                return [self.model(command)]
            if record.verb in _JOB_VERBS:
                name = command.value("--config")
                if name:
                    self.find(name, command)  # marks the file as a job's
            return []
        return self.request(command) if record.program == "curl" else []

    def version(self, command: ParsedCommand) -> Version:
        """``versions create``: its flags, above the file that ``--config`` names."""
        record = command.record
        assert record is not None  # noqa: S101 - the caller asked
        config: Declared | None = None
        document: DataText | None = None
        name = command.value("--config")
        if name:
            index = self.find(name, command)
            if index is not None:
                document = self.documents[index]
                config = next((d for d in self.objects(index) if not d.job), None)
        places: dict[str, tuple[str, int | None, int, Form]] = {}
        values: dict[str, str | None] = {}
        unresolved: list[str] = []
        for field, flag, key in (
            ("runtime_version", "--runtime-version", "runtimeVersion"),
            ("python_version", "--python-version", "pythonVersion"),
            ("container", "--image", "image"),
        ):
            values[field] = None
            given = command.flag(flag)
            datum = config.get(key) if config else None
            if given is not None:
                places[field] = self._flag_place(command, given)
                values[field] = _value(given[0].text[given[1] :], given[0].known)
            elif datum is not None and document is not None:
                places[field] = document.place(datum)
                values[field] = _value(datum.text, True)
            elif name and config is None:
                unresolved.append(field)  # in a file that is not here
            if field in places and values[field] is None:
                unresolved.append(field)
        here: tuple[str, int | None, int, Form] = (command.path, command.cell, command.line, "flag")
        path, cell, line, form = next(
            (places[f] for f in ("runtime_version", "python_version", "container") if f in places), here
        )
        return Version(
            path,
            cell,
            line,
            form,
            values["runtime_version"],
            values["python_version"],
            values["container"],
            "ai-platform",
            command.value("--framework") or _text(config, "framework"),
            tuple(unresolved),
            record.via if path == command.path or document is None else document.via,
            origin=command.value("--origin") or _text(config, "deploymentUri"),
            declared_by=command.path if path != command.path else None,
        )

    def model(self, command: ParsedCommand) -> Version:
        """``gcloud ai models upload``."""
        record = command.record
        assert record is not None  # noqa: S101 - the caller asked
        given = command.flag("--container-image-uri")
        container: str | None = None
        unresolved: tuple[str, ...] = ()
        path, cell, line = command.path, command.cell, command.line
        form: Form = "flag"
        if given is not None:
            path, cell, line, form = self._flag_place(command, given)
            container = _value(given[0].text[given[1] :], given[0].known)
            if container is None:
                unresolved = ("container",)
        return Version(
            path,
            cell,
            line,
            form,
            None,
            None,
            container,
            "vertex",
            None,
            unresolved,
            record.via,
            origin=command.value("--artifact-uri"),
            declared_by=command.path if path != command.path else None,
        )

    def request(self, command: ParsedCommand) -> list[Version]:
        """A REST call by curl: its body, on the line, in a here-document or in a file."""
        given = command.flag("-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json")
        word, offset = given if given is not None else _glued(command)
        if word is None:
            return []
        body = word.text[offset:]
        to_versions = any(_REST.search(w.text[:1000].strip("'\"")) for w in command.words)
        document: DataText | None
        if body.startswith("@"):
            name = body[1:]
            if name == "-" and command.input is not None:
                document = self._inline(command, command.input, 0)
                objects = declared(document.text)
            else:
                index = self.find(name, command, mark=to_versions)
                if index is None:
                    return []
                document, objects = self.documents[index], self.objects(index)
        else:
            document = self._inline(command, word, offset)
            objects = declared(body)
        found = [d for d in objects if d.is_version or d.is_vertex or (to_versions and not d.job)]
        return [_version_of(document, d, command) for d in found]

    def loose(self) -> list[Version]:
        """Files that declare a version by their own keys and that no command names: for the console, or by
        hand.
        """
        replaced: set[tuple[str | None, str]] = set()
        texts: set[tuple[str, str]] = set()
        for index, document in enumerate(self.documents):
            target = _normal(document.target or "")
            if index in self.used:
                texts.add((_base(target), document.text.strip()))
                replaced.add((document.path, target))
            if target and not document.on_disk and self.objects(index):
                # What the notebook leaves on disk is its own copy, however old.
                folder = document.path.rpartition("/")[0]
                replaced |= {(None, target), (None, f"{folder}/{target}".lstrip("/"))}
        out: list[Version] = []
        for index, document in enumerate(self.documents):
            target = _normal(document.target or "")
            if index in self.used or (_base(target), document.text.strip()) in texts:
                continue
            if target and (None if document.on_disk else document.path, target) in replaced:
                continue
            out += [
                _version_of(document, item, None)
                for item in self.objects(index)
                if item.is_version or item.is_vertex
            ]
        return out

    def objects(self, index: int) -> tuple[Declared, ...]:
        if index not in self._declared:
            self._declared[index] = declared(self.documents[index].text)
        return self._declared[index]

    def find(self, name: str, command: ParsedCommand, *, mark: bool = True) -> int | None:
        """The text of the file ``name`` as the command would have met it; that file is then accounted for.

        Written by the same notebook or script before the command, best; else later there, else a file on disk
        beside the script, at the root, anywhere under a name that is unique; else written elsewhere.
        """
        wanted = _normal(name)
        here = (command.cell if command.cell is not None else -1, command.line)
        folder = command.path.rpartition("/")[0]
        best: tuple[tuple[int, int, int, int], int] | None = None
        for index in self._by_name.get(_base(wanted), ()):
            document = self.documents[index]
            target = _normal(document.target or "")
            there = (document.cell if document.cell is not None else -1, document.line)
            exact = target == wanted
            if document.path == command.path and not document.on_disk:
                rank = 0 if there <= here else 1
            elif document.on_disk:
                exact = target in (wanted, f"{folder}/{wanted}".lstrip("/"))
                rank = 2 if exact else 4
            else:
                rank = 3
            distance = -there[0] if there <= here else there[0]
            key = (rank, not exact, distance, -there[1] if there <= here else there[1])
            if best is None or key < best[0]:
                best = (key, index)
        if best is None:
            return None
        if mark:
            self.used.add(best[1])
        return best[1]

    @staticmethod
    def _inline(command: ParsedCommand, word: Word, offset: int) -> DataText:
        via: Literal["code", "readme"] = "readme" if command.via == "readme" else "code"
        return DataText(command.path, command.cell, word.line, None, word.text[offset:], via, word, offset)

    @staticmethod
    def _flag_place(command: ParsedCommand, given: tuple[Word, int]) -> tuple[str, int | None, int, Form]:
        word, offset = given
        span = word.at(offset)
        whole = word.at(len(word.text) - 1) == span  # a value made of several parts stands where it is made
        if span.origin is not None and word.known and whole:
            return span.origin.path, span.origin.cell, span.origin.line, span.origin.form
        return command.path, command.cell, span.line, "flag"


def _glued(command: ParsedCommand) -> tuple[Word | None, int]:
    """``-d'{...}'``, written without a blank."""
    for word in command.words:
        if word.text.startswith(("-d{", "-d@")):
            return word, 2
    return None, 0


def _version_of(document: DataText, item: Declared, command: ParsedCommand | None) -> Version:
    runtime, python, image = item.get("runtimeVersion"), item.get("pythonVersion"), item.get("imageUri")
    at = runtime or python or image or item.get("deploymentUri") or Datum("", 0)
    path, cell, line, form = document.place(at)
    values = {
        name: None if datum is None else _value(datum.text, True)
        for name, datum in (("runtime_version", runtime), ("python_version", python), ("container", image))
    }
    given = {"runtime_version": runtime, "python_version": python, "container": image}
    framework = item.get("framework")
    service: _SERVICE = "vertex" if item.is_vertex else "ai-platform"
    by = command.path if command is not None and command.path != path else None
    return Version(
        path,
        cell,
        line,
        form,
        values["runtime_version"],
        values["python_version"],
        values["container"],
        service,
        framework.text if framework else None,
        tuple(name for name, datum in given.items() if datum is not None and values[name] is None),
        document.via,
        origin=_text(item, "deploymentUri") or _text(item, "artifactUri"),
        declared_by=by,
    )


def _text(item: Declared | None, key: str) -> str | None:
    datum = item.get(key) if item else None
    return datum.text if datum else None


def _value(text: str, known: bool) -> str | None:
    """A version or an address as written, "" where it is blank, None where it stands for something not
    known here.
    """
    text = text.strip().strip("'\"\u201c\u201d\u2018\u2019\\").strip()
    if not text:
        return ""
    if not known or _PLACEHOLDER.match(text) or "$" in text or "{" in text or _NAME_ONLY.match(text):
        return None
    return text


def _normal(name: str) -> str:
    """A path as written, without ``./`` and doubled slashes."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
    return "/".join(parts)


def _base(name: str) -> str:
    return _normal(name).rpartition("/")[2]
