"""Amounts of each metric, as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping

from fsmflow.analysis.proving.counter_machine import Metric

NAMES: dict[Metric, str] = {
    "steps": "steps",
    "tool_calls": "tool calls",
    "tokens": "tokens",
    "micro_usd": "money",
    "microseconds": "time",
    "transitions": "transitions",
}
"""What each metric is called, in the order in which they are told."""

ONE: Mapping[str, str] = {"steps": "step", "tool_calls": "tool call", "tokens": "token"}
"""What one of each is called of what is counted, rather than measured."""

_UNITS = ((86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "min"))


def counted(number: int, what: str) -> str:
    """Word a number of things: `1 step`, `1,500 tokens`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def worded(metric: Metric, amount: int) -> str:
    """Write an amount exactly: `1,500`, `$0.0031`, `8 min 5 s`."""
    if metric == "micro_usd":
        dollars, rest = divmod(amount, 1_000_000)
        cents = f".{rest:06d}".rstrip("0")
        return f"${dollars:,}" + (cents.ljust(3, "0") if rest else "")
    return _time(amount) if metric == "microseconds" else f"{amount:,}"


def _time(microseconds: int) -> str:
    words: list[str] = []
    for unit, name in _UNITS:
        count, microseconds = divmod(microseconds, unit)
        if count:
            words.append(f"{count:,} {name}")
    if microseconds or not words:
        if words or microseconds >= 1_000_000 or not microseconds:
            words.append(f"{_decimal(microseconds, 1_000_000)} s")
        else:
            words.append(f"{_decimal(microseconds, 1_000)} ms")
    return " ".join(words)


def _decimal(amount: int, unit: int) -> str:
    whole, rest = divmod(amount, unit)
    digits = len(str(unit)) - 1
    return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".") if rest else str(whole)
