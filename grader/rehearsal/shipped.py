"""The code that is shipped to SageMaker's container, and where it comes to lie."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from grader.facts.counted.archives import name_of
from grader.facts.counted.models import resolved
from grader.facts.counted.scripts import plain
from grader.facts.counted.subject import Subject
from grader.facts.records import ModelCall
from grader.rehearsal.stage import Stage
from grader.rehearsal.versions import Undecided
from grader.submission.tree import Tree
from grader.text import decode, excerpt

_CODE = "/opt/ml/code"
_TEXT = 1_000_000
_UNSHIPPED = "the script alone is shipped, as `source_dir` is not given"


class Script(NamedTuple):
    """The script that starts. ``archive`` holds it as ``member`` where it is handed over with the model."""

    path: str | None
    call: ModelCall | None
    member: str | None = None
    archive: str | None = None
    named: bool = True


def ship(
    subject: Subject,
    script: Script,
    tree: Tree,
    stage: Stage,
    notes: list[str],
    doubts: list[tuple[str, str]],
) -> tuple[str, str, str | None, str | None]:
    """(program, code folder inside, the script's text, its requirements.txt); the files are written to ``stage``."""
    if script.member is not None:
        member = plain(script.member)
        folder, _, program = member.rpartition("/")
        # The container copies the folder to where code lies (sagemaker-containers 2.8.6.post2, `_files.py`).
        stage.copy(f"model/{folder}" if folder else "model", "code")
        return program, _CODE, _text(stage, f"code/{program}"), _text(stage, "code/requirements.txt")
    path = script.path or ""
    call = script.call
    folder, program = posixpath.split(path)
    if call is not None and call.source_dir_given:
        base = _source_dir(path, call)
        if base is None:
            doubts.append(
                ("code", "`source_dir` could not be followed; the script's folder was taken for it")
            )
        else:
            folder, program = base, posixpath.relpath(path, base or ".")
        stage.tree(tree, folder, "code")
    elif call is not None and call.class_name == "SKLearnModel" and call.dependencies is not None:
        _dependencies(subject, call, tree, stage, doubts)
        beside = posixpath.join(folder, "requirements.txt")
        if beside in subject.file_names():
            notes.append(f"`{excerpt(beside, 60)}` is not installed: {_UNSHIPPED}")
    else:
        doubts.append(("code", "what is shipped beside the script is not told; its folder was taken"))
        stage.tree(tree, folder, "code")
    _written(subject, folder, stage)
    if not stage.has(f"code/{program}"):
        if path in subject.file_names():
            stage.file(tree, path, f"code/{program}")
        else:
            text = _written_text(subject, path)
            if text is None:
                raise Undecided(
                    f"The script `{excerpt(path, 80)}` is made when a notebook runs; its text is not told."
                )
            stage.text(f"code/{program}", text)
    if not script.named:
        doubts.append(("code", f"nothing names the script; `{excerpt(path, 60)}` was taken"))
    return program, _CODE, _text(stage, f"code/{program}"), _text(stage, "code/requirements.txt")


def _source_dir(script: str, call: ModelCall) -> str | None:
    """The folder in the submission that ``source_dir`` means, by the script that was found in it."""
    if call.source_dir is None or call.entry_point is None:
        return None
    entry = posixpath.normpath(call.entry_point)
    if script == entry:
        return ""
    if script.endswith("/" + entry):
        return script[: -len(entry) - 1]
    return None


def _dependencies(
    subject: Subject, call: ModelCall, tree: Tree, stage: Stage, doubts: list[tuple[str, str]]
) -> None:
    """Files and folders that the call ships beside the script, each under its own last name."""
    names = subject.file_names()
    for written in call.dependencies or ():
        path = resolved(subject, written, call.path)
        if path is not None:
            stage.file(tree, path, f"code/{name_of(path)}")
            continue
        bases = (posixpath.dirname(call.path), "", subject.folder.path if subject.folder else "")
        folders = [posixpath.normpath(posixpath.join(base, written)).lstrip("/") for base in bases]
        there = next((f for f in folders if any(n.startswith(f + "/") for n in names)), None)
        if there is None:
            doubts.append(("code", f"the dependency `{excerpt(written, 60)}` is not in the repository"))
        else:
            stage.tree(tree, there, f"code/{name_of(there)}")


def _written(subject: Subject, folder: str, stage: Stage) -> None:
    """Modules that cells write into the code folder and the repository does not hold, as they come to be."""
    start = f"{folder}/" if folder else ""
    if not any(
        stage.has(f"code/{posixpath.relpath(p, folder or '.')}")
        for p in subject.file_names()
        if p.startswith(start)
    ):
        return  # the script alone is shipped
    for target in dict.fromkeys(w.target for w in subject.facts.written_texts):
        if target.startswith(start) and target not in subject.file_names():
            text = _written_text(subject, target)
            if text is not None and not target.startswith("/"):
                stage.text(f"code/{target[len(start) :]}", text)


def _written_text(subject: Subject, path: str) -> str | None:
    """The text that cells and programs write to ``path``: the last one, with what is added to it."""
    text: str | None = None
    for one in subject.facts.written_texts:
        if one.target == path:
            text = (text or "") + one.text if one.append else one.text
    return text


def _text(stage: Stage, where: str) -> str | None:
    path = stage.folder / where
    if not path.is_file() or path.stat().st_size > _TEXT:
        return None
    return decode(path.read_bytes())
