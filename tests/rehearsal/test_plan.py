"""What is rehearsed of a submission: script, model, code, versions, requests; and how it is laid out."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.facts.asked import Rehearsal
from grader.facts.counted.subject import deploy_folder
from grader.facts.gather import gather
from grader.limits import Limits
from grader.rehearsal.plan import Order, plan
from grader.rehearsal.stage import NotStaged, Stage
from grader.testing import tree_of

MODELS = Path(__file__).parent.parent / "facts" / "models"
PIPELINE = (MODELS / "1.2.1-np1-pipeline.joblib").read_bytes()
LINEAR = (MODELS / "1.2.1-np1-linear.joblib").read_bytes()
VERTEX = (MODELS / "1.6.1-np2-pipeline.joblib").read_bytes()
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"

FN = "import joblib, os\n\ndef model_fn(model_dir):\n    return joblib.load(os.path.join(model_dir, 'model.joblib'))\n"


def call(entry: str = "inference.py", version: str = "1.2-1", **more: str) -> str:
    given_too = "".join(f", {name}={value}" for name, value in more.items())
    return (
        "from sagemaker.sklearn.model import SKLearnModel\n"
        f"SKLearnModel(model_data='s3://b/model.tar.gz', role='r', entry_point={entry!r}, framework_version={version!r}{given_too})\n"
    )


def tar(members: Mapping[str, bytes], *more: tarfile.TarInfo) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in more:
            archive.addfile(info)
    return out.getvalue()


Files = Mapping[str, str | bytes]
AWS: Files = {
    "aws_deploy/inference.py": FN,
    "aws_deploy/deploy.py": call(),
    "aws_deploy/model.tar.gz": tar({"model.joblib": PIPELINE}),
}
UPLOAD = (
    "gsutil cp {0} gs://b/lab/{1}\ngcloud ai models upload --region r --display-name d --artifact-uri gs://b/lab "
    "--container-image-uri us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6:latest\n"
)
GCP: Files = {
    "gcp_deploy/model.joblib": VERTEX,
    "gcp_deploy/go.sh": UPLOAD.format("model.joblib", "model.joblib"),
}


def planned(files: Files, stage: Path, platform: str = "aws") -> Rehearsal | Order:
    tree = tree_of({name: text.encode() if isinstance(text, str) else text for name, text in files.items()})
    facts = gather(tree, Limits())
    home = deploy_folder(facts, platform, ("{platform}_deploy",))
    assert home is not None
    return plan(facts, tree, home, platform, Limits(), stage)


def ordered(files: Files, stage: Path, platform: str = "aws") -> Order:
    found = planned(files, stage, platform)
    assert isinstance(found, Order), found.problem
    assert Order.from_json(json.loads(json.dumps(found.to_json()))) == found
    return found


def laid(stage: Path) -> set[str]:
    return {str(path.relative_to(stage)) for path in stage.rglob("*") if path.is_file()}


# -- SageMaker -----------------------------------------------------------------------------------------------------


def without(*names: str) -> Files:
    return {name: text for name, text in AWS.items() if name not in names}


@pytest.mark.parametrize(
    ("files", "program", "code_dir", "there", "doubts"),
    [
        (AWS, "inference.py", "/opt/ml/code", {"code/inference.py", "model/model.joblib"}, set()),
        # Without source_dir the script alone is shipped; with it, its folder.
        ({**AWS, "aws_deploy/helper.py": "x = 1"}, "inference.py", "/opt/ml/code", {"code/inference.py", "model/model.joblib"}, set()),
        (
            {
                **without("aws_deploy/inference.py"), "aws_deploy/src/inference.py": FN, "aws_deploy/src/helper.py": "x = 1",
                "aws_deploy/deploy.py": call(source_dir="'src'"),
            },
            "inference.py", "/opt/ml/code", {"code/inference.py", "code/helper.py", "model/model.joblib"}, set(),
        ),
        (
            {**AWS, "aws_deploy/deploy.py": call(dependencies="['helper.py', 'lib']"), "aws_deploy/helper.py": "x = 1", "aws_deploy/lib/a.py": "y = 2"},
            "inference.py", "/opt/ml/code", {"code/inference.py", "code/helper.py", "code/lib/a.py", "model/model.joblib"}, set(),
        ),
        # Nothing names the script.
        (without("aws_deploy/deploy.py"), "inference.py", "/opt/ml/code", None, {"versions", "code"}),
        # A wrong name of an entry point alone does not keep it from being tried.
        ({**AWS, "aws_deploy/deploy.py": call("inferense.py")}, "inference.py", "/opt/ml/code", None, {"code"}),
        # The script inside the archive.
        (
            {
                "aws_deploy/deploy.py": "import boto3\nboto3.client('sagemaker').create_model(ModelName='m', PrimaryContainer={'Image': "
                "'683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3', 'ModelDataUrl': 's3://b/model.tar.gz', "
                "'Environment': {'SAGEMAKER_PROGRAM': 'serve.py', 'SAGEMAKER_SUBMIT_DIRECTORY': '/opt/ml/model/code'}})\n",
                "aws_deploy/model.tar.gz": tar({"model.joblib": PIPELINE, "code/serve.py": FN.encode()}),
                "aws_deploy/code/serve.py": FN,
            },
            "serve.py", "/opt/ml/code", {"code/serve.py", "model/model.joblib", "model/code/serve.py"}, set(),
        ),
        # A loose model, packed by nothing, or by a command.
        (
            {**without("aws_deploy/model.tar.gz"), "aws_deploy/model.joblib": PIPELINE},
            "inference.py", "/opt/ml/code", {"code/inference.py", "model/model.joblib"}, {"place"},
        ),
        (
            {**without("aws_deploy/model.tar.gz"), "aws_deploy/model.joblib": PIPELINE, "aws_deploy/p.sh": "tar czf model.tar.gz model.joblib"},
            "inference.py", "/opt/ml/code", {"code/inference.py", "model/model.joblib"}, set(),
        ),
    ],
)  # fmt: skip
def test_sagemakers_layout(
    tmp_path: Path, files: Files, program: str, code_dir: str, there: set[str] | None, doubts: set[str]
) -> None:
    order = ordered(files, tmp_path / "stage")
    assert (order.program, order.code_dir, order.contract) == (program, code_dir, "sagemaker")
    assert there is None or laid(tmp_path / "stage") == there
    assert {kind for kind, _ in order.about.doubts} == doubts
    assert order.about.model
    assert order.payloads


def test_a_script_that_a_cell_writes_is_laid_out_with_what_is_added_to_it(tmp_path: Path) -> None:
    def cell(source: str) -> dict[str, Any]:
        return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source}

    cells = [
        cell("%%writefile inference.py\n" + FN),
        cell("%%writefile -a inference.py\n\ndef predict_fn(rows, model):\n    return model.predict(rows)\n"),
        cell(call()),
    ]
    notebook = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})
    order = ordered(
        {"aws_deploy/d.ipynb": notebook, "aws_deploy/model.tar.gz": AWS["aws_deploy/model.tar.gz"]},
        tmp_path / "stage",
    )
    assert order.about.handlers == ("model_fn", "predict_fn")
    text = (tmp_path / "stage" / "code" / "inference.py").read_text()
    assert "def model_fn" in text
    assert "def predict_fn" in text


@pytest.mark.parametrize(
    ("files", "outcome", "lacks", "says"),
    [
        (without("aws_deploy/model.tar.gz"), "undecided", None, "cloud only"),
        (without("aws_deploy/inference.py", "aws_deploy/deploy.py"), "nothing", "aws.model-fn", "no script"),
        ({**AWS, "aws_deploy/inference.py": "x = 1\n"}, "nothing", "aws.model-fn", "defines no model_fn"),
        (
            {"aws_deploy/inference.py": FN, "aws_deploy/README.md": "# Lab\n"}, "nothing", "model.present", "no serialized model",
        ),
        ({**without("aws_deploy/model.tar.gz"), "aws_deploy/model.joblib": POINTER}, "undecided", None, "LFS"),
        ({**AWS, "aws_deploy/model.tar.gz": POINTER}, "undecided", None, "LFS"),
        ({**AWS, "aws_deploy/model.tar.gz": tar({"model.joblib": PIPELINE})[:-40]}, "undecided", None, "cut off"),
        (
            {**without("aws_deploy/model.tar.gz"), "aws_deploy/a.tar.gz": tar({"model.joblib": PIPELINE}), "aws_deploy/b.tar.gz": tar({"model.joblib": LINEAR})},
            "undecided", None, "Which of the model archives",
        ),
        (
            {**AWS, "aws_deploy/deploy.py": call().replace("sklearn.model", "pytorch.model").replace("SKLearnModel", "PyTorchModel")},
            "undecided", None, "another framework",
        ),
    ],
)  # fmt: skip
def test_what_is_not_rehearsed_on_sagemaker(
    tmp_path: Path, files: Files, outcome: str, lacks: str | None, says: str
) -> None:
    found = planned(files, tmp_path / "stage")
    assert isinstance(found, Rehearsal)
    assert (found.outcome, found.lacks) == (outcome, lacks)
    assert says in (found.problem or "")


@pytest.mark.parametrize(
    ("version", "scikit_learn", "python", "doubts", "transform_fn"),
    [
        ("0.23-1", "0.23.2", "3.7", 0, False),
        ("1.0-1", "1.0.2", "3.8", 0, False),
        ("1.2-1", "1.2.1", "3.9", 0, True),
        ("1.9-0", "1.9.0", "3.12", 0, True),
        ("1.2", "1.2.1", "3.9", 1, True),  # there are no aliases: the nearest
        ("1.1-1", "1.0.2", "3.8", 1, False),
        ("9.9-9", "1.9.0", "3.12", 1, True),
    ],
)
def test_the_environment_is_that_of_the_declared_container(
    tmp_path: Path, version: str, scikit_learn: str, python: str, doubts: int, transform_fn: bool
) -> None:
    order = ordered({**AWS, "aws_deploy/deploy.py": call(version=version)}, tmp_path / "stage")
    assert dict(order.packages)["scikit-learn"] == scikit_learn
    assert (order.python, order.transform_fn) == (python, transform_fn)
    assert sum(kind == "versions" for kind, _ in order.about.doubts) == doubts
    assert order.about.place is not None
    assert order.about.place.path == "aws_deploy/deploy.py"


def test_without_a_declaration_it_is_what_wrote_the_model(tmp_path: Path) -> None:
    order = ordered(without("aws_deploy/deploy.py"), tmp_path / "stage")
    assert dict(order.packages)["scikit-learn"] == "1.2.1"
    assert "1.2.1" in (order.about.declared or "")
    assert any("no framework version is declared" in sentence for _, sentence in order.about.doubts)


def test_requirements_beside_the_script_are_installed_as_far_as_they_are_taken(tmp_path: Path) -> None:
    files = {
        **without("aws_deploy/inference.py"), "aws_deploy/src/inference.py": FN, "aws_deploy/deploy.py": call(source_dir="'src'"),
        "aws_deploy/src/requirements.txt": "nltk==3.8\n-r /etc/passwd\ngit+https://example.com/x.git\n",
    }  # fmt: skip
    order = ordered(files, tmp_path / "stage")
    assert order.requirements == ("nltk==3.8",)
    assert [kind for kind, _ in order.about.doubts] == ["requirements", "requirements"]
    unshipped = ordered({**AWS, "aws_deploy/requirements.txt": "nltk\n"}, tmp_path / "other")
    assert unshipped.requirements == ()
    assert any("is not installed" in note for note in unshipped.about.notes)


# -- Vertex AI and AI Platform -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "contract", "there", "doubts"),
    [
        (GCP, "vertex", {"model/model.joblib"}, set()),
        (
            {"gcp_deploy/crops.joblib": VERTEX, "gcp_deploy/go.sh": UPLOAD.format("crops.joblib", "model.joblib")},
            "vertex", {"model/model.joblib"}, set(),
        ),
        (
            {"gcp_deploy/crops.joblib": VERTEX, "gcp_deploy/go.sh": UPLOAD.format("crops.joblib", "crops.joblib")},
            "vertex", {"model/crops.joblib"}, set(),
        ),
        ({"gcp_deploy/crops.joblib": VERTEX}, "vertex", {"model/model.joblib"}, {"versions", "place"}),
        (
            {
                "gcp_deploy/model.pkl": (MODELS / "0.23.2-np1-logistic-p4.pkl").read_bytes(),
                "gcp_deploy/go.sh": "gcloud ai-platform versions create v1 --model m --origin gs://b/x --runtime-version 2.1\n",
            },
            "ai-platform", {"model/model.pkl"}, set(),
        ),
        (
            {**GCP, "gcp_deploy/go.sh": "gcloud ai-platform versions create v1 --model m --origin gs://b/x --runtime-version 2.9\n"},
            "ai-platform", {"model/model.joblib"}, {"versions"},
        ),
    ],
)  # fmt: skip
def test_googles_layout(
    tmp_path: Path, files: Files, contract: str, there: set[str], doubts: set[str]
) -> None:
    order = ordered(files, tmp_path / "stage", "gcp")
    assert (order.contract, order.program) == (contract, None)
    assert laid(tmp_path / "stage") == there
    assert {kind for kind, _ in order.about.doubts} == doubts


@pytest.mark.parametrize(
    ("files", "outcome", "says"),
    [
        ({"gcp_deploy/README.md": "# Lab\n"}, "nothing", "no serialized model"),
        ({"gcp_deploy/model.joblib": POINTER}, "undecided", "LFS"),
        ({"gcp_deploy/a.joblib": VERTEX, "gcp_deploy/b.joblib": LINEAR}, "undecided", "Which of the models"),
        ({"gcp_deploy/model.tar.gz": tar({"model.joblib": VERTEX})}, "undecided", "archive"),
        (
            {**GCP, "gcp_deploy/go.sh": UPLOAD.format("model.joblib", "model.joblib").replace("us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6", "gcr.io/me/own")},
            "undecided", "container of one's own",
        ),
        (
            {**GCP, "gcp_deploy/x.sh": "gcloud ai-platform versions create v1 --model m --runtime-version 2.1 --prediction-class p.P --package-uris gs://b/p.tgz\n"},
            "undecided", "code of its own",
        ),
    ],
)  # fmt: skip
def test_what_is_not_rehearsed_on_google(tmp_path: Path, files: Files, outcome: str, says: str) -> None:
    found = planned(files, tmp_path / "stage", "gcp")
    assert isinstance(found, Rehearsal)
    assert found.outcome == outcome
    assert says in (found.problem or "")


# -- staging hostile things ----------------------------------------------------------------------------------------


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_what_is_no_plain_file_is_left_out_of_the_layout(tmp_path: Path) -> None:
    hostile = tar(
        {"model.joblib": PIPELINE, "../out.txt": b"x", "/abs.txt": b"x", "a/../../b": b"x", "ok/x.txt": b"1"},
        special("link", tarfile.SYMTYPE, "/etc/passwd"), special("hard", tarfile.LNKTYPE, "model.joblib"),
        special("pipe", tarfile.FIFOTYPE), special("null", tarfile.CHRTYPE),
    )  # fmt: skip
    ordered({**AWS, "aws_deploy/model.tar.gz": hostile}, tmp_path / "stage")
    assert laid(tmp_path / "stage") == {"code/inference.py", "model/model.joblib", "model/ok/x.txt"}
    assert {path.name for path in tmp_path.iterdir()} == {"stage"}


def test_links_in_the_archive_are_a_doubt(tmp_path: Path) -> None:
    one = special("model.joblib", tarfile.SYMTYPE, "other.joblib")
    archive = tar({"other.joblib": PIPELINE}, one, special("more", tarfile.SYMTYPE, "other.joblib"))
    order = ordered({**AWS, "aws_deploy/model.tar.gz": archive}, tmp_path)
    assert (
        "place",
        "of the archive's members `model.joblib` and 1 more are links, and not followed here",
    ) in (order.about.doubts)


def test_of_two_members_of_one_name_the_last_counts(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for data in (b"first", b"second", b"2"):
            info = tarfile.TarInfo("a/b.txt")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    stage = Stage(tmp_path / "stage", Limits())
    stage.archive("x.tar", out.getvalue(), "model")
    assert (tmp_path / "stage" / "model" / "a" / "b.txt").read_bytes() == b"2"


def test_files_are_readable_for_everybody_and_nothing_runs(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "stage", Limits())
    stage.put("model/a/b.bin", b"x")
    modes = {oct(path.stat().st_mode & 0o7777) for path in (tmp_path / "stage").rglob("*") if path.is_file()}
    assert modes == {"0o644"}
    assert {oct(p.stat().st_mode & 0o7777) for p in (tmp_path / "stage").rglob("*") if p.is_dir()} == {
        "0o755"
    }


@pytest.mark.parametrize(
    "name",
    ["../x", "/x", "a//x", "a/./x", "", "a/..", "x\0y", "a\\b", "x" * 300, "/".join("a" * 60), "\ud800"],
)
def test_names_that_are_none_are_told_and_left_out(tmp_path: Path, name: str) -> None:
    stage = Stage(tmp_path / "stage", Limits())
    assert stage.put(name, b"x") is False
    assert stage.notes
    assert laid(tmp_path / "stage") == set()


def test_a_file_where_a_folder_is_wanted_is_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "stage", Limits())
    assert stage.put("a", b"x")
    assert not stage.put("a/b", b"x")
    assert stage.put("c/d", b"x")
    assert not stage.put("c", b"x")


def test_more_than_is_rehearsed_is_refused(tmp_path: Path) -> None:
    small = Limits(archive_bytes=10_000)
    with pytest.raises(NotStaged, match="more than"):
        Stage(tmp_path / "a", small).archive("x.tar.gz", tar({"zeros": b"\0" * 100_000}), "model")
    stage = Stage(tmp_path / "b", Limits())
    with pytest.raises(NotStaged, match="5000 files"):
        stage.archive("x.tar.gz", tar({f"f{n}": b"" for n in range(5_001)}), "model")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text(max_size=30), st.binary(max_size=20)), max_size=8), st.integers(0, 200))
def test_no_archive_writes_outside_its_place(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, bytes]], cut: int
) -> None:
    home = tmp_path_factory.mktemp("stage")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", errors="surrogatepass") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name.replace("\0", "_"))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    raw = out.getvalue()
    stage = Stage(home / "stage", Limits())
    with contextlib.suppress(NotStaged):  # cut off
        stage.archive("x.tar.gz", raw[: len(raw) - cut] if cut < 100 else raw, "model")
    assert all(
        path.is_relative_to(home / "stage" / "model") or path == home / "stage" / "model"
        for path in (home / "stage").rglob("*")
    )
    assert [path.name for path in home.iterdir()] == ["stage"]


def test_a_plan_is_the_same_twice(tmp_path: Path) -> None:
    def made(name: str) -> Order:
        return ordered({**AWS, "aws_deploy/sample.csv": "1,2,3,4\n"}, tmp_path / name)

    assert made("a")._replace(stage="") == made("b")._replace(stage="")
