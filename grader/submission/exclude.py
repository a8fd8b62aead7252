"""What the user leaves out of a submission: gitignore syntax, as in ``--exclude fixtures --exclude '*.csv'``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from grader.submission.errors import WrongCall


def matcher(globs: Sequence[str]) -> Callable[[str], bool] | None:
    """A function that says whether a path was left out; None where nothing was.

    Raises:
        WrongCall: one of the patterns is none.
    """
    if not globs:
        return None
    from pathspec import GitIgnoreSpec

    try:
        spec = GitIgnoreSpec.from_lines(list(globs))
    except ValueError as problem:
        raise WrongCall(f"--exclude wants patterns as in a .gitignore file: {problem}") from None
    return spec.match_file
