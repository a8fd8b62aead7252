"""A grader for cloud-ML deployment labs."""

__version__ = "0.1.0"
