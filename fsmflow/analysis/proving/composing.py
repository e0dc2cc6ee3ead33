"""Prices of a large machine, component by component.

A run enters each strongly connected component at most once, so from the last to the first each can be
priced by itself, once it is known what leaving it is worth. Components of the same shape share one
program. That gives up what ties components together, so it serves only where no counter goes up in two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define, evolve, field, frozen

from fsmflow.analysis.graph import components
from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge
from fsmflow.analysis.proving.program import Program
from fsmflow.analysis.proving.ranking import Ranking
from fsmflow.analysis.proving.rows import Incidence, Row, first_rows

_NO_WEIGHTS = (0, 0, 0, 0, 0, 0)


@frozen
class Part:
    """A component, as a small machine with numbers of its own.

    Its last state stands for all that comes after it. If runs can enter it in several states, its last
    but one stands before those.

    Attributes:
        states: The states, by their own numbers.
        counters: The counters, by their own numbers.
        edges: The edges, by their own numbers; None for those that stand for ways in.
        entries: The states where runs enter, by number in the machine.
        program: The program of all components of its shape.
    """

    states: tuple[int, ...]
    counters: tuple[int, ...]
    edges: tuple[int | None, ...]
    entries: tuple[int, ...]
    program: Program


@define
class Composition:
    """The components of a machine, last ones first.

    Attributes:
        machine: The machine.
        parts: For each component its part, or its one state if no edge stays in it.
        outgoing: The edges that may fire, by the state that they leave.
    """

    machine: CounterMachine
    parts: Sequence[Part | int]
    outgoing: Mapping[int, Sequence[int]]

    @classmethod
    def of(cls, machine: CounterMachine, edges: Sequence[int], ranking: Ranking) -> Composition | None:
        """Take a machine apart; None if some counter ties components together."""
        outgoing: dict[int, list[int]] = {}
        targets: dict[int, list[int]] = {machine.start: []}
        for number in edges:
            edge = machine.edges[number]
            outgoing.setdefault(edge.source, []).append(number)
            targets.setdefault(edge.source, []).append(edge.target)
        groups = components(targets, targets)
        group_of = {state: place for place, group in enumerate(groups) for state in group}
        entries: dict[int, dict[int, None]] = {group_of[machine.start]: {machine.start: None}}
        home: dict[int, int] = {}
        for number in edges:
            edge = machine.edges[number]
            source, target = group_of[edge.source], group_of[edge.target]
            if source != target:
                entries.setdefault(target, {})[edge.target] = None
            for counter in edge.increments:
                if home.setdefault(counter, source) != source or source != target:
                    return None
        regions: dict[int, list[tuple[frozenset[int], frozenset[int], int]]] = {}
        for component in ranking.components:
            regions.setdefault(group_of[min(component[0])], []).append(component)
        cutter = _Cutter(machine, outgoing)
        parts = [
            cutter.part(group, tuple(sorted(entries[place])), regions[place])
            if place in regions
            else group[0]
            for place, group in enumerate(groups)
        ]
        return cls(machine, parts, outgoing)

    def prices(self, weights: Mapping[int, int]) -> tuple[Mapping[Row, float], float]:
        """Price the rows of all components; give what it is worth to start, too.

        Args:
            weights: What each edge uses.
        """
        for program in {id(p.program): p.program for p in self.parts if isinstance(p, Part)}.values():
            program.begin_again()
        prices: dict[Row, float] = {}
        entering: dict[int, float] = {}
        for part in self.parts:
            if isinstance(part, int):
                ahead = (
                    weights[n] + entering[self.machine.edges[n].target] for n in self.outgoing.get(part, ())
                )
                entering[part] = max(ahead, default=0.0)
            else:
                self._price(part, weights, prices, entering)
        return prices, entering[self.machine.start]

    def _price(
        self,
        part: Part,
        weights: Mapping[int, int],
        prices: dict[Row, float],
        entering: dict[int, float],
    ) -> None:
        """Price one component, and say what it is worth to enter it."""
        inside = frozenset(part.states)
        amounts = []
        for number in part.edges:
            if number is None:
                amounts.append(0.0)
            else:
                target = self.machine.edges[number].target
                amounts.append(weights[number] + (0.0 if target in inside else entering[target]))
        found = part.program.solve(amounts) if any(amounts) else None
        entering.update(dict.fromkeys(part.entries, 0.0))
        if found is None:
            return
        numbers = {state: number for number, state in enumerate(part.states)}
        regions: dict[frozenset[int] | None, frozenset[int]] = {None: inside}
        for row, price in found.rows.items():
            if row.region not in regions:
                assert row.region is not None
                regions[row.region] = frozenset(part.states[s] for s in row.region if s < len(part.states))
            # What a counter has climbed costs nothing elsewhere; what is ahead of it would.
            region = None if row.kind == "behind" and row.region is None else regions[row.region]
            named = Row(row.kind, part.counters[row.counter], row.lo, row.hi, region)
            prices[named] = prices.get(named, 0.0) + price
            for state in part.entries:
                if row.holds_at(numbers[state]):
                    entering[state] += price * row.levels(0)
        for state in part.entries:
            entering[state] += found.states[numbers[state]]


@define
class _Cutter:
    """Cuts components out of a machine, and knows the shapes that it has met."""

    machine: CounterMachine
    outgoing: Mapping[int, Sequence[int]]
    programs: dict[object, Program] = field(factory=dict)

    def part(
        self,
        group: Sequence[int],
        entries: tuple[int, ...],
        regions: Sequence[tuple[frozenset[int], frozenset[int], int]],
    ) -> Part:
        states = tuple(sorted(group))
        numbers = {state: number for number, state in enumerate(states)}
        counters: dict[int, int] = {}
        edges: list[Edge] = []
        origins: list[int | None] = []
        after = len(states)
        for state in states:
            for number in self.outgoing[state]:
                edges.append(self._renamed(self.machine.edges[number], numbers, counters, after))
                origins.append(number)
        start = numbers[entries[0]]
        if len(entries) > 1:
            start = after + 1
            for state in entries:
                edges.append(Edge(start, numbers[state], (), (), (), _NO_WEIGHTS))
                origins.append(None)
        caps = tuple(self.machine.caps[counter] for counter in counters)
        found = tuple(
            (frozenset(numbers[s] for s in inside), frozenset(counters[c] for c in raised), depth)
            for inside, raised, depth in regions
        )
        shape = (caps, start, tuple(edges), found)
        if shape not in self.programs:
            machine = CounterMachine(
                tuple(map(str, range(after + 2))), start, tuple(map(str, counters)), caps, tuple(edges)
            )
            every = range(len(edges))
            rows = first_rows(machine, every, Ranking({}, (), found), once=False)
            self.programs[shape] = Program(machine, every, rows, Incidence(machine, every))
        return Part(states, tuple(counters), tuple(origins), entries, self.programs[shape])

    def _renamed(self, edge: Edge, numbers: Mapping[int, int], counters: dict[int, int], after: int) -> Edge:
        """Give an edge with a part's own numbers; counters get theirs as they are met."""

        def name(counter: int) -> int:
            return counters.setdefault(counter, len(counters))

        return evolve(
            edge,
            source=numbers[edge.source],
            target=numbers.get(edge.target, after),
            guards=tuple((name(counter), lo, hi) for counter, lo, hi in edge.guards),
            increments=tuple(name(counter) for counter in edge.increments),
            resets=tuple(name(counter) for counter in edge.resets),
            weights=_NO_WEIGHTS,
            outcome=None,
            pause_us=0,
        )
