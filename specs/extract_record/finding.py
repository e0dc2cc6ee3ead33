"""Find the fields of a record in its lines: strictly by labels, or loosely, anywhere."""

from __future__ import annotations

import re

from extract_record.reading import AMOUNT, CURRENCIES

FIELDS = ("supplier", "number", "date", "currency", "net", "tax", "total")

_LABELS = {
    "supplier": "supplier|vendor|company|seller|from|lieferant|firma",
    "number": (
        r"invoice (?:no|number|nr|#)\.?|invoice|inv(?: no)?\.?|rechnung(?:snummer|s-?nr)?\.?"
        r"|number|ref(?:erence)?\.?"
    ),
    "date": r"(?:invoice )?date|dated|datum|rechnungsdatum",
    "currency": "currency|währung|ccy",
    "net": r"net(?: amount| total)?|subtotal|sub-total|netto(?:betrag)?",
    "tax": r"(?:vat|tax|mwst|ust|gst)\.?(?: amount)?",
    "total": r"(?:grand )?total(?: due| amount)?|amount due|gross|gesamt(?:betrag|summe)?|brutto",
}
_STRICT = {
    field: re.compile(rf"^\W*(?:{label})\s*(?:\(?\d+(?:[.,]\d+)?\s*%\)?)?\s*[:=#]\s*(.+)$", re.IGNORECASE)
    for field, label in _LABELS.items()
}
_DATES = (
    r"\d{4}-\d{2}-\d{2}|\d{1,2}[./-] ?\d{1,2}[./-] ?\d{2,4}"
    r"|\d{1,2}\.? [^\W\d]{3,9}\.? \d{4}|[^\W\d]{3,9}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}"
)
_SYMBOLS = "|".join(sorted(map(re.escape, CURRENCIES), key=lambda symbol: (-len(symbol), symbol)))
_MONEY = rf"(?:(?:{_SYMBOLS})\s*)?(?:{AMOUNT})"
_LOOSE = {
    "supplier": r"\b((?:[A-ZÄÖÜ][\w&.'-]*,? (?:& )?){1,4}(?:Ltd|Inc|GmbH|AG|LLC|SA|BV|Co|Corp|KG|plc)\b\.?)",
    "number": rf"(?i:\b(?:{_LABELS['number']})\s*[:#]?\s*)([A-Za-z]*[-/]?\d[\w/-]*)",
    "date": rf"(?i:({_DATES}))",
    "currency": rf"(?i:(?<![a-z])({_SYMBOLS})(?![a-z]))",
    **{
        field: (
            rf"(?i:\b(?:{_LABELS[field]})\b[^\d(€$£-]{{0,20}}"
            rf"(?:\(?\d+(?:[.,]\d+)?\s*%\)?[^\d(€$£-]{{0,12}})?({_MONEY}))"
        )
        for field in ("net", "tax", "total")
    },
}


def table_lines(lines: list[str]) -> list[str]:
    """Turn a header and a row, parted by `;`, `|` or tabs, into `label: value` lines; leave others be."""
    for separator in (";", "\t", "|"):
        rows = [[cell.strip().strip('"') for cell in line.split(separator)] for line in lines]
        if len(rows) == 2 and len(rows[0]) == len(rows[1]) >= 3:
            return [f"{label}: {value}" for label, value in zip(*rows, strict=True) if label and value]
    return lines


def find_strictly(lines: list[str]) -> dict[str, str]:
    """Find the fields whose label opens a line and is followed by a colon."""
    found: dict[str, str] = {}
    for line in lines:
        for field in FIELDS:
            match = _STRICT[field].match(line)
            if match and field not in found:
                found[field] = match[1].strip()
                break
    return found


def find_loosely(lines: list[str], fields: frozenset[str]) -> dict[str, str]:
    """Find `fields` anywhere in the text, by what their values look like and stand near to."""
    text = "\n".join(lines)
    found = {}
    for field in FIELDS:
        if field in fields and (matches := re.findall(_LOOSE[field], text)):
            # Sums are summed up at the end.
            found[field] = str(matches[-1] if field == "total" else matches[0]).strip(" ,")
    return found
