"""Reports as they come out of grading, for the tests of every format."""

from __future__ import annotations

from collections.abc import Callable

from grader.checks.verdict import Status
from grader.facts.records import Place
from grader.report.model import Item, Mark, PlatformResult, Report, Score, SubmissionReport

FOLDER, MODEL, CARE = "The deployment folder", "The model on AWS", "Care"


def item(
    identifier: str,
    title: str,
    status: Status,
    points: float | None,
    possible: float,
    message: str = "",
    *,
    section: str = FOLDER,
    hint: str | None = None,
    at: tuple[Place, ...] = (),
    deduction: float = 0,
    more: int = 0,
    mark: Mark | None = None,
    because: str | None = None,
) -> Item:
    """An item with the defaults that most of them have."""
    return Item(
        identifier,
        title,
        section,
        status,
        points,
        possible,
        deduction > 0,
        deduction,
        message or f"{title}.",
        hint,
        at,
        more,
        points is None and status is not Status.NOT_APPLICABLE,
        because,
        mark,
    )


_PRESENT = item(
    "folder.present", "A folder for the platform", Status.PASS, 10, 10, "`aws_deploy` is at the root."
)
_README = item("readme.present", "The folder has a README of its own", Status.PASS, 5, 5)
_STEPS = item(
    "readme.instructions",
    "The README lets someone repeat the deployment",
    Status.PARTIAL,
    10,
    15,
    "Expected how to get the model there, how to create the deployment and how to call it; found no word on how to call it.",
    hint="Add the command or the code that sends a row of features to the endpoint, with what it answers.",
    at=(Place("aws_deploy/README.md", None, 12, "predictor = model.deploy(initial_instance_count=1)"),),
)
_PICTURE = item(
    "evidence.screenshot",
    "A picture of a prediction made against the deployment",
    Status.REVIEW,
    None,
    20,
    "Expected a picture of a prediction; found `aws_deploy/shot.png`, and what it shows was not established.",
    hint="Open the picture: it should show a request to the endpoint and its answer.",
    at=(Place("aws_deploy/shot.png"),),
)
_MODEL = item("model.present", "The model is in the repository", Status.PASS, 10, 10)
_ENTRY = item("aws.entry-point", "The entry point is there", Status.PASS, 8, 8, section=MODEL)
_MODEL_FN = item(
    "aws.model-fn",
    "The entry point defines model_fn",
    Status.FAIL,
    0,
    17,
    "Expected `model_fn(model_dir)` to return the model on every path; found a path that returns nothing.",
    section=MODEL,
    hint="Return the model in the `except` branch too, or let the exception through.",
    at=(
        Place("aws_deploy/inference.py", None, 14, "def model_fn(model_dir):"),
        Place("notebooks/Deploy my model.ipynb", 6, 3, "def model_fn(model_dir):"),
    ),
    more=3,
)
_LOADS = item(
    "aws.model-fn-loads",
    "model_fn loads what the archive holds",
    Status.SKIPPED,
    0,
    10,
    "Not looked at, because `aws.model-fn` (The entry point defines model_fn) did not pass.",
    section=MODEL,
    because="aws.model-fn",
)
_VERSION = item(
    "aws.framework-version",
    "The framework version fits the model",
    Status.ERROR,
    None,
    5,
    "The check itself failed (KeyError: '1.2-1'); this is not the student's doing.",
    section=MODEL,
)
_AS_MATRIX = item(
    "tutorial.as-matrix",
    "No live `.as_matrix()` is left",
    Status.FAIL,
    -5,
    0,
    "Expected `.values` or `.to_numpy()`; found `.as_matrix()` in live code.",
    section=CARE,
    deduction=5,
    hint="Replace `.as_matrix()` by `.values`.",
    at=(Place("gcp tutorial.ipynb", 2, 5, "train_features = raw.as_matrix().tolist()"),),
)
_PYTHON = item(
    "tutorial.python-version", "Python left blank", Status.NOT_APPLICABLE, None, 0, section=CARE, deduction=3
)
_SECRETS = item(
    "hygiene.secrets", "No credentials in the files", Status.PASS, 0, 0, section=CARE, deduction=10
)
_SAFE = item("model.safe", "The model names only what it needs", Status.PASS, 0, 0, section=CARE)

