"""The most that a run may have spent, edge by edge, and when that is enough for a cap to stand in the way.

An attempt may use anything from nothing to its cost, so what a run may have spent of a resource is
everything from nothing to one greatest amount. An attempt begins only if its cost fits beside what is
set aside; afterwards the greatest amount is greater by the cost, or all that was not set aside. So one
number a resource, a gauge, says whether a run can be refused here: the counter machine alone, which
lets it be refused wherever a cap might stand in the way, allows more.

Of steps an attempt uses one, and the counter of attempts is their gauge, unless some attempt may use more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import frozen

from fsmflow.analysis.proving.admission import RESOURCES
from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge
from fsmflow.analysis.proving.counting import STEPS
from fsmflow.machine import End, Machine, State, Wait, Work

_STEPS, _TIME = RESOURCES.index("steps"), RESOURCES.index("time_us")


@frozen
class Rise:
    """A gauge goes up by an amount, and no further than a ceiling."""

    gauge: int
    amount: int
    ceiling: int


@frozen
class Level:
    """A gauge, or a counter, and the least that it must stand at."""

    gauge: int
    least: int


@frozen
class Spending:
    """The gauges of a counter machine, numbered after its counters; each begins at 0.

    Attributes:
        gauges: How many there are, one for each of the `RESOURCES`; none where no cap can stand in the way.
        rises: By how much the gauges go up at each edge.
        needs: The levels of which one must be reached for an edge to be taken, such as one on which a
            cap stands in the way; an edge with none of them is never taken.
    """

    gauges: int
    rises: tuple[tuple[Rise, ...], ...]
    needs: Mapping[int, tuple[Level, ...]]

    @classmethod
    def of(cls, machine: Machine, counter_machine: CounterMachine) -> Spending:
        """Find the gauges of a machine that is under its budget."""
        reader = _Reader(machine, counter_machine)
        edges = counter_machine.edges
        if not any(edge.way is not None and edge.way.kind == "exceeded" for edge in edges):
            return cls(0, ((),) * len(edges), {})
        needs: dict[int, tuple[Level, ...]] = {}
        for number, edge in enumerate(edges):
            if edge.way is None or edge.way.kind != "exceeded":
                if not reader.fits(edge):
                    needs[number] = ()
            elif not reader.is_certain(edge):
                needs[number] = tuple(reader.levels(edge))
        return cls(len(RESOURCES), tuple(tuple(reader.rises(edge)) for edge in edges), needs)

    @property
    def quantities(self) -> frozenset[int]:
        """The quantities that some edge needs."""
        return frozenset(level.gauge for levels in self.needs.values() for level in levels)


class _Reader:
    """Reads the amounts of edges."""

    def __init__(self, machine: Machine, counter_machine: CounterMachine) -> None:
        self._machine = machine
        self._counters = counter_machine
        self._first = len(counter_machine.caps)
        self._steps = counter_machine.counters.index(STEPS) if STEPS in counter_machine.counters else None
        self._is_exact = all(s.steps == 1 for s in machine.states.values() if isinstance(s, Work))

    def rises(self, edge: Edge) -> Iterator[Rise]:
        """Give what an edge may spend."""
        room = self._room(edge)
        for resource, amount in enumerate(edge.weights[1:]):
            ceiling = room[resource]
            if ceiling is None or (resource == _STEPS and self._is_exact):
                continue
            if edge.way is not None and edge.way.pause is not None:
                # A retry is taken only if its pause, and another attempt after it, fit too.
                ceiling -= 1 if resource == _TIME else amount
            if resource == _TIME and edge.source in self._counters.endless and edge.outcome is not None:
                yield Rise(self._first + resource, ceiling, ceiling)
            elif amount:
                yield Rise(self._first + resource, amount, ceiling)

    def fits(self, edge: Edge) -> bool:
        """Tell whether an attempt, or a wait, can begin at all; what needs no budget always does."""
        if not isinstance(self._state(edge), Work | Wait):
            return True
        amounts = edge.weights[1:5] if edge.outcome is not None else (0, 0, 0, 0, edge.weights[5])
        return all(
            room is None or amount <= room for amount, room in zip(amounts, self._room(edge), strict=False)
        )

    def is_certain(self, edge: Edge) -> bool:
        """Tell whether the edge's own guards say that the cap on steps stands in the way."""
        state = self._state(edge)
        if not isinstance(state, Work):
            return False
        # The attempt that is over, where there was one, has used one step at the least.
        least = self._least(edge, _STEPS, state.steps, over=1)
        return any(counter == self._steps and lo >= least for counter, lo, _ in edge.guards)

    def levels(self, edge: Edge) -> Iterator[Level]:
        """Give the levels of which one must be reached for a refusal."""
        state = self._state(edge)
        limit = self._room(edge)[_TIME]
        if edge.outcome == "exceeded":
            # The run's own deadline cut the attempt.
            assert limit is not None
            longest = limit if edge.source in self._counters.endless else edge.weights[5]
            yield Level(self._first + _TIME, max(0, limit - longest))
            return
        if isinstance(state, Work):
            if self._steps is not None:
                gauge = self._steps if self._is_exact else self._first + _STEPS
                yield Level(gauge, self._least(edge, _STEPS, state.steps, over=state.steps))
            for resource, amount in enumerate(state.cost.amounts()[1:4], start=1):
                room = self._room(edge)[resource]
                # Where more is set aside than there is, there is no room for nothing.
                if room is not None and (amount or room < 0):
                    yield Level(self._first + resource, self._least(edge, resource, amount, over=amount))
        if limit is not None and edge.outcome is None:
            needed = state.duration_us if isinstance(state, Wait) else 1
            yield Level(self._first + _TIME, max(0, limit - needed + 1))

    def _least(self, edge: Edge, resource: int, amount: int, over: int) -> int:
        """Give how much must have been spent for there to be no room for `amount`.

        After an attempt that is to be retried, and that used `over`, it is the next one that is refused.
        """
        room = self._room(edge)[resource]
        if room is None:
            return 0
        return max(0, room - amount + 1 - (0 if edge.outcome is None else over))

    def _state(self, edge: Edge) -> State:
        return self._machine.states[self._counters.states[edge.source]]

    def _room(self, edge: Edge) -> tuple[int | None, ...]:
        """Give the caps, less what is set aside."""
        state = self._state(edge)
        aside = (0,) * 5 if isinstance(state, End) or state.reserve else self._machine.reserve.amounts()
        return tuple(
            None if cap is None else cap - kept
            for cap, kept in zip(self._machine.caps.amounts(), aside, strict=True)
        )
