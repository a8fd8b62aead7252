"""Every reader, called once, on what it reads; what could not be read is a fact too.

The one module that knows all readers. Adding a kind of thing: a module with its reader, a record, a few lines here.
"""

from __future__ import annotations

import io
import posixpath
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from grader.facts import (
    archives,
    commands,
    containers,
    deployments,
    entry_points,
    folders,
    illustrations,
    images,
    models,
    notebooks,
    readme,
    records,
    secrets,
    tutorials,
)
from grader.facts.code import CodeBlock, NotebookDocument, ShellText, WrittenText
from grader.facts.python.found import PythonFacts
from grader.facts.python.project import Project
from grader.facts.records import (
    Archive,
    CodeStep,
    Command,
    DeployFolder,
    Facts,
    File,
    Illustration,
    Image,
    Model,
    Readme,
    Secret,
    Unread,
    Upload,
    Version,
)
from grader.isolation import OutOfTime, cpu_budget
from grader.limits import Limits
from grader.submission.errors import Unreadable
from grader.submission.tree import Tree
from grader.text import decode, visible

_T = TypeVar("_T")
_P = ParamSpec("_P")

_SCRIPTS = (".sh", ".bash", ".zsh", ".bat", ".cmd", ".ps1", ".mk")
_SCRIPT_NAMES = frozenset({"makefile", "gnumakefile", "dockerfile", "justfile", "procfile"})
_DATA = (".yaml", ".yml", ".json")
_DOCUMENTS = (".md", ".markdown", ".rst", ".txt")
# Where people leave credentials, beyond the kinds above. Data files are searched when small.
_SEARCHED = (
    *_SCRIPTS,
    *_DATA,
    *_DOCUMENTS,
    *(
        ".py",
        ".env",
        ".ini",
        ".cfg",
        ".conf",
        ".config",
        ".toml",
        ".properties",
        ".xml",
        ".tf",
        ".tfvars",
        ".pem",
        ".key",
    ),
    *(
        ".r",
        ".java",
        ".js",
        ".ts",
        ".html",
        ".ipynb",
        ".csv",
        ".log",
        ".credentials",
        ".boto",
        ".example",
        ".sample",
    ),
)
_SMALL = 100_000
_DOCUMENTS_READ = 200
_DATA_READ = 200
_DATA_TEXTS = 8


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _is_script(path: str) -> bool:
    name = _name(path).lower()
    return name.endswith(_SCRIPTS) or name in _SCRIPT_NAMES


def _is_table(reading: _Reading, path: str) -> bool:
    """Whether a text is too large for prose that somebody wrote."""
    size = reading.tree.files[path].size
    return path.lower().endswith(".txt") and size is not None and size > reading.limits.text_bytes


def _is_searched(path: str) -> bool:
    name = _name(path).lower()
    return (
        name.endswith(_SEARCHED)
        or "." not in name
        or name.startswith((".env", ".aws", ".boto", "credentials"))
    )


def wanted(paths: Sequence[str]) -> list[str]:
    """The files whose bytes the facts ask for even when they are large: what a partial clone has to bring."""
    return [
        path
        for path in paths
        if path.lower().endswith((".ipynb", ".py"))
        or readme.is_readme(path)
        or images.is_image(path)
        or models.is_model(path)
        or archives.is_archive(path)
    ]


@dataclass(slots=True)
class _Reading:
    """Reads files one by one, and takes down each that cannot be read."""

    tree: Tree
    limits: Limits
    skip: Mapping[str, str]
    told: Callable[[str], None]
    deadline: float
    unread: list[Unread] = field(default_factory=list)
    _kept: dict[str, bytes] = field(default_factory=dict)
    _room: int = 16_000_000

    def note(self, path: str, why: str) -> None:
        if path.startswith("(") and path.endswith(")") and path not in self.tree.files:
            # No file but a step over all of them: what hangs on it hangs on the whole submission.
            path, why = ".", f"{path[1:-1]}: {why}"
        self.unread.append(Unread(path, visible(why)))

    def bytes_of(self, path: str, limit: int) -> bytes | None:
        """The bytes of ``path``; None, and a note, where they cannot be had."""
        known = self._kept.get(path)
        if known is not None and len(known) <= limit:
            return known
        raw = self.guarded(path, self.tree.read, path, limit)
        if raw is not None and len(raw) <= _SMALL and self._room >= len(raw):
            self._kept[path] = raw  # several readers ask for the same small files
            self._room -= len(raw)
        return raw

    def guarded(self, path: str, work: Callable[_P, _T], /, *args: _P.args, **named: _P.kwargs) -> _T | None:
        """``work(...)`` within the bounds of one file; None, and a note, where it fails."""
        if path in self.skip:
            self.note(path, self.skip[path])
            return None
        if time.monotonic() > self.deadline:
            self.note(path, f"not reached within {self.limits.read_seconds:g} s")
            return None
        self.told(path)
        try:
            with cpu_budget(self.limits.file_seconds):
                return work(*args, **named)
        except Unreadable as problem:
            self.note(path, str(problem))
        except OutOfTime:
            self.note(path, f"reading it took more than {self.limits.file_seconds:g} s of processor time")
        except MemoryError:
            self.note(path, "reading it took more memory than it may")
        except RecursionError:
            self.note(path, "nested too deeply")
        except Exception as problem:  # a reader's defect costs this file, and shows
            self.note(path, f"the reader failed: {type(problem).__name__}: {problem}")
        return None


