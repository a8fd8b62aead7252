"""Before many submissions: read a small one of our own, so that every process forked later has what reading needs.

Patterns are compiled, tables loaded and heavy libraries imported at their first use; done once in the parent, that is
not done again in each child.
"""

from __future__ import annotations

import base64
import gc
import json
import pickle
from collections.abc import Mapping

from grader.grading import Plan, verdicts_of
from grader.limits import Limits
from grader.patterns import compile_all
from grader.submission import folder as _folder  # noqa: F401 - to have it imported
from grader.submission.tree import Entry, build

_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="


def _notebook() -> str:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": "# The tutorial\n![plot](plot.png)"},
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 1,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["1\n"]}],
            "source": "%%writefile config.yaml\nruntimeVersion: '2.11'\nframework: SCIKIT_LEARN\n",
        },
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 2,
            "outputs": [],
            "source": "VERSION = 'v1'\nframe = raw[['age']].values\n"
            "!gcloud ai-platform versions create $VERSION --model m --config config.yaml\n",
        },
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def _files() -> Mapping[str, bytes]:
    return {
        "README.md": b"# A project\n\nSee `aws_deploy`. [More](aws_deploy/README.md)\n\n`aws_deploy/deploy.py`\n\n"
        b"```\nimport os\n```\n\n```\na: 1\n```\n",
        "aws_deploy/README.md": b"# Deploying\n\nUpload the model to the bucket:\n\n```sh\naws s3 cp model.pkl s3://b/m\n"
        b"python deploy.py\n```\n\n1. Create the endpoint.\n2. Call it.\n\n![answer](shot.png) <b>bold</b>\n\n| a |\n|---|\n",
        "aws_deploy/shot.png": base64.b64decode(_PIXEL),
        "aws_deploy/inference.py": b"import os\nimport joblib\n\n\ndef model_fn(model_dir):\n"
        b'    return joblib.load(os.path.join(model_dir, "model.pkl"))\n',
        "aws_deploy/deploy.py": b"from sagemaker.sklearn.model import SKLearnModel\n\nmodel = SKLearnModel(model_data='s3://b/m.tar.gz',"
        b" role='r', entry_point='inference.py', framework_version='1.2-1')\nmodel.deploy(1, 'ml.t2.medium').predict([[1]])\n",
        "aws_deploy/model.pkl": pickle.dumps({"weights": [1.0, 2.0]}),
        "aws_deploy/deploy.sh": b"#!/bin/sh\nset -e\nNAME=x\ngsutil cp model.pkl gs://b/$NAME/model.pkl\n",
        "tutorial.ipynb": _notebook().encode(),
        "settings.yaml": b"a: 1\n",
    }


def warm(plan: Plan | None) -> None:
    """Read our own small submission, judge it if submissions are to be judged, and keep what that loaded for the forks."""
    from grader.facts.gather import gather

    compile_all()  # before reading: of the expressions that `re` itself remembers, the last ones stay
    files = _files()
    tree = build(
        [Entry(path, len(raw)) for path, raw in files.items()], lambda path, _: files[path], Limits()
    )
    facts = gather(tree, Limits())
    if plan is not None:
        verdicts_of(facts, plan)
    compile_all()  # those made for a language's words, at the first question about them
    gc.collect()
