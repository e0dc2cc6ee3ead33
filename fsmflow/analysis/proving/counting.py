"""From a machine to the capped counter machine that it is proved by.

`structural` leaves the budget out. `budgeted` brings in what the budget does: the cap on steps is a
counter like any other, since an attempt uses one for certain; of every other resource an attempt may use
anything from 0 to its cost, so wherever a cap might stand in the way, the run may go to `exceeded`, or
go on. That allows more than can happen, never less.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from attrs import define, field

from fsmflow.analysis.proving.admission import Admission
from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge, Guard, Weights
from fsmflow.machine import Ask, Choice, End, Machine, Outcome, State, Transition, Wait, Work
from fsmflow.runtime.backoff import Backoff

STEPS = "budget.steps"
"""The counter of the attempts started in the whole run."""

WAITS = "budget.time"
"""The counter of the waits in the whole run: each takes its time for certain."""

_LONGEST_LEVELS = 64
"""How many levels of a backoff are told apart; later ones are all weighed as its cap."""


def structural(machine: Machine) -> CounterMachine:
    """Give the counter machine of runs that no budget stops."""
    return _Lowering(machine, Admission.of(machine, frozenset()), waits=False).counter_machine()


def budgeted(machine: Machine, binding: Iterable[str], *, waits: bool = False) -> CounterMachine:
    """Give the counter machine of runs under their budget.

    Args:
        machine: The machine.
        binding: The resources, of `RESOURCES`, whose caps may ever stand in the way; others are left out.
        waits: Whether waits are counted against the cap on time; without that, nothing bounds a loop of
            waits alone.
    """
    return _Lowering(machine, Admission.of(machine, frozenset(binding)), waits=waits).counter_machine()


@define
class _Lowering:
    """The lowering of one machine."""

    machine: Machine
    budget: Admission
    waits: bool
    numbers: dict[str, int] = field(factory=dict)
    counters: dict[str, int] = field(factory=dict)
    caps: list[int] = field(factory=list)

    def counter_machine(self) -> CounterMachine:
        machine = self.machine
        self.numbers = {name: number for number, name in enumerate(machine.states)}
        for counter in machine.counters.values():
            self._count(counter.name, counter.cap)
        if "steps" in self.budget.binding:
            assert machine.caps.steps is not None
            self._count(STEPS, machine.caps.steps)
        if self.waits and machine.caps.time_us is not None:
            waits = [s.duration_us for s in machine.states.values() if isinstance(s, Wait)]
            shortest = min(filter(None, waits), default=0)
            if shortest:
                self._count(WAITS, machine.caps.time_us // shortest)
        return CounterMachine(
            states=tuple(machine.states),
            start=self.numbers[machine.start],
            counters=tuple(self.counters),
            caps=tuple(self.caps),
            edges=tuple(edge for state in machine.states.values() for edge in self._edges(state)),
            endless=frozenset(
                self.numbers[name]
                for name, state in machine.states.items()
                if isinstance(state, Work) and state.timeout_us is None
            ),
        )

    def _count(self, name: str, cap: int) -> None:
        self.counters[name] = len(self.caps)
        self.caps.append(cap)

    def _edges(self, state: State) -> Iterator[Edge]:
        match state:
            case Work():
                yield from self._work(state)
            case Wait():
                yield from self._wait(state)
            case Choice() | Ask():
                yield from self._free(state)
            case End():
                return
            case _:
                assert_never(state)

    def _free(self, state: Choice | Ask) -> Iterator[Edge]:
        """Give the edges of a state that no budget knows of: it is decided by values, or by a person."""
        for outcome in dict.fromkeys(way.on for way in self.machine.outgoing[state.name]):
            for way, guards in self._ways(state.name, outcome):
                yield self._edge(way, guards, (1, 0, 0, 0, 0, 0))

    def _wait(self, state: Wait) -> Iterator[Edge]:
        if not self.budget.fits(state):
            yield self._refused(state, ())
            return
        weights = (1, 0, 0, 0, 0, state.duration_us)
        for way, guards in self._ways(state.name, "success"):
            if WAITS in self.counters and state.duration_us:
                counter = self.counters[WAITS]
                spent: Guard = (counter, 0, self.caps[counter] - 1)
                yield self._edge(way, (*guards, spent), weights, more=(counter,))
            else:
                yield self._edge(way, guards, weights)
        if self.budget.may_lack_time(state) or (self.budget.binding and not self.budget.is_set_aside):
            yield self._refused(state, ())

    def _work(self, state: Work) -> Iterator[Edge]:
        if not self.budget.fits(state):
            yield self._refused(state, ())
            return
        steps = self.counters.get(STEPS)
        admitted: tuple[Guard, ...] = ()
        if steps is not None:
            room = self.budget.room_for_steps(state)
            admitted = ((steps, 0, room),)
        weights: Weights = (1, state.steps, *state.cost.amounts()[1:4], state.timeout_us or 0)
        counted = () if steps is None else (steps,)
        for outcome in dict.fromkeys(way.on for way in self.machine.outgoing[state.name]):
            if outcome == "exceeded":
                continue
            for way, guards in self._ways(state.name, outcome):
                if way.pause is None:
                    yield self._edge(way, (*guards, *admitted), weights, outcome, more=counted)
                else:
                    yield from self._retries(state, way, guards, weights)
        if self.budget.may_lack(state):
            yield self._refused(state, ())
        elif steps is not None and self.budget.may_lack_steps(state):
            yield self._refused(state, ((steps, self.budget.attempts(state, room + 1), self.caps[steps]),))
        if self.budget.may_lack_time(state) and state.effect != "once":
            # What may not be repeated and is cut off by the run's deadline is `unknown` instead.
            yield self._exceeded(state, admitted, weights, "exceeded")

    def _retries(
        self, state: Work, way: Transition, guards: tuple[Guard, ...], weights: Weights
    ) -> Iterator[Edge]:
        """Give the edges of a retry: one, or one for each level of its backoff, and its refusals."""
        steps = self.counters.get(STEPS)
        admitted: tuple[Guard, ...] = ()
        room: tuple[Guard, ...] = ()
        if steps is not None:
            # Another attempt must fit beside this one before the pause begins.
            most = self.budget.room_for_steps(state)
            admitted = ((steps, 0, most),)
            room = ((steps, 0, most - 1),)
            if not self.budget.may_lack(state) and self.budget.may_lack_steps(state):
                full = (steps, self.budget.attempts(state, max(0, most + 1 - state.steps)), most)
                yield self._exceeded(state, (*guards, full), weights, way.on)
        if self.budget.may_lack(state):
            yield self._exceeded(state, (*guards, *admitted), weights, way.on)
        if any(hi < 0 for _, _, hi in room):
            return
        counted = () if steps is None else (steps,)
        for lo, hi, pause_us in self._pauses(way):
            (counter,) = (self.counters[name] for name in way.below)
            level = tuple((c, lo, hi) if c == counter else (c, a, b) for c, a, b in guards)
            longer: Weights = (*weights[:5], weights[5] + pause_us)
            yield self._edge(way, (*level, *room), longer, way.on, more=counted, pause_us=pause_us)

    def _pauses(self, way: Transition) -> Iterator[tuple[int, int, int]]:
        """Give the pauses of a retry, each with the range of its counter in which it is the longest."""
        assert way.pause is not None
        backoff = way.pause
        cap = self.machine.counters[way.below[0]].cap
        levels = Backoff(backoff.first_us, backoff.factor, backoff.cap_us)
        lo = 0
        while lo < cap:
            pause_us = backoff.cap_us if backoff.retry_after else levels.level(lo + 1)
            hi = lo
            if pause_us >= backoff.cap_us or backoff.factor == 1:
                hi = cap - 1
            elif lo + 1 >= _LONGEST_LEVELS:
                pause_us, hi = backoff.cap_us, cap - 1
            yield lo, hi, pause_us
            lo = hi + 1

    def _ways(self, name: str, outcome: Outcome) -> Iterator[tuple[Transition, tuple[Guard, ...]]]:
        """Give each way on an outcome, with each case in which it is the first that is open."""
        labels = dict.fromkeys(way.label for way in self.machine.outgoing[name] if way.on == outcome)
        for label in labels:
            cases: list[tuple[Guard, ...]] = [()]
            for way in self.machine.ways(name, outcome, label):
                yield from (
                    (way, tuple(sorted(found)))
                    for case in cases
                    if (found := _below(case, (self._room(c) for c in way.below))) is not None
                )
                if way.pause is not None and self._may_be_passed_over(way):
                    continue
                cases = [
                    found
                    for case in cases
                    for counter in way.below
                    if (found := _below(case, (self._at_cap(counter),))) is not None
                ]
                if not cases:
                    break

    def _room(self, counter: str) -> Guard:
        number = self.counters[counter]
        return (number, 0, self.caps[number] - 1)

    def _at_cap(self, counter: str) -> Guard:
        number = self.counters[counter]
        return (number, self.caps[number], self.caps[number])

    def _may_be_passed_over(self, way: Transition) -> bool:
        """Tell whether a pause may be too long to be waited for: by a server's wish, or for want of time."""
        assert way.pause is not None
        return way.pause.retry_after or "time_us" in self.budget.binding

    def _edge(
        self,
        way: Transition,
        guards: tuple[Guard, ...],
        weights: Weights,
        outcome: str | None = None,
        *,
        more: tuple[int, ...] = (),
        pause_us: int = 0,
    ) -> Edge:
        increments = (*(self.counters[name] for name in way.below), *more)
        resets = () if way.same_visit else self.machine.resets[way.target]
        return Edge(
            source=self.numbers[way.source],
            target=self.numbers[way.target],
            guards=tuple(sorted(guards)),
            increments=increments,
            resets=tuple(self.counters[name] for name in resets),
            weights=weights,
            way=way,
            outcome=outcome,
            pause_us=pause_us,
        )

    def _refused(self, state: Work | Wait, guards: tuple[Guard, ...]) -> Edge:
        """Give the way of an attempt, or of a wait, that is not begun."""
        (way,) = self.machine.ways(state.name, "exceeded")
        return self._edge(way, guards, (1, 0, 0, 0, 0, 0))

    def _exceeded(self, state: Work, guards: tuple[Guard, ...], weights: Weights, outcome: str) -> Edge:
        """Give the way of an attempt that was made, and after which the budget is used up."""
        (way,) = self.machine.ways(state.name, "exceeded")
        steps = self.counters.get(STEPS)
        return self._edge(way, guards, weights, outcome, more=() if steps is None else (steps,))


def _below(case: tuple[Guard, ...], more: Iterable[Guard]) -> tuple[Guard, ...] | None:
    """Add guards to a case; None if they exclude each other."""
    found = {counter: (lo, hi) for counter, lo, hi in case}
    for counter, lo, hi in more:
        least, most = found.get(counter, (lo, hi))
        found[counter] = (max(least, lo), min(most, hi))
        if found[counter][0] > found[counter][1]:
            return None
    return tuple((counter, lo, hi) for counter, (lo, hi) in found.items())
