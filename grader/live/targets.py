"""Which endpoints are asked: what the command line names, else ``endpoint.yaml``, else literal names in the
files."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from grader.facts.endpoint_names import EndpointName, Named, Setting
from grader.facts.endpoint_names import read as read_names
from grader.facts.records import DeployFolder, Facts, Place
from grader.faults import FaultyFile
from grader.limits import Limits
from grader.live import address, endpoint_file, names
from grader.submission.errors import Unreadable
from grader.submission.tree import Tree
from grader.text import excerpt

_SAMPLE_MOST = 1_000_000  # bytes of a student's sample request
MOST_REQUESTS = 8
"""Requests of different forms that are tried on one endpoint."""
_KINDS = {"aws": "sagemaker", "gcp": "vertex"}


class LiveAsked(NamedTuple):
    """What the operator said. ``allow``: accounts, projects or whole names (ARNs) whose endpoints students
    may name."""

    endpoint: str | None = None
    region: str | None = None
    project: str | None = None
    url: str | None = None
    allow_private: bool = False
    allow: tuple[str, ...] = ()


class Request(NamedTuple):
    """What is sent to predict. ``form`` is how a person would call it; ``body`` is base64, None for a GET
    without one;
    ``origin`` the file of the student's that it was taken from, None for one made from the model's features.
    """

    form: str
    content_type: str | None = None
    body: str | None = None
    accept: str | None = None
    origin: str | None = None


class Target(NamedTuple):
    """An endpoint to ask, in plain values: it goes to another process as JSON (``to_json``, ``from_json``).

    ``kind``, ``named_by`` and ``place`` (path, cell, line) as in ``LiveEndpoint``. ``name`` is what is asked
    for (of a
    ``url`` the address). ``problem``: why it is not asked at all, as a sentence; ``undecided``: that is not
    known to
    be the student's doing. ``requests`` are tried in this order; where there are none, ``no_request`` says
    why. ``pointer``: where
    the prediction stands in the answer; ``most_bytes``: of one answer.
    """

    platform: str
    kind: str
    name: str
    named_by: str
    place: tuple[str, int | None, int | None] | None = None
    region: str | None = None
    project: str | None = None
    allow: tuple[str, ...] = ()
    allow_private: bool = False
    problem: str | None = None
    undecided: bool = False
    notes: tuple[str, ...] = ()
    method: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    accept: str | None = None
    requests: tuple[Request, ...] = ()
    no_request: str | None = None
    pointer: str | None = None
    most_bytes: int = 1_000_000

    def to_json(self) -> dict[str, Any]:
        """The target as JSON values."""
        return {**self._asdict(), "requests": [request._asdict() for request in self.requests]}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Target:
        """The target that ``to_json`` made ``raw`` of."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()
        }
        values["headers"] = tuple((str(name), str(value)) for name, value in raw.get("headers", ()))
        values["requests"] = tuple(Request(**request) for request in raw.get("requests", ()))
        return cls(**values)

    @property
    def shown(self) -> str:
        """Its name for a message; of an address what cannot hold a key."""
        if self.kind != "url":
            return excerpt(self.name, 120)
        try:
            return address.parse(self.name, allow_private=True).shown
        except address.Refused:
            return excerpt(self.name.partition("?")[0].rpartition("@")[2], 120)

    def where(self) -> Place | None:
        """Where it is named, as evidence."""
        return Place(*self.place) if self.place is not None else None


def wrong_call(asked: LiveAsked) -> str | None:
    """What is wrong with the operator's own words, one sentence for the person at the command line; None if
    nothing."""
    if asked.url is not None:
        if asked.endpoint is not None:
            return "--url and --endpoint stand together; one of them says where to ask"
        try:
            address.parse(asked.url, allow_private=True)
        except address.Refused as problem:
            return f"--url: {problem}"
    region = asked.region
    if region is not None and all(names.region_problem(region, platform) for platform in _KINDS):
        return f"--region: {excerpt(region, 60)!r} is no name of a region, such as us-east-1 or us-central1"
    if asked.project is not None and (problem_of := names.project_problem(asked.project)):
        return f"--project: {excerpt(asked.project, 60)!r} {problem_of}"
    if asked.endpoint is not None and all(
        names.endpoint_problem(asked.endpoint, kind) for kind in _KINDS.values()
    ):
        return f"--endpoint: {excerpt(asked.endpoint, 80)!r} is no name that an endpoint can have"
    return None


