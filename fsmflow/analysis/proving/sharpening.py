"""Potentials that prove what a search found, by unrolling a counter or more.

A potential is linear in each window of each counter; where that is too coarse, the exact values of a
few counters, made part of the states, let it tell apart what it could not.
"""

from __future__ import annotations

from math import floor

from fsmflow.analysis.proving.bounds import Bound
from fsmflow.analysis.proving.counter_machine import CounterMachine, Metric
from fsmflow.analysis.proving.flow import bound as bounded
from fsmflow.analysis.proving.potential import Potential
from fsmflow.analysis.proving.ranking import Stuck, edges_ahead, rank
from fsmflow.analysis.proving.unrolling import unroll

MOST_UNROLLED = 300
"""How many states an unrolled machine may have."""

MOST_STATES = 1_500
"""How many states all the unrolled machines of one bound may have together."""

MOST_SPLIT = 3
"""How many counters are unrolled."""


def sharpened(counting: CounterMachine, bound: Bound) -> Potential | None:
    """Give a potential that proves a bound, or comes nearer to it than the one it came with.

    Args:
        counting: The counter machine.
        bound: A bound whose potential may be above its upper value.
    """
    best = bound.potential
    if best is None or bound.upper is None or (bound.budget is not None and bound.budget <= bound.upper):
        return best
    split: tuple[int, ...] = ()
    room = MOST_STATES
    while floor(best.bound) > bound.upper and len(split) < MOST_SPLIT:
        better = best
        for counter in range(len(counting.caps)):
            if counter in split or room <= 0:
                continue
            found = _unrolled(counting, bound.metric, (*split, counter))
            room -= MOST_UNROLLED if found is None else len(found.machine.states)
            if found is not None and found.bound < better.bound:
                better = found
        if better.bound >= best.bound:
            break
        best, split = better, better.split
    return best


def _unrolled(counting: CounterMachine, metric: Metric, split: tuple[int, ...]) -> Potential | None:
    machine = unroll(counting, split, limit=MOST_UNROLLED)
    if machine is None:
        return None
    ranking = rank(machine)
    if isinstance(ranking, Stuck):
        return None
    return bounded(machine, metric, edges_ahead(machine), ranking, split=split)
