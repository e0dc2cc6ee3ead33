"""Amounts of a run, at a glance: times to three digits, shares, bars."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from fsmflow.analysis.recording import LEDGER, Recording
from fsmflow.machine import Caps
from fsmflow.reporting.amounts import worded

BAR = 10
"""How many columns the bar of the whole run would take."""

_UNITS = (
    (7_200_000_000, 3_600_000_000, "h"),
    (120_000_000, 60_000_000, "min"),
    (1_000_000, 1_000_000, "s"),
    (1_000, 1_000, "ms"),
)
_NAMES = {"steps": "step", "tool_calls": "tool call", "tokens": "token"}


def time(us: int) -> str:
    """Word a time to three digits: `38.2 s`, `140 ms`, `12.5 min`."""
    for least, unit, name in _UNITS:
        if us >= least:
            return f"{_three_digits(us / unit)} {name}"
    return f"{us} µs" if us else "0 s"


def _three_digits(amount: float) -> str:
    digits = 0 if amount >= 99.95 else 1 if amount >= 9.995 else 2
    shown = f"{amount:,.{digits}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def money(micro_usd: int) -> str:
    """Word money exactly: `$0.0031`."""
    return worded("micro_usd", micro_usd)


def percent(part: int, whole: int) -> str:
    """Word a part of a whole; only nothing is 0 %, and only all of it 100 %."""
    if part <= 0 or whole <= 0:
        return "0 %"
    rounded = round(100 * part / whole)
    return "100 %" if part >= whole else "<1 %" if rounded == 0 else f"{min(rounded, 99)} %"


def bar(part: int, whole: int) -> str:
    """Draw a part of a whole; what is not nothing is seen."""
    return "■" * max(1, round(BAR * min(part, whole) / whole)) if part > 0 and whole > 0 else ""


def counted(number: int, what: str) -> str:
    """Word a number of things: `1 step`, `1,500 tokens`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def amount(resource: str, used: int) -> str:
    """Word an amount of a resource of the ledger, with its unit."""
    match resource:
        case "micro_usd":
            return money(used)
        case "time_us":
            return time(used)
    return counted(used, _NAMES[resource])


def spent(amounts: Mapping[str, int], caps: Caps | None = None) -> list[str]:
    """Word what was used, each of its cap where one is known: `9 of 32 steps`, `$0.08 of $0.25`."""
    words = []
    for resource in LEDGER:
        used, cap = amounts[resource], None if caps is None else getattr(caps, resource)
        if cap is not None:
            bare = amount(resource, used) if resource in ("micro_usd", "time_us") else f"{used:,}"
            words.append(f"{bare} of {amount(resource, cap)}")
        elif used or resource in ("steps", "time_us"):
            words.append(amount(resource, used))
    return words


def began(recording: Recording) -> str:
    """Word when a run began, to the minute, in UTC; empty if its time was virtual, or no calendar has it."""
    if recording.start_ns < 86_400 * 10**9:
        return ""
    try:
        return datetime.fromtimestamp(recording.start_ns // 10**9, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return ""
