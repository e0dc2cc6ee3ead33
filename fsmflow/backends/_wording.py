"""Amounts and pauses in a reader's words."""

from __future__ import annotations

import unicodedata

from fsmflow.loading.joiners import belongs
from fsmflow.machine import Backoff

_DAY, _HOUR, _MINUTE, _SECOND, _MILLISECOND = 86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000


def duration(microseconds: int) -> str:
    """Word a duration, to the millisecond: `200 ms`, `1.5 s`, `2 min`, `15 min 2 s`."""
    if microseconds:
        for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
            if microseconds % unit == 0:
                return f"{microseconds // unit:,} {name}"
    if microseconds > 2 * _MINUTE:
        return _parts(microseconds)
    if microseconds >= _SECOND or not microseconds:
        return f"{_decimal(microseconds, _SECOND)} s"
    if microseconds >= _MILLISECOND:
        return f"{_decimal(microseconds, _MILLISECOND)} ms"
    return f"{microseconds} µs"


def _parts(microseconds: int) -> str:
    words = []
    for unit, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        count, microseconds = divmod(microseconds, unit)
        if count:
            words.append(f"{count:,} {name}")
    return " ".join([*words, f"{_decimal(microseconds, _SECOND)} s"] if microseconds else words)


def pause(backoff: Backoff, times: int) -> str:
    """Word the pauses before `times` retries: from the first to the longest, in seconds or minutes."""
    first = min(backoff.first_us, backoff.cap_us)
    try:
        last = round(min(backoff.cap_us, first * backoff.factor ** max(times - 1, 0)))
    except OverflowError:
        last = backoff.cap_us
    if first == last:
        return duration(first)
    if last < _SECOND:
        return f"{_decimal(first, _MILLISECOND)}–{_decimal(last, _MILLISECOND)} ms"
    if last < 2 * _MINUTE:
        return f"{_decimal(first, _SECOND)}–{_decimal(last, _SECOND)} s"
    return f"{duration(first)}–{duration(last)}"


def money(micro_usd: int) -> str:
    """Word an amount of money exactly, with two decimals at least: `$0.018`, `$0.20`."""
    dollars, rest = divmod(micro_usd, 1_000_000)
    cents = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"${dollars:,}.{cents}"


def count(number: int, what: str) -> str:
    """Word a number of things: `1 tool call`, `1,500 tokens`."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def plain(text: str, most: int) -> str:
    """Reduce `text` to one line of at most `most` visible characters; `…` marks what was cut.

    Control, format (such as those that turn the reading direction) and unassigned characters are
    dropped, joiners that belong where they stand are not, and every run of white space becomes one space.
    """
    head = text[: 4 * most + 64]  # enough to choose from, whatever the length
    kept = (
        c if c.isprintable() or c.isspace() or belongs(head, place) else _dropped(c)
        for place, c in enumerate(head)
    )
    line = " ".join("".join(kept).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def lines(parts: tuple[str, ...], most: int) -> tuple[str, ...]:
    """Join `parts` by ` · ` into as few lines as hold at most `most` characters each."""
    found: list[str] = []
    for part in parts:
        if found and len(found[-1]) + 3 + len(part) <= most:
            found[-1] += f" · {part}"
        else:
            found.append(part)
    return tuple(found)


def _dropped(character: str) -> str:
    return " " if unicodedata.category(character) == "Cc" else ""


def _decimal(amount: int, unit: int) -> str:
    """Write amount / unit with at most three decimals, in integers so that no rounding shows."""
    whole, rest = divmod((amount * 1000 + unit // 2) // unit, 1000)
    return f"{whole:,}" + (f".{rest:03d}".rstrip("0") if rest else "")
