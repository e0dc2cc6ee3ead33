"""Every corner of a machine: one step from each place where a cap, a budget or a guard decides.

Random runs seldom stand right at an edge, and some edges no run of a sound workflow ever reaches.
So the corners are counted out: each state, each outcome, each counter just below and at its cap,
each budget with exactly enough left and with one too little, each guard's literals and their
neighbours. A corner is a configuration and an event; the reference meaning says what must follow.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen

from fsmflow import semantics
from fsmflow.expressions import All, AnyOf, Compare, Guard, Length, Not, Operand, Path, Truth, Value, Within
from fsmflow.machine import Caps, Choice, Machine, Resources, Transition, Wait, Work
from fsmflow.runtime import Configuration, Elapsed, Ended, Spent
from fsmflow.testing.subject import Subject

MOST_VALUATIONS = 200


@frozen
class Corner:
    """One step from a decisive place.

    Attributes:
        before: Where the run stands.
        event: What happens.
        expected: Where the run must stand then, by the reference meaning.
        actual: Where the generated runner puts it.
    """

    before: Configuration
    event: Ended | Elapsed
    expected: Configuration
    actual: Configuration


def corners(subject: Subject) -> Iterator[Corner]:
    """Give every corner of `subject`, with what must follow and what does."""
    machine, runner = subject.machine, subject.runner
    for before, event in _places(machine):
        expected, _ = semantics.step(machine, before, event)
        run = runner.restore(before)
        runner.step(run, event)
        yield Corner(before, event, expected, run.configuration())
    for given in _inputs(machine):
        expected, _ = semantics.begin(machine, given)
        run = runner.new_run(given)
        runner.begin(run)
        yield Corner(_standing(machine, machine.start), Elapsed(0), expected, run.configuration())


def _places(machine: Machine) -> Iterator[tuple[Configuration, Ended | Elapsed]]:
    for state in machine.states.values():
        if not isinstance(state, Work | Wait):
            continue
        here = _standing(machine, state.name)
        events = list(_events(machine, state))
        for event, pausing in events:
            base = here._replace(pausing=pausing)
            for counts in _counts(machine, state):
                yield base._replace(counts=counts), event
            for spent in _ledgers(machine, state, event):
                yield base._replace(spent=spent), event
            for values in _valuations(machine, state):
                yield base._replace(values={**base.values, **values}), event


def _standing(machine: Machine, name: str) -> Configuration:
    """Give a configuration in `name`, with every value set to plain data of its own."""
    values: dict[str, Any] = {"input": {"sample": "input"}}
    for state in machine.states.values():
        if isinstance(state, Work):
            values[state.value] = {"sample": state.name}
    return Configuration(name, 1, 1, {}, {name: 1}, Spent(), values, {}, ("an earlier complaint",))


def _events(machine: Machine, state: Work | Wait) -> Iterator[tuple[Ended | Elapsed, bool]]:
    """Give each event that can happen in `state`, and whether a retry's pause is under way then."""
    if isinstance(state, Wait):
        yield Elapsed(state.duration_us), False
        return
    for label in state.labels or (None,):
        yield Ended("success", label, {"sample": "new"}, elapsed_us=7), False
        yield Ended("success", label, {"sample": "new"}, use=(0, 0, 0)), False
    ways = machine.outgoing[state.name]
    for outcome in dict.fromkeys(way.on for way in ways if way.on != "success"):
        complaints = ("a complaint",) if outcome == "invalid" else ()
        rejected = "rejected" if outcome == "invalid" else None
        for use in (None, (1, 2, 3)):
            yield Ended(outcome, None, rejected, "a message", complaints, use, 11, None, 0.25), False
        if outcome == "transient":
            for wish in (0, 1_000, 10**9):
                yield Ended(outcome, message="busy", retry_after_us=wish, draw=0.99), False
    if any(way.pause is not None for way in ways):
        yield Elapsed(13), True


def _counts(machine: Machine, state: Work | Wait) -> Iterator[dict[str, int]]:
    """Give each counter that matters here at 0, just below its cap and at it; the others at 0 or full."""
    names = sorted({name for way in _near(machine, state) for name in way.below})
    full = {name: counter.cap for name, counter in machine.counters.items()}
    yield {}
    yield full
    for name in names:
        cap = machine.counters[name].cap
        for count in sorted({cap - 1, cap}):
            for others in ({}, full):
                yield {key: n for key, n in {**others, name: count}.items() if n}


