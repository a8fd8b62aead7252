"""Commands that builds give as lists, each argument at its own line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.facts import commands, deployments
from grader.facts.commands import ParsedCommand
from grader.facts.shell import build_steps

VERSION = """\
steps:
- name: {name}
{entry}  args:
  - ai-platform
  - versions
  - create
  - v1
  - --model=m
  - --runtime-version=2.8
"""


def run(text: str, path: str = "gcp_deploy/cloudbuild.yaml") -> list[ParsedCommand]:
    return list(commands.read_all(commands.from_file(path, text)))


def told(text: str, path: str = "gcp_deploy/cloudbuild.yaml") -> list[tuple[int, str, str]]:
    return [(c.line, c.record.program, c.record.verb) for c in run(text, path) if c.record]


CREATE = ("gcloud", "ai-platform versions create")


@pytest.mark.parametrize(
    ("text", "version", "line"),
    [
        (VERSION.format(name="gcr.io/cloud-builders/gcloud", entry=""), "2.8", 9),
        (VERSION.format(name="'gcr.io/google.com/cloudsdktool/cloud-sdk:slim'", entry="  entrypoint: gcloud\n"), "2.8", 10),
        (VERSION.format(name="google/cloud-sdk", entry="  entrypoint: '/usr/bin/gcloud'\n"), "2.8", 10),
        (VERSION.format(name="google/cloud-sdk", entry="").replace("  - ai-platform\n", "  - gcloud\n  - ai-platform\n"), "2.8", 10),
        ("steps:\n- name: gcr.io/cloud-builders/gcloud\n  args: [ai-platform, versions, create, v1,\n    '--runtime-version', '2.11']\n", "2.11", 4),
        (
            "steps:\n- name: gcr.io/cloud-builders/gcloud\n  args: [ai-platform, versions, create, v1, --runtime-version=$_RT]\n"
            "substitutions:\n  _RT: '1.15'\n",
            "1.15", 5,
        ),
        (
            "steps:\n- name: google/cloud-sdk\n  entrypoint: bash\n  args:\n  - -c\n  - |\n    set -e\n    RT=2.4\n"
            "    gcloud ai-platform versions create v1 --runtime-version $$RT\n",
            "2.4", 8,
        ),
        ("steps:\n- name: google/cloud-sdk\n  script: |\n    #!/usr/bin/env bash\n    gcloud ai-platform versions create v --runtime-version 2.1\n", "2.1", 5),
        (json.dumps({"steps": [{"name": "gcr.io/cloud-builders/gcloud", "args": ["ai-platform", "versions", "create", "v", "--runtime-version", "2.9"]}]}, indent=1), "2.9", 11),
        (
            "jobs:\n  d:\n    steps:\n    - uses: actions-hub/gcloud@master\n      with:\n        args: ai-platform versions create v1 --runtime-version 2.6\n",
            "2.6", 6,
        ),
        (
            "jobs:\n  d:\n    steps:\n    - uses: docker://google/cloud-sdk:latest\n      with:\n        entrypoint: gcloud\n"
            "        args: ai-platform versions create v1 --runtime-version 2.6\n",
            "2.6", 7,
        ),
        (
            "spec:\n  containers:\n  - image: google/cloud-sdk\n    command: [gcloud]\n    args:\n    - ai-platform\n    - versions\n    - create\n"
            "    - v1\n    - --runtime-version=2.7\n",
            "2.7", 10,
        ),
    ],
)  # fmt: skip
def test_the_version_and_its_line(text: str, version: str, line: int) -> None:
    for path in ("gcp_deploy/cloudbuild.yaml", ".github/workflows/deploy.yml"):
        if "script: |" in text and path.startswith("."):
            continue  # the reader of workflows' own
        (found,) = deployments.read(run(text, path), (), {})[0]
        assert (found.runtime_version, found.line, found.path) == (version, line, path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("steps:\n- name: gcr.io/cloud-builders/gsutil\n  args: ['cp', 'model.joblib', 'gs://b/m/']\n", [(3, "gsutil", "cp")]),
        ("steps:\n- name: gcr.io/cloud-builders/docker\n  args: [push, gcr.io/p/i]\n", [(3, "docker", "push")]),
        ("args: [--learning-rate, '0.1', gcloud]\n", []),
        ("# gcloud\nsteps:\n- name: python\n  script: |\n    #!/usr/bin/env python3\n    print('gcloud ai-platform predict')\n", []),
        ("# gcloud\nargs: {a: b}\n", []),
        ("# gcloud\ncommand: [[gcloud, version]]\n", []),
        ("# gcloud\nargs: [", []),
    ],
)  # fmt: skip
def test_what_is_a_command(text: str, expected: list[tuple[int, str, str]]) -> None:
    assert told(text) == expected


def test_a_word_with_blanks_and_quotes_stays_one() -> None:
    (command,) = run(
        "steps:\n- name: gcr.io/cloud-builders/gcloud\n"
        "  args: [ai, endpoints, predict, '1', '--json-request={\"instances\": [[1, 2]]}']\n"
    )
    assert command.value("--json-request") == '{"instances": [[1, 2]]}'


PIECES = ["steps:", "- name: ", "gcloud", "args:", "[", "]", "script: |", "command:", "- ", "\n", "  ", '"', "'", "&a", "*a", "$$X", "{", "}", "with:", "uses:", ": "]  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=40).map("".join))
def test_any_text_is_read(text: str) -> None:
    for start in ("", "# gcloud\n", "# gcloud args:\nsteps:\n- name: gcloud\n  args: "):
        whole = start + text
        for found in build_steps.read("x.yaml", whole):
            assert 1 <= found.line <= whole.count("\n") + 3
            commands.read(found)
