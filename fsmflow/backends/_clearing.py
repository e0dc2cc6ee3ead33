"""Where the words of a way go if something stands in their way: to the nearest place along its line.

An engine keeps room for words, but leads a line through it where no other way is left. What it drew is
measured, and words that a line crosses, or that lie on a state or on others, are set beside their own
line where nothing is. Words that can be read stay where they are.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from attrs import frozen

from fsmflow.backends._arial import width

Point = tuple[float, float]
Shifts = Mapping[str, Point]
"""How far the words of each way are moved, by its id: right and down, in points."""

_STEPS = 8
"""The straight pieces by which each curve is measured."""
_TOUCHING, _NEAR = 1.0, (4.0, 2.0)
"""How near to words a line is in their way, and the room they are to have where they go: best first."""
_BESIDE = 4.0
"""How far from its own line a way's words stand."""
_STRIDE = 5.0
_CELL = 48.0
"""The side of a cell of the grid by which what is near is found."""
_END = 10.0
"""The part of a line at each of its ends that belongs to its arrowhead."""


@frozen
class _Box:
    """A rectangle."""

    left: float
    top: float
    right: float
    bottom: float

    def grown(self, by: float) -> _Box:
        return _Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def moved(self, right: float, down: float) -> _Box:
        return _Box(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def meets(self, other: _Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def is_within(self, other: _Box) -> bool:
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom


@frozen
class _Curve:
    """A part of the line of a way: its points, and the rectangle around them."""

    points: Sequence[Point]
    around: _Box

    def enters(self, box: _Box) -> bool:
        return self.around.meets(box) and any(_cuts(a, b, box) for a, b in pairwise(self.points))


@frozen
class _Drawing:
    """What stands where.

    Attributes:
        page: All of it.
        blocks: States, stand-ins and the head of the drawing.
        tracks: The points of the line of each way; of a double one, those of its first.
        curves: The parts of the lines of all ways, with its id, by the cells of a grid that they are in.
        heads: The arrowhead of each way.
        words: Those of each way.
    """

    page: _Box
    blocks: Sequence[_Box]
    tracks: Mapping[str, Sequence[Point]]
    curves: Mapping[tuple[int, int], Sequence[tuple[str, _Curve]]]
    heads: Mapping[str, _Box]
    words: Mapping[str, _Box]


def shifts(svg: str) -> Shifts:
    """Tell which words are to be moved in the `svg` that an engine drew, and how far."""
    drawing = _read(svg)
    words = dict(drawing.words)
    found = {}
    for name, box in drawing.words.items():
        if _is_free(drawing, words, name, box, _TOUCHING, own=0.0):
            continue
        for place in _places(drawing, words, name):
            words[name] = place
            found[name] = (place.left - box.left, place.top - box.top)
            break
    return found


def _places(drawing: _Drawing, words: Mapping[str, _Box], name: str) -> Iterator[_Box]:
    """Give places for the words of a way: those with the most room first, of these the nearest."""
    box = words[name]

    def away(place: _Box) -> float:
        return abs(place.left - box.left) + abs(place.top - box.top)

    beside = sorted(_beside(drawing.tracks[name], box.right - box.left, box.bottom - box.top), key=away)
    for room in _NEAR:
        yield from (place for place in beside if _is_free(drawing, words, name, place, room, own=_BESIDE / 2))


def _is_free(
    drawing: _Drawing, words: Mapping[str, _Box], name: str, box: _Box, room: float, *, own: float
) -> bool:
    """Tell whether nothing is in the way of words at a place: within `room`, or `own` of their line."""
    wide, near = box.grown(room), box.grown(own)
    return (
        box.is_within(drawing.page)
        and not any(
            curve.enters(near if other == name else wide)
            for cell in _cells(wide)
            for other, curve in drawing.curves.get(cell, ())
        )
        and not any(box.meets(block) for block in drawing.blocks)
        and not any(wide.meets(placed) for other, placed in words.items() if other != name)
        and not any(box.meets(head) for head in drawing.heads.values())
    )


def _beside(line: Sequence[Point], across: float, down: float) -> Iterator[_Box]:
    """Give the places of a size that touch a line: at its sides, above it and below it."""
    for x, y in _strides(line):
        for left in (x + _BESIDE, x - across / 2, x - _BESIDE - across):
            for top in (y - _BESIDE - down, y - down / 2, y + _BESIDE):
                yield _Box(left, top, left + across, top + down)


def _strides(line: Sequence[Point]) -> Iterator[Point]:
    """Walk along a line, from behind its tail to before its head."""
    pieces = [(start, end, _length(start, end)) for start, end in pairwise(line)]
    whole = sum(long for *_, long in pieces)
    end = min(_END, whole / 4)
    walked, wanted = 0.0, end
    for (ax, ay), (bx, by), long in pieces:
        while wanted <= min(walked + long, whole - end):
            share = (wanted - walked) / long if long else 0.0
            yield ax + (bx - ax) * share, ay + (by - ay) * share
            wanted += _STRIDE
        walked += long


def _length(start: Point, end: Point) -> float:
    return math.hypot(end[0] - start[0], end[1] - start[1])


def _read(svg: str) -> _Drawing:
    """Find what stands where."""
    blocks, tracks, heads, words = [], {}, {}, {}
    curves: dict[tuple[int, int], list[tuple[str, _Curve]]] = {}
    groups = r'<g id="([^"]*)" class="(node|edge)">(.*?)</g>'
    for name, kind, body in re.findall(groups, svg, re.DOTALL):
        shapes = [_numbers(points) for points in re.findall(r'<polygon[^>]* points="([^"]*)"', body)]
        paths = [_numbers(points) for points in re.findall(r'<path[^>]* d="([^"]*)"', body)]
        if kind == "node":
            outline = [point for shape in (*shapes, *paths)[:1] for point in shape]
            blocks += [_around(outline)] if outline else []
            continue
        for curve in (curve for path in paths for curve in _curves(path)):
            for cell in _cells(curve.around):
                curves.setdefault(cell, []).append((name, curve))
        tracks[name] = [point for path in paths[:1] for curve in _curves(path) for point in curve.points]
        if shapes:
            heads[name] = _around(shapes[0])
        texts = list(_texts(body))
        if texts:
            words[name] = _hull(texts)
    rest = re.sub(groups, "", svg, flags=re.DOTALL)
    head = list(_texts(rest))
    ground = re.search(r'<polygon[^>]* points="([^"]*)"', rest)
    page = _around(_numbers(ground[1])) if ground else _hull(blocks)
    return _Drawing(page, [*blocks, *([_hull(head)] if head else [])], tracks, curves, heads, words)


def _cells(box: _Box) -> Iterator[tuple[int, int]]:
    """Give the cells of a grid that a box has a part in."""
    for column in range(math.floor(box.left / _CELL), math.floor(box.right / _CELL) + 1):
        for row in range(math.floor(box.top / _CELL), math.floor(box.bottom / _CELL) + 1):
            yield column, row


def _texts(body: str) -> Iterator[_Box]:
    for attributes, text in re.findall(r"<text([^>]*)>([^<]*)</text>", body):
        found = dict(re.findall(r'([\w-]+)="([^"]*)"', attributes))
        if text.strip():
            size, left, base = (float(found[key]) for key in ("font-size", "x", "y"))
            long = width(html.unescape(text), size, bold=found.get("font-weight") == "bold")
            yield _Box(left, base - 0.72 * size, left + long, base + 0.2 * size)


def _numbers(text: str) -> list[Point]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", text)]


def _curves(knots: Sequence[Point]) -> Iterator[_Curve]:
    """Walk along cubic curves in steps."""
    for first in range(0, len(knots) - 3, 3):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = knots[first : first + 4]
        points = [
            (
                u**3 * ax + 3 * u * u * t * bx + 3 * u * t * t * cx + t**3 * dx,
                u**3 * ay + 3 * u * u * t * by + 3 * u * t * t * cy + t**3 * dy,
            )
            for t, u in ((step / _STEPS, 1 - step / _STEPS) for step in range(_STEPS + 1))
        ]
        # A straight line has a rectangle around it, too.
        yield _Curve(points, _around(points).grown(0.01))


def _cuts(start: Point, end: Point, box: _Box) -> bool:
    """Tell whether a straight piece has a part in a box."""
    (ax, ay), (bx, by) = start, end
    if (
        max(ax, bx) <= box.left
        or min(ax, bx) >= box.right
        or max(ay, by) <= box.top
        or min(ay, by) >= box.bottom
    ):
        return False
    # It passes the box on one side if all corners are on the other.
    sides = [
        (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        for x in (box.left, box.right)
        for y in (box.top, box.bottom)
    ]
    return min(sides) < 0 < max(sides) or ax == bx or ay == by


def _around(points: Sequence[Point]) -> _Box:
    across, down = zip(*points, strict=True)
    return _Box(min(across), min(down), max(across), max(down))


def _hull(boxes: Sequence[_Box]) -> _Box:
    return _Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )
