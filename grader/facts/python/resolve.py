"""Which file of the submission an import, a ``%run`` or an entry point means."""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Iterator

from grader.facts.python.module import Module
from grader.facts.python.values import normal

# Names that a file of the submission never hides from us, though it may be called so.
_NOT_OURS = frozenset(sys.stdlib_module_names) | {
    "joblib", "numpy", "pandas", "sklearn", "sagemaker", "boto3", "torch", "tensorflow", "xgboost", "lightgbm",
    "transformers", "google", "skops", "cloudpickle", "dill", "onnxruntime", "keras", "scipy",
}  # fmt: skip


class Resolver:
    """Finds modules among ``files`` and ``written``, by path; ``targets`` are all that cells write."""

    def __init__(self, paths: frozenset[str], deploy_folders: tuple[str, ...]) -> None:
        self._paths = paths
        self._deploy = deploy_folders
        self.files: dict[str, Module] = {}
        self.written: dict[str, Module] = {}
        self.targets: set[str] = set()
        self._known: dict[tuple[str, str, int], Module | None] = {}
        self._by_name: dict[str, list[str]] = {}
        for path in paths:
            if path.endswith(".py"):
                self._by_name.setdefault(path.rpartition("/")[2], []).append(path)

    def changed(self) -> None:
        """Files were added: what was not found may be there now."""
        self._known.clear()

    def _bases(self, folder: str) -> Iterator[str]:
        yield from dict.fromkeys((folder, "", *self._deploy))

    def _at(self, path: str) -> Module | None:
        return self.files.get(path) or self.written.get(path)

    def module(self, module: Module, dotted: str, level: int) -> Module | None:
        """What ``module`` gets that imports ``dotted`` (``level`` dots before it), where it is the submission's own."""
        key = (module.key, dotted, level)
        if key not in self._known:
            self._known[key] = self._module(module, dotted, level)
        return self._known[key]

    def _module(self, module: Module, dotted: str, level: int) -> Module | None:
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
                found = self._at(path)
                if found is not None and found is not module:
                    return found
        if not level and "." not in dotted:
            alike = self._by_name.get(f"{dotted}.py", [])
            if len(alike) == 1:
                found = self._at(alike[0])
                return found if found is not module else None
        return None

    def file(self, module: Module, name: str) -> Module | None:
        """The file that ``%run name`` runs."""
        for base in self._bases(module.folder):
            for ending in ("", ".py"):
                found = self._at(normal(posixpath.join(base, name + ending)))
                if found is not None and found is not module:
                    return found
        return None

    def script(self, folder: str, entry: str, source: str | None) -> str | None:
        """The file in the repository, or written by a cell, that an entry point means."""
        if source and "://" in source:
            return None
        entry, source = entry.replace("\\", "/"), (source or "").replace("\\", "/")
        for base in self._bases(folder):
            path = normal(
                posixpath.join(base, source.lstrip("/") if source.startswith("/") else source, entry)
            )
            if path in self._paths or path in self.written or path in self.targets:
                return path
        return None
