"""The archives that may be the deployed model's, and what commands and programs would pack into one."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from grader.facts.counted.scripts import calls, concerns, plain
from grader.facts.counted.subject import Subject
from grader.facts.records import Archive, Command, Model, Place


def model_archives(subject: Subject) -> list[Archive]:
    """Archives that may be the model's: by what is in them, by name, or named in a call; the folder's before others."""
    called = {posixpath.basename(call.model_data) for call in calls(subject) if call.model_data}
    found = [
        archive
        for archive in subject.facts.archives
        if concerns(subject, archive.path)
        and archive.kind != "source"
        and (
            archive.kind != "other"
            or "model" in name_of(archive.path).lower()
            or name_of(archive.path) in called
        )
    ]
    return [a for a in found if subject.inside(a.path)] or found


def name_of(path: str) -> str:
    """The last part of a path."""
    return posixpath.basename(path)


def loose_models(subject: Subject) -> list[Model]:
    """Model files that lie in no archive, the folder's before others."""
    loose = [m for m in subject.facts.models if m.member is None and concerns(subject, m.path)]
    return [m for m in loose if subject.inside(m.path)] or loose


@dataclass(frozen=True, slots=True)
class Packed:
    """One thing that a command or a program packs: its name in the archive (``.``: a folder's contents), its source."""

    member: str | None
    source: str | None
    place: Place


def what_is_packed(subject: Subject) -> list[Packed]:
    """What ``tar`` commands and programs put into archives."""
    found: list[Packed] = []
    for packing in subject.facts.packings:
        if concerns(subject, packing.path):
            place = Place(packing.path, packing.cell, packing.line)
            member = None if packing.member is None else plain(packing.member)
            found.append(Packed(member, packing.source, place))
    for command in subject.facts.commands:
        if command.program == "tar" and concerns(subject, command.path):
            found.extend(tar(command))
    return found


def tar(command: Command) -> list[Packed]:
    """What a ``tar`` command packs; nothing where it unpacks."""
    words = [*([command.verb] if command.verb else []), *command.arguments]
    place = Place(command.path, command.cell, command.line)
    found: list[Packed] = []
    creating = False
    folder, waiting = "", ""
    for index, word in enumerate(words):
        if waiting:
            folder = word if waiting == "C" else folder
            waiting = ""
        elif word in ("-C", "--directory"):
            waiting = "C"
        elif word.startswith(("-C", "--directory=")):
            folder = word.removeprefix("--directory=").removeprefix("-C")
        elif word.startswith("--"):
            creating = creating or word == "--create"
            waiting = "f" if word == "--file" else ""
        elif word.startswith("-") or (index == 0 and re.fullmatch(r"[A-Za-z]+", word) and "f" in word):
            creating = creating or "c" in word
            waiting = "f" if word.endswith("f") or (index == 0 and not word.startswith("-")) else ""
        elif creating and word in ("*", "./*") and folder:
            found.append(Packed(".", folder, place))
        elif creating:
            unclear = any(letter in word for letter in "${*?`")
            source = posixpath.join(folder, word)
            found.append(Packed(None if unclear else plain(word), None if unclear else source, place))
    return found


def would_hold(item: Packed, path: str, loose: list[Model]) -> bool:
    """Whether the archive that ``item`` goes into would hold a file at ``path``."""
    if item.member is None:
        return False
    if item.member == ".":
        source = item.source
        return source is not None and any(_ends_with(m.path, posixpath.join(source, path)) for m in loose)
    return item.member == path or (
        path.startswith(item.member + "/") and any(_ends_with(m.path, path) for m in loose)
    )


def holds_loose(item: Packed, model: Model, path: str) -> bool:
    """Whether a folder is packed as such that holds the model."""
    folder = plain(item.source or item.member or ".")
    return name_of(model.path) == name_of(path) and f"/{posixpath.dirname(model.path)}/".endswith(
        f"/{folder}/"
    )


def _ends_with(path: str, end: str) -> bool:
    end = posixpath.normpath(end)
    while end.startswith("../"):
        end = end[3:]
    return f"/{path}".endswith("/" + end.lstrip("/"))
