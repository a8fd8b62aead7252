"""Names of the container's own packages that scripts import, for an environment that has only scikit-learn in it.

AWS's examples write ``from sagemaker_containers.beta.framework import encoders, worker``; without these names such a script would fail here
and run in the cloud. They do what the contract says, by code of our own, and only where the packages themselves are absent.
"""

import importlib.abc
import importlib.machinery
import sys
from types import ModuleType
from typing import Any, Dict, Optional

from . import encoding


class Response:
    """A body with its type, as ``worker.Response`` takes them; ``accept`` is taken and does nothing, as there."""

    def __init__(
        self,
        response: Any = None,
        accept: Optional[str] = None,
        status: Any = 200,
        headers: Any = None,
        mimetype: Optional[str] = None,
        direct_passthrough: bool = False,
    ) -> None:
        del accept, headers, direct_passthrough
        self.response = response
        self.status = status
        self.mimetype = mimetype


class ClientError(Exception):
    """What the container raises for what a client did wrong."""


def _content_types() -> Dict[str, Any]:
    names = ("JSON", "CSV", "NPY", "OCTET_STREAM", "ANY", "UTF8_TYPES")
    return {name: getattr(encoding, name) for name in names}


def _framework(model_dir: str) -> Dict[str, Dict[str, Any]]:
    """What each module holds."""
    json_form, csv_form, npy_form = encoding.JSON, encoding.CSV, encoding.NPY
    encoders: Dict[str, Any] = {
        "decode": encoding.decode,
        "encode": encoding.encode,
        "array_to_json": lambda array: encoding.encode(array, json_form),
        "array_to_csv": lambda array: encoding.encode(array, csv_form),
        "array_to_npy": lambda array: encoding.encode(array, npy_form),
        "json_to_numpy": lambda text, dtype=None: _typed(encoding.decode(text, json_form), dtype),
        "csv_to_numpy": lambda text, dtype=None: _typed(encoding.decode(text, csv_form), dtype),
        "npy_to_numpy": lambda raw: encoding.decode(raw, npy_form),
    }
    errors = {"ClientError": ClientError, "UnsupportedFormatError": encoding.UnsupportedFormatError}
    top, beta = "sagemaker_containers", "sagemaker_containers.beta.framework."
    return {
        top: {},
        top + ".beta": {},
        top + ".beta.framework": {},
        beta + "content_types": _content_types(),
        beta + "encoders": encoders,
        beta + "errors": errors,
        beta + "worker": {"Response": Response},
        beta + "env": {"model_dir": model_dir},
        beta + "modules": {},
        beta + "transformer": {},
        beta + "server": {},
        "sagemaker_inference": {},
        "sagemaker_inference.content_types": _content_types(),
        "sagemaker_inference.decoder": {"decode": encoding.decode},
        "sagemaker_inference.encoder": {"encode": encoding.encode},
        "sagemaker_inference.errors": errors,
    }


def _typed(array: Any, dtype: Any) -> Any:
    return array if dtype is None else array.astype(dtype)


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Asked last, when nothing else has a module of that name."""

    def __init__(self, modules: Dict[str, Dict[str, Any]]) -> None:
        self._modules = modules

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        """A spec for one of the names."""
        del path, target
        if fullname not in self._modules:
            return None
        package = any(name.startswith(fullname + ".") for name in self._modules)
        return importlib.machinery.ModuleSpec(fullname, self, is_package=package)

    def create_module(self, spec: Any) -> None:
        """A plain module will do."""
        del spec

    def exec_module(self, module: ModuleType) -> None:
        """Give it its names."""
        vars(module).update(self._modules[module.__name__])


def offer(model_dir: str) -> None:
    """Have these names at hand from now on."""
    sys.meta_path.append(_Finder(_framework(model_dir)))
