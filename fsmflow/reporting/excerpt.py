"""One line of a source text with a part of it underlined, safe to print.

A long line is cut to a window around what is underlined.
"""

from __future__ import annotations

from attrs import evolve, frozen

from fsmflow.reporting.visible import visible, width
from fsmflow.source import Span

WIDTH = 96
_LEAD = 24
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
    cells = list(map(visible, line))
    widths = list(map(width, cells))
    start = min(span.column - 1, len(cells))
    end = len(line.rstrip()) if span.end_line > span.line else min(span.end_column - 1, len(cells))
    end = max(end, start)
    first, last = _window(widths, start)
    before, after = "…" * (first > 0 or is_cut), "…" * (last < len(cells))
    offset = len(before) + sum(widths[first:start])
    length = max(1, sum(widths[start : min(end, last)]))
    return Excerpt(before + "".join(cells[first:last]).rstrip() + after, offset, length)


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
