"""Collect the names that fitted models really pickle, into grader/facts/data/known_globals.json.

Two steps. One run for each version, with the interpreter that it wants, writes down what its pickler names:

    uv run --no-project --python 3.10 --with scikit-learn==1.2.1 --with "numpy<1.25" --with "pandas<2.2" \
        tools/make_allowlist.py collect names/

then, with any Python: ``python tools/make_allowlist.py merge names/ grader/facts/data/known_globals.json``.

Names come from fitting every estimator that the version has, and pickling it with every protocol and with joblib;
from values that people keep beside a model (tables, sparse matrices, dates); and from lists of scikit-learn itself
(estimators, splitters, scorers) and of NumPy (functions of numbers). Exact names only. Python 3.6 on.
"""

import datetime
import importlib
import json
import pickle
import sys
import types
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

# Names of Python itself that hold values: no call of these does more than make one.
PYTHON = [
    "builtins.object",
    "builtins.set",
    "builtins.frozenset",
    "builtins.list",
    "builtins.dict",
    "builtins.tuple",
    "builtins.str",
    "builtins.int",
    "builtins.float",
    "builtins.bool",
    "builtins.complex",
    "builtins.bytes",
    "builtins.bytearray",
    "builtins.slice",
    "builtins.range",
    "builtins.Ellipsis",
    "builtins.NotImplemented",
    "_codecs.encode",
    "copyreg._reconstructor",
    "collections.OrderedDict",
    "collections.defaultdict",
    "collections.Counter",
    "collections.deque",
    "datetime.datetime",
    "datetime.date",
    "datetime.time",
    "datetime.timedelta",
    "datetime.timezone",
    "decimal.Decimal",
    "fractions.Fraction",
    "uuid.UUID",
    "types.SimpleNamespace",
    "array._array_reconstructor",
    "re._compile",
    "pathlib.PosixPath",
    "pathlib.WindowsPath",
    "pathlib.PurePosixPath",
    "pathlib.PureWindowsPath",
    "pathlib.Path",
    "pathlib._local.PosixPath",
    "pathlib._local.WindowsPath",
    "random.Random",
]
# Joblib's own, old and new, and where scikit-learn once kept it.
JOBLIB = [
    "joblib.numpy_pickle.NumpyArrayWrapper",
    "joblib.numpy_pickle.NDArrayWrapper",
    "joblib.numpy_pickle_compat.NDArrayWrapper",
    "joblib.numpy_pickle.ZNDArrayWrapper",
    "joblib.numpy_pickle_compat.ZNDArrayWrapper",
    "sklearn.externals.joblib.numpy_pickle.NumpyArrayWrapper",
    "numpy.ndarray",
    "numpy.dtype",
    "numpy.matrix",
]

# In models as searches and column transformers leave them, which the fits below do not bring about.
SEEN = [
    "sklearn.metrics.scorer._passthrough_scorer",
    "sklearn.metrics._scorer._passthrough_scorer",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.utils.deprecation.DeprecationDict",
    "builtins.FutureWarning",
    "builtins.DeprecationWarning",
    "builtins.UserWarning",
    "sklearn.compose._column_transformer._RemainderColsList",
]

# Whose public classes belong to models; functions only where they take arrays and return arrays or numbers.
CLASSES = [
    "calibration",
    "cluster",
    "compose",
    "covariance",
    "cross_decomposition",
    "decomposition",
    "discriminant_analysis",
    "dummy",
    "ensemble",
    "feature_extraction",
    "feature_extraction.text",
    "feature_extraction.image",
    "feature_selection",
    "gaussian_process",
    "gaussian_process.kernels",
    "impute",
    "isotonic",
    "kernel_approximation",
    "kernel_ridge",
    "linear_model",
    "manifold",
    "mixture",
    "model_selection",
    "multiclass",
    "multioutput",
    "naive_bayes",
    "neighbors",
    "neural_network",
    "pipeline",
    "preprocessing",
    "random_projection",
    "semi_supervised",
    "svm",
    "tree",
]
FUNCTIONS = ["metrics", "metrics.pairwise", "feature_selection", "preprocessing"]

# Whatever a version does with these, they are no part of a model.
NEVER = (
    "eval",
    "exec",
    "getattr",
    "load",
    "open",
    "partial",
    "attrgetter",
    "methodcaller",
    "memmap",
    "delayed",
    "_DeprecationWrapper",
)
TOOLS = (
    "sklearn.utils.",
    "sklearn._config.",
    "sklearn.externals.",
    "sklearn.metrics._plot.",
    "sklearn.metrics._scorer.",
)
# Helpers that models hold.
OWN_HELPERS = (
    "sklearn.utils._metadata_requests.",
    "sklearn.utils._tags.",
    "sklearn.utils.deprecation.Deprec",
)


