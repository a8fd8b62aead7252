"""Regular expressions that are compiled when they are first asked: a call uses few of the grader's several hundred."""

from __future__ import annotations

import re
from typing import Any, cast

_ALL: list[_Lazy] = []


class _Lazy:
    """Stands for a compiled pattern and becomes one at the first question."""

    def __init__(self, text: str, flags: int) -> None:
        self._text = text
        self._flags = flags
        _ALL.append(self)

    def __getattr__(self, name: str) -> Any:
        # Asked only for what the instance has not got yet: from now on the compiled pattern's methods are its own.
        compiled = re.compile(self._text, self._flags)
        for method in (
            "search",
            "match",
            "fullmatch",
            "finditer",
            "findall",
            "split",
            "sub",
            "subn",
            "pattern",
        ):
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)

    def __repr__(self) -> str:
        return f"pattern({self._text!r})"


def compile_all() -> None:
    """Compile what is not compiled yet: before many processes fork that would each do it."""
    for lazy in _ALL:
        lazy.search  # noqa: B018 - asking is what compiles


def pattern(text: str, flags: int | re.RegexFlag = 0) -> re.Pattern[str]:
    """``re.compile(text, flags)``, at its first use. A faulty expression shows then: the tests use every one.

    The answer has a pattern's methods; ``re.sub(answer, ...)`` and the like want the real thing.
    """
    return cast("re.Pattern[str]", _Lazy(text, int(flags)))
