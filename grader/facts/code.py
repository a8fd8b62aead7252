"""What readers hand to each other about code, before it becomes facts. None of this is printed.

The one-way seam: documents (notebooks, sources, READMEs, scripts) yield shell text and written files; commands and
deployments are read from those, wherever they came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

Dialect = Literal["sh", "bat", "make", "powershell"]


class Origin(NamedTuple):
    """Where the literal of a variable's value stands, and in what: Python code, or a shell (``%env`` too)."""

    path: str
    cell: int | None
    line: int
    form: Literal["python", "shell-variable"]


class ShellText(NamedTuple):
    """Text that a shell runs.

    ``line`` is where its first line stands (1-based, in the file or cell). ``variables`` are values known from around
    it (Python names of the notebook for ``{VAR}`` and ``$VAR``, ``%env``, ``os.environ``); what the text itself sets is found by its reader.
    A list handed to ``subprocess`` comes quoted, one command. ``via``: ``readme`` for code blocks of a README.
    ``origins`` tell where the values of ``variables`` stand, for those of which it is known.
    """

    path: str
    cell: int | None
    line: int
    text: str
    dialect: Dialect = "sh"
    variables: Mapping[str, str] = MappingProxyType({})
    via: Literal["code", "readme"] = "code"
    origins: Mapping[str, Origin] = MappingProxyType({})


class WrittenText(NamedTuple):
    """The content of a file that a notebook or program writes. ``line`` is where its first line stands.

    ``append``: it is added to what the file holds (``%%writefile -a``).
    """

    path: str
    cell: int | None
    line: int
    target: str | None
    text: str
    via: Literal["code", "readme"] = "code"
    variables: Mapping[str, str] = MappingProxyType({})
    append: bool = False


class CodeBlock(NamedTuple):
    """A code block of a README. ``line`` is that of its first line of code; ``language`` as written, lowercased."""

    path: str
    line: int
    language: str
    text: str


class CellOutput(NamedTuple):
    """One output of a code cell: its text (streams, plain text, tracebacks, HTML as text) and the types of its pictures."""

    text: str
    images: tuple[str, ...] = ()


class NotebookCell(NamedTuple):
    """A cell as a person sees it. ``index`` is 0-based among all cells; ``attachments`` are names in a markdown cell."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody asks of a cell
    kind: Literal["code", "markdown", "raw"]
    source: str
    outputs: tuple[CellOutput, ...] = ()
    attachments: tuple[str, ...] = ()


class NotebookDocument(NamedTuple):
    """A notebook, read leniently, as Jupyter does. ``nbformat`` is the major version it is written in."""

    path: str
    nbformat: int
    language: str
    cells: tuple[NotebookCell, ...]
