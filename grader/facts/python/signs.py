"""What one walk over a source finds: live uses, imports, text constants, and the words that say what it may be about.

A fact comes from a call (of a SageMaker class, of a shell, of a client), and each of those has a name. Code in which none
of these names stands, and which calls nothing in which one does, can declare nothing: it is not followed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grader.facts.records import Use

if TYPE_CHECKING:
    from grader.facts.python.module import Unit

_EXTERNALS = "sklearn.externals"
_LITERALS_MOST = 2_000
_LITERAL_LENGTH = 2_000
_FAILING = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
# What people call on the array that `.as_matrix()` gave, and what the values of a dict do not have.
_OF_ARRAYS = frozenset(
    {"tolist", "astype", "reshape", "ravel", "flatten", "shape", "T", "dtype", "squeeze", "ndim"}
)

ANYWHERE = frozenset({
    "SKLearnModel", "SKLearn", "XGBoostModel", "PyTorchModel", "PyTorch", "TensorFlowModel", "HuggingFaceModel",
    "HuggingFace", "MXNetModel", "MXNet", "ChainerModel", "Chainer", "FrameworkModel", "ModelBuilder", "ModelTrainer",
    "create_model", "PrimaryContainer", "SAGEMAKER_PROGRAM", "serving_container_image_uri", "upload_scikit_learn_model_file",
    "upload_model", "upload_from_filename", "upload_from_file", "upload_from_string", "upload_file", "upload_fileobj",
    "put_object", "upload_data", "upload_blob", "save_model", "make_archive", "runtime_version", "runtimeVersion",
    "deploymentUri", "system", "popen", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput",
    "get_ipython", "system_raw", "system_piped", "create_subprocess_shell", "create_subprocess_exec", "bash_command",
    "import *",
})  # fmt: skip
"""Names that tell of a fact wherever they stand."""

GIVEN: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (frozenset({"sagemaker"}), frozenset({"Model", "Estimator", "XGBoost", "TensorFlow"})),
    (frozenset({"aiplatform", "aiplatform_v1"}), frozenset({"Model", "upload"})),
    (frozenset({"subprocess", "invoke", "sh"}), frozenset({"run", "call"})),
    (frozenset({"tarfile"}), frozenset({"add"})),
    (
        frozenset({"code in a literal"}),
        frozenset({"write", "writelines", "write_text", "write_bytes", "print"}),
    ),
    (frozenset({"airflow"}), frozenset({"cmd", "command", "cmds", "arguments"})),
    (
        frozenset({"joblib", "pickle", "cloudpickle", "dill", "cPickle", "_pickle", "skops"}),
        frozenset({"dump"}),
    ),
    (
        frozenset({"runtimeVersion", "deploymentUri"}),
        frozenset({"create", "post", "request", "put", "patch", "execute", "dump", "dumps"}),
    ),
)
"""Names that tell of one only where the submission speaks of something else, too."""

_WRITTEN = ("model_fn", "runtime", "deploymentUri", "gcloud", "SAGEMAKER_")
_KEYS = frozenset({"runtimeVersion", "deploymentUri", "PrimaryContainer", "SAGEMAKER_PROGRAM"})

# Own functions called like these are too common a name to follow whoever uses it.
_COMMON = frozenset({
    "get", "items", "keys", "values", "append", "extend", "add", "read", "join", "split", "format", "update", "pop",
    "close", "sort", "copy", "index", "count", "replace", "strip", "open", "print", "len", "str", "__init__", "__call__",
    "__enter__", "__exit__", "__iter__", "__repr__", "__str__",
})  # fmt: skip


@dataclass(slots=True)
class Signs:
    """What stands in one unit.

    ``words`` are the names at its top level. ``functions``: for each function's name, the names in it, and those among
    them that it calls or hands over.
    """

    as_matrix: list[Use] = field(default_factory=list)
    externals: list[Use] = field(default_factory=list)
    values_called: list[Use] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    literals: list[str] = field(default_factory=list)
    words: set[str] = field(default_factory=set)
    functions: list[tuple[str, set[str], set[str]]] = field(default_factory=list)
    generators: set[int] = field(default_factory=set)
    nodes: int = 0
    defines_it: bool = False
    quotes_it: bool = False


def of(unit: Unit) -> Signs:
    """The signs in ``unit``, uses in the order of its lines."""
    found = Signs()
    walk = _Walk(unit, found)
    walk.through(unit.tree)
    for uses in (found.as_matrix, found.externals, found.values_called):
        uses.sort(key=lambda use: use.line)
    return found


def _is_of_frames(node: ast.expr) -> bool:
    """``pd.DataFrame`` or ``Series``, whose method is handed over instead of called."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name in ("DataFrame", "Series")


