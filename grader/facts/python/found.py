"""What the Python of a submission says, all files together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from grader.facts.code import ShellText, WrittenText
from grader.facts.records import (
    ModelCall,
    ModelFn,
    Notebook,
    Packing,
    Source,
    Unread,
    Upload,
    Use,
    Version,
    WrittenFile,
)


@dataclass(frozen=True, slots=True)
class PythonFacts:
    """What the Python of a submission says; ``literals`` and ``imports`` are by path, of live code."""

    notebooks: tuple[Notebook, ...] = ()
    sources: tuple[Source, ...] = ()
    written_files: tuple[WrittenFile, ...] = ()
    model_fns: tuple[ModelFn, ...] = ()
    model_calls: tuple[ModelCall, ...] = ()
    as_matrix: tuple[Use, ...] = ()
    values_called: tuple[Use, ...] = ()
    sklearn_externals: tuple[Use, ...] = ()
    versions: tuple[Version, ...] = ()
    uploads: tuple[Upload, ...] = ()
    packings: tuple[Packing, ...] = ()
    shell_texts: tuple[ShellText, ...] = ()
    written_texts: tuple[WrittenText, ...] = ()
    literals: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    imports: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    unread: tuple[Unread, ...] = ()
