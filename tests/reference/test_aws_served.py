"""What `aws_deploy` deploys really answers: under the declared versions, behind the contract of SageMaker's container."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.aws_server import KEYS, Cloud, serving
from tests.calls import grade
from tests.rehearsal import serving as rehearsal

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

TOP = Path(__file__).resolve().parents[2]
HERE = TOP / "aws_deploy"
ASKED = (HERE / "sample_request.json").read_bytes()
SPECIES = ["Adelie", "Chinstrap", "Gentoo"]
JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"


class Deployed(NamedTuple):
    """The server that runs what was deployed, the cloud that holds it, and the declared environment's Python."""

    server: rehearsal.Server
    cloud: Cloud
    python: Path


def unpacked(archive: bytes, prefix: str) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = {member.name: tar.extractfile(member) for member in tar.getmembers()}
        return {f"{prefix}/{name}": file.read() for name, file in files.items() if file is not None}


def told(cloud: Cloud) -> dict[str, str]:
    """The environment of a process that deploys to ``cloud``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, **KEYS, "AWS_ENDPOINT_URL": cloud.url, "AWS_DEFAULT_REGION": "us-east-1"}


def run(cloud: Cloud, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "deploy.py", *arguments]
    return subprocess.run(command, cwd=HERE, env=told(cloud), capture_output=True, text=True, check=False)


def connect(cloud: Cloud, server: rehearsal.Server) -> None:
    """Invocations of any endpoint of ``cloud`` go to ``server``."""

    def answer(name: str, content_type: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        got = server.ask("POST", "/invocations", body, Content_Type=content_type, Accept=cloud.accept)
        if got.status != 200:
            said = {
                "Message": f"Received server error ({got.status}) from primary",
                "OriginalStatusCode": got.status,
            }
            return 424, {"Content-Type": JSON, "x-amzn-ErrorType": "ModelError"}, json.dumps(said).encode()
        return 200, {"Content-Type": got.content_type or ""}, got.body

    cloud.answer = answer


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """deploy.py's own deployment: what it put into the cloud is fetched from there, as the container would."""
    specification = importlib.util.spec_from_file_location(
        "train_for_aws", TOP / "reference_solution" / "train.py"
    )
    assert specification is not None
    assert specification.loader is not None
    train = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(train)
    venv = tmp_path_factory.mktemp("declared") / "venv"
    project = str(TOP / "reference_solution" / "environments" / "aws")
    interpreter = train.python_for(train.PYTHONS["aws"])
    subprocess.run(
        [train.find_uv(), "sync", "--quiet", "--frozen", "--project", project, "--python", interpreter],
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(venv)},
        check=True,
    )
    with serving() as cloud:
        done = run(cloud, "deploy", "--every", "0.05")
        assert done.returncode == 0, done.stderr
        sagemaker, s3 = cloud.client("sagemaker"), cloud.client("s3")
        (name,) = cloud.there()["models"]
        container = sagemaker.describe_model(ModelName=name)["PrimaryContainer"]
        files: dict[str, bytes] = {}
        for address, folder in (
            (container["ModelDataUrl"], "model"),
            (container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"], "code"),
        ):
            bucket, _, key = address.removeprefix("s3://").partition("/")
            files |= unpacked(s3.get_object(Bucket=bucket, Key=key)["Body"].read(), folder)
        assert sorted(files) == ["code/inference.py", "model/model.joblib"]
        python = venv / "bin" / "python"
        program = container["Environment"]["SAGEMAKER_PROGRAM"]
        with rehearsal.serving(files, program=program, python=python) as server:
            assert server.ask("GET", "/ping", seconds=60).status == 200, server.log()
            connect(cloud, server)
            yield Deployed(server, cloud, python)


def requests_of_the_readme() -> list[tuple[str, str]]:
    """The table "What it answers": content types and bodies."""
    text = (HERE / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `(application/json|text/csv)` \| `(.+?)`", text, re.MULTILINE)


def test_the_readme_shows_requests() -> None:
    assert len(requests_of_the_readme()) == 5


@pytest.mark.parametrize(("content_type", "body"), requests_of_the_readme())
def test_what_the_readme_shows(deployed: Deployed, content_type: str, body: str) -> None:
    for suffix in ("", "; charset=utf-8", ";charset=UTF-8"):
        got = deployed.server.post(body.encode(), content_type + suffix)
        assert got.status == 200, got.body
        assert json.loads(got.body) in (["Adelie"], ["Adelie", "Gentoo"])


ROWS = "39.1,18.7,181,3750\n46.5,17.9,192,3500\n50.0,16.3,230,5700\n"
NAMED = "body_mass_g,flipper_length_mm,bill_depth_mm,bill_length_mm\n3750,181,18.7,39.1\n"
BY_NAME = {"body_mass_g": 3750, "flipper_length_mm": 181, "bill_depth_mm": 18.7, "bill_length_mm": 39.1}


@pytest.mark.parametrize(
    ("content_type", "body", "species"),
    [
        (JSON, ASKED, SPECIES),
        (None, ASKED, SPECIES),
        (JSON, b"\xef\xbb\xbf" + ASKED, SPECIES),
        (JSON, json.dumps([BY_NAME, {**BY_NAME, "island": "Dream"}]).encode(), ["Adelie", "Adelie"]),
        (JSON, json.dumps({"instances": [BY_NAME]}).encode(), ["Adelie"]),
        (JSON, b'[["39.1", "18.7", "181", "3750"]]', ["Adelie"]),
        (CSV, ROWS.encode(), SPECIES),
        (CSV, ROWS.replace("\n", "\r\n").encode(), SPECIES),
        (CSV, ROWS.replace(",", ", ").encode(), SPECIES),
        (CSV, ROWS.encode()[:-1] + b"\n\n", SPECIES),
        (CSV, NAMED.encode(), ["Adelie"]),
        ("TEXT/CSV; charset=utf-8", ("\ufeff" + NAMED).encode(), ["Adelie"]),
    ],
)
def test_what_a_person_would_send(
    deployed: Deployed, content_type: str | None, body: bytes, species: list[str]
) -> None:
    got = deployed.server.post(body, content_type)
    assert (got.status, json.loads(got.body)) == (200, species)


@pytest.mark.parametrize(
    ("accept", "content_type", "body"),
    [
        (None, JSON, b'["Adelie", "Chinstrap", "Gentoo"]'),
        ("*/*", JSON, b'["Adelie", "Chinstrap", "Gentoo"]'),
        ("application/json; charset=utf-8", JSON, b'["Adelie", "Chinstrap", "Gentoo"]'),
        ("text/csv", "text/csv; charset=utf-8", b"Adelie\nChinstrap\nGentoo\n"),
        ("text/html, text/csv;q=0.9, */*;q=0.1", "text/csv; charset=utf-8", b"Adelie\nChinstrap\nGentoo\n"),
    ],
)
def test_how_it_answers(deployed: Deployed, accept: str | None, content_type: str, body: bytes) -> None:
    got = deployed.server.post(ASKED, JSON, accept)
    assert (got.status, got.content_type, got.body) == (200, content_type, body)


@pytest.mark.parametrize(
    ("content_type", "body", "sentence"),
    [
        ("application/xml", b"<a/>", "Content type 'application/xml' is not known here"),
        (JSON, b"{", "The request is not JSON"),
        (JSON, b"\xff\xfe", "not"),
        (JSON + "; charset=utf-8", b"\xff\xfe", "The request is not UTF-8 text"),
        (JSON, b"[]", "The request holds no penguin"),
        (JSON, b"5", "The request holds no list of penguins"),
        (JSON, b'{"a": 1}', "A penguin lacks bill_length_mm, bill_depth_mm"),
        (JSON, b"[[1, 2, 3]]", "Row 1 should be four numbers"),
        (JSON, b"[[1, 2, 3, 4], [1, 2]]", "Row 2 should be four numbers"),
        (JSON, b"[[1, 2, 3, null]]", "Every measurement should be a number"),
        (JSON, b"[[1, 2, 3, [4]]]", "Every measurement should be a number"),
        (JSON, b'["four"]', "Row 1 should be four numbers"),
        (JSON, b"[[1, 2, 3, NaN]]", "Every measurement should be a finite number"),
        (JSON, b"[[1, 2, 3, 1" + b"0" * 400 + b"]]", "Every measurement should be a number"),
        (CSV, b"", "The request holds no penguin"),
        (CSV, b"a,b,c,d", "Every measurement should be a number"),
        (CSV, b"1,2,3", "Row 1 should be four numbers"),
        (NPY, b"no array", "The request is not a numpy array of numbers"),
        (NPY, b"", "The request is not a numpy array of numbers"),
    ],
)
def test_what_cannot_be_read_is_told(
    deployed: Deployed, content_type: str, body: bytes, sentence: str
) -> None:
    got = deployed.server.post(body, content_type)
    assert got.status == 500  # what SageMaker's container makes of any exception
    assert sentence in json.loads(got.body)["message"]
    assert deployed.server.ask("GET", "/ping").status == 200


def test_what_the_sdks_predictor_sends(deployed: Deployed, tmp_path: Path) -> None:
    """Arrays of several kinds, and those that hold pickled objects, written by NumPy itself."""
    script = """
        import sys, numpy as np
        rows = np.array([[39.1, 18.7, 181, 3750], [50.0, 16.3, 230, 5700]])
        for name, array in {"many": rows, "one": rows[0], "single": rows.astype("f4"), "whole": rows.astype(int),
                            "columns": np.asfortranarray(rows), "cube": rows[None], "number": rows[0, 0],
                            "pickled": rows.astype(object)}.items():
            np.save(sys.argv[1] + "/" + name, array)
    """
    subprocess.run([deployed.python, "-c", textwrap.dedent(script), str(tmp_path)], check=True)
    answers = {}
    for path in sorted(tmp_path.iterdir()):
        got = deployed.server.post(path.read_bytes(), NPY)
        said = json.loads(got.body)
        answers[path.stem] = said if got.status == 200 else said["message"].split(":")[0]
    both = ["Adelie", "Gentoo"]
    assert answers == {
        "many": both,
        "one": ["Adelie"],
        "single": both,
        "whole": both,
        "columns": both,
        "cube": "Row 1 should be four numbers",
        "number": "Row 1 should be four numbers",
        "pickled": "The request is not a numpy array of numbers, as numpy.save writes it.",
    }
    got = deployed.server.post((tmp_path / "many.npy").read_bytes(), NPY, NPY)
    (tmp_path / "answer.npy").write_bytes(got.body)
    read = "import sys, numpy; print(numpy.load(sys.argv[1], allow_pickle=False).tolist())"
    command = [deployed.python, "-c", read, str(tmp_path / "answer.npy")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(both)


_NUMBER = st.one_of(st.integers(), st.floats(), st.text(max_size=5), st.none(), st.booleans())
_VALUE = st.recursive(
    _NUMBER,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.sampled_from([*BY_NAME, "instances", "a"]), inner, max_size=5),
    ),
    max_leaves=12,
)
_BODY = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text("0123456789.,-eE \"'\n\r\0naif", max_size=100).map(str.encode),
    _VALUE.map(lambda value: json.dumps(value).encode()),
    st.sampled_from(
        [b"[" * 100_000, b'{"instances":' * 50_000, b"9" * 5000, b"1," * 200_000, b"PK\5\6" + b"\0" * 18]
    ),
    # An array's header, of any shape and kind, and too few or too many bytes behind it.
    st.tuples(
        st.text("(),0123456789", max_size=12),
        st.sampled_from(["<f8", ">i2", "|O", "<U9", "|V5"]),
        st.binary(),
    ).map(lambda made: _header(made[0], made[1]) + made[2]),
)


