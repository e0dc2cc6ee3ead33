"""The forms in which a text may turn up in another one: quoted, escaped, encoded, in a URL, on a page."""

from __future__ import annotations

import base64
import html
import json
from bisect import bisect, insort
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

SHORTEST = 6
"""From how many characters on a form is told from other text wherever it stands."""

TELLING = 16
"""How many characters of the beginning of a form are enough to tell it, where it was cut off."""


class Head:
    """The forms that begin alike.

    Attributes:
        forms: The forms, in order.
    """

    def __init__(self) -> None:
        self.forms: list[str] = []
        self._known: set[str] = set()
        self._sizes: set[int] = set()
        self._longest = 0

    def add(self, form: str) -> None:
        """Add a form, if it is not there."""
        if form not in self._known:
            insort(self.forms, form)
            self._known.add(form)
            self._sizes.add(len(form))
            self._longest = max(self._longest, len(form))

    def length_at(self, text: str, at: int, *, is_whole: bool) -> int:
        """Give how much of a form stands in a text at `at`: all, or as much as tells it where it was cut off.

        Args:
            text: The text.
            at: A place in it.
            is_whole: Whether it ends where it does, and does not go on.
        """
        piece = text[at : at + self._longest]
        # Of forms in order, none has more in common with a text than those it would stand between.
        place = bisect(self.forms, piece)
        common = max(_in_common(piece, form) for form in self.forms[max(0, place - 1) : place + 1])
        if at + common == len(text):
            if is_whole:
                return common
        elif common >= TELLING:
            return common
        return max((n for n in self._sizes if n <= common and piece[:n] in self._known), default=0)


def _in_common(a: str, b: str) -> int:
    """Give how many characters two texts have in common at their beginning."""
    low, high = 0, min(len(a), len(b))
    if a[:high] == b[:high]:
        return high
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if a[:middle] == b[:middle] else (low, middle - 1)
    return low


@lru_cache(maxsize=64)
def forms(text: str) -> tuple[str, ...]:
    """Give the forms of `text`, itself the first; of those that are too short to be told, none."""
    found = dict.fromkeys((*_spelled(text), *_escaped(text), *_encoded(text)))
    for form in tuple(found):
        # What is quoted may be quoted again, and an exception is told in one line.
        found |= dict.fromkeys((form.replace("\\", "\\\\"), *_in_json(form), " ".join(form.split())))
    return tuple(form for form in found if len(form) >= SHORTEST)


def _spelled(text: str) -> Iterator[str]:
    """Give other spellings: addresses are told in small letters, and headers in any."""
    yield text
    yield text.lower()
    yield text.upper()


def _in_json(text: str) -> Iterator[str]:
    for is_ascii in (False, True):
        yield json.dumps(text, ensure_ascii=is_ascii)[1:-1]


def _escaped(text: str) -> Iterator[str]:
    yield from _in_json(text)
    yield repr(text)[1:-1]
    units = text.encode("utf-16-be", "surrogatepass").hex()
    each = [units[i : i + 4] for i in range(0, len(units), 4)]
    yield "".join(f"\\u{unit}" for unit in each)
    yield "".join(f"\\u{unit.upper()}" for unit in each)
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