_Scope = tuple[set[str], set[str], int]


class _Walk:
    """One walk. Each node comes with whether a handler stands by for a failing import, and with the function it is in."""

    def __init__(self, unit: Unit, found: Signs) -> None:
        self.unit = unit
        self.found = found
        self.stack: list[tuple[ast.AST, bool, _Scope]] = []

    def through(self, tree: ast.Module) -> None:
        """Visit every node of ``tree``."""
        found, stack = self.found, self.stack
        stack.append((tree, False, (found.words, set(), 0)))
        while stack:
            node, guarded, scope = stack.pop()
            found.nodes += 1
            kind = node.__class__
            if kind is ast.Name:
                scope[0].add(node.id)  # type: ignore[attr-defined]
                continue
            if kind is ast.Constant:
                self.constant(node, scope[0])  # type: ignore[arg-type]
                continue
            visit = _VISITS.get(kind)
            if visit is not None:
                answer = visit(self, node, guarded, scope)
                if answer is None:
                    continue
                scope = answer
            for name in node._fields:
                child = getattr(node, name, None)
                if child.__class__ is list:
                    stack.extend([(one, guarded, scope) for one in child if isinstance(one, ast.AST)])
                elif isinstance(child, ast.AST) and name != "ctx":
                    stack.append((child, guarded, scope))

    def constant(self, node: ast.Constant, words: set[str]) -> None:
        text = node.value
        if isinstance(text, str):
            if len(self.found.literals) < _LITERALS_MOST:
                self.found.literals.append(text[:_LITERAL_LENGTH])
            if text in _KEYS:
                words.add(text)
            if len(text) > 12 and any(word in text for word in _WRITTEN):
                self.found.words.add("code in a literal")
                self.found.quotes_it = self.found.quotes_it or "model_fn" in text

    def attribute(self, node: ast.Attribute, guarded: bool, scope: _Scope) -> _Scope:
        name, inner = node.attr, node.value
        scope[0].add(name)
        if name == "joblib":
            if (
                isinstance(inner, ast.Attribute)
                and inner.attr == "externals"
                and isinstance(inner.value, ast.Name)
                and inner.value.id == "sklearn"
            ):
                self.note(self.found.externals, node.lineno, guarded)
        elif (
            name in _OF_ARRAYS
            and isinstance(inner, ast.Call)
            and isinstance(inner.func, ast.Attribute)
            and inner.func.attr == "values"
            and not inner.args
            and not inner.keywords
        ):
            self.note(self.found.values_called, inner.func.end_lineno or inner.lineno, False)
        return scope

    def import_(self, node: ast.Import, guarded: bool, scope: _Scope) -> None:
        for alias in node.names:
            self.found.imports.add(alias.name)
            scope[0].update(alias.name.split("."))
            if alias.name.startswith(_EXTERNALS + ".joblib"):
                self.note(self.found.externals, node.lineno, guarded)

    def import_from(self, node: ast.ImportFrom, guarded: bool, scope: _Scope) -> None:
        module = node.module or ""
        self.found.words.update(module.split("."))
        for alias in node.names:
            self.found.imports.add(f"{module}.{alias.name}" if module else alias.name)
            scope[0].add(alias.name if alias.name != "*" else "import *")
            if alias.asname and alias.asname != alias.name:
                # By whatever name it goes here: who uses that name uses this.
                self.found.functions.append((alias.asname, {alias.name}, {alias.name}))
        joblib = module == _EXTERNALS and any(alias.name == "joblib" for alias in node.names)
        if (joblib or module.startswith(_EXTERNALS + ".joblib")) and not node.level:
            self.note(self.found.externals, node.lineno, guarded)

    def expression(self, node: ast.Expr, guarded: bool, scope: _Scope) -> _Scope | None:
        del guarded
        value = node.value
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            self.found.quotes_it = self.found.quotes_it or "model_fn" in value.value
            return None  # a docstring, or text that nobody uses
        return scope

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, guarded: bool, scope: _Scope) -> _Scope:
        del guarded
        if node.name == "model_fn":
            self.found.defines_it = True
        words: set[str] = set()
        used: set[str] = set()
        self.found.functions.append((node.name, words, used))
        # Whoever holds a function is taken to use it.
        scope[1].add(node.name)
        return words, used, id(node)

    def call(self, node: ast.Call, guarded: bool, scope: _Scope) -> _Scope:
        del guarded
        for part in (node.func, *node.args, *(keyword.value for keyword in node.keywords)):
            if isinstance(part, ast.Name):
                scope[1].add(part.id)
            elif isinstance(part, ast.Attribute):
                scope[1].add(part.attr)
                if part.attr == "as_matrix" and (part is node.func or _is_of_frames(part.value)):
                    # A chain may run over several lines: the use is where the name stands.
                    self.note(self.found.as_matrix, part.end_lineno or part.lineno, False)
        return scope

    def lambda_(self, node: ast.Lambda, guarded: bool, scope: _Scope) -> _Scope:
        del guarded
        return scope[0], scope[1], id(node)

    def yield_(self, node: ast.Yield | ast.YieldFrom, guarded: bool, scope: _Scope) -> _Scope:
        del node, guarded
        self.found.generators.add(scope[2])
        return scope

    def keyword(self, node: ast.keyword, guarded: bool, scope: _Scope) -> _Scope:
        del guarded
        if node.arg:
            scope[0].add(node.arg)
        return scope

    def try_(self, node: ast.Try, guarded: bool, scope: _Scope) -> None:
        behind = guarded or _catches_imports(node)
        for statement in (*node.body, *(s for handler in node.handlers for s in handler.body)):
            self.stack.append((statement, behind, scope))
        for handler in node.handlers:
            if handler.type is not None:
                self.stack.append((handler.type, guarded, scope))
        for statement in (*node.orelse, *node.finalbody):
            self.stack.append((statement, guarded, scope))

    def note(self, into: list[Use], line: int, guarded: bool) -> None:
        use = Use(self.unit.path, self.unit.cell, line + self.unit.offset, guarded)
        if use not in into[-4:]:
            into.append(use)


