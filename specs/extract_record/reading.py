"""Read amounts, dates and currencies as people write them.

Two things can't be told from one value alone: whether `1.234` is a thousand or one and a bit, and
whether `03/04/2024` is in March or April. Both are parameters, so that a second look can differ.
"""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import Literal

DecimalMark = Literal[".", ","]

CURRENCIES = {
    "€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "euro": "EUR", "euros": "EUR", "dollar": "USD",
    "dollars": "USD", "pounds": "GBP", "us$": "USD", "sfr": "CHF", "fr": "CHF", "kr": "SEK", "zł": "PLN",
    **{c.lower(): c for c in ("EUR", "USD", "GBP", "JPY", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "INR")},
}  # fmt: skip
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            ("jan", "january", "januar"), ("feb", "february", "februar"), ("mar", "march", "märz", "mrz"),
            ("apr", "april"), ("may", "mai"), ("jun", "june", "juni"), ("jul", "july", "juli"),
            ("aug", "august"), ("sep", "sept", "september"), ("oct", "october", "okt", "oktober"),
            ("nov", "november"), ("dec", "december", "dez", "dezember"),
        ),
        start=1,
    )
    for name in names
}  # fmt: skip
_SPACES = "[ \u00a0\u202f'’]"
AMOUNT = rf"\(?[-−]?\d{{1,3}}(?:{_SPACES}\d{{3}})+(?:[.,]\d+)?-?\)?|\(?[-−]?\d+(?:[.,]\d+)*-?\)?"


def read_amount(text: str, decimal_mark: DecimalMark) -> Decimal:
    """Read an amount: `1.234,50 €`, `$1,080.00`, `1'234.-`, `(12.00)` for minus twelve.

    Where both marks stand, or one stands before other than three digits, the text itself tells which
    is the decimal mark; `decimal_mark` decides only what is left open.

    Raises:
        ValueError: There is no one amount in it.
    """
    bare = re.sub(r"\.[-–—]+$|,[-–—]+$", "", text.strip())
    found: list[str] = re.findall(AMOUNT, bare)
    if len(found) != 1 or re.search(r"\d\s*[A-Za-z]+\s*\d", bare):
        raise ValueError(f"{text[:40]!r} is no amount")
    digits = re.sub(_SPACES, "", found[0].replace("−", "-"))
    negative = "-" in digits or digits.startswith("(")
    digits = digits.strip("()-")
    mark = _mark(digits) or decimal_mark
    whole = digits.replace("," if mark == "." else ".", "").replace(mark, ".")
    if whole.count(".") > 1:
        raise ValueError(f"{text[:40]!r} is no amount")
    amount = Decimal(whole)
    return -amount if negative else amount


def _mark(digits: str) -> DecimalMark | None:
    """Give the decimal mark that the digits themselves show, if they do."""
    marks = re.findall(r"[.,]", digits)
    if len(set(marks)) == 2:
        return "," if marks[-1] == "," else "."
    if len(marks) > 1:
        return "," if marks[0] == "." else "."
    if marks and not re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", digits):
        return "," if marks[0] == "," else "."
    return None


def decimal_mark_of(texts: list[str]) -> DecimalMark | None:
    """Give the decimal mark that amounts agree on; None if none shows it, or they differ."""
    shown = {
        mark for text in texts for amount in re.findall(AMOUNT, text) if (mark := _mark(amount.strip("()-")))
    }
    return shown.pop() if len(shown) == 1 else None


def read_date(text: str, *, day_first: bool) -> datetime.date:
    """Read a date: `2024-02-27`, `27.02.2024`, `27/2/24`, `27 Feb 2024`, `February 27th, 2024`.

    Args:
        text: What is written.
        day_first: Whether the day comes before the month where both could be either.

    Raises:
        ValueError: It is no date.
    """
    flat = " ".join(re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", text.lower()).replace(",", " ").split())
    if iso := re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[t ].*)?", flat):
        return _date(int(iso[1]), int(iso[2]), int(iso[3]), text)
    if numeric := re.fullmatch(r"(\d{1,2})([-/.]) ?(\d{1,2})[-/.] ?(\d{4}|\d{2})", flat):
        first, second = int(numeric[1]), int(numeric[3])
        # Dots are written where the day comes first; elsewhere a number above 12 can be no month.
        day, month = (first, second) if (day_first or numeric[2] == ".") else (second, first)
        if month > 12:
            day, month = month, day
        return _date(_year(numeric[4]), month, day, text)
    if named := re.fullmatch(r"(\d{1,2})\.?[ -]([^\W\d]+)\.?[ -](\d{4}|\d{2})", flat):
        return _date(_year(named[3]), _MONTHS.get(named[2], 0), int(named[1]), text)
    if named := re.fullmatch(r"([^\W\d]+)\.? (\d{1,2}) (\d{4})", flat):
        return _date(int(named[3]), _MONTHS.get(named[1], 0), int(named[2]), text)
    raise ValueError(f"{text[:40]!r} is no date")


def _year(text: str) -> int:
    return int(text) if len(text) == 4 else 2000 + int(text)


def _date(year: int, month: int, day: int, text: str) -> datetime.date:
    try:
        return datetime.date(year, month, day)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no date") from None


def read_currency(text: str) -> str:
    """Read a currency as its ISO 4217 code.

    Raises:
        ValueError: It is none that is known.
    """
    try:
        return CURRENCIES[text.strip().strip(".").lower()]
    except KeyError:
        raise ValueError(f"{text[:40]!r} is no currency") from None
