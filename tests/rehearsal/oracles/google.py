"""Answers requests with Google's own CprModelServer and SklearnPredictor, in folders below the present one.

Reads ``{"model_dirs", "requests"}`` from standard input; prints, for each folder, a list of [status, content type, body in hex];
the status is null where the server does not start.
"""

import json
import logging
import os
import sys
import warnings

asked = json.load(sys.stdin)
os.environ.update(
    HANDLER_MODULE="google.cloud.aiplatform.prediction.handler",
    HANDLER_CLASS="PredictionHandler",
    PREDICTOR_MODULE="google.cloud.aiplatform.prediction.sklearn.predictor",
    PREDICTOR_CLASS="SklearnPredictor",
    AIP_HTTP_PORT="8080",
    AIP_HEALTH_ROUTE="/health",
    AIP_PREDICT_ROUTE="/predict",
)
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

from google.cloud.aiplatform.prediction.model_server import CprModelServer  # noqa: E402
from starlette.testclient import TestClient  # noqa: E402


def answers(number, folder):
    """What the server of one model answers. It copies the model into the present folder."""
    os.environ["AIP_STORAGE_URI"] = folder
    os.mkdir(str(number))
    os.chdir(str(number))
    try:
        client = TestClient(CprModelServer().app, raise_server_exceptions=False)
    except Exception:
        return [[None, None, ""] for _ in asked["requests"]]
    finally:
        os.chdir("..")
    found = []
    for method, path, headers, body in asked["requests"]:
        answer = client.request(method, path, headers=headers, content=bytes.fromhex(body))
        found.append([answer.status_code, answer.headers.get("Content-Type"), answer.content.hex()])
    return found


print(json.dumps({folder: answers(number, folder) for number, folder in enumerate(asked["model_dirs"])}))
