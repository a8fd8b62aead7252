"""Deploy folders, by their names alone: ``{platform}_deploy`` at the root, and the variants that people write.

A variant has a word for the platform and a word for deploying, in any order, case and punctuation, with anything
around them (``AWS-Deploy``, ``gcp deployment``, ``nids_sagemaker_deploy``, ``gcp_deploy_async``), or spread over a
folder and the one in it (``deploy/aws``). Only where a submission has none of these, a folder named for the cloud's
machine-learning service and for what a deployment does (``ai-platform-prediction``) counts.

Neither a platform alone (``SageMaker``, ``sagemaker_scripts``) nor deploying alone (``deployment``,
``fastapi-deploy``, ``05_cloud_deployment``) says that a folder holds a platform's deployment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

from grader.facts.records import DeployFolder
from grader.patterns import pattern

Platform = Literal["aws", "gcp"]

_EXACT: Mapping[str, Platform] = MappingProxyType({"aws_deploy": "aws", "gcp_deploy": "gcp"})

# Words for a platform; those of its machine-learning service are in _SERVICES too.
_PLATFORM: Mapping[str, Platform] = MappingProxyType(
    {
        "aws": "aws",
        "amazon": "aws",
        "sagemaker": "aws",
        "gcp": "gcp",
        "google": "gcp",
        "gcloud": "gcp",
        "googlecloud": "gcp",
        "vertex": "gcp",
        "vertexai": "gcp",
        "aiplatform": "gcp",
        "mlengine": "gcp",
        "cmle": "gcp",
    }
)
_SERVICES = frozenset({"sagemaker", "vertex", "vertexai", "aiplatform", "mlengine", "cmle"})
_DEPLOY = pattern(
    r"(?:deploy(?:ment|ments|ed|ing|s|er)?|deplyment|deployement"
    r"|despliegues?|desplegar|desplegado|implantacao|implantação|deploiement|déploiement"
    r"|bereitstellung|distribuzione|배포|部署|デプロイ)"
)
_SERVING = frozenset(
    {
        "prediction",
        "predictions",
        "predict",
        "serving",
        "serve",
        "inference",
        "endpoint",
        "endpoints",
        "hosting",
    }
)
# Two words that are one name.
_PAIRS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("sage", "maker"): "sagemaker",
        ("vertex", "ai"): "vertex",
        ("ai", "platform"): "aiplatform",
        ("ml", "engine"): "mlengine",
        ("google", "cloud"): "gcp",
        ("g", "cloud"): "gcp",
        # a place to run notebooks, not to deploy to
        ("google", "colab"): "colab",
    }
)
_WORD = pattern(r"[^\W\d_]+")
_CAMEL = pattern(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W\d_A-Za-z]+")
_FILLERS = frozenset(
    {"to", "on", "in", "with", "for", "the", "my", "our", "ml", "model", "models", "cloud", "code"}
)
_LONGEST_NAME = 120
_OTHERS_MOST = 2


def _glued(word: str) -> list[str]:
    """``awsdeploy`` as ``aws``, ``deploy``; any other word as it is."""
    for name in sorted(_PLATFORM, key=len, reverse=True):
        if word.startswith(name) and _DEPLOY.fullmatch(word[len(name) :]):
            return [name, word[len(name) :]]
        if word.endswith(name) and _DEPLOY.fullmatch(word[: -len(name)]):
            return [word[: -len(name)], name]
    return [word]


def _joined(words: list[str]) -> tuple[str, ...]:
    """Words with the names that are written in two put together, and the glued ones taken apart."""
    out: list[str] = []
    for word in words:
        for part in _glued(word):
            pair = _PAIRS.get((out[-1], part)) if out else None
            if pair is None:
                out.append(part)
            else:
                out[-1] = pair
    return tuple(out)


def _readings(name: str) -> tuple[tuple[str, ...], ...]:
    """The words of a folder's name, with and without capitals taken as the beginning of a word."""
    name = name[:_LONGEST_NAME]
    plain = _joined(_WORD.findall(name.lower()))
    camel = _joined([word.lower() for word in _CAMEL.findall(name)])
    return (plain,) if plain == camel else (plain, camel)


