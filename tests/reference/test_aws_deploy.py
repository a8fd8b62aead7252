"""``aws_deploy/deploy.py`` against a real moto server: the whole way, twice, undone, and failing at every step."""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from tests.aws_server import ACCOUNT, KEYS, Cloud, Fault, serving

# boto3 and moto warn of Python versions and of their own dependencies.
pytestmark = pytest.mark.filterwarnings("default")

HERE = Path(__file__).resolve().parents[2] / "aws_deploy"
QUICK = ("--every", "0.01")
NOTHING: dict[str, list[str]] = {
    "endpoints": [],
    "configs": [],
    "models": [],
    "buckets": [],
    "objects": [],
    "roles": [],
}
READING = ("Get", "Head", "List", "Describe")
BUCKET = f"penguins-lab-{ACCOUNT}-us-east-1"
ROLE = "penguins-us-east-1-endpoint"


@pytest.fixture(scope="module")
def moto() -> Iterator[Cloud]:
    with serving() as cloud:
        yield cloud


@pytest.fixture
def cloud(moto: Cloud, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    """An empty account; boto3 is told by its own variables to use it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto.url)
    moto.reset()
    return moto


@pytest.fixture(scope="module", autouse=True)
def service_models_are_read_once() -> Iterator[None]:
    """Each new session of boto3 reads its descriptions of the services anew, which is most of a test's time."""
    import botocore.loaders

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.loaders, "create_loader", cache(botocore.loaders.create_loader))
        yield


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """deploy.py with its neighbours, which are found beside it, as when it is run."""
    before = set(sys.modules)
    sys.path.insert(0, str(HERE))
    try:
        module = importlib.import_module("deploy")
    finally:
        sys.path.remove(str(HERE))
        for name in set(sys.modules) - before:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(HERE)):
                del sys.modules[name]
    return module