def _near(machine: Machine, state: Work | Wait) -> Iterator[Transition]:
    """Give the ways out of `state`, and of the choices that they lead to."""
    found = [state.name]
    for name in found:
        for way in machine.outgoing[name]:
            yield way
            if isinstance(machine.states[way.target], Choice) and way.target not in found:
                found.append(way.target)


def _ledgers(machine: Machine, state: Work | Wait, event: Ended | Elapsed) -> Iterator[Spent]:
    """Give ledgers that leave exactly enough, or one too little, for what may come next."""
    caps = machine.caps
    if caps == Caps():
        return
    used = _used(state, event)
    nexts = [state.name, *(way.target for way in _near(machine, state))]
    for name in dict.fromkeys(nexts):
        following = machine.states[name]
        if not isinstance(following, Work | Wait):
            continue
        needs = Resources(time_us=following.duration_us) if isinstance(following, Wait) else None
        if needs is None:
            assert isinstance(following, Work)
            needs = following.cost + Resources(steps=1, time_us=1)
        asides = [Resources()] if following.reserve else [machine.reserve]
        for resource, cap in enumerate(caps.amounts()):
            if cap is None:
                continue
            for aside in asides:
                left = cap - needs.amounts()[resource] - aside.amounts()[resource] - used[resource]
                for amount in (left - 1, left, left + 1):
                    if amount >= 0:
                        ledger = [0, 0, 0, 0, 0]
                        ledger[resource] = amount
                        yield Spent(*ledger)


def _used(state: Work | Wait, event: Ended | Elapsed) -> tuple[int, int, int, int, int]:
    if isinstance(event, Elapsed) or isinstance(state, Wait):
        return (0, 0, 0, 0, event.elapsed_us)
    cost = state.cost
    use = event.use or (cost.tool_calls, cost.tokens, cost.micro_usd)
    return (1, *use, event.elapsed_us)


def _valuations(machine: Machine, state: Work | Wait) -> Iterator[dict[str, Any]]:
    """Give values that decide the guards of the choices that `state` leads to, and absent ones."""
    yield {}
    guards = [way.when for way in _near(machine, state) if way.when is not None]
    yield from _assignments(guards)


def _inputs(machine: Machine) -> Iterator[Any]:
    yield {"sample": "input"}
    start = machine.states[machine.start]
    if isinstance(start, Choice):
        guards = [way.when for way in machine.outgoing[start.name] if way.when is not None]
        for values in _assignments(guards):
            if "input" in values:
                yield values["input"]


def _assignments(guards: Iterable[Guard]) -> Iterator[dict[str, Any]]:
    """Give assignments of the guards' paths to their literals and those literals' neighbours."""
    wanted: dict[tuple[str, ...], list[Any]] = {}
    for guard in guards:
        for path, candidates in _candidates(guard):
            known = wanted.setdefault((path.root, *path.path), [])
            known += [
                c for c in candidates if not any(c is k or (type(c) is type(k) and c == k) for k in known)
            ]
    for chosen in itertools.islice(itertools.product(*wanted.values()), MOST_VALUATIONS):
        values: dict[str, Any] = {}
        for names, value in zip(wanted, chosen, strict=True):
            _put(values, names, value)
        yield values


def _put(values: dict[str, Any], names: tuple[str, ...], value: Any) -> None:
    *way, last = names
    for name in way:
        inner = values.get(name)
        if not isinstance(inner, dict):
            inner = values[name] = {}
        values = inner
    values[last] = value


def _candidates(guard: Guard) -> Iterator[tuple[Path, list[Any]]]:
    match guard:
        case Truth(of=path):
            yield path, [True, False, None]
        case Not(operand=operand):
            yield from _candidates(operand)
        case All(operands=operands) | AnyOf(operands=operands):
            for operand in operands:
                yield from _candidates(operand)
        case Within(left=left, items=items):
            yield from _of(left, list(items))
        case Compare(left=left, right=right):
            literals = [side.value for side in (left, right) if isinstance(side, Value)]
            yield from _of(left, literals)
            yield from _of(right, literals)


def _of(operand: Operand, literals: list[Any]) -> Iterator[tuple[Path, list[Any]]]:
    match operand:
        case Path():
            yield operand, [*literals, *(n for x in literals for n in _neighbours(x)), None]
        case Length(of=path):
            sizes = {n for x in literals if type(x) is int for n in (x - 1, x, x + 1) if 0 <= n <= 1000}
            yield path, [["x"] * size for size in sorted(sizes or {0, 1})]


def _neighbours(literal: Any) -> list[Any]:
    match literal:
        case bool():
            return [not literal]
        case int() | float():
            return [literal - 1, literal + 1]
        case str():
            return [literal + "x", ""]
    return [0]
