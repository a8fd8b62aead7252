"""``live.in-service`` and ``live.predicts``: what each thing that can be found out there means."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks import registry as checks
from grader.checks.live import lasted
from grader.checks.run import judge
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict
from grader.facts.asked import Attempt, LiveEndpoint, Rehearsal
from grader.facts.records import DeployFolder, Facts, Place, Unread
from grader.testing import facts_of

FILES = {"aws_deploy/README.md": "# Deploying\n", "gcp_deploy/README.md": "# Deploying\n"}
FACTS = facts_of(FILES)
AT = Place("aws_deploy/endpoint.yaml", None, 2)
ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/penguins"
DELETE = "aws sagemaker delete-endpoint --endpoint-name penguins --region us-east-1"
OK = Attempt("one row of JSON", "application/json", "[[1]]", 200, "[0]", ("0",))
ERROR = Attempt(
    "one row of JSON",
    "application/json",
    "[[1]]",
    500,
    "ValueError: no",
    problem="it answered with status 500",
)
BODY = Attempt("one row of JSON", "application/json", "[[1]]", 200, "body", problem="the answer is no JSON")
OWN_ERROR = ERROR._replace(origin="aws_deploy/sample.json", form="the sample request")


def endpoint(state: str = "in-service", **more: Any) -> LiveEndpoint:
    usual: dict[str, Any] = {
        "platform": "aws", "kind": "sagemaker", "name": "penguins", "named_by": "operator", "place": AT, "allowed": True,
        "region": "us-east-1", "account": "123456789012", "resource": ARN,
    }  # fmt: skip
    if state == "in-service":
        usual |= {"age": 7_300.0, "delete": DELETE, "attempts": (OK,)}
    return LiveEndpoint(state=state, **{**usual, **more})


def judged(
    *endpoints: LiveEndpoint,
    platform: str = "aws",
    facts: Facts = FACTS,
    rehearsals: tuple[Rehearsal, ...] = (),
    **parameters: Any,
) -> dict[str, Verdict]:
    folder = DeployFolder(f"{platform}_deploy", platform, True)
    subject = Subject(facts, platform, folder, frozenset({"live"}), rehearsals, endpoints)
    wanted = ["live.in-service", "live.predicts"]
    return judge(subject, wanted, checks.load_builtin(), parameters={"live.in-service": parameters})


TABLE: list[tuple[str, list[LiveEndpoint], str, str, str]] = [
    ("predicts", [endpoint()], "pass", "pass", "answers `0` to one row of JSON"),
    ("not known whose", [endpoint(allowed=False, named_by="files")], "review", "review", "123456789012"),
    ("an error to our request", [endpoint(attempts=(ERROR,))], "pass", "review", "status 500: `ValueError: no`"),
    ("an error to the student's own", [endpoint(attempts=(OWN_ERROR,))], "pass", "fail", "status 500: `ValueError: no`"),
    ("no prediction to ours", [endpoint(attempts=(BODY,))], "pass", "review", "no prediction"),
    ("no prediction to the student's own", [endpoint(attempts=(BODY._replace(origin="x.json"),))], "pass", "fail", "no prediction"),
    ("our form fails, the student's does", [endpoint(attempts=(ERROR, OK._replace(origin="x")))], "pass", "pass", "answers"),
    ("nothing to send", [endpoint(attempts=(), trouble="no-request", notes=("The model takes texts.",))], "pass", "review", "texts"),
    ("nothing sent", [endpoint(attempts=())], "pass", "review", "no request"),
    ("throttled at the prediction", [endpoint(attempts=(), trouble="throttled", notes=("Later.",))], "pass", "error", "later"),
    ("time-out after a failed form", [endpoint(attempts=(ERROR,), trouble="time-out")], "pass", "error", "could not"),
    ("updating", [endpoint(reason="it is being updated")], "pass", "pass", "answers"),
    ("absent", [endpoint("absent", reason="there is no endpoint of this name")], "fail", "skipped", "not there"),
    ("absent where it need not be", [endpoint("absent", certain=False)], "review", "review", "need not be where"),
    ("creating", [endpoint("creating")], "review", "review", "still being created"),
    ("failed", [endpoint("failed", reason="The container did not pass the ping.")], "fail", "skipped", "did not pass the ping"),
    ("refused", [endpoint("refused", reason="the address is loopback")], "fail", "skipped", "loopback"),
    ("switched off", [endpoint("switched-off", kind="ai-platform", name="?", reason="AI Platform was switched off")], "fail", "skipped", "switched off"),
    *(
        (trouble, [endpoint("unknown", trouble=trouble, reason="because")], "error", "skipped", "because")
        for trouble in ("no-credentials", "no-permission", "throttled", "time-out", "no-route", "no-client", "other", None)
    ),
    ("what names it is unread", [endpoint("unknown", trouble="unread", reason="damaged")], "review", "review", "damaged"),
    ("an address that nothing can be sent to", [endpoint("unknown", kind="url", trouble="no-request")], "review", "review", "not known"),
    ("none", [], "not-applicable", "not-applicable", "No live endpoint"),
    ("of the other platform", [endpoint(platform="gcp")], "not-applicable", "not-applicable", "No live endpoint"),
    ("one of two is up", [endpoint("absent", name="old"), endpoint()], "pass", "pass", "Also named: The endpoint `old`"),
    ("one could not be asked", [endpoint("absent", name="old"), endpoint("unknown", trouble="no-route")], "error", "skipped", "`old`"),
    ("two are up, one predicts", [endpoint(attempts=(OWN_ERROR,), name="old"), endpoint()], "pass", "pass", "`old`"),
    ("two are gone", [endpoint("absent", name="old"), endpoint("absent")], "fail", "skipped", "`old`"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("endpoints", "standing", "predicting", "said"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_verdicts(endpoints: list[LiveEndpoint], standing: str, predicting: str, said: str) -> None:
    found = judged(*endpoints)
    assert (found["live.in-service"].status.value, found["live.predicts"].status.value) == (
        standing,
        predicting,
    )
    assert said in found["live.in-service"].message + found["live.predicts"].message
    if standing not in ("pass", "not-applicable"):
        assert found["live.in-service"].evidence == (AT,)


def test_a_rubric_may_want_an_endpoint() -> None:
    found = judged(wanted=True)
    assert found["live.in-service"].status.value == "fail"
    assert found["live.predicts"].status.value == "skipped"
    assert found["live.in-service"].evidence == (Place("aws_deploy"),)


@pytest.mark.parametrize("path", [".", "aws_deploy/deploy.ipynb", "aws_deploy/endpoint.yaml"])
def test_none_in_what_was_read_is_not_none(path: str) -> None:
    unread = facts_of(FILES).__class__(
        deploy_folders=FACTS.deploy_folders, unread=(Unread(path, "too large"),), folders=FACTS.folders
    )
    assert judged(facts=unread)["live.in-service"].status.value == "review"


def test_data_that_was_not_read_names_no_endpoint() -> None:
    unread = facts_of(FILES).__class__(
        deploy_folders=FACTS.deploy_folders,
        unread=(Unread("aws_deploy/data.bin", "too large"),),
        folders=FACTS.folders,
    )
    assert judged(facts=unread)["live.in-service"].status.value == "not-applicable"


def test_whose_it_is_what_it_costs_and_how_to_end_that() -> None:
    message = judged(endpoint(scikit_learn="1.2.1"))["live.in-service"].message
    for part in (
        "account 123456789012",
        ARN,
        "scikit-learn 1.2.1",
        "up for 2 hours",
        "costs money",
        f"`{DELETE}`",
    ):
        assert part in message


def test_serverless_costs_only_while_it_is_asked() -> None:
    message = judged(endpoint(notes=("It is serverless: it costs something only while it is asked.",)))[
        "live.in-service"
    ].message
    assert "costs money until" not in message
    assert "only while it is asked" in message


@pytest.mark.parametrize(
    ("agrees", "said"), [(True, "as the rehearsal"), (False, "answers otherwise"), (None, "JSON.")]
)
def test_whether_it_agrees_with_the_rehearsal(agrees: bool | None, said: str) -> None:
    found = judged(endpoint(agrees=agrees))["live.predicts"]
    assert found.status.value == "pass"
    assert said in found.message


def test_what_the_rehearsal_answered_the_endpoint_must() -> None:
    """Our own request is known to be one that the student's code takes: then an error is the deployment's."""
    rehearsal = Rehearsal("aws", "asked", attempts=(OK,))
    assert (
        judged(endpoint(attempts=(ERROR,)), rehearsals=(rehearsal,))["live.predicts"].status.value == "fail"
    )
    other = Rehearsal("aws", "asked", attempts=(OK._replace(form="one row of CSV", content_type="text/csv"),))
    assert judged(endpoint(attempts=(ERROR,)), rehearsals=(other,))["live.predicts"].status.value == "review"


@pytest.mark.parametrize(
    ("image", "problem", "status"),
    [
        ("us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6:latest", None, "fail"),
        ("us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6:latest", "It takes texts.", "review"),
        ("us-docker.pkg.dev/lab/own/server:1", None, "review"),
        (None, None, "review"),
    ],
)
def test_googles_own_container_must_answer_numbers(
    image: str | None, problem: str | None, status: str
) -> None:
    found = endpoint(
        platform="gcp",
        kind="vertex",
        project="lab-project-1",
        attempts=(ERROR,),
        image=image,
        payload_problem=problem,
    )
    assert judged(found, platform="gcp")["live.predicts"].status.value == status


def test_texts_from_out_there_are_data() -> None:
    hostile = "`\x1b[31m\u202e" + "x" * 5_000
    found = judged(
        endpoint(
            name=hostile,
            reason=hostile,
            notes=(hostile,) * 9,
            attempts=(OK._replace(prediction=(hostile,)), ERROR),
        )
    )
    for verdict in found.values():
        assert "\x1b" not in verdict.message
        assert "\u202e" not in verdict.message
        assert len(verdict.message) < 3_000
        assert verdict.message.count("`") % 2 == 0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "less than a minute"),
        (61, "1 minute"),
        (150, "2 minutes"),
        (7_199, "119 minutes"),
        (7_200, "2 hours"),
        (172_800, "2 days"),
    ],
)
def test_how_long(seconds: float, said: str) -> None:
    assert lasted(seconds) == said
