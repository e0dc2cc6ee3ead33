"""How edges are drawn: colour, dashes and arrowhead by their look, width and colour by how they stand out."""

from __future__ import annotations

import math
from collections.abc import Mapping

from attrs import frozen

from fsmflow.backends._emphasis import LINES
from fsmflow.backends._palette import Ink
from fsmflow.backends.diagram import Look
from fsmflow.backends.overlay import EdgeMark

PLAIN = EdgeMark("plain")
"""An edge that is drawn as without an overlay."""


@frozen
class Stroke:
    """How edges of one look are drawn."""

    ink: Ink
    style: str
    arrowhead: str
    penwidth: str


STROKES: Mapping[Look, Stroke] = {
    "success": Stroke("flow", "solid", "normal", "2.2"),
    "branch": Stroke("flow", "solid", "normal", "1.3"),
    "loop": Stroke("loop", "solid", "vee", "1.2"),
    "fallback": Stroke("fallback", "dashed", "onormal", "1.4"),
    "budget": Stroke("budget", "dotted", "odiamond", "1.8"),
    "error": Stroke("error", "dashed", "obox", "1.3"),
}
_PENS = {"ghost": 1.4, "added": 2.4, "removed": 1.6, "changed": 2.0, "witness": 2.6, "dominant": 3.0}
_WIDEST, _WIDEST_OF_TWO = 8.0, 1.6


def stroke(
    look: Look, palette: Mapping[Ink, str], mark: EdgeMark = PLAIN, *, turned: bool = True
) -> dict[str, str]:
    """Give the attributes of an edge; a loop is `turned`: drawn from its target, its head at the tail."""
    stroke = STROKES[look]
    ink = stroke.ink if mark.emphasis == "plain" else LINES[mark.emphasis]
    color = palette[ink]
    drawn = {"color": color, "penwidth": _pen(stroke, mark), "arrowhead": stroke.arrowhead}
    gone = mark.emphasis == "removed"
    if stroke.style != "solid" or gone:
        drawn["style"] = "dashed" if gone else stroke.style
    if look == "success":
        drawn["weight"] = "100"
    if look == "loop":
        drawn["color"] = f"{color}:{color}"
        if turned:
            drawn |= {"dir": "back", "arrowtail": drawn.pop("arrowhead"), "weight": "0"}
    return drawn


def _pen(stroke: Stroke, mark: EdgeMark) -> str:
    """Choose a width in points; an edge that was taken often is the wider for it."""
    if mark.emphasis == "plain":
        return stroke.penwidth
    width = _PENS.get(mark.emphasis) or min(2 + 0.7 * math.log2(max(mark.count, 1)), _WIDEST)
    if stroke.ink == "loop":  # two lines beside each other, which wider ones would fill
        width = min(0.6 * width, _WIDEST_OF_TWO)
    return f"{width:.2f}".rstrip("0").rstrip(".")
