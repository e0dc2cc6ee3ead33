"""Amounts of a run, at a glance: times to three digits, shares, bars."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from fsmflow.analysis.traces.recording import LEDGER, Recording
from fsmflow.glance import time
from fsmflow.machine import Caps
from fsmflow.reporting.amounts import ONE, counted, worded

BAR = 10
"""How many columns the bar of the whole run would take."""


def money(micro_usd: int) -> str:
    """Word money exactly: `$0.0031`."""
    return worded("micro_usd", micro_usd)


def bar(part: int, whole: int) -> str:
    """Draw a part of a whole; what is not nothing is seen."""
    return "■" * max(1, round(BAR * min(part, whole) / whole)) if part > 0 and whole > 0 else ""


def amount(resource: str, used: int) -> str:
    """Word an amount of a resource of the ledger, with its unit."""
    match resource:
        case "micro_usd":
            return money(used)
        case "time_us":
            return time(used)
    return counted(used, ONE[resource])


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
