"""What stands in the way of what in a drawn SVG: lines across words and states, words on one another."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from attrs import frozen

from fsmflow.backends._arial import width

Point = tuple[float, float]

_STEPS = 16  # points on each curve
_MARGIN = 1.0  # points by which words may come near


@frozen
class Box:
    """A rectangle, in points."""

    left: float
    top: float
    right: float
    bottom: float

    def shrunk(self, by: float) -> Box:
        return Box(self.left + by, self.top + by, self.right - by, self.bottom - by)

    def holds(self, point: Point) -> bool:
        return self.left < point[0] < self.right and self.top < point[1] < self.bottom

    def meets(self, other: Box) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@frozen
class Clearance:
    """How often things are in each other's way.

    Attributes:
        crossed_labels: Labels of edges that the line of another edge crosses.
        covered_labels: Pairs of a label and a state, or another label, on which it lies.
        crossed_nodes: States, and stand-ins, that the line of an edge crosses.
    """

    crossed_labels: tuple[tuple[str, str], ...]
    covered_labels: tuple[tuple[str, str], ...]
    crossed_nodes: tuple[tuple[str, str], ...]

    @property
    def count(self) -> int:
        return len(self.crossed_labels) + len(self.covered_labels) + len(self.crossed_nodes)


def clearance(svg: str) -> Clearance:
    """Measure a drawing."""
    nodes: dict[str, Box] = {}
    corners: dict[str, list[Point]] = {}
    labels: dict[str, Box] = {}
    lines: dict[str, list[list[Point]]] = {}
    for name, kind, body in re.findall(r'<g id="([^"]*)" class="(node|edge)">(.*?)</g>', svg, re.DOTALL):
        if kind == "node":
            nodes[name], corners[name] = _outline(body), _corners(body)
            continue
        words = [_box(*found) for found in re.findall(r"<text([^>]*)>([^<]*)</text>", body)]
        if words:
            labels[name] = _hull(words)
        lines[name] = [list(_flattened(d)) for d in re.findall(r'<path [^>]*?\bd="([^"]*)"', body)]
    return Clearance(
        tuple(
            (label, line)
            for label, box in labels.items()
            for line, paths in lines.items()
            if line != label and _enters(paths, box.shrunk(-_MARGIN))
        ),
        (
            *((label, node) for label, box in labels.items() for node in nodes if box.meets(nodes[node])),
            *((a, b) for a, b in combinations(labels, 2) if labels[a].meets(labels[b])),
        ),
        tuple(
            (node, line)
            for node, field in nodes.items()
            for line, paths in lines.items()
            if _enters(paths, field.shrunk(6), corners[node])
        ),
    )  # fmt: skip


def outlines(svg: str) -> dict[str, Box]:
    """Give the outline of each node, by the id of its group."""
    found = re.findall(r'<g id="([^"]*)" class="node">(.*?)</g>', svg, re.DOTALL)
    return {name: _outline(body) for name, body in found}


def paths(svg: str) -> dict[str, list[Point]]:
    """Give the points of the line of each edge, by the id of its group."""
    found = re.findall(r'<g id="([^"]*)" class="edge">.*?<path [^>]*?\bd="([^"]*)"', svg, re.DOTALL)
    return {name: list(_flattened(d)) for name, d in found}


def _outline(body: str) -> Box:
    shape = re.search(r'<(?:path|polygon)[^>]* (?:d|points)="([^"]*)"', body)
    if shape is None:
        found = re.search(r'cx="([-\d.]+)" cy="([-\d.]+)" rx="([-\d.]+)"', body)
        assert found is not None
        x, y, r = map(float, found.groups())
        return Box(x - r, y - r, x + r, y + r)
    across, down = zip(*_numbers(shape[1]), strict=True)
    return Box(min(across), min(down), max(across), max(down))


def _corners(body: str) -> list[Point]:
    """Give the corners of a hexagon or an octagon, whose sides are not those of the rectangle around it."""
    shape = re.search(r"<(?:polygon|path|ellipse)[^>]*>", body)
    points = re.search(r'<polygon[^>]* points="([^"]*)"', shape[0]) if shape else None
    corners = _numbers(points[1])[:-1] if points else []
    return corners if len(corners) in (6, 8) else []


def _is_deep_in(corners: list[Point], point: Point, by: float) -> bool:
    """Tell whether a point is further than `by` from each side of a convex shape, within it."""
    depths = [
        ((bx - ax) * (point[1] - ay) - (by_ - ay) * (point[0] - ax)) / math.hypot(bx - ax, by_ - ay)
        for (ax, ay), (bx, by_) in pairwise([*corners, *corners[:1]])
    ]
    return min(depths) > by or max(depths) < -by


def _numbers(text: str) -> list[Point]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", text)]


def _box(attributes: str, text: str) -> Box:
    def number(name: str) -> float:
        found = re.search(rf'\b{name}="([-\d.]+)"', attributes)
        return float(found[1]) if found else 0.0

    size = number("font-size")
    wide = width(html.unescape(text), size, bold='font-weight="bold"' in attributes)
    left = number("x") - (wide / 2 if 'text-anchor="middle"' in attributes else 0)
    return Box(left, number("y") - 0.72 * size, left + wide, number("y") + 0.2 * size)


def _hull(boxes: list[Box]) -> Box:
    return Box(
        min(b.left for b in boxes),
        min(b.top for b in boxes),
        max(b.right for b in boxes),
        max(b.bottom for b in boxes),
    )


def _flattened(path: str) -> Iterator[Point]:
    """Walk along cubic curves in steps."""
    knots = _numbers(path)
    yield knots[0]
    for first in range(0, len(knots) - 3, 3):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = knots[first : first + 4]
        for step in range(1, _STEPS + 1):
            t = step / _STEPS
            u = 1 - t
            yield (
                u**3 * ax + 3 * u * u * t * bx + 3 * u * t * t * cx + t**3 * dx,
                u**3 * ay + 3 * u * u * t * by + 3 * u * t * t * cy + t**3 * dy,
            )


def _enters(paths: list[list[Point]], box: Box, corners: Sequence[Point] = ()) -> bool:
    """Tell whether a line comes into a box, or a shape in it: each piece is looked at every point or so."""
    return any(
        box.holds(point) and (not corners or _is_deep_in(list(corners), point, 6))
        for path in paths
        for (ax, ay), (bx, by) in pairwise(path)
        for point in ((ax + (bx - ax) * part / 8, ay + (by - ay) * part / 8) for part in range(9))
    )
