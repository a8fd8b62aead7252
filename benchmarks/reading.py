"""Reading: a 40-cell notebook and a 300-line script, against what merely parsing them costs; and whether cost is linear.

The aim is 60 ms of CPU for both files together, everything followed, nothing cached but the imports.
"""

from __future__ import annotations

import ast
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator

from common import HEADER, ROOT, Row
from sample import notebook

sys.path.insert(0, str(ROOT))
from grader.testing import facts_of

RUNS = 9
SCRIPT = """
def prepare_{n}(frame, columns=("age", "balance")):
    table = frame.copy()
    for column in columns:
        table[column] = table[column].fillna(table[column].median())
    if {n} % 2:
        table["ratio_{n}"] = table["age"] / (table["balance"] + {n})
    return table


def model_fn(model_dir):
    path = os.path.join(model_dir, "model_{n}.joblib")
    return joblib.load(path)

"""


def script(lines: int) -> str:
    """A script of about ``lines`` lines."""
    head = "import os\nimport joblib\n"
    return head + "".join(SCRIPT.format(n=n) for n in range(lines // SCRIPT.count("\n")))


def cpu(work: Callable[[], object]) -> float:
    """Seconds of CPU: the median of several runs after one warm-up."""
    work()
    costs = []
    for _ in range(RUNS):
        began = time.process_time()
        work()
        costs.append(time.process_time() - began)
    return statistics.median(costs)


def rows() -> Iterator[Row]:
    """Reading a submission of the two files; of ten and of forty times as much script."""
    book, code = notebook(40), script(300)
    both = {"aws_deploy/inference.py": code, "exploration.ipynb": book}

    def parsed() -> None:
        cells = json.loads(book)["cells"]
        for cell in cells:
            if cell["cell_type"] == "code":
                ast.parse("".join(line for line in cell["source"] if not line.startswith("!")))
        ast.parse(code)

    ours, theirs = cpu(lambda: facts_of(both)), cpu(parsed)
    yield Row(
        "a 40-cell notebook and a 300-line script, read", f"{1000 * ours:.1f} ms", "60 ms", ours / 0.060, 1
    )
    yield Row(
        "the same against parsing alone",
        f"{1000 * ours:.1f} ms",
        f"{1000 * theirs:.1f} ms",
        ours / theirs,
        12,
    )
    small = cpu(lambda: facts_of({"aws_deploy/inference.py": script(1_000)}))
    large = cpu(lambda: facts_of({"aws_deploy/inference.py": script(8_000)}))
    yield Row(
        "8,000 lines against eight times 1,000",
        f"{1000 * large:.0f} ms",
        f"{8000 * small:.0f} ms",
        large / small / 8,
        1.3,
    )
    wide = cpu(lambda: facts_of({f"src/module_{n}.py": script(250) for n in range(32)}))
    yield Row(
        "the same 8,000 lines in 32 files",
        f"{1000 * wide:.0f} ms",
        f"{8000 * small:.0f} ms",
        wide / small / 8,
        1.3,
    )


if __name__ == "__main__":
    print(HEADER)
    for row in rows():
        print(row, flush=True)
