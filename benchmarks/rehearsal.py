"""One rehearsal with its environment ready, from its order to its record, against the floor: one process that imports the same
scikit-learn, loads the same model and predicts.
"""

from __future__ import annotations

import json
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from common import HEADER, ROOT, Cost, Row, in_turn, median

from grader.asking.payloads import Payload
from grader.facts.asked import Rehearsal
from grader.rehearsal.environment import Settings, Wanted, prepare
from grader.rehearsal.job import PROGRAMS, Bounds
from grader.rehearsal.plan import Order
from grader.rehearsal.probe import probe
from grader.rehearsal.rehearse import carry_out

RUNS = 9
MODEL = ROOT / "tests" / "facts" / "models" / "1.2.1-np1-pipeline.joblib"
SCRIPT = """
import os
import joblib

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))
"""
FLOOR = "import joblib, sys; print(joblib.load(sys.argv[1]).predict([[0.5, 0.4, 0.1, 0.9]]))"
PAYLOAD = Payload("one row of JSON", "application/json", b"[[0.5, 0.4, 0.1, 0.9]]")
PACKAGES = (("scikit-learn", "1.2.1"), ("numpy", "1.24.1"))


class Bare:
    """The server's process without a sandbox."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def ended(self) -> None:
        """It does not end by itself."""

    def log(self) -> str:
        """Nobody reads it here."""
        return ""


def timed(work: Callable[[], None]) -> Callable[[], Cost]:
    """``work`` as a cost: wall time alone, for part of it is done by processes of others."""

    def run() -> Cost:
        began = time.perf_counter()
        work()
        return Cost(0.0, time.perf_counter() - began, 0)

    return run


def staged(stage: Path) -> None:
    """The files of a deployment, as a plan lays them out."""
    for name, data in (("model/model.joblib", MODEL.read_bytes()), ("code/inference.py", SCRIPT.encode())):
        (stage / name).parent.mkdir(parents=True)
        (stage / name).write_bytes(data)
    for path in (stage, *stage.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def rows() -> Iterator[Row]:
    """Figures of wall time."""
    with tempfile.TemporaryDirectory(prefix="grade-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        settings = Settings(cache=home / "cache")
        python = prepare(Wanted("3.9", PACKAGES), settings=settings).python
        stage = home / "stage"
        staged(stage)
        about = Rehearsal("aws", "asked", script="aws_deploy/inference.py", contract="sagemaker")
        order = Order(
            "aws", "sagemaker", "3.9", PACKAGES, (), str(stage), "inference.py", "/opt/ml/code", True, (PAYLOAD,),
            60.0, 1_000_000_000, 64, 300.0, about,
        )  # fmt: skip

        def floor() -> None:
            command = [str(python), "-I", "-c", FLOOR, str(stage / "model" / "model.joblib")]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

        def whole() -> None:
            found = carry_out(order, settings=settings)
            if not found.attempts or found.attempts[-1].problem is not None:
                raise SystemExit(f"it did not predict: {found}")

        for name, work in (
            ("the server alone, no sandbox", lambda: bare(python, stage)),
            ("the whole rehearsal", whole),
        ):
            ours, theirs = in_turn(timed(work), timed(floor), RUNS)
            a, b = median(ours, lambda c: c.wall), median(theirs, lambda c: c.wall)
            yield Row(
                f"{name}, to the first prediction", f"{1000 * a:.0f} ms", f"{1000 * b:.0f} ms", a / b, 1.5
            )


def bare(python: Path, stage: Path) -> None:
    """Start the server, ask it, end it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener,
    ):
        address = Path(folder) / "server"
        listener.bind(str(address))
        listener.listen(4)
        config = {
            "contract": "sagemaker",
            "model_dir": str(stage / "model"),
            "code_dir": str(stage / "code"),
            "program": "inference.py",
            "listener": listener.fileno(),
        }
        (Path(folder) / "config.json").write_text(json.dumps(config))
        command = [str(python), "-I", str(PROGRAMS / "server.py"), f"{folder}/config.json"]
        with subprocess.Popen(
            command, pass_fds=[listener.fileno()], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            asked = probe(address, "sagemaker", [PAYLOAD], Bounds(), Bare(process))
            process.kill()
        if asked.predicted is None:
            raise SystemExit(f"it did not predict: {asked}")


if __name__ == "__main__":
    print(HEADER)
    for row in rows():
        print(row, flush=True)
