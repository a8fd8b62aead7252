"""Which calls load a model from a file, and with what: the vendors' and libraries' own names for it."""

from __future__ import annotations

from grader.patterns import pattern

# Dotted name -> (loader, index of the argument that is a path or handle, its keyword)
_EXACT = {
    "joblib.load": "joblib",
    "sklearn.externals.joblib.load": "joblib",
    "sklearn.utils._joblib.load": "joblib",
    "joblib.numpy_pickle.load": "joblib",
    "pickle.load": "pickle",
    "pickle.loads": "pickle",
    "_pickle.load": "pickle",
    "cPickle.load": "pickle",
    "cPickle.loads": "pickle",
    "pickle5.load": "pickle",
    "six.moves.cPickle.load": "pickle",
    "pickle.Unpickler": "pickle",
    "cloudpickle.load": "cloudpickle",
    "cloudpickle.loads": "cloudpickle",
    "dill.load": "dill",
    "dill.loads": "dill",
    "skops.io.load": "skops",
    "skops.io.loads": "skops",
    "numpy.load": "numpy",
    "numpy.loadtxt": "numpy",
    "numpy.genfromtxt": "numpy",
    "numpy.fromfile": "numpy",
    "torch.load": "torch",
    "torch.jit.load": "torch",
    "safetensors.torch.load_file": "torch",
    "onnxruntime.InferenceSession": "onnxruntime",
    "lightgbm.Booster": "lightgbm",
    "xgboost.Booster": "xgboost",
    "tensorflow.saved_model.load": "tensorflow",
    "tensorflow.compat.v1.saved_model.load": "tensorflow",
    "mlflow.sklearn.load_model": "other",
    "pandas.read_pickle": "pickle",
    "transformers.pipeline": "transformers",
}
_KERAS = pattern(
    r"^(tensorflow|keras|tf_keras|tensorflow\.compat\.v\d)(\.\w+)*\.(load_model|load_weights|model_from_json)$"
)
_TRANSFORMERS = pattern(
    r"^(\?|[\w.]*\b(transformers|diffusers|peft|optimum|sentence_transformers))[\w.]*\.from_pretrained$"
)
_METHODS = {
    "load_model": None,
    "load_weights": None,
    "load_state_dict": None,
    "restore": "other",
    "load_checkpoint": "other",
}
_LOADING = pattern(
    r"^(load\w*|read\w*|restore\w*|from_(file|single_file|pretrained|path|saved_model|checkpoint|disk|json|config|pickle)|open\w*|InferenceSession|import_model"
    r"|imports|deserialize|unpickle)$"
)
_NOT_LOADING = pattern(
    r"^(builtins\.(print|str|len|repr|isinstance|format|sorted|list|set|tuple|type|getattr|hasattr)|os\.(path\.\w+|listdir|walk|scandir"
    r"|stat|makedirs|mkdir|chdir|system|environ\S*|getenv)|sys\.\S+|logging\.\S+|logger\.\S+|shutil\.\S+|subprocess\.\S+|tarfile\.\S+|zipfile\.\S+|time\.\S+)$"
)


def loader_of(name: str) -> str | None:
    """The contract's word for what ``name``, a dotted name, loads with; None where it is no loader that is known."""
    found = _EXACT.get(name)
    if found is not None:
        return found
    if _KERAS.match(name):
        return "tensorflow"
    if _TRANSFORMERS.match(name):
        return "transformers"
    last = name.rpartition(".")[2]
    root = name.partition(".")[0]
    if last in ("load_model", "load"):
        for package in ("xgboost", "lightgbm", "skops", "cloudpickle", "dill", "joblib"):
            if root == package:
                return package
    if last in ("read_pickle", "load_model"):
        return "other"
    return None


def may_load(name: str) -> bool:
    """Whether a call of ``name`` with a path of the model directory is taken to open it."""
    if _NOT_LOADING.match(name):
        return False
    last = name.rpartition(".")[2]
    return bool(_LOADING.match(last)) or (
        last[:1].isupper()
        and last not in ("Path", "PurePath", "PosixPath", "Exception", "URL", "URI", "PATH", "DIR")
        and not last.endswith("Error")
    )
