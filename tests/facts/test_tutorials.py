"""Which notebooks and scripts are the tutorials, whatever they are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from grader.facts import tutorials
from grader.facts.records import Command, Version


@dataclass
class Literals:
    """The string constants of files."""

    literals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    library: str = "pandas"

    @property
    def imports(self) -> Mapping[str, frozenset[str]]:
        return {path: frozenset({"os", self.library}) for path in self.literals}


COLUMNS = ("age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation")
CREATE = "ai-platform versions create"


def version(path: str, service: str = "ai-platform", **more: object) -> Version:
    return Version(path, None, 1, "flag", "2.4", None, None, service, **more)  # type: ignore[arg-type]


def test_a_source_that_only_names_the_data_is_none() -> None:
    literals = {"table.py": COLUMNS, "table.ipynb": COLUMNS}
    found = tutorials.find(Literals(literals, "re"), (), (), ())
    assert [tutorial.path for tutorial in found] == ["table.ipynb"]


@pytest.mark.parametrize(
    ("literals", "expected"),
    [
        ({"a.ipynb": ("./census_data/adult.data", "x")}, [("a.ipynb", "gcp")]),
        ({"a.py": ("gs://cloud-samples-data/ml-engine/census/data/x",)}, [("a.py", "gcp")]),
        ({"a.py": COLUMNS}, [("a.py", "gcp")]),
        ({"a.py": tuple(c.replace("-", "_") for c in COLUMNS)}, [("a.py", "gcp")]),
        ({"a.py": ("age", "occupation", "workclass")}, []),
        ({"a.py": ("census of fishes", "adulthood.data")}, []),
        ({"gcp_deploy/a.py": COLUMNS}, []),
        ({"README.md": COLUMNS}, []),
        ({"a.ipynb": ("./bank_clean.csv",)}, [("a.ipynb", "aws")]),
        ({"a.ipynb": ("y_no", "y_yes")}, [("a.ipynb", "aws")]),
        ({"a.ipynb": ("y_no",)}, []),
        (
            {"a.ipynb": ("adult.test",), "b.ipynb": ("bank_clean.csv",)},
            [("a.ipynb", "gcp"), ("b.ipynb", "aws")],
        ),
        ({}, []),
    ],
)
def test_data(literals: Mapping[str, tuple[str, ...]], expected: list[tuple[str, str]]) -> None:
    found = tutorials.find(Literals(literals), (), (), ("gcp_deploy",))
    assert [(t.path, t.platform) for t in found] == expected


@pytest.mark.parametrize(
    ("versions", "commands", "expected"),
    [
        ((version("x.ipynb"),), (), {"x.ipynb": (tutorials.CREATES_VERSION,)}),
        ((version("x.sh", "vertex"),), (), {"x.sh": (tutorials.CREATES_MODEL,)}),
        ((version("Makefile"),), (), {"Makefile": (tutorials.CREATES_VERSION,)}),
        ((version("c.yaml", declared_by="go.sh"),), (), {"go.sh": (tutorials.CREATES_VERSION,)}),
        ((version("c.yaml"),), (), {}),
        ((version("README.md", via="readme"),), (), {}),
        ((version("gcp_deploy/x.sh"),), (), {}),
        ((), (Command("x.ipynb", 1, 1, "gcloud", CREATE),), {"x.ipynb": (tutorials.CREATES_VERSION,)}),
        ((), (Command("x.ipynb", 1, 1, "gcloud", "ai-platform jobs submit training"),), {}),
        (
            (),
            (Command("x.ipynb", 1, 1, "gsutil", "cp", ("gs://b/adult.data", ".")),),
            {"x.ipynb": (tutorials.CENSUS,)},
        ),
    ],
)
def test_deeds(
    versions: tuple[Version, ...], commands: tuple[Command, ...], expected: dict[str, tuple[str, ...]]
) -> None:
    found = tutorials.find(None, commands, versions, ("gcp_deploy",))
    assert {t.path: t.signs for t in found} == expected
    assert all(t.platform == "gcp" for t in found)
