"""``grade inspect``: the facts of a submission as JSON for scripts, and as a list for people. No verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from grader.facts.records import Facts, to_json
from grader.facts.secrets import hide
from grader.report import shown
from grader.report.jsonformat import dump
from grader.report.model import INSPECT_SCHEMA
from grader.report.words import counted
from grader.text import redact_url, visible

PROMISED = (
    "deploy_folders",
    "readmes",
    "images",
    "model_fns",
    "model_calls",
    "archives",
    "models",
    "as_matrix",
    "sklearn_externals",
    "versions",
    "commands",
    "secrets",
    "unread",
)
"""The facts that scripts rely on, in their order; the others follow."""

_PROGRAMS = frozenset({"gcloud", "gsutil", "aws", "tar"})
"""The programs whose commands are ``commands``; what else a shell was told (python, curl) is ``other_commands``."""


def inspect_json(facts: Facts | Mapping[str, Any], source: str, commit: str | None) -> dict[str, Any]:
    """The facts as plain values, schema ``grade.inspect/1``: first what is promised, in that order, then the rest.

    ``facts`` are the record, or the record as ``to_json`` made it. Every text is made visible; ``source`` stays as
    given, but for credentials.
    """
    plain: Mapping[str, Any] = to_json(facts) if isinstance(facts, Facts) else facts
    rest = (f.name for f in fields(Facts) if f.name not in PROMISED)
    found: dict[str, Any] = {
        "schema": INSPECT_SCHEMA,
        "source": redact_url(source),
        "commit": None if commit is None else shown.line(commit),
    }
    found.update({name: _safe(plain.get(name, [])) for name in (*PROMISED, *rest)})
    calls = found["model_calls"]
    found["model_calls"] = [call for call in calls if not call["declared"]]
    found["declared_models"] = [call for call in calls if call["declared"]]
    told = found["commands"]
    found["commands"] = [command for command in told if command["program"] in _PROGRAMS]
    found["other_commands"] = [command for command in told if command["program"] not in _PROGRAMS]
    return found


def problem_json(source: str, problem: str) -> dict[str, Any]:
    """What is told of a submission that could not be read: ``problem`` is one sentence."""
    return {"schema": INSPECT_SCHEMA, "source": redact_url(source), "problem": shown.line(problem)}


# Words of the submission that are kept at length, where a credential may stand among them.
_FREE_TEXT = frozenset({"arguments", "text", "alt", "why", "problem"})


def _safe(value: Any, *, free: bool = False) -> Any:
    if isinstance(value, str):
        return shown.line(hide(value) if free else value)
    if isinstance(value, Mapping):
        return {visible(str(key)): _safe(inner, free=key in _FREE_TEXT) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(inner, free=free) for inner in value]
    return value


def as_text(found: Mapping[str, Any]) -> str:
    """``inspect_json``'s or ``problem_json``'s answer as JSON text, safe to print."""
    return dump(found)


# For people: each kind of fact with a heading and a line for each fact.
def _at(fact: Mapping[str, Any]) -> str:
    from grader.facts.records import Place
    from grader.report.words import where

    return where(Place(fact["path"], fact.get("cell"), fact.get("line")))


def _listed(values: Sequence[object], most: int = 6) -> str:
    named = ", ".join(str(v) for v in values[:most])
    return f"{named} and {len(values) - most} more" if len(values) > most else named


def _told(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


def _value(label: str, value: object) -> str | None:
    """``label value``, None for what is unknown; blank in the file is told as blank."""
    if value is None:
        return None
    return f"{label} {value}" if value != "" else f"{label} blank"


def _deploy_folder(fact: Mapping[str, Any]) -> str:
    return f"{fact['path']}, {fact['platform']}{'' if fact['exact'] else ', not the exact name at the root'}"


def _readme(fact: Mapping[str, Any]) -> str:
    images, blocks = len(fact["images"]), fact["code_blocks"]
    return _told(
        fact["path"],
        counted(fact["words"], "word"),
        counted(blocks, "code block") if blocks else None,
        counted(images, "image") if images else None,
    )


def _image(fact: Mapping[str, Any]) -> str:
    size = f"{fact['width']}×{fact['height']}" if fact["width"] and fact["height"] else None
    embedded = fact["embedded_in"]
    return _told(
        fact["path"],
        fact["format"],
        size,
        f"embedded in {_listed(embedded)}" if embedded else "embedded nowhere",
    )


def _model_fn(fact: Mapping[str, Any]) -> str:
    return _told(
        f"{_at(fact)} ({fact['via']})",
        f"model_fn({', '.join(fact['parameters'])})",
        "a TensorFlow Estimator's" if fact["estimator_homonym"] else None,
        f"loads {_listed(fact['loads'])} by {fact['loader']}"
        if fact["loads"]
        else _value("loader", fact["loader"]),
        None if fact["returns_on_all_paths"] else "does not return on every path",
    )


def _model_call(fact: Mapping[str, Any]) -> str:
    names = ("entry_point", "source_dir", "model_data", "framework_version")
    return _told(f"{_at(fact)} ({fact['via']})", fact["class"], *(_value(name, fact[name]) for name in names))


def _archive(fact: Mapping[str, Any]) -> str:
    members = fact["members"]
    return f"{fact['path']}: {_listed(members) if members else 'no members'}"


def _model(fact: Mapping[str, Any]) -> str:
    path = f"{fact['path']}, in it {fact['member']}" if fact["member"] else fact["path"]
    compression = fact["compression"]
    return _told(
        path,
        fact["format"],
        f"{compression} compression" if compression not in (None, "none") else None,
        fact["class"],
        f"written by scikit-learn {_listed(fact['sklearn_versions'])}" if fact["sklearn_versions"] else None,
        counted(fact["n_features"], "feature") if fact["n_features"] is not None else None,
        f"would run {_listed(fact['dangerous'])}" if fact["dangerous"] else None,
        fact["problem"],
    )


def _version(fact: Mapping[str, Any]) -> str:
    names = (("runtime", "runtime_version"), ("python", "python_version"), ("container", "container"))
    return _told(f"{_at(fact)} ({fact['form']})", *(_value(label, fact[name]) for label, name in names))


def _command(fact: Mapping[str, Any]) -> str:
    return f"{_at(fact)}: {fact['program']} {fact['verb']}".rstrip()


_SECTIONS: tuple[tuple[str, str, Callable[[Mapping[str, Any]], str]], ...] = (
    ("deploy_folders", "Deploy folders", _deploy_folder),
    ("readmes", "READMEs", _readme),
    ("images", "Images", _image),
    ("model_fns", "Functions called model_fn", _model_fn),
    ("model_calls", "Calls that make a SageMaker model", _model_call),
    ("declared_models", "SageMaker models that a template, a request or a command declares", _model_call),
    ("archives", "Archives", _archive),
    ("models", "Models", _model),
    ("as_matrix", "Live .as_matrix()", _at),
    ("sklearn_externals", "Live sklearn.externals", _at),
    ("versions", "Versions declared for a deployment", _version),
    ("commands", "Commands of the clouds", _command),
    ("other_commands", "Other commands", _command),
    ("tutorials", "Tutorials", lambda fact: f"{fact['path']}, {fact['platform']}"),
    ("secrets", "Credentials (not shown)", lambda fact: f"{_at(fact)}, {fact['kind']}"),
    ("unread", "Not read", lambda fact: f"{fact['path']}: {fact['why']}"),
)


def for_people(
    found: Mapping[str, Any], *, width: int = 80, color: bool = False, encoding: str = "utf-8"
) -> str:
    """``inspect_json``'s or ``problem_json``'s answer as a list, what there is none of in one line at the end."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from grader.report.console import drawn

    def draw(console: Console) -> None:
        console.print(Text(visible(found["source"]), style="bold"))
        if "problem" in found:
            console.print(Text(found["problem"]))
            return
        about = counted(len(found["files"]), "file")
        console.print(Text(f"{found['commit'][:7]} · {about}" if found["commit"] else about, style="dim"))
        for name, heading, line in _SECTIONS:
            if not found[name]:
                continue
            console.print()
            console.print(Text(f"{heading} ({len(found[name])})", style="bold"))
            for fact in found[name]:
                console.print(Padding(Text(line(fact), overflow="fold"), (0, 0, 0, 2)))
        absent = [heading for name, heading, _ in _SECTIONS if not found[name]]
        if absent:
            console.print()
            console.print(Text(f"None of these: {'; '.join(absent)}.", style="dim"))

    return drawn(draw, width=width, color=color, encoding=encoding)
