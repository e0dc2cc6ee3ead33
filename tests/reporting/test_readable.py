"""Values as people read them, where a trace has tags."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from fsmflow.reporting.readable import readable
from fsmflow.runtime.trace import plain


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (date(2026, 1, 1), "2026-01-01"),
        ({"amount": Decimal("1.50")}, {"amount": "1.50"}),
        ([float("nan"), 1.5], ["nan", 1.5]),
        (b"x", "base64 eA=="),
        ({"b", "a"}, ["a", "b"]),
        ({1: date(2026, 1, 1), None: 2}, {"1": "2026-01-01", "null": 2}),
        ({1: "one", "1": "text"}, [[1, "one"], ["1", "text"]]),
        ({"$set": 1, "$$x": {"$repr": 2, "y": 3}}, {"$set": 1, "$$x": {"$repr": 2, "y": 3}}),
        ({"a": [None, True, "text"]}, {"a": [None, True, "text"]}),
    ],
)
def test_a_value_is_read_as_it_was_written(value: Any, read: Any) -> None:
    """What a step gave is read without tags, and a name of its own with a dollar is left as it is."""
    assert readable(plain(value)) == read


@pytest.mark.parametrize(
    "odd", [{"$repr": 1}, {"$map": [[1]]}, {"$map": ["ab"]}, {"$set": "a"}, {"$bytes": None}]
)
def test_what_is_no_tag_is_left_as_it_is(odd: Any) -> None:
    """What only looks like a tag, as in a file that was edited by hand, is shown as it stands."""
    assert readable(odd) == odd


def test_what_is_too_deep_is_left_as_it_is() -> None:
    """No depth of data is too much."""
    deep: Any = {"$repr": "x"}
    for _ in range(200):
        deep = [deep]

    assert str(readable(deep)) == str(deep)
