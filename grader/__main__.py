"""The console script, and ``python -m grader``."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    # `python -m` puts the working folder first on sys.path, and that folder may be a submission.
    if sys.path and sys.path[0] in ("", "."):
        del sys.path[0]
    from grader.cli import run

    raise SystemExit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
