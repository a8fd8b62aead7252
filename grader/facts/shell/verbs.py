"""What a command does, as its leading words say: ``ai-platform versions create``, ``s3 cp``.

The command groups of this field as a table, so that a positional argument that looks like a word (``gcloud
builds submit app``) is not taken for a part of the verb. Read off the command surfaces of Google Cloud SDK
578.0.0, gsutil 5 and AWS CLI 2, 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from grader.patterns import pattern

RELEASE_TRACKS = frozenset({"alpha", "beta", "preview"})

_GCLOUD_GROUPS: frozenset[str] = frozenset(
    f"{family}{group}"
    for family, groups in {
        "ai-platform": " jobs, jobs submit, local, models, operations, versions",
        "ml-engine": " jobs, jobs submit, local, models, operations, versions",
        "ai": " custom-jobs, endpoints, hp-tuning-jobs, index-endpoints, indexes, model-garden, model-garden models,"
        " model-monitoring-jobs, models, operations, persistent-resources, tensorboards, tensorboard-runs",
        "storage": " buckets, objects, hmac, managed-folders, batch-operations, folders, insights",
        "builds": " triggers, worker-pools, connections, repositories",
        "run": " services, jobs, revisions, domain-mappings, worker-pools, regions",
        "app": " services, versions, instances, logs, domain-mappings, firewall-rules, regions",
        "auth": " application-default",
        "config": " configurations",
        "projects": "",
        "services": " api-keys, peered-dns-domains, vpc-peerings",
        "iam": " roles, service-accounts, service-accounts keys, workload-identity-pools, policies",
        "compute": " addresses, disks, firewall-rules, images, instance-groups, instance-groups managed,"
        " instance-templates, instances, machine-types, networks, networks subnets, project-info, regions, zones",
        "container": " clusters, images, node-pools, hub",
        "functions": " event-types, regions, runtimes, logs",
        "artifacts": " repositories, docker, docker images, docker tags, packages, versions",
        "components": " repositories",
        "pubsub": " topics, subscriptions, snapshots, schemas",
        "secrets": " versions, locations",
        "sql": " instances, databases, users, backups",
        "scheduler": " jobs",
        "dataflow": " jobs, flex-template, sql",
        "dataproc": " clusters, jobs, jobs submit, batches, batches submit",
        "composer": " environments, environments storage, environments storage dags",
        "logging": " logs, sinks, metrics, buckets",
        "billing": " accounts, projects, budgets",
        "organizations": "",
        "resource-manager": " folders",
        "endpoints": " services, configs, operations",
        "notebooks": " instances, environments, locations",
        "workbench": " instances",
        "colab": " runtimes, runtime-templates, executions, schedules",
        "deployment-manager": " deployments, manifests, resources",
        "source": " repos",
        "firestore": " databases, indexes, operations",
        "ml": " language, speech, translate, video, vision",
        "tasks": " queues, locations",
        "workflows": " executions",
        "eventarc": " triggers",
        "monitoring": " dashboards, policies",
        "redis": " instances",
        "topic": "",
    }.items()
    for group in ["", *(f" {name.strip()}" for name in groups.split(",") if name.strip())]
)

_GCLOUD_VALUES = frozenset(
    [
        "--account",
        "--access-token-file",
        "--billing-project",
        "--configuration",
        "--flags-file",
        "--flatten",
        "--format",
        "--impersonate-service-account",
        "--project",
        "--trace-token",
        "--verbosity",
        "--region",
        "--zone",
        "--location",
        "--model",
    ]
)
_GSUTIL_VALUES = frozenset({"-o", "-h", "-i", "-u"})
_GSUTIL_GROUPS = frozenset(
    [
        "acl",
        "autoclass",
        "bucketpolicyonly",
        "cors",
        "defacl",
        "defstorageclass",
        "hmac",
        "iam",
        "kms",
        "label",
        "lifecycle",
        "logging",
        "notification",
        "pap",
        "requesterpays",
        "retention",
        "rpo",
        "ubla",
        "versioning",
        "web",
    ]
)
_AWS_VALUES = frozenset(
    [
        "--ca-bundle",
        "--cli-binary-format",
        "--cli-connect-timeout",
        "--cli-read-timeout",
        "--color",
        "--endpoint-url",
        "--output",
        "--profile",
        "--query",
        "--region",
    ]
)
_AWS_SINGLE = frozenset({"configure", "help", "login", "logout"})
_AWS_CONFIGURE = frozenset(
    ["add-model", "export-credentials", "get", "import", "list", "list-profiles", "set", "sso", "sso-session"]
)
_DOCKER_VALUES = frozenset({"-H", "--host", "-c", "--context", "--config", "-l", "--log-level"})
_DOCKER_GROUPS = frozenset(
    [
        "builder",
        "buildx",
        "compose",
        "config",
        "container",
        "context",
        "image",
        "manifest",
        "network",
        "plugin",
        "system",
        "volume",
    ]
)
_COMPOSE_VALUES = frozenset({"-f", "--file", "-p", "--project-name", "--env-file", "--profile"})

_WORD = pattern(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")
_MODE = pattern(r"-{0,2}[A-Za-z]+\Z")
_SCRIPT = pattern(r"\.pyw?\Z")


def verb_of(program: str, words: Sequence[str]) -> tuple[str, int] | None:
    """The verb of ``program`` called with ``words``, and how many words it takes up with all before it.

    None where it is no command worth a fact (``python`` without a script). The verb is "" where there is none
    (``gcloud --version``, ``curl``).
    """
    if program == "gcloud":
        return _gcloud(words)
    if program == "gsutil":
        return _leading(words, _GSUTIL_VALUES, lambda verb: 2 if verb in _GSUTIL_GROUPS else 1)
    if program == "aws":
        return _aws(words)
    if program == "docker":
        return _leading(
            words, _DOCKER_VALUES | _COMPOSE_VALUES, lambda verb: 2 if verb in _DOCKER_GROUPS else 1
        )
    if program == "tar":
        # The mode letters, with or without their dash: what a reader calls "tar czvf".
        if words and _MODE.match(words[0]) and not words[0].startswith("--"):
            return words[0].lstrip("-"), 0
        return "", 0
    if program.startswith(("python", "py")):
        runs = any(_SCRIPT.search(word) for word in words) or "-m" in words
        return ("", 0) if runs else None
    if program == "mlflow":
        return _leading(words, frozenset(), lambda _: 2) if "sagemaker" in words[:2] else None
    return "", 0


def _gcloud(words: Sequence[str]) -> tuple[str, int]:
    verb: list[str] = []
    index = 0
    group = True
    while index < len(words) and group:
        word = words[index]
        if word.startswith("-"):
            index += 2 if word in _GCLOUD_VALUES and index + 1 < len(words) else 1
            continue
        if not _WORD.match(word):
            break
        if word in RELEASE_TRACKS and not verb:
            index += 1
            continue
        verb.append(word)
        index += 1
        group = " ".join(verb) in _GCLOUD_GROUPS
    if verb and not group and verb[0] not in _TOP and not _acts(verb[-1]):
        # A group that the table lacks: its verb ends at the next word that acts.
        ahead = index
        while ahead < len(words) and ahead < index + 3 and _WORD.match(words[ahead]):
            ahead += 1
            if _acts(words[ahead - 1]):
                return " ".join((*verb, *words[index:ahead])), ahead
    return " ".join(verb), index


_ACTIONS = frozenset(
    [
        "access",
        "activate",
        "add",
        "apply",
        "attach",
        "build",
        "call",
        "cancel",
        "cat",
        "clone",
        "configure",
        "connect",
        "copy",
        "cp",
        "create",
        "deactivate",
        "delete",
        "deploy",
        "describe",
        "detach",
        "disable",
        "enable",
        "execute",
        "explain",
        "export",
        "generate",
        "get",
        "hash",
        "import",
        "install",
        "invoke",
        "list",
        "log",
        "login",
        "logs",
        "ls",
        "mb",
        "mv",
        "patch",
        "ping",
        "predict",
        "print",
        "publish",
        "pull",
        "push",
        "raw",
        "read",
        "remove",
        "replace",
        "reset",
        "resize",
        "restart",
        "resume",
        "revoke",
        "rm",
        "rollback",
        "rsync",
        "run",
        "scp",
        "search",
        "send",
        "set",
        "sign",
        "ssh",
        "start",
        "stop",
        "stream",
        "submit",
        "suspend",
        "tail",
        "test",
        "train",
        "undelete",
        "undeploy",
        "uninstall",
        "unset",
        "update",
        "upgrade",
        "upload",
        "wait",
        "write",
    ]
)


def _acts(word: str) -> bool:
    """Whether a word says what is done (``create``, ``set-default``), not to what."""
    return word.partition("-")[0] in _ACTIONS


_TOP = frozenset(
    ["init", "info", "version", "help", "feedback", "survey", "cheat-sheet", "docker", "emulators", "meta"]
)
"""Commands of gcloud that stand alone."""


def _leading(
    words: Sequence[str], with_value: frozenset[str], count: Callable[[str], int]
) -> tuple[str, int]:
    """The first word that is no flag, and as many more as ``count`` of it says."""
    verb: list[str] = []
    index, wanted = 0, 1
    while index < len(words) and len(verb) < wanted:
        word = words[index]
        index += 1
        if word.startswith("-"):
            index += word in with_value
        elif _WORD.match(word):
            verb.append(word)
            if len(verb) == 1:
                wanted = count(word)
        else:
            index -= 1
            break
    return " ".join(verb), min(index, len(words))


def _aws(words: Sequence[str]) -> tuple[str, int]:
    def count(word: str) -> int:
        return 1 if word in _AWS_SINGLE else 2

    verb, index = _leading(words, _AWS_VALUES, count)
    if verb == "configure" and index < len(words) and words[index] in _AWS_CONFIGURE:
        return f"configure {words[index]}", index + 1
    return verb, index
