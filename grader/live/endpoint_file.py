"""``endpoint.yaml``: where a student says which endpoint is theirs. Every fault at once, with line and
column.

    platform: aws            # aws or gcp; the folder says it anyway
    endpoint: penguins       # SageMaker: the name. Vertex AI: the id, projects/P/locations/R/endpoints/ID,
    or display name
    region: us-east-1
    project: my-project      # Vertex AI only

or a plain address instead of ``endpoint``:

    url: https://abc123.execute-api.us-east-1.amazonaws.com/predict
    method: POST
    headers: {x-api-key: ...}

and in both cases, where the usual shapes do not do:

    sample: sample_request.json   # a file beside it; or `body:` with the request itself
    content_type: application/json
    accept: application/json
    prediction: predictions[0]    # where in the answer the prediction stands

Several endpoints are a list of these.
"""

from __future__ import annotations

import json
import math
import posixpath
from typing import Any, NamedTuple

import yaml

from grader.faults import Fault, FaultyFile, did_you_mean, quoted
from grader.live import address, names
from grader.patterns import pattern
from grader.yamlnodes import compose

NAMES = ("endpoint.yaml", "endpoint.yml")
MOST_BYTES = 20_000
_WHAT = "endpoint.yaml"
KEYS = (
    "platform", "endpoint", "region", "project", "url", "method", "headers", "sample", "body",
    "content_type", "accept",
    "prediction",
)  # fmt: skip
_METHODS = ("POST", "GET", "PUT")
_URL_ONLY = ("method", "headers")
_MEDIA = pattern(
    r"[\w!#$&^.+-]{1,80}/[\w!#$&^.+-]{1,80}(?:[ \t]*;[ \t]*[\w-]{1,40}=\"?[\w.+:/-]{1,80}\"?){0,4}\Z"
)
_ACCEPT = pattern(r"[\w!#$&^.+*/=;, -]{1,200}\Z")
_POINTER = pattern(r"[\w$.\[\]'\" /-]{1,200}\Z")
_HEADER = pattern(r"[A-Za-z0-9!#$&'*+.^_`|~-]{1,80}\Z")
_HEADER_VALUE = pattern(r"[\x21-\x7e](?:[\x20-\x7e]{0,1998}[\x21-\x7e])?\Z")
_MOST_HEADERS = 20
# What says how a message is framed or whom it is for is the client's, not the submission's.
_NOT_THEIRS = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te", "trailer",
    "expect",
    "proxy-authorization", "proxy-connection", "cookie", "forwarded", "accept-encoding", "content-encoding",
    "range",
})  # fmt: skip
_TYPES = {
    ".json": "application/json",
    ".csv": "text/csv",
    ".npy": "application/x-npy",
    ".jsonl": "application/jsonlines",
    ".txt": "text/plain",
}


class Entry(NamedTuple):
    """One endpoint as the file names it; what is not said is None. ``line`` is where it is named.

    ``sample`` is a path in the submission; ``body`` the request itself, as text.
    """

    line: int
    platform: str | None = None
    endpoint: str | None = None
    region: str | None = None
    project: str | None = None
    url: str | None = None
    method: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    sample: str | None = None
    body: str | None = None
    content_type: str | None = None
    accept: str | None = None
    prediction: str | None = None


def read(raw: bytes, path: str, *, platform: str, files: frozenset[str], most: int) -> tuple[Entry, ...]:
    """The endpoints that the file at ``path`` of a submission names, at least one and at most ``most``.

    ``platform`` is the one whose deploy folder it stands in, ``files`` the paths that a ``sample`` may name.

    Raises:
        FaultyFile: it cannot be taken as it is; all its faults, with their places.
    """
    if len(raw) > MOST_BYTES:
        raise FaultyFile(
            path, [Fault(1, 1, f"{_WHAT} has at most {MOST_BYTES:,} bytes; this file is larger", "text")]
        )
    root = compose(raw, path, _WHAT)
    reader = _Reader(path, platform, files)
    nodes = root.value if isinstance(root, yaml.SequenceNode) else [root]
    if not nodes:
        reader.fault(root, "the list is empty; at least one endpoint was expected")
    if len(nodes) > most:
        reader.fault(nodes[most], f"{_WHAT} names at most {most} endpoints; here are {len(nodes)}")
    found = [reader.entry(node) for node in nodes[:most]]
    if reader.faults:
        raise FaultyFile(path, reader.faults)
    return tuple(found)


