"""The requests that a deployment's own code makes, where their values stand in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from grader.asking import npy
from grader.asking.literals import Call, Encoded, calls_of, tables_of
from grader.asking.sample import ADDRESS, LARGEST, Read, Sample, bytes_of, dumped, told_here
from grader.facts import notebooks, readme
from grader.facts.counted.subject import Subject
from grader.patterns import pattern
from grader.submission.errors import Unreadable
from grader.text import decode

_SOURCES = 30
_PREDICTORS = pattern(r"(?i)predictor|endpoint")


def in_code(subject: Subject, read: Read, platform: str) -> Iterator[Sample]:
    """The requests of sources, notebooks and READMEs, the folder's own before others."""
    for path, text in _code(subject, read):
        if "predict" not in text and "invoke_endpoint" not in text:
            continue
        tables = tables_of(text)
        for call in calls_of(tables, ("predict", "invoke_endpoint", "post")):
            yield from _from_call(call, text, path, platform)


def _from_call(call: Call, text: str, path: str, platform: str) -> Iterator[Sample]:
    """The request that a call makes, as far as its values stand there. ``...`` is what could not be told."""
    name, owner, args, named = call
    form = f"the request in {path}"
    if name == "invoke_endpoint" and platform == "aws":
        body = named.get("Body", ...)
        kind, accept = named.get("ContentType", "application/json"), named.get("Accept")
        data = _encoded(body)
        if data is not None and isinstance(kind, str):
            yield Sample(form, kind, data, path, accept=accept if isinstance(accept, str) else None)
    elif name == "post":
        address = args[0] if args else named.get("url", "")
        if not (isinstance(address, str) and ADDRESS.search(address)):
            return
        if "json" in named and named["json"] is not ...:
            body = dumped(named["json"])
            kind = "application/json"
        else:
            body = _encoded(named.get("data", args[1] if len(args) > 1 else ...))
            kind = "application/json"
            headers = named.get("headers")
            for key, value in headers.items() if isinstance(headers, dict) else ():
                if str(key).lower() in ("content-type", "contenttype") and isinstance(value, str):
                    kind = value
        if body is not None and (platform == "aws" or b"instances" in body):
            yield Sample(form, kind, body, path)
    elif name == "predict" and platform == "gcp":
        whole = named.get("body", ...)
        if isinstance(whole, dict) and "instances" in whole:
            body = dumped(whole)
        elif _PREDICTORS.search(owner):
            value = named.get("instances", args[0] if args else ...)
            body = dumped({"instances": _plain(value)}) if isinstance(_plain(value), list) else None
        else:
            return
        if body is not None:
            yield Sample(form, "application/json", body, path)
    elif name == "predict" and platform == "aws" and _PREDICTORS.search(owner):
        value = _plain(args[0] if args else named.get("data", ...))
        if value is not ...:
            yield from _by_predictor(value, text, path, form)


def _by_predictor(value: Any, text: str, path: str, form: str) -> Iterator[Sample]:
    """What the SDK's predictor sends: npy, unless the code gives it another serializer."""
    accept = "application/json" if "JSONDeserializer" in text else None
    if "JSONSerializer" in text:
        body = dumped(value)
        if body is not None:
            yield Sample(form, "application/json", body, path, accept=accept)
        return
    if "CSVSerializer" in text:
        rows = value if isinstance(value, list) else [value]
        rows = rows if rows and isinstance(rows[0], list) else [rows]
        data = value if isinstance(value, str) else "\n".join(",".join(map(str, row)) for row in rows)
        yield Sample(form, "text/csv", data.encode("utf-8", "replace"), path, accept=accept)
        return
    if isinstance(value, list):
        packed = npy.array(value)
        if packed is not None:
            yield Sample(
                form + ", as npy", "application/x-npy", packed, path, accept=accept or "application/x-npy"
            )


def _plain(value: Any) -> Any:
    """Lists for tuples; what was already made text is none."""
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return ... if isinstance(value, Encoded) else value


def _encoded(value: Any) -> bytes | None:
    """The bytes that a body is: text, bytes, or what ``json.dumps`` makes."""
    if isinstance(value, Encoded):
        return dumped(value.value)
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return value if isinstance(value, bytes) else None


def _code(subject: Subject, read: Read) -> Iterator[tuple[str, str]]:
    """(path, Python text) of the deployment's sources, notebooks and READMEs, the folder's own before others."""
    facts = subject.facts
    sources = [s.path for s in facts.sources if told_here(subject, s.path)]
    books = [n.path for n in facts.notebooks if told_here(subject, n.path)]
    paths = sorted([*sources, *books], key=lambda p: (not subject.inside(p), p))[:_SOURCES]
    for path in paths:
        try:
            raw = read(path, 20_000_000 if path in books else LARGEST)
            if path in books:
                cells = notebooks.read_notebook(path, raw).cells
                yield path, "\n".join(_live(c.source) for c in cells if c.kind == "code")
            else:
                yield path, decode(raw)
        except (Unreadable, KeyError):
            continue
    document = subject.readme() or subject.root_readme()
    raw_readme = bytes_of(read, document.path) if document is not None else None
    if document is not None and raw_readme is not None:
        blocks = readme.read(document.path, decode(raw_readme), subject.file_names()).code_blocks
        texts = [
            b.text
            for b in blocks
            if b.language.partition(" ")[0] in ("python", "py", "python3", "ipython", "")
        ]
        yield (
            document.path,
            "\n".join(text for text in texts if "predict" in text or "invoke_endpoint" in text),
        )


def _live(source: str) -> str:
    """A cell's Python: shell lines and magics are no part of it."""
    if source.lstrip().startswith("%%"):
        return ""
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.split("\n"))
