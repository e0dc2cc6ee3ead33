"""Words before and after a change: what is gone struck through, what came for it bold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from attrs import frozen

from fsmflow.backends._palette import Ink
from fsmflow.backends.diagram import Reason
from fsmflow.backends.overlay import Line, Words

_LINE = 42


@frozen
class Inks:
    """The colours of words that stayed and of words that did not."""

    same: Ink
    old: Ink
    new: Ink


IN_A_STATE = Inks("muted", "muted", "text")
IN_A_BAND = Inks("text", "text", "text")
ON_A_WAY = Inks("changed", "changed", "changed")


def replaced(before: str, after: str, inks: Inks) -> Line:
    """Word a change: `retry`, struck `≤1`, `→`, bold `≤2`. Either side may be missing."""
    if before == after:
        return (Words(after, inks.same),) if after else ()
    if not before:
        return (Words(after, inks.new, bold=True),)
    if not after:
        return (Words(before, inks.old, struck=True),)
    start, _, rest = before.rpartition(" ")
    if start and after.startswith(f"{start} "):
        shared, before, after = f"{start} ", rest, after[len(start) + 1 :]
    else:
        shared = ""
    return (
        *((Words(shared, inks.same),) if shared else ()),
        Words(before, inks.old, struck=True),
        Words(" → ", inks.new),
        Words(after, inks.new, bold=True),
    )


def lines(before: Sequence[str], after: Sequence[str], inks: Inks) -> tuple[Line, ...]:
    """Word what became of several facts, as few lines as have room for them."""
    found: list[list[Words]] = []
    room = 0
    for old, new in _aligned(before, after):
        words = replaced(old, new, inks)
        long = sum(len(piece.text) for piece in words)
        if found and room >= long + 3:
            found[-1] += [Words(" · ", inks.same), *words]
            room -= long + 3
        else:
            found.append(list(words))
            room = _LINE - long
    return tuple(map(tuple, found))


def reasons(glyph: str, before: Sequence[Reason], after: Sequence[Reason]) -> Line:
    """Word what became of the reasons of a way: those with the same words differ in how often it may be."""
    found: list[Words] = []
    for old, new in _matched(before, after):
        found.append(Words(" · " if found else glyph, ON_A_WAY.same))
        if old is not None and new is not None and old.text == new.text:
            found.append(Words(f"{new.text} ", ON_A_WAY.same, bold=True))
            found += replaced(old.bound, new.bound, ON_A_WAY)
        else:
            found += replaced(_said(old), _said(new), ON_A_WAY)
    return tuple(found)


def _said(reason: Reason | None) -> str:
    if reason is None:
        return ""
    return " ".join(word for word in (reason.text, reason.bound) if word) or "always"


def _matched(
    before: Sequence[Reason], after: Sequence[Reason]
) -> Iterator[tuple[Reason | None, Reason | None]]:
    """Pair reasons that have the same words, then what is left, in order."""
    left = list(before)
    rest: list[Reason] = []
    for new in after:
        old = next((reason for reason in left if reason.text == new.text), None)
        if old is None:
            rest.append(new)
        else:
            left.remove(old)
            yield old, new
    yield from zip_longest(left, rest)


def _aligned(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pair facts that say the same kind of thing, whatever the numbers in them."""
    old, new = list(map(_kind, before)), list(map(_kind, after))
    for _, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        yield from zip_longest(before[a:b], after[c:d], fillvalue="")


def _kind(fact: str) -> str:
    return re.sub(r"[\d.,]+", "#", fact)
