"""Amounts of each metric, as programs read them: time is in milliseconds."""

from __future__ import annotations

from fsmflow.analysis.proving.counter_machine import Metric


def named(metric: Metric) -> str:
    """Name a metric by its unit."""
    return "milliseconds" if metric == "microseconds" else metric


def plain(metric: Metric | None, amount: int | str | None) -> int | float | str | None:
    """Give an amount in the unit of its name: a whole number, but for parts of a millisecond."""
    if metric != "microseconds" or not isinstance(amount, int):
        return amount
    return amount // 1000 if amount % 1000 == 0 else amount / 1000
