"""Nodes of YAML against a description (``schema``): values with their places, and every fault there is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import yaml

from grader.patterns import pattern
from grader.rubric import schema
from grader.rubric.faults import Fault, Kind, did_you_mean, quoted
from grader.rubric.model import MANUAL

_NUMBER = pattern(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WHOLE = pattern(r"-?(0|[1-9][0-9]*)")
_TAG = "tag:yaml.org,2002:"
_CALLED = {
    "bool": "a boolean",
    "int": "a number",
    "float": "a number",
    "null": "nothing",
    "timestamp": "a date",
    "merge": "a merge key",
    "value": "a default key",
}


class Read(NamedTuple):
    """A value and where it stands. Of a mapping ``value`` is a dict of Reads, of a list a list of them."""

    value: Any
    line: int
    column: int

    def get(self, key: str, default: Any = None) -> Any:
        """The plain value of a key, or ``default``."""
        found = self.value.get(key)
        return default if found is None else found.plain()

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: read.plain() for key, read in self.value.items()}
        if isinstance(self.value, list):
            return tuple(read.plain() for read in self.value)
        return self.value


class Reader:
    """Reads nodes and keeps the faults. What is faulty is None (a key or entry that is left out)."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def fault(self, at: yaml.Node | Read, message: str, kind: Kind = "shape") -> None:
        """Note a fault."""
        if isinstance(at, Read):
            line, column = at.line, at.column
        else:
            line, column = at.start_mark.line + 1, at.start_mark.column + 1
        self.faults.append(Fault(line, column, message, kind))

    def read(self, node: yaml.Node, spec: schema.Spec, name: str) -> Read | None:
        """The value of ``node``, which is ``name`` in messages, by ``spec``."""
        if isinstance(spec, schema.ItemFields):
            return self._item(node, spec, name)
        if isinstance(spec, schema.Fields):
            return self._fields(node, spec, name)
        if isinstance(spec, schema.AnyMapping):
            if not isinstance(node, yaml.MappingNode):
                self.fault(node, f"{name} is {spec.what}, not {described(node)}")
            return None
        if isinstance(spec, schema.ListOf):
            return self._list(node, spec, name)
        if not isinstance(node, yaml.ScalarNode):
            self.fault(node, f"{name} is {spec.what}, not {described(node)}")
            return None
        if isinstance(spec, schema.FalseOr):
            if _plain(node) and node.value == "false":
                return self._at(node, False)
            spec = spec.other
        if isinstance(spec, schema.Flag):
            if _plain(node) and node.value in ("true", "false"):
                return self._at(node, node.value == "true")
            self.fault(node, f"{name} is true or false, not {described(node)}")
            return None
        if isinstance(spec, schema.Number):
            return self._number(node, spec, name)
        return self._text(node, spec, name)

    def _at(self, node: yaml.Node, value: Any) -> Read:
        return Read(value, node.start_mark.line + 1, node.start_mark.column + 1)

    def _text(self, node: yaml.ScalarNode, spec: schema.Text | schema.Choice, name: str) -> Read | None:
        kind = _kind(node)
        if kind == "null":
            self.fault(node, f"{name} has no value; {spec.what} was expected")
            return None
        if kind != "str":
            shown = quoted(node.value)
            self.fault(
                node,
                f"{name} is a text, and {shown} is read as {_CALLED.get(kind, kind)}: quote it, as in "
                f'"{node.value[:60]}"',
            )
            return None
        text = node.value
        if isinstance(spec, schema.Choice):
            if text not in spec.values and not (spec.also and re.search(spec.also, text)):
                known = ", ".join(spec.values) if len(spec.values) <= 6 else ""
                hint = did_you_mean(text, spec.values) or (f"; it is one of {known}" if known else "")
                self.fault(node, f"{name} is {spec.what}, and {quoted(text)} is none{hint}")
                return None
        elif spec.pattern is not None and not re.search(spec.pattern, text):
            empty = not text.strip()
            self.fault(
                node, f"{name} is {spec.what}, {'and here it is empty' if empty else 'not ' + quoted(text)}"
            )
            return None
        return self._at(node, text)

    def _number(self, node: yaml.ScalarNode, spec: schema.Number, name: str) -> Read | None:
        text = node.value
        if not _plain(node):
            hint = ": take the quotes away" if _NUMBER.fullmatch(text) else ""
            self.fault(node, f"{name} is {spec.what}, not the text {quoted(text)}{hint}")
            return None
        if not _NUMBER.fullmatch(text):
            self.fault(node, f"{name} is {spec.what}, not {described(node)}{_spelling(text)}")
            return None
        if spec.whole and not _WHOLE.fullmatch(text):
            # JSON takes 2.0 for a whole number; here it would be read as a version with two parts.
            kind: Kind = "text" if _is_whole(text) else "shape"
            self.fault(node, f"{name} is {spec.what}, not {quoted(text)}", kind)
            return None
        # A number of thousands of digits is over the bound anyway; int() would refuse it in its own words.
        number: float = int(text) if _WHOLE.fullmatch(text) and len(text) < 40 else float(text)
        if not math.isfinite(number) or not spec.least <= number <= spec.most:
            self.fault(node, f"{name} is {spec.what}, not {quoted(text)}")
            return None
        return self._at(node, number)

    def _list(self, node: yaml.Node, spec: schema.ListOf, name: str) -> Read | None:
        if not isinstance(node, yaml.SequenceNode):
            hint = f": write [{node.value[:60]}]" if _kind(node) == "str" and node.value else ""
            self.fault(node, f"{name} is {spec.what}, not {described(node)}{hint}")
            return None
        if len(node.value) < spec.least:
            self.fault(node, f"{name} is empty; at least {spec.least} entry was expected")
        found = []
        seen: set[Any] = set()
        for entry in node.value:
            read = self.read(entry, spec.of, f"an entry of {name}" if name[:1] == "`" else spec.of.what)
            if read is None:
                continue
            if spec.unique:
                if read.value in seen:
                    self.fault(read, f"{name} names {quoted(str(read.value))} twice")
                    continue
                seen.add(read.value)
            found.append(read)
        return self._at(node, found)

    def pairs(
        self, node: yaml.Node, known: Iterable[str], name: str, what: str
    ) -> dict[str, tuple[yaml.Node, yaml.Node]] | None:
        """The keys of a mapping with their key and value nodes: known ones, each once. None: no mapping."""
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, f"{name} is a mapping of keys and values, not {described(node)}")
            return None
        known = tuple(known)
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            kind = _kind(key)
            if kind == "merge":
                self.fault(key, "merge keys (<<) are not read here; write the keys out")
            elif kind != "str":
                message = f"a key is a text, not {described(key)}"
                if isinstance(key, yaml.ScalarNode):
                    message += ": quote it if it is meant"
                self.fault(key, message)
            elif key.value in found:
                first = found[key.value][0].start_mark.line + 1
                self.fault(key, f"{quoted(key.value)} stands twice in {what}; first in line {first}", "text")
            elif key.value not in known:
                hint = did_you_mean(key.value, known)
                allowed = f"; known are {', '.join(known)}" if known else "; there are none"
                self.fault(key, f"{quoted(key.value)} is no key of {what}{hint or allowed}")
                found[key.value] = (key, value)  # so that a second one is told as well
            else:
                found[key.value] = (key, value)
        return {key: found[key] for key in found if key in known}

    def _fields(self, node: yaml.Node, spec: schema.Fields, name: str) -> Read | None:
        pairs = self.pairs(node, spec.keys, name, spec.what)
        if pairs is None:
            return None
        return self._at(node, self._values(node, spec, pairs))

    def _values(
        self, node: yaml.Node, spec: schema.Fields, pairs: dict[str, tuple[yaml.Node, yaml.Node]]
    ) -> dict[str, Read]:
        found = {}
        for key, (_, value) in pairs.items():
            read = self.read(value, spec.keys[key].spec, f"`{key}`")
            if read is not None:
                found[key] = read
        for key, described_as in spec.keys.items():
            if described_as.required and key not in pairs:
                self.fault(node, f"{spec.what} needs the key `{key}`, and here it is missing")
        for one, other, why in spec.never:
            if one in pairs and other in pairs:
                second = max(pairs[one][0], pairs[other][0], key=lambda n: n.start_mark.index)
                self.fault(second, f"`{one}` and `{other}` stand together, and {why}")
        return found

    def _item(self, node: yaml.Node, spec: schema.ItemFields, name: str) -> Read | None:
        pairs = self.pairs(node, spec.fields.keys, name, spec.what)
        if pairs is None:
            return None
        settings = pairs.pop("with", None)
        found = self._values(node, spec.fields, pairs)
        check = found["check"].value if "check" in found else None
        named = pairs.get("check")
        # What is wrong with `check` has been told; what a manual item has and lacks hangs on what it says.
        is_manual = named is not None and _kind(named[1]) == "str" and named[1].value == MANUAL
        if is_manual:
            for key in schema.MANUAL_NEEDS:
                if key not in pairs:
                    self.fault(node, f"a manual item needs the key `{key}`, and here it is missing")
            if settings is not None:
                self.fault(settings[0], "a manual item has no parameters; take `with` away")
        else:
            for key in schema.OTHERS_LACK:
                if key in pairs:
                    self.fault(
                        pairs[key][0], f"`{key}` belongs to manual items; here the check's id is the item's"
                    )
            if settings is not None:
                wanted: schema.Spec = spec.parameters.get(check or "") or spec.fields.keys["with"].spec
                read = self.read(settings[1], wanted, "`with`")
                if read is not None:
                    found["with"] = read
        return self._at(node, found)


