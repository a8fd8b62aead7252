"""Hostile input has to be read within the bound that a file has: the grader's own, not a stop-watch's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from grader.isolation import OutOfTime, cpu_budget
from grader.limits import Limits


@contextmanager
def within_a_files_bound() -> Iterator[None]:
    """Fails the test where what is inside takes more processor time than one file may."""
    seconds = Limits().file_seconds
    try:
        with cpu_budget(seconds):
            yield
    except OutOfTime:
        pytest.fail(f"it took more than the {seconds:g} s of processor time that one file may take")
