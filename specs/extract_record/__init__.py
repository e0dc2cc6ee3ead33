"""The steps of `extract_record`: make a clean record of a messy invoice.

A rejected output is not asked for again in the same way: complaints name the field that they are
about, and the next attempt looks for that field elsewhere, or reads it the other way round.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Literal

from attrs import frozen

from extract_record.finding import FIELDS, find_loosely, find_strictly, table_lines
from extract_record.reading import DecimalMark, decimal_mark_of, read_amount, read_currency, read_date
from fsmflow.runtime import Error, Outcome, Permanent, StepContext

_EARLIEST = datetime.date(2000, 1, 1)


@frozen
class Message:
    """A record as it came in: its text, and the day it was received, as 2024-02-27, if known."""

    text: str
    received: str = ""


@frozen
class Fields:
    """The fields of a record as they are written, and how their numbers and dates are to be read."""

    supplier: str = ""
    number: str = ""
    date: str = ""
    currency: str = ""
    net: str = ""
    tax: str = ""
    total: str = ""
    decimal_mark: Literal[".", ","] = "."
    day_first: bool = True


@frozen
class Record:
    """A clean record: ISO date, ISO 4217 currency, amounts with two decimals; null where unsure.

    `raw` is the text that it was made of, kept where somebody will have to look.
    """

    supplier: str | None = None
    number: str | None = None
    date: str | None = None
    currency: str | None = None
    net: str | None = None
    tax: str | None = None
    total: str | None = None
    raw: str | None = None


def read(text: str) -> list[str]:
    """Part a text into the lines that say something, in one spelling of spaces and signs.

    Quoting marks, the signature and empty lines are left out; a small table becomes fields.
    """
    plain = unicodedata.normalize("NFC", text).replace("\u00a0", " ").replace("\u202f", " ")
    body = re.split(r"^-- ?$", plain, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [re.sub(r"^[>\s]+|[ \t]+$", "", line) for line in body.splitlines()]
    return table_lines([line for line in lines if line])


def extract_offline(lines: list[str], doubts: list[str] | None, ctx: StepContext) -> Fields:
    """Find the fields by rules.

    The first attempt takes labelled lines alone. A field that a complaint is about is looked for
    anywhere; amounts in doubt are read with the other decimal mark, a date in doubt with day and
    month the other way round.
    """
    ctx.charge(tokens=0)
    wrong = _subjects([*ctx.feedback, *(doubts or ())])
    found = find_strictly(lines)
    missing = frozenset(field for field in wrong if field in FIELDS)
    if doubts or missing:
        # What a label gave is kept unless complained of.
        gaps = frozenset(FIELDS) - found.keys() if doubts else frozenset()
        found = {**found, **find_loosely(lines, missing | gaps)}
    amounts = [found.get(field, "") for field in ("net", "tax", "total")]
    mark: DecimalMark = decimal_mark_of(amounts) or "."
    if "amounts" in wrong:
        mark = "," if mark == "." else "."
    return Fields(
        supplier=found.get("supplier", ""),
        number=found.get("number", ""),
        date=found.get("date", ""),
        currency=found.get("currency", ""),
        net=found.get("net", ""),
        tax=found.get("tax", ""),
        total=found.get("total", ""),
        decimal_mark=mark,
        day_first="order" not in wrong,
    )


def _subjects(complaints: list[str]) -> frozenset[str]:
    return frozenset(complaint.partition(":")[0] for complaint in complaints)


def is_complete(fields: Fields) -> list[str]:
    """Complain of each field that is missing."""
    return [f"{name}: is missing" for name in FIELDS if not getattr(fields, name).strip()]


def is_readable(fields: Fields) -> list[str]:
    """Complain of each field that is there and can't be read as what it should be."""
    return [complaint for name in FIELDS if getattr(fields, name) for complaint in _unreadable(fields, name)]