class _Reader:
    def __init__(self, path: str, platform: str, files: frozenset[str]) -> None:
        self.folder = posixpath.dirname(path)
        self.platform = platform
        self.files = files
        self.faults: list[Fault] = []

    def fault(self, at: yaml.Node, message: str) -> None:
        self.faults.append(Fault(at.start_mark.line + 1, at.start_mark.column + 1, message))

    def entry(self, node: yaml.Node) -> Entry:
        line = node.start_mark.line + 1
        found = self.pairs(node, KEYS, "an endpoint")
        if found is None:
            return Entry(line)
        values: dict[str, Any] = {}
        for key, value in found.items():
            values[key] = getattr(self, f"_{key}")(value)
        self._whole(node, found, values)
        named = found.get("endpoint") or found.get("url")
        line = named.start_mark.line + 1 if named is not None else line
        return Entry(line, **{key: value for key, value in values.items() if value is not None})

    def pairs(self, node: yaml.Node, known: tuple[str, ...] | None, what: str) -> dict[str, yaml.Node] | None:
        """The keys of a mapping; ``known`` None: any."""
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, f"{what} is a mapping of keys and values, such as `endpoint: my-endpoint`")
            return None
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is None:
                self.fault(key, "a key is a word")
            elif name in found:
                self.fault(key, f"{quoted(name)} stands twice in {what}")
            elif known is not None and name not in known:
                self.fault(
                    key,
                    f"{quoted(name)} is no key of {what}{did_you_mean(name, known) or '; known are ' + ', '.join(known)}",
                )
            else:
                found[name] = value
        return found

    def text(self, node: yaml.Node, name: str, what: str) -> str | None:
        """A scalar as it is written; a number counts, since ids are numbers."""
        if not isinstance(node, yaml.ScalarNode):
            self.fault(node, f"`{name}` is {what}")
            return None
        if node.tag.endswith((":null", ":bool")) or not node.value.strip():
            self.fault(node, f"`{name}` has no value; {what} was expected")
            return None
        return str(node.value)

    def _platform(self, node: yaml.Node) -> str | None:
        text = self.text(node, "platform", "aws or gcp")
        if text is None:
            return None
        if text not in ("aws", "gcp"):
            self.fault(
                node,
                f"`platform` is aws or gcp, and {quoted(text)} is neither",
            )
        elif text != self.platform:
            self.fault(node, f"`platform` says {text}, and this is the deploy folder of {self.platform}")
        else:
            return text
        return None

    def _endpoint(self, node: yaml.Node) -> str | None:
        text = self.text(node, "endpoint", "the name or id of the endpoint")
        if text is None:
            return None
        problem = names.endpoint_problem(text, "sagemaker" if self.platform == "aws" else "vertex")
        if problem is None and names.is_placeholder(text):
            problem = "stands for the name of your own endpoint"
        if problem is not None:
            self.fault(node, f"`endpoint`: {quoted(text)} {problem}")
            return None
        return text

    def _region(self, node: yaml.Node) -> str | None:
        text = self.text(node, "region", "the name of a region")
        problem = names.region_problem(text, self.platform) if text is not None else None
        if problem is not None:
            self.fault(node, f"`region`: {quoted(text or '')} {problem}")
            return None
        return text

    def _project(self, node: yaml.Node) -> str | None:
        text = self.text(node, "project", "the id or number of a Google Cloud project")
        problem = names.project_problem(text) if text is not None else None
        if problem is not None:
            self.fault(node, f"`project`: {quoted(text or '')} {problem}")
            return None
        return text

    def _url(self, node: yaml.Node) -> str | None:
        text = self.text(node, "url", "an address that begins with https://")
        if text is None:
            return None
        try:
            # What is private is refused, or not, when it is asked: the operator may allow it.
            address.parse(text, allow_private=True)
        except address.Refused as problem:
            self.fault(node, f"`url`: {problem}")
            return None
        return text

    def _method(self, node: yaml.Node) -> str | None:
        text = self.text(node, "method", " or ".join(_METHODS))
        if text is not None and text.upper() not in _METHODS:
            self.fault(node, f"`method` is one of {', '.join(_METHODS)}, and {quoted(text)} is none")
            return None
        return text.upper() if text else None

    def _headers(self, node: yaml.Node) -> tuple[tuple[str, str], ...] | None:
        found = self.pairs(node, None, "`headers`")
        if found is None:
            return None
        if len(found) > _MOST_HEADERS:
            self.fault(node, f"`headers` has at most {_MOST_HEADERS} of them")
        made = []
        for name, value in found.items():
            text = self.text(value, f"headers.{name[:40]}", "a line of text")
            if not _HEADER.match(name):
                self.fault(value, f"{quoted(name)} is no name of a header")
            elif name.lower() in _NOT_THEIRS:
                self.fault(value, f"the header {quoted(name)} is the client's own to set; take it away")
            elif name.lower() in ("content-type", "accept"):
                key = name.lower().replace("-", "_")
                self.fault(value, f"the header {quoted(name)} has a key of its own: `{key}`")
            elif text is not None and not _HEADER_VALUE.match(text):
                self.fault(value, f"the header {quoted(name)} is one line of plain characters")
            elif text is not None:
                made.append((name, text))
        return tuple(made)

    def _sample(self, node: yaml.Node) -> str | None:
        text = self.text(node, "sample", "the path of a file in this folder")
        if text is None:
            return None
        for base in (self.folder, ""):
            path = posixpath.normpath(posixpath.join(base, text))
            if path in self.files and not text.startswith("/"):
                return path
        self.fault(
            node,
            f"`sample`: {quoted(text)} is no file in this folder, and none from the root",
        )
        return None

    def _body(self, node: yaml.Node) -> str | None:
        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":str"):
            return str(node.value)
        try:
            return json.dumps(_json(node), ensure_ascii=False)
        except ValueError as problem:
            self.fault(node, f"`body` {problem}")
            return None

    def _content_type(self, node: yaml.Node) -> str | None:
        return self._form(node, "content_type", _MEDIA, "a media type, such as application/json")

    def _accept(self, node: yaml.Node) -> str | None:
        return self._form(node, "accept", _ACCEPT, "a media type, such as application/json")

    def _prediction(self, node: yaml.Node) -> str | None:
        return self._form(node, "prediction", _POINTER, "a path in the JSON answer, such as predictions[0]")

    def _form(self, node: yaml.Node, name: str, form: Any, what: str) -> str | None:
        text = self.text(node, name, what)
        if text is not None and not form.match(text):
            self.fault(node, f"`{name}` is {what}, not {quoted(text)}")
            return None
        return text

    def _whole(self, node: yaml.Node, found: dict[str, yaml.Node], values: dict[str, Any]) -> None:
        """What only all keys together show."""
        if "url" in found and "endpoint" in found:
            self.fault(found["url"], "`url` and `endpoint` stand together; one of them says where to ask")
        if "url" not in found and "endpoint" not in found:
            self.fault(node, "an endpoint needs the key `endpoint`, or `url`, and here both are missing")
        if "url" not in found:
            for key in _URL_ONLY:
                if key in found:
                    self.fault(found[key], f"`{key}` belongs to a `url`; the cloud's own client sets it")
        if self.platform == "aws" and "project" in found:
            self.fault(
                found["project"], "`project` belongs to Google Cloud, and this is the deploy folder of aws"
            )
        if "sample" in found and "body" in found:
            self.fault(found["body"], "`sample` and `body` stand together; one of them is the request")
        resource = names.resource_of(values.get("endpoint") or "")
        for key in ("region", "project"):
            told = values.get(key)
            if (
                resource is not None
                and told is not None
                and told != getattr(resource, key)
                and not (key == "project" and told.isdigit() != resource.project.isdigit())
            ):
                self.fault(
                    found[key],
                    f"`{key}` is {quoted(told)}, and its name says {quoted(getattr(resource, key))}",
                )
        if values.get("sample") and "content_type" not in found:
            ending = posixpath.splitext(values["sample"])[1].lower()
            if ending not in _TYPES:
                self.fault(
                    found["sample"],
                    f"what {quoted(values['sample'])} holds is not told by its ending; add `content_type`",
                )
            else:
                values["content_type"] = _TYPES[ending]


def _json(node: yaml.Node) -> Any:
    """A node as JSON values; its depth is bounded where nodes are made."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): _json(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_json(item) for item in node.value]
    kind, text = node.tag.rpartition(":")[2], str(node.value)
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("true", "yes", "on")
    if kind in ("int", "float"):
        try:
            number = float(text) if kind == "float" or len(text) > 30 else int(text)
        except ValueError:
            raise ValueError(f"has a number in it that JSON does not know ({quoted(text)})") from None
        if not math.isfinite(number):
            raise ValueError(f"has a number in it that JSON does not know ({quoted(text)})")
        return number
    return text
