"""Counter machines to prove things of, random and well known; and what is true of them, by search."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from attrs import define, evolve, field, frozen

from fsmflow.analysis.proving.counter_machine import (
    METRICS,
    CounterMachine,
    Edge,
    Guard,
    Metric,
    Valuation,
    Weights,
)

Configuration = tuple[int, Valuation]
"""A state, and the values of all counters."""


# The truth, by search of all configurations.


@frozen
class Truth:
    """What is true of a machine.

    Attributes:
        terminates: Whether every run ends.
        maxima: The most that a run uses of each metric; None where some run does not end.
        configurations: Every configuration that a run can be in.
        edges: The edges that some run takes.
    """

    terminates: bool
    maxima: tuple[int, ...] | None
    configurations: frozenset[Configuration]
    edges: frozenset[int]


def explore(
    machine: CounterMachine, limit: int = 300_000, caps: Mapping[Metric, int] | None = None
) -> Truth | None:
    """Search all configurations, breadth first; None past `limit` of them.

    Args:
        machine: The machine.
        limit: How many configurations are looked at.
        caps: What a budget leaves room for; its edges are taken only if there is some.
    """
    start = (machine.start, (0,) * len(machine.caps), NOTHING_SPENT)
    numbers = {start: 0}
    successors: list[list[tuple[int, int]]] = []
    pending = deque([start])
    while pending:
        state, values, spent = pending.popleft()
        row = []
        for number in machine.outgoing[state]:
            edge = machine.edges[number]
            after = spent_after(edge, spent, caps or {})
            if machine.is_enabled(edge, values) and after is not None:
                following = (edge.target, machine.after(edge, values), after)
                if following not in numbers:
                    numbers[following] = len(numbers)
                    pending.append(following)
                row.append((number, numbers[following]))
        successors.append(row)
        if len(numbers) > limit:
            return None
    used = frozenset(number for row in successors for number, _ in row)
    maxima = _maxima(machine, successors)
    return Truth(maxima is not None, maxima, frozenset((at, values) for at, values, _ in numbers), used)


NOTHING_SPENT = (0, 0)
"""How many attempts were begun, and how long was waited."""


def spent_after(edge: Edge, spent: tuple[int, int], caps: Mapping[Metric, int]) -> tuple[int, int] | None:
    """Give the least that is spent of steps and of time after an edge; None if a budget has no room for it.

    An attempt needs room for all that it may use, and some time, and uses one step for certain. What is no
    attempt and takes time is a wait, which takes just that.
    """
    begun, waited = spent
    needs = dict(zip(METRICS, edge.weights, strict=True))
    is_attempt = needs["steps"] > 0
    if is_attempt:
        needs["microseconds"] = 1
    needs["steps"] += begun
    needs["microseconds"] += waited
    if any(needs[metric] > cap for metric, cap in caps.items()):
        return None
    begun += is_attempt and "steps" in caps
    if not is_attempt and "microseconds" in caps:
        waited = needs["microseconds"]
    return begun, waited


def _maxima(machine: CounterMachine, successors: list[list[tuple[int, int]]]) -> tuple[int, ...] | None:
    """Take the heaviest paths of an acyclic graph backwards in topological order; None if it has a cycle."""
    arriving = [0] * len(successors)
    for row in successors:
        for _, following in row:
            arriving[following] += 1
    order = [node for node, count in enumerate(arriving) if not count]
    for node in order:
        for _, following in successors[node]:
            arriving[following] -= 1
            if not arriving[following]:
                order.append(following)
    if len(order) < len(successors):
        return None
    most: list[tuple[int, ...]] = [(0,) * 6] * len(successors)
    for node in reversed(order):
        totals = [
            tuple(a + b for a, b in zip(machine.edges[number].weights, most[following], strict=True))
            for number, following in successors[node]
        ]
        most[node] = tuple(map(max, zip(*totals, strict=True))) if totals else (0,) * 6
    return most[0]


def replay(machine: CounterMachine, path: Iterable[int]) -> tuple[Configuration, tuple[int, ...]]:
    """Take the edges of a path one by one from the start; give where it ends, and what it uses.

    Raises:
        AssertionError: An edge is not enabled where it stands in the path.
    """
    return replay_from(machine, (machine.start, (0,) * len(machine.caps)), path)


def replay_from(
    machine: CounterMachine, configuration: Configuration, path: Iterable[int]
) -> tuple[Configuration, tuple[int, ...]]:
    """Take the edges of a path one by one from `configuration`; give where it ends, and what it uses.

    Raises:
        AssertionError: An edge is not enabled where it stands in the path.
    """
    state, values = configuration
    total = [0] * 6
    for number in path:
        edge = machine.edges[number]
        assert edge.source == state, f"edge {number} does not leave {machine.states[state]}"
        assert machine.is_enabled(edge, values), f"edge {number} is not enabled at {values}"
        state, values = edge.target, machine.after(edge, values)
        total = [a + b for a, b in zip(total, edge.weights, strict=True)]
    return (state, values), tuple(total)


def is_well_formed(machine: CounterMachine) -> bool:
    """Tell whether each edge stays within the caps, guards a counter once, and weighs nothing below 0."""
    for edge in machine.edges:
        guards = {counter: (lo, hi) for counter, lo, hi in edge.guards}
        if len(guards) < len(edge.guards) or min(edge.weights) < 0:
            return False
        if any(c not in guards or guards[c][1] >= machine.caps[c] for c in edge.increments):
            return False
    return True


# Random machines.


def random_machine(seed: int, *, most_states: int = 8, most_cap: int = 3) -> CounterMachine:
    """Draw a small machine of every kind of edge that a lowering makes, and of some that none makes.

    A quarter or so have runs that do not end: by a way back without a counter, by a counter that is set
    back on the way, or by a way back where a counter is at its cap.
    """
    return _Draw(random.Random(seed), most_states, most_cap).machine()


@define
class _Draw:
    """The drawing of one machine."""

    rng: random.Random
    most_states: int
    most_cap: int
    caps: list[int] = field(factory=list)
    edges: list[Edge] = field(factory=list)
    zero: float = 0.0

    def machine(self) -> CounterMachine:
        rng = self.rng
        size = rng.randint(2, self.most_states)
        for _ in range(rng.randint(0, 4)):
            self.caps.append(0 if rng.random() < 0.1 else rng.randint(1, self.most_cap))
        self.zero = rng.choice([0.0, 0.2, 0.6])
        for state in range(size - 1):
            self._state(state, size)
        machine = CounterMachine(
            states=tuple(f"s{n}" for n in range(size)),
            start=0 if rng.random() < 0.9 else rng.randrange(size - 1),
            counters=tuple(f"c{n}" for n in range(len(self.caps))),
            caps=tuple(self.caps),
            edges=tuple(self.edges),
        )
        assert is_well_formed(machine)
        return machine

    def _state(self, state: int, size: int) -> None:
        rng = self.rng
        forward = range(state + 1, size)
        if rng.random() < 0.4:
            self._retry(state, rng.choice(forward))
        self._add(state, rng.choice(forward[:2]))
        for _ in range(rng.randint(0, 2)):
            if self.caps and rng.random() < 0.75:
                several = min(len(self.caps), rng.choice([1, 1, 1, 2, 3]))
                loop = rng.sample(range(len(self.caps)), several)
                target = rng.randrange(size - 1)
                back = rng.random() < 0.06
                self._loop(state, target, loop, rng.randrange(size) if back else rng.choice(forward))
            elif self.caps and rng.random() < 0.4:
                counter = rng.randrange(len(self.caps))
                lo = rng.randint(0, self.caps[counter])
                hi = rng.randint(lo, self.caps[counter])
                self._add(state, rng.choice(forward), ((counter, lo, hi),))
            else:
                self._add(state, rng.randrange(size) if rng.random() < 0.06 else rng.choice(forward))

    def _retry(self, state: int, exhausted: int) -> None:
        """A counter of a visit: its levels may weigh apart; it is set back on the way out."""
        counter, cap = len(self.caps), self.rng.randint(0, self.most_cap)
        self.caps.append(cap)
        if self.rng.random() < 0.5:
            for level in range(cap):
                self._add(state, state, ((counter, level, level),), (counter,), plain=True)
        elif cap:
            self._add(state, state, ((counter, 0, cap - 1),), (counter,), plain=True)
        resets = (counter,) if self.rng.random() < 0.8 else ()
        self._add(state, exhausted, ((counter, cap, cap),), (), resets)
        self._add(state, exhausted, (), (), resets)

    def _loop(self, state: int, target: int, counters: list[int], exhausted: int) -> None:
        """A way back below the caps of its counters, and the way where the first of them is at its cap."""
        below: list[Guard] = []
        for counter in counters:
            cap = self.caps[counter]
            self._add(state, exhausted, (*below, (counter, cap, cap)))
            below.append((counter, 0, cap - 1))
            if not cap:
                return
        self._add(state, target, tuple(below), tuple(counters))

    def _add(
        self,
        state: int,
        target: int,
        guards: tuple[Guard, ...] = (),
        increments: tuple[int, ...] = (),
        resets: tuple[int, ...] = (),
        *,
        plain: bool = False,
    ) -> None:
        rng = self.rng
        if not plain and self.caps and rng.random() < 0.15:
            resets = (*resets, rng.randrange(len(self.caps)))
        if rng.random() < self.zero:
            weights: Weights = (0, 0, 0, 0, 0, 0)
        else:
            few, many = (0, 1, 2, 5, 10), (0, 0, 300, 1_250, 99_991)
            weights = (1, rng.randint(0, 1), rng.choice(few), *(rng.choice(many) for _ in range(3)))  # type: ignore[assignment]
        self.edges.append(
            Edge(state, target, tuple(sorted(guards)), increments, tuple(sorted(set(resets))), weights)
        )


# Known families: a workflow of eight steps, and chains of it.


@frozen
class Way:
    """Where an outcome leads: below the caps of its loops, and at the first cap."""

    to: str
    loops: tuple[str, ...] = ()
    at_cap: str = ""


@frozen
class Step:
    """A step: what an attempt uses, where its outcomes lead, and where it goes when tries have run out."""

    tokens: int
    micro_usd: int
    milliseconds: int
    outcomes: Mapping[str, Way]
    retry: str | None = None
    invalid: str | None = None


@frozen
class Loop:
    """A counter: its cap, and the state whose entry sets it back."""

    cap: int
    per: str | None = None


def eight(*, loop: int = 3, outer: int = 2, retry: int = 2, valid: int = 2) -> CounterMachine:
    """Give the workflow of eight steps: research, answer, criticise, publish, with three nested loops."""
    return _lowered("retrieve", *_eight(loop, outer), retry, valid)


def chain(
    modules: int, *, loop: int = 3, outer: int = 2, retry: int = 2, valid: int = 2, group: int = 4
) -> CounterMachine:
    """Give copies of the workflow of eight in a row; the last of a group leads back to its first once."""
    steps: dict[str, Step] = {}
    loops: dict[str, Loop] = {}
    base_steps, base_loops = _eight(loop, outer)
    for module in range(modules):
        following = f"m{module + 1}.retrieve" if module + 1 < modules else "done"
        places = {"": "", "done": following, "failed": "failed"}
        places |= {name: f"m{module}.{name}" for name in base_steps}
        first = module - module % group
        for name, counter in base_loops.items():
            again = (
                f"m{first}.retrieve"
                if name == "outer" and module > first and first + group <= modules
                else None
            )
            per = places[counter.per] if counter.per else again
            loops[f"m{module}.{name}"] = evolve(counter, per=per)
        for name, step in base_steps.items():
            outcomes = {
                label: Way(places[way.to], tuple(f"m{module}.{c}" for c in way.loops), places[way.at_cap])
                for label, way in step.outcomes.items()
            }
            if name == "publish" and module % group == group - 1:
                loops[f"g{module // group}.rework"] = Loop(1)
                outcomes["rework"] = Way(f"m{first}.retrieve", (f"g{module // group}.rework",), "failed")
            retry_to = step.retry and places[step.retry]
            invalid_to = step.invalid and places[step.invalid]
            steps[places[name]] = evolve(step, outcomes=outcomes, retry=retry_to, invalid=invalid_to)
    return _lowered("m0.retrieve", steps, loops, retry, valid)


def _eight(loop: int, outer: int) -> tuple[dict[str, Step], dict[str, Loop]]:
    research = ("outer",)
    steps = {
        "retrieve": Step(0, 100, 2_000, {"ok": Way("answer")}, retry="handoff"),
        "answer": Step(
            3_000,
            4_500,
            20_000,
            {"ok": Way("validate"), "tool": Way("tool", ("tools",), "validate")},
            retry="fallback",
            invalid="fallback",
        ),
        "tool": Step(0, 50, 5_000, {"ok": Way("answer")}, retry="answer"),
        "validate": Step(
            500,
            300,
            4_000,
            {"pass": Way("critique"), "fail": Way("answer", ("revise",), "fallback")},
            retry="handoff",
        ),
        "critique": Step(
            1_500,
            2_200,
            12_000,
            {
                "good": Way("publish"),
                "revise": Way("answer", ("revise",), "handoff"),
                "research": Way("retrieve", research, "publish"),
            },
            retry="publish",
        ),
        "fallback": Step(8_000, 24_000, 40_000, {"ok": Way("publish")}, retry="handoff", invalid="handoff"),
        "handoff": Step(
            0,
            0,
            600_000,
            {
                "approved": Way("publish"),
                "rejected": Way("failed"),
                "redo": Way("retrieve", research, "failed"),
            },
        ),
        "publish": Step(0, 10, 1_000, {"ok": Way("done")}, retry="failed"),
    }
    loops = {"tools": Loop(loop, "retrieve"), "revise": Loop(loop, "retrieve"), "outer": Loop(outer)}
    return steps, loops


def _lowered(
    start: str, steps: Mapping[str, Step], loops: Mapping[str, Loop], retry: int, valid: int
) -> CounterMachine:
    """Lower steps to edges: retries with the levels of their backoff, re-asks, loops and ways on."""
    caps = {name: counter.cap for name, counter in loops.items()}
    caps |= {f"{name}.retry": retry for name, step in steps.items() if step.retry}
    caps |= {f"{name}.invalid": valid for name, step in steps.items() if step.invalid}
    counters = {name: number for number, name in enumerate(caps)}
    states = {name: number for number, name in enumerate((*steps, "done", "failed"))}
    per: dict[str, list[int]] = {}
    for name, counter in loops.items():
        if counter.per:
            per.setdefault(counter.per, []).append(counters[name])
    edges: list[Edge] = []
    for name, step in steps.items():
        weights: Weights = (
            1,
            1,
            int(name.endswith("tool")),
            step.tokens,
            step.micro_usd,
            step.milliseconds * 1_000,
        )
        visit = [counters[c] for c in (f"{name}.retry", f"{name}.invalid") if c in counters]
        if step.retry:
            again = counters[f"{name}.retry"]
            for level in range(retry):
                pause_us = min(1_000 * 2**level, 30_000) * 1_000
                longer: Weights = (*weights[:5], weights[5] + pause_us)
                edges.append(
                    Edge(
                        states[name],
                        states[name],
                        ((again, level, level),),
                        (again,),
                        (),
                        longer,
                        pause_us=pause_us,
                    )
                )
        if step.invalid and valid:
            again = counters[f"{name}.invalid"]
            edges.append(Edge(states[name], states[name], ((again, 0, valid - 1),), (again,), (), weights))
        for target, guards, increments in _ways_on(name, step, caps, counters):
            resets = tuple(sorted({*visit, *per.get(target, ())}))
            edges.append(Edge(states[name], states[target], guards, increments, resets, weights))
    machine = CounterMachine(
        tuple(states), states[start], tuple(counters), tuple(caps.values()), tuple(edges)
    )
    assert is_well_formed(machine)
    return machine


def _ways_on(
    name: str, step: Step, caps: Mapping[str, int], counters: Mapping[str, int]
) -> Iterator[tuple[str, tuple[Guard, ...], tuple[int, ...]]]:
    for way_out, kind in ((step.retry, "retry"), (step.invalid, "invalid")):
        if way_out:
            visit = f"{name}.{kind}"
            yield way_out, ((counters[visit], caps[visit], caps[visit]),), ()
    for way in step.outcomes.values():
        below: tuple[Guard, ...] = ()
        for counter in way.loops:
            yield way.at_cap, (*below, (counters[counter], caps[counter], caps[counter])), ()
            below = (*below, (counters[counter], 0, caps[counter] - 1))
        if all(caps[counter] for counter in way.loops):
            yield way.to, below, tuple(counters[counter] for counter in way.loops)
