"""Bars: a state's shares of a whole run, one below the other, on tracks of the same length."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fsmflow.backends._arial import width
from fsmflow.backends._cells import TABLE, TINY, Cells, level, room, space
from fsmflow.backends._palette import Ink
from fsmflow.backends._wording import plain
from fsmflow.backends.overlay import Bar

HEATS = (0.05, 0.15, 0.30, 0.50)
"""The shares from which a bar has the next hotter colour."""

_THICK = 6
_GAP = 6
_SHORTEST_TRACK = 76
_LONGEST_WORD = 14
_MOST = 4


def least_width(bars: Sequence[Bar]) -> int:
    """Measure the narrowest state that has room for `bars`, in points; 0 for none."""
    return sum(_columns(bars)) + 2 * _GAP + _SHORTEST_TRACK if bars else 0


def rows(cells: Cells, bars: Sequence[Bar], inner: int) -> list[str]:
    """Set `bars` as rows that are `inner` points wide: the label, the track, the amount."""
    if not bars:
        return []
    before, after = _columns(bars)
    track = inner - before - after - 2 * _GAP
    found = ['<TR><TD HEIGHT="3"></TD></TR>']
    for bar in bars[:_MOST]:
        amount = plain(bar.words, _LONGEST_WORD)
        indent = max(round(after - width(amount, TINY, bold=True)), 0)
        found.append(
            f"<TR><TD>{TABLE}<TR>"
            + _cell(cells.font(plain(bar.label, _LONGEST_WORD), TINY, "muted"), before, raised=False)
            + f"{space(_GAP)}<TD>{_track(cells, bar.share, track)}</TD>{space(_GAP)}"
            + (space(indent) if indent else "")
            + _cell(cells.font(amount, TINY, "text", bold=True), after - indent, raised=True)
            + "</TR></TABLE></TD></TR>"
        )
    return found


def heat(share: float) -> Ink:
    """Choose the colour of a share."""
    return f"heat {1 + sum(share >= step for step in HEATS)}"


def _columns(bars: Sequence[Bar]) -> tuple[int, int]:
    """Measure the widest label and the widest amount."""
    return (
        math.ceil(max(room(plain(bar.label, _LONGEST_WORD), TINY) for bar in bars[:_MOST])),
        math.ceil(max(room(plain(bar.words, _LONGEST_WORD), TINY, bold=True) for bar in bars[:_MOST])),
    )


def _cell(text: str, points: int, *, raised: bool) -> str:
    wide = f' WIDTH="{points}"' if points > 0 else ""
    return f'<TD{wide}{level(TINY, raised=raised)} ALIGN="LEFT">{text}</TD>'


def _track(cells: Cells, share: float, length: int) -> str:
    """Set a track, of which the share is filled; what is more than nothing can be seen."""
    whole = min(max(share, 0.0), 1.0) if share > 0 else 0.0
    filled = min(max(round(whole * length), 1 if whole else 0), length)
    parts = ((filled, heat(whole)), (length - filled, "track"))
    body = "".join(
        f'<TD FIXEDSIZE="TRUE" WIDTH="{points}" HEIGHT="{_THICK}" BGCOLOR="{cells.palette[ink]}"></TD>'
        for points, ink in parts
        if points
    )
    return f"{TABLE}<TR>{body}</TR></TABLE>"
