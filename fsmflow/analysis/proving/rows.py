"""Inequalities that every run keeps: how often edges are taken, for each window of a counter.

A window of levels `lo … hi` of a counter, counted while a run is inside a region, is a part of a
potential that starts at some value and never falls below 0. So what the edges of a run take from it adds
up to no more than it starts with. Each such row, with a price, is a term of a `Potential`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from attrs import define, field, frozen

from fsmflow.analysis.graph import ahead
from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge
from fsmflow.analysis.proving.potential import Side, Term, levels
from fsmflow.analysis.proving.ranking import Ranking

_MANY_STATES = 400
"""Past so many states, there are no rows for edges that can be taken only once."""


@frozen(cache_hash=True)
class Row:
    """A term whose price is not known yet.

    Attributes:
        kind: As of a `Term`.
        counter: As of a `Term`.
        lo: As of a `Term`.
        hi: As of a `Term`.
        region: As of a `Term`.
    """

    kind: Side
    counter: int
    lo: int
    hi: int
    region: frozenset[int] | None

    def holds_at(self, state: int) -> bool:
        """Tell whether the row counts in a state."""
        return self.region is None or state in self.region

    def levels(self, value: int) -> int:
        """Give how many levels count where the counter has `value`."""
        return levels(self.kind, self.lo, self.hi, value)

    def at_start(self, machine: CounterMachine) -> int:
        """Give how many levels count at the start of a run."""
        return self.levels(0) if self.holds_at(machine.start) else 0

    def priced(self, price: Fraction) -> Term:
        """Give the term."""
        return Term(self.kind, self.counter, self.lo, self.hi, self.region, price)


def taken(
    machine: CounterMachine, rows: Sequence[Row], edge: Edge, counter: int
) -> tuple[tuple[int, ...], ...]:
    """Give by how many levels an edge lowers each of some rows of a counter, which its value decides.

    What lies between two of the combinations that are given is a mix of them.
    """
    windows = tuple(
        (row.kind, row.lo, row.hi, row.holds_at(edge.source), row.holds_at(edge.target)) for row in rows
    )
    least, most = guarded_range(machine, edge, counter)
    return _taken(windows, counter in edge.increments, counter in edge.resets, least, most)


@lru_cache(maxsize=100_000)
def _taken(
    windows: tuple[tuple[Side, int, int, bool, bool], ...],
    increments: bool,
    resets: bool,
    least: int,
    most: int,
) -> tuple[tuple[int, ...], ...]:
    """Evaluate the rows wherever one of them bends: they are straight in between."""
    values = {least, most}
    for _, lo, hi, _, _ in windows:
        values.update(value for value in (lo - 1, lo, hi, hi + 1) if least < value < most)
    combinations: dict[tuple[int, ...], None] = {}
    for value in sorted(values):
        after = 0 if resets else value + increments
        combination = tuple(
            (levels(kind, lo, hi, value) if here else 0) - (levels(kind, lo, hi, after) if there else 0)
            for kind, lo, hi, here, there in windows
        )
        combinations[combination] = None
    return tuple(combinations)


def guarded_range(machine: CounterMachine, edge: Edge, counter: int) -> tuple[int, int]:
    """Give the least and the greatest value of a counter that the guards of an edge allow."""
    for guarded, lo, hi in edge.guards:
        if guarded == counter:
            return max(0, lo), min(hi, machine.caps[counter])
    return 0, machine.caps[counter]


@define
class Incidence:
    """Which edges can change which rows.

    Attributes:
        machine: The machine.
        edges: The edges that count.
        touching: For each counter, the edges that add to it or set it back.
        around: For each state, the edges that enter or leave it.
        borders: For each region, the edges that enter or leave it, as they are asked for.
        changes: For each row, the edges that may change it, as they are asked for.
        least: For each row, the edges that surely change it, with the least that each takes, likewise.
    """

    machine: CounterMachine
    edges: Sequence[int]
    touching: dict[int, list[int]] = field(init=False, factory=dict)
    around: dict[int, list[int]] = field(init=False, factory=dict)
    borders: dict[frozenset[int], list[int]] = field(init=False, factory=dict)
    changes: dict[Row, list[int]] = field(init=False, factory=dict)
    least: dict[Row, list[tuple[int, int]]] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        for number in self.edges:
            edge = self.machine.edges[number]
            for counter in {*edge.increments, *edge.resets}:
                self.touching.setdefault(counter, []).append(number)
            if edge.source != edge.target:
                self.around.setdefault(edge.source, []).append(number)
                self.around.setdefault(edge.target, []).append(number)

    def border(self, region: frozenset[int]) -> list[int]:
        """Give the edges that enter or leave a region, ascending."""
        if region not in self.borders:
            edges = self.machine.edges
            self.borders[region] = sorted(
                {
                    number
                    for state in region
                    for number in self.around.get(state, ())
                    if edges[number].source not in region or edges[number].target not in region
                }
            )
        return self.borders[region]

    def changing(self, row: Row) -> list[int]:
        """Give the edges that may change a row, ascending."""
        if row not in self.changes:
            found = self.touching.get(row.counter, [])
            if row.region is not None:
                inside = (n for n in found if self.machine.edges[n].source in row.region)
                found = sorted({*inside, *self.border(row.region)})
            self.changes[row] = found
        return self.changes[row]

    def coefficients(self, row: Row) -> list[tuple[int, int]]:
        """Give each edge that surely changes a row, with the least that it takes from it."""
        if row not in self.least:
            self.least[row] = list(self._coefficients(row))
        return self.least[row]

    def _coefficients(self, row: Row) -> Iterator[tuple[int, int]]:
        known: dict[tuple[bool, bool, bool, bool, int, int], int] = {}
        for number in self.changing(row):
            edge = self.machine.edges[number]
            here, there = row.holds_at(edge.source), row.holds_at(edge.target)
            increments, resets = row.counter in edge.increments, row.counter in edge.resets
            alike = (here, there, increments, resets, *guarded_range(self.machine, edge, row.counter))
            least = known.get(alike)
            if least is None:
                window = (row.kind, row.lo, row.hi, here, there)
                least = known[alike] = min(each for (each,) in _taken((window,), *alike[2:]))
            if least:
                yield number, least


def first_rows(
    machine: CounterMachine, edges: Sequence[int], ranking: Ranking, *, once: bool = True
) -> list[Row]:
    """Give the rows to begin with.

    Every counter that runs out in a region has one there, for each window in which some edge raises it;
    every counter has one everywhere; and an edge that needs a counter to have been raised has one for that.

    Args:
        machine: The machine.
        edges: The edges that may fire.
        ranking: Why every run ends.
        once: Whether to look for edges that can be taken only once.
    """
    windows = _windows(machine, edges)
    rows: dict[Row, None] = {}
    for states, counters, _ in ranking.components:
        for counter in sorted(counters):
            for lo, hi in windows.get(counter, ()):
                rows[Row("ahead", counter, lo, hi, states)] = None
    for counter, found in windows.items():
        for lo, hi in found:
            rows[Row("ahead", counter, lo, hi, None)] = None
    for number in edges:
        edge = machine.edges[number]
        for counter, lo, _ in edge.guards:
            if lo > 0 and counter in edge.resets and counter in windows:
                rows[Row("behind", counter, 0, lo, None)] = None
                if len(windows[counter]) > 1:
                    for level, most in windows[counter]:
                        if level == most < lo:
                            rows[Row("behind", counter, level, level + 1, None)] = None
    if once:
        rows.update(dict.fromkeys(_once(machine, edges, windows.keys())))
    return list(rows)


def _windows(machine: CounterMachine, edges: Sequence[int]) -> dict[int, list[tuple[int, int]]]:
    """Give the windows in which edges raise each counter, and all its levels together if those overlap."""
    found: dict[int, set[tuple[int, int]]] = {}
    for number in edges:
        edge = machine.edges[number]
        for counter in edge.increments:
            found.setdefault(counter, set()).add(guarded_range(machine, edge, counter))
    windows = {counter: sorted(each) for counter, each in sorted(found.items())}
    for counter, each in windows.items():
        if any(lo <= hi for (_, hi), (lo, _) in pairwise(each)):
            each.append((0, machine.caps[counter] - 1))
    return windows


def _once(machine: CounterMachine, edges: Sequence[int], raised: Iterable[int]) -> list[Row]:
    """Give the rows of edges that are taken at most once, and need a counter to have been raised."""
    states = {machine.start}
    targets: dict[int, set[int]] = {}
    for number in edges:
        edge = machine.edges[number]
        states |= {edge.source, edge.target}
        targets.setdefault(edge.source, set()).add(edge.target)
    if len(states) > _MANY_STATES:
        return []
    raised = frozenset(raised)
    behind: dict[int, frozenset[int]] = {}
    found = []
    for number in edges:
        edge = machine.edges[number]
        for counter, lo, _ in edge.guards:
            if lo > 0 and counter not in edge.resets and counter in raised:
                if edge.target not in behind:
                    onward = ahead([edge.target], targets)
                    behind[edge.target] = frozenset(states - onward)
                if edge.source in behind[edge.target]:
                    found.append(Row("behind", counter, 0, lo, behind[edge.target]))
    return found
