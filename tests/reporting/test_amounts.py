"""Amounts as a person reads them."""

from __future__ import annotations

import pytest

from fsmflow.analysis.proving.counter_machine import Metric
from fsmflow.reporting.amounts import worded


@pytest.mark.parametrize(
    ("metric", "amount", "words"),
    [
        ("steps", 1_234_567, "1,234,567"),
        ("micro_usd", 0, "$0"),
        ("micro_usd", 3_100, "$0.0031"),
        ("micro_usd", 500_000, "$0.50"),
        ("micro_usd", 2_000_000, "$2"),
        ("microseconds", 0, "0 s"),
        ("microseconds", 1, "0.001 ms"),
        ("microseconds", 1_500, "1.5 ms"),
        ("microseconds", 60_000_000, "1 min"),
        ("microseconds", 3_605_250_000, "1 h 5.25 s"),
    ],
)
def test_amounts_are_exact(metric: Metric, amount: int, words: str) -> None:
    """Nothing is rounded away, and units are those that people use."""
    assert worded(metric, amount) == words
