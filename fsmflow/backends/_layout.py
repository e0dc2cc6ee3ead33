"""Where things should stand in a drawing, said in the few ways in which Graphviz can be told.

The spine runs straight down, what leads back stands left of it and what leaves it stands right. The
rules are fixed before any engine lays the drawing out, so that its text is the same everywhere.
"""

from __future__ import annotations

from collections import Counter

from attrs import frozen

from fsmflow.backends._rows import rows_of, too_long
from fsmflow.backends.diagram import Diagram, Edge, Node

ENDS = ("success", "degraded", "handoff", "failed")

_MOST_IN_LAST_ROW = 6
_MOST_ARRIVALS = 4
_MOST_ABREAST = 2
_MOST_ROWS = 8
_LONGEST_BESIDE = 4
_KNOWN, _LONGEST_TO_A_KNOWN_ONE = 2, 2
"""Of how many stand-ins a state is known, and how many rows a line to one that is known spans at most."""


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
        far: The edges that lead to one below their step, since they would cross too much of the page, or
            lead out of a step of a loop, where there is no room beside it.
        outer: The loops that run up the left-hand side of the spine, with no step of another loop there.
        leaving: The ways that leave the spine at its right-hand side, to pass a row or more.
        passed: The parts of the spine that an outer loop runs beside, and is to stay left of.
    """

    order: tuple[int, ...]
    rows: tuple[tuple[str, str], ...]
    last: tuple[str, ...]
    leftmost: str | None
    spans: tuple[int, ...]
    stubbed: frozenset[int]
    far: frozenset[int]
    outer: frozenset[int]
    leaving: frozenset[int]
    passed: frozenset[int]


def lay_out(diagram: Diagram) -> Layout:
    """Decide where the parts of `diagram` should stand."""
    nodes, edges = diagram.nodes, diagram.edges
    spine = {node.name for node in nodes if node.lane == "spine"}
    ends = [node.name for node in nodes if node.role in ENDS]
    last = tuple(ends) if len(ends) <= _MOST_IN_LAST_ROW else ()
    stubbed = _stubbed(diagram, spine)
    stubbed |= _long_ways_out(diagram, spine, last, stubbed)
    stubbed |= _crossing(diagram, spine, last, stubbed)
    looping = {node.name for node in nodes if node.lane == "loop"}
    below = frozenset(number for number in stubbed if edges[number].source in looping)
    stubbed -= below
    spans = _spans(diagram, spine | set(ends), stubbed, below)
    far = below | too_long(diagram, spans, last, stubbed | below)
    hubs = {edge.target for edge in edges if edge.look == "loop" and edge.source not in spine}
    outer = frozenset(
        number
        for number, edge in enumerate(edges)
        if edge.look == "loop"
        and {edge.source, edge.target} <= spine
        and edge.target not in hubs
        and number not in far
    )
    return Layout(
        order=tuple(sorted(range(len(nodes)), key=lambda number: _left_to_right(number, nodes[number]))),
        rows=_stand_ins(diagram, spine, set(ends) | {diagram.exceeded or ""}, stubbed),
        last=last,
        leftmost=next((name for name in last if name in spine), None),
        spans=spans,
        stubbed=stubbed,
        far=far,
        outer=outer,
        leaving=_leaving(diagram, spine, spans, last, stubbed | far),
        passed=_passed(diagram, outer),
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


def _stubbed(diagram: Diagram, spine: set[str]) -> frozenset[int]:
    """Find the ways out that share their target with too many others; one for each step has room.

    The last step of the spine that leads to a step, not to an end, leads there by a line, and so does one
    that a branch leads there from too.
    """
    arrivals = Counter(edge.target for edge in diagram.edges if _leaves(edge))
    ends = {node.name for node in diagram.nodes if node.role in ENDS}
    branches = {(edge.source, edge.target) for edge in diagram.edges if edge.look == "branch"}
    crowded = {n: edge for n, edge in enumerate(diagram.edges) if _leaves(edge)}
    crowded = {n: edge for n, edge in crowded.items() if arrivals[edge.target] > _MOST_ARRIVALS}
    crowded = {n: edge for n, edge in crowded.items() if (edge.source, edge.target) not in branches}
    nearest = {e.target: n for n, e in crowded.items() if e.source in spine and e.target not in ends}
    first: dict[str, int] = {}
    for number, edge in crowded.items():
        if nearest.get(edge.target) != number:
            first.setdefault(edge.source, number)
    return frozenset(first.values())


def _long_ways_out(
    diagram: Diagram, spine: set[str], last: tuple[str, ...], stubbed: frozenset[int]
) -> frozenset[int]:
    """Find the ways out that would run beside much of the spine, where another leads there too.

    Nothing makes an engine lead such a way down the right-hand side; a stand-in always stands there. So it is
    with a way to an end out of a step beside the spine.
    """
    row = rows_of(diagram, _spans(diagram, spine | set(last), stubbed), last, stubbed)
    arrivals = Counter(edge.target for edge in diagram.edges)
    first = {diagram.edges[number].source: number for number in stubbed}
    beside = {name for _, name in _stand_ins(diagram, spine, {*last, diagram.exceeded or ""}, stubbed)}
    for number, edge in enumerate(diagram.edges):
        out = edge.source in spine or (edge.source in beside and edge.target in last)
        leaves = _leaves(edge) and out and edge.target not in spine
        known = sum(diagram.edges[other].target == edge.target for other in first.values())
        longest = _LONGEST_TO_A_KNOWN_ONE if known >= _KNOWN else _LONGEST_BESIDE
        long = row[edge.target] - row[edge.source] > longest
        if leaves and long and arrivals[edge.target] > 1:
            first.setdefault(edge.source, number)
    return frozenset(first.values())


def _crossing(
    diagram: Diagram, spine: set[str], last: tuple[str, ...], stubbed: frozenset[int]
) -> frozenset[int]:
    """Find the ways out of the spine to an end of the last row that would have to cross another such way.

    Each way encloses those of later steps, so none can come back to an end once a later one encloses it.
    """
    row = rows_of(diagram, _spans(diagram, spine | set(last), stubbed), last, stubbed)
    stood_in = {diagram.edges[number].source for number in stubbed}
    met: list[str] = []
    found = set()
    for number, edge in sorted(enumerate(diagram.edges), key=lambda item: row[item[1].source]):
        if _leaves(edge) and edge.source in spine and edge.target in last and number not in stubbed:
            if edge.target not in met:
                met.append(edge.target)
            elif edge.target != met[-1] and edge.source not in stood_in:
                found.add(number)
                stood_in.add(edge.source)
    return frozenset(found)


def _leaving(
    diagram: Diagram, spine: set[str], spans: tuple[int, ...], last: tuple[str, ...], away: frozenset[int]
) -> frozenset[int]:
    """Find the ways out of the spine that have to pass what stands below their step."""
    row = rows_of(diagram, spans, last, away)
    aside = {node.name for node in diagram.nodes if node.lane == "aside"}
    return frozenset(
        number
        for number, edge in enumerate(diagram.edges)
        if _leaves(edge) and edge.source in spine and edge.target in aside and number not in away
        if row[edge.target] - row[edge.source] > 1
    )


def _passed(diagram: Diagram, outer: frozenset[int]) -> frozenset[int]:
    """Find the parts of the spine between the two ends of a loop beside it."""
    along = {
        edge.source: (number, edge.target)
        for number, edge in enumerate(diagram.edges)
        if edge.look == "success"
    }
    found = set()
    for loop in (diagram.edges[number] for number in outer):
        name = loop.target
        while name != loop.source and name in along:
            number, name = along[name]
            found.add(number)
    return frozenset(found)


def _stand_ins(
    diagram: Diagram, spine: set[str], barred: set[str], stubbed: frozenset[int]
) -> tuple[tuple[str, str], ...]:
    """Pair a step of the spine with the step that stands in for it: one that only its fallback reaches.

    A step that has the stand-in of another state beside it has no room there.
    """
    arrivals = Counter(edge.target for edge in diagram.edges if edge.look != "loop")
    free = spine - {diagram.exceeded} - {diagram.edges[number].source for number in stubbed}
    pairs: dict[str, str] = {}
    for number, edge in enumerate(diagram.edges):
        alone = edge.look == "fallback" and arrivals[edge.target] == 1 and number not in stubbed
        if alone and edge.source in free and edge.target not in barred:
            pairs.setdefault(edge.source, edge.target)
    return tuple(pairs.items())


def _spans(
    diagram: Diagram, fixed: set[str], stubbed: frozenset[int], below: frozenset[int] = frozenset()
) -> tuple[int, ...]:
    """Set the steps to which a step fans out a few abreast, in rows above what follows it on the spine.

    So many that a few abreast would be many rows stand in as few rows as that.
    """
    fans: dict[str, list[int]] = {}
    for number, edge in enumerate(diagram.edges):
        if edge.look == "branch" and edge.target not in fixed:
            fans.setdefault(edge.source, []).append(number)
    wide = {diagram.edges[number].source for number in stubbed}
    high = {diagram.edges[number].source for number in below}
    spans = [1] * len(diagram.edges)
    rows = {}
    for source, fan in fans.items():
        abreast = 1 if any(diagram.edges[number].target in wide for number in fan) else _MOST_ABREAST
        abreast = max(abreast, -(-len(fan) // _MOST_ROWS))
        few = len(fan) <= _MOST_ABREAST * _MOST_ROWS
        apart = 2 if few and any(diagram.edges[number].target in high for number in fan) else 1
        for place, number in enumerate(fan):
            spans[number] = 1 + apart * (place // abreast)
        rows[source] = spans[fan[-1]]
    for number, edge in enumerate(diagram.edges):
        if edge.look == "success" and len(fans.get(edge.source, ())) > 1:
            spans[number] = 1 + rows[edge.source]
    return tuple(spans)