AWS = PlatformResult(
    "aws",
    Score(38, 63, 100, 2),
    (
        _PRESENT,
        _README,
        _STEPS,
        _PICTURE,
        _MODEL,
        _ENTRY,
        _MODEL_FN,
        _LOADS,
        _VERSION,
        _AS_MATRIX,
        _PYTHON,
        _SECRETS,
        _SAFE,
    ),
)
GCP = PlatformResult(
    "gcp",
    Score(22.5, 22.5, 100),
    (
        item(
            "folder.present",
            "A folder for the platform",
            Status.PARTIAL,
            5,
            10,
            "Expected `gcp_deploy`; found `GCP-deploy`.",
        ),
        item(
            "readme.present",
            "The folder has a README of its own",
            Status.FAIL,
            0,
            5,
            "Expected a README in `GCP-deploy`; found none.",
        ),
        item(
            "gcp.runtime-version",
            "A runtime that can be had",
            Status.PASS,
            17.5,
            20,
            section="The model on GCP",
        ),
    ),
)
_COMMIT = "3f2a1bc4d5e6f708192a3b4c5d6e7f8091a2b3c4"
OPEN = SubmissionReport(
    "https://github.com/ana/ml-lab",
    "main",
    _COMMIT,
    "2026-11-20T18:04:11+01:00",
    (),
    "graded",
    score=AWS.score,
    result=AWS,
    other_platforms=(GCP,),
    timings={"fetch": 0.8, "facts": 0.05, "checks": 0.01},
)
CLEAN = SubmissionReport(
    "submissions/Łukasz.zip",
    None,
    None,
    None,
    ("fixtures", "*.bak"),
    "graded",
    score=Score(100, 100, 100),
    result=PlatformResult(
        "aws",
        Score(100, 100, 100),
        (
            _PRESENT,
            _README,
            item(
                "evidence.screenshot",
                "A picture of a prediction made against the deployment",
                Status.PASS,
                20,
                20,
                "Marked by a person: pass.",
                mark=Mark(Status.PASS, 20, "Shows the endpoint's answer."),
            ),
        ),
    ),
    notes=("3 files are on disk but not committed.",),
    hidden=1,
)
BARE = SubmissionReport(
    "./empty",
    None,
    None,
    None,
    (),
    "graded",
    score=Score(0, 0, 100),
    result=PlatformResult(
        None,
        Score(0, 0, 100),
        (
            item(
                "folder.present",
                "A folder for the platform",
                Status.FAIL,
                0,
                10,
                "Expected a folder `aws_deploy` or `gcp_deploy`; found none.",
                at=(Place("."),),
                hint="Create a folder `aws_deploy` or `gcp_deploy` at the root of the repository.",
            ),
            item(
                "readme.present",
                "The folder has a README of its own",
                Status.SKIPPED,
                0,
                5,
                because="folder.present",
            ),
        ),
    ),
)
UNREADABLE = SubmissionReport(
    "https://github.com/nobody/nothing",
    None,
    None,
    None,
    (),
    "unreadable",
    "There is no such repository, or it is private.",
)
CRASHED = SubmissionReport(
    "bomb.tar.gz", None, None, None, (), "crashed", "Reading it took more than 600 MB of memory."
)
MEAN = SubmissionReport(
    "both-clouds",
    "main",
    None,
    None,
    (),
    "graded",
    score=Score(30.25, 42.75, 100, 2),
    result=AWS,
    other_platforms=(GCP,),
)


def report(*submissions: SubmissionReport) -> Report:
    """A report on ``submissions``."""
    return Report(
        "0.1.0",
        {"id": "cloud-deploy-lab", "version": 1, "sha256": "ab" * 32},
        "Lab: AWS and GCP machine learning",
        submissions,
    )


REPORTS: dict[str, Callable[[], Report]] = {
    "open": lambda: report(OPEN),
    "clean": lambda: report(CLEAN),
    "bare": lambda: report(BARE),
    "unreadable": lambda: report(UNREADABLE),
    "mean": lambda: report(MEAN),
    "class": lambda: report(OPEN, CLEAN, BARE, UNREADABLE, CRASHED, MEAN),
}
