"""Fits the penguin model and measures it. Runs in one of the two environments; ``train.py`` starts it there.

    python fit.py MODEL METRICS

writes the fitted pipeline to MODEL (joblib) and what was measured to METRICS (JSON).
"""

from __future__ import annotations

import csv
import json
import platform
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

DATA = Path(__file__).parent / "data" / "penguins.csv"
FEATURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
LABEL = "species"
SEED = 344
TEST_SHARE = 0.25


def load() -> tuple[np.ndarray, np.ndarray]:
    """The measurements, one row a penguin, in the order of FEATURES, and the species.

    Two birds were not measured at all; they are left out.
    """
    with DATA.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if all(row[name] != "NA" for name in FEATURES)]
    measurements = np.array([[float(row[name]) for name in FEATURES] for row in rows])
    species = np.array([row[LABEL] for row in rows])
    return measurements, species


def fit_and_measure() -> tuple[Any, dict[str, Any]]:
    """The model, fitted on three quarters of the birds, and how it does on the quarter that it never saw."""
    measurements, species = load()
    train_x, test_x, train_y, test_y = train_test_split(
        measurements, species, test_size=TEST_SHARE, stratify=species, random_state=SEED
    )
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = StratifiedKFold(5, shuffle=True, random_state=SEED)
    on_folds = cross_val_score(model, train_x, train_y, cv=folds)
    model.fit(train_x, train_y)
    labels, counts = np.unique(test_y, return_counts=True)
    metrics = {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "scikit_learn": sklearn.__version__,
        "numpy": np.__version__,
        "features": list(FEATURES),
        "birds": {"training": len(train_y), "test": len(test_y)},
        "accuracy": {
            "test": round(float(model.score(test_x, test_y)), 4),
            "test_if_always_the_commonest": round(float(counts.max() / counts.sum()), 4),
            "training_in_5_folds": [round(float(score), 4) for score in on_folds],
        },
        "confusion": {
            "rows_true_columns_predicted": labels.tolist(),
            "counts": confusion_matrix(test_y, model.predict(test_x), labels=labels).tolist(),
        },
    }
    return model, metrics


if __name__ == "__main__":
    fitted, measured = fit_and_measure()
    joblib.dump(fitted, sys.argv[1])
    Path(sys.argv[2]).write_text(json.dumps(measured), encoding="utf-8")
