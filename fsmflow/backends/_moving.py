"""The words of ways, moved in what an engine wrote: in an SVG, and in DOT with the place of everything."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Point = tuple[float, float]

_SECOND_BORDER = 8 / 72
"""By how much a second border makes a state wider and higher, in inches."""
_HALVINGS = 3


def in_svg(svg: str, moves: Mapping[str, Point]) -> str:
    """Move words in an SVG."""
    if not moves:
        return svg

    def moved(group: re.Match[str]) -> str:
        right, down = moves[group["id"]]
        return re.sub(
            r'(<text[^>]*?) x="([^"]*)" y="([^"]*)"',
            lambda text: f'{text[1]} x="{float(text[2]) + right:.2f}" y="{float(text[3]) + down:.2f}"',
            group[0],
        )

    ids = "|".join(moves)
    return re.sub(rf'<g id="(?P<id>{ids})" class="edge">.*?</g>', moved, svg, flags=re.DOTALL)


def in_dot(laid_out: str, moves: Mapping[str, Point]) -> str:
    """Move words in DOT that an engine has put places into, and make it ready to be drawn in place.

    What is measured anew there comes out as it was: the page is as wide as the points that steer its
    curves are apart, so each curve is cut into short ones, and a second border is put around a state.
    """
    whole = laid_out.replace("\\\n", "")  # long lines are broken
    # The words of a spec stand on one line, so none of them looks like the start of an attribute.
    return re.sub(
        r"^\t+\S+(?: -> \S+)?\t\[.*?\];$", lambda found: _placed(found[0], moves), whole, flags=re.M | re.S
    )


def _placed(statement: str, moves: Mapping[str, Point]) -> str:
    """Make ready one state or way of laid out DOT, in which up is more."""
    if re.search(r"^\t+peripheries=2,$", statement, re.M):
        return re.sub(
            r"^(\t+(?:height|width)=)([\d.]+)",
            lambda size: f"{size[1]}{float(size[2]) - _SECOND_BORDER:.4f}",
            statement,
            flags=re.M,
        )
    name = re.search(r"\bid=(way_\w+),$", statement, re.M)
    right, down = moves.get(name[1], (0.0, 0.0)) if name else (0.0, 0.0)
    statement = re.sub(
        r'^(\t+lp=)"([-\d.]+),([-\d.]+)"',
        lambda place: f'{place[1]}"{float(place[2]) + right:.2f},{float(place[3]) - down:.2f}"',
        statement,
        flags=re.M,
    )
    return re.sub(
        r'^(\t+pos=)"([^"]* [^"]*)"', lambda line: f'{line[1]}"{_cut(line[2])}"', statement, flags=re.M
    )


def _cut(line: str) -> str:
    """Write a line of cubic curves in short ones, which are steered from nearby."""
    parts = line.split()
    ends = [part for part in parts if part[0] in "es"]
    knots = [(float(x), float(y)) for x, y in (part.split(",") for part in parts[len(ends) :])]
    found = knots[:1]
    for first in range(0, len(knots) - 3, 3):
        pieces: list[Sequence[Point]] = [knots[first : first + 4]]
        for _ in range(_HALVINGS):
            pieces = [half for piece in pieces for half in _halves(*piece)]
        found += [point for piece in pieces for point in piece[1:]]
    return " ".join([*ends, *(f"{x:.2f},{y:.2f}" for x, y in found)])


def _halves(a: Point, b: Point, c: Point, d: Point) -> tuple[Sequence[Point], Sequence[Point]]:
    """Cut a cubic curve in its middle, by de Casteljau's construction."""

    def middle(p: Point, q: Point) -> Point:
        return ((p[0] + q[0]) / 2, (p[1] + q[1]) / 2)

    ab, bc, cd = middle(a, b), middle(b, c), middle(c, d)
    abc, bcd = middle(ab, bc), middle(bc, cd)
    whole = middle(abc, bcd)
    return (a, ab, abc, whole), (whole, bcd, cd, d)
