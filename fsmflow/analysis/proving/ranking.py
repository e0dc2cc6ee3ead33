"""Termination, whatever the caps are: a rank that every edge lowers.

In each strongly connected component, the counters that go up but are never set back there run out; the
edges that raise them are taken a bounded number of times, and taken away; and so on in what is left. This
decides the emptiness of a Streett automaton: infinitely many increments need infinitely many resets
(Kosaraju and Sullivan, STOC 1988).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from fsmflow.analysis.graph import ahead, components
from fsmflow.analysis.proving.counter_machine import CounterMachine


@frozen
class Ranking:
    """Why every run ends.

    Attributes:
        rank: For each state `(k0, region0, k1, region1, …)`. Every edge lowers some `k`, or raises a
            counter of a region that both of its ends are in, and changes nothing before that; no edge
            between states that share a region sets one of its counters back.
        regions: By number, the counters that run out there.
        components: By region number, its states, its counters, and how deep it lies.
    """

    rank: Mapping[int, tuple[int, ...]]
    regions: tuple[frozenset[int], ...]
    components: tuple[tuple[frozenset[int], frozenset[int], int], ...]


@frozen
class Stuck:
    """Where the proof fails.

    Attributes:
        edges: A strongly connected component of which no edge can be taken away.
    """

    edges: tuple[int, ...]


def rank(machine: CounterMachine, edges: Iterable[int] | None = None) -> Ranking | Stuck:
    """Rank the states, so that every edge lowers the rank.

    Args:
        machine: The machine.
        edges: The edges that may fire; if None, all that the start leads to, whatever their guards say,
            so that the ranking holds for every value of the caps.
    """
    if edges is None:
        edges = edges_ahead(machine)
    ranks: dict[int, list[int]] = {machine.start: []}
    for number in edges:
        ranks.setdefault(machine.edges[number].source, [])
        ranks.setdefault(machine.edges[number].target, [])
    found: list[tuple[frozenset[int], frozenset[int], int]] = []
    pending = [(sorted(ranks), sorted(edges), 0)]
    while pending:
        states, left, depth = pending.pop()
        parts = components(states, _targets(machine, left))
        part_of = {state: number for number, part in enumerate(parts) for state in part}
        inner: dict[int, list[int]] = {}
        for number in left:
            edge = machine.edges[number]
            if part_of[edge.source] == part_of[edge.target]:
                inner.setdefault(part_of[edge.source], []).append(number)
        for k, part in enumerate(parts):
            for state in part:
                ranks[state].append(k)
            if k not in inner:
                continue
            raised = {c for number in inner[k] for c in machine.edges[number].increments}
            counters = raised.difference(*(machine.edges[number].resets for number in inner[k]))
            if not counters:
                return Stuck(tuple(inner[k]))
            for state in part:
                ranks[state].append(len(found))
            found.append((frozenset(part), frozenset(counters), depth))
            rest = [n for n in inner[k] if counters.isdisjoint(machine.edges[n].increments)]
            if rest:
                pending.append((sorted(part), rest, depth + 1))
    return Ranking(
        rank={state: tuple(ranks[state]) for state in sorted(ranks)},
        regions=tuple(counters for _, counters, _ in found),
        components=tuple(found),
    )


def edges_ahead(machine: CounterMachine) -> tuple[int, ...]:
    """Give the edges that the start leads to, whatever their guards say, ascending."""
    seen = ahead([machine.start], _targets(machine, range(len(machine.edges))))
    return tuple(number for number, edge in enumerate(machine.edges) if edge.source in seen)


def _targets(machine: CounterMachine, edges: Iterable[int]) -> dict[int, list[int]]:
    targets: dict[int, list[int]] = {}
    for number in edges:
        targets.setdefault(machine.edges[number].source, []).append(machine.edges[number].target)
    return targets
