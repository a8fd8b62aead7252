"""Write docs/checks/*.md from the checks themselves: run it after changing a check, its documentation or its points.

python tools/make_docs.py          write the pages
python tools/make_docs.py --check  say which are out of date (exit code 1), write nothing
"""

from __future__ import annotations

import sys
from pathlib import Path

from grader.checks.registry import load_builtin
from grader.report.explain import documents
from grader.rubric.load import load

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "checks"


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them; return the exit code."""
    pages = documents(load_builtin(), load(None))
    there = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.md")}
    stale = sorted(name for name in pages.keys() | there.keys() if pages.get(name) != there.get(name))
    if "--check" in arguments:
        for name in stale:
            print(f"docs/checks/{name} is out of date; run: python tools/make_docs.py")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        if name in pages:
            (FOLDER / name).write_text(pages[name], encoding="utf-8", newline="\n")
        else:
            (FOLDER / name).unlink()
    print(f"{len(pages)} pages, {len(stale)} changed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
