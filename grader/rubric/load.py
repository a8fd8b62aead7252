"""A rubric file to a ``Rubric``, or to all of its faults at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

from grader.checks import registry as checks
from grader.checks.registry import Registry
from grader.rubric import schema
from grader.rubric.faults import Fault, RubricError, did_you_mean, quoted
from grader.rubric.model import MANUAL, Rubric, RubricItem, Section
from grader.rubric.nodes import compose, read_bytes
from grader.rubric.reading import Read, Reader
from grader.rubric.references import all_items, check_references

__all__ = ["DEFAULT", "Fault", "RubricError", "default_path", "load"]

DEFAULT = "cloud-deploy-lab.yaml"


def default_path() -> Path:
    """Where the packaged rubric lies: in the wheel within the package, in an editable install beside it."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "rubrics" / DEFAULT
    return inside if inside.is_file() else package.parent / "rubrics" / DEFAULT


def load(path: Path | None, registry: Registry | None = None) -> Rubric:
    """The rubric at ``path``; None is the default one. ``registry`` None: the checks of the grader, and, where an id is
    none of them, those of installed packages.

    Files that the rubric names under ``checks`` are run, once the list itself is in order.

    Raises:
        RubricError: the file cannot be read or has faults; ``str()`` of it is a line for each.
    """
    file = default_path() if path is None else path
    raw = read_bytes(file, "a rubric")
    root = compose(raw, str(file), "a rubric")
    reader = Reader()
    known = checks.load_builtin() if registry is None else registry
    own = _own_checks(reader, root, file)
    if registry is None and any(name not in known for name in _named(root)):
        try:
            checks.load_installed()
        except ValueError as problem:
            reader.fault(root, str(problem), "reference")
    read = reader.read(root, schema.rubric_spec(known), "a rubric")
    if read is not None:
        _unknown_checks(reader, read, known, extended=own is not None)
        check_references(reader, read, known)
    if reader.faults or read is None:
        raise RubricError(str(file), reader.faults)
    return _rubric(read, known, hashlib.sha256(raw).hexdigest(), own or ())


def _entries(node: Any, key: str) -> Any:
    """The value node of a key, or None: a look ahead that tells no faults."""
    pairs = node.value if node is not None and node.id == "mapping" else ()
    return next((value for name, value in pairs if name.id == "scalar" and name.value == key), None)


def _named(root: Any) -> Iterator[str]:
    """What stands under every ``check`` and ``requires``, faults or not."""

    def members(node: Any) -> Any:
        return node.value if node is not None and node.id == "sequence" else ()

    for section in members(_entries(root, "sections")):
        for item in members(_entries(section, "items")):
            for node in (_entries(item, "check"), *members(_entries(item, "requires"))):
                if node is not None and node.id == "scalar" and node.value != MANUAL:
                    yield node.value


def _own_checks(reader: Reader, root: Any, file: Path) -> tuple[str, ...] | None:
    """Run the Python files of ``checks``; their absolute paths, or None where the rubric has no such key."""
    node = _entries(root, "checks")
    if node is None:
        return None
    quiet = Reader()  # what is wrong with the list is told when the whole is read
    read = quiet.read(node, schema.rubric_spec(Registry()).keys["checks"].spec, "`checks`")
    found = []
    for entry in read.value if read is not None and not quiet.faults else ():
        path = file.resolve().parent / entry.value
        if not path.is_file():
            reader.fault(entry, f"there is no file {quoted(entry.value)} beside the rubric", "reference")
            continue
        try:
            checks.load_file(str(path))
        except ValueError as problem:
            reader.fault(entry, str(problem), "reference")
        found.append(str(path))
    return tuple(found)


def _unknown_checks(reader: Reader, rubric: Read, registry: Registry, *, extended: bool) -> None:
    names = (*registry.ids(), MANUAL)
    for item in all_items(rubric):
        check = item.value.get("check")
        if check is not None and check.value not in names:
            hint = did_you_mean(check.value, names) or "; `grade checks` lists them"
            message = f"there is no check {quoted(check.value)}{hint}"
            reader.fault(check, message, "reference" if extended else "shape")


def _rubric(read: Read, registry: Registry, digest: str, own: tuple[str, ...]) -> Rubric:
    return Rubric(
        id=read.get("rubric"),
        version=read.get("version"),
        title=read.get("title"),
        platforms=read.get("platforms"),
        choose=read.get("choose", "best"),
        sections=tuple(
            Section(section.get("title"), tuple(_item(i, registry) for i in section.value["items"].value))
            for section in read.value["sections"].value
        ),
        sha256=digest,
        check_files=own,
        hints=read.get("hints", True),
    )


def _item(read: Read, registry: Registry) -> RubricItem:
    name = read.get("check")
    check = None if name == MANUAL else registry[name]
    parameters = read.get("with", {})
    for key, value in parameters.items():
        if check is not None and check.parameters[key].kind is float:
            parameters[key] = float(value)
    return RubricItem(
        id=read.get("id") if check is None else name,
        check=name,
        points=float(read.get("points", 0)),
        penalty=float(read.get("penalty", 0)),
        parameters=MappingProxyType(parameters),
        requires=read.get("requires", ()),
        visibility=read.get("visibility", "visible"),
        title=read.get("title"),
        hint=read.get("hint"),
        platform=check.platform if check is not None else None,
        on_request=check.on_request if check is not None else None,
    )