def _header(shape: str, kind: str) -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (63 - (10 + len(text)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=_BODY,
    content_type=st.sampled_from([JSON, CSV, NPY, "application/json; charset=utf-8", "text/csv;header=no"]),
)
def test_any_bytes_are_answered_or_refused_with_a_sentence(
    deployed: Deployed, body: bytes, content_type: str
) -> None:
    got = deployed.server.post(body, content_type)
    said = json.loads(got.body)
    if got.status == 200:
        assert said
        assert set(said) <= set(SPECIES)
    else:
        assert (said["stage"], said["type"]) == ("input", "ValueError"), said


def test_predict_is_answered_by_what_was_deployed(deployed: Deployed) -> None:
    done = run(deployed.cloud, "predict")
    assert done.returncode == 0, done.stderr
    shown = re.search(r"```text\n(.*?)```", (HERE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    first, *rows = done.stdout.splitlines()
    assert first.startswith("endpoint penguins in us-east-1 answered in ")
    assert first.endswith(': ["Adelie", "Chinstrap", "Gentoo"]')
    assert rows == [line.strip() for line in shown.group(1).splitlines() if line.strip()]


def test_a_request_that_its_code_refuses_is_told(deployed: Deployed, tmp_path: Path) -> None:
    (tmp_path / "wrong.json").write_text("[[1, 2]]")
    done = run(deployed.cloud, "predict", "--file", str(tmp_path / "wrong.json"))
    assert done.returncode == 1
    assert "The endpoint is there, but its code could not answer" in done.stderr


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The address of the deployment that the grader rehearses, sandbox and all."""
    shutil.copytree(HERE, tmp_path / "aws_deploy", ignore=shutil.ignore_patterns(".venv*", "__pycache__"))
    command = [sys.executable, "-m", "grader", "rehearse", str(tmp_path), "--serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    yield found.group()
                    break
            else:
                pytest.fail("".join(said))
        finally:
            process.send_signal(signal.SIGINT)


def test_the_rehearsal_that_the_readme_shows(served: str) -> None:
    done = subprocess.run(
        [sys.executable, "deploy.py", "predict", "--url", served],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[50.0, 16.3, 230, 5700]      -> Gentoo"


def test_the_grader_rehearses_it(tmp_path: Path) -> None:
    shutil.copytree(HERE, tmp_path / "aws_deploy", ignore=shutil.ignore_patterns(".venv*", "__pycache__"))
    done = grade(tmp_path, "--rehearse", "--platform", "aws", "--format", "json", timeout=300)
    assert done.code == 0, done.err
    (submission,) = done.submissions
    found = {item["id"]: item for item in submission["items"] if item["id"].startswith("rehearsal.")}
    assert {identifier: item["status"] for identifier, item in found.items()} == {
        "rehearsal.loads": "pass",
        "rehearsal.ping": "pass",
        "rehearsal.predicts": "pass",
    }
    assert "scikit-learn 1.2.1" in found["rehearsal.loads"]["message"]
    assert "Adelie, Chinstrap, Gentoo" in found["rehearsal.predicts"]["message"]


@pytest.fixture(scope="module")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with what requirements-sdk.txt names."""
    folder = tmp_path_factory.mktemp("sdk") / "venv"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--python", sys.executable, str(folder)], check=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [*uv, "pip", "install", "--python", str(python), "-r", str(HERE / "requirements-sdk.txt")], check=True
    )
    return python


def test_the_labs_way_with_the_sdk(deployed: Deployed, sdk: Path) -> None:
    """SKLearnModel itself, which sends and takes arrays; its endpoint is answered by the same server."""
    cloud = deployed.cloud
    before = cloud.there()
    role = cloud.client("iam").create_role(RoleName="lab", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    cloud.client("s3").create_bucket(Bucket="lab-bucket")
    seen: list[dict[str, str]] = []
    asked = cloud.answer
    assert asked is not None

    def answer(name: str, content_type: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        sagemaker = cloud.client("sagemaker")
        config = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
        (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
        container = sagemaker.describe_model(ModelName=variant["ModelName"])["PrimaryContainer"]
        program = container["Environment"]["SAGEMAKER_PROGRAM"]
        seen.append({"name": name, "type": content_type, "image": container["Image"], "program": program})
        return asked(name, content_type, body)

    cloud.answer = answer
    # Twice in one process, since the SDK takes its time to be imported: kept, then deleted.
    script = """
        import runpy, sys, time
        pause = time.sleep
        time.sleep = lambda seconds: pause(min(seconds, 0.1))  # the SDK looks every half minute
        for arguments in (["--role", sys.argv[1], "--bucket", "lab-bucket", "--keep"], ["--delete"]):
            sys.argv = ["deploy_sdk.py", *arguments]
            try:
                runpy.run_path("deploy_sdk.py", run_name="__main__")
            except SystemExit as ended:
                assert not ended.code, ended
    """
    command = [str(sdk), "-c", textwrap.dedent(script), role]
    done = subprocess.run(command, cwd=HERE, env=told(cloud), capture_output=True, text=True, check=False)
    cloud.answer = asked
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[-2:] == ["the endpoint answers ['Adelie']", "endpoint penguins-sdk is gone"]
    (one,) = seen
    assert one["image"].endswith("sagemaker-scikit-learn:1.2-1-cpu-py3")
    assert (one["name"], one["type"], one["program"]) == ("penguins-sdk", NPY, "inference.py")
    there = cloud.there()
    assert (there["endpoints"], there["models"]) == (before["endpoints"], before["models"])


def test_the_images_are_those_that_the_sdk_names(sdk: Path) -> None:
    (found,) = sdk.parent.parent.glob("lib/*/site-packages/sagemaker/image_uri_config/sklearn.json")
    named = json.loads(found.read_text(encoding="utf-8"))["inference"]["versions"]["1.2-1"]
    steps = (HERE / "steps.py").read_text(encoding="utf-8")
    registries = dict(re.findall(r'^    "([a-z]+-[a-z]+-\d)": "(\d{12})",$', steps, re.MULTILINE))
    assert len(registries) == 17
    assert {region: named["registries"][region] for region in registries} == registries
    assert named["repository"] == "sagemaker-scikit-learn"
