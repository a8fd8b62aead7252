"""Which endpoints a submission's own files name: for asking the endpoint itself, and read only then.

Names stand in Python (``deploy(endpoint_name="penguins")``, ``invoke_endpoint(EndpointName=NAME)``,
``aiplatform.Endpoint("projects/...")``), in commands of the clouds' programs, and in addresses handed to
``curl``. Values
are followed through variables as everywhere; one that is made at run time is no name. Regions and projects
come
the same way. None of it is judged here, not even its form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from grader.facts import notebooks, readme
from grader.facts.python.machine import CallSeen
from grader.facts.python.project import Project
from grader.facts.python.values import Method, Obj, Value, one_text
from grader.facts.records import Command, Facts
from grader.isolation import OutOfTime, cpu_budget
from grader.limits import Limits
from grader.patterns import pattern
from grader.submission.errors import Unreadable
from grader.submission.tree import Tree
from grader.text import decode

Kind = Literal["sagemaker", "vertex", "ai-platform"]
_MOST = 200
_LONGEST = 200
_WORDS = frozenset({
    "endpoint_name", "EndpointName", "create_endpoint", "invoke_endpoint", "describe_endpoint", "aiplatform",
    "Endpoint",
    "Predictor", "SKLearnPredictor", "RealTimePredictor", "region_name", "endpoint_path",
    "PredictionServiceClient",
})  # fmt: skip
_PREDICTORS = frozenset({"Predictor", "SKLearnPredictor", "RealTimePredictor", "XGBoostPredictor"})
_GONE = frozenset({"delete_endpoint", "delete_endpoint_config", "delete_model", "delete"})
_VERTEX_URL = pattern(
    r"aiplatform\.googleapis\.com/v1(?:beta1)?/(projects/[^/\s'\"]{1,60}/locations/[^/\s'\"]{1,40}/endpoints/[^/:\s'\"]{1,70})"
)
_SAGEMAKER_URL = pattern(
    r"runtime\.sagemaker\.([a-z0-9-]{1,30})\.amazonaws\.com/endpoints/([A-Za-z0-9-]{1,63})/invocations"
)


class EndpointName(NamedTuple):
    """An endpoint's name as it stands in a file. ``shown_only``: a name for people (Vertex AI's display
    name).

    ``region`` and ``project`` are those that stand beside it, as written.
    """

    path: str
    cell: int | None
    line: int
    kind: Kind
    name: str
    region: str | None = None
    project: str | None = None
    shown_only: bool = False


class Setting(NamedTuple):
    """A region or project that code or a command chooses for all that follows. ``cloud``: ``aws`` or
    ``gcp``."""

    path: str
    cloud: str
    what: Literal["region", "project"]
    value: str


class Named(NamedTuple):
    """All of them, in the order of files and lines."""

    names: tuple[EndpointName, ...] = ()
    settings: tuple[Setting, ...] = ()
    whole: bool = True


def read(tree: Tree, facts: Facts, limits: Limits) -> Named:
    """The endpoints that the files of a submission name. ``whole`` False: a bound was hit. Never raises."""
    heard = _Heard()
    whole = True
    try:
        with cpu_budget(limits.file_seconds):
            _python(tree, facts, limits, heard)
    except (OutOfTime, Exception):  # what has been heard by then stands
        whole = False
    for command in facts.commands:
        heard.command(command)
    names = tuple(sorted(dict.fromkeys(heard.names), key=lambda n: (n.path, n.cell or 0, n.line)))
    return Named(names[:_MOST], tuple(dict.fromkeys(heard.settings)), whole and len(names) <= _MOST)


def _python(tree: Tree, facts: Facts, limits: Limits, heard: _Heard) -> None:
    paths = frozenset(tree.files)
    project = Project(
        paths, tuple(folder.path for folder in facts.deploy_folders), also=heard.call, words=_WORDS
    )
    left = limits.source_bytes
    for path, raw in _read(tree, [n.path for n in facts.notebooks], limits.notebook_bytes):
        try:
            document = notebooks.read_notebook(path, raw)
        except Exception:  # noqa: S112 - told where the facts are gathered
            continue
        left -= sum(len(cell.source) for cell in document.cells)
        if left > 0:
            project.add_notebook(document)
    for path, raw in _read(tree, [s.path for s in facts.sources], limits.text_bytes):
        left -= len(raw)
        if left > 0:
            project.add_source(path, raw)
    for path, raw in _read(tree, [r.path for r in facts.readmes], limits.text_bytes):
        for block in readme.read(path, decode(raw), paths).code_blocks:
            project.add_block(block)
    project.finish(0.8 * limits.file_seconds)


def _read(tree: Tree, paths: Iterable[str], most: int) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        try:
            yield path, tree.read(path, most)
        except (Unreadable, KeyError):
            continue


class _Heard:
    """Takes down what calls and commands name."""

    def __init__(self) -> None:
        self.names: list[EndpointName] = []
        self.settings: list[Setting] = []

    def call(self, seen: CallSeen) -> None:
        """One call, as it was met in a program."""
        if len(self.names) > _MOST or len(self.settings) > _MOST or seen.last in _GONE:
            return
        named = seen.keywords
        google = "aiplatform" in seen.name
        owner = seen.function.owner if isinstance(seen.function, Method) else None
        made_by_google = google or (isinstance(owner, Obj) and "aiplatform" in owner.name)
        region = _text(named.get("region_name"))
        if region is None and seen.last == "client" and len(seen.args) > 1:
            region = _text(seen.args[1])
        if region is not None:
            self._set(seen, "aws", "region", region)
        if google and seen.last == "init":
            self._set(seen, "gcp", "project", _text(named.get("project")))
            self._set(seen, "gcp", "region", _text(named.get("location")))
        if seen.last == "endpoint_path" and made_by_google:
            given = [_text(named.get(key)) for key in ("project", "location", "endpoint")]
            given = [a or (_text(seen.args[i]) if len(seen.args) > i else None) for i, a in enumerate(given)]
            if all(given):
                self._vertex(
                    seen, f"projects/{given[0]}/locations/{given[1]}/endpoints/{given[2]}", None, None
                )
            return
        name = _text(named.get("EndpointName")) or _text(named.get("endpoint_name"))
        if (google and seen.last == "Endpoint") or (seen.last in _PREDICTORS and not made_by_google):
            name = name or (_text(seen.args[0]) if seen.args else None)
        elif made_by_google and seen.last == "create" and "Endpoint" in seen.name:
            shown = _text(named.get("display_name"))
            if shown:
                self._vertex(
                    seen, shown, _text(named.get("location")), _text(named.get("project")), shown_only=True
                )
            return
        elif name is None and made_by_google and seen.last in ("predict", "raw_predict"):
            name = _text(named.get("endpoint"))
        if name is None:
            return
        if made_by_google or name.startswith("projects/"):
            self._vertex(seen, name, _text(named.get("location")), _text(named.get("project")))
            return
        maker = owner if isinstance(owner, Obj) else None
        beside = _text(maker.keywords.get("region_name")) if maker else None
        self._add(EndpointName(*_spot(seen), "sagemaker", name, beside))

    def _vertex(
        self, seen: CallSeen, name: str, region: str | None, project: str | None, shown_only: bool = False
    ) -> None:
        self._add(EndpointName(*_spot(seen), "vertex", name, region, project, shown_only))

    def _set(self, seen: CallSeen, cloud: str, what: Literal["region", "project"], value: str | None) -> None:
        if value is not None:
            self.settings.append(Setting(seen.frame.unit.path, cloud, what, value))

    def _add(self, found: EndpointName) -> None:
        if 0 < len(found.name) <= _LONGEST and len(self.names) <= _MOST:
            self.names.append(found)

    def command(self, command: Command) -> None:
        """One command of a shell."""
        words = command.arguments
        at = (command.path, command.cell, command.line)
        if command.program == "aws":
            self._aws(command.verb, words, at)
        elif command.program == "gcloud":
            self._gcloud(command.verb, words, at)
        elif command.program == "curl":
            for word in words:
                vertex = _VERTEX_URL.search(word[:2_000])
                sagemaker = _SAGEMAKER_URL.search(word[:2_000])
                if vertex:
                    self._add(EndpointName(*at, "vertex", vertex.group(1)))
                elif sagemaker:
                    self._add(EndpointName(*at, "sagemaker", sagemaker.group(2), sagemaker.group(1)))

    def _aws(self, verb: str, words: Sequence[str], at: tuple[str, int | None, int]) -> None:
        if verb == "configure set" and len(words) > 1 and words[0] == "region":
            self.settings.append(Setting(at[0], "aws", "region", words[1][:_LONGEST]))
        if verb.startswith("sagemaker") and "delete" not in verb:
            name = _flag(words, "--endpoint-name")
            if name:
                self._add(EndpointName(*at, "sagemaker", name, _flag(words, "--region")))

    def _gcloud(self, verb: str, words: Sequence[str], at: tuple[str, int | None, int]) -> None:
        if verb == "config set" and len(words) > 1:
            key, value = words[0], words[1][:_LONGEST]
            if key in ("project", "core/project"):
                self.settings.append(Setting(at[0], "gcp", "project", value))
            elif key in ("ai/region", "compute/region"):
                self.settings.append(Setting(at[0], "gcp", "region", value))
        region, project = _flag(words, "--region", "--location"), _flag(words, "--project")
        if verb.startswith("ai endpoints "):
            shown = _flag(words, "--display-name") if verb.endswith(" create") else None
            name = _flag(words, "--endpoint-id") if verb.endswith(" create") else _positional(words)
            if name and not verb.endswith((" delete", " list")):
                self._add(EndpointName(*at, "vertex", name, region, project))
            elif shown:
                self._add(EndpointName(*at, "vertex", shown, region, project, shown_only=True))
        elif verb in ("ai-platform predict", "ml-engine predict"):
            self._add(EndpointName(*at, "ai-platform", _flag(words, "--model") or "?", region, project))


def _spot(seen: CallSeen) -> tuple[str, int | None, int]:
    unit = seen.frame.unit
    return unit.path, unit.cell, seen.node.lineno + unit.offset


def _text(value: Value | None) -> str | None:
    """The text that a value is known to be, else None."""
    text = None if value is None else one_text(value)
    return text if text and len(text) <= _LONGEST else None


def _flag(words: Sequence[str], *flags: str) -> str | None:
    """The value of the last of these flags."""
    found = None
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in flags:
            found = value if equals else words[index + 1] if index + 1 < len(words) else None
    return found[:_LONGEST] if found else None


def _positional(words: Sequence[str]) -> str | None:
    """The first word that is neither a flag nor may be the value of one."""
    for index, word in enumerate(words):
        if word.startswith("-"):
            continue
        before = words[index - 1] if index else ""
        if not (before.startswith("-") and "=" not in before):
            return word[:_LONGEST]
    return None
