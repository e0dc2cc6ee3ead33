"""The heaviest flow through a machine, by linear programming.

A run is a flow of one unit out of the start (Li and Malik, DAC 1995, for the time of programs), and the
rows of its counters hold it back. The dual of the heaviest flow prices the rows. It is all in floating
point: a guess, which `pricing` makes exact, so nothing here needs to be trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from fsmflow.analysis.graph import ahead, components
from fsmflow.analysis.proving.counter_machine import CounterMachine
from fsmflow.analysis.proving.rows import Incidence, Row

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDS = 20
"""How often rows are added for flows that the start does not lead to."""

_MOST_WORK = 300_000
"""How many edges are looked at for such rows; without the rest the flow is only bounded less closely."""

_NOTHING = 1e-6
"""What counts as no flow."""

_FREE = 1e-9
"""What counts as no price."""


@frozen
class Prices:
    """What the heaviest flow is held back by.

    Attributes:
        rows: What one more level of each row is worth, where that is anything.
        states: What it is worth to be in each state, beside that.
        value: What that flow weighs.
    """

    rows: Mapping[Row, float]
    states: Mapping[int, float]
    value: float


@define
class Program:
    """The linear program of a machine, for one set of weights after another.

    Attributes:
        machine: The machine.
        edges: The edges that may fire.
        first: The rows to begin with.
        incidence: Which of the edges change which rows.
    """

    machine: CounterMachine
    edges: Sequence[int]
    first: Sequence[Row]
    incidence: Incidence
    _rows: list[Row] = field(init=False, factory=list)
    _known: set[Row] = field(init=False, factory=set)
    _places: dict[int, int] = field(init=False)
    _states: list[int] = field(init=False)
    _solver: Any = field(init=False, default=None)
    _begun: int = field(init=False, default=0)
    """How many rows there are to begin with."""
    _work: int = field(init=False, default=0)
    """How many edges were looked at for rows that were added since."""

    def __attrs_post_init__(self) -> None:
        self._places = {number: place for place, number in enumerate(self.edges)}
        self._states = sorted(
            {self.machine.start}
            | {self.machine.edges[number].source for number in self.edges}
            | {self.machine.edges[number].target for number in self.edges}
        )

    def begin_again(self) -> None:
        """Forget what earlier weights have led to, so that what follows does not depend on them."""
        self._work = 0
        if self._solver is None:
            return
        self._solver.clearSolver()
        added = range(self._begun, len(self._rows))
        if added:
            import numpy as np

            lines = np.array([len(self._states) + place for place in added], dtype=np.int32)
            self._solver.deleteRows(len(lines), lines)
            self._known.difference_update(self._rows[self._begun :])
            del self._rows[self._begun :]

    def solve(self, weights: Sequence[float]) -> Prices | None:
        """Price the rows for the heaviest flow; None if the solver finds none.

        Args:
            weights: What each of the edges uses, in their order.
        """
        import numpy as np

        solver = self._loaded()
        count = len(self.edges)
        scale = max(weights)
        costs = np.array(weights, dtype=np.float64) / -scale
        solver.changeColsCost(count, np.arange(count, dtype=np.int32), costs)
        for _ in range(_ROUNDS):
            solver.run()
            if solver.modelStatusToString(solver.getModelStatus()) != "Optimal":
                return None
            solution = solver.getSolution()
            duals = np.array(solution.row_dual) * -scale
            rows = self._rows[:]
            if not self._cut(np.array(solution.col_value)):
                break
        of_states, of_rows = duals[: len(self._states)], duals[len(self._states) :]
        return Prices(
            rows={row: float(p) for row, p in zip(rows, of_rows, strict=True) if p > _FREE * scale},
            states={state: float(p) for state, p in zip(self._states, of_states, strict=True)},
            value=-solver.getInfo().objective_function_value * scale,
        )

    def _loaded(self) -> Any:
        """Give the solver with the rows that hold whatever is measured."""
        if self._solver is not None:
            return self._solver
        import highspy
        import numpy as np

        solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]  # it comes without types
        for option, value in (
            ("output_flag", False),
            ("log_to_console", False),
            ("threads", 1),
            ("parallel", "off"),
            ("random_seed", 0),
            ("solver", "simplex"),
        ):
            solver.setOptionValue(option, value)
        line = {state: place for place, state in enumerate(self._states)}
        count = len(self.edges)
        entries: list[list[tuple[int, int]]] = [[] for _ in self._states]
        for place, number in enumerate(self.edges):
            edge = self.machine.edges[number]
            if edge.source != edge.target:
                entries[line[edge.source]].append((place, 1))
                entries[line[edge.target]].append((place, -1))
        zeros, free = np.zeros(count), np.full(count, highspy.kHighsInf)
        none = np.zeros(0, dtype=np.int32)
        solver.addCols(count, zeros, zeros, free, 0, none, none, np.zeros(0))
        self._solver = solver
        self._add(entries, [int(state == self.machine.start) for state in self._states])
        self._extend(self.first)
        self._begun = len(self._rows)
        self._work = 0
        return solver

    def _extend(self, rows: Iterable[Row]) -> bool:
        """Add rows that are new and hold something back; tell whether there are any."""
        entries, limits = [], []
        for row in rows:
            if row in self._known:
                continue
            if self._begun and self._work > _MOST_WORK:
                break
            self._known.add(row)
            self._work += len(self.incidence.changing(row))
            taken = self.incidence.coefficients(row)
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
        seen = ahead([self.machine.start], targets)
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
