"""Potentials: what a run can still use at most, as a function of where it stands.

A potential Φ(state, counters) that never drops by less than an edge uses bounds every run from its
start: what the edges use adds up to no more than Φ there (telescoping; the potential method of
Tarjan, "Amortized computational complexity", SIAM J. Alg. Disc. Meth. 6, 1985).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property
from typing import Literal

from attrs import define, frozen

from fsmflow.analysis.proving.counter_machine import CounterMachine, Metric, Valuation

Side = Literal["ahead", "behind"]


@frozen
class Term:
    """A price for each level of one counter's window `lo … hi`, in the states of a region.

    Attributes:
        kind: `ahead` counts the levels from `lo` to `hi` at which the counter can still go up;
            `behind` counts the levels between `lo` and `hi` that it has climbed.
        counter: The counter.
        lo: The least level of the window.
        hi: The greatest.
        region: The states where it counts; None for all.
        price: What each level is worth, in the unit of the metric; not negative.
    """

    kind: Side
    counter: int
    lo: int
    hi: int
    region: frozenset[int] | None
    price: Fraction

    def levels(self, value: int) -> int:
        """Give how many levels count where the counter has `value`."""
        return levels(self.kind, self.lo, self.hi, value)


def levels(kind: Side, lo: int, hi: int, value: int) -> int:
    """Give how many levels of a window count where its counter has `value`."""
    if kind == "ahead":
        return max(0, min(hi - lo + 1, hi + 1 - value))
    return max(0, min(hi - lo, value - lo))


@define(frozen=True, slots=False)
class Potential:
    """A bound on one metric, for every run from every reachable place.

    Attributes:
        metric: What is bounded.
        split: The counters that were unrolled first, by number in the machine before it.
        machine: The machine whose states `phi` and the terms speak of: unrolled, if `split` is not empty.
        phi: What each state is worth by itself; 0 where it is missing.
        terms: What counters are worth.
    """

    metric: Metric
    split: tuple[int, ...]
    machine: CounterMachine
    phi: Mapping[int, Fraction]
    terms: tuple[Term, ...]

    @cached_property
    def bound(self) -> Fraction:
        """Give the bound of every run from the start."""
        return self.at(self.machine.start, (0,) * len(self.machine.caps))

    def at(self, state: int, values: Valuation) -> Fraction:
        """Give the most that a run uses from `state` on, where the counters have `values`."""
        worth = self.phi.get(state, Fraction(0))
        for term in self.terms:
            if term.region is None or state in term.region:
                worth += term.price * term.levels(values[term.counter])
        return worth
