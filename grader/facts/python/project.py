"""All Python of a submission, followed together: sources, notebooks, the files that cells write, READMEs' blocks."""

from __future__ import annotations

import ast
import posixpath
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from grader.facts.code import CodeBlock, NotebookDocument, ShellText, WrittenText
from grader.facts.python import deployed, live, magics, model_calls, model_fn, shells
from grader.facts.python.interpreter import CallSeen, Frame, Interpreter
from grader.facts.python.module import Module, Unit
from grader.facts.python.parse import Parsed, clean, decode_source, parse
from grader.facts.python.values import Spot, Value, normal, one_text, spot_of
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

# Names that a file of the submission never hides from us, though it may be called so.
_NOT_OURS = frozenset(sys.stdlib_module_names) | {
    "joblib", "numpy", "pandas", "sklearn", "sagemaker", "boto3", "torch", "tensorflow", "xgboost", "lightgbm",
    "transformers", "google", "skops", "cloudpickle", "dill", "onnxruntime", "keras", "scipy",
}  # fmt: skip
_LITERALS_MOST = 5_000
_TOO_MUCH = "more work than the bound allows; it was followed in part"


@dataclass(frozen=True, slots=True)
class PythonFacts:
    """What the Python of a submission says; ``literals`` and ``imports`` are by path, of live code."""

    notebooks: tuple[Notebook, ...] = ()
    sources: tuple[Source, ...] = ()
    written_files: tuple[WrittenFile, ...] = ()
    model_fns: tuple[ModelFn, ...] = ()
    model_calls: tuple[ModelCall, ...] = ()
    as_matrix: tuple[Use, ...] = ()
    sklearn_externals: tuple[Use, ...] = ()
    versions: tuple[Version, ...] = ()
    uploads: tuple[Upload, ...] = ()
    packings: tuple[Packing, ...] = ()
    shell_texts: tuple[ShellText, ...] = ()
    written_texts: tuple[WrittenText, ...] = ()
    literals: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    imports: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    unread: tuple[Unread, ...] = ()


@dataclass(slots=True)
class _Write:
    """A ``%%writefile`` cell; ``target`` is set when it is known."""

    notebook: Module
    unit: Unit
    part: magics.WritePart
    target: str | None = None


@dataclass(slots=True)
class _Shell:
    unit: Unit
    part: magics.ShellPart
    module: Module


