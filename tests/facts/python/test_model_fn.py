"""What ``model_fn`` loads, from where, and what it returns: the shapes that people write."""

from __future__ import annotations

import pytest

from grader.facts.records import ModelFn
from tests.facts.python.helpers import facts, notebook

JOIN = "import joblib, os, pickle\n"


def only(source: str, path: str = "aws_deploy/inference.py") -> ModelFn:
    (found,) = facts({path: source}).model_fns
    return found


@pytest.mark.parametrize(
    ("source", "loader", "loads", "from_model_dir"),
    [
        ("def model_fn(d):\n return joblib.load(os.path.join(d, 'm.joblib'))", "joblib", ["m.joblib"], True),
        ("def model_fn(d):\n return joblib.load(f'{d}/m.joblib')", "joblib", ["m.joblib"], True),
        ("def model_fn(d):\n return joblib.load(d + '/m.joblib')", "joblib", ["m.joblib"], True),
        ("def model_fn(d):\n return joblib.load('%s/%s' % (d, 'm.pkl'))", "joblib", ["m.pkl"], True),
        ("def model_fn(d):\n return joblib.load('{}/m.pkl'.format(d))", "joblib", ["m.pkl"], True),
        ("from pathlib import Path\ndef model_fn(d):\n return joblib.load(Path(d) / 'a' / 'm.pkl')", "joblib", ["a/m.pkl"], True),
        ("from pathlib import Path\ndef model_fn(d):\n return pickle.loads(Path(d).joinpath('m.pkl').read_bytes())", "pickle", ["m.pkl"], True),
        ("N = 'm.joblib'\ndef model_fn(d):\n p = os.path.join(d, N)\n return joblib.load(p)", "joblib", ["m.joblib"], True),
        ("def model_fn(d):\n with open(os.path.join(d, 'm.pkl'), 'rb') as f:\n  return pickle.load(f)", "pickle", ["m.pkl"], True),
        ("import gzip\ndef model_fn(d):\n return pickle.load(gzip.open(d + '/m.gz'))", "pickle", ["m.gz"], True),
        ("import cloudpickle as c\ndef model_fn(d):\n return c.load(open(d + '/m', 'rb'))", "cloudpickle", ["m"], True),
        ("from joblib import load as L\ndef model_fn(d):\n return L(os.path.join(d, 'm'))", "joblib", ["m"], True),
        ("from sklearn.externals import joblib\ndef model_fn(d):\n return joblib.load(os.path.join(d, 'm'))", "joblib", ["m"], True),
        ("def _load(p):\n return joblib.load(p)\ndef model_fn(d):\n return _load(os.path.join(d, 'm'))", "joblib", ["m"], True),
        ("model_fn = lambda d: joblib.load(os.path.join(d, 'm'))", "joblib", ["m"], True),
        ("def load(d):\n return joblib.load(d + '/m')\nmodel_fn = load", "joblib", ["m"], True),
        ("def model_fn(d):\n p = d + '/a' if X else d + '/b'\n return joblib.load(p)", "joblib", ["a", "b"], True),
        ("def model_fn(d):\n return {n: joblib.load(os.path.join(d, n)) for n in ['a', 'b']}", "joblib", ["a", "b"], True),
        ("def model_fn(d):\n p = os.path.join(d, os.listdir(d)[0])\n return joblib.load(p)", "joblib", ["*"], True),
        ("def model_fn(d):\n return joblib.load(os.path.join(d, unknown))", "joblib", ["*"], True),
        ("def model_fn(d):\n return joblib.load(unknown)", "joblib", ["*"], None),
        ("def model_fn(d):\n return joblib.load('/opt/ml/model/m')", "joblib", ["/opt/ml/model/m"], False),
        ("def model_fn(d):\n return joblib.load(os.path.join(os.environ['SM_MODEL_DIR'], 'm'))", "joblib", ["m"], None),
        ("from pathlib import Path\ndef model_fn(d):\n return joblib.load(Path(__file__).parent / 'm')", "joblib", ["m"], False),
        ("M = joblib.load('m.joblib')\ndef model_fn(d):\n return M", "joblib", ["m.joblib"], False),
        ("from transformers import AutoModel as A\ndef model_fn(d):\n return A.from_pretrained(d)", "transformers", ["."], True),
        ("import numpy as np\ndef model_fn(d):\n return np.load(d + '/a.npy'), np.load(d + '/b.npy')", "numpy", ["a.npy", "b.npy"], True),
        ("import onnxruntime as o\ndef model_fn(d):\n return o.InferenceSession(os.path.join(d, 'm.onnx'))", "onnxruntime", ["m.onnx"], True),
        ("import xgboost as x\ndef model_fn(d):\n b = x.Booster()\n b.load_model(d + '/m')\n return b", "xgboost", ["m"], True),
        (
            "import torch, json\ndef model_fn(d):\n c = json.load(open(d + '/c.json'))\n m = Net(c)\n"
            " with open(d + '/m.pth', 'rb') as f:\n  m.load_state_dict(torch.load(f))\n return m.eval()",
            "torch", ["c.json", "m.pth"], True,
        ),
        ("def model_fn(d):\n os.chdir(d)\n return joblib.load('m')", "joblib", ["m"], True),
        ("def model_fn(d=None):\n if d is None:\n  d = os.getenv('HOME_OF', '/opt/ml/model')\n return joblib.load(os.path.join(d, 'm'))", "joblib", ["m"], True),
        ("def model_fn(d):\n return object()", None, [], None),
        # an `if` that asks for the parameter: SageMaker hands it over
        ("def model_fn(d):\n if not d:\n  d = '/opt/ml/model'\n return joblib.load(os.path.join(d, 'm'))", "joblib", ["m"], True),
        ("def model_fn(d):\n if d:\n  d = os.path.join(d, 'in')\n return joblib.load(os.path.join(d, 'm'))", "joblib", ["in/m"], True),
        ("def model_fn(d):\n if d is not None:\n  p = d + '/m'\n else:\n  p = '/srv/m'\n return joblib.load(p)", "joblib", ["m"], True),
        # listings put together, and paths in the order in which they are written
        ("import glob\ndef model_fn(d):\n found = glob.glob(d + '/*.pkl') + glob.glob(d + '/*.joblib')\n return joblib.load(found[0])", "joblib", ["*.pkl", "*.joblib"], True),
        ("import glob\ndef model_fn(d):\n found = sorted(glob.glob(d + '/*.pkl'))\n return joblib.load(found[-1])", "joblib", ["*.pkl"], True),
        ("def model_fn(d):\n p = d + '/m'\n if not os.path.isfile(p):\n  p = d + '/old/m'\n return joblib.load(p)", "joblib", ["m", "old/m"], True),
        ("def model_fn(d):\n return [joblib.load(os.path.join(d, f'fold{n}.pkl')) for n in range(2)]", "joblib", ["fold0.pkl", "fold1.pkl"], True),
        ("def model_fn(d):\n return [joblib.load(os.path.join(d, f'fold{n}.pkl')) for n in range(500)]", "joblib", ["fold*.pkl"], True),
        # over the network: not from the parameter
        ("import boto3\ndef model_fn(d):\n o = boto3.client('s3').get_object(Bucket='b', Key='k')\n return pickle.loads(o['Body'].read())", "pickle", ["*"], False),
        ("import boto3, io\nB = boto3.resource('s3').Bucket('b')\ndef model_fn(d):\n return joblib.load(io.BytesIO(B.Object('k').get()['Body'].read()))", "joblib", ["*"], False),
        ("import requests\ndef model_fn(d):\n return pickle.loads(requests.get('https://models.example/m.pkl').content)", "pickle", ["*"], False),
        # other libraries' loaders
        ("import pandas as pd\ndef model_fn(d):\n return pd.read_pickle(os.path.join(d, 'm.pkl'))", "pickle", ["m.pkl"], True),
        ("from transformers import pipeline\ndef model_fn(d):\n return pipeline('fill-mask', model=d, tokenizer=d)", "transformers", ["."], True),
        ("from vendor.tts import TTS\ndef model_fn(d):\n return TTS(d + '/m.pth', config=d + '/c.json')", "other", ["m.pth", "c.json"], True),
        ("import json\nfrom transformers import T\ndef model_fn(d):\n c = json.load(open(d + '/c.json'))\n return T.from_pretrained(c.get('base'))", "transformers", ["c.json", "*"], None),
        ("import torch\ndef model_fn(d):\n return torch.hub.load('own/repo', 'custom', path=d + '/w.pt')", "torch", ["w.pt"], True),
        ("from vendor import Predictor\ndef model_fn(d):\n return Predictor.deserialize(d)", "other", ["."], True),
        ("def model_fn(*, d):\n return joblib.load(os.path.join(d, 'm'))", "joblib", ["m"], True),
        ("from transformers import A, B\ndef model_fn(d):\n t = A.from_pretrained('bert-base')\n return B.from_pretrained(d), t", "transformers", ["."], True),
    ],
)  # fmt: skip
def test_loads(source: str, loader: str | None, loads: list[str], from_model_dir: bool | None) -> None:
    found = only(JOIN + source)
    assert (found.loader, list(found.loads), found.from_model_dir) == (loader, loads, from_model_dir)


