"""The console script, and ``python -m grader``."""

import gc
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    # `python -m` puts the working folder first on sys.path, and that folder may be a submission.
    if sys.path and sys.path[0] in ("", "."):
        del sys.path[0]
    # What start-up makes is kept to the end; looking through it for garbage would be a twentieth of a call. The processes
    # that read submissions collect theirs (grader/isolation.py).
    gc.disable()
    from grader.cli import run

    raise SystemExit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
