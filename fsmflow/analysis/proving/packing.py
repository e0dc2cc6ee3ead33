"""Configurations as numbers: a state, and the counters that matter there, in one integer.

A counter needs room only where it is live and may be other than 0; counters that never need it in the
same state share it, as variables share registers (Chaitin, SIGPLAN 1982). So a configuration stays small
however many counters there are, and an edge is a few operations on integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge
from fsmflow.analysis.proving.intervals import Range, reach

Field = tuple[int, int]
"""How far a number is shifted to the right to get at a counter, and the mask that cuts it out then."""


@frozen
class Move:
    """An edge between packed configurations.

    Attributes:
        number: The number of the edge.
        tests: The fields to look at, each with the least and the greatest value that it may have.
        mask: What is kept of the configuration.
        more: What is then added to it.
    """

    number: int
    tests: tuple[tuple[int, int, int, int], ...]
    mask: int
    more: int


@frozen
class Packing:
    """A machine whose configurations are numbers.

    Attributes:
        machine: The machine.
        start: The first configuration.
        state_mask: What cuts the state out of a configuration.
        moves: For each state, the edges that may fire, in order.
        ranges: For each state entered, the counters that are live and may be other than 0, with their ranges.
        fields: Where the value of each counter is found, in states where it has a range.
        live: For each state, the counters that are live, as bits of a number.
    """

    machine: CounterMachine
    start: int
    state_mask: int
    moves: tuple[tuple[Move, ...], ...]
    ranges: Mapping[int, Mapping[int, Range]]
    fields: Mapping[int, Field]
    live: list[int]

    @classmethod
    def of(cls, machine: CounterMachine) -> Packing:
        """Lay out the configurations of a machine."""
        reached = reach(machine)
        width = max(1, (len(machine.states) - 1).bit_length())
        fields = _fields(machine, reached.ranges, width)
        state_mask = (1 << width) - 1
        moves: list[tuple[Move, ...]] = [()] * len(machine.states)
        for state in reached.ranges:
            moves[state] = tuple(
                _move(number, machine.edges[number], reached.ranges, fields)
                for number in machine.outgoing[state]
                if number in reached.fired
            )
        return cls(machine, machine.start, state_mask, tuple(moves), reached.ranges, fields, reached.live)

    @property
    def load(self) -> int:
        """Count the counters that have a range before or after each edge that may fire."""
        edges = [self.machine.edges[move.number] for moves in self.moves for move in moves]
        return sum(len(self.ranges[edge.source]) + len(self.ranges[edge.target]) for edge in edges)

    def successors(self, place: int) -> Iterator[tuple[int, int]]:
        """Give the edges that can be taken in a configuration, each with the one it leads to."""
        for move in self.moves[place & self.state_mask]:
            if all(lo <= place >> shift & mask <= hi for shift, mask, lo, hi in move.tests):
                yield move.number, (place & move.mask) + move.more

    def value(self, place: int, counter: int) -> int:
        """Give the value of a counter that has a range in the state of a configuration."""
        shift, mask = self.fields[counter]
        return place >> shift & mask


def _fields(
    machine: CounterMachine, ranges: Mapping[int, Mapping[int, Range]], width: int
) -> dict[int, Field]:
    """Give each counter the first slot that no counter has with which it meets in some state."""
    meets: dict[int, set[int]] = {}
    for found in ranges.values():
        for counter in found:
            meets.setdefault(counter, set()).update(found)
    slots: dict[int, int] = {}
    sizes: list[int] = []
    for counter in sorted(meets, key=lambda c: (-machine.caps[c].bit_length(), c)):
        taken = {slots[other] for other in meets[counter] if other in slots}
        slot = next(n for n in range(len(sizes) + 1) if n not in taken)
        if slot == len(sizes):
            sizes.append(machine.caps[counter].bit_length())
        slots[counter] = slot
    shifts = [width]
    for size in sizes:
        shifts.append(shifts[-1] + size)
    return {counter: (shifts[slot], (1 << sizes[slot]) - 1) for counter, slot in slots.items()}


def _move(
    number: int, edge: Edge, ranges: Mapping[int, Mapping[int, Range]], fields: Mapping[int, Field]
) -> Move:
    before, after = ranges[edge.source], ranges[edge.target]
    # Where a counter has no range it is 0, or it is not live, and its guards hold of every value.
    tests = tuple(
        (*fields[counter], lo, hi)
        for counter, lo, hi in edge.guards
        if counter in before and not (lo <= before[counter][0] and before[counter][1] <= hi)
    )
    mask, more = 0, edge.target
    for counter in after:
        shift, size = fields[counter]
        if counter in before and counter not in edge.resets:
            mask |= size << shift
        if counter in edge.increments and counter not in edge.resets:
            more += 1 << shift
    return Move(number, tests, mask, more)
