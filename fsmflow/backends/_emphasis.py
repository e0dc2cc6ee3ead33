"""How a state stands out under an overlay: its inks, its outline, and what is struck through."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from fsmflow.backends._palette import Ink
from fsmflow.backends.overlay import Emphasis

END_INKS: Mapping[str, Ink] = {
    "success": "success",
    "degraded": "degraded",
    "handoff": "human",
    "failed": "failed",
}

LINES: Mapping[Emphasis, Ink] = {
    "plain": "flow",
    "ghost": "ghost",
    "added": "added",
    "removed": "removed",
    "changed": "changed",
    "visited": "text",
    "failed": "failed",
    "witness": "witness",
    "dominant": "witness",
}
"""The colour of outlines and edges; `plain` ones have that of their kind."""

_PENS: Mapping[Emphasis, str] = {
    "added": "2.4",
    "removed": "2.4",
    "changed": "2.4",
    "visited": "2.4",
    "failed": "3.4",
    "witness": "2.4",
    "dominant": "3",
}
_WITHOUT_A_COLOUR = ("choose", "wait", "map", "parallel", "call")
_BEFORE_THE_NAME = ("added", "removed", "changed", "failed")


@frozen
class Dress:
    """How one state is drawn.

    Attributes:
        line: Its outline.
        fill: What it is filled with.
        band: The field of its policy.
        name: Its name.
        facts: What it may take.
        policy: The words of its band.
        tag: The field of its tag.
        pill: The field of its pill.
        pen: How wide its outline is, in points; None for that of every node.
        dashed: Whether the outline is dashed.
        struck: Whether its words are struck through.
        bold: Whether those of its band are bold.
        pill_first: Whether the pill stands before the name.
    """

    line: Ink
    fill: Ink
    band: Ink
    name: Ink
    facts: Ink
    policy: Ink
    tag: Ink
    pill: Ink
    pen: str | None
    dashed: bool
    struck: bool
    bold: bool
    pill_first: bool


def inks(role: str) -> tuple[Ink, Ink, Ink]:
    """Give the colours of a step: its line, its tint and its band."""
    kind = "control" if role in _WITHOUT_A_COLOUR else role
    return kind, f"{kind} tint", f"{kind} band"


def dress(role: str, emphasis: Emphasis) -> Dress:
    """Choose how a state of that role is drawn."""
    line, fill, band, name = _of_an_end(role, emphasis) if role in END_INKS else _of_a_step(role, emphasis)
    ghost = emphasis == "ghost"
    on_solid = name == "on solid"
    return Dress(
        line=line,
        fill=fill,
        band=band,
        name=name,
        facts="ghost text" if ghost else name if on_solid else "muted",
        policy="ghost text" if ghost else "text",
        tag="ghost text" if ghost else line if emphasis == "plain" else inks(role)[0],
        pill="ghost text" if ghost else "text" if emphasis == "plain" else LINES[emphasis],
        pen=_PENS.get(emphasis),
        dashed=emphasis == "removed",
        struck=emphasis == "removed",
        bold=emphasis == "dominant",
        pill_first=emphasis in _BEFORE_THE_NAME,
    )


def _of_a_step(role: str, emphasis: Emphasis) -> tuple[Ink, Ink, Ink, Ink]:
    """Give the inks of the outline, the fill, the band and the name of a step."""
    line, tint, band = inks(role)
    match emphasis:
        case "plain":
            return line, tint, band, "text"
        case "ghost":
            return "ghost", "ghost tint", "ghost band", "ghost text"
        case "visited":
            return "text", tint, band, "text"
        case "failed":
            return "failed", "failed tint", "removed band", "text"
        case _:
            own = LINES[emphasis]
            return own, f"{own} tint", f"{own} band", "text"


def _of_an_end(role: str, emphasis: Emphasis) -> tuple[Ink, Ink, Ink, Ink]:
    """Give those of an end; it is solid, but where a solid one would hide what it is about."""
    solid = END_INKS[role]
    match emphasis:
        case "plain":
            return solid, solid, solid, "on solid"
        case "visited":
            return "text", solid, solid, "on solid"
        case "ghost":
            return "ghost", "ghost band", "ghost band", "ghost text"
        case "added" | "removed" | "changed":
            return emphasis, f"{emphasis} tint", f"{emphasis} band", "text"
        case _:
            own = LINES[emphasis]
            return own, own, own, "on solid"
