"""The checks of the folder, its README, the screenshot and leaked keys, asked about facts made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from grader.checks import evidence, folder, hygiene, readme
from grader.checks.subject import Subject
from grader.checks.verdict import Status, Verdict
from grader.facts import readme as readme_facts
from grader.facts.records import (
    CodeStep,
    DeployFolder,
    Facts,
    File,
    Illustration,
    Image,
    Model,
    Readme,
    Secret,
    Unread,
    Upload,
)

HOME = "aws_deploy"
AWS = DeployFolder(HOME, "aws", True)
README = f"{HOME}/README.md"


def subject(facts: Facts | None = None, home: DeployFolder | None = AWS, **named: Any) -> Subject:
    facts = replace(facts or Facts(), **named)
    files = {i.path for i in facts.images} | {r.path for r in facts.readmes} | {f.path for f in facts.files}
    known = {f.path: f for f in facts.files}
    facts = replace(
        facts,
        files=tuple(known.get(path, File(path, 10)) for path in sorted(files)),
        deploy_folders=facts.deploy_folders or ((home,) if home else ()),
    )
    return Subject(facts, "aws", home)


def written(path: str, text: str, *files: str) -> Readme:
    return readme_facts.read(path, text, frozenset({path, *files})).readme


def told(verdict: Verdict) -> Verdict:
    """Whatever a check says, it says it in one sentence, and where."""
    assert verdict.message.endswith(".")
    assert "\n" not in verdict.message
    if verdict.status not in (Status.PASS, Status.NOT_APPLICABLE):
        assert verdict.evidence
    return verdict


# --- folder.present


@pytest.mark.parametrize(
    ("path", "exact", "status"),
    [
        ("aws_deploy", True, Status.PASS),
        ("AWS_deploy", False, Status.PARTIAL),
        ("sagemaker_deploy", False, Status.PARTIAL),
        ("src/aws_deploy", False, Status.PARTIAL),
    ],
)
def test_folder_present(path: str, exact: bool, status: Status) -> None:
    verdict = told(folder.present(subject(home=DeployFolder(path, "aws", exact), folders=(path,))))
    assert verdict.status is status
    assert path in verdict.message


def test_folder_present_says_what_keeps_a_folder_from_it() -> None:
    moved = folder.present(subject(home=DeployFolder("src/aws_deploy", "aws", False)))
    named = folder.present(subject(home=DeployFolder("aws-deploy", "aws", False)))
    assert "not at the root" in moved.message
    assert "another name" in named.message


def test_folder_present_without_one() -> None:
    verdict = told(folder.present(Subject(Facts(folders=("src",)))))
    assert verdict.status is Status.FAIL
    assert "`aws_deploy` or `gcp_deploy`" in verdict.message
    near = told(folder.present(Subject(Facts(folders=("SageMaker", "local_deploy")))))
    assert near.status is Status.FAIL
    assert "`SageMaker`" in near.message


def test_folder_present_with_a_link_in_its_place() -> None:
    verdict = told(folder.present(subject(home=None, unread=(Unread("aws_deploy", "a symbolic link"),))))
    assert verdict.status is Status.FAIL
    assert "symbolic link" in verdict.message


def test_folder_present_where_not_all_files_were_listed() -> None:
    verdict = told(folder.present(subject(home=None, unread=(Unread(".", "more than 20000 files"),))))
    assert verdict.status is Status.REVIEW


def test_folder_present_takes_other_names() -> None:
    names = ("{platform}_deployment", "cloud")
    other = subject(home=DeployFolder("aws_deployment", "aws", False))
    assert folder.present(other, names=names).status is Status.PASS
    assert folder.present(subject(home=None, folders=("cloud",)), names=names).status is Status.PASS
    assert folder.present(subject(folders=(HOME,)), names=names).status is Status.PARTIAL


# --- readme.present

FULL = (
    "Upload model.tar.gz to the bucket. Create an endpoint in SageMaker, and wait until it is in service. Then invoke the "
    "endpoint with a JSON request.\n"
)


@pytest.mark.parametrize(
    ("readmes", "files", "status"),
    [
        ([written(README, "two words")], [], Status.PASS),
        ([written(f"{HOME}/readme.rst", "two words")], [], Status.PASS),
        ([], [], Status.FAIL),
        ([written(README, " \n")], [], Status.FAIL),
        ([written("README.md", "About the project.")], [], Status.FAIL),
        ([written("README.md", "See aws_deploy/.", f"{HOME}/a.py")], [], Status.PARTIAL),
        ([written("README.md", FULL + "AWS")], [], Status.PARTIAL),
        ([written("README.md", "Upload model.joblib to the bucket gs://b with gcloud.")], [], Status.FAIL),
        ([], [f"{HOME}/DEPLOYMENT_GUIDE.md"], Status.FAIL),
        ([written("README.md", FULL + "AWS")], [f"{HOME}/GUIDE.md"], Status.PARTIAL),
        ([], [f"{HOME}/docs/README.md"], Status.REVIEW),
        ([], [f"{HOME}/README.pdf"], Status.REVIEW),
        ([], [f"{HOME}/how_to_deploy.txt"], Status.FAIL),
        ([], [f"{HOME}/GUIDE.md", f"{HOME}/README.docx"], Status.REVIEW),
        ([], [f"{HOME}/requirements.txt", f"{HOME}/LICENSE.md"], Status.FAIL),
        ([], [README], Status.REVIEW),
        ([written("gcp_deploy/README.md", "two words")], [], Status.FAIL),
    ],
)
def test_readme_present(readmes: list[Readme], files: list[str], status: Status) -> None:
    asked = subject(readmes=tuple(readmes), files=tuple(File(path, 10) for path in files))
    assert told(readme.present(asked)).status is status


def test_readme_present_names_the_document_that_has_another_name() -> None:
    verdict = told(readme.present(subject(files=(File(f"{HOME}/GUIDE.md", 10),))))
    assert f"`{HOME}/GUIDE.md`" in verdict.message
    assert verdict.hint is not None
    assert "Rename `GUIDE.md` to `README.md`" in verdict.hint


def test_readme_present_counts_words() -> None:
    assert (
        readme.present(subject(readmes=(written(README, "two words"),)), least_words=3).status is Status.FAIL
    )


# --- readme.instructions

RUSSIAN = "Загрузите модель в хранилище, затем создайте конечную точку и отправьте туда запрос. " * 6


@pytest.mark.parametrize(
    ("text", "status", "fraction"),
    [
        (FULL, Status.PASS, 1.0),
        (
            "```\naws s3 cp model.tar.gz s3://b/\npython deploy.py\naws sagemaker-runtime invoke-endpoint x\n```",
            Status.PASS,
            1.0,
        ),
        ("Upload model.tar.gz to the bucket. Create an endpoint.", Status.PARTIAL, 2 / 3),
        ("Create an endpoint.", Status.PARTIAL, 1 / 3),
        ("- Upload to S3\n- Deploy with SageMaker\n- Test endpoint\n", Status.REVIEW, 1.0),
        ("# Predict", Status.FAIL, 1.0),
        ("# AWS\n\nThis project predicts the price of a house. " * 10, Status.FAIL, 1.0),
        (RUSSIAN, Status.REVIEW, 1.0),
        (RUSSIAN + "\n\n```\naws s3 cp m.tar.gz s3://b\n```\n", Status.REVIEW, 1.0),
        ("![](1.png) ![](2.png) ![](3.png)", Status.REVIEW, 1.0),
        ("Everything is in [the report](report.pdf).", Status.REVIEW, 1.0),
        ("The deployment failed: access to CreateEndpoint was denied. " + FULL, Status.PASS, 1.0),
    ],
)
def test_readme_instructions(text: str, status: Status, fraction: float) -> None:
    own = written(README, text, *(f"{HOME}/{n}.png" for n in (1, 2, 3)), f"{HOME}/report.pdf")
    verdict = told(readme.instructions(subject(readmes=(own,))))
    assert verdict.status is status
    assert verdict.fraction == pytest.approx(fraction)


def test_readme_instructions_names_what_is_left_out() -> None:
    verdict = readme.instructions(subject(readmes=(written(README, "Create an endpoint."),)))
    assert "getting the model there and calling it" in verdict.message


def test_readme_instructions_knows_the_assignment() -> None:
    text = (
        "Choose one of the providers, and deploy your project dataset. Create a separate folder in your repository "
        "called `{name_of_platform}_deploy`. Take a screenshot somehow showing you able to make predictions.\n"
    )
    verdict = told(readme.instructions(subject(readmes=(written(README, text),))))
    assert verdict.status is Status.FAIL
    assert "assignment" in verdict.message


def test_readme_instructions_follows_what_it_says_to_run() -> None:
    script, book = f"{HOME}/go.py", f"{HOME}/ask.ipynb"
    own = written(README, "Run `go.py`, then open and run `ask.ipynb`.", script, book)
    steps = (
        CodeStep(script, None, 9, "create"),
        CodeStep(book, 3, 1, "call"),
        CodeStep("x.py", None, 1, "get-model-there"),
    )
    asked = subject(readmes=(own,), steps=steps)
    assert told(readme.instructions(asked)).fraction == pytest.approx(2 / 3)
    uploads = (Upload(script, None, 3, "m.tar.gz", "s3://b/m.tar.gz", "python"),)
    assert readme.instructions(subject(asked.facts, uploads=uploads)).status is Status.PASS
    unread = subject(asked.facts, unread=(Unread(script, "not valid JSON"),))
    assert told(readme.instructions(unread)).status is Status.REVIEW


def test_readme_instructions_judges_the_roots_where_that_covers() -> None:
    root = written("README.md", FULL + "On AWS.")
    assert readme.instructions(subject(readmes=(root,))).status is Status.PASS


def test_readme_instructions_in_a_form_that_is_not_read_are_reviewed() -> None:
    asked = subject(files=(File(f"{HOME}/README.pdf", 10),))
    assert told(readme.instructions(asked)).status is Status.REVIEW


# --- evidence.screenshot


def image(path: str, kind: Any = "picture", **named: Any) -> Image:
    return Image(path, "PNG", 800, 600, kind=kind, **named)


def shown(target: str, kind: Any = "local", path: str = README, **named: Any) -> Illustration:
    return Illustration(path, None, 3, kind, target, **named)


OWN = written(README, "two words")


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (Facts(images=(image(f"{HOME}/1.png"),)), Status.REVIEW),
        (Facts(images=(image("img/1.png"),), illustrations=(shown("img/1.png"),)), Status.REVIEW),
        (
            Facts(images=(image("img/1.png"),), illustrations=(shown("img/1.png", embedded=False),)),
            Status.REVIEW,
        ),
        (Facts(illustrations=(shown("https://x/y.png", "remote"),)), Status.REVIEW),
        (Facts(illustrations=(shown("https://youtu.be/x", "video", embedded=False),)), Status.REVIEW),
        (Facts(illustrations=(shown("report.pdf", "pdf", embedded=False),)), Status.REVIEW),
        (Facts(illustrations=(shown("a.png", "attachment", f"{HOME}/n.ipynb"),)), Status.REVIEW),
        (Facts(illustrations=(shown("image/png", "output", f"{HOME}/n.ipynb"),)), Status.REVIEW),
        (Facts(files=(File(f"{HOME}/demo.mp4", 9),)), Status.REVIEW),
        (Facts(images=(image(f"{HOME}/1.png", problem="damaged"),)), Status.REVIEW),
        (Facts(images=(image("screenshots/prediction.png"),)), Status.REVIEW),
        (
            Facts(
                images=(image("img/1.png"),),
                illustrations=(shown("img/1.png", path="README.md", alt="prediction"),),
            ),
            Status.REVIEW,
        ),
        (Facts(unread=(Unread(f"{HOME}/n.ipynb", "not valid JSON"),)), Status.REVIEW),
        (Facts(unread=(Unread(".", "more than 20000 files"),)), Status.REVIEW),
        (Facts(), Status.FAIL),
        (Facts(images=(image(f"{HOME}/logo.png", "decoration"),)), Status.FAIL),
        (Facts(images=(image(f"{HOME}/loss.png", "plot"), image(f"{HOME}/x.png", "tiny"))), Status.FAIL),
        (
            Facts(illustrations=(shown("https://img.shields.io/x.svg", "remote", decoration=True),)),
            Status.FAIL,
        ),
        (Facts(illustrations=(shown("https://x/confusion_matrix.png", "remote"),)), Status.FAIL),
        (Facts(illustrations=(shown("gone.png", "missing"),)), Status.FAIL),
        (Facts(images=(image("img/cat.png"),)), Status.FAIL),
        (
            Facts(images=(image("img/1.png"),), illustrations=(shown("img/1.png", path="docs/README.md"),)),
            Status.FAIL,
        ),
        (
            Facts(
                images=(image("gcp_deploy/prediction.png"),),
                deploy_folders=(AWS, DeployFolder("gcp_deploy", "gcp", True)),
            ),
            Status.FAIL,
        ),
    ],
)
def test_screenshot(facts: Facts, status: Status) -> None:
    assert told(evidence.screenshot(subject(facts, readmes=(OWN,)))).status is status


def test_the_likeliest_picture_comes_first() -> None:
    facts = Facts(
        images=(image(f"{HOME}/a.png"), image(f"{HOME}/prediction.png"), image("img/z.png")),
        illustrations=(
            shown("image/png", "output", f"{HOME}/n.ipynb"),
            shown("img/z.png", alt="the endpoint's answer"),
            shown("https://x/y.png", "remote"),
        ),
    )
    verdict = evidence.screenshot(subject(facts, readmes=(OWN,)))
    assert [place.path for place in verdict.evidence] == [
        "img/z.png",
        f"{HOME}/prediction.png",
        f"{HOME}/a.png",
        README,
        f"{HOME}/n.ipynb",
    ]


def test_a_picture_and_its_copy_are_one() -> None:
    first = image(f"{HOME}/a.png")
    copy = image(f"{HOME}/b.png", duplicate_of=first.path)
    assert len(evidence.screenshot(subject(images=(first, copy))).evidence) == 1


def test_twenty_places_are_told_and_the_rest_is_counted() -> None:
    verdict = evidence.screenshot(subject(images=tuple(image(f"{HOME}/{n}.png") for n in range(33))))
    assert (len(verdict.evidence), verdict.more_evidence) == (20, 13)


def test_the_roots_pictures_count_where_it_covers_the_folder() -> None:
    root = written("README.md", FULL + "AWS")
    facts = Facts(
        images=(image("img/1.png"),), illustrations=(shown("img/1.png", path="README.md"),), readmes=(root,)
    )
    assert evidence.screenshot(subject(facts)).status is Status.REVIEW


def test_a_folder_of_pictures_that_the_readme_names_counts() -> None:
    own = written(README, "The answers are in ../shots", "shots/1.png")
    assert (
        evidence.screenshot(subject(images=(image("shots/1.png"),), readmes=(own,))).status is Status.REVIEW
    )


def test_no_token_of_an_address_is_told() -> None:
    key = "AS" + "IA" + "QWERTZUIOPASDFG7"
    address = f"https://b.s3.amazonaws.com/x.png?X-Amz-Credential={key}&X-Amz-Signature=00ff"
    verdict = evidence.screenshot(subject(illustrations=(shown(address, "remote"),), readmes=(OWN,)))
    assert verdict.status is Status.REVIEW
    assert key not in repr(verdict)


# --- hygiene.secrets


def test_secrets_clean() -> None:
    assert hygiene.secrets(subject()).status is Status.PASS


def test_secrets_found() -> None:
    found = (Secret("n.ipynb", 2, 3, "aws-access-key-id"), Secret("n.ipynb", 2, 4, "aws-secret-access-key"))
    verdict = told(hygiene.secrets(subject(secrets=found)))
    assert verdict.status is Status.FAIL
    assert [(p.path, p.cell, p.line, p.excerpt) for p in verdict.evidence] == [
        ("n.ipynb", 2, 3, None),
        ("n.ipynb", 2, 4, None),
    ]


@pytest.mark.parametrize(
    ("unread", "status"),
    [
        (Unread("notes.txt", "2000000 bytes, more than the bound of 1000000"), Status.REVIEW),
        (Unread("n.ipynb", "more than 400 sources; it was not read"), Status.REVIEW),
        (Unread("a.py", "reading it took more than 4 s of processor time"), Status.REVIEW),
        (Unread(".", "more than 20000 files; the rest was not read"), Status.REVIEW),
        (Unread("a.py", "more than 400 sources; it was not read"), Status.PASS),
        (
            Unread("a.py", "not followed: the processor time for following programs was used up before"),
            Status.PASS,
        ),
        (Unread("n.ipynb", "more work than the bound allows; it was followed in part"), Status.PASS),
        (Unread("a.png", "40000000 bytes, more than the bound of 30000000"), Status.PASS),
        (Unread("m.joblib", "200000000 bytes, more than the bound of 150000000"), Status.PASS),
        (Unread("broken.ipynb", "not valid JSON: line 5 column 3"), Status.PASS),
        (Unread("old.py", "no Python 3 parses it"), Status.PASS),
        (Unread("data", "a symbolic link; not followed"), Status.PASS),
    ],
)
def test_secrets_with_unread_files(unread: Unread, status: Status) -> None:
    models = (Model("m.joblib", None, None, None),)
    assert told(hygiene.secrets(subject(unread=(unread,), models=models))).status is status
