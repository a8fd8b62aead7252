"""Run other scanners of pickled models beside the grader's reader, and write docs/model-scanners.md.

    uv run --python 3.12 --with-editable . --with picklescan --with modelscan --with fickling \
        tools/compare_scanners.py docs/model-scanners.md

Each tool is run as its own command on each sample, the way its users do. Samples are real models of
tests/facts/models, and the same with a harmless call of ``os.system`` or a gadget put in.
"""

from __future__ import annotations

import datetime as dt
import io
import pickle
import subprocess
import sys
import tempfile
import zlib
from importlib.metadata import version
from pathlib import Path

from grader.facts import models
from grader.facts.pickles.names import classify
from grader.limits import Limits

REAL = Path(__file__).parent.parent / "tests" / "facts" / "models"
P2 = b"\x80\x02"
SYSTEM = b"cos\nsystem\nX\x04\x00\x00\x00true\x85R"


def named(module: str, name: str) -> bytes:
    """An opcode that names ``module.name``."""
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def text(value: str) -> bytes:
    """An opcode that pushes a short text."""
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def array(length: int) -> bytes:
    """joblib's wrapper of ``length`` bytes, and the bytes."""
    dtype = named("numpy", "dtype") + text("u1") + b"\x89\x88\x87R"
    state = (
        text("shape")
        + b"J"
        + length.to_bytes(4, "little")
        + b"\x85"
        + text("dtype")
        + dtype
        + text("order")
        + text("C")
    )
    wrapper = named("joblib.numpy_pickle", "NumpyArrayWrapper")
    return wrapper + b")\x81}(" + state + b"ub" + bytes(length)


def samples() -> dict[str, tuple[bytes, bool]]:
    """Name -> (bytes, whether it is honest)."""
    honest = {
        "forest, joblib": "1.2.1-np1-forest.joblib",
        "forest, joblib with zlib": "1.2.1-np1-forest.joblib.zlib",
        "forest, joblib with xz": "1.2.1-np1-forest.joblib.xz",
        "pipeline of columns, joblib": "1.6.1-np2-columns.joblib",
        "search, joblib": "1.6.1-np2-random.joblib",
        "regression, pickle 0": "1.2.1-np1-logistic-p0.pkl",
        "regression, pickle 4": "1.2.1-np1-logistic-p4.pkl",
        "regression, pickle 5": "1.2.1-np1-logistic-p5.pkl",
    }
    made = {name: ((REAL / file).read_bytes(), True) for name, file in honest.items()}
    after = P2 + b"](" + array(400_000) + SYSTEM + b"e."
    distribution = named("scipy.stats._continuous_distns", "norm_gen") + b")\x81}"
    hostile = {
        "os.system, pickle 2": P2 + SYSTEM + b".",
        "os.system before an array": P2 + b"](" + SYSTEM + array(400_000) + b"e.",
        "os.system behind an array": after,
        "os.system behind an array, zlib": zlib.compress(after),
        "os.system in a second pickle": pickle.dumps([1]) + P2 + SYSTEM + b".",
        "joblib.load of another file": P2 + named("joblib", "load") + text("x.joblib") + b"\x85R.",
        "numpy.load of another file": P2 + named("numpy", "load") + text("x.npy") + b"\x85R.",
        "a method of os through sklearn.utils": b"\x80\x04\x8c\x0dsklearn.utils\x8c\x09os.system\x93\x8c\x04true\x85R.",
        "a SciPy distribution that compiles a text": P2
        + distribution
        + text("_parse_arg_template")
        + text("import os")
        + b"sb.",
    }
    made.update({name: (data, False) for name, data in hostile.items()})
    return made


def ours(path: Path) -> str:
    """The grader's own answer."""
    data = path.read_bytes()
    model = models.read(path.name, None, io.BytesIO(data), len(data), Limits())
    if model.dangerous:
        return "flagged"
    doubts = [g for g in model.globals if classify(g) != "known" and g not in model.excused]
    return "unsure" if model.problem or doubts else "clean"


def theirs(tool: str, path: Path) -> str:
    """Another tool's answer, by its exit code."""
    commands = {
        "picklescan": ["picklescan", "--path", str(path)],
        "modelscan": ["modelscan", "--path", str(path)],
        "fickling": ["fickling", "--check-safety", str(path)],
    }
    done = subprocess.run(commands[tool], capture_output=True, text=True, timeout=120, check=False)
    if tool == "fickling":
        if "Traceback" in done.stderr or "Error" in done.stderr:
            return "error"
        return "flagged" if done.returncode else "clean"
    return {0: "clean", 1: "flagged"}.get(done.returncode, "error")


def main(target: str) -> None:
    """Write the page."""
    tools = ("picklescan", "modelscan", "fickling")
    rows = []
    right = dict.fromkeys(("grade", *tools), 0)
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, (data, is_honest)) in enumerate(samples().items()):
            path = Path(folder) / f"{number}.{'joblib' if 'joblib' in name or 'array' in name else 'pkl'}"
            path.write_bytes(data)
            answers = {"grade": ours(path), **{tool: theirs(tool, path) for tool in tools}}
            for tool, answer in answers.items():
                right[tool] += answer == ("clean" if is_honest else "flagged")
            rows.append(
                f"| {name} | {'honest' if is_honest else 'hostile'} | {' | '.join(answers.values())} |"
            )
    heads = " | ".join(["`grade`", *(f"{tool} {version(tool)}" for tool in tools)])
    page = [
        "# Scanners of pickled models, side by side",
        "",
        f"Made by `tools/compare_scanners.py` on {dt.datetime.now(tz=dt.timezone.utc).date().isoformat()}; run it again to "
        "check. The samples are real models and small payloads of ours, so the table shows what each tool reads, not how "
        "good it is elsewhere: the others are made for model hubs, and know many formats that the grader does not open.",
        "",
        "*clean*: nothing found. *flagged*: said to be dangerous. *unsure*: for a person. *error*: could not be read.",
        "",
        f"| sample | is | {heads} |",
        "|---|---|" + "---|" * (1 + len(tools)),
        *rows,
        f"| right answers | of {len(rows)} | {' | '.join(str(n) for n in right.values())} |",
        "",
        "Why they differ: a joblib file is not one pickle but a pickle with raw arrays between its opcodes, often "
        "compressed. A reader has to know where each array ends to see what stands behind it. And a name is no danger by "
        "its package: `numpy.load` is in NumPy, so the grader holds names against an exact list of what models need.",
        "",
    ]
    Path(target).write_text("\n".join(page), encoding="utf-8")
    print("\n".join(rows), right)


if __name__ == "__main__":
    main(sys.argv[1])
