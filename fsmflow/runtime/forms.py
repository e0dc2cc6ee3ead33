"""The forms in which a text may turn up in another one: quoted, escaped, encoded, in a URL, on a page."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

SHORTEST = 6
"""From how many characters on a form is told from other text wherever it stands."""


@lru_cache(maxsize=64)
def forms(text: str) -> tuple[str, ...]:
    """Give the forms of `text`, itself the first; of those that are too short to be told, none."""
    found = dict.fromkeys((text, *_spelled(text), *_escaped(text), *_encoded(text)))
    return tuple(form for form in found if len(form) >= SHORTEST)


def _spelled(text: str) -> Iterator[str]:
    """Give other spellings: an exception is told in one line, and addresses in small letters."""
    yield " ".join(text.split())
    yield text.lower()
    yield text.upper()


def _escaped(text: str) -> Iterator[str]:
    for escaped in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]):
        yield escaped
        yield json.dumps(escaped, ensure_ascii=False)[1:-1]
    units = text.encode("utf-16-be", "surrogatepass").hex()
    units_of = [units[i : i + 4] for i in range(0, len(units), 4)]
    yield "".join(f"\\u{unit}" for unit in units_of)
    yield "".join(f"\\u{unit.upper()}" for unit in units_of)
    yield html.escape(text)
    yield html.escape(text, quote=False)


def _encoded(text: str) -> Iterator[str]:
    raw = text.encode("utf-8", "surrogatepass")
    yield repr(raw)[2:-1]
    for quoted in (quote(raw), quote(raw, safe=""), quote_plus(raw)):
        yield quoted
        yield _small(quoted)
    digits = raw.hex()
    yield digits
    yield digits.upper()
    pairs = [digits[i : i + 2] for i in range(0, len(digits), 2)]
    yield "".join(f"%{pair}" for pair in pairs)
    yield "".join(f"%{pair.upper()}" for pair in pairs)
    yield from _in_base64(raw)


def _small(quoted: str) -> str:
    """Write what is percent-encoded with small digits."""
    head, *parts = quoted.split("%")
    return head + "".join(f"%{part[:2].lower()}{part[2:]}" for part in parts)


def _in_base64(raw: bytes) -> Iterator[str]:
    """Give what all base64 has in common in which `raw` stands, whatever stands before and after it."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw).decode("ascii")
        part = whole[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        yield part
        yield part.translate(_FOR_URLS)
    twice = base64.b64encode(base64.b64encode(raw)).decode("ascii")
    yield twice.rstrip("=")
    yield from base64.encodebytes(raw).decode("ascii").splitlines()


_FOR_URLS = str.maketrans("+/", "-_")