def targets(
    facts: Facts,
    tree: Tree,
    folder: DeployFolder | None,
    platform: str,
    asked: LiveAsked,
    limits: Limits | None = None,
) -> tuple[Target, ...]:
    """The endpoints to ask for one platform of a submission; none where nothing names one.

    A reading of files and facts; nothing is asked here. A faulty ``endpoint.yaml`` is one target with its
    ``problem``.
    """
    limits = limits or Limits()
    asked = _meant_for(asked, platform)
    files = _Files(tree, folder, platform, asked, limits)
    if asked.url is not None or asked.endpoint is not None:
        found: tuple[Target, ...] = (_operator(facts, files, platform, asked, limits),)
    else:
        entries = files.targets()
        found = _by_files(facts, tree, folder, platform, asked, limits) if entries is None else entries
        found = found[: limits.live_endpoints]
    if any(target.problem is None for target in found):
        found = with_payloads(found, facts, tree, folder, platform)
    return tuple(target._replace(allow=asked.allow, most_bytes=limits.live_bytes) for target in found)


def with_payloads(
    found: tuple[Target, ...], facts: Facts, tree: Tree, folder: DeployFolder | None, platform: str
) -> tuple[Target, ...]:
    """The targets with what to send: the request that endpoint.yaml gives, then the student's other ones and
    made ones."""
    if folder is None:
        return found
    from grader.asking.payloads import Payloads, candidates

    try:
        payloads = candidates(facts, tree.read, folder, platform)
    except Exception as problem:  # a defect of ours: the endpoint is asked with what else there is
        payloads = Payloads((), f"making requests failed here ({type(problem).__name__})")
    made = [
        Request(p.form, p.content_type, base64.b64encode(p.body).decode("ascii"), p.accept, p.origin)
        for p in payloads.tried
    ]
    return tuple(
        target._replace(requests=_requests(target, made), no_request=payloads.problem) for target in found
    )


def _requests(target: Target, made: Sequence[Request]) -> tuple[Request, ...]:
    """The target's own request first, told as the rehearsal tells the same one; each body once; a GET sends
    none."""
    own = list(target.requests)
    if target.kind == "url" and target.method == "GET":
        return tuple(own) or (Request("a GET", origin="endpoint.yaml"),)
    same = {request.body: request for request in reversed(made)}
    first = [
        one._replace(form=same[one.body].form, origin=same[one.body].origin or one.origin)
        if one.body in same
        else one
        for one in own
    ]
    known = {(one.content_type, one.body) for one in first}
    rest = [one for one in made if (one.content_type, one.body) not in known]
    if target.kind == "url" and target.accept:
        rest = [one._replace(accept=target.accept) for one in rest]
    return (*first, *rest)[:MOST_REQUESTS]


def _meant_for(asked: LiveAsked, platform: str) -> LiveAsked:
    """What the operator said of this platform: a name or region of the other cloud means nothing here."""
    sure = names.sure_platform(asked.region, asked.project, asked.endpoint)
    if sure is None or sure == platform:
        return asked
    return asked._replace(endpoint=None, region=None, project=None)


