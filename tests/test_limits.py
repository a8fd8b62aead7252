"""Bounds, as the command line sets them."""

from __future__ import annotations

import pytest

from grader.limits import Limits


@pytest.mark.parametrize(
    ("setting", "name", "value"),
    [
        ("fetch-seconds=7.5", "fetch_seconds", 7.5),
        ("entries=100", "entries", 100),
        ("model-bytes=200_000_000", "model_bytes", 200_000_000),
    ],
)
def test_a_bound_can_be_set(setting: str, name: str, value: float) -> None:
    changed = Limits().with_setting(setting)
    assert getattr(changed, name) == value
    assert type(getattr(changed, name)) is type(value)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("fetch-second=7", "did you mean fetch-seconds?"),
        ("entries", "wants a positive whole number"),
        ("entries=-1", "wants a positive whole number"),
        ("entries=1.5", "wants a positive whole number"),
        ("fetch-seconds=nan", "wants a positive number"),
        ("fetch-seconds=inf", "wants a positive number"),
        ("=", "no bound is called ''"),
    ],
)
def test_a_wrong_setting_is_one_sentence(setting: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        Limits().with_setting(setting)
