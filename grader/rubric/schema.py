"""The one description of the rubric format: the loader validates by it, and the JSON Schema for editors is made from it.

What a schema cannot say (duplicate ids, cycles, files that must exist) is in ``references``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from grader.checks.registry import Check, Registry
from grader.rubric.model import MANUAL

PLATFORMS = ("aws", "gcp")
VISIBILITIES = ("visible", "hidden", "after_due_date", "after_published")
MOST_POINTS = 1_000_000
MANUAL_NEEDS = ("id", "title")
MANUAL_LACKS = ("with",)
OTHERS_LACK = ("id",)
"""Keys that only manual items have."""
LARGEST = 10**12
"""The largest number that a parameter takes, either way: what is finite, exact and meant."""

# `$` alone would let a line break at the end pass.
_IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$(?!\n)"
_SOMETHING = r"\S"
_CHECK_ID = r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]+$(?!\n)"


class Text(NamedTuple):
    """A text that matches ``pattern``; ``what`` says it in words."""

    what: str = "a text"
    pattern: str | None = _SOMETHING

    def json(self) -> dict[str, Any]:
        """As JSON Schema."""
        return {"type": "string", **({"pattern": self.pattern} if self.pattern else {})}


class Choice(NamedTuple):
    """One of some words. ``notes``: what each means, for editors; ``also``: a pattern that is taken besides."""

    values: tuple[str, ...]
    what: str
    notes: Mapping[str, tuple[str, str]] = MappingProxyType({})
    also: str | None = None

    def json(self) -> dict[str, Any]:
        """As JSON Schema."""
        if not self.notes:
            found: dict[str, Any] = {"type": "string", "enum": list(self.values)}
        else:
            found = {
                "type": "string",
                "oneOf": [
                    {"const": value, "title": self.notes[value][0], "description": self.notes[value][1]}
                    if value in self.notes
                    else {"const": value}
                    for value in self.values
                ],
            }
        return {"anyOf": [found, {"type": "string", "pattern": self.also}]} if self.also else found


class Number(NamedTuple):
    """A number from ``least`` to ``most``, both included; ``whole``: without a fraction."""

    least: float
    most: float
    whole: bool = False

    @property
    def what(self) -> str:
        """In words."""
        kind = "a whole number" if self.whole else "a number"
        if abs(self.most) >= LARGEST:
            return kind if self.least < 0 else f"{kind} of {self.least:g} or more"
        return f"{kind} from {self.least:,g} to {int(self.most):,}"

    def json(self) -> dict[str, Any]:
        """As JSON Schema."""
        return {
            "type": "integer" if self.whole else "number",
            "minimum": self.least,
            "maximum": self.most,
        }


class Flag(NamedTuple):
    """``true`` or ``false``."""

    what: str = "true or false"

    def json(self) -> dict[str, Any]:
        """As JSON Schema."""
        return {"type": "boolean"}


class FalseOr(NamedTuple):
    """``false``, or something else."""

    other: Text

    @property
    def what(self) -> str:
        """In words."""
        return f"{self.other.what}, or false"

    def json(self) -> dict[str, Any]:
        """As JSON Schema."""
        return {"anyOf": [{"const": False}, self.other.json()]}


class ListOf(NamedTuple):
    """A list of ``of``, with at least ``least`` entries; ``unique``: none twice (texts)."""

    of: Spec
    what: str
    least: int = 0
    unique: bool = False

    def json(self) -> dict[str, Any]:
        """As JSON Schema."""
        found: dict[str, Any] = {"type": "array", "items": self.of.json()}
        if self.least:
            found["minItems"] = self.least
        if self.unique:
            found["uniqueItems"] = True
        return found


class Key(NamedTuple):
    """One key of a mapping."""

    spec: Spec
    description: str
    required: bool = False


class Fields(NamedTuple):
    """A mapping with these keys and no others. ``never``: pairs of keys that exclude each other, and why."""

    what: str
    keys: Mapping[str, Key]
    never: tuple[tuple[str, str, str], ...] = ()

    def json(self) -> dict[str, Any]:
        """As JSON Schema."""
        found: dict[str, Any] = {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                name: {**key.spec.json(), "description": key.description} for name, key in self.keys.items()
            },
            "required": [name for name, key in self.keys.items() if key.required],
        }
        if self.never:
            found["not"] = {"anyOf": [{"required": [one, other]} for one, other, _ in self.never]}
        return found


class AnyMapping(NamedTuple):
    """A mapping of which nothing more can be said."""

    what: str

    def json(self) -> dict[str, Any]:
        """As JSON Schema."""
        return {"type": "object"}


class ItemFields(NamedTuple):
    """An item: ``fields`` in common, and ``with`` by the check (``parameters``; any mapping for an unknown one)."""

    fields: Fields
    parameters: Mapping[str, Fields]

    @property
    def what(self) -> str:
        """In words."""
        return self.fields.what

    def json(self) -> dict[str, Any]:
        """As JSON Schema."""
        manual = {"properties": {"check": {"const": MANUAL}}, "required": ["check"]}
        return {
            **self.fields.json(),
            "allOf": [
                {
                    "if": manual,
                    "then": {
                        "required": list(MANUAL_NEEDS),
                        "properties": dict.fromkeys(MANUAL_LACKS, False),
                    },
                    "else": {"properties": dict.fromkeys(OTHERS_LACK, False)},
                },
                *(
                    {
                        "if": {"properties": {"check": {"const": name}}, "required": ["check"]},
                        "then": {"properties": {"with": fields.json()}},
                    }
                    for name, fields in self.parameters.items()
                ),
            ],
        }


Spec = Text | Choice | Number | Flag | FalseOr | ListOf | Fields | AnyMapping | ItemFields


def parameter_spec(kind: type) -> Spec:
    """The description of a check's parameter by its type (``registry.Parameter.kind``)."""
    specs: dict[type, Spec] = {
        int: Number(-LARGEST, LARGEST, whole=True),
        float: Number(-LARGEST, LARGEST),
        bool: Flag(),
        list: ListOf(Text(pattern=None), "a list of texts"),
    }
    return specs.get(kind, Text(pattern=None))