@pytest.mark.parametrize(
    ("body", "returns"),
    [
        ("return 1", True),
        ("pass", False),
        ("return", False),
        ("return None", False),
        ("if d:\n  return 1", False),
        ("if d:\n  return 1\n else:\n  return 2", True),
        ("if d:\n  return 1\n raise ValueError(d)", True),
        ("try:\n  return 1\n except OSError:\n  print(d)", False),
        ("try:\n  return 1\n except OSError:\n  raise", True),
        ("try:\n  m = f(d)\n finally:\n  g()\n return m", True),
        ("while True:\n  if d:\n   return 1", True),
        ("while True:\n  break", False),
        ("with open(d) as f:\n  return f", True),
        ("from contextlib import suppress\n with suppress(OSError):\n  return 1", False),
        ("match d:\n  case 1:\n   return 1\n  case _:\n   return 2", True),
        ("match d:\n  case 1:\n   return 1", False),
        ("import sys\n if d:\n  return 1\n sys.exit(1)", True),
        ("assert False", False),
        ("m = None\n if d:\n  m = f(d)\n return m", False),
        ("m = None\n for x in d:\n  if x:\n   m = f(x)\n return m", True),
        ("m = None\n if m is None:\n  m = f(d)\n return m", True),
        ("if d is None:\n  return None\n return f(d)", False),
        ("if d is not None:\n  return f(d)", False),
        ("for x in d:\n  return x\n else:\n  return 1", True),
        ("yield 1", False),
    ],
)
def test_returns(body: str, returns: bool) -> None:
    assert only(f"def model_fn(d):\n {body}\n").returns_on_all_paths is returns


