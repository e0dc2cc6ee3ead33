"""The workflows that a state runs, as cards within it: one, a stack of those alike, or some side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from fsmflow.backends._cells import SMALL, TINY, Cells, room, row, space
from fsmflow.backends._emphasis import Dress
from fsmflow.backends.diagram import Card, Node

_ABREAST = 3
_MOST = 6
_GAP = 6
_LINE, _SECOND_LINE = 12, 10
_MARGIN = 9
_UNDER = (4, 8)
"""How much less wide each further card of a stack is that shows below the first, on each side."""


def least_width(cards: Sequence[Card]) -> int:
    """Give the room that the cards need, in points; none where there are no cards."""
    return max((_across(some) for some in _in_rows(cards)), default=0)


def rows(cells: Cells, node: Node, worn: Dress, inner: int) -> list[str]:
    """Set the cards of `node`: a stack for a map, and between two bars those that run side by side."""
    if not node.cards:
        return []
    found = [_gap(4)]
    if node.role == "parallel":
        found += [_bar(cells, worn, inner), _gap(4)]
    for number, some in enumerate(_in_rows(node.cards)):
        found += [_gap(4)] if number else []
        found.append(_abreast(cells, some, worn, inner))
    if node.role == "map":
        found += [_under(cells, worn, _width(node.cards[0]) - 2 * less, inner) for less in _UNDER]
    if len(node.cards) > _MOST:
        more = f"and {len(node.cards) - _MOST:,} more"
        found += [cells.centred(more, SMALL, worn.facts, inner, height=13)]
    if node.role == "parallel":
        found += [_gap(4), _bar(cells, worn, inner)]
    return [*found, _gap(3)]


def _in_rows(cards: Sequence[Card]) -> Iterator[Sequence[Card]]:
    """Give the cards that are shown, as many abreast as there is room for, and rows of about one length."""
    shown = cards[:_MOST]
    number = math.ceil(len(shown) / _ABREAST)
    abreast = math.ceil(len(shown) / number) if number else 1
    for start in range(0, len(shown), abreast):
        yield shown[start : start + abreast]


def _across(cards: Sequence[Card]) -> int:
    return sum(map(_width, cards)) + _GAP * (len(cards) - 1)


def _width(card: Card) -> int:
    words = (room(_name(card), bold=True), room(_under_it(card), TINY))
    return math.ceil(max(words)) + 2 * _MARGIN


def _name(card: Card) -> str:
    return card.key or card.workflow


def _under_it(card: Card) -> str:
    """Give the name of the workflow where its run is called otherwise."""
    return card.workflow if card.key not in ("", card.workflow) else ""


def _abreast(cells: Cells, cards: Sequence[Card], worn: Dress, inner: int) -> str:
    tall = any(map(_under_it, cards))
    taken = _across(cards)
    found = space(_GAP).join(_card(cells, card, worn, tall=tall) for card in cards)
    return row(found, taken, (inner - taken) / 2, inner)


def _card(cells: Cells, card: Card, worn: Dress, *, tall: bool) -> str:
    """Set one card; a `tall` one has room for a second line."""
    wide, struck, below = _width(card), worn.struck, _under_it(card)
    height = _LINE + _SECOND_LINE if tall and not below else _LINE
    lines = cells.centred(_name(card), SMALL, worn.name, wide - 2, bold=True, struck=struck, height=height)
    if below:
        lines += cells.centred(below, TINY, worn.facts, wide - 2, struck=struck, height=_SECOND_LINE)
    return (
        f'<TD WIDTH="{wide}"><TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" '
        f'STYLE="ROUNDED" COLOR="{cells.palette[worn.line]}" BGCOLOR="{cells.palette["canvas"]}">'
        f"{_gap(2)}{lines}{_gap(3)}</TABLE></TD>"
    )


def _under(cells: Cells, worn: Dress, wide: int, inner: int) -> str:
    """Set the edge of a further card, that shows below the one before it."""
    edge = (
        f'<TD FIXEDSIZE="TRUE" WIDTH="{wide}" HEIGHT="4" BORDER="1" SIDES="LBR" '
        f'COLOR="{cells.palette[worn.line]}" BGCOLOR="{cells.palette["canvas"]}"></TD>'
    )
    return row(edge, wide, (inner - wide) / 2, inner)


def _bar(cells: Cells, worn: Dress, inner: int) -> str:
    """Set the bar where runs part, or come together again."""
    return row(
        f'<TD FIXEDSIZE="TRUE" WIDTH="{inner}" HEIGHT="3" BGCOLOR="{cells.palette[worn.line]}"></TD>',
        inner,
        0,
        inner,
    )


def _gap(points: int) -> str:
    return f'<TR><TD HEIGHT="{points}"></TD></TR>'
