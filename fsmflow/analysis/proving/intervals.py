"""Which edges can ever fire: the ranges that counters can have where they still matter.

Interval analysis (Cousot and Cousot, POPL 1977) of the counters that are live, with the constants of
the guards as thresholds for widening.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from heapq import heappop, heappush

from attrs import define, field, frozen

from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge
from fsmflow.analysis.proving.liveness import live_masks, onward
from fsmflow.analysis.proving.ranking import edges_ahead

Range = tuple[int, int]
"""The least and the greatest value of a counter."""

_ZERO: Range = (0, 0)

MOST_WORK = 2_000_000
"""How many ranges are looked at, all edges together, before giving up."""

_PATIENCE = 4
"""How often a range may grow by itself before it is widened to the next constant of a guard."""


@frozen
class Invariant:
    """What holds whenever a state is entered, and so which edges may fire.

    Attributes:
        ranges: For each state that may be entered, the ranges of the counters that keep some edge from
            firing, as far as they are live there. Any other counter may have any value.
        edges: The edges that may fire, ascending.
    """

    ranges: Mapping[int, Mapping[int, Range]]
    edges: tuple[int, ...]

    @classmethod
    def of(cls, machine: CounterMachine) -> Invariant:
        """Find the invariant of a machine."""
        reached = reach(machine)
        entered, fired = reached.ranges, reached.fired
        telling = {
            counter
            for state in entered
            for number in machine.outgoing[state]
            if number not in fired
            for counter, _, _ in machine.edges[number].guards
        }
        ranges = {
            state: {c: entered[state].get(c, _ZERO) for c in sorted(telling) if reached.live[state] >> c & 1}
            for state in sorted(entered)
        }
        return cls(ranges, tuple(sorted(fired)))


@frozen
class Reached:
    """What interval analysis finds.

    Attributes:
        ranges: For each state that may be entered, the ranges of the counters that are live there and may
            be other than 0.
        fired: The edges that may fire.
        live: For each state, the counters that are live, as bits of a number.
    """

    ranges: Mapping[int, Mapping[int, Range]]
    fired: frozenset[int]
    live: list[int]


def reach(machine: CounterMachine) -> Reached:
    """Find the states that may be entered, with the ranges of their counters.

    Where many loops lie in one another that takes long; past `MOST_WORK` every range is all there is.
    """
    search = _Search(machine, live_masks(machine))
    if not search.run():
        ahead = edges_ahead(machine)
        entered = {machine.start, *(machine.edges[number].target for number in ahead)}
        everything = [(0, cap) for cap in machine.caps]
        ranges = {
            state: {c: whole for c, whole in enumerate(everything) if search.live[state] >> c & 1}
            for state in sorted(entered)
        }
        return Reached(ranges, frozenset(ahead), search.live)
    return Reached(search.ranges, frozenset(search.fired), search.live)


@define
class _Search:
    """The search for the least ranges that hold."""

    machine: CounterMachine
    live: list[int]
    ranges: dict[int, dict[int, Range]] = field(factory=dict)
    """By state entered: the live counters that may be other than 0."""
    fired: set[int] = field(factory=set)
    growth: dict[tuple[int, int], int] = field(factory=dict)
    constants: list[list[int]] = field(factory=list)
    work: int = 0
    asked: dict[int, dict[int, bool]] = field(factory=dict)
    """By state and counter: whether it is live, as far as that has been asked."""

    def run(self) -> bool:
        """Fill `ranges` and `fired`; tell whether that was done within the work allowed."""
        machine = self.machine
        constants = [{0, cap} for cap in machine.caps]
        for edge in machine.edges:
            for counter, lo, hi in edge.guards:
                constants[counter].update(x for x in (lo, hi, hi + 1) if x <= machine.caps[counter])
        self.constants = [sorted(found) for found in constants]
        place = {state: number for number, state in enumerate(onward(machine))}
        self.ranges = {machine.start: {}}
        pending = [(place[machine.start], machine.start)]
        waiting = {machine.start}
        while pending:
            state = heappop(pending)[1]
            waiting.discard(state)
            for number in machine.outgoing[state]:
                edge = machine.edges[number]
                if self._fire(number, edge) and edge.target not in waiting:
                    waiting.add(edge.target)
                    heappush(pending, (place[edge.target], edge.target))
                self.work += len(self.ranges[state])
            if self.work > MOST_WORK:
                return False
        return True

    def _fire(self, number: int, edge: Edge) -> bool:
        """Take an edge, if it may fire, from all that is known of its source; tell whether that is news."""
        before = self.ranges[edge.source]
        narrowed: dict[int, Range] = {}
        for counter, lo, hi in edge.guards:
            least, most = self._range(edge.source, counter, before)
            least, most = max(least, lo), min(most, hi)
            if least > most:
                return False
            narrowed[counter] = (least, most)
        self.fired.add(number)
        after: dict[int, Range] = {}
        for counter in before.keys() | narrowed.keys() | set(edge.increments):
            if counter in edge.resets or not self._is_live(edge.target, counter):
                continue
            least, most = narrowed.get(counter) or self._range(edge.source, counter, before)
            more = counter in edge.increments
            if most + more:
                after[counter] = (least + more, most + more)
        known = self.ranges.get(edge.target)
        if known is None:
            self.ranges[edge.target] = after
            return True
        if known == after:
            return False
        return self._join(edge.target, known, after)

    def _range(self, state: int, counter: int, known: Mapping[int, Range]) -> Range:
        if counter in known:
            return known[counter]
        return _ZERO if self._is_live(state, counter) else (0, self.machine.caps[counter])

    def _is_live(self, state: int, counter: int) -> bool:
        asked = self.asked.setdefault(state, {})
        found = asked.get(counter)
        if found is None:
            found = asked[counter] = bool(self.live[state] >> counter & 1)
        return found

    def _join(self, state: int, known: dict[int, Range], more: Mapping[int, Range]) -> bool:
        """Make the ranges of a state hold what `more` says too; tell whether they have grown."""
        grown = False
        for counter in known.keys() | more.keys():
            old = known.get(counter, _ZERO)
            new = more.get(counter, _ZERO)
            least, most = min(old[0], new[0]), max(old[1], new[1])
            if (least, most) == old:
                continue
            grown = True
            times = self.growth[state, counter] = self.growth.get((state, counter), 0) + 1
            if times > _PATIENCE:
                constants = self.constants[counter]
                if least < old[0]:
                    least = constants[bisect_right(constants, least) - 1]
                if most > old[1]:
                    most = constants[bisect_left(constants, most)]
            known[counter] = (least, most)
        return grown
