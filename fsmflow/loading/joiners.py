"""Invisible characters that stand where they belong: joiners inside words, and between emoji.

In words by the rules of Unicode's UAX #31, 2.3: one that parts letters which would be written as one, as in
Persian, and one that says how a conjunct is written, as in the scripts of India. Elsewhere they hide.
"""

from __future__ import annotations

import unicodedata
from functools import cache

APART, TOGETHER = "\u200c", "\u200d"

_AROUND = 16
"""How many characters are looked at on each side: of more, no reader makes one letter."""

_VIRAMA = 9
"""The combining class of what takes a consonant's vowel away."""

_STYLES = "\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
"""What may follow an emoji and change its looks: colour and tones of skin."""


def belongs(text: str, place: int) -> bool:
    """Tell whether what stands at `place` in a text is a joiner, and in its place."""
    if text[place] not in (APART, TOGETHER):
        return False
    before, after = text[max(0, place - _AROUND) : place], text[place + 1 : place + 1 + _AROUND]
    if text[place] == TOGETHER:
        # To a vowel sign nothing is joined.
        is_vowel = unicodedata.category(after[:1] or " ") in ("Mc", "Mn")
        return (_ends_in_virama(before) and not is_vowel) or _are_emoji(before, after)
    return _is_cursive(before, after) or (_ends_in_virama(before) and _is_letter(_past_marks(after)[:1]))


def _is_cursive(before: str, after: str) -> bool:
    """Tell whether the letters on both sides would be written as one."""
    onward, back = _joining()
    left = next((c for c in reversed(before) if unicodedata.category(c) != "Mn"), "")
    right = next((c for c in after if unicodedata.category(c) != "Mn"), "")
    return left in onward and right in back


@cache
def _joining() -> tuple[frozenset[str], frozenset[str]]:
    """Give the letters that join the one after them, and those that join the one before.

    The forms tell which Unicode has kept for old fonts: those of Arabic, Persian, Urdu and their neighbours.
    """
    parts = (unicodedata.decomposition(chr(code)).split() for code in range(0xFB50, 0xFEFD))
    forms = [(part[0], chr(int(part[1], 16))) for part in parts if len(part) == 2]
    onward = frozenset(letter for form, letter in forms if form in ("<initial>", "<medial>"))
    return onward, frozenset(letter for form, letter in forms if form in ("<final>", "<medial>"))


def _ends_in_virama(before: str) -> bool:
    """Tell whether a text ends in a letter whose vowel is taken away."""
    ending = _past_marks(before[::-1])
    if unicodedata.combining(ending[:1] or " ") != _VIRAMA:
        return False
    return _is_letter(next((c for c in ending[1:] if unicodedata.category(c) != "Mn"), ""))


def _past_marks(text: str) -> str:
    """Leave out the marks that a text begins with, up to a virama."""
    marks = 0
    while marks < len(text) and unicodedata.combining(text[marks]) not in (0, _VIRAMA):
        marks += 1
    return text[marks:]


def _is_letter(character: str) -> bool:
    return unicodedata.category(character or " ").startswith("L")


def _are_emoji(before: str, after: str) -> bool:
    # The arrows of a head that shakes are signs of mathematics.
    around = (before.rstrip(_STYLES)[-1:], after[:1])
    return all(c and (unicodedata.category(c) == "So" or c == "↔") for c in around)