_VISITS: dict[type[ast.AST], Callable[..., _Scope | None]] = {
    ast.Attribute: _Walk.attribute,
    ast.Call: _Walk.call,
    ast.Import: _Walk.import_,
    ast.ImportFrom: _Walk.import_from,
    ast.Expr: _Walk.expression,
    ast.FunctionDef: _Walk.function,
    ast.AsyncFunctionDef: _Walk.function,
    ast.Lambda: _Walk.lambda_,
    ast.Yield: _Walk.yield_,
    ast.YieldFrom: _Walk.yield_,
    ast.keyword: _Walk.keyword,
    ast.Try: _Walk.try_,
}
if hasattr(ast, "TryStar"):  # 3.11 on
    _VISITS[ast.TryStar] = _Walk.try_


def _catches_imports(node: ast.Try) -> bool:
    for handler in node.handlers:
        kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        if any(kind is None or (isinstance(kind, ast.Name) and kind.id in _FAILING) for kind in kinds):
            imports = any(_imports(statement) for statement in handler.body)
            return imports or any(_imports(statement) for statement in node.body[1:])
    return False


def _imports(statement: ast.stmt) -> bool:
    """Whether a statement is an import, or a block with one directly in it."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return True
    inner = (*getattr(statement, "body", ()), *getattr(statement, "orelse", ()))
    return any(isinstance(one, ast.Import | ast.ImportFrom) for one in inner)


def telling(units: Iterable[Signs], more: frozenset[str] = frozenset()) -> frozenset[str]:
    """The names that, in these units together, tell of a fact: the known ones, and own functions that use one.

    ``more`` are names that tell of one, too.
    """
    units = list(units)
    vocabulary: set[str] = set().union(*(signs.words for signs in units))
    for signs in units:
        for _, words, _ in signs.functions:
            vocabulary |= words
    known = set(ANYWHERE | more)
    for needed, names in GIVEN:
        if not vocabulary.isdisjoint(needed):
            known |= names
    if not vocabulary.isdisjoint(("runtimeVersion", "deploymentUri")):
        known.update(word for word in vocabulary if "ersion" in word and not word.startswith("_"))
    users: dict[str, list[str]] = {}
    waiting: list[str] = []
    found: set[str] = set()
    for signs in units:
        for name, words, used in signs.functions:
            if not known.isdisjoint(words):
                found.add(name)
            else:
                for word in used:
                    users.setdefault(word, []).append(name)
    waiting.extend(found)
    while waiting:
        last = waiting.pop()
        for name in () if last in _COMMON else users.pop(last, ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return frozenset(known | found)


def tells(signs: Signs, telling_names: frozenset[str]) -> bool:
    """Whether anything in the unit tells of a fact."""
    return (
        signs.defines_it
        or "model_fn" in signs.words
        or not telling_names.isdisjoint(signs.words)
        or any(name in telling_names for name, _, _ in signs.functions)
    )
