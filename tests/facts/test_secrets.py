"""Credentials by their form. Every key here is put together when the tests run, and nobody's."""

from __future__ import annotations

import json
import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.facts import secrets
from grader.facts.code import CellOutput, NotebookCell, NotebookDocument
from tests.bounds import within_a_files_bound

_DICE = random.Random(20)
_MIXED = string.ascii_letters + string.digits


def letters(count: int, alphabet: str = _MIXED) -> str:
    return "".join(_DICE.choice(alphabet) for _ in range(count))


KEY_ID = "AK" + "IA" + letters(16, string.ascii_uppercase + "234567")
TEMPORARY_ID = "AS" + "IA" + letters(16, string.ascii_uppercase + "234567")
SECRET = letters(38, _MIXED + "/+") + "a9"
SESSION = "IQo" + "Jb3JpZ2lu" + letters(300, _MIXED + "/+")
PEM = "-----BEGIN " + "PRIVATE KEY-----"
PEM_END = "-----END " + "PRIVATE KEY-----"
BODY = "\n".join(letters(64, _MIXED + "/+") for _ in range(8))


def kinds(text: str) -> list[tuple[int, str]]:
    found = secrets.in_text("f.txt", text)
    assert all(s.path == "f.txt" and s.cell is None for s in found)
    return [(s.line, s.kind) for s in found]


def service_account(indent: int | None = 2) -> str:
    return json.dumps(
        {
            "type": "service_" + "account",
            "project_id": "my-project",
            "private_key_id": letters(40, "0123456789abcdef"),
            "private_key": f"{PEM}\n{BODY}\n{PEM_END}\n",
            "client_email": "grader@my-project.iam.gserviceaccount.com",
        },
        indent=indent,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"aws_access_key_id = {KEY_ID}", [(1, "aws-access-key-id")]),
        (f"aws_access_key_id = {TEMPORARY_ID}", [(1, "aws-access-key-id")]),
        (
            f"[default]\naws_access_key_id={KEY_ID}\naws_secret_access_key={SECRET}\n",
            [(2, "aws-access-key-id"), (3, "aws-secret-access-key")],
        ),
        (f'os.environ["AWS_SECRET_ACCESS_KEY"] = "{SECRET}"', [(1, "aws-secret-access-key")]),
        (f"export AWS_SECRET_ACCESS_KEY={SECRET}", [(1, "aws-secret-access-key")]),
        (f'"SecretAccessKey": "{SECRET}"', [(1, "aws-secret-access-key")]),
        (f"Access key ID,Secret access key\n{KEY_ID},{SECRET}", [(2, "aws-secret-access-key")]),
        (f"{KEY_ID}\n{SECRET}\n", [(1, "aws-access-key-id"), (2, "aws-secret-access-key")]),
        (
            f"boto3.client('s3', aws_access_key_id='{KEY_ID}', aws_secret_access_key='{SECRET}')",
            [(1, "aws-secret-access-key")],
        ),
        (f"aws_session_token={SESSION}", [(1, "aws-session-token")]),
        (f'"SessionToken": "{SESSION}"', [(1, "aws-session-token")]),
        (f"{PEM}\n{BODY}\n{PEM_END}", [(1, "private-key")]),
        (f"# key\n-----BEGIN RSA {'PRIVATE KEY-----'}\n{BODY}", [(2, "private-key")]),
        (service_account(), [(5, "gcp-service-account-key")]),
        (service_account(None), [(1, "gcp-service-account-key")]),
        ("key = json.loads('''" + service_account(None) + "''')", [(1, "gcp-service-account-key")]),
        ("token = '" + "ghp" + "_" + letters(36) + "'", [(1, "api-token")]),
        ("github" + "_pat_" + letters(22) + "_" + letters(59), [(1, "api-token")]),
        ("glpat" + "-" + letters(20), [(1, "api-token")]),
        ("key=" + "AIza" + letters(35), [(1, "api-token")]),
        ("hf" + "_" + letters(34, string.ascii_letters), [(1, "api-token")]),
        ("sk" + "-proj-" + letters(60), [(1, "api-token")]),
        ("sk" + "-" + letters(48), [(1, "api-token")]),
        ("xoxb" + "-" + letters(12, string.digits) + "-" + letters(24), [(1, "api-token")]),
        ("ya29" + "." + letters(120), [(1, "api-token")]),
        ('{"username":"someone","key":"' + letters(32, "0123456789abcdef") + '"}', [(1, "api-token")]),
        ("WANDB_API_KEY=" + letters(40, "0123456789abcdef"), [(1, "api-token")]),
    ],
)
def test_a_credential_is_found_on_its_line(text: str, expected: list[tuple[int, str]]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "aws_access_key_id = " + "AK" + "IAIOSFODNN7" + "EXAMPLE",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY",
        "aws_access_key_id = " + "AK" + "IA" + "X" * 16,
        "AWS_ACCESS_KEY_ID=<your key id>\nAWS_SECRET_ACCESS_KEY=<your secret>",
        "api_key = 'your-api-key'",
        "aws_secret_access_key = os.environ['AWS_SECRET_ACCESS_KEY']",
        "AWS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY}",
        "aws_secret_access_key=" + "x" * 40,
        "aws_secret_access_key=" + "0123456789" * 4,
        "role = 'arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole-20200101T000001'",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/AbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbCd",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:0.23-1-cpu-py3",
        "GOOGLE_APPLICATION_CREDENTIALS=/home/me/keys/service-account.json",
        "SQLALCHEMY_DATABASE_URI = 'postgresql://postgres:postgres@localhost/test'",
        "secret commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "<div class='sk-toggleable__content fitted sk-estimator-doc-link'>sk-container-id-1</div>",
        "-----BEGIN " + "PRIVATE KEY-----\n...\n-----END",
        '"private_key": "-----BEGIN ' + 'PRIVATE KEY-----\\nYOUR KEY HERE\\n"',
        "-----BEGIN PUBLIC KEY-----\n" + BODY,
        "-----BEGIN CERTIFICATE-----\n" + BODY,
        "https://b.s3.amazonaws.com/x?X-Amz-Credential=" + TEMPORARY_ID + "%2F20200101&X-Amz-Signature=abc",
        "integrity sha512-" + letters(86) + "==",
        "iVBORw0KGgo" + letters(200, _MIXED + "/+"),
        "path/to/SomeVeryLongModuleName/With4Parts/inside",
        "secret = get_secret_value(SecretId=name)",
        "token: str = tokens[0]",
        "",
    ],
)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    assert kinds(text) == []


