"""Write the model artifacts of the fixtures that are rehearsed (``fixtures/rehearse-*``), the same bytes each time.

Most are models of ``tests/facts/models`` (see ``make_models.py``), placed or packed:

    python tools/make_rehearsals.py

Two hold classes of a student's own; each is written under the scikit-learn that its fixture tells of:

    uv run --no-project --python 3.9 --with scikit-learn==1.2.1 --with "numpy<1.25" tools/make_rehearsals.py module
    uv run --no-project --python 3.10 --with scikit-learn==1.6.1 --with "numpy<2" tools/make_rehearsals.py main
"""

import gzip
import io
import sys
import tarfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
MODELS = TOP / "tests" / "facts" / "models"
FIXTURES = TOP / "fixtures"

# fixture -> artifact -> what is in it: (name in the archive, file), or the file itself where it lies loose.
# A file is one of MODELS, or, with a slash, one of the fixture's own.
ARTIFACTS = {
    "aws-0-23": {"aws_deploy/model.tar.gz": [("model.joblib", "0.23.2-np1-pipeline.joblib")]},
    "aws-1-0": {"aws_deploy/model.tar.gz": [("model.pkl", "1.0.2-np1-logistic-p4.pkl")]},
    "aws-1-2-source-dir": {
        "aws_deploy/model.tar.gz": [("model.joblib", "aws_deploy/artifacts/model.joblib")]
    },
    "aws-1-4-in-archive": {
        "aws_deploy/model.tar.gz": [
            ("code/inference.py", "aws_deploy/code/inference.py"),
            ("model.joblib", "1.4.2-np2-forest.joblib.gzip"),
        ]
    },
    "aws-1-9": {"aws_deploy/model.tar.gz": [("model.joblib", "1.9.1-np2-hist.joblib")]},
    "aws-writefile-loose": {"aws_deploy/model.joblib": "1.2.1-np1-knn.joblib"},
    "aws-text": {"aws_deploy/model.tar.gz": [("model.joblib", "1.2.1-np1-tfidf.joblib")]},
    "aws-columns-input-fn": {"aws_deploy/model.tar.gz": [("model.joblib", "1.2.1-np1-columns.joblib")]},
    "aws-externals": {"aws_deploy/model.tar.gz": [("model.joblib", "1.2.1-np1-pipeline.joblib")]},
    "aws-numpy-2": {"aws_deploy/model.tar.gz": [("model.joblib", "1.4.2-np2-forest.joblib.zlib")]},
    "aws-trees-of-1-4": {"aws_deploy/model.tar.gz": [("model.joblib", "1.4.2-np1-tree.joblib")]},
    "aws-other-place": {"aws_deploy/model.tar.gz": [("export/model.joblib", "1.2.1-np1-pipeline.joblib")]},
    "aws-helper-not-shipped": {"aws_deploy/model.tar.gz": [("model.joblib", "1.2.1-np1-pipeline.joblib")]},
    "aws-package-missing": {"aws_deploy/model.tar.gz": [("model.joblib", "1.2.1-np1-linear.joblib")]},
    "aws-one-row-csv": {"aws_deploy/model.tar.gz": [("model.joblib", "1.2.1-np1-logistic.joblib")]},
    "aws-instances": {"aws_deploy/model.tar.gz": [("model.joblib", "1.2.1-np1-logistic.joblib")]},
    "aws-returns-none": {"aws_deploy/model.tar.gz": [("model.joblib", "1.2.1-np1-logistic.joblib")]},
    "aws-mixed-types": {"aws_deploy/model.tar.gz": [("model.joblib", "1.2.1-np1-columns.joblib")]},
    "aws-own-schema": {"aws_deploy/model.tar.gz": [("model.joblib", "1.2.1-np1-pipeline.joblib")]},
    "aws-two-archives": {
        "aws_deploy/model-a.tar.gz": [("model.joblib", "1.2.1-np1-linear.joblib")],
        "aws_deploy/model-b.tar.gz": [("model.joblib", "1.2.1-np1-logistic.joblib")],
    },
    "gcp-vertex-1-6": {"gcp_deploy/model.joblib": "1.6.1-np2-pipeline.joblib"},
    "gcp-vertex-1-5-pickle": {"gcp_deploy/model.pkl": "1.5.2-np2-logistic-p4.pkl"},
    "gcp-runtime-2-3": {"gcp_deploy/model.joblib": "0.23.2-np1-boosting.joblib"},
    "gcp-by-name": {"gcp_deploy/model.joblib": "1.6.1-np2-columns.joblib"},
    "gcp-own-class": {},
    "gcp-file-name": {"gcp_deploy/crops.joblib": "1.6.1-np2-linear.joblib"},
    "gcp-protocol-5": {"gcp_deploy/model.pkl": "0.23.2-np1-logistic-p5.pkl"},
    "gcp-flat-list": {"gcp_deploy/model.joblib": "1.6.1-np2-logistic.joblib"},
}


def packed(members):
    """A ``.tar.gz`` of (name, bytes), without times and owners."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            archive.addfile(info, io.BytesIO(data))
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as stream:
        stream.write(raw.getvalue())
    return out.getvalue()


def place():
    """All artifacts."""
    for name, artifacts in ARTIFACTS.items():
        home = FIXTURES / ("rehearse-" + name) / "submission"

        def read(file, home=home):
            return (home / file if "/" in file else MODELS / file).read_bytes()

        for path, content in artifacts.items():
            data = read(content) if isinstance(content, str) else packed([(n, read(f)) for n, f in content])
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_bytes(data)


def data():
    """The table that make_models.py fits on."""
    import numpy as np

    rows = np.random.RandomState(0).rand(30, 4)
    return rows, (rows[:, 0] + rows[:, 1] > 1).astype(int)


def with_module():
    """A pipeline with a step of the fixture's own module ``ratios``."""
    import joblib
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    home = FIXTURES / "rehearse-aws-1-2-source-dir" / "submission" / "aws_deploy"
    sys.path.insert(0, str(home / "src"))
    import ratios

    rows, answers = data()
    model = make_pipeline(ratios.AddRatios(), LogisticRegression(solver="liblinear")).fit(rows, answers)
    (home / "artifacts").mkdir(parents=True, exist_ok=True)
    joblib.dump(model, str(home / "artifacts" / "model.joblib"))


class Clip:
    """What a student writes into the notebook that trains."""

    def fit(self, rows, _answers=None):
        """Learn the largest values."""
        self.most_ = rows.max(axis=0)
        return self

    def transform(self, rows):
        """Cut off what is above them."""
        return rows.clip(max=self.most_)


def with_main():
    """A pipeline with a class of ``__main__``, as a notebook's is."""
    import joblib
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    rows, answers = data()
    model = make_pipeline(Clip(), LogisticRegression(solver="liblinear")).fit(rows, answers)
    joblib.dump(
        model, str(FIXTURES / "rehearse-gcp-own-class" / "submission" / "gcp_deploy" / "model.joblib")
    )


if __name__ == "__main__":
    {"": place, "module": with_module, "main": with_main}[sys.argv[1] if len(sys.argv) > 1 else ""]()