class _Files:
    """What ``endpoint.yaml`` of a deploy folder says."""

    def __init__(
        self, tree: Tree, folder: DeployFolder | None, platform: str, asked: LiveAsked, limits: Limits
    ) -> None:
        self.tree, self.platform, self.asked, self.limits = tree, platform, asked, limits
        self.path: str | None = None
        self.entries: tuple[endpoint_file.Entry, ...] = ()
        self.problem: Target | None = None
        paths = [f"{folder.path}/{name}" for name in endpoint_file.NAMES] if folder is not None else []
        self.path = next((path for path in paths if path in tree.files), None)
        if self.path is not None:
            self._read(self.path)

    def _read(self, path: str) -> None:
        kind = _KINDS.get(self.platform, "url")
        plain = Target(self.platform, kind, posixpath.basename(path), "endpoint.yaml", (path, None, None))
        try:
            raw = self.tree.read(path, endpoint_file.MOST_BYTES)
        except Unreadable as problem:
            size = self.tree.files[path].size
            ours = size is None or size <= endpoint_file.MOST_BYTES
            self.problem = plain._replace(problem=f"it could not be read: {problem}", undecided=ours)
            return
        try:
            self.entries = endpoint_file.read(
                raw,
                path,
                platform=self.platform,
                files=frozenset(self.tree.files),
                most=self.limits.live_endpoints,
            )
        except FaultyFile as faulty:
            first, *rest = faulty.faults
            more = f" (and {len(rest)} more)" if rest else ""
            notes = tuple(f"{path}:{f.line}:{f.column}: {excerpt(f.message, 300)}" for f in rest[:10])
            self.problem = plain._replace(
                place=(path, None, first.line),
                problem=f"line {first.line}, column {first.column}: {excerpt(first.message, 300)}{more}",
                notes=notes,
            )

    def targets(self) -> tuple[Target, ...] | None:
        """The targets of the file; None where there is no such file."""
        if self.path is None:
            return None
        if self.problem is not None:
            return (self.problem,)
        return tuple(self.target(entry, self.path) for entry in self.entries)

    def target(self, entry: endpoint_file.Entry, path: str) -> Target:
        """An entry of the file as a target, with what the operator says above it."""
        kind = "url" if entry.url is not None else _KINDS.get(self.platform, "url")
        target = Target(
            self.platform,
            kind,
            entry.url or entry.endpoint or "",
            "endpoint.yaml",
            (path, None, entry.line),
            region=self.asked.region or entry.region,
            project=self.asked.project or _own(entry.project),
            allow_private=self.asked.allow_private,
        )
        return self.with_request(_with_resource(target), entry)

    def with_request(self, target: Target, entry: endpoint_file.Entry) -> Target:
        """``target`` with the request that an entry describes."""
        body = None if entry.body is None else entry.body.encode("utf-8", "replace")
        if entry.sample is not None:
            try:
                body = self.tree.read(entry.sample, _SAMPLE_MOST)
            except Unreadable as problem:
                return target._replace(
                    notes=(f"The sample {excerpt(entry.sample)} could not be read: {problem}.",)
                )
        requests: tuple[Request, ...] = ()
        if body is not None:
            form = "the sample request" if entry.sample else "the request of endpoint.yaml"
            raw = base64.b64encode(body).decode("ascii")
            kind = entry.content_type or "application/json"
            requests = (Request(form, kind, raw, entry.accept, entry.sample or self.path),)
        return target._replace(
            method=entry.method,
            headers=entry.headers,
            accept=entry.accept,
            requests=requests,
            pointer=entry.prediction,
        )


def _operator(facts: Facts, files: _Files, platform: str, asked: LiveAsked, limits: Limits) -> Target:
    """The endpoint that the command line names; how it wants to be asked may still stand in
    ``endpoint.yaml``."""
    kind = "url" if asked.url is not None else _KINDS.get(platform, "url")
    target = Target(
        platform, kind, asked.url or asked.endpoint or "", "operator",
        region=asked.region, project=asked.project,
        allow_private=asked.allow_private,
    )  # fmt: skip
    entry = next((e for e in files.entries if (e.url is not None) == (kind == "url")), None)
    if files.problem is not None:
        target = target._replace(notes=(f"endpoint.yaml is not taken: {files.problem.problem}.",))
    if entry is not None:
        target = files.with_request(
            target._replace(
                region=asked.region or entry.region, project=asked.project or _own(entry.project)
            ),
            entry,
        )
    if kind != "url" and (problem := names.endpoint_problem(target.name, kind)):
        return target._replace(problem=f"`{excerpt(target.name, 80)}` {problem}")
    target = _with_resource(target)
    if kind != "url" and target.region is None:
        named = read_names(files.tree, facts, limits)
        region, project = _beside(target.name, kind, named, platform)
        target = target._replace(region=region, project=target.project or project)
    return target


def _with_resource(target: Target) -> Target:
    """A Vertex AI endpoint by its whole name says region and project itself."""
    resource = names.resource_of(target.name) if target.kind == "vertex" else None
    return target if resource is None else target._replace(region=resource.region, project=resource.project)


