"""A person's marks for what the grader left open: read strictly, matched to submissions, never dropped in silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import yaml

from grader.checks.verdict import Status
from grader.rubric import schema
from grader.rubric.faults import RubricError, quoted
from grader.rubric.model import Rubric, RubricItem
from grader.rubric.nodes import compose, read_bytes
from grader.rubric.reading import Read, Reader
from grader.text import redact_url

_STATUSES = (Status.PASS.value, Status.FAIL.value, Status.NOT_APPLICABLE.value)

MARKS = schema.ListOf(
    schema.Fields(
        "a mark",
        {
            "submission": schema.Key(schema.Text(), "Its source, or the last part of it.", required=True),
            "item": schema.Key(schema.Text(), "The item's id.", required=True),
            "status": schema.Key(
                schema.Choice(_STATUSES, "pass, fail or not-applicable"), "Instead of points."
            ),
            "points": schema.Key(
                schema.Number(-schema.MOST_POINTS, schema.MOST_POINTS),
                "What the item earned; below 0 for a penalty.",
            ),
            "comment": schema.Key(schema.Text("a text", None), "What the student reads."),
        },
        never=(("status", "points", "a mark gives one of them"),),
    ),
    "a list of marks",
)


class MarkEntry(NamedTuple):
    """One mark as the file has it. ``status`` or ``points``, never both; ``line`` counts from 1."""

    submission: str
    item: str
    status: Status | None
    points: float | None
    comment: str
    line: int

    def beyond(self, item: RubricItem) -> bool:
        """Whether the points are more than ``item`` gives, or less than it may take away."""
        return self.points is not None and not -item.penalty <= self.points <= item.points

    def status_of(self, item: RubricItem) -> Status:
        """The status that the mark makes of ``item``."""
        if self.points is None:
            return self.status or Status.PASS
        if self.points >= item.points:  # of a penalty, 0: nothing is taken away
            return Status.PASS
        return Status.FAIL if self.points <= -item.penalty else Status.PARTIAL


class SubmissionMarks(NamedTuple):
    """The marks of one submission by item, and what is to be told of them."""

    entries: Mapping[str, MarkEntry] = MappingProxyType({})
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Marks:
    """All marks of a file. It remembers which were asked for: ``unused`` tells the rest."""

    file: str
    entries: tuple[MarkEntry, ...]
    _used: set[int] = field(default_factory=set)
    _named: dict[str, str] = field(default_factory=dict)
    _ambiguous: set[str] = field(default_factory=set)

    def announce(self, sources: Iterable[str]) -> None:
        """Tell which submissions there are, so that a last part that two of them share is used for neither."""
        for source in dict.fromkeys(_address(s) for s in sources):
            self._claim(source)

    def _claim(self, source: str) -> None:
        name = _last_part(source)
        if self._named.setdefault(name, source) != source:
            self._ambiguous.add(name)

    def for_submission(self, given: str, shown: str | None = None) -> SubmissionMarks:
        """The marks of the submission that was given as ``given`` and is shown as ``shown`` (without credentials).

        A mark names it by either, or by the last part of its path where no other submission has the same one.
        """
        addresses = {_address(given), _address(shown or given)}
        self._claim(_address(given))
        names = {_last_part(address) for address in addresses}
        found: dict[str, MarkEntry] = {}
        twice: dict[str, list[int]] = {}
        notes = []
        for index, entry in enumerate(self.entries):
            wanted = _address(entry.submission)
            if wanted not in addresses:
                if wanted not in names:
                    continue
                if wanted in self._ambiguous:
                    self._used.add(index)
                    notes.append(
                        f"The mark for {entry.item} (line {entry.line}) was not used: several submissions are called "
                        f"{wanted}."
                    )
                    continue
            self._used.add(index)
            if entry.item in found:
                twice.setdefault(entry.item, [found[entry.item].line]).append(entry.line)
            found.setdefault(entry.item, entry)
        for item, lines in twice.items():
            del found[item]
            told = " and ".join(str(line) for line in lines)
            notes.append(f"The marks for {item} were not used: it is marked more than once, in lines {told}.")
        return SubmissionMarks(found, tuple(notes))

    def unused(self) -> tuple[str, ...]:
        """A sentence for each mark that no submission has asked for."""
        return tuple(
            f"{self.file}:{entry.line}: the mark for {quoted(entry.item)} was not used: no graded submission is called "
            f"{quoted(redact_url(entry.submission), 200)}"
            for index, entry in enumerate(self.entries)
            if index not in self._used
        )


def _address(source: str) -> str:
    return redact_url(source.strip()).rstrip("/")


def _last_part(address: str) -> str:
    name = address.replace("\\", "/").rpartition("/")[2]
    for ending in (".git", ".zip", ".tar.gz", ".tgz"):
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def load(path: Path, rubric: Rubric | None = None) -> Marks:
    """The marks of a YAML file: a list of ``{submission, item, status or points, comment}``.

    With ``rubric`` given, points that are more or less than the item can have are faults.

    Raises:
        RubricError: the file cannot be read or has faults, all of them told.
    """
    root = compose(read_bytes(path, "a file of marks"), str(path), "a file of marks")
    reader = Reader()
    read = reader.read(root, MARKS, "the file")
    items = {i.id: i for section in rubric.sections for i in section.items} if rubric else {}
    entries = []
    seen: dict[tuple[str, str], int] = {}
    for mark, node in (
        zip(read.value, _nodes(root), strict=False) if read is not None and not reader.faults else ()
    ):
        entry = _entry(reader, mark, node)
        key = (_address(entry.submission), entry.item)
        if key in seen:
            message = f"{quoted(entry.item)} of this submission is marked twice; first in line {seen[key]}"
            reader.fault(mark, message, "reference")
        seen.setdefault(key, entry.line)
        item = items.get(entry.item)
        if item is not None and entry.beyond(item):
            span = f"from {-item.penalty:g} to 0" if item.is_penalty else f"from 0 to {item.points:g}"
            message = f"{quoted(entry.item)} has {span} points, not {entry.points:g}"
            reader.fault(mark.value["points"], message, "reference")
        entries.append(entry)
    if reader.faults:
        raise RubricError(str(path), reader.faults)
    return Marks(str(path), tuple(entries))


def _nodes(root: yaml.Node) -> list[yaml.Node]:
    return list(root.value) if isinstance(root, yaml.SequenceNode) else []


def _entry(reader: Reader, mark: Read, node: yaml.Node) -> MarkEntry:
    status, points = mark.get("status"), mark.get("points")
    if status is None and points is None:
        reader.fault(node, "a mark has a `status` or `points`, and here both are missing")
    return MarkEntry(
        submission=mark.get("submission"),
        item=mark.get("item"),
        status=Status(status) if status is not None else None,
        points=float(points) if points is not None else None,
        comment=mark.get("comment", "").strip(),
        line=mark.line,
    )
