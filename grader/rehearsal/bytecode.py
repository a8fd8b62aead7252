"""Bytecode of what was installed: a sandbox shows it read-only, so that nothing could be kept at a first start."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from grader.rehearsal.installer import end
from grader.rehearsal.pythons import Interpreter

# Compiling reads sources and runs none. They may be anything a package index has, hence the limits; what is not
# compiled here is compiled at each start, so this is worth its time and nothing depends on it.
_COMPILE = """
import compileall, re, resource, sys
folder, shown, seconds, workers = sys.argv[1:5]
resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000,) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (int(seconds),) * 2)
compileall.compile_dir(folder, ddir=shown, quiet=2, rx=re.compile(r"/tests?/"), workers=int(workers))
"""


def compile_sources(interpreter: Interpreter, folder: Path, shown: Path, deadline: float) -> None:
    """Keep the bytecode of what is in ``folder``, as if it lay in ``shown``: a sandbox cannot write any. Best effort."""
    seconds = max(1.0, min(240.0, deadline - time.monotonic()))
    if sys.platform == "win32":
        return
    few = sum(1 for _ in itertools.islice(folder.rglob("*.py"), 300)) < 300
    workers = "1" if few else str(min(4, os.cpu_count() or 1))
    command = [str(interpreter.executable), "-I", "-S", "-c", _COMPILE, str(folder), str(shown)]
    with tempfile.TemporaryDirectory(prefix="grade-compile-") as empty, contextlib.suppress(OSError):
        child = subprocess.Popen(
            [*command, str(int(seconds)), workers],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=empty,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            umask=0o022,
            start_new_session=True,
        )
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            end(child)
