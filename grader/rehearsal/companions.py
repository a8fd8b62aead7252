"""What goes with a scikit-learn of some age, where nobody declares it: which Python, how new a NumPy and SciPy.

scikit-learn's wheels name the oldest NumPy and SciPy that they work with, never the newest, so an installer that is
free to choose takes one that came years later and breaks it. Facts of the packages' own release notes, 2026-11-22,
each tried with real wheels.
"""

from __future__ import annotations

from typing import NamedTuple

Release = tuple[int, ...]
"""A version's numbers: (1, 4, 2)."""


class Ceiling(NamedTuple):
    """Up to ``before`` (exclusive) of ``package``, it wants ``companion`` of this ``specifier``."""

    package: str
    before: Release
    companion: str
    specifier: str
    reason: str


CEILINGS = (
    Ceiling("scikit-learn", (1, 4, 2), "numpy", "<2", "built for NumPy 1's binary interface"),
    Ceiling("pandas", (2, 2, 2), "numpy", "<2", "built for NumPy 1's binary interface"),
    Ceiling("scipy", (1, 13), "numpy", "<2", "built for NumPy 1's binary interface"),
    Ceiling("scikit-learn", (1, 1), "numpy", "<1.25", "the SciPy that it works with goes no further"),
    Ceiling("scikit-learn", (1, 0), "numpy", "<1.24", "uses np.int and np.float, gone from 1.24"),
    Ceiling("scikit-learn", (0, 24), "numpy", "<1.20", "warns of np.int and np.float, deprecated from 1.20"),
    Ceiling("scikit-learn", (1, 1), "scipy", "<1.9", "uses scipy.linalg.pinv2, gone from 1.9"),
    Ceiling("scikit-learn", (1, 3), "scipy", "<1.14", "uses attributes of sparse matrices, gone from 1.14"),
)

_HOMES: tuple[tuple[Release, tuple[int, int]], ...] = (
    ((0, 22), (3, 7)),
    ((1, 0), (3, 8)),
    ((1, 3), (3, 9)),
    ((1, 4), (3, 10)),
    ((1, 5), (3, 11)),
)
_HOME_OF_THE_NEWEST = (3, 12)


def home(scikit_learn: Release) -> tuple[int, int]:
    """The Python to look for first for a scikit-learn: one in the middle of those that its wheels are made for."""
    return next((python for before, python in _HOMES if scikit_learn < before), _HOME_OF_THE_NEWEST)


def ceilings(versions: dict[str, Release]) -> list[str]:
    """Requirement lines that keep the companions of these packages from being too new; none for a package among them.

    ``versions`` are those wanted, by name; what is wanted explicitly is never bounded here.
    """
    lines: dict[str, None] = {}
    for rule in CEILINGS:
        release = versions.get(rule.package)
        if release is not None and release < rule.before and rule.companion not in versions:
            lines[f"{rule.companion}{rule.specifier}"] = None
    return list(lines)
