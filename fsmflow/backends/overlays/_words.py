"""Words that overlays share: amounts at a glance, ends, lists of steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fsmflow.backends._palette import Ink
from fsmflow.backends._wording import count, money, plain
from fsmflow.backends.overlay import Words
from fsmflow.glance import time
from fsmflow.machine import Caps

SIGNS = {"success": "●", "degraded": "▲", "handoff": "→", "failed": "×", "cancelled": "■"}
INKS: Mapping[str, Ink] = {
    "success": "success",
    "degraded": "degraded",
    "handoff": "human",
    "failed": "failed",
    "cancelled": "muted",
}

LONGEST_NOTE = 42
RESOURCES: Mapping[str, str] = {
    "micro_usd": "",
    "time_us": "",
    "steps": "step",
    "tool_calls": "tool call",
    "tokens": "token",
}
"""What a run may use, in the order in which it is told, and what one of it is called."""

_MOST_PLACES = 3
_WIDEST = 12
"""The most that the count of an edge is drawn with, so that pens tell runs apart, and not campaigns."""


def share(part: int, whole: int) -> float:
    """Give a part of a whole, from 0 to 1."""
    return min(part / whole, 1.0) if whole > 0 else 0.0


def amount(resource: str, used: int) -> str:
    """Word an amount of one of the `RESOURCES`, with its unit."""
    match resource:
        case "micro_usd":
            return money(used)
        case "time_us":
            return time(used)
    return count(used, RESOURCES[resource])


def spent(amounts: Mapping[str, int], caps: Caps) -> str:
    """Word what was used, each of its cap where there is one: `$0.08 of $0.25 · 60.3 s · 9 steps`."""
    words = []
    for resource in RESOURCES:
        used, cap = amounts[resource], getattr(caps, resource)
        if cap is not None:
            bare = amount(resource, used) if resource in ("micro_usd", "time_us") else f"{used:,}"
            words.append(f"{bare} of {amount(resource, cap)}")
        elif used or resource == "steps":
            words.append(amount(resource, used))
    return " · ".join(words)


def pen(times: int, most: int) -> int:
    """Give the count that an edge is drawn with, where the one taken most often was taken `most` times."""
    return max(1, round(times * min(most, _WIDEST) / most)) if most else 1


def places(numbers: Sequence[int]) -> str:
    """Word when an edge was taken: `#2 #5`, or `#2 #5 +12` where that is often."""
    if len(numbers) <= _MOST_PLACES:
        return " ".join(f"#{number}" for number in numbers)
    return f"#{numbers[0]} #{numbers[1]} +{len(numbers) - 2:,}"


def first_line(text: str, most: int = LONGEST_NOTE) -> str:
    """Give the first line of a text that has something in it, cut to `most` characters."""
    head = text[:4_000].replace("\r", "\n").split("\n")
    return next((line for line in (plain(part, most) for part in head) if line), "")


def fact(what: str, words: str) -> tuple[Words, ...]:
    """Give a line of a header: a word on what it is about, and the fact."""
    return (Words(f"{what}  ", "muted", bold=True), Words(words))


def warning(words: str) -> tuple[Words, ...]:
    """Give a line of a header that a reader must not miss."""
    return (Words(f"▲ {words}", "degraded", bold=True),)