def gather(
    tree: Tree,
    limits: Limits,
    *,
    skip: Mapping[str, str] | None = None,
    told: Callable[[str], None] | None = None,
) -> Facts:
    """All facts of a submission.

    ``skip`` names files that are not to be read, with the reason (reading them ended an earlier attempt); ``told`` is
    called with each path before it is read. Never raises for what a submission contains.
    """
    reading = _Reading(tree, limits, skip or {}, told or _untold, time.monotonic() + limits.read_seconds)
    reading.unread += [Unread(path, visible(why)) for path, why in tree.unread]
    paths = frozenset(tree.files)
    deploy = folders.find(tree.folders, paths)

    documents = _documents(reading, paths, deploy)
    project = Project(paths, tuple(folder.path for folder in deploy))
    parsed = _python(reading, project, paths)
    shell, data = _scripts(reading, paths)
    for block in documents.blocks:
        reading.guarded(block.path, project.add_block, block)
        shell += reading.guarded(block.path, commands.from_block, block) or ()
    # Within the guard's own bound, so that what was found by then is kept, file by file.
    python = (
        reading.guarded("(the sources together)", project.finish, 0.6 * limits.file_seconds) or PythonFacts()
    )
    shell += python.shell_texts
    run = reading.guarded("(the commands together)", _commands, shell) or ()
    reading.unread += commands.unread_of(run)
    declared = reading.guarded(
        "(the deployments together)", deployments.read, run, python.written_texts, data, documents.blocks
    )
    versions, uploads = declared or ((), ())
    versions = _in_order((*python.versions, *versions))
    uploads = _in_order((*python.uploads, *uploads))

    written = frozenset(w.target for w in python.written_files if w.target)
    homes = tuple(folder.path for folder in deploy)
    model_calls = reading.guarded(
        "(the containers together)", containers.read,
        run, python.written_texts, data, documents.blocks, paths | written, homes,
    )  # fmt: skip

    pictures, drawn = _pictures(reading, paths, documents.illustrations, parsed)
    packed, model_facts = _models(reading, paths)
    secret_facts = _secrets(reading, paths, parsed)
    command_facts = _in_order(commands.records(run))
    found_tutorials = reading.guarded(
        "(the tutorials)", tutorials.find, python, command_facts, versions, homes
    )
    return Facts(
        files=_files(reading, paths, model_facts),
        folders=tuple(sorted(tree.folders)),
        deploy_folders=deploy,
        readmes=tuple(documents.readmes),
        images=pictures,
        illustrations=drawn,
        notebooks=python.notebooks,
        sources=python.sources,
        written_files=python.written_files,
        written_texts=_written(python.written_texts, run, limits),
        model_fns=python.model_fns,
        model_calls=(*python.model_calls, *(model_calls or ())),
        archives=packed,
        models=model_facts,
        as_matrix=python.as_matrix,
        values_called=python.values_called,
        sklearn_externals=python.sklearn_externals,
        versions=versions,
        commands=command_facts,
        uploads=uploads,
        packings=python.packings,
        entry_names=reading.guarded(
            "(the entry points)", entry_points.in_data, {**data, **_terraform(reading, paths)}
        )
        or (),
        steps=_steps(reading, documents.readmes, parsed),
        tutorials=found_tutorials or (),
        secrets=secret_facts,
        unread=tuple(dict.fromkeys((*reading.unread, *python.unread))),
    )