class Project:
    """Takes sources in, and gives their facts at the end. ``paths`` are all files of the submission."""

    def __init__(self, paths: frozenset[str], deploy_folders: tuple[str, ...]) -> None:
        self._paths = paths
        self._deploy = deploy_folders
        self._files: dict[str, Module] = {}
        self._notebooks: list[Module] = []
        self._blocks: dict[str, Module] = {}
        self._written: dict[str, Module] = {}
        self._writes: list[_Write] = []
        self._shells: list[_Shell] = []
        self._sources: list[Source] = []
        self._documents: list[Notebook] = []
        self._by_name: dict[str, list[str]] = {}
        for path in paths:
            if path.endswith(".py"):
                self._by_name.setdefault(path.rpartition("/")[2], []).append(path)
        self._calls: dict[tuple[Spot, int], ModelCall] = {}
        self._homes: dict[tuple[Spot, int], str] = {}
        self._versions: dict[Spot, Version] = {}
        self._uploads: dict[Upload, None] = {}
        self._packings: dict[Packing, None] = {}
        self._commands: dict[tuple[Spot, int], ShellText] = {}
        self._texts: dict[Spot, WrittenText] = {}
        self._targets: dict[Spot, str | None] = {}
        self._written_files: dict[Spot, WrittenFile] = {}
        self._machine = Interpreter(self._find_module, self._run_file)
        self._machine.listeners.append(self._heard)

    # What comes in

    def add_source(self, path: str, data: bytes) -> tuple[Unread, ...]:
        """A Python source. Returns what of it could not be read."""
        text, problem = decode_source(data)
        parsed = parse(text)
        problem = problem or (None if parsed.whole else f"no Python 3 parses it: {parsed.problem}")
        unit = Unit(path, None, "module", parsed.tree, parsed.lines, whole=problem is None)
        self._files[path] = Module(path, _folder(path), path, [unit])
        self._sources.append(Source(path, _count(text), problem is None, parsed.python2))
        return () if problem is None else (Unread(path, problem),)

    def add_notebook(self, document: NotebookDocument) -> tuple[Unread, ...]:
        """A notebook. Its cells are one namespace, from top to bottom."""
        self._documents.append(Notebook(document.path, len(document.cells), document.nbformat))
        module = Module(document.path, _folder(document.path), None, [], notebook=True)
        self._notebooks.append(module)
        python = "python" in document.language
        for cell in document.cells:
            if cell.kind != "code":
                continue
            parts = magics.take_apart(clean(cell.source))
            if not python and parts.writes is None:
                parts.python = ""
            self._add_cell(module, document.path, cell.index, parts)
        return ()

    def add_block(self, block: CodeBlock) -> None:
        """A code block of a README: commands, versions and uploads are read from it, where it is Python."""
        text = clean(block.text)
        if block.language.partition(" ")[0] not in (
            "python",
            "py",
            "python3",
            "ipython",
            "ipython3",
            "jupyter",
            "pycon",
        ):
            if block.language or not re.search(r"(?m)^(from|import) \w", text):
                return
            if not parse(text).whole:
                return
        text = re.sub(r"(?m)^(>>>|\.\.\.) ?", "", text)
        parts = magics.take_apart(text)
        module = self._blocks.setdefault(block.path, Module(block.path, _folder(block.path), None, []))
        parsed = parse(parts.python)
        unit = Unit(
            block.path,
            None,
            "string",
            parsed.tree,
            parsed.lines,
            parsed.whole,
            live=False,
            offset=block.line - 1,
            readme=True,
        )
        unit.snapshot = {}
        module.units.append(unit)
        self._shells.extend(_Shell(unit, part, module) for part in parts.shells)

    def _add_cell(self, module: Module, path: str, index: int, parts: magics.Cell) -> None:
        parsed = parse(parts.python) if parts.python.strip() else Parsed(ast.Module([], []), ())
        unit = Unit(path, index, "cell", parsed.tree, parsed.lines, parsed.whole)
        module.units.append(unit)
        if parts.writes is not None or parts.shells:
            unit.snapshot = {}
        self._shells.extend(_Shell(unit, part, module) for part in parts.shells)
        if parts.writes is not None:
            write = _Write(module, unit, parts.writes)
            if not re.search(r"[${]", parts.writes.name):
                write.target = _target(module.folder, parts.writes.name)
            self._writes.append(write)

    # Who imports whom

    def _bases(self, folder: str) -> Iterator[str]:
        yield from dict.fromkeys((folder, "", *self._deploy))

    def _module_at(self, path: str) -> Module | None:
        return self._files.get(path) or self._written.get(path)

    def _find_module(self, module: Module, dotted: str, level: int) -> Module | None:
        root = dotted.partition(".")[0]
        if not level and root in _NOT_OURS:
            return None
        name = dotted.replace(".", "/")
        if level:
            base = module.folder
            for _ in range(min(level, 20) - 1):
                base = base.rpartition("/")[0]
            bases: tuple[str, ...] = (base,)
        else:
            bases = (
                *self._bases(module.folder),
                module.folder.rpartition("/")[0],
                posixpath.join(module.folder, "src"),
                "src",
            )
        for base in dict.fromkeys(bases):
            stem = posixpath.join(base, name) if name else base
            for path in (f"{stem}.py", f"{stem}/__init__.py") if stem else ("__init__.py",):
                found = self._module_at(path)
                if found is not None and found is not module:
                    return found
        if not level and "." not in dotted:
            alike = self._by_name.get(f"{dotted}.py", [])
            if len(alike) == 1:
                found = self._module_at(alike[0])
                return found if found is not module else None
        return None

    def _run_file(self, module: Module, name: str) -> Module | None:
        for base in self._bases(module.folder):
            for ending in ("", ".py"):
                found = self._module_at(normal(posixpath.join(base, name + ending)))
                if found is not None and found is not module:
                    return found
        return None

    def _script(self, folder: str, entry: str, source: str | None) -> str | None:
        """The file in the repository, or written by a cell, that an entry point means."""
        if source and "://" in source:
            return None
        entry, source = entry.replace("\\", "/"), (source or "").replace("\\", "/")
        for base in self._bases(folder):
            path = normal(
                posixpath.join(base, source.lstrip("/") if source.startswith("/") else source, entry)
            )
            if path in self._paths or path in self._written or any(w.target == path for w in self._writes):
                return path
        return None

    # What is heard

    def _heard(self, seen: CallSeen) -> None:
        unit = seen.frame.unit
        if not unit.live and not unit.readme:
            return
        at = Spot(unit.path, unit.cell, seen.node.lineno + unit.offset)
        key = (at, seen.node.col_offset)
        if unit.live:
            call = model_calls.made_by(seen)
            if call is not None:
                self._homes[key] = seen.frame.module.folder
                known = self._calls.get(key)
                self._calls[key] = call if known is None else model_calls.merged(known, call)
        version = deployed.version(seen)
        if version is not None:
            spot = Spot(version.path, version.cell, version.line)
            known_version = self._versions.get(spot)
            if known_version is None or (known_version.unresolved and not version.unresolved):
                self._versions[spot] = version
        upload = deployed.upload(seen)
        if upload is not None and len(self._uploads) < 2_000:
            self._uploads[upload] = None
        packing = deployed.packing(seen)
        if packing is not None and unit.live and len(self._packings) < 2_000:
            self._packings[packing] = None
        command = shells.command(seen)
        if command is not None:
            earlier = self._commands.get(key)
            if earlier is None or earlier.text.count("${_}") > command.text.count("${_}"):
                self._commands[key] = command
        for target, content, node in shells.written(seen):
            self._note_written(seen, target, content, node)

    def _note_written(self, seen: CallSeen, target: Value, content: Value, node: ast.expr | None) -> None:
        unit = seen.frame.unit
        spot = spot_of(content)
        spot = spot or Spot(
            unit.path, unit.cell, (node.lineno if node is not None else seen.node.lineno) + unit.offset
        )
        text = shells.content_text(content)
        if text is None:
            return
        name = one_text(target)
        where = None if name is None else _target(seen.frame.module.folder, name)
        self._targets[spot] = where
        here = Spot(unit.path, unit.cell, seen.node.lineno + unit.offset)
        self._texts[here] = WrittenText(
            spot.path, spot.cell, spot.line, where, text, "readme" if unit.readme else "code"
        )
        if unit.live:
            self._written_files[here] = WrittenFile(unit.path, unit.cell, here.line, where, "string")

    # What comes out

    def finish(self) -> PythonFacts:
        """All facts. To be called once, when everything has been added."""
        self._build_written()
        modules = [*self._notebooks, *self._files.values(), *self._blocks.values()]
        for module in self._notebooks:
            self._machine.run(module)
        for write in self._writes:
            if write.target is None:
                name = self._substituted(
                    write.part.name, write.unit.snapshot or {}, write.notebook, write.unit
                )
                write.target = None if name is None else _target(write.notebook.folder, name)
        self._build_written()
        for module in (*self._files.values(), *self._written.values(), *self._blocks.values()):
            self._machine.run(module)
        units = [
            (module, unit)
            for module in (*modules, *self._written.values())
            for unit in module.units
            if unit.live
        ]
        for key, call in self._calls.items():
            if call.entry_point:
                script = self._script(self._homes[key], call.entry_point, call.source_dir)
                self._calls[key] = replace(call, script=script)
        texts = self._literal_modules(units)
        uses = {id(unit): live.of(unit) for _, unit in units}
        self._machine.listeners.clear()
        model_fns = self._model_fns(units, texts)
        literals: dict[str, list[str]] = {}
        imports: dict[str, set[str]] = {}
        for _, unit in units:
            literals.setdefault(unit.path, []).extend(uses[id(unit)].literals)
            imports.setdefault(unit.path, set()).update(uses[id(unit)].imports)
        return PythonFacts(
            notebooks=tuple(self._documents),
            sources=tuple(self._sources),
            written_files=tuple(sorted((*self._cell_files(), *self._written_files.values()), key=_order)),
            model_fns=tuple(sorted(model_fns, key=_order)),
            model_calls=tuple(sorted(self._calls.values(), key=_order)),
            as_matrix=_once(use for _, unit in units for use in uses[id(unit)].as_matrix),
            sklearn_externals=_once(use for _, unit in units for use in uses[id(unit)].externals),
            versions=tuple(sorted(self._versions.values(), key=_order)),
            uploads=tuple(sorted(self._uploads, key=_order)),
            packings=tuple(sorted(self._packings, key=_order)),
            shell_texts=tuple(sorted((*self._cell_shells(), *self._commands.values()), key=_order)),
            written_texts=tuple(sorted((*self._cell_texts(), *self._texts.values()), key=_order)),
            literals=MappingProxyType(
                {p: tuple(dict.fromkeys(v))[:_LITERALS_MOST] for p, v in literals.items()}
            ),
            imports=MappingProxyType({p: frozenset(v) for p, v in imports.items()}),
            unread=tuple(Unread(p, _TOO_MUCH) for p in sorted(self._machine.exceeded)),
        )

    def _build_written(self) -> None:
        """Modules of the ``%%writefile`` cells whose target is known; ``-a`` goes on in the same one."""
        for number, write in enumerate(self._writes):
            name = write.target or ""
            if write.unit.via != "cell":
                continue
            looks_python = name.endswith(".py") or (
                not posixpath.splitext(name)[1] and model_fn.IN_TEXT.search(write.part.text)
            )
            if not looks_python or (write.target is None and not write.unit.snapshot):
                continue
            parsed = parse("\n" * (write.part.line - 1) + write.part.text)
            unit = Unit(
                write.unit.path, write.unit.cell, "writefile", parsed.tree, parsed.lines, parsed.whole
            )
            key = write.target or f"{write.unit.path}#{number}"
            known = self._written.get(key)
            if known is not None and not known.state:
                known.units.append(unit)
            else:
                if known is not None:
                    key = f"{key}#{number}"
                folder = _folder(write.target) if write.target else write.notebook.folder
                self._written[key] = Module(key, folder, write.target, [unit])
            write.unit.via = "writefile"

    def _substituted(
        self, text: str, snapshot: Mapping[str, Value], module: Module, unit: Unit
    ) -> str | None:
        """``$NAME``, ``{NAME}`` and ``{expression}`` with their values; None where one is not known."""
        unknown = False

        def value(match: re.Match[str]) -> str:
            nonlocal unknown
            source = next(g for g in match.groups() if g is not None)
            try:
                node = ast.parse(source.strip(), mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                unknown = True
                return ""
            frame = Frame(module, unit, dict(snapshot))
            found = one_text(self._machine.quietly(node, frame))
            unknown = unknown or found is None
            return found or ""

        result = re.sub(r"\$\{(\w+)\}|\{([^{}]+)\}|\$(\w+)", value, text)
        return None if unknown else result

    def _literal_modules(self, units: list[tuple[Module, Unit]]) -> list[tuple[Module, Unit]]:
        """Modules for the literals that hold a ``model_fn``."""
        found: list[tuple[Module, Unit]] = []
        for module, unit in units:
            for node, text in _literals(unit.tree):
                at = Spot(unit.path, unit.cell, node.lineno + unit.offset)
                lines = unit.lines[node.lineno - 1 : node.end_lineno]
                places = [
                    node.lineno + n for n, line in enumerate(lines) if re.search(r"def\s+model_fn\s*\(", line)
                ]
                parsed = parse(_dedented(text))
                inner = Unit(
                    unit.path, unit.cell, "string", parsed.tree, parsed.lines, parsed.whole, live=False
                )
                starts = [
                    n.lineno
                    for n in ast.walk(parsed.tree)
                    if isinstance(n, model_fn.Definition) and n.name == "model_fn"
                ]
                if starts:
                    inner.offset = (places[0] if places else node.lineno) + unit.offset - min(starts)
                target = self._targets.get(at)
                literal = Module(
                    f"{unit.path}#{at.line}", _folder(target) if target else module.folder, target, [inner]
                )
                self._machine.run(literal)
                found.append((literal, inner))
        return found

    def _model_fns(
        self, units: list[tuple[Module, Unit]], literals: list[tuple[Module, Unit]]
    ) -> list[ModelFn]:
        entries = {call.script for call in self._calls.values() if call.script}
        found: list[ModelFn] = []
        for module, unit in (*units, *literals):
            script = module.script
            if model_fn.NAME not in module.env and not _names_it(unit):
                continue
            found.extend(model_fn.in_unit(self._machine, module, unit, script, script in entries))
        return list(dict.fromkeys(found))

    def _cell_files(self) -> Iterator[WrittenFile]:
        for write in self._writes:
            yield WrittenFile(
                write.unit.path, write.unit.cell, write.part.line - 1, write.target, "writefile"
            )

    def _cell_texts(self) -> Iterator[WrittenText]:
        for write in self._writes:
            snapshot = write.unit.snapshot or {}
            variables, _ = shells.cell_variables(write.part.text, snapshot)
            yield WrittenText(
                write.unit.path, write.unit.cell, write.part.line, write.target, write.part.text,
                variables=MappingProxyType(variables),
            )  # fmt: skip

    def _cell_shells(self) -> Iterator[ShellText]:
        for shell in self._shells:
            text, unit = shell.part.text, shell.unit
            snapshot = unit.snapshot or {}
            for expression in shells.cell_expressions(text):
                known = self._substituted("{" + expression + "}", snapshot, shell.module, unit)
                if known is not None and "\n" not in known:
                    text = text.replace("{" + expression + "}", known)
            variables, origins = shells.cell_variables(text, snapshot)
            yield ShellText(
                unit.path, unit.cell, shell.part.line + unit.offset, text, "sh", MappingProxyType(variables),
                "readme" if unit.readme else "code", MappingProxyType(origins),
            )  # fmt: skip


def _names_it(unit: Unit) -> bool:
    return any(isinstance(n, model_fn.Definition) and n.name == model_fn.NAME for n in ast.walk(unit.tree))


def _literals(tree: ast.Module) -> Iterator[tuple[ast.expr, str]]:
    """Text literals that hold a ``model_fn``: alone, as a sum or as a list of lines."""
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and model_fn.IN_TEXT.search(node.value):
                yield node, node.value
            continue
        if isinstance(node, ast.JoinedStr | ast.BinOp | ast.List | ast.Tuple):
            parts = [n.value for n in _constants(node) if isinstance(n.value, str)]
            glue = (
                ""
                if isinstance(node, ast.JoinedStr | ast.BinOp) or any(p.endswith("\n") for p in parts)
                else "\n"
            )
            if sum(model_fn.IN_TEXT.search(p) is not None for p in parts) == 1:
                if isinstance(node, ast.JoinedStr):
                    glue = "_"
                yield node, glue.join(parts)
                continue
        stack.extend(reversed(list(ast.iter_child_nodes(node))))


def _constants(node: ast.AST) -> Iterator[ast.Constant]:
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, ast.Constant):
            yield part
        elif isinstance(part, ast.JoinedStr | ast.BinOp | ast.List | ast.Tuple):
            stack.extend(reversed(list(ast.iter_child_nodes(part))))


def _dedented(text: str) -> str:
    lines = text.split("\n")
    first = next((line for line in lines if line.strip()), "")
    margin = len(first) - len(first.lstrip())
    return (
        "\n".join(line[margin:] if not line[:margin].strip() else line for line in lines) if margin else text
    )


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _target(folder: str, name: str) -> str | None:
    """Where a written file lies in the repository: from the notebook's folder, as Jupyter starts there."""
    name = name.strip().replace("\\", "/")
    if not name:
        return None
    return normal(name) if name.startswith(("/", "~")) else normal(posixpath.join(folder, name))


def _count(text: str) -> int:
    return text.count("\n") + (not text.endswith("\n") and bool(text))


def _order(
    record: WrittenFile | ModelFn | ModelCall | Version | Upload | Packing | ShellText | WrittenText | Use,
) -> tuple[str, int, int]:
    return (record.path, -1 if record.cell is None else record.cell, record.line)


def _once(uses: Iterator[Use]) -> tuple[Use, ...]:
    return tuple(sorted(dict.fromkeys(uses), key=_order))
