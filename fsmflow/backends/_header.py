"""The head of a drawing: what it is of, what a run may use, and a legend of what is in it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from fsmflow.backends._bars import HEATS
from fsmflow.backends._cells import HEADLINE, SUBTITLE, TABLE, Cells, room, row, space, tidied
from fsmflow.backends._emphasis import LINES
from fsmflow.backends._palette import Ink
from fsmflow.backends._wording import plain
from fsmflow.backends.diagram import LONGEST_NAME, Diagram, Look
from fsmflow.backends.overlay import Emphasis, Line, Overlay, Words

TITLE_LINE = 84
"""The most characters of a line of the title; two lines' worth of one of facts."""

_MOST_LINES = 8
_LONGEST_WORDS = 32
_LEGEND: tuple[tuple[Look, str], ...] = (
    ("success", "success"),
    ("loop", "↑ loop-back ≤cap"),
    ("fallback", "» fallback"),
    ("budget", "■ budget"),
    ("error", "× error"),
)
_STROKES: dict[Look, str] = {"success": "solid", "fallback": "dashed", "budget": "dotted", "error": "dashed"}
_THICKNESS: Mapping[Emphasis, int] = {"added": 3, "visited": 3, "dominant": 3, "failed": 3, "witness": 3}


def header(cells: Cells, diagram: Diagram, overlay: Overlay | None) -> str:
    """Set the name, the title, the budget and the worst case, or an overlay's words, and the legend."""
    name, title = plain(diagram.name, 2 * LONGEST_NAME), wrapped(diagram.title or "", TITLE_LINE)[:3]
    rows = [cells.font(name, HEADLINE, "text", bold=True)]
    rows += [cells.font(line, SUBTITLE, "muted") for line in title]
    rows.append('<FONT POINT-SIZE="2"> </FONT>')
    widest = max([room(name, HEADLINE, bold=True), *(room(line, SUBTITLE) for line in title)])
    lines = _told(diagram) if overlay is None else overlay.header[:_MOST_LINES]
    told = [cells.words(tidied(line, 2 * TITLE_LINE), height=13) for line in lines]
    told.append(_legend(cells, diagram) if overlay is None else _legend_of(cells, overlay))
    inner = math.ceil(max([widest, *(taken for _, taken in told)]))
    *lined, legend = (
        f"{TABLE}{row(words, taken, 0, inner)}</TABLE>" if words else "" for words, taken in told
    )
    rows += lined
    body = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows)
    if legend:
        body += f'<TR><TD HEIGHT="4"></TD></TR><TR><TD ALIGN="LEFT">{legend}</TD></TR>'
    return (
        '<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">'
        f'{body}<TR><TD HEIGHT="8"></TD></TR></TABLE>>'
    )


def wrapped(text: str, most: int) -> list[str]:
    """Break `text` at spaces into lines of at most `most` characters."""
    found: list[str] = []
    for word in text.split():
        if found and len(found[-1]) + 1 + len(word) <= most:
            found[-1] += f" {word}"
        else:
            found.append(plain(word, most))
    return found


_VERDICTS: Mapping[str, tuple[str, Ink]] = {
    "within": ("●", "success"),
    "stopped": ("■", "budget"),
    "endless": ("×", "failed"),
}


def _told(diagram: Diagram) -> tuple[Line, ...]:
    """Word the budget, the worst case, and how they compare."""
    lines: list[Line] = []
    if diagram.budget:
        lines.append(_fact("Budget", " · ".join(diagram.budget)))
    if diagram.worst_case:
        lines.append(_fact("Worst case", diagram.worst_case))
    if diagram.verdict is not None:
        sign, ink = _VERDICTS[diagram.verdict.kind]
        lines.append((Words(f"{sign} {diagram.verdict.text}", ink, bold=True),))
    return tuple(lines)


def _fact(what: str, words: str) -> Line:
    return (Words(f"{what}  ", "muted", bold=True), Words(words))


def _legend(cells: Cells, diagram: Diagram) -> tuple[str, float]:
    """Set a swatch and a word for each look that is present, side by side; tell their width."""
    found, taken = "", 0.0
    for look, words in _LEGEND:
        if look in diagram.legend:
            ink = "flow" if look == "success" else look
            swatch = _double_swatch(cells, ink) if look == "loop" else _swatch(cells, ink, _STROKES[look])
            said, long = cells.words((Words(words, ink),))
            found += f"<TD>{swatch}</TD>{space(5)}{said}{space(14)}"
            taken += 26 + 5 + long + 14
    return found, taken


def _legend_of(cells: Cells, overlay: Overlay) -> tuple[str, float]:
    """Set a swatch and words for each emphasis that is spoken of, and the heat of bars; tell their width."""
    found, taken = "", 0.0
    for emphasis, words in overlay.legend:
        style = "dashed" if emphasis == "removed" else "solid"
        swatch = _swatch(cells, LINES[emphasis], style, _THICKNESS.get(emphasis, 2))
        ink = "ghost text" if emphasis == "ghost" else LINES[emphasis]
        said, long = cells.words(tidied((Words(words, ink),), _LONGEST_WORDS))
        found += f"<TD>{swatch}</TD>{space(5)}{said}{space(14)}"
        taken += 26 + 5 + long + 14
    if any(mark.bars for mark in overlay.nodes.values()):
        scale = "".join(
            f'<TD FIXEDSIZE="TRUE" WIDTH="16" HEIGHT="8" BGCOLOR="{cells.palette[f"heat {step}"]}"></TD>'
            for step in range(1, len(HEATS) + 2)
        )
        steps = "·".join(f"{step * 100:.0f}" for step in HEATS)
        before, of_before = cells.words((Words("share of run", "muted"),))
        after, of_after = cells.words((Words(f"{steps} %", "muted"),))
        found += f"{before}{space(5)}<TD>{TABLE}<TR>{scale}</TR></TABLE></TD>{space(5)}{after}"
        taken += of_before + 5 + 16 * (len(HEATS) + 1) + 5 + of_after
    return found, taken


def _swatch(cells: Cells, ink: Ink, style: str, thickness: int = 2) -> str:
    return (
        f'{TABLE}<TR><TD WIDTH="26" HEIGHT="5" SIDES="B" BORDER="{thickness}" COLOR="{cells.palette[ink]}" '
        f'STYLE="{style}"></TD></TR><TR><TD HEIGHT="5"></TD></TR></TABLE>'
    )


def _double_swatch(cells: Cells, ink: Ink) -> str:
    color = cells.palette[ink]
    return (
        f'{TABLE}<TR><TD WIDTH="26" HEIGHT="4" SIDES="B" BORDER="1" COLOR="{color}"></TD></TR>'
        f'<TR><TD HEIGHT="2" SIDES="B" BORDER="1" COLOR="{color}"></TD></TR>'
        '<TR><TD HEIGHT="4"></TD></TR></TABLE>'
    )
