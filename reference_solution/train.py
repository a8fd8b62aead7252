"""Trains the penguin model twice, once for each cloud, under the very versions that the cloud serves it with.

    python train.py                  both
    python train.py --only gcp       one of them
    python train.py --into FOLDER    write there instead of into aws_deploy/ and gcp_deploy/

It needs uv (https://docs.astral.sh/uv/) and nothing else: uv makes the environments that the lock files describe. Run
twice on one machine, it writes the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PYTHONS = {"aws": "3.9", "gcp": "3.10"}
ARTIFACTS = {"aws": "aws_deploy/model.tar.gz", "gcp": "gcp_deploy/model.joblib"}
METRICS = "reference_solution/metrics.json"


class Trouble(Exception):
    """One sentence for whoever runs this."""


def find_uv() -> str:
    """The uv to use: on the path, or beside the Python that runs this."""
    path = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    found = shutil.which("uv", path=path)
    if found is None:
        raise Trouble("uv was not found: install it with `pip install uv`, then run this again.")
    return found


def python_for(version: str) -> str:
    """A Python of that version: pyenv's where it has one, else uv looks for it, or downloads it."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for candidate in sorted(root.glob(f"versions/{version}.*/bin/python")):
        if candidate.is_file():
            return str(candidate)
    return version


def fit(platform: str, folder: Path) -> tuple[bytes, dict[str, Any]]:
    """Fits the model in the environment of ``platform``: the joblib file, and what was measured."""
    model, metrics = folder / f"{platform}.joblib", folder / f"{platform}.json"
    command = [find_uv(), "run", "--project", str(HERE / "environments" / platform)]
    command += ["--frozen", "--isolated", "--python", python_for(PYTHONS[platform])]
    command += ["python", str(HERE / "fit.py"), str(model), str(metrics)]
    # One thread and one hash seed: sums and sets come out in the same order each time.
    fixed = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(command, env=kept | fixed, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Trouble(f"The model for {platform} could not be trained:\n{done.stderr.strip()[-2000:]}")
    return model.read_bytes(), json.loads(metrics.read_text(encoding="utf-8"))


def pack(model: bytes) -> bytes:
    """``model.tar.gz`` as SageMaker wants it: ``model.joblib`` at its root. No dates, no owner: the same bytes each time."""
    entry = tarfile.TarInfo("model.joblib")
    entry.size = len(model)
    entry.mode = 0o644
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(entry, io.BytesIO(model))
    return gzip.compress(plain.getvalue(), mtime=0)


def train(platforms: list[str], into: Path) -> None:
    """Trains for ``platforms``, and writes the artifacts and the metrics below ``into``."""
    known = into / METRICS
    metrics = json.loads(known.read_text(encoding="utf-8")) if known.is_file() else {}
    with tempfile.TemporaryDirectory() as temporary:
        for platform in platforms:
            model, measured = fit(platform, Path(temporary))
            artifact = pack(model) if platform == "aws" else model
            target = into / ARTIFACTS[platform]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(artifact)
            digest = hashlib.sha256(artifact).hexdigest()
            metrics[platform] = {"artifact": ARTIFACTS[platform], "sha256": digest, **measured}
            with_, score = measured["scikit_learn"], measured["accuracy"]["test"]
            print(f"{ARTIFACTS[platform]}: scikit-learn {with_}, test accuracy {score}")
    known.parent.mkdir(parents=True, exist_ok=True)
    known.write_text(json.dumps(dict(sorted(metrics.items())), indent=2) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Train the penguin model for both clouds.")
    parser.add_argument("--only", choices=sorted(PYTHONS), help="train for this cloud alone")
    parser.add_argument(
        "--into", type=Path, default=ROOT, help="the folder to write below (default: the repository)"
    )
    options = parser.parse_args(arguments)
    try:
        train([options.only] if options.only else sorted(PYTHONS), options.into)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
