"""Which endpoints files name: Python, commands, addresses; followed through variables, and nothing made at run time."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.facts.endpoint_names import Named, read
from grader.limits import Limits
from grader.testing import facts_of, tree_of


def named(files: dict[str, str]) -> Named:
    return read(tree_of(files), facts_of(files), Limits())


def names(code: str, path: str = "aws_deploy/deploy.py") -> list[tuple[str, str, str | None]]:
    return [(n.kind, n.name, n.region) for n in named({path: code}).names]


def notebook(*cells: str) -> str:
    made = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": cell}
        for cell in cells
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": made})


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (
            "from sagemaker.sklearn.model import SKLearnModel\nm = SKLearnModel(model_data='s3://b/m', role='r', entry_point='i.py')\n"
            "m.deploy(1, 'ml.t2.medium', endpoint_name='penguins')\n",
            [("sagemaker", "penguins", None)],
        ),
        (
            "NAME = 'pen' + 'guins'\ndef go(model, name):\n    model.deploy(endpoint_name=name)\ngo(make(), NAME)\n",
            [("sagemaker", "penguins", None)],
        ),
        (
            "import boto3\nc = boto3.client('sagemaker-runtime', region_name='eu-west-1')\n"
            "c.invoke_endpoint(EndpointName='penguins', Body=b'')\n",
            [("sagemaker", "penguins", "eu-west-1")],
        ),
        ("import boto3\nboto3.client('sagemaker').create_endpoint(EndpointName=f'{\"a\"}-b', EndpointConfigName='c')\n", [("sagemaker", "a-b", None)]),
        ("from sagemaker.predictor import Predictor\nPredictor('penguins')\n", [("sagemaker", "penguins", None)]),
        ("from sagemaker.sklearn import SKLearnPredictor\nSKLearnPredictor(endpoint_name='p')\n", [("sagemaker", "p", None)]),
        ("import time\nm.deploy(endpoint_name='penguins-' + str(time.time()))\n", []),
        ("import boto3\nboto3.client('sagemaker').delete_endpoint(EndpointName='penguins')\n", []),
        ("print('endpoint_name=penguins')\n# m.deploy(endpoint_name='no')\n", []),
        (
            "from google.cloud import aiplatform\naiplatform.Endpoint('projects/lab-project-1/locations/us-central1/endpoints/41')\n",
            [("vertex", "projects/lab-project-1/locations/us-central1/endpoints/41", None)],
        ),
        (
            "from google.cloud import aiplatform as ai\nID = '41'\nai.Endpoint(endpoint_name=ID, location='us-east1')\n",
            [("vertex", "41", "us-east1")],
        ),
        ("from google.cloud import aiplatform\naiplatform.Endpoint.create(display_name='penguins')\n", [("vertex", "penguins", None)]),
        (
            "from google.cloud import aiplatform_v1\nc = aiplatform_v1.PredictionServiceClient()\n"
            "c.predict(endpoint=c.endpoint_path('lab-project-1', 'us-central1', '41'), instances=[])\n",
            [("vertex", "projects/lab-project-1/locations/us-central1/endpoints/41", None)],
        ),
        ("def broken(:\n", []),
        ("", []),
    ],
)  # fmt: skip
def test_python(code: str, found: list[tuple[str, str, str | None]]) -> None:
    assert names(code) == found


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("aws sagemaker-runtime invoke-endpoint --endpoint-name penguins --region us-east-2 --body x out", [("sagemaker", "penguins", "us-east-2")]),
        ("aws sagemaker create-endpoint --endpoint-name=penguins --endpoint-config-name c", [("sagemaker", "penguins", None)]),
        ("NAME=penguins\naws sagemaker describe-endpoint --endpoint-name $NAME", [("sagemaker", "penguins", None)]),
        ("aws sagemaker delete-endpoint --endpoint-name penguins", []),
        ("gcloud ai endpoints predict 41 --region=us-central1 --json-request=r.json", [("vertex", "41", "us-central1")]),
        ("gcloud ai endpoints predict --region us-central1 --json-request r.json 41", [("vertex", "41", "us-central1")]),
        ("gcloud ai endpoints create --display-name=penguins --region=us-central1", [("vertex", "penguins", "us-central1")]),
        ("gcloud ai endpoints delete 41 --region=us-central1", []),
        ("gcloud ai-platform predict --model census --version v1 --json-instances x", [("ai-platform", "census", None)]),
        (
            "curl -X POST -d @r.json https://us-central1-aiplatform.googleapis.com/v1/projects/lab-project-1/locations/us-central1/endpoints/41:predict",
            [("vertex", "projects/lab-project-1/locations/us-central1/endpoints/41", None)],
        ),
        ("curl https://runtime.sagemaker.us-east-1.amazonaws.com/endpoints/penguins/invocations -d 1", [("sagemaker", "penguins", "us-east-1")]),
        ("curl https://penguins.example/predict -d 1", []),
    ],
)  # fmt: skip
def test_commands(command: str, found: list[tuple[str, str, str | None]]) -> None:
    files = {"aws_deploy/README.md": f"# Deploying\n\n```sh\n{command}\n```\n"}
    assert [(n.kind, n.name, n.region) for n in named(files).names] == found


def test_a_notebook_is_one_program() -> None:
    files = {
        "aws_deploy/deploy.ipynb": notebook(
            "NAME = 'penguins'", "import boto3", "p = m.deploy(1, endpoint_name=NAME)"
        )
    }
    (found,) = named(files).names
    assert (found.name, found.path, found.cell, found.line) == ("penguins", "aws_deploy/deploy.ipynb", 2, 1)


def test_regions_and_projects_that_hold_for_all_that_follows() -> None:
    files = {
        "gcp_deploy/deploy.py": "from google.cloud import aiplatform\naiplatform.init(project='lab-project-1', location='us-east1')\n",
        "aws_deploy/README.md": "```sh\naws configure set region us-west-2\ngcloud config set project other-project-1\n```\n",
    }
    assert [(s.cloud, s.what, s.value) for s in named(files).settings] == [
        ("gcp", "project", "lab-project-1"),
        ("gcp", "region", "us-east1"),
        ("aws", "region", "us-west-2"),
        ("gcp", "project", "other-project-1"),
    ]


def test_too_many_are_bounded_and_told() -> None:
    code = "".join(f"m.deploy(endpoint_name='e{n}')\n" for n in range(400))
    found = named({"aws_deploy/deploy.py": code})
    assert len(found.names) == 200
    assert not found.whole


@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    named(
        {
            "aws_deploy/deploy.py": text,
            "aws_deploy/README.md": f"```sh\naws sagemaker x --endpoint-name {text}\n```",
        }
    )