def is_part(name):
    """Whether a name that a pickler wrote belongs to a model: no helper's function, no plot."""
    last = name.rpartition(".")[2]
    if (
        last in NEVER
        or "<" in name
        or last.startswith(("check_", "plot_", "pairwise_distances", "pairwise_kernels"))
    ):
        return False
    if name in SEEN or not name.startswith(TOOLS) or last == "newObj":
        return True
    if last.lstrip("_")[:1].islower():
        return False
    return not name.startswith("sklearn.utils.") or last == "Bunch" or name.startswith(OWN_HELPERS)


names = set()


class Recorder(pickle._Pickler):
    """A pickler that writes down every name it writes."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_global(self, obj, name=None):
        """Note the name, then go on."""
        qualified = name or getattr(obj, "__qualname__", None) or obj.__name__
        names.add(f"{pickle.whichmodule(obj, qualified)}.{qualified}")
        super().save_global(obj, name=name)

    dispatch[types.FunctionType] = save_global


class Nowhere:
    """A file that keeps nothing."""

    def write(self, data):
        """Take and forget."""
        return len(data)


def record(thing):
    """Pickle ``thing`` with every protocol; what cannot be pickled is left out."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        try:
            Recorder(Nowhere(), protocol, fix_imports=False).dump(thing)
        except Exception:
            continue


def data():
    """Small inputs of the kinds that estimators take."""
    import numpy as np

    rng = np.random.RandomState(0)
    X = rng.rand(24, 3)
    y = np.array([0, 1] * 12)
    words = np.array(["no", "yes"], dtype=object)[y]
    texts = ["a good film", "a bad film"] * 12
    yield X, y
    yield X, words
    yield X, X[:, 0]
    yield X, X[:, :2]
    yield X, np.column_stack([y, 1 - y])
    yield X[:, 0], X[:, 1]
    yield texts, y
    yield [{"a": 1.0}, {"b": 2.0}] * 12, y
    yield [["a", "b"], ["b"]] * 12, None
    yield y, None


def made(estimator):
    """Instances of an estimator class, with the arguments that some want."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.naive_bayes import GaussianNB

    inner = (
        (),
        (LogisticRegression(),),
        (Ridge(),),
        ([("a", GaussianNB()), ("b", LogisticRegression())],),
        ([("a", Ridge())],),
        (Ridge(), {"alpha": [0.1, 1.0]}),
    )
    for args in inner:
        try:
            yield estimator(*args)
        except Exception:
            continue


def estimators():
    """Every estimator class of this version."""
    for module in (
        "sklearn.experimental.enable_hist_gradient_boosting",
        "sklearn.experimental.enable_iterative_imputer",
        "sklearn.experimental.enable_halving_search_cv",
    ):
        try:
            importlib.import_module(module)
        except ImportError:
            continue
    try:
        from sklearn.utils import all_estimators
    except ImportError:
        from sklearn.utils.testing import all_estimators
    return [kind for _, kind in all_estimators()]


def collect_estimators():
    """Fit them all, some in several ways, and pickle them."""
    import numpy as np

    for kind in estimators():
        names.add(f"{kind.__module__}.{kind.__qualname__}")
        for instance in made(kind):
            record(instance)
            for key in ("max_iter", "n_estimators"):
                if key in instance.get_params(deep=False):
                    instance.set_params(**{key: 3})
            for X, y in data():
                try:
                    fitted = instance.fit(X, y)
                except Exception:
                    continue
                record(fitted)
            for params in (
                {"random_state": np.random.RandomState(0)},
                {"algorithm": "kd_tree"},
                {"algorithm": "ball_tree"},
                {"loss": "absolute_error"},
                {"loss": "quantile"},
                {"loss": "huber"},
                {"loss": "poisson"},
                {"loss": "exponential"},
                {"loss": "log_loss"},
                {"loss": "modified_huber"},
                {"loss": "hinge"},
            ):
                try:
                    record(instance.set_params(**params).fit(*next(data())))
                except Exception:
                    continue


def collect_lists():
    """The public classes, and functions of arrays, by scikit-learn's own lists."""
    for part in CLASSES + FUNCTIONS:
        try:
            module = importlib.import_module("sklearn." + part)
        except ImportError:
            continue
        for name in getattr(module, "__all__", None) or dir(module):
            thing = getattr(module, name, None)
            if not str(getattr(thing, "__module__", "")).startswith("sklearn."):
                continue
            if isinstance(thing, type) or (part in FUNCTIONS and callable(thing)):
                record(thing)
    from sklearn import metrics

    scorers = metrics.get_scorer_names() if hasattr(metrics, "get_scorer_names") else list(metrics.SCORERS)
    for name in scorers:
        record(metrics.get_scorer(name))
    record(metrics.make_scorer(metrics.f1_score, average="macro"))


