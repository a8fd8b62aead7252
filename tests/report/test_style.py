"""The style sheet's promise: every text stands out from what is behind it, in light and in dark."""

from __future__ import annotations

import re

import pytest

from grader.report.style import STYLE

_LIGHT, _DARK = re.findall(r":root\{([^}]*)\}", STYLE)
TEXTS = ("fg", "soft", "pass", "partial", "fail", "review", "error", "quiet")


def _colors(block: str) -> dict[str, str]:
    found = dict(re.findall(r"--(\w+):#([0-9a-f]+)", block))
    return {name: code if len(code) == 6 else "".join(2 * c for c in code) for name, code in found.items()}


def _luminance(code: str) -> float:
    parts = [int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("block", [_LIGHT, _DARK], ids=["light", "dark"])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("behind", ["bg", "panel"])
def test_contrast(block: str, text: str, behind: str) -> None:
    colors = _colors(block)
    assert _contrast(colors[text], colors[behind]) >= 4.5
