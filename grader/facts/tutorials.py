"""Which notebooks and scripts are the lab's two tutorials, by what they do and not by what they are called.

The GCP one trains on the census data (adult.data, adult.test) and creates an AI Platform version; the AWS one
trains SageMaker's XGBoost on the bank marketing data. Sources: Google's cloudml-samples repository, notebook
"Online Prediction with scikit-learn"; AWS, "Build, train, and deploy a machine learning model with Amazon SageMaker";
both as of 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, Protocol

from grader.facts.records import Command, Tutorial, Version
from grader.patterns import pattern

CENSUS = "its census data"
"""The sign that tells the tutorial's own data from any other deployment on GCP."""
CREATES_VERSION = "creates an AI Platform version"
CREATES_MODEL = "uploads a Vertex AI model"
BANK = "its bank marketing data"

_NOTEBOOKS_AND_SCRIPTS = pattern(
    r"(?:\.(?:ipynb|py|sh|bash|zsh|bat|cmd|ps1|mk|r)|(?:^|/)(?:gnu)?makefile|(?:^|/)justfile)\Z",
    re.IGNORECASE,
)
_CENSUS_FILES = pattern(
    r"\badult\.(?:data|test)\b|census[_-](?:data|income)\b|ml-engine/census|/census/data/|\bcensus/",
    re.IGNORECASE,
)
_CENSUS_COLUMNS = frozenset(
    [
        "workclass",
        "fnlwgt",
        "education-num",
        "marital-status",
        "occupation",
        "relationship",
        "capital-gain",
        "capital-loss",
        "hours-per-week",
        "native-country",
        "income-level",
    ]
)
_LEAST_COLUMNS = 5
_BANK_FILES = pattern(
    r"bank_clean\b|bank-additional|sagemaker/xgboost.*bank|build-train-deploy-machine-learning-model-sagemaker",
    re.IGNORECASE,
)
_DATA_LIBRARIES = frozenset(
    [
        "pandas",
        "numpy",
        "csv",
        "sklearn",
        "tensorflow",
        "keras",
        "torch",
        "xgboost",
        "urllib",
        "urllib2",
        "requests",
        "google",
        "googleapiclient",
        "boto3",
        "sagemaker",
        "joblib",
        "pickle",
        "subprocess",
        "IPython",
        "dask",
        "polars",
        "pyspark",
    ]
)
_BANK_COLUMNS = frozenset({"y_yes", "y_no"})
_CREATING = {
    "ai-platform versions create": CREATES_VERSION,
    "ml-engine versions create": CREATES_VERSION,
    "ai models upload": CREATES_MODEL,
}


class Readings(Protocol):
    """What is needed of the Python side: per path, the string constants of its live code, and what it imports."""

    @property
    def literals(self) -> Mapping[str, tuple[str, ...]]:
        """String constants by path."""

    @property
    def imports(self) -> Mapping[str, frozenset[str]]:
        """Dotted names by path."""


def find(
    python: Readings | None,
    commands: Iterable[Command],
    versions: Iterable[Version],
    deploy_folders: Iterable[str],
) -> tuple[Tutorial, ...]:
    """The tutorials among a submission's notebooks and scripts outside its deploy folders, with the signs
    of each.
    """
    inside = tuple(folder.rstrip("/") + "/" for folder in deploy_folders)
    gcp: dict[str, dict[str, None]] = {}
    aws: dict[str, dict[str, None]] = {}

    def may_be(path: str) -> bool:
        return not path.startswith(inside) and _NOTEBOOKS_AND_SCRIPTS.search(path) is not None

    for version in versions:
        sign = CREATES_MODEL if version.service == "vertex" else CREATES_VERSION
        for path in (version.path, version.declared_by):
            if path and version.via == "code" and may_be(path):
                gcp.setdefault(path, {})[sign] = None
    for command in commands:
        if command.via != "code" or not may_be(command.path):
            continue
        created = _CREATING.get(command.verb) if command.program == "gcloud" else None
        if created:
            gcp.setdefault(command.path, {})[created] = None
        if any(_CENSUS_FILES.search(argument[:1000]) for argument in command.arguments):
            gcp.setdefault(command.path, {})[CENSUS] = None
        if any(_BANK_FILES.search(argument[:1000]) for argument in command.arguments):
            aws.setdefault(command.path, {})[BANK] = None
    for path, literals in (python.literals if python is not None else {}).items():
        if not may_be(path) or not _works_on_data(path, python):
            continue
        for platform, sign in _data_signs(literals):
            (gcp if platform == "gcp" else aws).setdefault(path, {})[sign] = None
    found = [Tutorial(path, "gcp", tuple(sorted(signs))) for path, signs in gcp.items()]
    found += [Tutorial(path, "aws", tuple(sorted(signs))) for path, signs in aws.items()]
    return tuple(sorted(found, key=lambda t: (t.platform != "gcp", t.path)))


def _works_on_data(path: str, python: Readings | None) -> bool:
    """Whether a file may use data at all: a source that only names files and columns, importing nothing for it, does not."""
    if python is None or not path.endswith(".py"):
        return True
    return any(name.partition(".")[0] in _DATA_LIBRARIES for name in python.imports.get(path, ()))


def _data_signs(literals: Iterable[str]) -> list[tuple[Literal["aws", "gcp"], str]]:
    """Whose data a file's string constants speak of."""
    columns: set[str] = set()
    bank: set[str] = set()
    named: dict[tuple[Literal["aws", "gcp"], str], None] = {}
    for literal in literals:
        short = literal[:2000]
        columns.update(_CENSUS_COLUMNS.intersection((short.strip().lower().replace("_", "-"),)))
        bank.update(_BANK_COLUMNS.intersection((short,)))
        if _CENSUS_FILES.search(short):
            named[("gcp", CENSUS)] = None
        if _BANK_FILES.search(short):
            named[("aws", BANK)] = None
    if len(columns) >= _LEAST_COLUMNS:
        named[("gcp", CENSUS)] = None
    if bank == _BANK_COLUMNS:
        named[("aws", BANK)] = None
    return list(named)
