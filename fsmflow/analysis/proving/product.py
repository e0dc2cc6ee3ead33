"""The product of a policy's automaton and a counter machine, searched for runs that break the policy.

Breadth first, over configurations in which only some quantities are told apart, counters and the gauges
of what may have been spent: where the values of the others are not known, what they guard may happen.
So what is not found can't happen, and what is found first is at least as short as any run that breaks
the policy; it must be replayed with all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import define, evolve, field, frozen

from fsmflow.analysis.proving.automaton import BROKEN, Automaton, Event, entering, events
from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge, Guard, Valuation
from fsmflow.analysis.proving.spending import Level, Rise, Spending

Path = tuple[int, ...]
"""A run, or a beginning of one: the numbers of the edges that it takes."""


_Node = tuple[int, Valuation, int]
"""A state, the values of what is told apart, and the state of the automaton."""


class OutOfRoom(Exception):
    """A search came upon more configurations than it may."""


@define
class Allowance:
    """How many more configurations may be looked at."""

    left: int

    def take(self) -> None:
        """Take one.

        Raises:
            OutOfRoom: None is left.
        """
        if not self.left:
            raise OutOfRoom
        self.left -= 1


@frozen
class _Step:
    """An edge as one search sees it: what it asks of the quantities told apart, and does to them.

    One of the `levels` must be reached, if there are any.
    """

    number: int
    target: int
    guards: tuple[Guard, ...]
    levels: tuple[Level, ...]
    rises: tuple[Rise, ...]
    increments: tuple[int, ...]
    resets: tuple[int, ...]
    events: tuple[Event, ...]


@define
class Product:
    """A counter machine, with the gauges of its spending, watched by an automaton.

    Attributes:
        machine: The counter machine.
        spending: Its gauges.
        read: For each state, the quantities that matter there, as the bits of a number.
        automaton: The automaton.
    """

    machine: CounterMachine
    spending: Spending
    read: Sequence[int]
    automaton: Automaton
    _events: tuple[tuple[Event, ...], ...] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._events = tuple(map(self._heard, self.machine.edges))

    def _heard(self, edge: Edge) -> tuple[Event, ...]:
        """Give what of an edge the automaton listens to."""
        assert edge.way is not None
        return tuple(event for event in events(edge.way) if not self.automaton.alphabet.isdisjoint(event))

    def violations(self, told: Sequence[int], allowance: Allowance, *, arrivals: int = 1) -> Iterator[Path]:
        """Give paths that break the policy, shortest first; none if nothing can break it.

        Args:
            told: The quantities that are told apart, by number: counters, then gauges.
            allowance: How many configurations may be looked at.
            arrivals: By how many paths each configuration is gone on from.

        Raises:
            OutOfRoom: The allowance is used up.
        """
        machine, automaton = self.machine, self.automaton
        mark = automaton.after(automaton.start, entering(machine.states[machine.start]))
        if self._is_broken(machine.start, mark):
            yield ()
            return
        steps: dict[int, list[_Step]] = {}
        nodes: list[_Node] = [(machine.start, (0,) * len(told), mark)]
        came = [(-1, -1)]
        arrived = {nodes[0]: 1}
        for place, (state, values, before) in enumerate(nodes):
            if automaton.is_settled(before):
                continue
            if state not in steps:
                steps[state] = list(self._steps(state, told))
            for step in steps[state]:
                if not _is_enabled(step, values):
                    continue
                mark = before
                for event in step.events:
                    mark = automaton.after(mark, event)
                if self._is_broken(step.target, mark):
                    yield _path(came, place, step.number)
                    continue
                node = (step.target, _after(step, values), mark)
                if arrived.get(node, 0) < arrivals:
                    allowance.take()
                    arrived[node] = arrived.get(node, 0) + 1
                    nodes.append(node)
                    came.append((place, step.number))

    def obstacles(self, path: Path) -> frozenset[int]:
        """Give the quantities that forbid the first edge of `path` that can't be taken; none if all can."""
        everything = range(len(self.machine.caps) + self.spending.gauges)
        values: Valuation = (0,) * len(everything)
        for number in path:
            step = self._step(number, {quantity: quantity for quantity in everything}, dead=())
            if not _is_enabled(step, values):
                forbid = {c for c, lo, hi in step.guards if not lo <= values[c] <= hi}
                return frozenset(forbid or {level.gauge for level in step.levels})
            values = _after(step, values)
        return frozenset()

    def _is_broken(self, state: int, mark: int) -> bool:
        if mark == BROKEN:
            return True
        return not self.machine.outgoing[state] and not self.automaton.may_end(mark)

    def _steps(self, state: int, told: Sequence[int]) -> Iterator[_Step]:
        place = {quantity: position for position, quantity in enumerate(told)}
        counters = [quantity for quantity in told if quantity < len(self.machine.caps)]
        for number in self.machine.outgoing[state]:
            if self.spending.needs.get(number) != ():
                read = self.read[self.machine.edges[number].target]
                yield self._step(number, place, dead=[c for c in counters if not read >> c & 1])

    def _step(self, number: int, place: Mapping[int, int], dead: Iterable[int]) -> _Step:
        edge = self.machine.edges[number]
        levels = self.spending.needs.get(number, ())
        if any(level.gauge not in place for level in levels):
            levels = ()
        return _Step(
            number,
            edge.target,
            tuple((place[c], lo, hi) for c, lo, hi in edge.guards if c in place),
            tuple(evolve(level, gauge=place[level.gauge]) for level in levels),
            tuple(
                evolve(rise, gauge=place[rise.gauge])
                for rise in self.spending.rises[number]
                if rise.gauge in place
            ),
            tuple(place[c] for c in edge.increments if c in place),
            tuple(place[c] for c in {*edge.resets, *dead} if c in place),
            self._events[number],
        )


def _is_enabled(step: _Step, values: Valuation) -> bool:
    for quantity, lo, hi in step.guards:
        if not lo <= values[quantity] <= hi:
            return False
    return not step.levels or any(values[level.gauge] >= level.least for level in step.levels)


def _after(step: _Step, values: Valuation) -> Valuation:
    if not (step.rises or step.increments or step.resets):
        return values
    following = list(values)
    for rise in step.rises:
        following[rise.gauge] = min(values[rise.gauge] + rise.amount, rise.ceiling)
    for counter in step.increments:
        following[counter] += 1
    for counter in step.resets:
        following[counter] = 0
    return tuple(following)


def _path(came: Sequence[tuple[int, int]], place: int, edge: int) -> Path:
    """Go back from a place in the search to its beginning, by where and by which edge it was come upon."""
    path = [edge]
    while place:
        place, edge = came[place]
        path.append(edge)
    return tuple(reversed(path))
