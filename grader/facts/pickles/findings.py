"""What reading a pickle finds."""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.facts.pickles.nodes import Name


@dataclass(slots=True)
class Findings:
    """What one file's pickles named, did and held, in the order in which it was met.

    ``names`` by (module, name) as written; ``runs``: what would run code or reach outside;
    ``excused`` and ``doubted``: gadgets used as models do use them, and in ways that may be honest; ``versions`` of scikit-learn;
    ``wrapped``: joblib's arrays; ``first_array``: offset, stack, marks and memo where the first of those stands;
    ``kept`` and ``objects`` count against bounds; ``further`` counts the pickles read behind the first.
    """

    names: dict[tuple[str, str], Name] = field(default_factory=dict)
    runs: dict[str, None] = field(default_factory=dict)
    excused: dict[str, None] = field(default_factory=dict)
    doubted: dict[str, None] = field(default_factory=dict)
    versions: dict[str, None] = field(default_factory=dict)
    wrapped: int = 0
    first_is_object: bool = False
    protocol: int = 0
    persistent: bool = False
    problem: str | None = None
    first_array: tuple[int, list[object], list[int], list[object], dict[int, object]] | None = None
    kept: int = 0
    objects: int = 0
    further: int = 0

    def told(self, problem: str) -> None:
        """Note what is odd; the first one is told."""
        self.problem = self.problem or problem
