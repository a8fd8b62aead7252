"""Shapes that students write, each row read by a person first: ``model_fn``, model calls, notebooks' oddities."""

from __future__ import annotations

import time

import pytest

from grader.facts.python.project import Project
from grader.facts.records import ModelFn
from tests.facts.python.helpers import facts, notebook

HEAD = "import functools, glob, io, joblib, json, os, pickle, sys, tarfile\nfrom pathlib import Path\n"


def only(source: str) -> ModelFn:
    (found,) = facts({"aws_deploy/inference.py": HEAD + source}).model_fns
    return found


@pytest.mark.parametrize(
    ("source", "loader", "loads", "from_dir", "returns"),
    [
        ("def model_fn(model_dir):\n  return joblib.load(model_dir + os.sep + 'm.pkl')", "joblib", ["m.pkl"], True, True),
        ("def model_fn(model_dir):\n  return joblib.load(os.path.sep.join([model_dir, 'm.pkl']))", "joblib", ["m.pkl"], True, True),
        ("def load(name, d):\n  return joblib.load(os.path.join(d, name))\nmodel_fn = functools.partial(load, 'm')", "joblib", ["m"], True, True),
        ("def load(d, name):\n  return joblib.load(os.path.join(d, name))\nmodel_fn = functools.partial(load, name='m')", "joblib", ["m"], True, True),
        ("class S:\n  def load(self, d):\n    self.m = joblib.load(os.path.join(d, 'm'))\n    return self\nS_ = S()\ndef model_fn(d):\n  return S_.load(d)", "joblib", ["m"], True, True),
        ("def model_fn(model_dir='/opt/ml/model'):\n  return joblib.load(os.path.join(model_dir, 'm'))", "joblib", ["m"], True, True),
        ("def model_fn(model_dir):\n  model_path = Path(model_dir, 'a', 'm')\n  return joblib.load(str(model_path))", "joblib", ["a/m"], True, True),
        ("NAMES = {'clf': 'clf.pkl', 'vec': 'vec.pkl'}\ndef model_fn(d):\n  return {k: joblib.load(os.path.join(d, v)) for k, v in NAMES.items()}", "joblib", ["clf.pkl", "vec.pkl"], True, True),
        ("def model_fn(d):\n  clf = joblib.load(os.path.join(d, 'clf'))\n  vec = joblib.load(os.path.join(d, 'vec'))\n  return clf, vec", "joblib", ["clf", "vec"], True, True),
        ("def model_fn(d):\n  try:\n    return joblib.load(os.path.join(d, 'm'))\n  except Exception as e:\n    print(e)\n    raise e", "joblib", ["m"], True, True),
        ("def model_fn(d):\n  try:\n    m = joblib.load(os.path.join(d, 'm'))\n  except Exception:\n    m = None\n  return m", "joblib", ["m"], True, False),
        ("def model_fn(d):\n  global model\n  model = joblib.load(os.path.join(d, 'm'))\n  return model", "joblib", ["m"], True, True),
        ("def model_fn(d):\n  model = joblib.load(os.path.join(d, 'm'))\n  print('loaded')", "joblib", ["m"], True, False),
        ("def model_fn(d):\n  with open(os.path.join(d, 'm'), 'rb') as f:\n    data = f.read()\n  return pickle.loads(data)", "pickle", ["m"], True, True),
        ("def model_fn(d):\n  with open(Path(d) / 'm', 'rb') as f:\n    return joblib.load(f)", "joblib", ["m"], True, True),
        ("def model_fn(d):\n  return joblib.load(glob.glob(os.path.join(d, '*.joblib'))[0])", "joblib", ["*.joblib"], True, True),
        ("def model_fn(d):\n  return joblib.load(next(Path(d).glob('*.pkl')))", "joblib", ["*.pkl"], True, True),
        ("def model_fn(d):\n  return joblib.load(os.path.join(d, '..', 'm'))", "joblib", ["../m"], True, True),
        ("def model_fn(d):\n  return joblib.load(d + 'm')", "joblib", ["m"], True, True),
        ("def model_fn(d):\n  return joblib.load('model.joblib')", "joblib", ["model.joblib"], False, True),
        ("def model_fn(d):\n  d = os.environ.get('SM_MODEL_DIR', d)\n  return joblib.load(os.path.join(d, 'm'))", "joblib", ["m"], None, True),
        ("def model_fn(d):\n  if os.path.exists(d + '/a'):\n    p = d + '/a'\n  else:\n    raise FileNotFoundError(d)\n  return joblib.load(p)", "joblib", ["a"], True, True),
        ("def model_fn(d):\n  return getattr(joblib, 'load')(os.path.join(d, 'm'))", "joblib", ["m"], True, True),
        ("def model_fn(d):\n  import joblib as jl\n  return jl.load(filename=os.path.join(d, 'm'))", "joblib", ["m"], True, True),
        ("def model_fn(d):\n  return (lambda p: joblib.load(p))(os.path.join(d, 'm'))", "joblib", ["m"], True, True),
        ("@functools.lru_cache(maxsize=1)\ndef model_fn(d):\n  return joblib.load(os.path.join(d, 'm'))", "joblib", ["m"], True, True),
        ("def model_fn(d, *args, **kwargs):\n  return joblib.load(os.path.join(d, *['a', 'm']))", "joblib", ["a/m"], True, True),
    ],
)  # fmt: skip
def test_model_fn(source: str, loader: str, loads: list[str], from_dir: bool | None, returns: bool) -> None:
    found = only(source)
    assert (found.loader, list(found.loads)) == (loader, loads)
    assert (found.from_model_dir, found.returns_on_all_paths) == (from_dir, returns)
    assert found.callable_with_one


