"""What a platform's layout holds when it is written, or why none is."""

from __future__ import annotations

from typing import NamedTuple

from grader.facts.records import Model
from grader.rehearsal.versions import Served


class Nothing(Exception):
    """There is no model, or no script with a ``model_fn``; ``lacks`` is the check that says so."""

    def __init__(self, sentence: str, lacks: str) -> None:
        super().__init__(sentence)
        self.lacks = lacks


class Laid(NamedTuple):
    """A deployment laid out for its server.

    ``program`` is the script below ``code_dir``, a path inside the sandbox (None: the platform loads the model itself);
    ``script`` its path in the submission, ``script_text`` its text, ``handlers`` the functions of the contract that it
    defines. ``model`` is the artifact's path in the submission, ``models`` what is known of its files. ``requirements`` is the
    text of the requirements.txt that goes with the code. ``notes`` and ``doubts`` as in ``Rehearsal``.
    """

    platform: str
    served: Served
    models: tuple[Model, ...]
    model: str
    program: str | None = None
    code_dir: str | None = None
    script: str | None = None
    script_text: str | None = None
    handlers: tuple[str, ...] = ()
    requirements: str | None = None
    notes: tuple[str, ...] = ()
    doubts: tuple[tuple[str, str], ...] = ()
