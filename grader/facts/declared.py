"""What YAML and JSON declare of a deployment: a version of AI Platform, a model of Vertex AI.

Read as a tree with positions, so that each value has its line. YAML's aliases are never expanded; text that
no parser takes (a template, a paste) is read key by key. Nothing here knows where the text stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from grader.patterns import pattern

if TYPE_CHECKING:
    import yaml

MOST_PARSED = 64_000
"""Characters that are parsed as YAML; longer text is read key by key."""
_MOST_NODES = 20_000

_RUNTIME = "runtimeVersion"
_PYTHON = "pythonVersion"
_IMAGE = "imageUri"
# Beside a runtime version these keys say that it is a job's, not a deployment's (AI Platform's REST
# reference).
_JOB_KEYS = frozenset(
    {
        *(
            "scaleTier",
            "masterType",
            "workerType",
            "pythonModule",
            "jobDir",
            "hyperparameters",
            "masterConfig",
        ),
        *("trainingInput", "predictionInput", "workerPoolSpecs", "inputPaths", "outputPath"),
    }
)

_FRAMEWORKS = frozenset({"SCIKIT_LEARN", "XGBOOST", "TENSORFLOW"})
_NUMBER = pattern(r"[0-9]{1,2}\.[0-9]{1,2}\Z")


@dataclass(frozen=True, slots=True)
class Datum:
    """A value and the offset in the text at which it (or, where it is blank, its key) begins."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Declared:
    """One object's values by key. ``job``: it describes a training or batch job, no deployment."""

    values: dict[str, Datum] = field(default_factory=dict)
    job: bool = False

    def get(self, key: str) -> Datum | None:
        """The value of ``key``, None where the key is absent."""
        return self.values.get(key)

    @property
    def is_version(self) -> bool:
        """Whether it is, by its own keys alone, a version to be created on AI Platform."""
        runtime = self.values.get(_RUNTIME)
        if self.job or (runtime is None and "deploymentUri" not in self.values):
            return False
        framework = self.values.get("framework")
        if "deploymentUri" in self.values or (framework and framework.text.upper() in _FRAMEWORKS):
            return True
        return runtime is not None and _NUMBER.match(runtime.text) is not None and _PYTHON in self.values

    @property
    def is_vertex(self) -> bool:
        """Whether it is a model to be uploaded to Vertex AI."""
        return not self.job and _IMAGE in self.values


def is_of_interest(text: str) -> bool:
    """Whether reading ``text`` can yield anything: a cheap look before parsing."""
    return (
        _RUNTIME in text
        or _PYTHON in text
        or "deploymentUri" in text
        or ("containerSpec" in text and _IMAGE in text)
    )


def declared(text: str) -> tuple[Declared, ...]:
    """The objects in ``text`` (YAML or JSON) that declare a version, a model or a job. Never raises."""
    text = text.replace("\r\n", "\n").replace("\ufeff", " ")
    if not is_of_interest(text):
        return ()
    documents = composed(text)
    if documents is not None:
        return tuple(item for document in documents for item in _objects(document))
    return tuple(_by_keys(text))


def composed(text: str) -> list[yaml.Node] | None:
    """The documents of a YAML or JSON text as nodes with positions; None where it does not parse or is over a bound."""
    if len(text) > MOST_PARSED:
        return None
    import yaml

    try:
        # A tab is no blank in YAML, but it is one in JSON; offsets stay as they are.
        found = list(yaml.compose_all(text.replace("\t", " "), Loader=yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    return [node for node in found if node is not None]


def _objects(root: yaml.Node) -> Iterator[Declared]:
    import yaml

    seen: set[int] = set()
    waiting: list[tuple[yaml.Node, bool]] = [(root, False)]
    while waiting and len(seen) < _MOST_NODES:
        node, in_job = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [(child, in_job) for child in reversed(node.value)]
        if not isinstance(node, yaml.MappingNode):
            continue
        pairs: list[tuple[Any, Any]] = [
            (key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)
        ]
        keys = {key.value for key, _ in pairs}
        job = in_job or bool(keys & (_JOB_KEYS - {"trainingInput", "predictionInput"}))
        values = {key.value: _datum(key, value) for key, value in pairs if isinstance(value, yaml.ScalarNode)}
        for key, value in pairs:
            if key.value == "containerSpec" and isinstance(value, yaml.MappingNode):
                for inner, uri in value.value:
                    if inner.value == _IMAGE and isinstance(uri, yaml.ScalarNode):
                        if keys & {"artifactUri", "displayName"}:
                            values[_IMAGE] = _datum(inner, uri)
                        else:
                            values.pop(_IMAGE, None)
            elif key.value == _IMAGE:
                values.pop(_IMAGE, None)
        if keys & {_RUNTIME, _PYTHON, "deploymentUri"} or _IMAGE in values:
            yield Declared(values, job)
        waiting += [
            (value, job or key.value in ("trainingInput", "predictionInput"))
            for key, value in reversed(pairs)
            if not isinstance(value, yaml.ScalarNode)
        ]


def _datum(key: yaml.ScalarNode, value: yaml.ScalarNode) -> Datum:
    text = value.value
    blank = not text.strip() or (value.style is None and text in ("null", "~", "Null", "NULL"))
    return (
        Datum("", key.start_mark.index)
        if blank
        else Datum(text.strip(), value.start_mark.index + (value.style in ("'", '"')))
    )


_KEY = pattern(
    r"(?<![\w$])[\\\"']{0,2}(?P<key>runtimeVersion|pythonVersion|framework|deploymentUri|imageUri|scaleTier|trainingInput|"
    r"predictionInput|masterType|pythonModule)[\\\"']{0,2}[ \t]{0,20}:[ \t]{0,20}(?P<mark>[\\]?[\"']?)"
    r"(?P<value>[^\"'\n,}#\\]{0,200})"
)


def _by_keys(text: str) -> Iterator[Declared]:
    """Key by key, for what does not parse; a key that comes again begins the next object."""
    values: dict[str, Datum] = {}
    job = False
    for match in _KEY.finditer(text):
        key = match["key"]
        if key in values:
            yield Declared(values, job)
            values, job = {}, False
        if key in _JOB_KEYS:
            job = True
            continue
        value = match["value"].strip()
        values[key] = Datum(value, match.start("value") if value else match.start("key"))
    if values:
        yield Declared(values, job)