def test_a_path_without_a_separator_is_told() -> None:
    assert "no-separator" in only("def model_fn(d):\n  return joblib.load(d + 'm')").names


@pytest.mark.parametrize(
    ("test", "guarded"),
    [("__name__ == '__main__'", True), ("'__main__' == __name__", True), ("__name__ != '__main__'", False)],
)
def test_under_a_main_guard(test: str, guarded: bool) -> None:
    found = only(f"if {test}:\n  def model_fn(d):\n    return joblib.load(d + '/m')\n")
    assert ("main-guard" in found.names, found.via) == (guarded, "nested" if guarded else "module")


@pytest.mark.parametrize(
    ("body", "alternatives"),
    [
        ("p = d + '/a'\n  if os.path.exists(p):\n    return joblib.load(p)\n  return joblib.load(d + '/b')", (("a",), ("b",))),
        ("try:\n    return joblib.load(d + '/a')\n  except OSError:\n    return joblib.load(d + '/b')", (("a",), ("b",))),
        ("if X:\n    return joblib.load(d + '/a')\n  return joblib.load(d + '/b')", ()),
        ("return joblib.load(d + '/a')", ()),
    ],
)  # fmt: skip
def test_files_of_which_one_will_do(body: str, alternatives: tuple[tuple[str, ...], ...]) -> None:
    assert only(f"def model_fn(d):\n  {body}\n").alternatives == alternatives


def test_an_unknown_helper_is_uncertain() -> None:
    found = only("from mylib import load_thing\ndef model_fn(d):\n  return load_thing(os.path.join(d, 'm'))")
    assert (found.loader, found.loads) == ("other", ("m",))
    assert "load_thing" in found.uncertain[0]


