"""Where things should stand in a drawing, said in the few ways in which Graphviz can be told.

The spine runs straight down, what leads back stands left of it and what leaves it stands right. The
rules are fixed before any engine lays the drawing out, so that its text is the same everywhere.
"""

from __future__ import annotations

from collections import Counter

from attrs import frozen

from fsmflow.backends._rows import too_long
from fsmflow.backends.diagram import Diagram, Edge, Node

ENDS = ("success", "degraded", "handoff", "failed")

_MOST_IN_LAST_ROW = 6
_MOST_ARRIVALS = 4
_MOST_ABREAST = 2
_MOST_ROWS = 8


@frozen
class Layout:
    """Wishes about places; edges are told by their number in the diagram.

    Attributes:
        order: The nodes by number, left to right where nothing else decides.
        rows: Names of states that stand side by side.
        last: The names of the ends, where they share the last row.
        leftmost: The end that stands left of the other ends in that row, if the spine leads to one.
        spans: How many rows an edge spans at least.
        stubbed: The edges that lead to a small stand-in beside their step, since too many lead to its target.
        far: The edges that lead to one below their step, since they would cross too much of the page.
        outer: The loops that run up the left-hand side of the spine.
    """

    order: tuple[int, ...]
    rows: tuple[tuple[str, str], ...]
    last: tuple[str, ...]
    leftmost: str | None
    spans: tuple[int, ...]
    stubbed: frozenset[int]
    far: frozenset[int]
    outer: frozenset[int]


def lay_out(diagram: Diagram) -> Layout:
    """Decide where the parts of `diagram` should stand."""
    nodes, edges = diagram.nodes, diagram.edges
    spine = {node.name for node in nodes if node.lane == "spine"}
    ends = [node.name for node in nodes if node.role in ENDS]
    last = tuple(ends) if len(ends) <= _MOST_IN_LAST_ROW else ()
    stubbed = _stubbed(diagram)
    spans = _spans(diagram, spine | set(ends), stubbed)
    far = too_long(diagram, spans, last, stubbed)
    return Layout(
        order=tuple(sorted(range(len(nodes)), key=lambda number: _left_to_right(number, nodes[number]))),
        rows=_stand_ins(diagram, spine, set(ends) | {diagram.exceeded or ""}, stubbed),
        last=last,
        leftmost=next((name for name in last if name in spine), None),
        spans=spans,
        stubbed=stubbed,
        far=far,
        outer=frozenset(
            number
            for number, edge in enumerate(edges)
            if edge.look == "loop" and {edge.source, edge.target} <= spine and number not in far
        ),
    )


def _left_to_right(number: int, node: Node) -> tuple[int, int]:
    """Order nodes as Graphviz breaks its ties: what stands first stands left.

    Ends that are left for early stand outermost, so that ways to them enclose the others.
    """
    if node.role in ENDS and node.lane == "aside":
        return (3, -number)
    return ({"loop": 0, "spine": 1, "aside": 2}[node.lane], number)


def _leaves(edge: Edge) -> bool:
    return edge.look in ("fallback", "error")


def _stubbed(diagram: Diagram) -> frozenset[int]:
    """Find the ways out that share their target with too many others; one for each step has room."""
    arrivals = Counter(edge.target for edge in diagram.edges if _leaves(edge))
    first: dict[str, int] = {}
    for number, edge in enumerate(diagram.edges):
        if _leaves(edge) and arrivals[edge.target] > _MOST_ARRIVALS:
            first.setdefault(edge.source, number)
    return frozenset(first.values())


def _stand_ins(
    diagram: Diagram, spine: set[str], barred: set[str], stubbed: frozenset[int]
) -> tuple[tuple[str, str], ...]:
    """Pair a step of the spine with the step that stands in for it: one that only its fallback reaches."""
    arrivals = Counter(edge.target for edge in diagram.edges if edge.look != "loop")
    free = spine - {diagram.exceeded}
    pairs: dict[str, str] = {}
    for number, edge in enumerate(diagram.edges):
        alone = edge.look == "fallback" and arrivals[edge.target] == 1 and number not in stubbed
        if alone and edge.source in free and edge.target not in barred:
            pairs.setdefault(edge.source, edge.target)
    return tuple(pairs.items())


def _spans(diagram: Diagram, fixed: set[str], stubbed: frozenset[int]) -> tuple[int, ...]:
    """Set the steps to which a step fans out a few abreast, in rows above what follows it on the spine.

    So many that a few abreast would be many rows stand in as few rows as that.
    """
    fans: dict[str, list[int]] = {}
    for number, edge in enumerate(diagram.edges):
        if edge.look == "branch" and edge.target not in fixed:
            fans.setdefault(edge.source, []).append(number)
    wide = {diagram.edges[number].source for number in stubbed}
    spans = [1] * len(diagram.edges)
    rows = {}
    for source, fan in fans.items():
        abreast = 1 if any(diagram.edges[number].target in wide for number in fan) else _MOST_ABREAST
        abreast = max(abreast, -(-len(fan) // _MOST_ROWS))
        for place, number in enumerate(fan):
            spans[number] = 1 + place // abreast
        rows[source] = spans[fan[-1]]
    for number, edge in enumerate(diagram.edges):
        if edge.look == "success" and len(fans.get(edge.source, ())) > 1:
            spans[number] = 1 + rows[edge.source]
    return tuple(spans)