def run(tool: ModuleType, *arguments: str) -> int:
    quick = () if arguments[0] == "predict" else QUICK
    return int(tool.main([*arguments, *quick]))


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What a person reads at the end: one line, and no traceback."""
    said = capsys.readouterr().err.strip()
    assert "Traceback" not in said
    return said.splitlines()[-1]


def test_it_is_deployed_asked_and_taken_down(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tool, "deploy") == 0
    assert "in service in us-east-1" in last_line(capsys)
    there = cloud.there()
    (full_name,) = there["models"]
    version = full_name.removeprefix("penguins-")
    assert there == {
        "endpoints": ["penguins"],
        "configs": [full_name],
        "models": [full_name],
        "buckets": [BUCKET],
        "objects": [f"penguins/{version}/model.tar.gz", f"penguins/{version}/sourcedir.tar.gz"],
        "roles": [ROLE],
    }
    cloud.will_answer('["Adelie", "Chinstrap", "Gentoo"]')
    assert run(tool, "predict") == 0
    assert "[46.5, 17.9, 192, 3500]      -> Chinstrap\n" in capsys.readouterr().out
    assert run(tool, "delete") == 0
    assert "nothing of penguins is left" in last_line(capsys)
    assert cloud.there() == NOTHING


def test_what_is_deployed_is_what_lies_here(tool: ModuleType, cloud: Cloud) -> None:
    assert run(tool, "deploy") == 0
    sagemaker, s3, iam = (cloud.client(service) for service in ("sagemaker", "s3", "iam"))
    (full_name,) = cloud.there()["models"]
    container = sagemaker.describe_model(ModelName=full_name)["PrimaryContainer"]
    assert container["Image"].endswith("/sagemaker-scikit-learn:1.2-1-cpu-py3")
    assert container["Environment"]["SAGEMAKER_PROGRAM"] == "inference.py"

    def fetched(address: str) -> bytes:
        bucket, _, key = address.removeprefix("s3://").partition("/")
        return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    assert fetched(container["ModelDataUrl"]) == (HERE / "model.tar.gz").read_bytes()
    code = fetched(container["Environment"]["SAGEMAKER_SUBMIT_DIRECTORY"])
    with tarfile.open(fileobj=io.BytesIO(code)) as tar:
        assert tar.getnames() == ["inference.py"]
        member = tar.extractfile("inference.py")
        assert member is not None
        assert member.read() == (HERE / "inference.py").read_bytes()
    config = sagemaker.describe_endpoint_config(EndpointConfigName=full_name)
    (variant,) = config["ProductionVariants"]
    assert variant["ServerlessConfig"] == {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    trust = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"][0]["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    rights = iam.get_role_policy(RoleName=ROLE, PolicyName="endpoint")["PolicyDocument"]["Statement"]
    assert rights[0] == {
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{BUCKET}/penguins/*"],
    }


def test_run_twice_it_makes_nothing_new(tool: ModuleType, cloud: Cloud) -> None:
    assert run(tool, "deploy") == 0
    there = cloud.there()
    cloud.calls.clear()
    assert run(tool, "deploy") == 0
    assert cloud.there() == there
    assert [call for call in cloud.calls if not call.startswith(READING)] == ["PutRolePolicy"]
    assert run(tool, "delete") == 0
    assert run(tool, "delete") == 0
    assert cloud.there() == NOTHING


def test_another_hosting_replaces_the_endpoint(tool: ModuleType, cloud: Cloud) -> None:
    assert run(tool, "deploy") == 0
    assert run(tool, "deploy", "--instance") == 0
    sagemaker = cloud.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName="penguins")["EndpointConfigName"]
    (variant,) = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    assert variant["InstanceType"] == "ml.m5.large"
    assert run(tool, "delete") == 0
    assert cloud.there() == NOTHING


def test_another_region_and_name(tool: ModuleType, cloud: Cloud) -> None:
    where = ("--region", "eu-west-1", "--name", "birds")
    assert run(tool, "deploy", *where) == 0
    there = cloud.there("eu-west-1")
    assert there["endpoints"] == ["birds"]
    assert there["buckets"] == [f"birds-lab-{ACCOUNT}-eu-west-1"]
    model = cloud.client("sagemaker", "eu-west-1").describe_model(ModelName=there["models"][0])
    assert model["PrimaryContainer"]["Image"].startswith("141502667606.dkr.ecr.eu-west-1.")
    assert run(tool, "delete", *where) == 0
    assert cloud.there("eu-west-1") == NOTHING


FAILING = [
    (Fault("GetCallerIdentity", "ExpiredToken", status=403), "the credentials have expired"),
    (Fault("GetCallerIdentity", "InvalidClientTokenId", status=403), "AWS does not know these credentials"),
    (Fault("GetRole", "AccessDenied", status=403), "AWS denies GetRole"),
    (Fault("CreateRole", "AccessDenied", status=403), "AWS denies CreateRole"),
    (Fault("CreateRole", "LimitExceeded", status=409), "quota does not allow CreateRole"),
    (Fault("PutRolePolicy", "AccessDenied", status=403), "AWS denies PutRolePolicy"),
    (Fault("HeadBucket", "403", status=403), "is another account's or another region's"),
    (Fault("CreateBucket", "BucketAlreadyExists", status=409), "choose another with --bucket"),
    (Fault("CreateBucket", "TooManyBuckets", status=400), "quota does not allow CreateBucket"),
    (Fault("PutBucketTagging", "AccessDenied", status=403), "AWS denies PutBucketTagging"),
    (Fault("PutObject", "NoSuchBucket", status=404), "AWS refused PutObject: NoSuchBucket"),
    (Fault("PutObject", "SlowDown", status=503), "AWS throttled PutObject"),
    (Fault("CreateModel", "ThrottlingException"), "AWS throttled CreateModel"),
    (Fault("CreateModel", "ValidationException", "no such image"), "AWS refused CreateModel"),
    (Fault("CreateEndpointConfig", "AccessDeniedException"), "AWS denies CreateEndpointConfig"),
    (Fault("CreateEndpointConfig", "InternalFailure", status=500), "AWS refused CreateEndpointConfig"),
    (Fault("CreateEndpoint", "ResourceLimitExceeded"), "quota does not allow CreateEndpoint"),
]


@pytest.mark.parametrize(
    ("fault", "sentence"), FAILING, ids=[f"{fault.action}-{fault.code}" for fault, _ in FAILING]
)
def test_a_failure_in_the_middle_leaves_nothing(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str], fault: Fault, sentence: str
) -> None:
    cloud.faults.append(Fault(fault.action, fault.code, fault.message, fault.status))
    assert run(tool, "deploy") == 1
    assert sentence in last_line(capsys)
    assert cloud.there() == NOTHING


def test_an_endpoint_that_fails_says_why_and_goes(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.states += [
        ("Creating", None),
        ("Creating", None),
        ("Failed", "It did not pass the ping health check."),
    ]
    assert run(tool, "deploy") == 1
    said = last_line(capsys)
    assert "did not come into service: It did not pass the ping health check. Its log" in said
    assert cloud.there() == NOTHING


def test_one_that_takes_too_long_is_taken_down(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.states += [("Creating", None)]
    assert run(tool, "deploy", "--patience", "0") == 1
    assert "is still Creating" in last_line(capsys)
    assert cloud.there() == NOTHING


def test_a_throttled_look_is_only_another_look(tool: ModuleType, cloud: Cloud) -> None:
    cloud.states += [("Creating", None)]
    assert run(tool, "deploy") == 0
    cloud.faults.append(Fault("DescribeEndpoint", "ThrottlingException", times=3))
    assert run(tool, "deploy") == 0


def test_one_that_is_not_seen_at_once_is_looked_for_again(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    why = 'Could not find endpoint "penguins".'
    cloud.faults.append(Fault("DescribeEndpoint", "ValidationException", why, times=3))
    assert run(tool, "deploy") == 0
    assert "not seen, 0 min" in capsys.readouterr().err


def test_a_role_that_is_not_known_yet_is_waited_for(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    why = "Could not assume role arn. Please ensure that the role exists"
    cloud.faults.append(Fault("CreateModel", "ValidationException", why, times=2))
    assert run(tool, "deploy") == 0
    assert capsys.readouterr().err.count("does not know the new role yet") == 2


def test_a_role_of_ones_own_that_cannot_be_taken_on_is_no_waiting(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    why = "Could not assume role arn. Please ensure that the role exists"
    cloud.faults.append(Fault("CreateModel", "ValidationException", why))
    assert run(tool, "deploy", "--role", f"arn:aws:iam::{ACCOUNT}:role/mine") == 1
    assert "Could not assume role" in last_line(capsys)
    assert cloud.there() == NOTHING


def test_a_failing_replacement_gives_the_old_one_back(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tool, "deploy") == 0
    before = cloud.there()
    # The first look is at the old one, the next at what is gone; then the new one fails.
    cloud.states += [("InService", None), ("InService", None), ("Failed", "No capacity")]
    assert run(tool, "deploy", "--instance", "ml.c5.large") == 1
    assert "No capacity" in last_line(capsys)
    assert cloud.there() == before


def test_what_cannot_be_undone_is_told(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.faults += [
        Fault("CreateEndpoint", "ResourceLimitExceeded"),
        Fault("DeleteModel", "AccessDeniedException"),
    ]
    assert run(tool, "deploy") == 1
    said = capsys.readouterr().err
    assert re.search(r"not done: model penguins-\w+ is gone \(AccessDeniedException\)", said)
    assert {kind for kind, names in cloud.there().items() if names} == {"models"}
    cloud.faults.clear()
    assert run(tool, "delete") == 0
    assert cloud.there() == NOTHING


def test_delete_goes_on_where_it_is_denied(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tool, "deploy") == 0
    cloud.faults += [
        Fault("DeleteEndpointConfig", "AccessDeniedException"),
        Fault("DeleteRole", "AccessDenied"),
    ]
    assert run(tool, "delete") == 1
    said = last_line(capsys)
    assert "Not all could be deleted" in said
    assert "AWS denies DeleteEndpointConfig" in said
    assert f"role {ROLE}" in said
    assert {kind for kind, names in cloud.there().items() if names} == {"configs", "roles"}


def test_an_endpoint_still_being_made_is_waited_for_before_it_is_deleted(
    tool: ModuleType, cloud: Cloud
) -> None:
    assert run(tool, "deploy") == 0
    cloud.states += [("Creating", None), ("Creating", None)]
    cloud.calls.clear()
    assert run(tool, "delete") == 0
    assert cloud.calls.index("DeleteEndpoint") > 2 + cloud.calls.index("DescribeEndpoint")
    assert cloud.there() == NOTHING


def test_what_is_somebody_elses_stays(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    s3, iam = cloud.client("s3"), cloud.client("iam")
    s3.create_bucket(Bucket="class-bucket")
    s3.put_object(Bucket="class-bucket", Key="notes.txt", Body=b"ours")
    iam.create_role(RoleName="class-role", AssumeRolePolicyDocument="{}")
    own = ("--bucket", "class-bucket", "--role", f"arn:aws:iam::{ACCOUNT}:role/class-role")
    assert run(tool, "deploy", *own) == 0
    assert run(tool, "delete") == 0  # without saying again which bucket: the model does
    assert cloud.there() == {
        **NOTHING,
        "buckets": ["class-bucket"],
        "objects": ["notes.txt"],
        "roles": ["class-role"],
    }
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument="{}")
    assert run(tool, "deploy") == 1
    assert f"A role {ROLE} is there that this script did not make" in last_line(capsys)
    assert run(tool, "delete") == 0
    assert ROLE in cloud.there()["roles"]


def test_an_endpoint_of_that_name_that_is_somebody_elses_stays(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/r")
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="penguins", EndpointConfigName="c")
    before = cloud.there()
    for command in ("deploy", "delete"):
        assert run(tool, command) == 1
        assert "An endpoint penguins is there that this script did not make" in last_line(capsys)
        assert cloud.there() == before


def test_without_credentials(
    tool: ModuleType, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    for command in ("deploy", "predict", "delete"):
        assert run(tool, command) == 1
        assert last_line(capsys).startswith("No usable AWS credentials were found: run `aws configure`")
    assert cloud.calls == []


def test_wrong_places(
    tool: ModuleType, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tool, "deploy", "--region", "us-east-9") == 1
    assert "No scikit-learn image is known here for the region 'us-east-9'" in last_line(capsys)
    assert cloud.calls == []
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert run(tool, "deploy") == 1
    assert "AWS could not be reached in us-east-1" in last_line(capsys)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert run(tool, "deploy") == 1
    assert "nobody" in last_line(capsys)


def test_without_the_model_it_says_so(cloud: Cloud, tmp_path: Path) -> None:
    for file in HERE.glob("*.py"):
        shutil.copy(file, tmp_path)
    command = [sys.executable, str(tmp_path / "deploy.py"), "deploy", *QUICK]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.strip() == f"{tmp_path / 'model.tar.gz'} could not be read: No such file or directory."
    assert cloud.there() == NOTHING


@pytest.mark.parametrize("name", ["", "Penguins", "my_penguins", "-a", "a--b", "a" * 31])
def test_names_that_would_not_do(tool: ModuleType, cloud: Cloud, name: str) -> None:
    with pytest.raises(SystemExit) as caught:
        run(tool, "deploy", f"--name={name}")
    assert caught.value.code == 2
    assert cloud.calls == []


def test_a_dry_run_shows_what_a_real_one_does(
    tool: ModuleType, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("deploy", "delete"):
        assert run(tool, command) == 0
        done = [call for call in cloud.calls if not call.startswith(READING)]
        cloud.calls.clear()
        capsys.readouterr()
        assert run(tool, command, "--dry-run") == 0
        shown = re.findall(r"^\w+\.(\w+)\(", capsys.readouterr().out, re.MULTILINE)
        shown = ["".join(map(str.capitalize, name.split("_"))) for name in shown]
        assert [name for name in shown if not name.startswith(READING)] == done
        assert cloud.calls == []
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert run(tool, "deploy", "--dry-run") == 0


def test_stopped_by_hand_it_takes_down_what_it_made(cloud: Cloud) -> None:
    cloud.states += [("Creating", None)] * 100_000
    process = subprocess.Popen(
        [sys.executable, str(HERE / "deploy.py"), "deploy", *QUICK], stderr=subprocess.PIPE, text=True
    )
    try:
        until = time.monotonic() + 30
        while "CreateEndpoint" not in cloud.calls or cloud.calls[-1] != "DescribeEndpoint":
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        with cloud.lock:
            cloud.states.clear()
        said = process.communicate(timeout=30)[1]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("Stopped.")
    assert cloud.there() == NOTHING


# -- asking -----------------------------------------------------------------------------------------------------------


REFUSING = [
    (
        Fault("InvokeEndpoint", "ValidationError", f"Endpoint penguins of account {ACCOUNT} not found."),
        "There is no endpoint penguins in us-east-1: run `python deploy.py deploy` first.",
    ),
    (
        Fault("InvokeEndpoint", "ModelError", "Received server error (500) from primary", 424),
        "its code could not answer: Received server error (500) from primary.",
    ),
    (Fault("InvokeEndpoint", "AccessDeniedException", status=403), "AWS denies InvokeEndpoint"),
    (Fault("InvokeEndpoint", "ThrottlingException", status=400), "AWS throttled InvokeEndpoint"),
    (Fault("InvokeEndpoint", "ServiceUnavailable", status=503), "AWS refused InvokeEndpoint"),
]


@pytest.mark.parametrize(("fault", "sentence"), REFUSING, ids=[fault.code for fault, _ in REFUSING])
def test_an_endpoint_that_does_not_answer(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str], fault: Fault, sentence: str
) -> None:
    cloud.faults.append(Fault(fault.action, fault.code, fault.message, fault.status))
    assert run(tool, "predict") == 1
    assert sentence in last_line(capsys)


@pytest.mark.parametrize(
    "body", ["body", "", "[]", "null", '{"species": "Adelie"}', "[1, 2]", "<html></html>"]
)
def test_an_answer_without_species_is_none(
    tool: ModuleType, cloud: Cloud, capsys: pytest.CaptureFixture[str], body: str
) -> None:
    cloud.will_answer(body)
    assert run(tool, "predict") == 1
    assert "no list of species" in last_line(capsys)


class _Container(BaseHTTPRequestHandler):
    """Answers as the container would: a species a row, by the length of the flipper."""

    def log_message(self, *arguments: object) -> None:
        """Keeps quiet."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path != "/invocations":
            self.send_error(404)
            return
        if self.headers["Content-Type"] == "text/csv":
            rows = [[float(cell) for cell in line.split(",")] for line in body.splitlines()]
        else:
            rows = json.loads(body)
        answer = json.dumps(["Gentoo" if row[2] > 205 else "Adelie" for row in rows]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


@pytest.fixture
def container() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Container)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["", "/", "/invocations"])
def test_a_server_on_this_machine_is_asked_without_an_account(
    tool: ModuleType, container: str, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    assert run(tool, "predict", "--url", container + path) == 0
    assert "[50.0, 16.3, 230, 5700]      -> Gentoo\n" in capsys.readouterr().out
    assert run(tool, "predict", "--url", container + path, "--file", str(HERE / "sample.csv")) == 0
    assert "39.1,18.7,181,3750           -> Adelie\n" in capsys.readouterr().out


def test_a_server_that_refuses_or_is_not_there(
    tool: ModuleType, container: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for url, sentence in (
        (container + "/elsewhere", "The server answered 404"),
        ("http://127.0.0.1:9", "No server answered at http://127.0.0.1:9"),
        ("https://example.org", "is no address of a server on this machine"),
        ("127.0.0.1:8080", "is no address of a server on this machine"),
        ("http://127.0.0.1:99999", "is no address of a server on this machine"),
    ):
        assert run(tool, "predict", "--url", url) == 1
        assert sentence in last_line(capsys)
    assert run(tool, "predict", "--url", container, "--file", str(tmp_path / "none.json")) == 1
    assert "could not be read" in last_line(capsys)
    assert run(tool, "predict", "--url", container, "--file", str(HERE / "README.md")) == 1
    assert "should end in .json, .csv, .npy" in last_line(capsys)


# -- what lies beside it ---------------------------------------------------------------------------------------------


def test_the_endpoint_file_names_what_is_deployed(tool: ModuleType) -> None:
    from grader.live import endpoint_file

    files = frozenset(f"aws_deploy/{path.name}" for path in HERE.iterdir())
    raw = (HERE / "endpoint.yaml").read_bytes()
    (entry,) = endpoint_file.read(raw, "aws_deploy/endpoint.yaml", platform="aws", files=files, most=20)
    assert (entry.platform, entry.endpoint, entry.region) == ("aws", tool.NAME, tool.REGION)
    assert entry.sample == "aws_deploy/sample_request.json"


def test_the_samples_are_of_the_models_form() -> None:
    rows = json.loads((HERE / "sample_request.json").read_text())
    rows += [[float(cell) for cell in line.split(",")] for line in (HERE / "sample.csv").read_text().split()]
    assert all(len(row) == 4 for row in rows)
