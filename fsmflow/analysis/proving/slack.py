"""How much of a potential each edge leaves unused, ready to be computed on packed configurations.

Where a counter is not live, the potential counts the least that its terms can be worth there. That is a
potential too: whatever holds of an edge for all values holds for the value with the least worth.
"""

from __future__ import annotations

from math import lcm

from attrs import define, frozen

from fsmflow.analysis.proving.counter_machine import METRICS, Edge
from fsmflow.analysis.proving.liveness import bits
from fsmflow.analysis.proving.packing import Move, Packing
from fsmflow.analysis.proving.potential import Potential, Term
from fsmflow.analysis.proving.rows import guarded_range

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
        scale: What makes all its amounts whole.
        start: The potential at the start, scaled.
        ways: For each state, its edges.
    """

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
        return cls(worth.scale, worth.at(packing.start), ways, worth)

    def at(self, place: int) -> int:
        """Give the potential of a configuration, scaled."""
        return self._worth.at(place)


@define
class _Worth:
    """What counters and states are worth, scaled."""

    packing: Packing
    scale: int
    terms: dict[int, list[tuple[Term, int]]]
    """By counter: its terms and their prices."""
    local: dict[int, dict[int, list[int]]]
    """By state and counter: the places, among the counter's terms, of those whose region it is in."""
    states: dict[int, int]
    """By state: what it is worth by itself, and with all counters that have no range there."""

    @classmethod
    def of(cls, packing: Packing, potential: Potential) -> _Worth:
        denominators = {term.price.denominator for term in potential.terms}
        scale = lcm(*denominators, *(worth.denominator for worth in potential.phi.values()))
        found = cls(packing, scale, {}, {}, {})
        for term in potential.terms:
            terms = found.terms.setdefault(term.counter, [])
            for state in term.region or ():
                found.local.setdefault(state, {}).setdefault(term.counter, []).append(len(terms))
            terms.append((term, int(term.price * scale)))
        found._add_states(potential)
        return found

    def at(self, place: int) -> int:
        """Give what a configuration is worth."""
        state = place & self.packing.state_mask
        return self.states[state] + sum(
            self.of_counter(state, counter, self.packing.value(place, counter))
            for counter in self.packing.ranges[state]
        )

    def of_counter(self, state: int, counter: int, value: int) -> int:
        """Give what a counter with `value` is worth in a state."""
        return sum(
            price * term.levels(value)
            for term, price in self.terms.get(counter, ())
            if term.region is None or state in term.region
        )

    def changed(self, edge: Edge) -> list[int]:
        """Give the counters with a range before or after an edge that it may make worth something else."""
        before, after = self.packing.ranges[edge.source], self.packing.ranges[edge.target]
        here, there = self.local.get(edge.source, {}), self.local.get(edge.target, {})
        touched = {*edge.increments, *edge.resets}
        return [
            counter
            for counter in sorted(before.keys() | after.keys())
            if counter in self.terms
            and (
                counter in touched
                or (counter in before) != (counter in after)
                or here.get(counter) != there.get(counter)
            )
        ]

    def _add_states(self, potential: Potential) -> None:
        """Add up each state from one before it, from which it differs in few counters."""
        machine, ranges, live = self.packing.machine, self.packing.ranges, self.packing.live
        priced = sum(1 << counter for counter in self.terms)
        totals = {machine.start: sum(self._fixed(machine.start, counter) for counter in self.terms)}
        queue = [machine.start]
        for state in queue:
            for move in self.packing.moves[state]:
                target = machine.edges[move.number].target
                if target in totals:
                    continue
                here, there = self.local.get(state, {}), self.local.get(target, {})
                differing = {c for c in here.keys() | there.keys() if here.get(c) != there.get(c)}
                differing.update(c for c in ranges[state].keys() ^ ranges[target].keys() if c in self.terms)
                differing.update(bits((live[state] ^ live[target]) & priced))
                totals[target] = totals[state] + sum(
                    self._fixed(target, counter) - self._fixed(state, counter) for counter in differing
                )
                queue.append(target)
        for state, total in totals.items():
            self.states[state] = total + int(potential.phi.get(state, 0) * self.scale)

    def _fixed(self, state: int, counter: int) -> int:
        """Give what a counter is worth where it has no range: at 0, or the least if it is not live."""
        if counter in self.packing.ranges[state]:
            return 0
        if self.packing.live[state] >> counter & 1:
            return self.of_counter(state, counter, 0)
        here = [(t, p) for t, p in self.terms[counter] if t.region is None or state in t.region]
        cap = self.packing.machine.caps[counter]
        ends = {0, cap, *(x for t, _ in here for x in (t.lo, t.hi, t.hi + 1) if 0 <= x <= cap)}
        return min(sum(price * term.levels(x) for term, price in here) for x in ends)


def _way(worth: _Worth, move: Move, weight: int) -> Way:
    packing = worth.packing
    edge = packing.machine.edges[move.number]
    source, target = edge.source, edge.target
    slack = worth.states[source] - worth.states[target] - weight * worth.scale
    levels: list[Levels] = []
    for counter in worth.changed(edge):
        least, most = packing.ranges[source].get(counter, (0, 0))
        lo, hi = guarded_range(packing.machine, edge, counter)
        values = range(max(least, lo), min(most, hi) + 1)
        before, after = counter in packing.ranges[source], counter in packing.ranges[target]
        drops = [
            (worth.of_counter(source, counter, value) if before else 0)
            - (worth.of_counter(target, counter, _next(edge, counter, value)) if after else 0)
            for value in values
        ]
        if min(drops) == max(drops):
            slack += drops[0]
        else:
            levels.append((*packing.fields[counter], (*[0] * values.start, *drops)))
    return move.tests, move.mask, move.more, slack, tuple(levels), move.number


def _next(edge: Edge, counter: int, value: int) -> int:
    return 0 if counter in edge.resets else value + (counter in edge.increments)
