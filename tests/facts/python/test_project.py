"""Model calls, live uses, declared versions, shell text: sources and notebooks together."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.facts.code import CodeBlock
from grader.facts.python.parse import decode_source, parse
from grader.facts.python.project import Project
from tests.facts.python.helpers import facts, notebook

SDK = "from sagemaker.sklearn.model import SKLearnModel\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (SDK + "SKLearnModel(entry_point='i.py', framework_version='1.2-1')", ("SKLearnModel", "i.py", None, None, "1.2-1")),
        (SDK + "SKLearnModel('s3://b/m.tar.gz', role, 'i.py', '1.0-1')", ("SKLearnModel", "i.py", None, "s3://b/m.tar.gz", "1.0-1")),
        (SDK + "kw = {'entry_point': 'i.py'}\nSKLearnModel(source_dir='src', **kw)", ("SKLearnModel", "i.py", "src", None, None)),
        (SDK + "b = 'x'\nSKLearnModel(model_data=f's3://{b}/m')", ("SKLearnModel", None, None, "s3://x/m", None)),
        (SDK + "SKLearnModel(model_data='s3://{}/m'.format(bucket))", ("SKLearnModel", None, None, None, None)),
        (SDK + "def go(e='i.py'):\n  return SKLearnModel(entry_point=e)\n", ("SKLearnModel", "i.py", None, None, None)),
        (SDK + "def go(e):\n  return SKLearnModel(entry_point=e)\ngo('j.py')", ("SKLearnModel", "j.py", None, None, None)),
        ("import sagemaker as s\ns.sklearn.SKLearn('t.py', '0.23-1')", ("SKLearn", "t.py", None, None, "0.23-1")),
        (
            "import boto3\nboto3.client('sagemaker').create_model(PrimaryContainer={'ModelDataUrl': 's3://m',"
            " 'Environment': {'SAGEMAKER_PROGRAM': 'i.py'}})",
            ("create_model", "i.py", None, "s3://m", None),
        ),
        (
            "import boto3\nboto3.client('sagemaker').create_model(PrimaryContainer={'ModelDataUrl': 's3://m',"
            " 'Image': '683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.0-1-cpu-py3'})",
            ("create_model", None, None, "s3://m", "1.0-1"),
        ),
        (SDK + "import os\nB = os.getenv('BUCKET', '')\nSKLearnModel(model_data=f's3://{B}/m')", ("SKLearnModel", None, None, None, None)),
        (SDK + "import os\nB = os.getenv('BUCKET', 'own')\nSKLearnModel(model_data=f's3://{B}/m')", ("SKLearnModel", None, None, "s3://own/m", None)),
        (
            "import argparse\n" + SDK + "p = argparse.ArgumentParser()\np.add_argument('--v', default='1.2-1')\n"
            "SKLearnModel(framework_version=p.parse_args().v)",
            ("SKLearnModel", None, None, None, "1.2-1"),
        ),
    ],
)  # fmt: skip
def test_model_calls(source: str, expected: tuple[str | None, ...]) -> None:
    (call,) = facts({"deploy.py": source}).model_calls
    assert (
        call.class_name,
        call.entry_point,
        call.source_dir,
        call.model_data,
        call.framework_version,
    ) == expected


@pytest.mark.parametrize(
    "source",
    [
        "print(\"SKLearnModel(entry_point='i.py')\")",
        "class SKLearnModel: pass\nSKLearnModel(entry_point='i.py')",
        "from keras.models import Model\nModel(inputs=x)",
        "model_data = 's3://x'",
    ],
)
def test_no_model_calls(source: str) -> None:
    assert not facts({"deploy.py": source}).model_calls


def test_constants_of_another_cell_and_the_script_of_a_written_file() -> None:
    cells = (
        "V = '0.23-1'\nE = 'serve.py'",
        "%%writefile src/$E\nx = 1",
        SDK + "SKLearnModel(entry_point=E, source_dir='src', framework_version=V)",
    )
    (call,) = facts({"aws_deploy/n.ipynb": notebook(*cells)}).model_calls
    assert (call.script, call.framework_version, call.cell, call.line) == (
        "aws_deploy/src/serve.py",
        "0.23-1",
        2,
        2,
    )


@pytest.mark.parametrize(
    ("cell", "lines"),
    [
        ("x = a.as_matrix().tolist()\ny = (a\n  .as_matrix())", [1, 3]),
        ("# a.as_matrix()\nx = a.values  #.as_matrix()", []),
        ("'a.as_matrix()'\nprint('.as_matrix()')", []),
        ("%matplotlib inline\n!ls\nx = a.as_matrix()", [3]),
        ("print 'python 2'\nx = a.as_matrix()", [2]),
        ("<student> fills in\nx = a.as_matrix()", [2]),
        ("%%writefile t.py\nx = a.as_matrix()", [2]),
        ("%%bash\na.as_matrix()", []),
        ("%%time\nx = a.as_matrix()", [2]),
        ("rows = list(map(pd.DataFrame.as_matrix, frames))", [1]),
        ("for use in facts.as_matrix:\n    print(len(facts.as_matrix))", []),
    ],
)
def test_as_matrix(cell: str, lines: list[int]) -> None:
    assert [use.line for use in facts({"n.ipynb": notebook(cell)}).as_matrix] == lines


@pytest.mark.parametrize(
    ("source", "uses"),
    [
        ("from sklearn.externals import joblib", [(1, False)]),
        ("import sklearn.externals.joblib as j", [(1, False)]),
        ("from sklearn.externals.joblib import load", [(1, False)]),
        ("from sklearn.externals import six", []),
        ("try:\n  from sklearn.externals import joblib\nexcept ImportError:\n  import joblib", [(2, True)]),
        ("# from sklearn.externals import joblib", []),
    ],
)
def test_externals(source: str, uses: list[tuple[int, bool]]) -> None:
    assert [(use.line, use.guarded) for use in facts({"a.py": source}).sklearn_externals] == uses


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "body = {\n 'runtimeVersion': '2.4',\n 'deploymentUri': 'gs://b'}\nml.projects().models().versions().create(body=body)",
            (2, "2.4", None, None),
        ),
        (
            "from google.cloud import aiplatform\naiplatform.Model.upload(\n  serving_container_image_uri='sklearn-cpu.1-0')",
            (3, None, None, "sklearn-cpu.1-0"),
        ),
    ],
)
def test_versions(source: str, expected: tuple[object, ...]) -> None:
    (version,) = facts({"d.py": source}).versions
    assert (version.line, version.runtime_version, version.python_version, version.container) == expected


def test_training_is_no_deployment() -> None:
    source = "ml.projects().jobs().create(body={'jobId': 'a', 'trainingInput': {'runtimeVersion': '1.4'}})"
    assert not facts({"d.py": source}).versions


def test_a_readmes_block_gives_versions_and_nothing_else() -> None:
    text = (
        SDK + "SKLearnModel(entry_point='i.py')\nx.as_matrix()\nm.upload(serving_container_image_uri='c')\n"
    )
    found = facts({}, CodeBlock("README.md", 10, "python", text))
    assert [(v.line, v.via) for v in found.versions] == [(13, "readme")]
    assert not [*found.model_calls, *found.as_matrix, *found.model_fns]


def test_shell_text_with_what_is_known_there() -> None:
    found = facts(
        {
            "n.ipynb": notebook(
                "V = '2.4'\n%env M=m",
                "! gcloud x \\\n  --runtime-version {V} $M",
                "import os\nos.system(f'ls {V}')",
            )
        }
    )
    (first, second) = found.shell_texts
    assert (first.cell, first.line, dict(first.variables)) == (1, 1, {"V": "2.4", "M": "m"})
    assert first.origins["V"].form == "python"
    assert first.origins["M"].form == "shell-variable"
    assert (second.text, second.variables["V"]) == ("ls ${V}", "2.4")


@pytest.mark.parametrize(
    ("text", "whole", "python2"),
    [
        ("x = 1\n", True, False),
        ("print 'a'\n", False, True),
        ("try:\n  pass\nexcept E, e:\n  print e\n", False, True),
        ("type X = int\ndef f[T](a: T): pass\n", True, False),
        ('x = f"a{d["k"]}b"\n', True, False),
        ("try:\n  pass\nexcept* E:\n  pass\n", True, False),
        ("def f(:\n", False, False),
    ],
)
def test_parsing(text: str, whole: bool, python2: bool) -> None:
    parsed = parse(text)
    assert (parsed.whole, parsed.python2) == (whole, python2)


@pytest.mark.parametrize(
    ("data", "text", "readable"),
    [
        (b"\xef\xbb\xbfx = 1\r\n", "x = 1\n", True),
        (b"# coding: latin-1\nx = '\xe9'\n", "# coding: latin-1\nx = 'é'\n", True),
        (b"x = '\xe9'\n", "x = 'é'\n", False),
        ("x = 1".encode("utf-16"), "x = 1", False),
        (b"x = 1\0", "x = 1 ", False),
    ],
)
def test_encodings(data: bytes, text: str, readable: bool) -> None:
    found, problem = decode_source(data)
    assert (found, problem is None) == (text, readable)


PIECES = st.sampled_from([
    "def model_fn(d):\n", "    return ", "joblib.load(", "os.path.join(d, 'm')", ")\n", "%%writefile a.py\n", "!ls {x}\n", "if x:\n", "  ",
    "print 'a'\n", "f'{x", "'''", "x = ", "{", "}", "lambda d: ", "SKLearnModel(entry_point='i.py')", "\n", "\\\n", "\0", "\ue001", "for i in x:\n",
])  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES | st.text(max_size=8), max_size=25))
def test_no_text_raises(pieces: list[str]) -> None:
    text = "".join(pieces)
    found = facts({"a.py": text.encode("utf-8", "replace"), "n.ipynb": notebook(text, text)})
    assert all(fn.line >= 1 for fn in found.model_fns)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    assert len(facts({"a.py": data}).sources) == 1


@pytest.mark.parametrize(
    "source",
    [
        "def f0(x):\n  return x\n" + "".join(f"def f{i}(x):\n  " + "\n  ".join([f"f{i - 1}(x)"] * 8) + "\n" for i in range(1, 20)) + "f19(1)",
        "s = 'a'\n" + "s = s + s\n" * 200,
        "x = {}\n" + "x = {'a': x, 'b': x}\n" * 200 + "def model_fn(d):\n  return x\n",
        "def model_fn(d):\n" + "".join("  " * (i + 1) + f"for i{i} in [1, 2, 3, 4]:\n" for i in range(18)) + "  " * 19 + "pass\n",
        "x = " + "-" * 50_000 + "1",
        "def model_fn(d):\n  return model_fn(d)\n",
    ],
    ids=["calls", "texts", "dicts", "loops", "depth", "recursion"],
)  # fmt: skip
def test_work_is_bounded(source: str) -> None:
    import time

    start = time.process_time()
    facts({"a.py": source})
    assert time.process_time() - start < 4


def test_what_is_too_deep_for_this_parser_is_no_fault_of_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    from grader.facts.python import parse as parser

    real = parser._tree

    def gives_up(text: str) -> ast.Module:
        if "deep" in text:
            raise RecursionError("maximum recursion depth exceeded during ast construction")
        return real(text)

    monkeypatch.setattr(parser, "_tree", gives_up)
    project = Project(frozenset({"a.py"}), ())
    notes = project.add_source(
        "a.py", b"import joblib\n\ndef model_fn(d):\n    return joblib.load(d)\n\ndeep = 1\n"
    )
    found = project.finish()
    assert [note.why for note in notes] == ["nested too deeply"]
    assert [source.whole for source in found.sources] == [True]
    assert [fn.followed for fn in found.model_fns] == [False]