SK = "from sagemaker.sklearn.model import SKLearnModel\nfrom sagemaker.sklearn import SKLearn\nimport sagemaker, os\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("SKLearnModel(entry_point=os.path.join(os.path.dirname(__file__), 'i.py'), model_data=d)", ("SKLearnModel", "i.py", None)),
        ("from pathlib import Path\nH = Path(__file__).parent\nSKLearnModel(entry_point=str(H / 'i.py'))", ("SKLearnModel", "i.py", None)),
        ("kw = dict(entry_point='i.py')\nkw['framework_version'] = '1.2-1'\nSKLearnModel(**kw)", ("SKLearnModel", "i.py", "1.2-1")),
        ("def make(e, v='1.2-1'):\n  return SKLearnModel(entry_point=e, framework_version=v)\nmake('i.py')", ("SKLearnModel", "i.py", "1.2-1")),
        ("M = SKLearnModel\nM(entry_point='i.py')", ("SKLearnModel", "i.py", None)),
        ("class C:\n  E = 'i.py'\nSKLearnModel(entry_point=C.E)", ("SKLearnModel", "i.py", None)),
        ("import argparse\np = argparse.ArgumentParser()\np.add_argument('--entry', default='i.py')\na = p.parse_args()\nSKLearnModel(entry_point=a.entry)", ("SKLearnModel", "i.py", None)),
        ("def main():\n  SKLearnModel(entry_point='i.py')\nif __name__ == '__main__':\n  main()", ("SKLearnModel", "i.py", None)),
        ("from sagemaker.train import ModelTrainer\nfrom sagemaker.train.configs import SourceCode\nModelTrainer(source_code=SourceCode(source_dir='src', entry_script='t.py'))", ("ModelTrainer", "t.py", None)),
        ("SKLearn('t.py', framework_version='0.23-1', py_version='py3')", ("SKLearn", "t.py", "0.23-1")),
        ("from sagemaker.sklearn.model import SKLearnModel as Mo\nMo(entry_point='i.py')", ("SKLearnModel", "i.py", None)),
        ("V = os.environ.get('V', '1.2-1')\nSKLearnModel(entry_point='i.py', framework_version=V)", ("SKLearnModel", "i.py", "1.2-1")),
    ],
)  # fmt: skip
def test_model_calls(source: str, expected: tuple[str | None, ...]) -> None:
    (call,) = facts({"aws_deploy/deploy.py": SK + source}).model_calls
    assert (call.class_name, call.entry_point, call.framework_version) == expected


@pytest.mark.parametrize(
    ("cells", "script", "line"),
    [
        (["%cd src", "%%writefile i.py\ndef model_fn(d):\n  return 1"], "aws_deploy/src/i.py", 2),
        (["%cd src\n", "%cd ..", "%%writefile i.py\ndef model_fn(d):\n  return 1"], "aws_deploy/i.py", 2),
        (["import os\nos.chdir('src')", "%%writefile i.py\ndef model_fn(d):\n  return 1"], "aws_deploy/src/i.py", 2),
        (["!git clone https://example.org/r.git\n%cd r", "%%writefile i.py\ndef model_fn(d):\n  return 1"], "aws_deploy/i.py", 2),
        (["%cd /content", "%%writefile i.py\ndef model_fn(d):\n  return 1"], "aws_deploy/i.py", 2),
        (["%%bash\nmkdir -p code\ncat > i.py <<'EOF'\ndef model_fn(d):\n  return 1\nEOF\nls"], "aws_deploy/i.py", 4),
        (["%%bash\ncat <<EOF > code/i.py\nimport os\ndef model_fn(d):\n  return 1\nEOF"], "aws_deploy/code/i.py", 4),
        (["%%sh\ntee i.py <<EOF\ndef model_fn(d):\n  return 1\nEOF"], "aws_deploy/i.py", 3),
        (["%%writefile i.py\n", "%%writefile -a i.py\ndef model_fn(d):\n  return 1"], "aws_deploy/i.py", 2),
        (["%%capture\n%pip install x\n", "%%writefile ./i.py\n# -*- coding: utf-8 -*-\ndef model_fn(d):\n  return 1"], "aws_deploy/i.py", 3),
    ],
)  # fmt: skip
def test_files_that_notebooks_write(cells: list[str], script: str, line: int) -> None:
    (found,) = facts({"aws_deploy/n.ipynb": notebook(*cells)}).model_fns
    assert (found.script, found.line, found.via) == (script, line, "writefile")


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        (["import pandas as pd\ndf = pd.read_csv('x')\ny = df['a'].values()"], 3),
        (["import pandas as pd\ndf = pd.read_csv('x')", "x = df.drop('a', axis=1).values()"], 1),
        (["rows = data.values().tolist()"], 1),
        (["x = (table\n  .values()\n  .astype(float))"], 2),
        (["import pandas as pd\nfor v in pd.read_csv('x').to_dict().values():\n  print(v)"], None),
        (["d = {'a': 1}\nprint(list(d.values()))"], None),
        (["import pandas as pd\nx = pd.read_csv('x').values.tolist()"], None),
        (["import pandas as pd\nx = list(pd.read_excel('x', sheet_name=None).values())"], None),
    ],
)
def test_values_called(cells: list[str], line: int | None) -> None:
    found = facts({"n.ipynb": notebook(*cells)}).values_called
    assert [use.line for use in found] == ([] if line is None else [line])


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("BashOperator(task_id='x', bash_command='gcloud a b')", "gcloud a b"),
        ("V = '2.6'\nSSHOperator(command=f'gcloud a --v {V}')", "gcloud a --v ${V}"),
        ("KubernetesPodOperator(cmds=['gcloud'], arguments=['a', 'b'])", "gcloud a b"),
    ],
)
def test_operators_commands(source: str, text: str) -> None:
    (shell,) = facts({"dag.py": "import airflow\nfrom airflow.operators import *\n" + source}).shell_texts
    assert shell.text == text


