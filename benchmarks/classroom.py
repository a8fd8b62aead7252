"""A class: 100 repositories in one call, against their clones two at a time from the same server."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from common import HEADER, ROOT, Cost, Row, in_turn, installed, median, run
from sample import submission

sys.path.insert(0, str(ROOT))
from tests.servers import Behaviour, repository, served, serving

CLASS = 100
RUNS = 3


def rows() -> Iterator[Row]:
    """Wall time, and the peak memory of the largest process."""
    with installed() as bin_, tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        first = submission(home / "one")
        files = {
            str(p.relative_to(first)): p.read_bytes()
            for p in first.rglob("*")
            if p.is_file() and ".git" not in p.parts
        }
        bare = served(repository(home / "made", files), home / "root" / "0.git")
        for number in range(1, CLASS):
            shutil.copytree(bare, home / "root" / f"{number}.git")
        with serving(home / "root", Behaviour(latency=0.02)) as server:
            urls = [server.url(f"{number}.git") for number in range(CLASS)]
            grade = [str(bin_ / "grade"), *urls, "--format", "json", "--jobs", "2"]
            ours, theirs = in_turn(lambda: run(grade), lambda: _clones(urls, home / "clones"), RUNS)
            a, b = median(ours, lambda c: c.wall), median(theirs, lambda c: c.wall)
            yield Row(
                "100 repositories in one call against their clones", f"{a:.1f} s", f"{b:.1f} s", a / b, 1.3
            )
            most = max(cost.memory for cost in ours)
            yield Row("memory of the largest process", f"{most / 1e6:.0f} MB", "300 MB", most / 300e6, 1)


def _clones(urls: list[str], folder: Path) -> Cost:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    lines = "\n".join(f"{shlex.quote(url)} {folder / str(n)}" for n, url in enumerate(urls))
    listed = folder.with_suffix(".txt")
    listed.write_text(lines + os.linesep, encoding="utf-8")
    return run(["sh", "-c", f"xargs -P 2 -n 2 git clone --quiet --depth 1 < {shlex.quote(str(listed))}"])


if __name__ == "__main__":
    print(HEADER)
    for row in rows():
        print(row, flush=True)
