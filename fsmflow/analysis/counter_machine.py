"""The analysed form of every machine: a capped counter machine.

States, counters from 0 to a cap, and edges with guards over counters, increments, resets and weights.
Values are left out: every arm of a choice may be taken, every outcome may happen. So what is proved
here holds for every run, and a worst case is one that the outcomes of steps can bring about.

Increments happen first, then resets. Two forms are made of a machine: the *structural* one, in which
no budget is there, and the *budgeted* one, in which a run may be sent to `exceeded` and the cap on
steps, which every attempt uses exactly once, shortens runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from attrs import define, frozen

from fsmflow.machine import Choice, End, Machine, Resources, Transition, Wait, Work
from fsmflow.runtime.backoff import Backoff

METRICS = ("transitions", "steps", "tool_calls", "tokens", "micro_usd", "microseconds")
"""What a run is weighed by, in the order of an edge's weights."""

Weights = tuple[int, int, int, int, int, int]
Guard = tuple[str, int, int]
"""A counter, and the least and the greatest value that it may have."""

MAX_LEVELS = 64
"""Up to how many retries get an edge for each level of their backoff; beyond, the longest pause is taken."""


@frozen
class Edge:
    """A step of the counter machine.

    Attributes:
        source: The state that is left.
        target: The state that is entered, or stayed in.
        guards: What the counters must be.
        increments: The counters that are counted up.
        resets: The counters that are set to 0, after that.
        weights: What it adds to each metric, at most: an attempt may use less than it declares.
        outcome: How the attempt ends, as a witness names it: a label or an outcome; `exceeded` where a cap
            leaves no room; `elapsed` for a wait; the arm of a choice.
        attempts: How many attempts it makes: 1, or 0 where it is taken without one.
        way: The transition of the machine that it is.
    """

    source: str
    target: str
    guards: tuple[Guard, ...]
    increments: tuple[str, ...]
    resets: tuple[str, ...]
    weights: Weights
    outcome: str
    attempts: int
    way: Transition


@define(frozen=True, slots=False)
class CounterMachine:
    """A capped counter machine.

    Attributes:
        start: The first state.
        states: Every state, in the order of the machine.
        caps: The cap of each counter.
        edges: The edges, in the order of the machine's transitions.
        endless: The metrics without any bound on an edge: time, where a step has no timeout.
        steps: The cap on attempts, where the form is budgeted and has one.
        aside: How many attempts are set aside for the reserve, by state: no attempt of a state starts
            unless one more and those fit under `steps`.
    """

    start: str
    states: tuple[str, ...]
    caps: Mapping[str, int]
    edges: tuple[Edge, ...]
    endless: frozenset[str] = frozenset()
    steps: int | None = None
    aside: Mapping[str, int] | None = None

    @cached_property
    def outgoing(self) -> Mapping[str, Sequence[Edge]]:
        """The edges of each state, in order."""
        found: dict[str, list[Edge]] = {name: [] for name in self.states}
        for edge in self.edges:
            found[edge.source].append(edge)
        return found


def structural(machine: Machine) -> CounterMachine:
    """Give the form of `machine` in which no budget is there."""
    edges = [edge for edge in _Lowering(machine).edges() if edge.way.kind != "exceeded"]
    return CounterMachine(
        machine.start,
        tuple(machine.states),
        {name: counter.cap for name, counter in machine.counters.items()},
        tuple(edges),
        _endless(machine),
    )


def budgeted(machine: Machine) -> CounterMachine:
    """Give the form of `machine` in which its caps may send a run to `exceeded`."""
    aside = {
        name: 0 if getattr(state, "reserve", False) else machine.reserve.steps
        for name, state in machine.states.items()
        if isinstance(state, Work | Wait)
    }
    return CounterMachine(
        machine.start,
        tuple(machine.states),
        {name: counter.cap for name, counter in machine.counters.items()},
        tuple(_Lowering(machine).edges()),
        _endless(machine),
        machine.caps.steps,
        aside,
    )


