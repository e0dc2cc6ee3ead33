"""The most that a run uses, exactly: the shortest path by what each edge leaves of the potential.

The slack of an edge is what the potential drops by beyond what the edge uses. The run with the least
slack in all is the heaviest, so Dijkstra's search (Numer. Math. 1, 1959) meets it first, however long it
is (Johnson's reweighting, J. ACM 24, 1977); where the slack is 0 it goes depth first. What it has not yet
looked at bounds all runs at every moment.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from math import floor, gcd

from attrs import define, field, frozen

from fsmflow.analysis.proving.counter_machine import METRICS
from fsmflow.analysis.proving.packing import Packing
from fsmflow.analysis.proving.potential import Potential
from fsmflow.analysis.proving.slack import Slack, Way

_DIVE = 20
"""How many times its limit of configurations a single dive may be long."""

_ASKED = 1_024
"""After how many configurations the deadline is asked for."""

MOST_LOAD = 1_000_000
"""How many live counters there may be before and after edges, all together, in a machine that is searched."""


def never() -> bool:
    """Tell that time is not up."""
    return False


@frozen
class Maximum:
    """The most that a run uses, or between what it lies.

    Attributes:
        lower: What the run along `path` uses.
        upper: What no run passes.
        path: The edges of the heaviest run that was found.
        configurations: How many configurations were looked at.
    """

    lower: int
    upper: int
    path: tuple[int, ...]
    configurations: int

    @property
    def value(self) -> int | None:
        """The most that a run uses, if that is known exactly."""
        return self.upper if self.lower == self.upper else None


def maximum(potential: Potential, *, most: int, deadline: Callable[[], bool] = never) -> Maximum:
    """Search for the heaviest run of the machine that a potential speaks of.

    Args:
        potential: A bound.
        most: How many configurations to look at.
        deadline: Tells whether time is up.
    """
    packing = Packing.of(potential.machine)
    if packing.load > MOST_LOAD:
        return Maximum(0, floor(potential.bound), (), 0)
    return _Search(potential, Slack.of(packing, potential), packing, most, deadline).run()


@define
class _Search:
    """The search of one machine under one potential. Amounts are multiples of what the slack is scaled by."""

    potential: Potential
    slack: Slack
    packing: Packing
    most: int
    deadline: Callable[[], bool]
    grain: int = 1
    """What all weights are multiples of."""
    path: list[int] = field(factory=list)
    lower: int = 0
    cutoff: int = 0
    """The greatest slack of a run that is heavier than the heaviest known."""
    places: list[int] = field(factory=list)
    parents: list[int] = field(factory=list)
    numbers: list[int] = field(factory=list)

    def run(self) -> Maximum:
        index = METRICS.index(self.potential.metric)
        edges = self.packing.machine.edges
        weights = (edges[move.number].weights[index] for moves in self.packing.moves for move in moves)
        self.grain = gcd(*weights) or 1
        self.cutoff = self._cutoff()
        self._dive(self.packing.start, 0, -1)
        slack = self._search() if self.cutoff >= 0 else 0
        return Maximum(self.lower, max(self.lower, self._upper(slack)), tuple(self.path), len(self.places))

    def _cutoff(self) -> int:
        return self.slack.start - (self.lower + self.grain) * self.slack.scale

    def _upper(self, slack: int) -> int:
        """Give what no run with so much slack passes."""
        return (self.slack.start - slack) // (self.slack.scale * self.grain) * self.grain

    def _search(self) -> int:
        """Look for heavier runs; give the least slack of those that it did not look for."""
        buckets: dict[int, list[tuple[int, int, int]]] = {0: [(self.packing.start, -1, -1)]}
        slacks = [0]
        seen: set[int] = set()
        ways, state_mask = self.slack.ways, self.packing.state_mask
        places, parents, numbers = self.places, self.parents, self.numbers
        while slacks and slacks[0] <= self.cutoff:
            slack = slacks[0]
            pending = buckets[slack]
            while pending:
                place, parent, number = pending.pop()
                if place in seen:
                    continue
                index = len(places)
                if index >= self.most or (index % _ASKED == 0 and self.deadline()):
                    return slack
                seen.add(place)
                places.append(place)
                parents.append(parent)
                numbers.append(number)
                if index and index & (index - 1) == 0:
                    self._dive(place, slack, index)
                    if slack > self.cutoff:
                        return slack
                is_end = True
                for tests, mask, more, drop, levels, edge in ways[place & state_mask]:
                    for shift, size, lo, hi in tests:
                        if not lo <= place >> shift & size <= hi:
                            break
                    else:
                        is_end = False
                        for shift, size, table in levels:
                            drop += table[place >> shift & size]
                        following = (place & mask) + more
                        if following in seen:
                            continue
                        if not drop:
                            pending.append((following, index, edge))
                        elif slack + drop <= self.cutoff:
                            if slack + drop not in buckets:
                                buckets[slack + drop] = []
                                heappush(slacks, slack + drop)
                            buckets[slack + drop].append((following, index, edge))
                if is_end:
                    self._note(place, slack, index, [])
                    if slack > self.cutoff:
                        return slack
            del buckets[slack]
            heappop(slacks)
        return self.cutoff + 1

    def _dive(self, place: int, slack: int, index: int) -> None:
        """Follow the least slack from a configuration until the run ends, or cannot be heavier."""
        ways, state_mask = self.slack.ways, self.packing.state_mask
        tail: list[int] = []
        for _ in range(_DIVE * self.most):
            least = -1
            best: Way | None = None
            for way in reversed(ways[place & state_mask]):
                for shift, size, lo, hi in way[0]:
                    if not lo <= place >> shift & size <= hi:
                        break
                else:
                    drop = way[3]
                    for shift, size, table in way[4]:
                        drop += table[place >> shift & size]
                    if best is None or drop < least:
                        best, least = way, drop
                        if not drop:
                            break
            if best is None:
                break
            place = (place & best[1]) + best[2]
            slack += least
            if slack > self.cutoff:
                return
            tail.append(best[5])
        self._note(place, slack, index, tail)

    def _note(self, place: int, slack: int, index: int, tail: list[int]) -> None:
        """Remember a run that comes to `place`, if it is the heaviest so far."""
        left = self.slack.start - slack - self.slack.at(place)
        value, rest = divmod(left, self.slack.scale)
        assert not rest
        if value <= self.lower and self.path:
            return
        if value >= self.lower:
            path = []
            while index >= 0 and self.parents[index] >= 0:
                path.append(self.numbers[index])
                index = self.parents[index]
            self.path = path[::-1] + tail
            self.lower = value
            self.cutoff = self._cutoff()
