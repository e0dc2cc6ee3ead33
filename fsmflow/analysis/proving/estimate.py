"""No less than a run can use, told at once: for machines that are too large to be bounded well.

Each region that a run may go round in (see `ranking`) is left after as many turns as its counters count,
and one more; on each of them all that lies inside of it is passed once at most.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define

from fsmflow.analysis.proving.counter_machine import CounterMachine
from fsmflow.analysis.proving.ranking import Ranking


@define
class _Passed:
    """What is passed in a region: all of it together, and the cheapest way out of a part of it."""

    all: int = 0
    least: int | None = None

    def add(self, inside: int, out: int) -> None:
        self.all += inside + out
        self.least = out if self.least is None else min(self.least, out)


def estimate(machine: CounterMachine, weights: Mapping[int, int], ranking: Ranking) -> int:
    """Give a weight that no run passes; mostly one that none comes near.

    Args:
        machine: The machine.
        weights: The edges that may be taken, by number, and what each weighs.
        ranking: Why every run along them ends.
    """
    dearest = [0] * len(machine.states)
    for number, weight in weights.items():
        source = machine.edges[number].source
        dearest[source] = max(dearest[source], weight)
    passed = {-1: _Passed()} | {number: _Passed() for number in range(len(ranking.components))}
    around = dict.fromkeys(passed, -1)
    for state, rank in ranking.rank.items():
        regions = (-1, *rank[1::2])
        around.update(zip(regions[1:], regions, strict=False))
        passed[regions[-1]].add(0, dearest[state])
    # What lies inside of a region comes after it.
    for number, (states, counters, _) in reversed(list(enumerate(ranking.components))):
        turns = sum(machine.caps[counter] for counter in counters)
        out = max(dearest[state] for state in states)
        found = passed[number]
        # The last part of each turn is left by what ends the turn.
        inside = turns * out + (turns + 1) * (found.all - (found.least or 0))
        passed[around[number]].add(inside, out)
    return passed[-1].all
