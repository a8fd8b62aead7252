"""Requests from the student's own samples, and requests made from a model's features."""

from __future__ import annotations

import ast
import json
import struct
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.asking import npy
from grader.asking.handlers import handlers_of
from grader.asking.literals import calls_of, tables_of
from grader.asking.payloads import Payloads, candidates
from grader.asking.predictions import read
from grader.facts.gather import gather
from grader.facts.records import DeployFolder, Facts, Model
from grader.limits import Limits
from grader.testing import tree_of

LINEAR = Model(
    "aws_deploy/model.joblib",
    None,
    "joblib",
    "none",
    "sklearn.linear_model._base.LinearRegression",
    n_features=3,
)
AWS, GCP = DeployFolder("aws_deploy", "aws", True), DeployFolder("gcp_deploy", "gcp", True)


def nothing(path: str, limit: int) -> bytes:
    raise KeyError(path)


def made(model: Model | None = LINEAR, script: str = "", platform: str = "aws") -> Payloads:
    folder = AWS if platform == "aws" else GCP
    return candidates(Facts(), nothing, folder, platform, model=model, script=script)


def of(files: Mapping[str, str | bytes], platform: str = "aws", **more: Any) -> Payloads:
    """The requests of a submission with these files."""
    raw = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    tree = tree_of(raw)
    facts = gather(tree, Limits())
    folder = AWS if platform == "aws" else GCP
    return candidates(facts, tree.read, folder, platform, **more)


def own(found: Payloads) -> list[tuple[str, str, str | None]]:
    return [(p.content_type, p.body.decode("latin-1"), p.origin) for p in found.tried if p.origin]


# -- npy -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "descr", "shape"),
    [
        ([[1.0, 2.5]], "<f8", (1, 2)),
        ([[1, 2], [3, 4]], "<i8", (2, 2)),
        ([1, 2.5], "<f8", (2,)),
        ([["a", 1]], "<U1", (1, 2)),
        (["läng", "x"], "<U4", (2,)),
    ],
)
def test_an_array_is_written_as_numpy_reads_it(values: list[Any], descr: str, shape: tuple[int, ...]) -> None:
    raw = npy.array(values)
    assert raw is not None
    assert raw[:8] == b"\x93NUMPY\x01\x00"
    (length,) = struct.unpack("<H", raw[8:10])
    assert (10 + length) % 64 == 0
    header = ast.literal_eval(raw[10 : 10 + length].decode())
    assert header == {"descr": descr, "fortran_order": False, "shape": shape}
    flat = [str(cell) for row in values for cell in (row if isinstance(row, list) else [row])]
    told = list(read("application/x-npy", raw).values)
    assert told == flat or [float(v) for v in told] == [float(v) for v in flat]


@pytest.mark.parametrize("values", [[[1], [1, 2]], [None], [{"a": 1}], [[1], 2], [[[1]]], [10**400]])
def test_what_is_no_array_is_none(values: list[Any]) -> None:
    assert npy.array(values) is None


# -- what a script says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "defined", "types", "keys"),
    [
        ("def model_fn(d): ...", ("model_fn",), (), ()),
        ("from x import input_fn\ntransform_fn = other", ("input_fn", "transform_fn"), (), ()),
        (
            'def input_fn(b, t):\n if t == "text/csv": ...\n if t == "application/json": return j(b)["rows"]',
            ("input_fn",), ("text/csv", "application/json"), ("rows",),
        ),
        ('def output_fn(p, a):\n return p, "text/html"', ("output_fn",), (), ()),
        ('JSON = "application/json"\ndef input_fn(b, t): return b.get("a")', ("input_fn",), ("application/json",), ("a",)),
        ('try:\n  import a\nexcept ImportError:\n  def predict_fn(a, b): ...', ("predict_fn",), (), ()),
        ("def input_fn(b, t): return frame[['a', 'b']]", ("input_fn",), (), ("a", "b")),
        ("def input_fn(:", (), (), ()),
    ],
)  # fmt: skip
def test_a_script_tells_which_requests_it_takes(
    text: str, defined: tuple[str, ...], types: tuple[str, ...], keys: tuple[str, ...]
) -> None:
    found = handlers_of(text)
    assert (found.defined, found.content_types, found.keys) == (defined, types, keys)


# -- made from the model -------------------------------------------------------------------------------------------


def test_default_handlers_are_asked_in_the_three_forms_that_they_know() -> None:
    found = made()
    assert found.problem is None
    assert [p.content_type for p in found.tried] == ["application/x-npy", "application/json", "text/csv"]
    assert json.loads(found.tried[1].body) == [[1.0, 1.0, 1.0]]
    assert found.tried[2].body == b"1.0,1.0,1.0\n2.0,2.0,2.0\n"
    assert found.tried[0].accept == "application/x-npy"


