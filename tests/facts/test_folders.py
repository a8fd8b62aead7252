"""Deploy folders by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.facts import folders
from tests.bounds import within_a_files_bound


def listed(*paths: str) -> list[tuple[str, str, bool]]:
    return [(f.path, f.platform, f.exact) for f in folders.find((), [f"{p}/a.txt" for p in paths])]


@pytest.mark.parametrize(
    ("path", "platform", "exact"),
    [
        ("aws_deploy", "aws", True),
        ("gcp_deploy", "gcp", True),
        ("AWS_Deploy", "aws", False),
        ("Aws_deploy", "aws", False),
        ("aws-deploy", "aws", False),
        ("aws deploy", "aws", False),
        ("gcp deployment", "gcp", False),
        ("awsdeploy", "aws", False),
        ("AWSDeploy", "aws", False),
        ("GCPdeploy", "gcp", False),
        ("awsDeployment", "aws", False),
        ("deploy_aws", "aws", False),
        ("deploy-to-gcp", "gcp", False),
        ("deployment_on_aws", "aws", False),
        ("sagemaker_deploy", "aws", False),
        ("SageMaker-Deployment", "aws", False),
        ("SageMakerDeploy", "aws", False),
        ("nids_sagemaker_deploy", "aws", False),
        ("gcp_deploy_async", "gcp", False),
        ("aws_model_deploy", "aws", False),
        ("vertex_deploy", "gcp", False),
        ("vertex-ai-deploy", "gcp", False),
        ("VertexAIDeploy", "gcp", False),
        ("ai_platform_deploy", "gcp", False),
        ("google_cloud_deploy", "gcp", False),
        ("gcloud_deploy", "gcp", False),
        ("02_aws_deploy", "aws", False),
        ("aws_deploy2", "aws", False),
        ("despliegue_aws", "aws", False),
        ("aws_배포", "aws", False),
        ("src/aws_deploy", "aws", False),
        ("a/b/c/aws_deploy", "aws", False),
        ("deploy/aws", "aws", False),
        ("deployment/sagemaker", "aws", False),
        ("gcp/deploy", "gcp", False),
        ("SageMaker/Deployment", "aws", False),
        ("ai-platform-prediction", "gcp", False),
        ("sagemaker_endpoint_code", "aws", False),
        ("sagemaker_endpoint", "aws", False),
    ],
)
def test_a_deploy_folder_is_listed_with_its_platform(path: str, platform: str, exact: bool) -> None:
    assert listed(path) == [(path, platform, exact)]


@pytest.mark.parametrize(
    "path",
    [
        "local_deploy",
        "local_deployment",
        "fastapi-deploy",
        "deployment",
        "deploy",
        "Deployment code",
        "05_cloud_deployment",
        "heroku_deploy",
        "azure_deploy",
        "SageMaker",
        "sagemaker_scripts",
        "Sagemaker/Training",
        "aws",
        "gcp_tutorial",
        "aws_lambda",
        "laws_deploy",
        "flaws-deployed",
        "paws",
        "google_colab_deploy",
        "aws_redeployable",
        "deploy/kubernetes",
        "deploy/aws_lambda_layers",
        "aws/notebooks",
        "inference",
        "___",
        "模型",
    ],
)
def test_what_is_not_named_for_a_platforms_deployment_is_none(path: str) -> None:
    assert listed(path) == []


def test_the_exact_folder_comes_first() -> None:
    assert [p for p, *_ in listed("a/aws_deploy", "AWS-deploy", "gcp_deploy", "aws_deploy")] == [
        "aws_deploy",
        "gcp_deploy",
        "AWS-deploy",
        "a/aws_deploy",
    ]


def test_a_folder_inside_a_deploy_folder_is_not_listed_again() -> None:
    assert [p for p, *_ in listed("aws_deploy/sagemaker_deploy", "aws_deploy/deploy")] == ["aws_deploy"]


def test_another_platforms_folder_inside_one_is_listed() -> None:
    assert listed("aws_deploy/gcp_deploy") == [
        ("aws_deploy", "aws", True),
        ("aws_deploy/gcp_deploy", "gcp", False),
    ]


def test_a_folder_for_both_platforms_is_listed_for_each() -> None:
    assert listed("aws-gcp-deploy") == [("aws-gcp-deploy", "aws", False), ("aws-gcp-deploy", "gcp", False)]


def test_the_name_of_a_service_counts_only_where_nothing_else_does() -> None:
    assert [p for p, *_ in listed("aws_deploy", "ai-platform-prediction")] == ["aws_deploy"]


def test_a_lessons_title_is_no_deploy_folder() -> None:
    assert listed("Lesson 4 Calling the SageMaker Endpoint from a REST client") == []


def test_an_empty_folder_counts_where_it_is_known() -> None:
    assert [f.path for f in folders.find(["aws_deploy"], [])] == ["aws_deploy"]


def test_a_file_of_that_name_is_no_folder() -> None:
    assert folders.find([], ["aws_deploy", "docs/gcp_deploy"]) == ()


def test_near_names_are_told() -> None:
    assert folders.near(["SageMaker", "deployment", "data", "local_deploy"]) == (
        "SageMaker",
        "deployment",
        "local_deploy",
    )


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=40), max_size=20))
def test_any_names_are_taken(paths: list[str]) -> None:
    for folder in folders.find(paths, paths):
        assert folder.platform in ("aws", "gcp")


def test_many_long_names_cost_little() -> None:
    paths = [f"{'aws' * 200}/{i}/{'deploy_' * 100}x" for i in range(3000)]
    with within_a_files_bound():
        folders.find([], paths)