def _written(
    texts: Iterable[WrittenText], run: Iterable[commands.ParsedCommand], limits: Limits
) -> tuple[records.WrittenText, ...]:
    """What code and commands write, as far as it is told where to, bounded like the sources themselves."""
    told = [(w.target, w) for w in texts if w.target is not None and w.via == "code"]
    for command in run:
        w = command.written
        if w is not None and w.target:
            told.append((posixpath.normpath(posixpath.join(posixpath.dirname(w.path), w.target)), w))
    left, kept = limits.source_bytes, []
    for target, w in told:
        left -= len(w.text)
        if left >= 0:
            kept.append(records.WrittenText(w.path, w.cell, w.line, target, w.text, w.append))
    return tuple(kept)


def _untold(path: str) -> None:
    del path


_R = TypeVar("_R", Version, Upload, Command)


def _in_order(records: Iterable[_R]) -> tuple[_R, ...]:
    """By path, cell and line; each once."""
    return tuple(
        sorted(dict.fromkeys(records), key=lambda r: (r.path, -1 if r.cell is None else r.cell, r.line))
    )


@dataclass(slots=True)
class _Documents:
    readmes: list[Readme] = field(default_factory=list)
    illustrations: list[Illustration] = field(default_factory=list)
    blocks: list[CodeBlock] = field(default_factory=list)


def _documents(reading: _Reading, paths: frozenset[str], deploy: tuple[DeployFolder, ...]) -> _Documents:
    """READMEs anywhere; other documents of deploy folders for their pictures only."""
    out = _Documents()
    inside = tuple(folder.path + "/" for folder in deploy)
    homes = {"", *(folder.path for folder in deploy)}
    candidates = [
        p
        for p in sorted(paths)
        if readme.is_readme(p)
        or (p.startswith(inside) and p.lower().endswith(_DOCUMENTS) and not _is_table(reading, p))
    ]
    candidates.sort(key=lambda p: (p.rpartition("/")[0] not in homes, not readme.is_readme(p), p))
    for path in candidates[:_DOCUMENTS_READ]:
        raw = reading.bytes_of(path, reading.limits.text_bytes)
        document = None if raw is None else reading.guarded(path, readme.read, path, decode(raw), paths)
        if document is None:
            continue
        out.illustrations += document.illustrations
        if not readme.is_readme(path):
            continue
        out.blocks += document.code_blocks
        if path.rpartition("/")[0] in homes:
            out.readmes.append(document.readme)
    if len(candidates) > _DOCUMENTS_READ:
        reading.note(".", f"more than {_DOCUMENTS_READ} documents; the rest was not read")
    return out


def _python(reading: _Reading, project: Project, paths: frozenset[str]) -> list[NotebookDocument]:
    """Sources and notebooks into ``project``; the notebooks as documents."""
    limits, found = reading.limits, []
    sources = [p for p in sorted(paths) if p.lower().endswith((".py", ".ipynb"))]
    left = limits.source_bytes
    for path in sources[: limits.sources]:
        is_notebook = path.lower().endswith(".ipynb")
        raw = reading.bytes_of(path, limits.notebook_bytes if is_notebook else limits.text_bytes)
        if raw is None:
            continue
        document = reading.guarded(path, notebooks.read_notebook, path, raw) if is_notebook else None
        if is_notebook and document is None:
            continue
        left -= sum(len(c.source) for c in document.cells) if document else len(raw)
        if left < 0:
            reading.note(
                path, f"more than {limits.source_bytes} bytes of source text in all; it was not read"
            )
            continue
        if document is not None:
            found.append(document)
            reading.unread += reading.guarded(path, project.add_notebook, document) or ()
        else:
            reading.unread += reading.guarded(path, project.add_source, path, raw) or ()
    for path in sources[limits.sources :]:
        reading.note(path, f"more than {limits.sources} sources; it was not read")
    return found


def _scripts(reading: _Reading, paths: frozenset[str]) -> tuple[list[ShellText], dict[str, str]]:
    """Shell text of scripts, and the text of YAML and JSON files."""
    shell: list[ShellText] = []
    data: dict[str, str] = {}
    for path in sorted(paths):
        size = reading.tree.files[path].size
        if _is_script(path):
            raw = reading.bytes_of(path, reading.limits.text_bytes)
            if raw is not None:
                shell += reading.guarded(path, commands.from_file, path, decode(raw)) or ()
        elif path.lower().endswith(_DATA) and (size is None or size <= _SMALL) and len(data) < _DATA_READ:
            try:
                data[path] = decode(reading.tree.read(path, _SMALL))
            except Unreadable:
                continue  # a data file: told where it is searched for secrets
            shell += reading.guarded(path, commands.from_file, path, data[path]) or ()
    return shell, data


def _terraform(reading: _Reading, paths: frozenset[str]) -> dict[str, str]:
    """The text of Terraform's files."""
    found: dict[str, str] = {}
    for path in sorted(path for path in paths if path.endswith(".tf"))[:_DATA_READ]:
        raw = reading.bytes_of(path, _SMALL)
        if raw is not None:
            found[path] = decode(raw)
    return found