def _platforms(words: Iterable[str]) -> tuple[Platform, ...]:
    return tuple(dict.fromkeys(_PLATFORM[word] for word in words if word in _PLATFORM))


def _deploys(words: Iterable[str]) -> bool:
    return any(_DEPLOY.fullmatch(word) for word in words)


def _own(name: str) -> tuple[Platform, ...]:
    """Platforms that a name gives together with a word for deploying."""
    for words in _readings(name):
        found = _platforms(words)
        if found and _deploys(words):
            return found
    return ()


def _spread(parent: str, name: str) -> tuple[Platform, ...]:
    """Platforms of ``aws/deploy`` and ``deployment/sagemaker``: one says where, the other what, and neither more."""
    for above in _readings(parent):
        for words in _readings(name):
            bare = [w for w in words if w not in _FILLERS]
            bare_above = [w for w in above if w not in _FILLERS]
            if not bare or not bare_above:
                continue
            if (
                _platforms(above)
                and all(w in _PLATFORM for w in bare_above)
                and all(map(_DEPLOY.fullmatch, bare))
            ):
                return _platforms(above)
            if all(map(_DEPLOY.fullmatch, bare_above)) and all(w in _PLATFORM for w in bare):
                return _platforms(words)
    return ()


def _service(name: str) -> tuple[Platform, ...]:
    """Platforms of a name that has the machine-learning service and what a deployment of it does."""
    for words in _readings(name):
        if _SERVING.intersection(words) and _SERVICES.intersection(words):
            others = [w for w in words if w not in _SERVING and w not in _FILLERS and w not in _PLATFORM]
            if len(others) <= _OTHERS_MOST:  # more of them make a title: of a tutorial, of a lesson
                return _platforms(words)
    return ()


def find(folders: Iterable[str], files: Iterable[str]) -> tuple[DeployFolder, ...]:
    """The deploy folders of a submission: the exact ones first, then variants, those nearer to the root first.

    ``folders`` are paths of folders (empty ones where the source knows them), ``files`` paths of files. A folder
    inside a deploy folder of the same platform is not listed again; one that is named for both platforms is listed for
    each. No access to any file.
    """
    known = set(folders)
    for path in files:
        parent = path.rpartition("/")[0]
        while parent and parent not in known:
            known.add(parent)
            parent = parent.rpartition("/")[0]
    ordered = sorted(known, key=lambda path: (path.count("/"), path))
    return _listed(ordered, services=False) or _listed(ordered, services=True)


def _listed(ordered: Iterable[str], *, services: bool) -> tuple[DeployFolder, ...]:
    found: list[DeployFolder] = []
    homes: set[tuple[str, str]] = set()
    for path in ordered:
        above, _, name = path.rpartition("/")
        platforms = _service(name) if services else _own(name) or _spread(above.rpartition("/")[2], name)
        for platform in platforms:
            parts = path.split("/")
            if any(("/".join(parts[:n]), platform) in homes for n in range(1, len(parts))):
                continue
            homes.add((path, platform))
            found.append(DeployFolder(path, platform, exact=_EXACT.get(path) == platform))
    return tuple(sorted(found, key=lambda f: (not f.exact, f.path.count("/"), f.path, f.platform)))


def near(folders: Iterable[str]) -> tuple[str, ...]:
    """Folders whose names have half of what a deploy folder's has: what a student may have meant. At most ten."""
    found = []
    for path in sorted(folders, key=lambda path: (path.count("/"), path)):
        name = path.rpartition("/")[2]
        if path.count("/") <= 2 and any(_platforms(w) or _deploys(w) for w in _readings(name)):
            found.append(path)
    return tuple(found[:10])
