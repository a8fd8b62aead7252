"""The clouds' version tables: found, whole, and read right."""

from __future__ import annotations

from datetime import date

import pytest

from grader.platforms import tables


def test_every_row_has_a_source_and_the_tables_date() -> None:
    rows = [
        *tables.sagemaker_images().values(),
        *tables.runtimes().values(),
        *tables.vertex_containers().values(),
    ]
    assert len(rows) > 30
    assert all(row.source and row.date == tables.TABLE_DATE for row in rows)


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("1.2-1", "1.2-1"),
        (" 0.20.0 ", "0.20.0"),
        ("1.2", None),
        ("", None),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3", "1.2-1"),
        ("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3", "1.9-0"),
        (
            "1.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-py312-cpu-py3",
            "1.4-2-py312",
        ),
        ("1.dkr.ecr.eu-west-1.amazonaws.com/my-own:1.2-1-cpu-py3", None),
        ("1.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:9.9-9-cpu-py3", None),
    ],
)
def test_sagemaker_image_of(text: str, version: str | None) -> None:
    image = tables.sagemaker_image_of(text)
    assert (image.version if image else None) == version


def test_training_only_is_not_offered() -> None:
    images = tables.sagemaker_images()
    assert not images["1.4-2"].offered
    assert images["1.4-2-py312"].offered
    assert not images["1.4-2-py312"].inference_v2
    assert images["1.2-1"].scikit_learn == "1.2.1"


@pytest.mark.parametrize(
    ("uri", "version"),
    [
        ("us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6:latest", "1.6"),
        ("europe-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.0-24:latest", "0.24"),
        ("asia-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-0", "1.0"),
        ("gcr.io/cloud-aiplatform/prediction/sklearn-cpu.0-22:latest", "0.22"),
        ("us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-7:latest", None),
        ("us-docker.pkg.dev/vertex-ai/prediction/xgboost-cpu.1-6:latest", None),
        ("us-docker.pkg.dev/my-project/prediction/sklearn-cpu.1-6:latest", None),
        ("evil.example/us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6:latest", None),
        ("", None),
    ],
)
def test_vertex_container_of(uri: str, version: str | None) -> None:
    container = tables.vertex_container_of(uri)
    assert (container.version if container else None) == version


def test_prebuilt_image_of_another_framework_or_an_unknown_version() -> None:
    assert tables.prebuilt_image("us-docker.pkg.dev/vertex-ai/prediction/tf2-gpu.2-12:latest") == (
        tables.PrebuiltImage("tf2", "2.12")
    )
    unknown = tables.prebuilt_image("us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-7:latest")
    assert unknown == tables.PrebuiltImage("sklearn", "1.7")
    assert tables.prebuilt_image("gcr.io/my-project/serve:v1") is None


def test_availability_is_that_of_the_tables_date() -> None:
    containers = tables.vertex_containers()
    assert [v for v, c in containers.items() if c.available()] == ["1.4", "1.5", "1.6"]
    assert containers["1.3"].available(date(2025, 11, 28))
    assert not containers["1.3"].available(date(2025, 11, 29))
    assert not containers["1.6"].supported()


def test_runtimes_say_what_is_verified() -> None:
    runtimes = tables.runtimes()
    assert runtimes["1.15"].verified
    assert not runtimes["2.11"].verified
    assert next(iter(runtimes)) == "1.4"
    assert list(runtimes)[-1] == "2.11"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2.11", (2, 11)), ("2.4", (2, 4)), ("2.4.0", (2, 4)), ("2", None), ("v2.4", None), ("", None)],
)
def test_release(text: str, expected: tuple[int, int] | None) -> None:
    assert tables.release(text) == expected
