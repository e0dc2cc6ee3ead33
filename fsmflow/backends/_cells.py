r"""The cells of which labels are made: the only place where a spec's words meet Graphviz's markup.

Words are reduced to one visible line, escaped, and their backslashes doubled, since Graphviz expands
`\N` and its like even here. Rows get exact widths: Graphviz spreads what is left over all columns.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping

from attrs import evolve, frozen

from fsmflow.backends._arial import estimate, width
from fsmflow.backends._palette import Ink
from fsmflow.backends._wording import plain
from fsmflow.backends.overlay import Line, Words

HEADLINE, NAME, SUBTITLE, SMALL, TINY, TAG = 17, 12, 10, 9, 8, 7

TABLE = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'
_WIDEST_GAP = 6


@frozen
class Cells:
    """Sets words in cells, in the colours of one theme."""

    palette: Mapping[Ink, str]

    def font(self, text: str, size: int, ink: Ink, *, bold: bool = False, struck: bool = False) -> str:
        """Set `text`; a space where it is empty, since Graphviz refuses markup around nothing."""
        words = html.escape(text or " ").replace("\\", "\\\\")
        if bold:
            words = f"<B>{words}</B>"
        if struck:
            words = f"<S>{words}</S>"
        return f'<FONT POINT-SIZE="{size}" COLOR="{self.palette[ink]}">{words}</FONT>'

    def centred(
        self,
        text: str,
        size: int,
        ink: Ink,
        inner: int,
        *,
        bold: bool = False,
        struck: bool = False,
        height: int = 0,
    ) -> str:
        """Set a row of one text whose middle is that of `inner`, whatever an engine thinks is its width."""
        margin = (inner - width(text, size, bold=bold)) / 2
        tall = f' HEIGHT="{height}"' if height else ""
        cell = f"<TD{tall}>{self.font(text, size, ink, bold=bold, struck=struck)}</TD>"
        return row(cell, estimate(text, size, bold=bold), margin, inner)

    def words(self, line: Line, size: int = SMALL, height: int = 0) -> tuple[str, float]:
        """Set pieces of text side by side, and tell how wide they are together.

        Each has a cell as wide as it is: an engine without fonts misjudges it, and would set the next one
        too near or too far. Blanks between the pieces are room, not characters. Graphviz sets bold and
        struck words higher than others; at the bottom of a cell of the right height they are level.
        """
        raised = {words.bold or words.struck for words in line if words.text.strip()}
        plainly = f' HEIGHT="{height}"' if height else ""
        places = {side: level(size, raised=side) if True in raised else plainly for side in raised}
        cells, taken, gap = "", 0.0, 0.0
        for words in line:
            text = words.text.strip()
            gap += _blanks(words.text, left=True) * size * 0.28
            if not text:
                continue
            if cells and round(gap):
                cells += space(round(gap))
                taken += round(gap)
            real = width(text, size, bold=words.bold)
            room = math.ceil(max(real, estimate(text, size, bold=words.bold)))
            set_in_type = self.font(text, size, words.ink, bold=words.bold, struck=words.struck)
            place = places[words.bold or words.struck]
            cells += f'<TD WIDTH="{room}"{place} ALIGN="LEFT">{set_in_type}</TD>'
            taken += room
            gap = max(_blanks(words.text, left=False) * size * 0.28 - (room - real), 0)
        return cells, taken

    def centred_words(self, line: Line, inner: int, height: int = 0) -> str:
        """Set a row of pieces of text in the middle of `inner`."""
        cells, taken = self.words(line, height=height)
        return row(cells or space(1), taken, (inner - taken) / 2, inner)

    def tag(self, tag: str, ink: Ink, on: Ink = "on solid") -> str:
        """Set a word in small white letters on a rounded field."""
        return (
            f'<TD FIXEDSIZE="TRUE" WIDTH="{tag_width(tag)}" HEIGHT="11"><TABLE BORDER="0" CELLBORDER="0" '
            f'CELLSPACING="0" CELLPADDING="0" STYLE="ROUNDED" BGCOLOR="{self.palette[ink]}">'
            f'<TR><TD HEIGHT="1"></TD></TR><TR><TD>{self.font(tag, TAG, on, bold=True)}</TD></TR>'
            "</TABLE></TD>"
        )


def tag_width(tag: str) -> int:
    """Give the width of a tag in points, enough also for an engine that takes its word for wider."""
    return max(round(width(tag, TAG, bold=True)), round(estimate(tag, TAG, bold=True))) + 10


def level(size: int, *, raised: bool) -> str:
    """Give the attributes of a cell by which bold or struck words in it are level with others beside it."""
    return f' HEIGHT="{round(1.2 * size + 1.8)}" VALIGN="{"BOTTOM" if raised else "TOP"}"'


def space(points: int) -> str:
    """Set a cell that holds nothing."""
    return f'<TD FIXEDSIZE="TRUE" WIDTH="{points}" HEIGHT="1"></TD>'


def room(text: str, size: int = SMALL, *, bold: bool = False) -> float:
    """Measure the least row in which `text` can be centred, even by an engine that takes it for wider."""
    real = width(text, size, bold=bold)
    return max(real, 2 * estimate(text, size, bold=bold) - real)


def row(cells: str, taken: float, margin: float, inner: int) -> str:
    """Set cells between margins that fill the row, since Graphviz spreads what is left over all columns.

    The left one alone decides where a text begins: engines without fonts misjudge what they centre.
    """
    left = max(round(margin), 0)
    right = max(round(inner - left - taken), 0)
    filled = (space(left) if left else "") + cells + (space(right) if right else "")
    return f"<TR><TD>{TABLE}<TR>{filled}</TR></TABLE></TD></TR>"


def tidied(line: Line, most: int) -> Line:
    """Reduce each piece of `line` to what can be seen, and the line to at most `most` characters."""
    found: list[Words] = []
    left = most
    for words in line:
        if left <= 0:
            break
        text = plain(words.text, left)
        before, after = (" " * _blanks(words.text, left=side) for side in (True, False))
        found.append(evolve(words, text=f"{before}{text}{after}" if text else " " * len(before)))
        left -= len(text)
    return tuple(found)


def _blanks(text: str, *, left: bool) -> int:
    """Count the blanks at one end of a text; one without anything else has them on its left."""
    rest = text.lstrip(" ") if left else text.rstrip(" ") if text.strip(" ") else text
    return min(len(text) - len(rest), _WIDEST_GAP)