def _own(project: str | None) -> str | None:
    """A project's id, unless it stands for one to put there: then it is the one that the credentials belong
    to."""
    return None if project is None or names.is_placeholder(project) else project


def _beside(name: str, kind: str, named: Named, platform: str) -> tuple[str | None, str | None]:
    """The region and project that the files say beside a name, or for everything."""
    own = [n for n in named.names if n.kind == kind and n.name == name]
    region = next((n.region for n in own if n.region and not names.region_problem(n.region, platform)), None)
    project = next((n.project for n in own if n.project and not names.project_problem(n.project)), None)
    return region or _setting(named.settings, platform, "region", None), project or _setting(
        named.settings, platform, "project", None
    )


def _setting(settings: Iterable[Setting], platform: str, what: str, path: str | None) -> str | None:
    """The one region or project that is chosen: in this file, else everywhere; None where several are."""
    wrong = (
        names.project_problem if what == "project" else lambda value: names.region_problem(value, platform)
    )
    known = [s for s in settings if s.cloud == platform and s.what == what and not wrong(s.value)]
    for some in ([s for s in known if s.path == path], known):
        values = {setting.value for setting in some}
        if len(values) == 1:
            return values.pop()
    return None


def _by_files(
    facts: Facts, tree: Tree, folder: DeployFolder | None, platform: str, asked: LiveAsked, limits: Limits
) -> tuple[Target, ...]:
    named = read_names(tree, facts, limits)
    found = _literal(named, facts, folder, platform, asked)
    if found or named.whole:
        return found
    why = "the sources took too long to follow, and none of what was followed names an endpoint"
    return (Target(platform, _KINDS.get(platform, "url"), "?", "files", problem=why, undecided=True),)


def _literal(
    named: Named, facts: Facts, folder: DeployFolder | None, platform: str, asked: LiveAsked
) -> tuple[Target, ...]:
    """The endpoints that the submission's files name."""
    kinds = ("sagemaker",) if platform == "aws" else ("vertex", "ai-platform")
    found = [n for n in named.names if n.kind in kinds and _possible(n)]
    ours = [n for n in found if folder is not None and n.path.startswith(folder.path + "/")]
    if not ours:
        homes = tuple(f.path + "/" for f in facts.deploy_folders)
        tutorials = {t.path for t in facts.tutorials}
        ours = [n for n in found if not n.path.startswith(homes) and n.path not in tutorials]
    # A name for people is asked for only where no id is known.
    best = [n for n in ours if n.kind == "vertex" and not n.shown_only]
    best = best or [n for n in ours if n.kind == "vertex"] or ours
    made: dict[tuple[str, str], Target] = {}
    for name in best:
        target = Target(
            platform, name.kind, name.name, "files", (name.path, name.cell, name.line),
            region=asked.region
            or _fits(name.region, platform)
            or _setting(named.settings, platform, "region", name.path),
            project=asked.project or name.project or _setting(named.settings, platform, "project", name.path),
        )  # fmt: skip
        if platform == "aws" or (target.project and names.project_problem(target.project)):
            target = target._replace(project=None)
        target = _with_resource(target)
        key = (target.kind, target.name.rpartition("/")[2] if target.kind == "vertex" else target.name)
        known = made.get(key)
        if known is None or (known.region is None and target.region is not None):
            made[key] = target
    old = [t for t in made.values() if t.kind == "ai-platform"]
    if old:
        return tuple(old[:1])
    if not made and platform == "gcp":
        return _switched_off(facts, folder)
    return tuple(made.values())


def _fits(region: str | None, platform: str) -> str | None:
    return region if region and not names.region_problem(region, platform) else None


def _possible(name: EndpointName) -> bool:
    if name.kind == "ai-platform":
        return True
    return names.endpoint_problem(name.name, name.kind) is None and not names.is_placeholder(name.name)


def _switched_off(facts: Facts, folder: DeployFolder | None) -> tuple[Target, ...]:
    """A deployment on AI Platform needs no name to be known as switched off."""
    inside = [v for v in facts.versions if folder is not None and v.path.startswith(folder.path + "/")]
    if not inside or any(v.service == "vertex" for v in inside):
        return ()
    first = inside[0]
    return (Target("gcp", "ai-platform", "?", "files", (first.path, first.cell, first.line)),)
