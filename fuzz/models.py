"""Mutate model files and archives for as long as you like; whatever the bytes, a record has to come back.

    python fuzz/models.py --seconds 600 [--seed N] [FILE ...]

Without files, the models of tests/facts/models are the seeds. What breaks is written beside this script, by its hash.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import random
import sys
import tarfile
import time
import traceback
import zipfile
import zlib
from pathlib import Path

from grader.facts import archives, models
from grader.limits import Limits

HERE = Path(__file__).parent
LIMITS = Limits(model_objects=200_000, archive_bytes=20_000_000)
SLOW = 2.0  # seconds of processor time that no file of this size may take
TOKENS = [
    bytes([code])
    for code in b"RbocitlduasepgqrjhJKMX\x80\x81\x85\x86\x87\x8c\x8d\x8e\x92\x93\x94\x95\x96\x97(0.12]})"
]


def packed(data: bytes, chance: random.Random) -> tuple[str, bytes]:
    """The file as it is, compressed, or in an archive."""
    kind = chance.randrange(5)
    if kind == 0:
        return "model.joblib", zlib.compress(data, 1)
    if kind == 1:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            info = tarfile.TarInfo("model.joblib")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        return "model.tar.gz", gzip.compress(out.getvalue(), 1)
    if kind == 2:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as zipped:
            zipped.writestr("model.joblib", data)
        return "model.zip", out.getvalue()
    return "model.joblib", data


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A few changes: bytes, cuts, opcodes, pieces moved."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 8)):
        place = chance.randrange(len(changed) or 1)
        kind = chance.randrange(5)
        if kind == 0 and changed:
            changed[place] = chance.randrange(256)
        elif kind == 1:
            del changed[place : place + chance.randrange(1, 20)]
        elif kind == 2:
            changed[place:place] = chance.choice(TOKENS)
        elif kind == 3:
            start = chance.randrange(len(changed) or 1)
            changed[place:place] = changed[start : start + chance.randrange(1, 60)]
        else:
            changed[place : place + 8] = chance.randbytes(chance.choice((1, 4, 8)))
    return bytes(changed)


def read(path: str, data: bytes) -> None:
    """Read it as the grader would."""
    if archives.is_archive(path):
        archives.read(path, data, LIMITS)
        archives.sources(path, data, LIMITS)
    else:
        models.read(path, None, io.BytesIO(data), len(data), LIMITS)


def main() -> int:
    """Fuzz; 1 if something broke."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    files = options.files or sorted((HERE.parent / "tests" / "facts" / "models").glob("*.*"))
    seeds = [path.read_bytes()[:20_000] for path in files]
    end, count, broken = time.monotonic() + options.seconds, 0, 0
    while time.monotonic() < end:
        path, data = packed(mutated(chance.choice(seeds), chance), chance)
        if chance.randrange(3) == 0:
            data = mutated(data, chance)
        started = time.process_time()
        try:
            read(path, data)
            fault = "slow" if time.process_time() - started > SLOW else ""
        except Exception:  # the very thing that is looked for
            fault = traceback.format_exc()
        if fault:
            broken += 1
            name = f"broken-{hashlib.sha256(data).hexdigest()[:12]}-{path}"
            (HERE / name).write_bytes(data)
            print(name, fault, file=sys.stderr)
        count += 1
    print(f"{count} files, {broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