@pytest.mark.parametrize(
    ("head", "one", "homonym"),
    [
        ("model_dir", True, False),
        ("model_dir, context=None", True, False),
        ("model_dir, context", False, False),
        ("", False, False),
        ("*args", True, False),
        ("model_dir, *, key", False, False),
        ("features, labels, mode, params", False, True),
        ("mode, params, features", False, True),
        ("features, labels, mode, params, extra", False, True),
    ],
)
def test_parameters(head: str, one: bool, homonym: bool) -> None:
    found = only(f"def model_fn({head}):\n return 1\n")
    assert (found.callable_with_one, found.estimator_homonym) == (one, homonym)


@pytest.mark.parametrize(
    ("cell", "via", "line", "script"),
    [
        ("%%writefile inference.py\ndef model_fn(d):\n  return 1", "writefile", 2, "aws_deploy/inference.py"),
        ("\n# on disk\n%%writefile -a 'inference.py' \ndef model_fn(d):\n  return 1", "writefile", 4, "aws_deploy/inference.py"),
        ("%%file code/i.py\n\nclass A:\n  def model_fn(self, d):\n    return 1", "method", 4, "aws_deploy/code/i.py"),
        ("%%writefile $DIR/{NAME}.py\ndef model_fn(d):\n  return 1", "writefile", 2, "aws_deploy/src/serve.py"),
        ("x = 1\ndef model_fn(d):\n  return 1", "cell", 2, None),
        ("!ls\ndef make():\n  def model_fn(d):\n    return 1\n  return model_fn", "nested", 3, None),
        ("code = '''\ndef model_fn(d):\n  return 1\n'''\nopen('i.py', 'w').write(code)", "string", 2, "aws_deploy/i.py"),
        ("print('def model_fn(d): return 1')", "string", 1, None),
    ],
)  # fmt: skip
def test_where(cell: str, via: str, line: int, script: str | None) -> None:
    (found,) = facts({"aws_deploy/n.ipynb": notebook("DIR, NAME = 'src', 'serve'", cell)}).model_fns
    assert (found.cell, found.via, found.line, found.script) == (1, via, line, script)


def test_a_magic_quoted_in_a_comment_or_markdown_is_no_code() -> None:
    assert not facts({"n.ipynb": notebook("# %%writefile inference.py\n# def model_fn(d): pass")}).model_fns


def test_a_re_export_is_the_scripts_own() -> None:
    found = facts({
        "aws_deploy/inference.py": "from helper import *\n",
        "aws_deploy/helper.py": "import joblib\ndef model_fn(d):\n  return joblib.load(d + '/m')\n",
    }).model_fns  # fmt: skip
    assert [(fn.path, fn.defined_in, fn.loads) for fn in found] == [
        ("aws_deploy/helper.py", None, ("m",)),
        ("aws_deploy/inference.py", "aws_deploy/helper.py", ("m",)),
    ]


def test_a_trial_that_calls_it_does_not_define_it() -> None:
    found = facts(
        {
            "inference.py": "def model_fn(d):\n  return 1\n",
            "try.py": "from inference import model_fn\nmodel_fn('.')\n",
        }
    )
    assert [fn.path for fn in found.model_fns] == ["inference.py"]


def test_a_source_that_no_python_3_parses_says_so() -> None:
    found = only("print 'hello'\ndef model_fn(d):\n  return 1\n")
    assert (found.source_whole, found.line) == (False, 2)
