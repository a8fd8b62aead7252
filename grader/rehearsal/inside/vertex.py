"""Google's contracts: Vertex AI's prebuilt scikit-learn containers, and AI Platform's online prediction before them.

Sources, as of 2026-11-22: google-cloud-aiplatform 2.7.0 (its own prediction server: file names, request and answer, statuses; the
prebuilt image's server is not public, and agrees in these), Google Cloud SDK 578 (AI Platform's scikit-learn serving).
"""

import json
import os
from typing import Any, Dict

from .serving import Answer, Request, answer
from .telling import Step

_JSON = "application/json"
_ROUTES = {"/health": ("GET", "HEAD"), "/predict": ("POST",)}


class Vertex:
    """Loads when the process starts; a model that does not load ends it."""

    most_bytes = 1500000  # of one request, as the service takes it

    def __init__(self, config: Dict[str, Any]) -> None:
        self._folder = config["model_dir"]
        self._framework = config.get("framework", "scikit-learn")
        self._model: Any = None

    def start(self) -> None:
        """Load ``model.joblib``, or ``model.pkl`` where there is none."""
        with Step("load"):
            self._model = _loaded(self._folder)

    def handle(self, request: Request) -> Answer:
        """The answer to one request."""
        allowed = _ROUTES.get(request.path)
        if allowed is None:
            return answer(404, {"detail": "Not Found"})
        if request.method not in allowed:
            return answer(405, {"detail": "Method Not Allowed"}, Allow=", ".join(allowed))
        if request.path == "/health":
            return answer(200, {})
        return self._predict(request)

    def _predict(self, request: Request) -> Answer:
        kind = request.headers.get("content-type", "").split(";")[0].strip()
        if kind != _JSON:
            return answer(400, {"detail": "Unsupported content type of the request: %s" % (kind or None)})
        try:
            parsed = json.loads(request.body.decode("utf-8"))
        except ValueError as problem:
            return answer(400, {"detail": "JSON deserialization failed for the request data: %s" % problem})
        with Step("input"):
            instances = self._instances(parsed["instances"])
        with Step("predict"):
            predicted = self._model.predict(instances)
        with Step("output"):
            listed = self._listed(predicted)
            accept = request.headers.get("accept", _JSON).split(";")[0].strip()
            if accept not in (_JSON, "*/*", ""):
                return answer(400, {"detail": "Unsupported accept of the response: %s" % accept})
            return answer(200, {"predictions": listed})

    def _instances(self, instances: Any) -> Any:
        import numpy

        return numpy.asarray(instances)

    def _listed(self, predicted: Any) -> Any:
        return predicted if isinstance(predicted, list) else predicted.tolist()


class AiPlatform(Vertex):
    """The legacy service: the model is of scikit-learn's own classes, and gets the list as it came."""

    def start(self) -> None:
        """Load the model. A deployment that names no framework may hold one model file only."""
        with Step("load"):
            names = ("model.joblib", "model.pkl", "model.bst", "saved_model.pb", "saved_model.pbtxt")
            there = [name for name in names if os.path.exists(os.path.join(self._folder, name))]
            if self._framework is None and len(there) > 1:
                raise ValueError("Multiple model files are found: %s." % ", ".join(there))
            model = _loaded(self._folder)
            if "sklearn" not in type(model).__module__:
                raise TypeError(
                    "AI Platform takes models of scikit-learn's own classes, and this is a %s.%s."
                    % (type(model).__module__, type(model).__name__)
                )
            if type(model).__name__ == "LinearRegression" and not hasattr(model, "positive"):
                model.positive = False  # the service does so for models of scikit-learn before 0.24
            self._model = model

    def _instances(self, instances: Any) -> Any:
        return instances

    def _listed(self, predicted: Any) -> Any:
        if isinstance(predicted, list):
            return predicted
        if type(predicted).__module__ == "numpy" and type(predicted).__name__ == "ndarray":
            return predicted.tolist()
        raise TypeError("The model's predict returned %s, no array and no list." % type(predicted).__name__)


def _loaded(folder: str) -> Any:
    path = os.path.join(folder, "model.joblib")
    if os.path.exists(path):
        try:
            import joblib
        except ImportError:
            from sklearn.externals import joblib  # scikit-learn before 0.21 brings its own
        return joblib.load(path)
    path = os.path.join(folder, "model.pkl")
    if os.path.exists(path):
        import pickle

        with open(path, "rb") as file:
            return pickle.load(file)
    raise ValueError("There is no model.joblib and no model.pkl in the folder that was uploaded.")
