"""A rubric's faults are those of any file that a person writes; here they go by a rubric's name."""

from __future__ import annotations

from grader.faults import Fault, FaultyFile, Kind, did_you_mean, quoted

__all__ = ["Fault", "Kind", "RubricError", "did_you_mean", "quoted"]

RubricError = FaultyFile
"""A rubric or a file of marks that cannot be taken as it is; ``faults`` are all of its faults."""
