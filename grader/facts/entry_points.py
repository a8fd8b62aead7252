"""Entry points that no Python names: ``SAGEMAKER_PROGRAM`` in the YAML, JSON or Terraform of a container, a stack."""

from __future__ import annotations

from collections.abc import Mapping

from grader.facts.records import EntryName
from grader.patterns import pattern

_PROGRAM = pattern(r"""SAGEMAKER_PROGRAM\\?["']?[ \t]*[:=][ \t]*\\?["']?([\w./-]+)""")
_TERRAFORM = pattern(r"""SAGEMAKER_PROGRAM"?[ \t]*[:=][ \t]*"([\w./-]+)\"""")
_MOST = 100


def in_data(data: Mapping[str, str]) -> tuple[EntryName, ...]:
    """The entry points that data files name, by path and line; ``data`` is text by path."""
    found: list[EntryName] = []
    for path in sorted(data):
        written = (
            _TERRAFORM if path.endswith(".tf") else _PROGRAM
        )  # there, what has no quotes is an expression
        for match in written.finditer(data[path]):
            if len(found) < _MOST:
                found.append(EntryName(path, data[path].count("\n", 0, match.start()) + 1, match.group(1)))
    return tuple(found)
