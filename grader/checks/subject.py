"""What a check is asked about (see :mod:`grader.facts.counted.subject`, where it lives for the rehearsal's sake)."""

from grader.facts.counted.subject import Subject, deploy_folder

__all__ = ["Subject", "deploy_folder"]
