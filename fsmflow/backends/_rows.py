"""How far down the page each state of a diagram comes to stand, and which ways are too long to be drawn.

An engine lays a line through every row that it crosses, so the time that it takes and what a reader
can follow both depend on how many rows the lines of a drawing cross in all. Where that is too much, the
longest ways lead to a small stand-in instead. All of it is counted on the diagram, never timed, so that
the same machine gives the same drawing everywhere.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fsmflow.backends.diagram import Diagram

CROSSED_AT_LEAST = 300
"""How many rows the lines of any drawing may cross; one of more states may cross as many as it has states."""


def too_long(
    diagram: Diagram, spans: Sequence[int], last: Collection[str], without: Collection[int]
) -> frozenset[int]:
    """Find the edges that need a stand-in: the longest ones, as many as cross too many rows.

    The spine is always drawn, and each state keeps the line that holds it in its row.

    Args:
        diagram: What is drawn.
        spans: How many rows each edge spans at least.
        last: The ends that share the last row.
        without: Edges that have a stand-in already.
    """
    row = rows_of(diagram, spans, last, without)
    drawn = {number: edge for number, edge in enumerate(diagram.edges) if number not in without}
    crossed = {number: abs(row[edge.target] - row[edge.source]) - 1 for number, edge in drawn.items()}
    held: dict[str, int] = {}
    for number, edge in drawn.items():
        if edge.look != "loop" and crossed[number] + 1 == spans[number]:
            held.setdefault(edge.target, number)
    kept = {number for number, edge in drawn.items() if edge.look == "success"} | set(held.values())
    allowed = max(CROSSED_AT_LEAST, len(diagram.nodes)) - sum(crossed[number] for number in kept)
    found = []
    for number, rows in sorted(crossed.items(), key=lambda item: item[1]):
        if rows > 0 and number not in kept:
            allowed -= rows
            if allowed < 0:
                found.append(number)
    return frozenset(found)


def rows_of(
    diagram: Diagram, spans: Sequence[int], last: Collection[str], without: Collection[int]
) -> dict[str, int]:
    """Put each state below all that lead to it, and the ends in `last` below everything."""
    below: dict[str, list[tuple[str, int]]] = {node.name: [] for node in diagram.nodes}
    above = dict.fromkeys(below, 0)
    for number, edge in enumerate(diagram.edges):
        if number not in without:
            upper, lower = (edge.target, edge.source) if edge.look == "loop" else (edge.source, edge.target)
            below[upper].append((lower, spans[number]))
            above[lower] += 1
    row = dict.fromkeys(below, 0)
    ready = [name for name, count in above.items() if not count]
    for name in ready:
        for lower, span in below[name]:
            row[lower] = max(row[lower], row[name] + span)
            above[lower] -= 1
            if not above[lower]:
                ready.append(lower)
    lowest = max(row.values(), default=0)
    return row | dict.fromkeys(last, lowest)
