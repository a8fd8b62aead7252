"""SageMaker's contract for scikit-learn, one model to an endpoint.

Sources, as of 2026-11-22: aws/sagemaker-scikit-learn-container (serving), aws/sagemaker-containers 2.8.6.post2 (worker, transformer,
encoders), Flask 1.1.1 and 3.1.3, which its images hold; the statuses were observed on that code.
"""

import importlib
import json
import os
import sys
from typing import Any, Callable, Dict, Optional, Tuple

from . import encoding, standin
from .serving import Answer, Request, answer
from .telling import Step

# Modules that the container's server has imported before it imports the script: a script of such a name is never read.
# Observed with sagemaker-containers 2.8.6.post2 under gunicorn 23 and gevent, 2026-11-22.
_HELD = frozenset(
    (
        "abc argparse array ast asyncio atexit base64 bisect boto3 botocore builtins bz2 calendar click codecs collections "
        "concurrent configparser contextlib contextvars copy copyreg csv ctypes dataclasses datetime dateutil decimal difflib "
        "dis email encodings enum errno fcntl flask fnmatch functools gc genericpath getopt getpass gettext gevent glob "
        "greenlet grp gunicorn gzip hashlib heapq hmac html http importlib inotify_simple inspect io ipaddress itertools "
        "itsdangerous jinja2 jmespath json keyword linecache locale logging lzma markupsafe marshal math mimetypes mmap "
        "multiprocessing ntpath numbers numpy opcode operator os pathlib pickle pkg_resources pkgutil platform plistlib posix "
        "posixpath pprint psutil pty pwd queue quopri random re reprlib resource retrying s3transfer sagemaker_containers "
        "sagemaker_sklearn_container scipy secrets select selectors setuptools shlex shutil signal site six socket socketserver "
        "ssl stat string struct subprocess sys sysconfig tarfile tempfile termios textwrap threading time token tokenize "
        "traceback tty types typing unicodedata unittest urllib urllib3 uu uuid warnings weakref werkzeug xml zipfile "
        "zipimport zlib zope"
    ).split()
)


class UserError(Exception):
    """The script's functions do not go together."""


class SageMaker:
    """Loads at the first request of any path; until that succeeds, every request is answered 500."""

    most_bytes = 6291456

    def __init__(self, config: Dict[str, Any]) -> None:
        self._program = str(config["program"])
        self._model_dir = config["model_dir"]
        self._knows_transform = bool(config.get("transform_fn", True))
        self._functions: Optional[Dict[str, Any]] = None
        self._model: Any = None
        standin.offer(self._model_dir)

    def start(self) -> None:
        """Nothing is loaded before the first request."""

    def handle(self, request: Request) -> Answer:
        """The answer to one request."""
        if self._functions is None:
            self._functions = self._load()
        functions = self._functions
        routes: Dict[str, Tuple[str, ...]] = {"/ping": ("GET", "HEAD"), "/invocations": ("POST",)}
        if functions["execution_parameters_fn"] is not None:
            routes["/execution-parameters"] = ("GET", "HEAD")
        allowed = routes.get(request.path)
        if allowed is None:
            return answer(404, {"message": "not found: ask /ping or /invocations"})
        if request.method == "OPTIONS":
            return answer(200, b"", Allow=", ".join((*allowed, "OPTIONS")))
        if request.method not in allowed:
            return answer(
                405, {"message": "%s wants %s" % (request.path, allowed[0])}, Allow=", ".join(allowed)
            )
        if request.path == "/ping":
            return answer(200)
        if request.path == "/execution-parameters":
            with Step("output"):
                return _made(functions["execution_parameters_fn"]())
        return self._invoke(request, functions)

    def _load(self) -> Dict[str, Any]:
        with Step("import"):
            module = self._module()
            functions: Dict[str, Any] = {
                name: getattr(module, name, None)
                for name in ("input_fn", "predict_fn", "output_fn", "transform_fn", "execution_parameters_fn")
            }
            if not self._knows_transform:
                functions["transform_fn"] = None
            if functions["transform_fn"]:
                mixed = [name for name in ("input_fn", "predict_fn", "output_fn") if functions[name]]
                if mixed:
                    raise UserError(
                        "transform_fn stands in place of input_fn, predict_fn and output_fn, and %s defines %s too"
                        % (self._program, " and ".join(mixed))
                    )
        with Step("load"):
            if not hasattr(module, "model_fn"):
                raise NotImplementedError(
                    "Please provide a model_fn implementation: %s has none." % self._program
                )
            self._model = module.model_fn(self._model_dir)
        return functions

    def _module(self) -> Any:
        name = self._program[:-3] if self._program.endswith(".py") else self._program
        if name.partition(".")[0] in _HELD:
            raise ImportError(
                "the container has a module %s of its own, and takes that one instead of %s: give the script another name"
                % (name, self._program)
            )
        # A module that failed half-way is tried anew at each request, as the container does.
        return importlib.import_module(name)

    def _invoke(self, request: Request, functions: Dict[str, Any]) -> Answer:
        headers = request.headers
        content_type = headers.get("contenttype") or headers.get("content-type") or encoding.JSON
        accept = headers.get("accept")
        if not accept or accept == encoding.ANY:
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", encoding.JSON)
        body: Any = request.body
        if content_type in encoding.UTF8_TYPES:
            body = body.decode("utf-8", "replace")
        if functions["transform_fn"] is not None:
            with Step("predict"):
                result = functions["transform_fn"](self._model, body, content_type, accept)
        else:
            with Step("input"):
                data = (functions["input_fn"] or _input)(body, content_type)
            with Step("predict"):
                predicted = (functions["predict_fn"] or _predict)(data, self._model)
            with Step("output"):
                result = (functions["output_fn"] or _output)(predicted, accept)
        with Step("output"):
            if isinstance(result, tuple):
                return _response(result[0], result[1])
            return _made(result)