def is_written(fields: Fields, lines: list[str]) -> list[str]:
    """Complain of each field that does not stand in the text as it is given: it was made up."""
    text = " ".join(" ".join(lines).split())
    return [
        f"{name}: {value!r} does not stand in the text"
        for name in FIELDS
        if (value := " ".join(getattr(fields, name).split())) not in text
    ]


def _unreadable(fields: Fields, name: str) -> list[str]:
    try:
        _read_field(fields, name)
    except ValueError as error:
        return [f"{name}: {error}"]
    return []


def _read_field(fields: Fields, name: str) -> str:
    """Read one field and write it the one way.

    Raises:
        ValueError: It is missing or can't be read.
    """
    text: str = getattr(fields, name)
    if not text.strip():
        raise ValueError("is missing")
    match name:
        case "date":
            return read_date(text, day_first=fields.day_first).isoformat()
        case "currency":
            return read_currency(text)
        case "net" | "tax" | "total":
            return f"{read_amount(text, fields.decimal_mark):.2f}"
    return " ".join(text.split())


def validate(fields: Fields, received: str, earlier: list[str] | None) -> Outcome:
    """Hold the fields against one another: `ok`, or `broken` with what is in doubt, now or `earlier`.

    Net and tax add up to the total, the total is more than nothing, and the date lies between the
    year 2000 and the day the record was received.
    """
    net, tax, total = (
        read_amount(text, fields.decimal_mark) for text in (fields.net, fields.tax, fields.total)
    )
    date = read_date(fields.date, day_first=fields.day_first)
    doubts = []
    if net + tax != total or total <= 0:
        doubts.append(f"amounts: {net} and {tax} do not make {total}")
    if not _EARLIEST <= date <= _latest(received):
        doubts.append(f"order: {date} is before 2000 or after the record was received")
    # What was read the other way round because of an earlier doubt must stay so.
    return (
        Outcome("broken", list(dict.fromkeys([*(earlier or ()), *doubts]))) if doubts else Outcome("ok", [])
    )


def _latest(received: str) -> datetime.date:
    try:
        return read_date(received, day_first=True)
    except ValueError:
        return datetime.date.max


def normalise(fields: Fields) -> Record:
    """Write every field the one way."""
    return Record(**{name: _read_field(fields, name) for name in FIELDS})


def is_normal(record: Record) -> list[str]:
    """Complain of a field that is not written the one way, naming it."""
    shapes: dict[str, Callable[[str], bool]] = {
        "number": lambda text: re.fullmatch(r"(?=.*\d)[\w/.-]{1,40}", text) is not None,
        "supplier": lambda text: any(c.isalpha() for c in text) and len(text) <= 80,
        "currency": lambda text: re.fullmatch("[A-Z]{3}", text) is not None,
        "total": lambda text: Decimal(text) < 10**9,
    }
    return [
        f"{name}: {getattr(record, name)!r} is not written as a {name} is"
        for name, fits in shapes.items()
        if not fits(getattr(record, name) or "")
    ]


def keep(fields: Fields | None, doubts: list[str] | None, why: Error | None, raw: str) -> Record:
    """Keep what can be read and nobody has complained of, with the raw text for whoever completes it.

    Args:
        fields: The fields, if any were accepted.
        doubts: What is in doubt about them.
        why: The way out that led here; it may hold the fields that were rejected.
        raw: The text.

    Raises:
        Permanent: Nothing can be kept.
    """
    found = fields or (why.value if why and isinstance(why.value, Fields) else None)
    if found is None:
        raise Permanent("no field could be found")
    unsure = set(_subjects([*(doubts or ()), *(why.complaints if why else ())]))
    unsure |= {"date"} if "order" in unsure else set()
    unsure |= {"net", "tax", "total"} if "amounts" in unsure else set()
    sure = {
        name: _read_field(found, name)
        for name in FIELDS
        if name not in unsure and not _unreadable(found, name)
    }
    if not sure:
        raise Permanent("no field could be read")
    return Record(raw=raw, **sure)
