"""Write the report that README.md shows: run it after changing a report's look, a message or the fixture that it shows.

python tools/make_readme.py          write it
python tools/make_readme.py --check  say whether it is out of date (exit code 1), write nothing
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHOWN = "fixtures/aws-readme-two-of-three/submission"
BEGIN, END = "<!-- report -->\n", "<!-- end -->"


def report() -> str:
    """What ``grade`` prints for the submission, without the last line, which tells how long it took."""
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "PYTHONIOENCODING")}
    done = subprocess.run(
        [sys.executable, "-m", "grader", SHOWN],
        cwd=ROOT,
        env={**environment, "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    lines = done.stdout.rstrip().splitlines()
    if not lines[-1].startswith("fetch "):
        raise ValueError(f"the last line was to tell the time: {lines[-1]}")
    return "\n".join(lines[:-1]).rstrip()


def block() -> str:
    """What stands between the marks."""
    return f"```console\n$ grade {SHOWN}\n{report()}\n```\n"


def main(arguments: list[str]) -> int:
    """Write the report into README.md, or compare it; return the exit code."""
    page = ROOT / "README.md"
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md has no {BEGIN.strip()} ... {END}")
    wanted = before + begin + block() + end + after
    if "--check" in arguments:
        if wanted != text:
            print("the report in README.md is out of date; run: python tools/make_readme.py")
        return int(wanted != text)
    page.write_text(wanted, encoding="utf-8", newline="\n")
    print("written" if wanted != text else "unchanged")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
