"""Reading models inertly, against loading them and against other scanners; ratios of one run, side by side.

    uv run --python 3.12 --with-editable . --with scikit-learn==1.6.1 --with picklescan --with modelscan \
        benchmarks/models.py

A forest of about 100 MB and a text vectoriser of 500,000 words against ``joblib.load``; 200 small models against
picklescan and modelscan. Each figure is the best of three.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from grader.facts import models
from grader.limits import Limits

SMALL = Path(__file__).parent.parent / "tests" / "facts" / "models"


def best(work: Callable[[], object], rounds: int = 3) -> float:
    """Seconds of the fastest round."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def read(path: Path) -> models.Model:
    """As the grader reads it."""
    data = path.read_bytes()
    return models.read(path.name, None, io.BytesIO(data), len(data), Limits())


def make_large(folder: Path) -> list[Path]:
    """The forest and the vectoriser, plain and compressed."""
    import joblib
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer

    rng = np.random.RandomState(0)
    table = rng.rand(20_000, 10)
    target = (table[:, 0] + rng.rand(20_000) > 1).astype(int)
    forest = RandomForestClassifier(220, random_state=0).fit(table, target)
    texts = [" ".join(f"w{n}" for n in range(start, start + 1_000)) for start in range(0, 500_000, 1_000)]
    vectoriser = TfidfVectorizer().fit(texts)
    made = []
    for name, model, compress in (
        ("forest.joblib", forest, 0),
        ("forest.joblib.z", forest, 3),
        ("vectoriser.joblib", vectoriser, 0),
        ("vectoriser.joblib.z", vectoriser, 3),
    ):
        path = folder / name
        joblib.dump(model, path, compress=compress)
        made.append(path)
    return made


def main() -> None:
    """Print the figures."""
    import joblib
    from modelscan.modelscan import ModelScan
    from picklescan.scanner import scan_file_path

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in make_large(folder):
            found = read(path)
            ours, theirs = best(lambda path=path: read(path)), best(lambda path=path: joblib.load(path))
            print(
                f"{path.name:22} {path.stat().st_size / 1e6:6.1f} MB  read {ours:6.3f} s  joblib.load {theirs:6.3f} s"
                f"  ratio {ours / theirs:5.2f}  {found.problem or found.class_name}"
            )
        few = folder / "small"
        few.mkdir()
        for path in sorted(SMALL.glob("*.*"))[:200]:
            shutil.copy(path, few)
        files = sorted(few.iterdir())
        ours = best(lambda: [read(path) for path in files])
        scans: dict[str, Callable[[], object]] = {
            "picklescan": lambda: [scan_file_path(str(path)) for path in files],
            "modelscan": lambda: [ModelScan().scan(str(path)) for path in files],
        }
        print(f"{len(files)} small models: read {ours:.3f} s")
        for tool, scan in scans.items():
            theirs = best(scan, 1)
            print(f"  {tool:12} {theirs:6.3f} s  ratio {ours / theirs:5.2f}")


if __name__ == "__main__":
    main()
