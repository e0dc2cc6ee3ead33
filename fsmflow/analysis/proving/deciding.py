"""Whether every run ends, for the caps as they are: proved by unrolling, or disproved by a lasso.

A component that cannot be ranked may need values of counters that never come together. So configurations
are searched for one that comes again; and if there is none, counters are unrolled until the machine can
be ranked, at last all that any guard tells apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from fsmflow.analysis.graph import components, steps_back
from fsmflow.analysis.proving.counter_machine import CounterMachine
from fsmflow.analysis.proving.intervals import Invariant
from fsmflow.analysis.proving.packing import Packing
from fsmflow.analysis.proving.ranking import Ranking, Stuck, edges_ahead, rank
from fsmflow.analysis.proving.unrolling import unroll

_TRIES = 10
"""How many times its limit of states all unrollings together may have."""


@frozen
class Terminates:
    """Every run ends.

    Attributes:
        split: The counters that were unrolled first.
        machine: The machine that the ranking speaks of: unrolled, if `split` is not empty.
        edges: Its edges that are ranked. No others fire, by its invariant; an unrolled one needs none.
        ranking: Why every run ends.
    """

    split: tuple[int, ...]
    machine: CounterMachine
    edges: tuple[int, ...]
    ranking: Ranking


@frozen
class Lasso:
    """A run that does not end.

    Attributes:
        stem: The edges from the start to the first configuration of the cycle.
        cycle: The edges that lead from that configuration back to it.
    """

    stem: tuple[int, ...]
    cycle: tuple[int, ...]


def decide(machine: CounterMachine, *, limit: int) -> Terminates | Lasso | None:
    """Tell whether every run ends.

    Args:
        machine: The machine.
        limit: The most configurations to search, and the most states that any unrolling may have.

    Returns:
        The proof of one or the other; None if that takes more than `limit` allows.
    """
    edges = Invariant.of(machine).edges
    ranking = rank(machine, edges)
    if isinstance(ranking, Ranking):
        return Terminates((), machine, edges, ranking)
    lasso = _lasso(machine, limit)
    if lasso is not None:
        return lasso
    room = _TRIES * limit
    for split in _splits(machine, ranking):
        unrolled = unroll(machine, split, limit=min(limit, room))
        if unrolled is None:
            room -= limit
        else:
            room -= len(unrolled.states)
            found = rank(unrolled)
            if isinstance(found, Ranking):
                return Terminates(split, unrolled, edges_ahead(unrolled), found)
        if room <= 0:
            break
    return None


def _splits(machine: CounterMachine, stuck: Stuck) -> Iterator[tuple[int, ...]]:
    """Give what to unroll: one counter that the component tells apart, two, all; then all there are."""
    inside = _tested(machine, stuck.edges)
    yield from ((counter,) for counter in inside)
    yield from ((a, b) for place, a in enumerate(inside) for b in inside[place + 1 :])
    yield inside
    yield _tested(machine, range(len(machine.edges)))


def _tested(machine: CounterMachine, edges: Sequence[int]) -> tuple[int, ...]:
    guards = (guard for number in edges for guard in machine.edges[number].guards)
    return tuple(sorted({c for c, lo, hi in guards if lo > 0 or hi < machine.caps[c]}))


def _lasso(machine: CounterMachine, limit: int) -> Lasso | None:
    """Search configurations, nearest first, for a cycle; of those found, one that is entered soonest."""
    packing = Packing.of(machine)
    came: dict[int, tuple[int, int]] = {}
    order = [packing.start]
    seen = {packing.start}
    ways: dict[int, list[tuple[int, int]]] = {}
    for place in order:
        if len(ways) >= limit:
            break
        ways[place] = list(packing.successors(place))
        for number, following in ways[place]:
            if following not in seen:
                seen.add(following)
                came[following] = (place, number)
                order.append(following)
    targets = {place: [following for _, following in found] for place, found in ways.items()}
    cyclic = {
        place: number
        for number, part in enumerate(components(order, targets))
        if len(part) > 1 or part[0] in targets.get(part[0], ())
        for place in part
    }
    first = next((place for place in order if place in cyclic), None)
    if first is None:
        return None
    inside = {place for place, part in cyclic.items() if part == cyclic[first]}
    cycle = _round(first, ways, inside)
    # Counters that are never read again may differ the first time round; not after it.
    return Lasso((*steps_back(first, packing.start, came), *cycle), cycle)


def _round(first: int, ways: Mapping[int, list[tuple[int, int]]], inside: set[int]) -> tuple[int, ...]:
    """Give the fewest edges that lead from `first` back to it."""
    came: dict[int, tuple[int, int]] = {}
    queue = [first]
    for place in queue:
        for number, following in ways[place]:
            if following in inside and following not in came:
                came[following] = (place, number)
                if following == first:
                    place, number = came[first]
                    return (*steps_back(place, first, came), number)
                queue.append(following)
    raise AssertionError("a strongly connected component has a cycle through each of its places")
