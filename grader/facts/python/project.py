"""All Python of a submission, followed together: sources, notebooks, the files that cells write, READMEs' blocks."""

from __future__ import annotations

import ast
import posixpath
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from grader.facts.code import CodeBlock, NotebookDocument, ShellText, WrittenText
from grader.facts.python import deployed, literals, magics, model_calls, model_fn, shells, signs
from grader.facts.python.found import PythonFacts
from grader.facts.python.interpreter import Interpreter
from grader.facts.python.machine import PROJECT_CALLS, CallSeen, Frame, Late
from grader.facts.python.module import Module, Unit
from grader.facts.python.parse import Parsed, clean, decode_source, parse
from grader.facts.python.resolve import Resolver
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

_LITERALS_MOST = 5_000
_TOO_LATE = "not followed: the processor time for following programs was used up before"
_PLATFORMS = frozenset(
    {"model_fn", "sagemaker", "aiplatform", "boto3", "runtimeVersion", "subprocess", "system"}
)
_TOO_MUCH = "more work than the bound allows; it was followed in part"


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

    def __init__(
        self,
        paths: frozenset[str],
        deploy_folders: tuple[str, ...],
        *,
        also: Callable[[CallSeen], None] | None = None,
        words: frozenset[str] = frozenset(),
    ) -> None:
        """``also`` hears of every call of live code or of a README's, besides what is heard here; ``words`` are names
        that tell of something to it, so that code in which they stand is followed.
        """
        self._also = also
        self._words = words
        self._deploy = tuple(folder.rstrip("/") + "/" for folder in deploy_folders)
        self._files = Resolver(paths, deploy_folders)
        self._notebooks: list[Module] = []
        self._blocks: dict[str, Module] = {}
        self._writes: list[_Write] = []
        self._shells: list[_Shell] = []
        self._sources: list[Source] = []
        self._documents: list[Notebook] = []
        self._unread: dict[str, str] = {}
        self._paths = paths
        self._moving: set[str] = set()
        self._calls: dict[tuple[Spot, int], ModelCall] = {}
        self._homes: dict[tuple[Spot, int], str] = {}
        self._versions: dict[Spot, Version] = {}
        self._uploads: dict[Upload, None] = {}
        self._packings: dict[Packing, None] = {}
        self._commands: dict[tuple[Spot, int], ShellText] = {}
        self._texts: dict[Spot, WrittenText] = {}
        self._values_called: dict[Use, None] = {}
        self._targets: dict[Spot, str | None] = {}
        self._written_files: dict[Spot, WrittenFile] = {}
        self._machine = Interpreter(self._files.module, self._files.file)
        self._machine.listeners.append(self._heard)

    # What comes in

    def add_source(self, path: str, data: bytes) -> tuple[Unread, ...]:
        """A Python source. Returns what of it could not be read."""
        text, problem = decode_source(data)
        parsed = parse(text)
        if problem is None and not parsed.whole:
            # What is too deep for this interpreter's parser may be Python all the same: a bound of ours, no fault.
            problem = parsed.problem if parsed.deep else f"no Python 3 parses it: {parsed.problem}"
        whole = problem is None or parsed.deep
        unit = Unit(path, None, "module", parsed.tree, parsed.lines, whole=whole, deep=parsed.deep)
        self._files.files[path] = Module(path, _folder(path), path, [unit])
        unit.signs()  # here, where what it costs is this file's
        self._sources.append(Source(path, _count(text), whole, parsed.python2))
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
        if not unit.signs().words.isdisjoint(("__cd__", "chdir")):
            self._moving.add(module.key)
        if parts.writes is not None:
            self._add_write(module, unit, parts.writes)
        for part in (part for shell in parts.shells for part in magics.written_by_shell(shell)):
            empty = Unit(path, index, "cell", ast.Module([], []))
            empty.snapshot = {}
            module.units.append(empty)
            self._add_write(module, empty, part)

    def _add_write(self, module: Module, unit: Unit, part: magics.WritePart) -> None:
        write = _Write(module, unit, part)
        if module.key not in self._moving and not set("${") & set(part.name):
            write.target = _target(module.folder, part.name)
        self._writes.append(write)

    def _where(self, write: _Write) -> str:
        """The folder that a cell writes from: the notebook's, or the one that a cell above went to.

        One that is no part of the submission, of a notebook that fetches a repository, is taken to be this repository.
        """
        home, moved = write.notebook.folder, write.unit.directory
        if moved is None or moved.startswith(("/", "~")):
            return home
        folder = normal(posixpath.join(home, moved))
        there = any(path.startswith(folder + "/") for path in self._paths)
        fetched = any("git clone" in s.part.text for s in self._shells if s.module is write.notebook)
        return folder if (there or not fetched) and folder not in (".", "..") else home

    # What is heard

    def _heard(self, seen: CallSeen) -> None:
        unit = seen.frame.unit
        if not unit.live and not unit.readme:
            return
        if self._also is not None:
            self._also(seen)
        if seen.last == "values" and not seen.args and unit.live and deployed.is_of_table(seen.function):
            line = (seen.node.func.end_lineno or seen.node.lineno) + unit.offset
            self._values_called[Use(unit.path, unit.cell, line)] = None
        if not deployed.may_tell(seen):
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

    def finish(self, seconds: float | None = None) -> PythonFacts:
        """All facts. To be called once, when everything has been added.

        ``seconds`` of processor time are spent on following programs, those of deploy folders first; each file that is
        not got to is ``unread``, and what one walk finds in it (live uses, text constants) is told all the same.
        """
        begun = time.process_time()
        if seconds is not None:
            self._machine.deadline = begun + 0.7 * seconds
        self._build_written()
        self._set_telling()
        self._machine.pool = PROJECT_CALLS[0] + PROJECT_CALLS[1] * sum(m.nodes() for m in self._modules())
        for module in self._by_relevance(self._notebooks):
            self._follow(module)
        for write in self._writes:
            if write.target is None:
                name = self._substituted(
                    write.part.name, write.unit.snapshot or {}, write.notebook, write.unit
                )
                write.target = None if name is None else _target(self._where(write), name)
        self._build_written()
        telling = self._set_telling()
        modules = [*self._files.files.values(), *self._files.written.values(), *self._blocks.values()]
        for module in self._by_relevance(modules):
            if any(signs.tells(unit.signs(), telling) for unit in module.units):
                self._follow(module)
        self._find_scripts()
        for script in dict.fromkeys(call.script for call in self._calls.values() if call.script):
            module_of = self._files.files.get(script) or self._files.written.get(script)
            if module_of is not None:
                self._follow(module_of)
        if seconds is not None:
            self._machine.deadline = begun + seconds
        self._machine.listeners.clear()
        self._machine.telling = None
        units = self._live_units()
        model_fns = self._model_fns(units)
        for node, path in self._machine.cut.items():
            if node not in self._machine.whole:
                self._unread.setdefault(path, _TOO_MUCH)
        texts: dict[str, list[str]] = {}
        imports: dict[str, set[str]] = {}
        for _, unit in units:
            texts.setdefault(unit.path, []).extend(unit.signs().literals)
            imports.setdefault(unit.path, set()).update(unit.signs().imports)
        return PythonFacts(
            notebooks=tuple(self._documents),
            sources=tuple(self._sources),
            written_files=tuple(sorted((*self._cell_files(), *self._written_files.values()), key=_order)),
            model_fns=tuple(sorted(model_fns, key=_order)),
            model_calls=tuple(sorted(self._calls.values(), key=_order)),
            as_matrix=_once(use for _, unit in units for use in unit.signs().as_matrix),
            values_called=_once(
                (*(use for _, unit in units for use in unit.signs().values_called), *self._values_called)
            ),
            sklearn_externals=_once(use for _, unit in units for use in unit.signs().externals),
            versions=tuple(sorted(self._versions.values(), key=_order)),
            uploads=tuple(sorted(self._uploads, key=_order)),
            packings=tuple(sorted(self._packings, key=_order)),
            shell_texts=tuple(sorted((*self._cell_shells(), *self._commands.values()), key=_order)),
            written_texts=tuple(sorted((*self._cell_texts(), *self._texts.values()), key=_order)),
            literals=MappingProxyType(
                {p: tuple(dict.fromkeys(v))[:_LITERALS_MOST] for p, v in texts.items()}
            ),
            imports=MappingProxyType({p: frozenset(v) for p, v in imports.items()}),
            unread=tuple(Unread(p, why) for p, why in sorted(self._unread.items())),
        )

    def _modules(self) -> Iterator[Module]:
        yield from self._notebooks
        yield from self._files.files.values()
        yield from self._files.written.values()
        yield from self._blocks.values()

    def _set_telling(self) -> frozenset[str]:
        units = (unit.signs() for module in self._modules() for unit in module.units)
        found = signs.telling(units, self._words)
        self._machine.telling = found
        return found

    def _by_relevance(self, modules: Iterable[Module]) -> list[Module]:
        """Deploy folders first, then what speaks of the platforms, then the rest, each from the root down."""

        def rank(module: Module) -> tuple[int, int, str]:
            path = module.script or module.key
            if path.startswith(self._deploy):
                return 0, path.count("/"), path
            spoken = any(not _PLATFORMS.isdisjoint(unit.signs().words) for unit in module.units)
            return 1 if spoken else 2, path.count("/"), path

        return sorted(modules, key=rank)

    def _follow(self, module: Module) -> None:
        """Follow a module; what cannot be done is told of its file, and of no other."""
        try:
            self._machine.run(module)
        except Late:
            self._note(module, _TOO_LATE)
        except RecursionError:
            self._note(module, "nested too deeply")
        except Exception as problem:  # a defect of the reader costs this file, and shows
            self._note(module, f"the reader failed: {type(problem).__name__}: {problem}")

    def _note(self, module: Module, why: str) -> None:
        for unit in module.units[:1]:
            self._unread.setdefault(unit.path, why)

    def _live_units(self) -> list[tuple[Module, Unit]]:
        return [(module, unit) for module in self._modules() for unit in module.units if unit.live]

    def _find_scripts(self) -> None:
        for key, call in self._calls.items():
            if call.entry_point:
                script = self._files.script(self._homes[key], call.entry_point, call.source_dir)
                self._calls[key] = replace(call, script=script)

    def _build_written(self) -> None:
        """Modules of the ``%%writefile`` cells whose target is known; ``-a`` goes on in the same one."""
        self._files.targets.update(w.target for w in self._writes if w.target)
        self._files.changed()
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
            known = self._files.written.get(key)
            if known is not None and not known.state:
                known.units.append(unit)
            else:
                if known is not None:
                    key = f"{key}#{number}"
                folder = _folder(write.target) if write.target else write.notebook.folder
                self._files.written[key] = Module(key, folder, write.target, [unit])
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

    def _model_fns(self, units: list[tuple[Module, Unit]]) -> list[ModelFn]:
        entries = {call.script for call in self._calls.values() if call.script}
        found: dict[ModelFn, None] = {}
        for module, unit in units:
            named = unit.signs().defines_it or model_fn.NAME in module.env
            if not named and not unit.signs().quotes_it:
                continue
            try:
                for at, inner in literals.in_unit(unit):
                    target = self._targets.get(at)
                    literal = literals.module_of(
                        at, inner, _folder(target) if target else module.folder, target
                    )
                    self._machine.run(literal)
                    found.update(dict.fromkeys(model_fn.in_unit(self._machine, literal, inner, target)))
                if named:
                    script = module.script
                    found.update(
                        dict.fromkeys(
                            model_fn.in_unit(self._machine, module, unit, script, script in entries)
                        )
                    )
            except Late:
                self._note(module, _TOO_LATE)
            except RecursionError:
                self._note(module, "nested too deeply")
            except Exception as problem:  # as above
                self._note(module, f"the reader failed: {type(problem).__name__}: {problem}")
        return list(found)

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
                variables=MappingProxyType(variables), append=write.part.append,
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


def _once(uses: Iterable[Use]) -> tuple[Use, ...]:
    return tuple(sorted(dict.fromkeys(uses), key=_order))
