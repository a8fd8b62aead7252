"""Texts that parsers dread: nesting without end, patterns that backtrack, helpers that call each other.

Rows for the table of ``tests.hostile``, which says what a maker is.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.calls import write
from tests.hostile import CASES, LOADS, NEVER_FAIL, README, SCRIPT, TOO_DEEP, Case, Maker, case, notebook

__all__ = ["CASES"]


@case("brackets.ipynb")
def json_in_json(folder: Path, canary: Path) -> Mapping[str, str]:
    deep = 200_000
    shutil.rmtree(folder / "tutorials" / "gcp")
    text = '{"nbformat": 4, "cells": ' + "[" * deep + "]" * deep + "}"
    write(folder, {"brackets.ipynb": text, "gcp_deploy/version.json": '{"runtimeVersion": ' * deep})
    return {"tutorial.as-matrix": "review"}


@case()
def yaml_in_yaml(folder: Path, canary: Path) -> Mapping[str, str]:
    bomb_lines = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30))
    write(
        folder,
        {
            "gcp_deploy/config.yaml": "runtimeVersion: " + "[" * 200_000,
            "gcp_deploy/bomb.yaml": f"a0: &a0 lol\n{bomb_lines}\nruntimeVersion: '2.11'\npythonVersion: *a29\n",
            "gcp_deploy/block.yaml": "\n".join(" " * n + "a:" for n in range(1200)),
            "endpoint.yaml": "- " * 300_000,
            "gcp_deploy/README.md": "# GCP\n\n    gcloud ai-platform versions create v1 --config=config.yaml\n",
        },
    )
    return {"aws.model-fn": "pass"}


def _readme(name: str, text: str) -> Maker:
    def make(folder: Path, canary: Path) -> Mapping[str, str]:
        (folder / README).unlink()
        write(folder, {f"aws_deploy/{name}": text})
        return {"readme.present": NEVER_FAIL, "readme.instructions": "fail review partial"}

    return make


for _name, _file, _text in (
    ("brackets", "README.md", "[" * 1_000_000),
    ("links", "README.md", "[a](" * 250_000),
    ("images", "README.md", "![](<" * 200_000),
    ("stars", "README.md", "*a_" * 330_000),
    ("quotes", "README.md", ">" * 1_000_000),
    ("lists", "README.md", "* " * 500_000),
    ("entities", "README.md", "&#x" * 330_000),
    ("ticks", "README.md", "".join("`" * n + " " for n in range(1_400))),
    ("tables", "README.md", "|" * 3_000 + "\n" + "|-" * 3_000 + "\n" + "|\n" * 300_000),
    ("definitions", "README.md", "".join(f"[a{n}]: /u\n" for n in range(70_000)) + "[a]" * 60_000),
    ("elements", "README.md", "<div>" * 200_000),
    ("comments", "README.md", "<!--" * 250_000),
    ("attributes", "README.md", "<img src=" * 110_000),
    ("restructured", "README.rst", "".join(" " * n + "* a\n\n" for n in range(1_300))),
    ("directives", "README.rst", ".. note::\n\n" + "".join("   " * n + ".. note::\n\n" for n in range(700))),
    (
        "substitutions",
        "README.rst",
        "".join(f".. |a{n}| replace:: {f'|a{n + 1}| ' * 9}\n" for n in range(50)) + "|a0|\n",
    ),
    ("pages", "README.html", "<div><p><b>" * 90_000),
):
    CASES.append(Case(f"readme-of-{_name}", _readme(_file, _text)))


def _rst_reaching_out(folder: Path, canary: Path) -> Mapping[str, str]:
    (folder / README).unlink()
    secret = write(canary.parent, {"secret.txt": "zanzibar-outside"}) / "secret.txt"
    text = f"Deploy\n======\n\n.. include:: {secret}\n\n.. raw:: html\n   :file: {secret}\n\n.. csv-table::\n   :file: {secret}\n"
    write(folder, {"aws_deploy/README.rst": text})
    return {"readme.instructions": "fail review partial"}


CASES.append(Case("restructured-text-that-includes", _rst_reaching_out, hidden=("zanzibar-outside",)))


def _script(text: str, model_fn: str) -> Maker:
    def make(folder: Path, canary: Path) -> Mapping[str, str]:
        write(folder, {SCRIPT: text})
        return {"aws.model-fn": model_fn, "aws.entry-point": "pass"}

    return make


def _helpers(count: int) -> str:
    lines = ["import os, joblib"]
    for n in range(count):
        calls = ", ".join(f"f{(n + step) % count}(d)" for step in (1, 2, 7))
        lines.append(
            f"def f{n}(d):\n    if d:\n        return f{(n + 3) % count}(d)\n    return [{calls}][0]"
        )
    return "\n".join([*lines, "def model_fn(model_dir):\n    return f0(model_dir)\n"])


def _branching(count: int) -> str:
    """Helpers that call the next one three times each: 3 to the power of ``count`` ways to the model."""
    helpers = [
        f"def f{n}(d):\n    if d:\n        return f{n + 1}(d)\n    return [f{n + 1}(d), f{n + 1}(d + 'x')][0]"
        for n in range(count)
    ]
    last = f"def f{count}(d):\n    return joblib.load(os.path.join(d, 'model.joblib'))"
    return "\n".join(
        ["import os, joblib", *helpers, last, "def model_fn(model_dir):\n    return f0(model_dir)\n"]
    )


def _chains(count: int) -> str:
    names = "\n".join(f"a{n} = a{n - 1} + a{n - 1}" for n in range(1, count))
    path = f"os.path.join(model_dir, a{count - 1})"
    return f"import os, joblib\na0 = 'x'\n{names}\ndef model_fn(model_dir):\n    return joblib.load({path})\n"


for _name, _text, _status in (
    ("parentheses", LOADS + "x = " + "(" * 100_000 + ")" * 100_000 + "\n", "fail review pass"),
    ("brackets-unclosed", LOADS + "x = " + "[" * 400_000, "fail review"),
    ("one-sum", LOADS + "x = " + "1+" * 480_000 + "1\n", TOO_DEEP),
    (
        "a-long-sum",
        LOADS + "x = " + "1+" * 3_000 + "1\n",
        "pass review",
    ),  # the parser of 3.11 gives up earlier than others
    ("one-negation", LOADS + "x = " + "not " * 200_000 + "1\n", TOO_DEEP),
    ("minus-signs", LOADS + "x = " + "-" * 900_000 + "1\n", TOO_DEEP),
    ("attributes", LOADS + "x = a" + ".b" * 400_000 + "\n", TOO_DEEP),
    ("calls", LOADS + "x = a" + "()" * 400_000 + "\n", TOO_DEEP),
    ("lambdas", LOADS + "x = " + "lambda: " * 100_000 + "1\n", TOO_DEEP),
    (
        "long-if-chain",
        "import joblib, os\n\n\ndef model_fn(model_dir):\n    if model_dir == '':\n        y = 1\n"
        + "".join(f"    elif model_dir == '{n}':\n        x = {n}\n" for n in range(5_000))
        + "    return joblib.load(os.path.join(model_dir, 'model.joblib'))\n",
        NEVER_FAIL,
    ),
    (
        "none-in-a-long-chain",
        "import joblib, os\n\n\ndef model_fn(model_dir):\n    if model_dir == '':\n        return None\n"
        + "".join(f"    elif model_dir == '{n}':\n        x = {n}\n" for n in range(600))
        + "    return joblib.load(os.path.join(model_dir, 'model.joblib'))\n",
        "fail review",
    ),
    ("deep-blocks", LOADS + "".join(" " * n + "if x:\n" for n in range(95)) + " " * 95 + "y\n", NEVER_FAIL),
    ("mutual-helpers", _helpers(300), "fail review"),  # it never comes to return a model
    ("branching-helpers", _branching(40), NEVER_FAIL),
    ("doubling-names", _chains(400), NEVER_FAIL),
    (
        "huge-numbers",
        LOADS + "x = 9**9**9**9\ny = 'a' * 10**12\nz = f'{y:>999999999999}'\nw = 1 << 10**12\n",
        "pass",
    ),
    ("format-strings", LOADS + "x = f'" + '{f"' * 150 + '"}' * 150 + "'\n", "fail review pass"),
    ("escapes", LOADS + "x = '" + "\\N{LATIN SMALL LETTER A}" * 38_000 + "'\n", NEVER_FAIL),
    ("warnings", LOADS + "x = ['\\d', 1 is 1]\n" * 20_000, NEVER_FAIL),
    ("nul", LOADS + "\0\n", "fail review"),
    ("a-strange-coding", "# -*- coding: rot13 -*-\n" + LOADS, "fail review pass"),
    (
        "many-functions",
        "import joblib, os\n"
        + "def model_fn(d): return joblib.load(os.path.join(d, 'model.joblib'))\n" * 12_000,
        NEVER_FAIL,
    ),
    ("stars-imported", LOADS + "from x import *\n" * 60_000, NEVER_FAIL),
):
    CASES.append(Case(f"python-of-{_name}", _script(_text, _status)))


@case()
def imports_in_circles(folder: Path, canary: Path) -> Mapping[str, str]:
    files = {
        f"aws_deploy/m{n}.py": f"from m{(n + 1) % 200} import *\nfrom m{(n + 2) % 200} import model_fn, x\n"
        for n in range(200)
    }
    write(folder, {**files, SCRIPT: "from m0 import model_fn\n"})
    return {"aws.model-fn": "fail review"}


@case()
def lines_that_patterns_dread(folder: Path, canary: Path) -> Mapping[str, str]:
    long = {
        "run.sh": "gcloud " + "--runtime-version " * 50_000,
        "quotes.sh": "echo " + "\"'" * 400_000,
        "dollars.sh": "x=" + "${a:-" * 100_000 + "\n" + "$(" * 100_000,
        "continued.sh": "gcloud ai-platform \\\n" * 45_000,
        "here.sh": "cat <<A\n" * 100_000,
        "Makefile": "A = $(A)$(A)\nall:\n\tgcloud $(A)\n" + "B" * 500_000,
        "keys.txt": "AKIA" * 240_000,
        "keys2.txt": "aws_secret_access_key" * 45_000,
        "keys3.txt": "-----BEGIN " * 90_000,
        "spaces.py": "x = 1" + " " * 900_000 + "\\\n",
        "magic.ipynb": notebook("%%writefile " + "$a" * 200_000, "!" * 300_000, "%" * 300_000, "{" * 300_000),
        "base64.txt": "A" * 990_000,
        "dots.md": "../" * 300_000,
        "assigned.sh": "".join(f"a{n}=$a{n - 1}$a{n - 1}\n" for n in range(1, 2_000))
        + "gcloud ai-platform versions create --runtime-version $a1999\n",
    }
    write(folder, long)
    write(folder, {f"aws_deploy/{name}": text for name, text in long.items() if name.endswith(".sh")})
    return {"aws.model-fn": "pass", "model.present": "pass"}
