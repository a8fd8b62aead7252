"""One question each, a family a file: facts in, Verdict out. No file access, no points.

What is imported here is what the author of a check needs; docs/extending.md shows a whole one.
"""

from grader.checks.registry import Requirement, check
from grader.checks.subject import Subject
from grader.checks.verdict import Status, Verdict, error, failed, not_applicable, partial, passed, review
from grader.facts.records import Place

__all__ = [
    "Place",
    "Requirement",
    "Status",
    "Subject",
    "Verdict",
    "check",
    "error",
    "failed",
    "not_applicable",
    "partial",
    "passed",
    "review",
]
