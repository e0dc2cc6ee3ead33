"""One line of a source text with a part of it underlined, safe to print.

What a terminal would obey or hide (control characters, escapes, bidirectional marks, spaces
that YAML takes for letters) is shown escaped; a long line is cut to a window around what is
underlined; wide characters get two columns of underline, and combining ones none.
"""

from __future__ import annotations

import unicodedata

from attrs import evolve, frozen

from fsmflow.source import Span

WIDTH = 96
_LEAD = 24
_TAB = "    "
_REACH = 2_000
"""How many characters of a line are looked at before what is underlined, and from there on."""


@frozen
class Excerpt:
    """A line to print, and where its underline begins and how long it is, in columns."""

    text: str
    offset: int
    length: int


def excerpt(line: str, span: Span) -> Excerpt:
    """Cut out of `line`, the first line of `span`, what there is room for."""
    # Of a line without end only what is near is looked at: a spec may be one line, with a thousand faults.
    skipped = max(0, span.column - 1 - _REACH)
    rest = len(line) - skipped - 2 * _REACH
    if skipped or rest > 0:
        near = evolve(span, column=span.column - skipped, end_column=max(1, span.end_column - skipped))
        found = _excerpt(line[skipped : skipped + 2 * _REACH], near, is_cut=skipped > 0)
        return found if rest <= 0 or found.text.endswith("…") else evolve(found, text=f"{found.text}…")
    return _excerpt(line, span, is_cut=False)


def _excerpt(line: str, span: Span, *, is_cut: bool) -> Excerpt:
    cells = [_cell(character) for character in line]
    widths = [width(cell) for cell in cells]
    start = min(span.column - 1, len(cells))
    end = len(line.rstrip()) if span.end_line > span.line else min(span.end_column - 1, len(cells))
    end = max(end, start)
    first, last = _window(widths, start)
    before, after = "…" * (first > 0 or is_cut), "…" * (last < len(cells))
    offset = len(before) + sum(widths[first:start])
    length = max(1, sum(widths[start : min(end, last)]))
    return Excerpt(before + "".join(cells[first:last]).rstrip() + after, offset, length)


def visible(text: str) -> str:
    """Give `text` with everything that a terminal would obey or hide escaped."""
    return "".join(map(_cell, text))


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
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _window(widths: list[int], start: int) -> tuple[int, int]:
    """Choose which characters to show: all, or some from a little before `start`."""
    if sum(widths) <= WIDTH:
        return 0, len(widths)
    first = start
    lead = 0
    while first > 0 and lead + widths[first - 1] <= _LEAD:
        first -= 1
        lead += widths[first]
    if sum(widths[:start]) <= WIDTH // 2:
        first = 0
    last, shown = first, 0
    while last < len(widths) and shown + widths[last] <= WIDTH:
        shown += widths[last]
        last += 1
    return first, last
