"""Notebooks, read leniently, as Jupyter does: nbformat 4 and 3, whatever is missing in them.

Nothing is validated beyond what is needed to see the cells: a notebook that opens in Jupyter opens here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from grader.facts.code import CellOutput, NotebookCell, NotebookDocument
from grader.patterns import pattern
from grader.submission.errors import Unreadable
from grader.text import decode

_CELLS_MOST = 20_000
_TAG = pattern(r"<[^<>]{0,2000}>")
_PICTURES = ("image/", "application/pdf")
_OLD_PICTURES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
}


def read_notebook(path: str, data: bytes) -> NotebookDocument:
    """The notebook in ``data``: its cells in order, code, text and outputs.

    Raises:
        Unreadable: not valid JSON (with line and column), nested too deeply, or no notebook at all.
    """
    text = decode(data)
    if not text.strip():
        raise Unreadable("an empty file, no notebook")
    try:
        content = json.loads(text, parse_int=_number, parse_constant=lambda name: name)
    except json.JSONDecodeError as problem:
        raise Unreadable(f"not valid JSON: line {problem.lineno} column {problem.colno}") from problem
    except RecursionError as problem:
        raise Unreadable("not valid JSON: nested too deeply") from problem
    if not isinstance(content, dict):
        raise Unreadable("valid JSON, but no notebook")
    listed = content.get("cells")
    worksheets = content.get("worksheets")
    if not isinstance(listed, list):
        if isinstance(worksheets, list):
            sheets = [w.get("cells") for w in worksheets if isinstance(w, dict)]
            listed = [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
        elif "nbformat" in content or "metadata" in content:
            listed = []
        else:
            raise Unreadable("valid JSON, but no notebook: it has no cells")
    major = content.get("nbformat")
    if not isinstance(major, int) or isinstance(major, bool) or not 0 < major < 100:
        major = 3 if isinstance(worksheets, list) else 4
    cells = tuple(_cell(index, raw) for index, raw in enumerate(listed[:_CELLS_MOST]))
    return NotebookDocument(path, major, _language(content, listed), cells)


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) < 400 else digits


def _joined(value: Any) -> str:
    """Text that is given as one string or as a list of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return ""


def _language(content: dict[str, Any], cells: list[Any]) -> str:
    """The kernel's language, lowercased; Python where nothing says otherwise."""
    metadata = content.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    kernel, info = metadata.get("kernelspec"), metadata.get("language_info")
    spoken = [
        info.get("name") if isinstance(info, dict) else None,
        kernel.get("language") if isinstance(kernel, dict) else None,
        metadata.get("language"),
        *(c.get("language") for c in cells[:50] if isinstance(c, dict) and "input" in c),
        kernel.get("name") if isinstance(kernel, dict) else None,
    ]
    for name in spoken:
        if isinstance(name, str) and name.strip():
            found = name.strip().lower()[:40]
            if "python" in found or "conda" in found or found in ("ir", "r", "julia", "scala", "bash"):
                return "python" if "python" in found or "conda" in found else {"ir": "r"}.get(found, found)
            if name is not spoken[-1]:
                return found
    return "python"


def _cell(index: int, raw: Any) -> NotebookCell:
    if not isinstance(raw, dict):
        return NotebookCell(index, "raw", "")
    named = raw.get("cell_type")
    source = _joined(raw.get("source", raw.get("input")))
    attachments = raw.get("attachments")
    names = tuple(str(name) for name in attachments) if isinstance(attachments, dict) else ()
    if named == "code":
        return NotebookCell(index, "code", source, tuple(_outputs(raw.get("outputs"))))
    if named in ("markdown", "heading", "html"):
        if named == "heading":
            level = raw.get("level")
            source = "#" * (level if isinstance(level, int) and 0 < level < 7 else 1) + " " + source
        return NotebookCell(index, "markdown", source, attachments=names)
    return NotebookCell(index, "raw", source, attachments=names)


def _outputs(raw: Any) -> Iterator[CellOutput]:
    for output in raw if isinstance(raw, list) else ():
        if not isinstance(output, dict):
            continue
        kind = output.get("output_type")
        if kind == "stream":
            yield CellOutput(_joined(output.get("text")))
        elif kind in ("error", "pyerr"):
            trace = output.get("traceback")
            lines = [line for line in trace if isinstance(line, str)] if isinstance(trace, list) else []
            yield CellOutput("\n".join(lines) or f"{output.get('ename', '')}: {output.get('evalue', '')}")
        else:
            yield _shown(output)


def _shown(output: dict[str, Any]) -> CellOutput:
    """A result or display: plain text before HTML; nbformat 3 has the types beside each other, by short names."""
    data = output.get("data")
    if isinstance(data, dict):
        pictures = tuple(str(name) for name in data if str(name).startswith(_PICTURES))
        text = _joined(data.get("text/plain"))
        if not text and "application/json" in data:
            text = json.dumps(data["application/json"])
        rich = _joined(data.get("text/html")) or _joined(data.get("text/markdown"))
    else:
        pictures = tuple(kind for name, kind in _OLD_PICTURES.items() if name in output)
        text, rich = _joined(output.get("text")), _joined(output.get("html"))
    if rich:
        plain = _TAG.sub(" ", rich)
        text = f"{text}\n{plain}" if text else plain
    return CellOutput(text, pictures)
