"""What the three checks say of a rehearsal, and which cause they see in a traceback."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.checks import rehearsal as checks
from grader.checks.cause import Seen
from grader.checks.causes import explain
from grader.checks.subject import Subject
from grader.checks.verdict import Verdict
from grader.facts.asked import Attempt, Rehearsal, Stage
from grader.facts.records import DeployFolder, Facts, File, Place

FOLDER = DeployFolder("aws_deploy", "aws", True)
FACTS = Facts(
    files=(File("aws_deploy/inference.py", 1), File("aws_deploy/cleaning.py", 1)),
    folders=("aws_deploy",),
    deploy_folders=(FOLDER,),
)
GOOD = Attempt("one row of JSON", "application/json", "[[1.0]]", 200, "[0]", ("0",), seconds=0.004)
BAD = Attempt(
    "one row of JSON", "application/json", "[[1.0]]", 500, "", problem="ValueError: no", stage="predict",
    trace=("> inference.py:12 in predict_fn: return f(data)", "ValueError: no"),
)  # fmt: skip
UP = Rehearsal(
    "aws", "asked", model="aws_deploy/model.tar.gz!model.joblib", script="aws_deploy/inference.py",
    declared="framework version 1.2-1", place=Place("aws_deploy/deploy.py", None, 3), python="3.9.18",
    packages=(("numpy", "1.24.1"), ("scikit-learn", "1.2.1")), loads=Stage(True, seconds=1.234), ping=Stage(True),
    attempts=(GOOD,), contract="sagemaker",
)  # fmt: skip


def ask(rehearsal: Rehearsal | None, what: str = "predicts") -> Verdict:
    found = () if rehearsal is None else (rehearsal,)
    subject = Subject(FACTS, "aws", FOLDER, frozenset({"rehearse"}), found)
    verdict: Verdict = getattr(checks, what)(subject)
    assert verdict.message.endswith((".", "?"))
    assert verdict.evidence or verdict.status.value == "skipped"
    return verdict


def down(problem: str, **more: Any) -> Rehearsal:
    limit = more.pop("limit", None)
    return UP._replace(
        loads=Stage(False, problem, more.pop("trace", ()), limit), ping=Stage(), attempts=()
    )._replace(**more)


def test_all_well() -> None:
    loads = ask(UP, "loads")
    assert loads.status.value == "pass"
    assert "Python 3.9.18, scikit-learn 1.2.1 in 1.2 s" in loads.message
    assert ask(UP, "ping").status.value == "pass"
    predicts = ask(UP)
    assert predicts.message == (
        "The model answered `0` to one row of JSON under Python 3.9.18, scikit-learn 1.2.1 in 0.1 s."
    )


def test_requirements_that_do_not_install_are_named() -> None:
    problem = "Nobody can install `nope==9`: there is no such version."
    found = ask(down(problem, python=None, packages=()), "loads")
    assert found.status.value == "fail"
    assert "requirements.txt" in found.message
    assert "pip install -r" in (found.hint or "")
    left_out = (("requirements", "line 2 of requirements.txt was left out (it names an address)"),)
    assert ask(down(problem, python=None, doubts=left_out), "loads").status.value == "review"


def test_requirements_that_do_not_install_are_pointed_at() -> None:
    files = (*FACTS.files, File("aws_deploy/requirements.txt", 1))
    problem = "What requirements.txt asks for cannot be installed: no such version."
    found = (down(problem, python=None, packages=()),)
    subject = Subject(dataclasses.replace(FACTS, files=files), "aws", FOLDER, frozenset({"rehearse"}), found)
    assert [place.path for place in checks.loads(subject).evidence] == ["aws_deploy/requirements.txt"]


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"problem": "It was ended by SIGSEGV.", "trace": ()}, "grade rehearse --serve"),
        ({"problem": "ValueError: no"}, "Follow the traceback"),
        ({"problem": "The answer is said to be text/html, not JSON, CSV or npy.", "trace": ()}, "json.dumps"),
        ({"problem": "AttributeError: 'Tree' object has no attribute 'n_features_'"}, "Follow the traceback"),
    ],
)
def test_a_hint_speaks_of_what_is_there(change: dict[str, Any], hint: str) -> None:
    found = ask(UP._replace(attempts=(BAD._replace(**change),)))
    assert found.status.value == "fail"
    assert hint in (found.hint or "")


def test_what_another_version_wrote_is_said_where_it_warned() -> None:
    problem = "AttributeError: 'DecisionTreeClassifier' object has no attribute 'n_features_'"
    warned = ("UserWarning: Trying to unpickle estimator DecisionTreeClassifier from version 1.2.1",)
    found = ask(UP._replace(attempts=(BAD._replace(problem=problem),), warnings=warned))
    assert "written by another scikit-learn than scikit-learn 1.2.1" in (found.hint or "")


def test_warnings_and_what_is_not_as_declared_are_told() -> None:
    found = ask(
        UP._replace(
            warnings=("UserWarning: a", "UserWarning: b"), doubts=(("versions", "Python 3.9 was used"),)
        ),
        "loads",
    )
    assert found.status.value == "pass"
    assert "Python 3.9 was used" in found.message
    assert "it warned: `UserWarning: a` and 1 more" in found.message


@pytest.mark.parametrize(
    ("rehearsal", "statuses"),
    [
        (None, ("error", "error", "error")),
        (Rehearsal("gcp", "asked", loads=Stage(True)), ("error", "error", "error")),
        (Rehearsal("aws", "unavailable", "There is no sandbox."), ("error", "error", "error")),
        (Rehearsal("aws", "undecided", "Two archives."), ("review", "review", "review")),
        (Rehearsal("aws", "nothing", "No model.", lacks="model.present"), ("skipped", "skipped", "skipped")),
        (UP._replace(loads=Stage(), ping=Stage(), attempts=()), ("error", "error", "error")),
        (down("ValueError: odd"), ("fail", "review", "review")),
        (UP._replace(ping=Stage(False, "GET /ping was answered with status 404"), attempts=()), ("pass", "fail", "review")),
        (UP._replace(attempts=(), payload_problem="the model takes text"), ("pass", "pass", "review")),
    ],
)  # fmt: skip
def test_statuses(rehearsal: Rehearsal | None, statuses: tuple[str, ...]) -> None:
    assert tuple(ask(rehearsal, what).status.value for what in ("loads", "ping", "predicts")) == statuses


def test_what_lacks_is_named() -> None:
    found = ask(Rehearsal("aws", "nothing", "No script.", lacks="aws.model-fn"), "loads")
    assert found.because == "aws.model-fn"
    assert not found.open


def test_the_students_own_frames_are_places_in_the_submission() -> None:
    trace = (
        "> inference.py:7 in model_fn: return load(d)", "> cleaning.py:2 in load: return open(d)",
        "  sklearn/base.py:10 in f: g()", "> gone.py:1 in x: y", "ValueError: odd",
    )  # fmt: skip
    found = ask(down("ValueError: odd", trace=trace), "loads")
    assert found.evidence == (
        Place("aws_deploy/cleaning.py", None, 2, "return open(d)"),
        Place("aws_deploy/inference.py", None, 7, "return load(d)"),
    )


def test_frames_of_a_script_in_the_archive_point_into_it() -> None:
    inside = down("ValueError: odd", trace=("> inference.py:7 in f: g()",))._replace(
        script="aws_deploy/model.tar.gz!code/inference.py"
    )
    assert ask(inside, "loads").evidence[0].path == "aws_deploy/model.tar.gz!code/inference.py"


@pytest.mark.parametrize(
    ("problem", "doubts", "status"),
    [
        ("ModuleNotFoundError: No module named 'sklearn.externals'", (), "fail"),
        ("ModuleNotFoundError: No module named 'numpy._core'", (), "fail"),
        ("ModuleNotFoundError: No module named 'numpy._core'", (("numpy", "which NumPy is not told"),), "review"),
        ("ValueError: node array from the pickle has an incompatible dtype", (("versions", "none is declared"),), "review"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/opt/ml/model/a'", (("versions", "none"),), "fail"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/opt/ml/model/a'", (("place", "loose"),), "review"),
        ("ModuleNotFoundError: No module named 'cleaning'", (), "fail"),
        ("ModuleNotFoundError: No module named 'cleaning'", (("code", "its folder was taken"),), "review"),
        ("ModuleNotFoundError: No module named 'nltk'", (), "fail"),
        ("ModuleNotFoundError: No module named 'nltk'", (("requirements", "line 1 was left out"),), "review"),
        ("ModuleNotFoundError: No module named 'boto3'", (), "review"),
        ("OSError: [Errno 30] Read-only file system: '/opt/ml/model/x'", (), "review"),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", (), "review"),
        ("KeyError: 'MODEL_NAME'", (), "review"),
        ("KeyError: 'price'", (), "fail"),
        ("ValueError: odd", (("place", "loose"), ("code", "folder")), "fail"),
        ("ValueError: odd", (("versions", "nearest"),), "review"),
        ("AttributeError: pandas has no attribute 'x'", (("pandas", "pandas 2 was used"),), "fail"),
    ],
)  # fmt: skip
def test_a_failure_that_may_be_ours_is_a_persons_to_judge(
    problem: str, doubts: tuple[tuple[str, str], ...], status: str
) -> None:
    found = ask(down(problem, doubts=doubts), "loads")
    assert found.status.value == status, found.message
    assert found.hint


def test_another_package_counts_where_the_traceback_names_it() -> None:
    trace = ("  pandas/core/frame.py:3 in f: g()", "TypeError: x")
    found = ask(down("TypeError: x", trace=trace, doubts=(("pandas", "pandas 2.0 was used"),)), "loads")
    assert found.status.value == "review"


def test_a_limit_that_broke_is_the_deployments_own() -> None:
    found = ask(
        down(
            "It took more than the 2000 MB of memory that it may.",
            limit="memory",
            doubts=(("versions", "x"),),
        ),
        "loads",
    )
    assert found.status.value == "fail"
    assert "2000 MB" in found.message


def own(one: Attempt, path: str = "aws_deploy/sample_request.json") -> Attempt:
    return one._replace(origin=path, form=f"the request in {path}")


@pytest.mark.parametrize(
    ("attempts", "more", "status"),
    [
        ((own(GOOD),), {}, "pass"),
        ((own(BAD), own(GOOD, "aws_deploy/ask.py")), {}, "pass"),
        ((own(BAD), GOOD), {}, "fail"),
        ((own(BAD, "aws_deploy/README.md"), GOOD), {}, "review"),
        ((own(BAD, "aws_deploy/ask.py"),), {}, "fail"),
        ((BAD, GOOD), {}, "pass"),
        ((BAD,), {}, "fail"),
        ((BAD,), {"handlers": ("model_fn", "input_fn")}, "review"),
        ((BAD,), {"handlers": ("model_fn", "predict_fn")}, "fail"),
        ((BAD,), {"payload_problem": "the model takes text"}, "review"),
        ((own(BAD),), {"doubts": (("versions", "nearest"),)}, "review"),
        ((BAD._replace(limit="time", problem="It took longer than the 120 s that it may."),), {"handlers": ("input_fn",)}, "fail"),
        (
            (BAD._replace(problem="AttributeError: 'NoneType' object has no attribute 'predict'"),),
            {"handlers": ("model_fn", "input_fn"), "payload_problem": "the model takes text"}, "fail",
        ),
        (
            (BAD._replace(problem="ValueError: Specifying the columns using strings is only supported for dataframes."),),
            {"payload_problem": "the model takes words"}, "fail",
        ),
    ],
)  # fmt: skip
def test_predictions(attempts: tuple[Attempt, ...], more: dict[str, Any], status: str) -> None:
    found = ask(UP._replace(attempts=attempts, **more))
    assert found.status.value == status, found.message


@pytest.mark.parametrize(
    ("problem", "more", "means", "mend"),
    [
        ("ImportError: cannot import name 'joblib' from 'sklearn.externals' (x)", {}, "gone", "import joblib"),
        ("ValueError: unsupported pickle protocol: 5", {}, "protocol 5", "protocol=4"),
        ("AttributeError: Can't get attribute 'Clip' on <module '__main__' from 'x'>", {}, "`Clip`", "source_dir"),
        ("AttributeError: Can't get attribute 'X' on <module 'sklearn.tree._classes' from 'x'>", {}, "another scikit-learn", "again"),
        ("ModuleNotFoundError: No module named 'cv2'", {}, "`cv2`", "opencv-python-headless"),
        ("ModuleNotFoundError: No module named 'cleaning'", {}, "not shipped", "source_dir"),
        ("ModuleNotFoundError: No module named 'zoneinfo'", {}, "not in Python", "newer"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'C:/a.pkl'", {}, "source_dir", "model_dir"),
        ("FileNotFoundError: [Errno 2] No such file or directory: '/home/me/a.pkl'", {}, "no place in the container", "model_dir"),
        ("NotImplementedError: Please provide a model_fn implementation: inference.py has none.", {}, "top level", "model_fn"),
        ("ValueError: Expected 2D array, got 1D array instead", {"content_type": "text/csv"}, "one row of CSV", "reshape"),
        ("ValueError: Expected 2D array, got 1D array instead", {}, "flat list", "list of lists"),
        ("TypeError: float() argument must be a string or a real number, not 'dict'", {}, "Vertex AI's form", "input_fn"),
        ("ValueError: could not convert string to float: 'a'", {}, "words", "header"),
        ("ValueError: X has 3 features, but StandardScaler is expecting 4 features as input.", {}, "3 values", "as many"),
        ("AttributeError: 'dict' object has no attribute 'predict'", {}, "`dict`", "predict_fn"),
        ("AttributeError: 'NoneType' object has no attribute 'predict'", {}, "returned nothing", "every path"),
        ("TypeError: Object of type ndarray is not JSON serializable", {}, "no JSON", "tolist"),
        ("RuntimeError: Attempting to deserialize object on a CUDA device", {}, "GPU", "map_location"),
        ("_pickle.UnpicklingError: invalid load key, 'x'", {}, "loader expects", "joblib.load"),
        ("ValueError: Unsupported content type: application/json; charset=utf-8", {"content_type": "application/json; charset=utf-8"}, "as a whole", "exactly"),
        ("It took too long", {"limit": "time"}, "longer", "top level"),
    ],
)  # fmt: skip
def test_known_causes(problem: str, more: dict[str, str], means: str, mend: str) -> None:
    cause = explain(Seen(problem, UP, frozenset(f.path for f in FACTS.files), **more))
    assert means in cause.means
    assert mend in cause.mend


@pytest.mark.parametrize("contract", ["vertex", "ai-platform"])
def test_google_runs_no_code_of_the_students(contract: str) -> None:
    gcp = UP._replace(contract=contract, script=None)
    cause = explain(Seen("ModuleNotFoundError: No module named 'cleaning'", gcp, frozenset({"cleaning.py"})))
    assert "container of your own" in cause.mend
    by_name = explain(
        Seen("ValueError: Specifying the columns using strings is only supported for dataframes.", gcp)
    )
    assert "by number" in by_name.mend


@given(st.text(max_size=300), st.lists(st.text(max_size=80), max_size=5))
def test_no_text_of_a_servers_breaks_a_check(problem: str, trace: list[str]) -> None:
    for what in ("loads", "predicts"):
        bad = BAD._replace(problem=problem, trace=tuple(trace), answer=problem)
        shown = down(problem, trace=tuple(trace)) if what == "loads" else UP._replace(attempts=(bad,))
        found = ask(shown, what)
        assert found.status.value in ("fail", "review")
        assert not any(ord(c) < 32 for c in found.message)