@pytest.mark.parametrize(
    ("arguments", "container"),
    [
        ("framework='sklearn', framework_version='1.5'", "us-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-5:latest"),
        ("'sklearn', '1.6', 'europe-west4'", "europe-docker.pkg.dev/vertex-ai/prediction/sklearn-cpu.1-6:latest"),
        ("framework='sklearn', framework_version=unknown", None),
    ],
)  # fmt: skip
def test_the_helper_that_names_a_container(arguments: str, container: str | None) -> None:
    source = (
        "from google.cloud import aiplatform\nuri = aiplatform.helpers.get_prebuilt_prediction_container_uri("
        f"{arguments})\naiplatform.Model.upload(serving_container_image_uri=uri, artifact_uri='gs://b/m')\n"
    )
    (version,) = facts({"d.py": source}).versions
    assert version.container == container


def test_an_environment_variable_of_the_notebook_is_a_shell_variable() -> None:
    (shell,) = facts(
        {"n.ipynb": notebook("%env V=2.6", "!gcloud versions create --runtime-version $V")}
    ).shell_texts
    assert shell.variables["V"] == "2.6"
    assert shell.origins["V"].form == "shell-variable"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = 1\n\n<<<<<<< HEAD\ny = 2\n", "no Python 3 parses it: line 3: `<<<<<<< HEAD`"),
        ("print 'a'\n", "no Python 3 parses it: line 1: `print 'a'`"),
    ],
)
def test_what_no_python_parses_is_shown(text: str, why: str) -> None:
    (note,) = Project(frozenset({"a.py"}), ()).add_source("a.py", text.encode())
    assert note.why == why


def test_time_that_is_up_costs_the_files_that_were_not_reached() -> None:
    project = Project(frozenset({"aws_deploy/i.py", "b.py"}), ("aws_deploy",))
    project.add_source("b.py", b"import os\nx = df.as_matrix()\nos.system('ls')\n")
    found = project.finish(0.0)
    assert [use.line for use in found.as_matrix] == [2]
    assert [note.path for note in found.unread] == ["b.py"]


def test_work_grows_with_the_text() -> None:
    body = "".join(
        f"def step{i}(x, y=2):\n    for a in x:\n        if a > y:\n            os.system(f'cp {{a}}')\n"
        f"    return step{max(i - 1, 0)}(x) + step{max(i - 2, 0)}(x)\n\n"
        for i in range(60)
    )
    files = {f"pkg/m{n}.py": f"import os\nfrom pkg.m{max(n - 1, 0)} import *\n{body}" for n in range(55)}
    start = time.process_time()
    found = facts(files)
    assert len(found.sources) == 55
    assert time.process_time() - start < 8  # some 20,000 lines, on whatever machine runs this
