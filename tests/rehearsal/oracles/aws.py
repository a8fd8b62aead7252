"""Answers requests with AWS's own sagemaker-containers: its worker, transformer and encoders, under werkzeug's test client.

The scikit-learn container adds to these little more than defaults, which are written here from the documented contract. Reads
``{"code_dir", "model_dir", "programs", "requests"}`` from standard input; prints, for each program, a list of
[status, content type, body in hex].
"""

import importlib
import json
import logging
import os
import sys
import warnings

asked = json.load(sys.stdin)
os.environ["SAGEMAKER_BASE_DIR"] = os.path.dirname(asked["model_dir"])
sys.path.insert(0, asked["code_dir"])
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

from sagemaker_containers.beta.framework import content_types, encoders, transformer, worker  # noqa: E402
from werkzeug.test import Client  # noqa: E402
from werkzeug.wrappers import Response  # noqa: E402


def input_fn(body, content_type):
    array = encoders.decode(body, content_type)
    return array.astype("float32") if content_type in content_types.UTF8_TYPES else array


def predict_fn(data, model):
    return model.predict(data)


def output_fn(prediction, accept):
    return worker.Response(encoders.encode(prediction, accept), mimetype=accept)


def application(program):
    """The application of a script."""
    module = importlib.import_module(program[: -len(".py")])
    own = {
        name: getattr(module, name, None) for name in ("input_fn", "predict_fn", "output_fn", "transform_fn")
    }
    if own["transform_fn"] is None:
        own = {
            "input_fn": own["input_fn"] or input_fn,
            "predict_fn": own["predict_fn"] or predict_fn,
            "output_fn": own["output_fn"] or output_fn,
        }
    made = transformer.Transformer(model_fn=module.model_fn, **own)
    made._model = made._model_fn(asked["model_dir"])
    return worker.Worker(transform_fn=made.transform, module_name=module.__name__)


def answers(program):
    """What it answers; while the application cannot be made, gunicorn answers 500 to everything."""
    try:
        client = Client(application(program), Response)
    except Exception:
        return [[500, None, ""] for _ in asked["requests"]]
    found = []
    for method, path, headers, body in asked["requests"]:
        answer = client.open(path, method=method, headers=headers, data=bytes.fromhex(body))
        found.append([answer.status_code, answer.headers.get("Content-Type"), answer.get_data().hex()])
    return found


print(json.dumps({program: answers(program) for program in asked["programs"]}))
