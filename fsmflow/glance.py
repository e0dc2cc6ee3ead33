"""Amounts at a glance: times to three digits, and parts of a whole in percent."""

from __future__ import annotations

_UNITS = (
    (7_200_000_000, 3_600_000_000, "h"),
    (120_000_000, 60_000_000, "min"),
    (999_500, 1_000_000, "s"),  # no less is 1,000 ms, rounded
    (1_000, 1_000, "ms"),
)


def time(us: int) -> str:
    """Word a time to three digits: `38.2 s`, `140 ms`, `12.5 min`."""
    for least, unit, name in _UNITS:
        if us >= least:
            return f"{_three_digits(us / unit)} {name}"
    return f"{us} µs" if us else "0 s"


def percent(part: int, whole: int) -> str:
    """Word a part of a whole; only nothing is 0 %, and only all of it 100 %."""
    if part <= 0 or whole <= 0:
        return "0 %"
    rounded = round(100 * part / whole)
    return "100 %" if part >= whole else "<1 %" if rounded == 0 else f"{min(rounded, 99)} %"


def _three_digits(amount: float) -> str:
    digits = 0 if amount >= 99.95 else 1 if amount >= 9.995 else 2
    shown = f"{amount:,.{digits}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