def described(node: yaml.Node) -> str:
    """What stands there, in words."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    kind = _kind(node)
    if kind == "null":
        return "nothing"
    if kind == "str":
        return f"the text {quoted(node.value)}"
    return quoted(node.value)


def _plain(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.style  # None of the one parser, "" of the other


def _kind(node: yaml.Node) -> str:
    """``str``, ``int``, ``null``, ... as either version of YAML may read it; ``""`` for what is no scalar."""
    if not isinstance(node, yaml.ScalarNode):
        return ""
    kind = node.tag.removeprefix(_TAG)
    # YAML 1.2 reads 1e3 and 0o17 as numbers, 1.1 does not: whoever means a text quotes it.
    if (
        kind == "str"
        and _plain(node)
        and (_NUMBER.fullmatch(node.value) or re.fullmatch("0o[0-7]+", node.value))
    ):
        return "float"
    return kind


def _is_whole(text: str) -> bool:
    try:
        return float(text).is_integer()
    except OverflowError:
        return False


def _spelling(text: str) -> str:
    """A hint for numbers as YAML 1.1 knows them and nobody reads them."""
    if re.fullmatch(r"[+-]?0[0-7_]+", text):
        return ": some readers take a leading zero for octal; write it without"
    if (
        re.fullmatch(r"[+-]?(\d[\d_]*)?\.?[\d_]*|[+-]?0[xob][0-9a-fA-F_]+|[+-]?\d+(:\d+)+(\.\d*)?", text)
        and text
    ):
        return ": write it in plain decimal digits, as in 7.5"
    return ""
