"""How much of a potential each edge leaves unused, ready to be computed on packed configurations.

Where a counter is not live, the potential counts the least that its terms can be worth there. That is a
potential too: whatever holds of an edge for all values holds for the value with the least worth.
"""

from __future__ import annotations

from math import lcm

from attrs import define, field, frozen

from fsmflow.analysis.counter_machine import METRICS, Edge
from fsmflow.analysis.packing import Move, Packing
from fsmflow.analysis.potential import Potential, Term
from fsmflow.analysis.rows import guarded_range

Test = tuple[int, int, int, int]
"""A shift, a mask, and the least and the greatest value that the field may have."""

Levels = tuple[int, int, tuple[int, ...]]
"""A shift, a mask, and what is added for each value of the field."""

Way = tuple[tuple[Test, ...], int, int, int, tuple[Levels, ...], int]
"""An edge: its tests, the mask to keep, what to add then, its slack, what values add to it, its number."""


@frozen
class Slack:
    """The slack of all edges of a machine.

    Attributes:
        packing: The machine's packing.
        potential: The potential.
        scale: What makes all its amounts whole.
        start: The potential at the start, scaled.
        ways: For each state, its edges.
    """

    packing: Packing
    potential: Potential
    scale: int
    start: int
    ways: tuple[tuple[Way, ...], ...]
    _worth: _Worth

    @classmethod
    def of(cls, packing: Packing, potential: Potential) -> Slack:
        """Compute the slack of the edges under a potential."""
        worth = _Worth.of(packing, potential)
        index = METRICS.index(potential.metric)
        ways = tuple(
            tuple(_way(worth, move, packing.machine.edges[move.number].weights[index]) for move in moves)
            for moves in packing.moves
        )
        return cls(packing, potential, worth.scale, worth.at(packing.start), ways, worth)

    def at(self, place: int) -> int:
        """Give the potential of a configuration, scaled."""
        return self._worth.at(place)


@define
class _Worth:
    """What counters and states are worth, scaled."""

    packing: Packing
    scale: int
    phi: dict[int, int]
    terms: dict[int, list[tuple[Term, int]]] = field(factory=dict)
    """By counter: its terms and their prices."""
    local: dict[int, set[int]] = field(factory=dict)
    """By state: the numbers of the terms whose region it is in."""
    counters: list[int] = field(factory=list)
    """By number of the term: its counter."""
    priced: int = 0
    """The counters with terms, as bits."""
    least_worth: dict[tuple[int, tuple[int, ...]], int] = field(factory=dict)

    @classmethod
    def of(cls, packing: Packing, potential: Potential) -> _Worth:
        denominators = {term.price.denominator for term in potential.terms}
        scale = lcm(*denominators, *(worth.denominator for worth in potential.phi.values()))
        phi = {state: int(worth * scale) for state, worth in potential.phi.items()}
        found = cls(packing, scale, phi)
        for number, term in enumerate(potential.terms):
            found.terms.setdefault(term.counter, []).append((term, int(term.price * scale)))
            found.counters.append(term.counter)
            found.priced |= 1 << term.counter
            for state in term.region or ():
                found.local.setdefault(state, set()).add(number)
        return found

    def at(self, place: int) -> int:
        state = place & self.packing.state_mask
        ranges = self.packing.ranges[state]
        return self.phi.get(state, 0) + sum(
            self.of_counter(state, counter, self.packing.value(place, counter))
            if counter in ranges
            else self.fixed(state, counter)
            for counter in self.terms
        )

    def of_counter(self, state: int, counter: int, value: int) -> int:
        """Give what a counter with `value` is worth in a state."""
        return sum(
            price * term.levels(value)
            for term, price in self.terms.get(counter, ())
            if term.region is None or state in term.region
        )

    def fixed(self, state: int, counter: int) -> int:
        """Give what a counter is worth where it has no range: at 0, or the least if it is not live."""
        if self.packing.live[state] >> counter & 1:
            return self.of_counter(state, counter, 0)
        here = [(t, p) for t, p in self.terms[counter] if t.region is None or state in t.region]
        cap = self.packing.machine.caps[counter]
        ends = {0, cap, *(x for t, _ in here for x in (t.lo, t.hi, t.hi + 1) if 0 <= x <= cap)}
        return min(sum(price * term.levels(x) for term, price in here) for x in ends)

    def changed(self, edge: Edge) -> list[int]:
        """Give the counters that may be worth something else after an edge, ascending."""
        source, target = edge.source, edge.target
        found = {c for c in (*edge.increments, *edge.resets) if c in self.terms}
        if source != target:
            ranges = self.packing.ranges
            found.update(c for c in ranges[source].keys() ^ ranges[target].keys() if c in self.terms)
            none: set[int] = set()
            found.update(
                self.counters[n] for n in self.local.get(source, none) ^ self.local.get(target, none)
            )
            differing = (self.packing.live[source] ^ self.packing.live[target]) & self.priced
            while differing:
                low = differing & -differing
                found.add(low.bit_length() - 1)
                differing ^= low
        return sorted(found)


def _way(worth: _Worth, move: Move, weight: int) -> Way:
    packing = worth.packing
    edge = packing.machine.edges[move.number]
    source, target = edge.source, edge.target
    slack = worth.phi.get(source, 0) - worth.phi.get(target, 0) - weight * worth.scale
    levels: list[Levels] = []
    for counter in worth.changed(edge):
        after_counts = counter in packing.ranges[target]
        if counter not in packing.ranges[source]:
            after = (
                worth.of_counter(target, counter, _next(edge, counter, 0))
                if after_counts
                else worth.fixed(target, counter)
            )
            slack += worth.fixed(source, counter) - after
            continue
        least, most = packing.ranges[source][counter]
        lo, hi = guarded_range(packing.machine, edge, counter)
        least, most = max(least, lo), min(most, hi)
        drops = [0] * least + [
            worth.of_counter(source, counter, value)
            - (
                worth.of_counter(target, counter, _next(edge, counter, value))
                if after_counts
                else worth.fixed(target, counter)
            )
            for value in range(least, most + 1)
        ]
        if min(drops[least:]) == max(drops[least:]):
            slack += drops[least]
        else:
            shift, mask = packing.fields[counter]
            levels.append((shift, mask, tuple(drops)))
    return move.tests, move.mask, move.more, slack, tuple(levels), move.number


def _next(edge: Edge, counter: int, value: int) -> int:
    return 0 if counter in edge.resets else value + (counter in edge.increments)