def _commands(texts: Iterable[ShellText]) -> tuple[commands.ParsedCommand, ...]:
    return commands.read_all(texts)


def _pictures(
    reading: _Reading,
    paths: frozenset[str],
    drawn: Sequence[Illustration],
    documents: Sequence[NotebookDocument],
) -> tuple[tuple[Image, ...], tuple[Illustration, ...]]:
    found: list[Image] = []
    for path in sorted(paths):
        if not images.is_image(path):
            continue
        raw = reading.bytes_of(path, reading.limits.image_bytes)
        image = None if raw is None else reading.guarded(path, images.read, path, raw, reading.limits)
        if image is None:
            image = Image(path, None, None, None, problem=reading.unread[-1].why)
        elif image.problem:
            reading.note(path, image.problem)
        found.append(image)
    shown = list(drawn)
    for document in documents:
        shown += reading.guarded(document.path, illustrations.in_notebook, document, paths) or ()
    return images.cross_reference(found, shown), tuple(shown)


def _models(reading: _Reading, paths: frozenset[str]) -> tuple[tuple[Archive, ...], tuple[Model, ...]]:
    packed: list[Archive] = []
    found: list[Model] = []
    limits = reading.limits
    for path in sorted(paths):
        is_archive = archives.is_archive(path)
        if not is_archive and not models.is_model(path):
            continue
        raw = reading.bytes_of(path, limits.model_bytes)
        if is_archive:
            listed = None if raw is None else reading.guarded(path, archives.read, path, raw, limits)
            if listed is None:
                packed.append(Archive(path, (), problem=reading.unread[-1].why))
                continue
            archive, members, notes = listed
            packed.append(archive)
            found += members
            reading.unread += notes
        else:
            model = (
                None
                if raw is None
                else reading.guarded(path, models.read, path, None, io.BytesIO(raw), len(raw), limits)
            )
            size = reading.tree.files[path].size
            found.append(model or Model(path, None, None, None, problem=reading.unread[-1].why, size=size))
    return tuple(packed), tuple(found)


def _secrets(
    reading: _Reading, paths: frozenset[str], documents: Sequence[NotebookDocument]
) -> tuple[Secret, ...]:
    found: list[Secret] = []
    read = {document.path for document in documents}
    for document in documents:
        found += reading.guarded(document.path, secrets.in_notebook, document) or ()
    for path in sorted(paths - read):
        size = reading.tree.files[path].size
        if not _is_searched(path):
            continue
        plain = path.lower().endswith((".csv", ".json", ".log", ".xml", ".html")) or "." not in _name(path)
        if plain and size is not None and size > _SMALL:
            continue  # data, not configuration
        if path.lower().endswith(".ipynb"):
            continue  # broken: told where notebooks are read
        # Data sets come as .txt too, of a few megabytes, and are searched to their end.
        room = reading.limits.text_bytes * (_DATA_TEXTS if path.lower().endswith(".txt") else 1)
        raw = reading.bytes_of(path, room)
        text = None if raw is None else _text(raw)
        if text:
            found += reading.guarded(path, secrets.in_text, path, text) or ()
    return tuple(found)


def _steps(
    reading: _Reading, found: Sequence[Readme], documents: Sequence[NotebookDocument]
) -> tuple[CodeStep, ...]:
    """What the scripts and notebooks that a README says to run do of a deployment's three steps."""
    run = {path for document in found for path in document.runs}
    out: list[CodeStep] = []
    for document in documents:
        if document.path in run:
            out += reading.guarded(document.path, readme.steps_in_notebook, document) or ()
    for path in sorted(run - {document.path for document in documents}):
        raw = None if path.lower().endswith(".ipynb") else reading.bytes_of(path, reading.limits.text_bytes)
        if raw is not None:
            out += reading.guarded(path, readme.steps_in_source, path, decode(raw)) or ()
    return tuple(out)


def _text(raw: bytes) -> str | None:
    """Text, or None for what is binary."""
    if b"\0" in raw[:8000] and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    return decode(raw)


def _files(reading: _Reading, paths: frozenset[str], found: Sequence[Model]) -> tuple[File, ...]:
    pointers = {model.path for model in found if model.lfs}
    away = {note.path for note in reading.unread}
    out = []
    for path in sorted(paths):
        size = reading.tree.files[path].size
        lfs = path in pointers
        out.append(File(path, size, lfs=lfs, here=not (size is None and path in away)))
    return tuple(out)
