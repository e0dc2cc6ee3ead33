"""Text that a terminal shows as it is, and how wide it is there.

What a terminal would obey or hide (control characters, escapes, bidirectional marks, spaces that YAML
takes for letters) is shown escaped, but joiners where they belong; wide characters take two columns, and
combining ones none.
"""

from __future__ import annotations

import unicodedata

from fsmflow.loading.joiners import belongs

_TAB = "    "


def visible(text: str) -> str:
    """Give `text` with everything that a terminal would obey or hide escaped."""
    if text.isprintable():
        return text
    return "".join(c if belongs(text, place) else _cell(c) for place, c in enumerate(text))


def _cell(character: str) -> str:
    if character == "\t":
        return _TAB
    if not character.isprintable():
        return character.encode("unicode_escape").decode("ascii")
    return character


def width(text: str) -> int:
    """Give how many columns `text`, which must be visible, takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
