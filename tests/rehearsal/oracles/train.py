"""Writes small models into a folder, under whatever scikit-learn runs this; prints the version."""

import os
import pickle
import sys

import joblib
import numpy
import sklearn
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDER = sys.argv[1]
X, Y = load_iris(return_X_y=True)
NAMES = numpy.array(["setosa", "versicolor", "virginica"])


def write(name, model, ending="joblib"):
    """One model in a folder of its own, as it would be uploaded."""
    folder = os.path.join(FOLDER, name)
    os.makedirs(folder)
    path = os.path.join(folder, "model." + ending)
    if ending == "joblib":
        joblib.dump(model, path)
    else:
        with open(path, "wb") as file:
            pickle.dump(model, file)


classifier = LogisticRegression(max_iter=1000).fit(X, Y)
write("classifier", classifier)
write("pickled", classifier, "pkl")
write("labels", make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(X, NAMES[Y]))
write("regression", LinearRegression().fit(X[:, :3], X[:, 3]))
write("two_outputs", LinearRegression().fit(X[:, :2], X[:, 2:]))
print(sklearn.__version__)