def collect_values():
    """NumPy, SciPy and pandas values that people keep beside a model."""
    import numpy as np
    import scipy.sparse
    import scipy.special
    import scipy.stats

    for module in (np, scipy.special):
        for name in dir(module):
            thing = getattr(module, name)
            if isinstance(thing, np.ufunc):
                names.add(f"{module.__name__}.{name}")
                record(thing)
    for name in (
        "nan_to_num",
        "clip",
        "round",
        "mean",
        "median",
        "sum",
        "ravel",
        "reshape",
        "squeeze",
        "hstack",
    ):
        names.add("numpy." + name)
        record(getattr(np, name))
    for kind in "?bhilqBHILQefdgFDGSUVOMm":
        array = np.zeros(2, dtype=kind)
        record(array)
        record(array.dtype)
        if kind not in "V":
            record(array[0])
            record(type(array[0]))
    record(np.ma.masked_array([1, 2], [0, 1]))
    record(np.matrix([[1]]))
    record(np.rec.array([(1, 2.0)]))
    record(np.random.RandomState(0))
    record(np.random.mtrand._rand)
    if hasattr(np.random, "default_rng"):
        for bits in (np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64):
            record(np.random.Generator(bits(0)))
    for form in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia"):
        record(scipy.sparse.eye(3).asformat(form))
        if hasattr(scipy.sparse, form + "_array"):
            record(getattr(scipy.sparse, form + "_array")(np.eye(3)))
    for name in (
        "uniform",
        "loguniform",
        "randint",
        "norm",
        "expon",
        "reciprocal",
        "truncnorm",
        "beta",
        "gamma",
    ):
        if hasattr(scipy.stats, name):
            distribution = getattr(scipy.stats, name)
            record(distribution)
            try:
                record(distribution(1, 2))
            except Exception:
                continue
    for name in dir(scipy.stats):
        if isinstance(getattr(scipy.stats, name), (scipy.stats.rv_continuous, scipy.stats.rv_discrete)):
            record(getattr(scipy.stats, name))
    from scipy.interpolate import BSpline, interp1d

    record(interp1d([0, 1], [0, 1]))
    record(BSpline(np.arange(5.0), np.zeros(3), 1))
    collect_tables()
    record(datetime.datetime(2026, 11, 22, tzinfo=datetime.timezone.utc))


def collect_tables():
    """Tables of pandas."""
    import numpy as np
    import pandas as pd

    table = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [1.0, np.nan], "d": [True, False]})
    table["e"] = table["b"].astype("category")
    table["f"] = pd.to_datetime(["2026-11-22", "2026-11-23"])
    table["g"] = pd.to_timedelta([1, 2], unit="D")
    for thing in (
        table,
        table["a"],
        table["b"],
        table["e"],
        table.set_index("f"),
        table.set_index(["a", "b"]),
        table.dtypes,
        table.columns,
        table.index,
        pd.Index([1.5, 2.5]),
        pd.Timestamp("2026-11-22"),
        pd.Timedelta(1),
        pd.NaT,
        pd.CategoricalDtype(["a"]),
        pd.interval_range(0, 2),
        pd.Interval(0, 1),
    ):
        record(thing)
    if hasattr(pd, "NA"):
        record(pd.NA)
    for kind in ("Int64", "Float64", "boolean", "string"):
        try:
            record(pd.array([1, None] if kind != "string" else ["a", None], dtype=kind))
        except Exception:
            continue


def collect(folder):
    """One version's names into a file of its own."""
    import numpy
    import pandas
    import scipy
    import sklearn

    collect_estimators()
    collect_lists()
    collect_values()
    packages = {module.__name__: module.__version__ for module in (sklearn, numpy, scipy, pandas)}
    packages["python"] = "%d.%d" % sys.version_info[:2]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{sklearn.__version__}-{numpy.__version__}.json"
    path.write_text(json.dumps({"packages": packages, "names": sorted(names)}, indent=0))


def merge(folder, target):
    """All versions' names into the one list."""
    roots = (
        "sklearn.",
        "numpy.",
        "scipy.",
        "pandas.",
        "joblib.",
        "builtins.",
        "collections.",
        "datetime.",
        "copyreg.",
        "_loss.",
    )
    found, packages = set(PYTHON + JOBLIB + SEEN), []
    for path in sorted(Path(folder).glob("*.json")):
        told = json.loads(path.read_text())
        packages.append(told["packages"])
        found.update(name for name in told["names"] if name.startswith(roots))
    kept = sorted(name for name in found if is_part(name))
    text = {
        "about": "Names that fitted models need: exactly these, as picklers wrote them. Made by tools/make_allowlist.py.",
        "date": datetime.date.today().isoformat(),  # noqa: DTZ011 - the day it was made
        "made_with": packages,
        "names": kept,
    }
    Path(target).write_text(json.dumps(text, indent=0) + "\n")
    print(len(kept), "names from", len(packages), "environments")


if __name__ == "__main__":
    if sys.argv[1:2] == ["collect"] and len(sys.argv) == 3:
        collect(sys.argv[2])
    elif sys.argv[1:2] == ["merge"] and len(sys.argv) == 4:
        merge(sys.argv[2], sys.argv[3])
    else:
        sys.exit(__doc__)