def _endless(machine: Machine) -> frozenset[str]:
    unlimited = any(isinstance(s, Work) and s.timeout_us is None for s in machine.states.values())
    return frozenset({"microseconds"}) if unlimited else frozenset()


@define
class _Lowering:
    """Writes a machine's transitions as edges."""

    machine: Machine

    def edges(self) -> Iterator[Edge]:
        """Give the edges of every state."""
        for state in self.machine.states.values():
            if isinstance(state, End):
                continue
            for way in self.machine.outgoing[state.name]:
                if way.kind == "exceeded":
                    yield from self._exceeded(state, way)
                elif way.pause is not None:
                    yield from self._retries(way)
                else:
                    yield self._edge(way, self._guards(way), _weights(state))

    def _guards(self, way: Transition) -> tuple[Guard, ...]:
        """Give the guards of an edge: below its own caps, at the caps of those that are tried before it."""
        below = tuple((name, 0, self.machine.counters[name].cap - 1) for name in way.below)
        label = way.label
        before = self.machine.ways(way.source, way.on, label)
        full: list[Guard] = []
        for earlier in before[: before.index(way)]:
            # A retry may also be passed over because its pause is too long, at any count.
            if earlier.pause is not None and self._may_be_passed_over(earlier):
                continue
            for name in earlier.below:
                cap = self.machine.counters[name].cap
                full.append((name, cap, cap))
        return (*below, *full)

    def _may_be_passed_over(self, way: Transition) -> bool:
        assert way.pause is not None
        return way.pause.retry_after or self.machine.caps.time_us is not None

    def _retries(self, way: Transition) -> Iterator[Edge]:
        """Give the edges of a retry: one a level of its backoff, unless a server may ask for the cap."""
        assert way.pause is not None
        (counter,) = way.below
        cap = self.machine.counters[counter].cap
        state = self.machine.states[way.source]
        attempt = _weights(state)
        if way.pause.retry_after or cap > MAX_LEVELS:
            yield self._edge(way, ((counter, 0, cap - 1),), _longer(attempt, way.pause.cap_us))
            return
        rule = Backoff(way.pause.first_us, way.pause.factor, way.pause.cap_us, False, False)
        for count in range(cap):
            guards = ((counter, count, count),)
            yield self._edge(way, guards, _longer(attempt, rule.level(count + 1)))

    def _exceeded(self, state: Work | Wait | Choice, way: Transition) -> Iterator[Edge]:
        """Give the edges to `exceeded`: refused before an attempt; cut off, or refused a retry, after one."""
        yield self._edge(way, (), (1, 0, 0, 0, 0, 0), attempts=0)
        retried = any(w.pause is not None for w in self.machine.outgoing[state.name])
        if isinstance(state, Work) and (retried or self.machine.caps.time_us is not None):
            yield self._edge(way, (), _weights(state))

    def _edge(
        self, way: Transition, guards: tuple[Guard, ...], weights: Weights, attempts: int | None = None
    ) -> Edge:
        state = self.machine.states[way.source]
        resets = () if way.same_visit else tuple(self.machine.resets[way.target])
        outcome = "elapsed" if isinstance(state, Wait) and way.kind != "exceeded" else way.label or way.on
        made = int(isinstance(state, Work)) if attempts is None else attempts
        return Edge(way.source, way.target, guards, way.below, resets, weights, outcome, made, way)


def _weights(state: object) -> Weights:
    """Give the most that one edge out of `state` adds to each metric."""
    match state:
        case Work():
            cost: Resources = state.cost
            return (1, 1, cost.tool_calls, cost.tokens, cost.micro_usd, state.timeout_us or 0)
        case Wait():
            return (1, 0, 0, 0, 0, state.duration_us)
    return (1, 0, 0, 0, 0, 0)


def _longer(weights: Weights, pause_us: int) -> Weights:
    return (*weights[:5], weights[5] + pause_us)