def parameters_of(check: Check) -> Fields:
    """The keys of ``with`` for a check."""
    return Fields(
        f"`with` for {check.id}",
        {
            name: Key(parameter_spec(parameter.kind), f"Default: {_shown(parameter.default)}")
            for name, parameter in check.parameters.items()
        },
    )


def _shown(default: Any) -> str:
    return json.dumps(list(default) if isinstance(default, tuple) else default, ensure_ascii=False)


def item_spec(registry: Registry) -> ItemFields:
    """One item. Whether its check is among those there are is said in ``rubric_spec``'s place, once for all items."""
    notes = {check.id: (check.title, check.why) for check in registry}
    notes[MANUAL] = ("An item that only a person can mark", "It is open until --marks brings a mark for it.")
    keys = {
        "check": Key(
            Choice((*registry.ids(), MANUAL), "a check", notes, also=_CHECK_ID),
            "The check's id, or manual: an item that only a person can mark.",
            required=True,
        ),
        "id": Key(Text("an id (letters, digits, - _ and .)", _IDENTIFIER), "What marks call a manual item."),
        "points": Key(
            Number(0, MOST_POINTS), "What it gives when passed. Without points and penalty: told only."
        ),
        "penalty": Key(Number(0, MOST_POINTS), "What it takes away when failed."),
        "with": Key(AnyMapping("a mapping of parameters"), "Parameters of the check."),
        "requires": Key(
            ListOf(Text("the id of an item", _IDENTIFIER), "a list of ids", unique=True),
            "What has to be met first, beside what the check itself requires.",
        ),
        "visibility": Key(
            Choice(VISIBILITIES, "a visibility"), "Students see what is visible, which is the default."
        ),
        "title": Key(Text(), "Another title than the check's own."),
        "hint": Key(FalseOr(Text()), "Another hint than the check's own remedy; false: none."),
    }
    never = (("points", "penalty", "an item either gives points or takes them away"),)
    return ItemFields(Fields("an item", keys, never), {check.id: parameters_of(check) for check in registry})


def rubric_spec(registry: Registry) -> Fields:
    """A whole rubric. Only one with ``checks`` may name a check that is not in ``registry``: see ``json_schema``."""
    section = Fields(
        "a section",
        {
            "title": Key(Text(), "The heading.", required=True),
            "items": Key(
                ListOf(item_spec(registry), "a list of items", least=1),
                "What is asked under it, in the order of the report.",
                required=True,
            ),
        },
    )
    return Fields(
        "a rubric",
        {
            "rubric": Key(
                Text("an id (letters, digits, - _ and .)", _IDENTIFIER), "The rubric's id.", required=True
            ),
            "version": Key(Number(1, LARGEST, whole=True), "Raise it when points change.", required=True),
            "title": Key(Text(), "What reports call it.", required=True),
            "platforms": Key(
                ListOf(Choice(PLATFORMS, "a platform"), "a list of platforms", least=1, unique=True),
                "The platforms that a submission may deploy to; the order decides between equals.",
                required=True,
            ),
            "choose": Key(
                Choice(("best", "all"), "best or all"),
                "best (the default): the better platform counts; all: every platform is asked for, and their mean counts.",
            ),
            "hints": Key(Flag(), "Whether reports say how to fix what is wrong; true is the default."),
            "checks": Key(
                ListOf(Text("the path of a Python file"), "a list of Python files", least=1, unique=True),
                "Python files that define further checks, relative to the rubric. They are run: name only your own.",
            ),
            "sections": Key(
                ListOf(section, "a list of sections", least=1), "The items by heading.", required=True
            ),
        },
    )


def json_schema(registry: Registry | None = None) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the rubric format; ``registry`` None: the built-in checks and installed ones.

    Raises:
        ValueError: an installed package's checks cannot be loaded.
    """
    if registry is None:
        from grader.checks import registry as checks

        registry = checks.load_builtin()
        checks.load_installed()
    known = {"properties": {"check": {"enum": [*registry.ids(), MANUAL]}}}
    items = {"properties": {"items": {"items": known}}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A rubric of deploy-lab-grader",
        **rubric_spec(registry).json(),
        # A rubric that brings checks of its own may name ids that are not known here.
        "if": {"required": ["checks"]},
        "else": {"properties": {"sections": {"items": items}}},
    }
