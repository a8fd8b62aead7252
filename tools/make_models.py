"""Write the tiny model files of tests/facts/models with one version of scikit-learn, and a line on each for the table.

Run once for each version, with the interpreter it wants, for instance:

    uv run --no-project --python 3.10 --with scikit-learn==1.2.1 --with "numpy<1.25" --with "pandas<2.2" \
        tools/make_models.py tests/facts/models

Files are named VERSION-npMAJOR-NAME.ENDING; index.json holds what each was written from (class, features, steps).
Python 3.6 on, so that the oldest scikit-learn can write too.
"""

import json
import pickle
import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn

warnings.simplefilter("ignore")
try:
    import joblib
except ImportError:
    from sklearn.externals import joblib

from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeRegressor

RELEASE = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
rng = np.random.RandomState(0)
X = rng.rand(30, 4)
y = (X[:, 0] + X[:, 1] > 1).astype(int)
NAMES = np.array(["no", "yes"], dtype=object)[y]
TEXTS = ["good film", "bad film", "very good", "very bad", "so so"] * 6


def frame():
    """A small table with numbers and words."""
    import pandas as pd

    table = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    table["city"] = ["Paris", "Rome", "Oslo"] * 10
    return table


def mixed_pipeline():
    """Columns of two kinds, by name."""
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["a", "b", "c", "d"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["city"]),
        ]
    )
    return make_pipeline(columns, LogisticRegression(solver="liblinear")).fit(frame(), y)


def models():
    """(name, fitted model) for all that this version has."""
    yield "linear", LinearRegression().fit(X, y)
    yield "logistic", LogisticRegression(solver="liblinear").fit(X, NAMES)
    yield "tree", DecisionTreeRegressor(max_depth=2).fit(X, y)
    yield "forest", RandomForestClassifier(3, max_depth=2, random_state=0).fit(X, y)
    yield "boosting", GradientBoostingClassifier(n_estimators=2, max_depth=1).fit(X, y)
    yield "adaboost", AdaBoostClassifier(n_estimators=2).fit(X, y)
    yield "isolation", IsolationForest(n_estimators=2, max_samples=8, random_state=0).fit(X)
    yield "svm", SVC(gamma="scale").fit(X, y)
    yield "knn", KNeighborsClassifier(algorithm="kd_tree").fit(X, y)
    yield "knn-ball", KNeighborsClassifier(algorithm="ball_tree").fit(X, y)
    yield "bayes", GaussianNB().fit(X, y)
    yield "mlp", MLPClassifier((2,), max_iter=3, random_state=0).fit(X, y)
    yield "pipeline", make_pipeline(StandardScaler(), LogisticRegression(solver="liblinear")).fit(X, y)
    yield "columns", mixed_pipeline()
    yield "tfidf", make_pipeline(TfidfVectorizer(), MultinomialNB()).fit(TEXTS, y)
    yield "counts", make_pipeline(CountVectorizer(), LogisticRegression(solver="liblinear")).fit(TEXTS, y)
    yield (
        "logarithm",
        make_pipeline(FunctionTransformer(np.log1p, validate=True), LinearRegression()).fit(X, y),
    )
    grid = GridSearchCV(LogisticRegression(solver="liblinear"), {"C": [0.1, 1.0]}, cv=2)
    yield "grid", grid.fit(X, y)
    from scipy.stats import uniform

    search = RandomizedSearchCV(
        LogisticRegression(solver="liblinear"), {"C": uniform(0.1, 1)}, n_iter=2, cv=2
    )
    yield "random", search.fit(X, y)
    yield "calibrated", CalibratedClassifierCV(GaussianNB(), cv=2).fit(X, y)
    voting = VotingClassifier([("a", GaussianNB()), ("b", DecisionTreeRegressorOf())], voting="soft")
    yield "voting", voting.fit(X, y)
    if RELEASE >= (0, 22):
        from sklearn.ensemble import StackingClassifier

        yield "stacking", StackingClassifier([("a", GaussianNB())], LogisticRegression(), cv=2).fit(X, y)
    if RELEASE >= (0, 21):
        if RELEASE < (1, 0):
            from sklearn.experimental import enable_hist_gradient_boosting  # noqa: F401
        from sklearn.ensemble import HistGradientBoostingClassifier

        yield "hist", HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=3).fit(X, y)


def DecisionTreeRegressorOf():
    """A small classifier for the vote."""
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=1)


def features(model):
    """What the model itself says of its features."""
    if hasattr(model, "steps"):
        return features(model.steps[0][1])
    return getattr(model, "n_features_in_", None)


def main(folder):
    """Write all, and add to index.json."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    start = "%s-np%s" % (sklearn.__version__, np.__version__.split(".")[0])
    known = folder / "index.json"
    index = json.loads(known.read_text()) if known.exists() else {}
    index = {name: told for name, told in index.items() if not name.startswith(start + "-")}

    def note(path, model, **more):
        told = {
            "class": "%s.%s" % (type(model).__module__, type(model).__name__),
            "sklearn": sklearn.__version__,
            "numpy": np.__version__,
            "python": "%d.%d" % sys.version_info[:2],
            "n_features": features(model),
            "steps": [
                "%s.%s" % (type(step).__module__, type(step).__name__)
                for _, step in getattr(model, "steps", ())
            ],
        }
        told.update(more)
        index[path.name] = told

    for name, model in models():
        path = folder / f"{start}-{name}.joblib"
        joblib.dump(model, str(path))
        note(path, model, compression="none", format="joblib")
    logistic = LogisticRegression(solver="liblinear").fit(X, NAMES)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path = folder / f"{start}-logistic-p{protocol}.pkl"
        path.write_bytes(pickle.dumps(logistic, protocol=protocol))
        note(path, logistic, compression="none", format="pickle")
    forest = RandomForestClassifier(2, max_depth=1, random_state=0).fit(X, y)
    for compression in ("zlib", "gzip", "bz2", "xz", "lzma"):
        path = folder / f"{start}-forest.joblib.{compression}"
        joblib.dump(forest, str(path), compress=(compression, 3))
        note(path, forest, compression=compression, format="joblib")
    known.write_text(json.dumps(index, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