def _input(body: Any, content_type: str) -> Any:
    array = encoding.decode(body, content_type)
    return array.astype("float32") if content_type in encoding.UTF8_TYPES else array


def _predict(data: Any, model: Any) -> Any:
    return model.predict(data)


def _output(prediction: Any, accept: str) -> Any:
    return standin.Response(encoding.encode(prediction, accept), mimetype=accept)


def _response(body: Any, mimetype: Any, status: Any = 200) -> Answer:
    """What Flask makes of a body with a type. A dictionary is walked through, and so sends its keys."""
    content_type = encoding.JSON if mimetype is None else mimetype
    if content_type.startswith("text/") or content_type.endswith("+xml"):
        content_type += "; charset=utf-8"
    if isinstance(body, str):
        raw = body.encode("utf-8")
    elif isinstance(body, (bytes, bytearray)):
        raw = bytes(body)
    elif body is None:
        raw = b""
    else:
        raw = b"".join(part.encode("utf-8") if isinstance(part, str) else _bytes(part) for part in body)
    return Answer(int(status), content_type, raw, ())


def _bytes(part: Any) -> bytes:
    if not isinstance(part, bytes):
        raise TypeError("a body is text or bytes, or a sequence of these, not of %s" % type(part).__name__)
    return part


def _made(result: Any) -> Answer:
    """What Flask makes of what a function returns without a type: text is ``text/html``, a dictionary JSON."""
    if isinstance(result, standin.Response):
        return _response(result.response, result.mimetype, result.status)
    if isinstance(result, (str, bytes, bytearray)):
        return _response(result, "text/html")
    if isinstance(result, dict) or (isinstance(result, list) and _flask_takes_lists()):
        return Answer(200, encoding.JSON, (json.dumps(result) + "\n").encode("utf-8"), ())
    if all(hasattr(result, name) for name in ("get_data", "status_code", "content_type")):
        get_data: Callable[[], bytes] = result.get_data
        return Answer(int(result.status_code), result.content_type, get_data(), ())
    raise TypeError(
        "the function returned %s, which the container cannot send: return text or bytes, best with their content type,"
        " as in (json.dumps(...), 'application/json')" % type(result).__name__
    )


def _flask_takes_lists() -> bool:
    """Since 2.2; the images up to scikit-learn 1.4 hold 1.1.1."""
    sklearn = sys.modules.get("sklearn")
    version = str(getattr(sklearn, "__version__", "0")).split(".")
    return tuple(int(part) for part in version[:2] if part.isdigit()) >= (1, 5)
