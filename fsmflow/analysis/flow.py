"""Bounds by linear programming: how often each edge can be taken at most, as a flow, and at what price.

A run is a flow of one unit out of the start (Li and Malik, DAC 1995, for the time of programs), and the
rows of its counters hold it back. The dual of the heaviest flow prices the rows; what comes out is made
exact by `pricing`, so nothing here needs to be trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from attrs import define, field

from fsmflow.analysis.counter_machine import METRICS, CounterMachine, Metric
from fsmflow.analysis.graph import components
from fsmflow.analysis.potential import Potential
from fsmflow.analysis.pricing import Pricing
from fsmflow.analysis.ranking import Ranking
from fsmflow.analysis.rows import Incidence, Row, first_rows

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDS = 20
"""How often rows are added for flows that the start does not lead to."""

_NOTHING = 1e-6
"""What counts as no flow."""


def bound(
    machine: CounterMachine,
    metric: Metric,
    edges: Iterable[int],
    ranking: Ranking,
    split: tuple[int, ...] = (),
) -> Potential:
    """Bound what a run uses of one metric.

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
    """The flows of a machine: what holds of every run, whatever is measured.

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
    _rows: list[Row] = field(init=False, factory=list)
    _known: set[Row] = field(init=False, factory=set)
    _incidence: Incidence = field(init=False)
    _pricing: Pricing = field(init=False)
    _places: dict[int, int] = field(init=False)
    _solver: Any = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._incidence = Incidence(self.machine, self.edges)
        self._pricing = Pricing(self.machine, self.edges, self.ranking, self._incidence)
        self._places = {number: place for place, number in enumerate(self.edges)}

    def bound(self, metric: Metric) -> Potential:
        """Bound what a run uses of one metric."""
        index = METRICS.index(metric)
        weights = [self.machine.edges[number].weights[index] for number in self.edges]
        if not any(weights):
            return Potential(metric, self.split, self.machine, {}, ())
        prices = self._prices(weights)
        return self._pricing.potential(metric, prices, self.split)

    def _prices(self, weights: Sequence[int]) -> dict[Row, float]:
        """Give what each row is worth in the heaviest flow, as far as numbers can tell."""
        import numpy as np

        solver = self._solver_of_rows()
        count = len(self.edges)
        scale = max(weights)
        costs = -np.array(weights, dtype=np.float64) / scale
        solver.changeColsCost(count, np.arange(count, dtype=np.int32), costs)
        prices: Vector = np.zeros(0)
        for _ in range(_ROUNDS):
            solver.run()
            if solver.modelStatusToString(solver.getModelStatus()) != "Optimal":
                return {}
            solution = solver.getSolution()
            prices = -np.array(solution.row_dual)[-len(self._rows) :] if self._rows else prices
            if not self._cut(np.array(solution.col_value)):
                break
        return {
            row: float(price) * scale for row, price in zip(self._rows, prices, strict=False) if price > 1e-9
        }

    def _solver_of_rows(self) -> Any:
        """Give the solver with the rows that hold whatever is measured."""
        if self._solver is not None:
            return self._solver
        import highspy
        import numpy as np

        solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in (
            ("output_flag", False),
            ("log_to_console", False),
            ("threads", 1),
            ("parallel", "off"),
            ("random_seed", 0),
            ("solver", "simplex"),
        ):
            solver.setOptionValue(option, value)
        states = sorted(
            {self.machine.start}
            | {self.machine.edges[n].source for n in self.edges}
            | {self.machine.edges[n].target for n in self.edges}
        )
        line = {state: place for place, state in enumerate(states)}
        count = len(self.edges)
        entries: list[list[tuple[int, int]]] = [[] for _ in states]
        for place, number in enumerate(self.edges):
            edge = self.machine.edges[number]
            if edge.source != edge.target:
                entries[line[edge.source]].append((place, 1))
                entries[line[edge.target]].append((place, -1))
        zeros, free = np.zeros(count), np.full(count, highspy.kHighsInf)
        none = np.zeros(0, dtype=np.int32)
        solver.addCols(count, zeros, zeros, free, 0, none, none, np.zeros(0))
        self._solver = solver
        self._add(entries, [int(state == self.machine.start) for state in states])
        self._extend(first_rows(self.machine, self.edges, self.ranking))
        return solver

    def _extend(self, rows: Iterable[Row]) -> bool:
        """Add rows that are new and hold something back; tell whether there are any."""
        entries, limits = [], []
        for row in rows:
            if row in self._known:
                continue
            self._known.add(row)
            taken = self._incidence.coefficients(row)
            if any(levels > 0 for _, levels in taken):
                self._rows.append(row)
                entries.append([(self._places[number], levels) for number, levels in taken])
                limits.append(row.at_start(self.machine))
        if entries:
            self._add(entries, limits)
        return bool(entries)

    def _add(self, entries: Sequence[Sequence[tuple[int, int]]], limits: Sequence[int]) -> None:
        """Add rows `entries · flow ≤ limit` to the solver."""
        import highspy
        import numpy as np

        lengths = np.array([len(line) for line in entries])
        starts = (np.cumsum(lengths) - lengths).astype(np.int32)
        flat = np.array([entry for line in entries for entry in line], dtype=np.int64).reshape(-1, 2)
        self._solver.addRows(
            len(entries),
            np.full(len(entries), -highspy.kHighsInf),
            np.array(limits, dtype=np.float64),
            len(flat),
            starts,
            flat[:, 0].astype(np.int32),
            flat[:, 1].astype(np.float64),
        )

    def _cut(self, flow: Vector) -> bool:
        """Add rows that hold back flows round in circles that the start does not lead to."""
        edges = self.machine.edges
        used = [number for number, amount in zip(self.edges, flow, strict=True) if amount > _NOTHING]
        targets: dict[int, list[int]] = {}
        for number in used:
            targets.setdefault(edges[number].source, []).append(edges[number].target)
        seen = {self.machine.start}
        pending = [self.machine.start]
        while pending:
            for target in targets.get(pending.pop(), ()):
                if target not in seen:
                    seen.add(target)
                    pending.append(target)
        apart = {state: ends for state, ends in targets.items() if state not in seen}
        parts = [frozenset(part) for part in components(sorted(apart), apart)]
        part_of = {state: place for place, part in enumerate(parts) for state in part}
        raised: dict[tuple[int, int], None] = {}
        for number in self.edges:
            edge = edges[number]
            part_number = part_of.get(edge.source)
            if part_number is not None and part_number == part_of.get(edge.target):
                raised.update(((part_number, counter), None) for counter in edge.increments)
        return self._extend(
            Row("ahead", counter, 0, self.machine.caps[counter] - 1, parts[part_number])
            for part_number, counter in raised
        )