def test_a_script_that_reads_requests_is_asked_in_its_own_form_first() -> None:
    script = 'def input_fn(b, t):\n    assert t == "application/json"\n    return json.loads(b)["data"]\n'
    first = made(script=script).tried[0]
    assert (first.content_type, json.loads(first.body)) == ("application/json", {"data": [[1.0, 1.0, 1.0]]})
    csv = made(script='def input_fn(b, t):\n    if t == "text/csv": return b').tried[0]
    assert csv.content_type == "text/csv"


def test_records_go_by_the_names_that_the_model_was_fitted_with() -> None:
    named = LINEAR._replace(feature_names=("a", "b", "c"))
    bodies = [p.body for p in made(named, "def input_fn(b, t): return pd.DataFrame(json.loads(b))").tried]
    assert json.dumps([{"a": 1.0, "b": 1.0, "c": 1.0}]).encode() in bodies


def test_google_is_sent_instances() -> None:
    found = made(platform="gcp")
    assert [json.loads(p.body) for p in found.tried] == [{"instances": [[1.0, 1.0, 1.0]]}]


@pytest.mark.parametrize(
    ("model", "tried"),
    [
        (None, False),
        (LINEAR._replace(n_features=None), False),
        (LINEAR._replace(n_features=10**9), False),
        (LINEAR._replace(globals=("sklearn.preprocessing._encoders.OneHotEncoder",)), True),
        (LINEAR._replace(steps=("sklearn.feature_extraction.text.TfidfVectorizer",), n_features=None), True),
    ],
)
def test_what_cannot_be_made_for_certain_is_a_problem(model: Model | None, tried: bool) -> None:
    found = made(model)
    assert found.problem
    assert bool(found.tried) is tried


# -- the student's own ---------------------------------------------------------------------------------------------

FN = "import joblib\ndef model_fn(d):\n    return joblib.load(d + '/model.joblib')\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"aws_deploy/sample_request.json": "[[1, 2]]"}, [("application/json", "[[1, 2]]", "aws_deploy/sample_request.json")]),
        ({"aws_deploy/sample.csv": "1,2\n3,4\n"}, [("text/csv", "1,2\n3,4\n", "aws_deploy/sample.csv")]),
        (
            {"aws_deploy/sample.csv": "a,b\n3,4\n"},
            [("text/csv", "a,b\n3,4\n", "aws_deploy/sample.csv"), ("text/csv", "3,4", "aws_deploy/sample.csv")],
        ),
        ({"aws_deploy/test.csv": "1,2\n"}, []),
        ({"aws_deploy/response.json": "[1]"}, []),
        ({"sample.json": "[1]"}, []),
        (
            {"aws_deploy/endpoint.yaml": "platform: aws\nsample: rows.txt\ncontent_type: text/csv\n", "aws_deploy/rows.txt": "5,6"},
            [("text/csv", "5,6", "aws_deploy/rows.txt")],
        ),
        (
            {"aws_deploy/endpoint.yaml": "platform: aws\nbody: '[[7]]'\n"},
            [("application/json", "[[7]]", "aws_deploy/endpoint.yaml")],
        ),
        (
            {"aws_deploy/ask.sh": "aws sagemaker-runtime invoke-endpoint --endpoint-name x --content-type text/csv --body '1,2' out"},
            [("text/csv", "1,2", "aws_deploy/ask.sh")],
        ),
        (
            {
                "aws_deploy/ask.sh": "aws sagemaker-runtime invoke-endpoint --endpoint-name x --body fileb://r.json o",
                "aws_deploy/r.json": "[[8]]",
            },
            [("application/json", "[[8]]", "aws_deploy/r.json")],
        ),
        (
            {"aws_deploy/README.md": "```bash\necho '[[9]]' > r.json\naws sagemaker-runtime invoke-endpoint --body fileb://r.json o\n```\n"},
            [("application/json", "[[9]]", "aws_deploy/README.md")],
        ),
        (
            {"aws_deploy/ask.sh": "curl -X POST http://localhost:8080/invocations -H 'Content-Type: text/csv' -d '3,4'"},
            [("text/csv", "3,4", "aws_deploy/ask.sh")],
        ),
        ({"aws_deploy/ask.sh": "curl -X POST http://example.com/other -d '3,4'"}, []),
        (
            {"aws_deploy/ask.py": "import json\nrows = [[1, -2.5]]\nr.invoke_endpoint(EndpointName='x', ContentType='application/json', Body=json.dumps(rows).encode())\n"},
            [("application/json", "[[1, -2.5]]", "aws_deploy/ask.py")],
        ),
        (
            {"aws_deploy/ask.py": "p.serializer = JSONSerializer()\npredictor.predict([[1, 2]])\n"},
            [("application/json", "[[1, 2]]", "aws_deploy/ask.py")],
        ),
        (
            {"aws_deploy/ask.py": "p = Predictor(serializer=CSVSerializer())\nmy_predictor.predict([[1, 2]])\n"},
            [("text/csv", "1,2", "aws_deploy/ask.py")],
        ),
        ({"aws_deploy/ask.py": "model.predict([[1, 2]])\n"}, []),
        ({"aws_deploy/ask.py": "predictor.predict(rows)\n"}, []),
        ({"other/ask.py": "predictor.predict([[1, 2]])\n"}, []),
    ],
)  # fmt: skip
def test_the_students_own_requests_on_aws(
    files: dict[str, str], expected: list[tuple[str, str, str]]
) -> None:
    assert own(of({"aws_deploy/inference.py": FN, **files})) == expected


