"""A dry run: the calls are shown instead of made."""

from __future__ import annotations

from collections.abc import Iterator


class Shown:
    """Stands for Google's libraries in a dry run: prints each call. ``there``: whether what is looked for is found."""

    def __init__(self, name: str, there: bool) -> None:
        self._name, self._there = name, there

    def __getattr__(self, part: str) -> Shown:
        return Shown(f"{self._name}.{part}", self._there)

    def __call__(self, *values: object, **named: object) -> Shown:
        words = [repr(value) for value in values] + [f"{name}={value!r}" for name, value in named.items()]
        print(f"  {self._name}({', '.join(words)})")
        # Model.upload(...) gives a model, Endpoint.list(...) endpoints, storage.lookup_bucket(...) a bucket.
        *_, maker, last = self._name.split(".")
        made = maker if last in ("upload", "create", "list") else last.rpartition("_")[2].rstrip("s")
        return Shown(made.lower(), self._there)

    def __iter__(self) -> Iterator[Shown]:
        return iter([self] if self._there else [])

    def __bool__(self) -> bool:
        return self._there

    def __repr__(self) -> str:
        return self._name