def test_one_entry_a_line() -> None:
    text = f"{KEY_ID} {TEMPORARY_ID} aws_secret_access_key={SECRET}"
    assert len(kinds(text)) == 1


def test_notebooks_are_searched_cell_by_cell_and_in_their_outputs() -> None:
    document = NotebookDocument(
        "n.ipynb",
        4,
        "python",
        (
            NotebookCell(0, "markdown", "# Title"),
            NotebookCell(1, "code", f"%%writefile credentials\n[default]\naws_access_key_id={KEY_ID}"),
            NotebookCell(2, "code", "print(key)", (CellOutput(f"a\nb\naws_secret_access_key={SECRET}"),)),
        ),
    )
    assert [(s.cell, s.line, s.kind) for s in secrets.in_notebook(document)] == [
        (1, 3, "aws-access-key-id"),
        (2, 3, "aws-secret-access-key"),
    ]


@pytest.mark.parametrize("secret", [KEY_ID, TEMPORARY_ID, SECRET, SESSION, "ghp" + "_" + letters(36)])
@pytest.mark.parametrize(
    "frame", ["{}", "key = '{}'", 'aws_secret_access_key="{}",', "print {} # it", "s3://bucket/{}"]
)
def test_hide_leaves_nothing_of_a_credential(secret: str, frame: str) -> None:
    shown = secrets.hide(frame.format(secret))
    assert not any(secret[n : n + 12] in shown for n in range(len(secret) - 12))
    assert "***" in shown


def test_hide_covers_the_ids_that_go_with_a_key() -> None:
    text = service_account()
    shown = secrets.hide(text)
    account = json.loads(text)
    for name in ("private_key", "private_key_id", "client_email"):
        assert account[name][:30] not in shown
    assert "my-project" in shown


@pytest.mark.parametrize(
    "text",
    [
        "clf = joblib.load(os.path.join(model_dir, 'model.joblib'))",
        "gcloud ai-platform versions create v1 --model m --origin gs://bucket/model/ --runtime-version 2.6",
        "model_data='s3://my-bucket/sagemaker/models/2021-04-20/output/model.tar.gz'",
        "secret = os.environ['AWS_SECRET_ACCESS_KEY']",
        "role = 'arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole'",
    ],
)
def test_hide_leaves_other_text_alone(text: str) -> None:
    assert secrets.hide(text) == text


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_taken(text: str) -> None:
    for found in secrets.in_text("p", text):
        assert 1 <= found.line <= text.count("\n") + 1
    assert secrets.hide(secrets.hide(text)) == secrets.hide(text)


_PIECES = st.sampled_from(
    [
        KEY_ID,
        SECRET,
        PEM,
        SESSION,
        "secret",
        "token=",
        'private_key": "',
        'client_email": "',
        "\n",
        "***",
        "=",
        "AKIA",
        "/",
        "ghp_",
        "{",
        "a" * 45,
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECES, max_size=12).map("".join))
def test_hiding_twice_changes_nothing(text: str) -> None:
    once = secrets.hide(text)
    assert secrets.hide(once) == once
    assert SECRET not in once


@pytest.mark.parametrize(
    "piece",
    [
        "A",
        "a1B/",
        "AKIA",
        "secret ",
        PEM,
        KEY_ID + " ",
        f"{KEY_ID}\n{SECRET}\n",
        "token=",
        'client_id": "',
        "wandb_login ",
        "ya29.",
        '"username":"',
        "sk-",
        'private_key":',
    ],
)
def test_time_grows_with_the_text_and_no_faster(piece: str) -> None:
    text = (piece * (300_000 // len(piece) + 1))[:300_000]
    with within_a_files_bound():
        secrets.in_text("p", text)
        secrets.hide(text)