def test_the_predictor_of_the_sdk_sends_npy() -> None:
    found = of(
        {"aws_deploy/inference.py": FN, "aws_deploy/ask.py": "predictor.predict(np.array([[1.0, 2.0]]))\n"}
    )
    (payload,) = [p for p in found.tried if p.origin]
    assert (payload.content_type, payload.accept) == ("application/x-npy", "application/x-npy")
    assert read("application/x-npy", payload.body).values == ("1.0", "2.0")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"gcp_deploy/request.json": '{"instances": [[1]]}'}, {"instances": [[1]]}),
        ({"gcp_deploy/sample.json": "[[1, 2], [3, 4]]"}, {"instances": [[1, 2], [3, 4]]}),
        ({"gcp_deploy/instances.json": "[1, 2]\n[3, 4]\n"}, {"instances": [[1, 2], [3, 4]]}),
        ({"gcp_deploy/instances.json": "[1, 2]\n"}, {"instances": [[1, 2]]}),
        ({"gcp_deploy/sample.csv": "a,b\n1,x\n"}, {"instances": [[1.0, "x"]]}),
        (
            {"gcp_deploy/go.sh": "gcloud ai-platform predict --model m --json-instances rows.txt", "gcp_deploy/rows.txt": "[5]\n"},
            {"instances": [[5]]},
        ),
        (
            {"gcp_deploy/go.sh": "gcloud ai endpoints predict 1 --region r --json-request=q.txt", "gcp_deploy/q.txt": '{"instances": [[6]]}'},
            {"instances": [[6]]},
        ),
        ({"gcp_deploy/go.py": "endpoint.predict(instances=[[7, 8]])\n"}, {"instances": [[7, 8]]}),
        ({"gcp_deploy/go.py": "s.projects().predict(name=n, body={'instances': [[9]]}).execute()\n"}, {"instances": [[9]]}),
    ],
)  # fmt: skip
def test_the_students_own_requests_on_google(files: dict[str, str], expected: dict[str, Any]) -> None:
    (one,) = own(of(files, "gcp"))
    assert (one[0], json.loads(one[1])) == ("application/json", expected)


def test_with_a_sample_nothing_is_a_problem() -> None:
    found = of({"aws_deploy/inference.py": FN, "aws_deploy/sample_request.json": "[[1]]"})
    assert found.problem is None
    assert found.tried[0].origin == "aws_deploy/sample_request.json"


# -- any bytes -----------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["sample.json", "sample.csv", "instances.jsonl", "endpoint.yaml", "request.npy", "ask.py", "ask.sh"]),
    st.binary(max_size=300) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass")),
    st.sampled_from(["aws", "gcp"]),
)  # fmt: skip
def test_no_file_makes_it_raise(name: str, data: bytes, platform: str) -> None:
    found = of({f"{platform}_deploy/{name}": data}, platform)
    assert all(len(p.body) <= 1_000_000 for p in found.tried)


def test_values_that_names_multiply_are_bounded() -> None:
    lines = ["x0 = 'a' * 1", f"x0 = {'a' * 1000!r}"] + [
        f"x{n} = [x{n - 1}] * 1 + [x{n - 1}, x{n - 1}]" for n in range(1, 9)
    ]
    lines += [f"y{n} = [{', '.join([f'y{n - 1}'] * 9)}]" for n in range(1, 9)]
    text = "\n".join([f"y0 = {'b' * 1000!r}", *lines, "predictor.predict(y8)"])
    (call,) = calls_of(tables_of(text), ("predict",))
    assert call.args == (...,)
