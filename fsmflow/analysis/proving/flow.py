"""Bounds of what runs use: priced by linear programming, and then made exact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from attrs import define, field

from fsmflow.analysis.proving.composing import Composition
from fsmflow.analysis.proving.counter_machine import METRICS, CounterMachine, Metric
from fsmflow.analysis.proving.potential import Potential
from fsmflow.analysis.proving.pricing import Pricing
from fsmflow.analysis.proving.program import Program
from fsmflow.analysis.proving.ranking import Ranking
from fsmflow.analysis.proving.rows import Incidence, Row, first_rows

_LARGE = 2_000
"""From so many edges on, a machine is priced component by component, if its counters allow that."""


def bound(
    machine: CounterMachine,
    metric: Metric,
    edges: Iterable[int],
    ranking: Ranking,
    split: tuple[int, ...] = (),
) -> Potential:
    """Bound what a run uses of one metric; for more than one, a `Relaxation` is faster.

    Args:
        machine: The machine.
        metric: What is bounded.
        edges: The edges that may fire.
        ranking: Why every run ends.
        split: The counters that were unrolled to make `machine`, by number in the machine before.
    """
    return Relaxation(machine, tuple(edges), ranking, split).bound(metric)


@define
class Relaxation:
    """What holds of every run of a machine, whatever is measured.

    Attributes:
        machine: The machine.
        edges: The edges that may fire.
        ranking: Why every run ends.
        split: The counters that were unrolled to make `machine`, by number in the machine before.
    """

    machine: CounterMachine
    edges: tuple[int, ...]
    ranking: Ranking
    split: tuple[int, ...] = ()
    _pricing: Pricing = field(init=False)
    _composition: Composition | None = field(init=False, default=None)
    _program: Program | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        incidence = Incidence(self.machine, self.edges)
        self._pricing = Pricing(self.machine, self.edges, self.ranking, incidence)
        if len(self.edges) >= _LARGE:
            self._composition = Composition.of(self.machine, self.edges, self.ranking)

    def bound(self, metric: Metric) -> Potential:
        """Bound what a run uses of one metric; the order in which metrics are asked for has no effect."""
        index = METRICS.index(metric)
        weights = [self.machine.edges[number].weights[index] for number in self.edges]
        if not any(weights):
            return Potential(metric, self.split, self.machine, {}, ())
        rows, value = self._prices(weights)
        return self._pricing.potential(metric, rows, self.split, value=value)

    def _prices(self, weights: Sequence[int]) -> tuple[Mapping[Row, float], float]:
        """Price rows; give the bound to expect, too."""
        if self._composition is not None:
            return self._composition.prices(dict(zip(self.edges, weights, strict=True)))
        if self._program is None:
            rows = first_rows(self.machine, self.edges, self.ranking)
            self._program = Program(self.machine, self.edges, rows, self._pricing.incidence)
        self._program.begin_again()
        found = self._program.solve(weights)
        return ({}, 0.0) if found is None else (found.rows, found.value)
