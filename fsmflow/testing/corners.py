"""Every corner of a machine: one step from each place where a cap, a budget or a guard decides.

Random runs seldom stand right at an edge, and some edges no run of a sound workflow ever reaches.
So the corners are counted out: each state, each outcome, each counter just below and at its cap,
each budget with exactly enough left and with one too little, each pause that just fits, each guard's
literals and their neighbours, values that are there and that are not. Caps and budgets are looked at
once more for each way that guards can take. A corner is a configuration
and an event; the reference meaning says where the run must stand then, and what it must command.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attrs import frozen

from fsmflow import semantics
from fsmflow.analysis.proving.valuations import Names, assignments, merged, shaped
from fsmflow.expressions import EachTemplate, Reference, paths, references
from fsmflow.machine import Ask, Caps, Choice, End, Machine, Resources, Transition, Wait, Work
from fsmflow.runtime import Configuration, Elapsed, Ended, Spent
from fsmflow.runtime.run import Error
from fsmflow.testing.commands import spoken
from fsmflow.testing.subject import Subject

# The largest draw there is: with it a pause is all but its full length, to the microsecond.
_JUST_BELOW_ONE = 1 - 2**-53

Standing = tuple[Configuration, semantics.Command]
"""Where a run stands, and what it commands there."""


@frozen
class Decision:
    """What the reference meaning decides at one corner.

    Attributes:
        before: Where the run stands; None if it is about to begin.
        event: What happens; the input, if the run is about to begin.
        expected: Where the run must stand then, and what it must command.
    """

    before: Configuration | None
    event: Any
    expected: Standing


@frozen
class Corner:
    """One step from a decisive place.

    Attributes:
        before: Where the run stands; None if it is about to begin.
        event: What happens; the input, if the run is about to begin.
        expected: Where the run must stand then, and what it must command, by the reference meaning.
        actual: Where the generated runner puts it, and what it commands.
    """

    before: Configuration | None
    event: Any
    expected: Standing
    actual: Standing


def corners(subject: Subject) -> Iterator[Corner]:
    """Give every corner of `subject`, with what must follow and what does."""
    runner = subject.runner
    for decision in decisions(subject.machine):
        before, event, expected = decision.before, decision.event, decision.expected
        if before is None:
            run = runner.new_run(event)
            command = runner.begin(run)
        else:
            run = runner.restore(before)
            command = runner.step(run, event)
        yield Corner(before, event, expected, (run.configuration(), spoken(run, command)))


def decisions(machine: Machine) -> Iterator[Decision]:
    """Give every corner of `machine`, with what must follow."""
    for given in _inputs(machine):
        now, (command,) = semantics.begin(machine, given)
        yield Decision(None, given, (now, command))
    for state in machine.states.values():
        if isinstance(state, Work | Ask | Wait):
            for before, event in _places(machine, state):
                now, (command,) = semantics.step(machine, before, event)
                yield Decision(before, event, (now, command))


def _inputs(machine: Machine) -> Iterator[Any]:
    start = Transition("", "success", None, "success", machine.start)
    following = _following(machine, [start])
    whole = shaped(_read(machine, following), "old")
    yield whole.get("input")
    yield None
    for values in assignments(way.when for way in following if way.when is not None):
        if "input" in values:
            yield merged(whole, values)["input"]


def _places(machine: Machine, state: Work | Ask | Wait) -> Iterator[tuple[Configuration, Ended | Elapsed]]:
    """Give each decisive place in one state, with what happens there."""
    for event, pausing in _events(machine, state):
        following = _following(machine, _ways(machine, state, event, pausing=pausing))
        read = _read(machine, following)
        whole: dict[str, Any] = {"input": None, **shaped(read, "old")}
        if isinstance(event, Ended) and isinstance(state, Work | Ask) and event.outcome == "success":
            event = event._replace(value=shaped(read, "new").get(state.value, "new"))
        error = Error("earlier", "failure", "an earlier error")
        here = Configuration(
            state.name,
            2,
            3,
            {},
            dict.fromkeys(machine.states, 2),
            Spent(),
            {**whole, "error": error},
            {"earlier": "argument"},
            ("heard",),
            pausing,
        )
        for values in ({"input": whole["input"]}, {"input": None}):
            yield here._replace(values=values, visits={state.name: 2}), event
        ways: dict[tuple[int, ...], tuple[Configuration, Ended | Elapsed]] = {}
        for place, happens in _chosen(machine, state, here, event, following):
            yield place, happens
            taken = semantics.advance(machine, place, happens).taken
            ways.setdefault(tuple(map(id, taken)), (place, happens))
        # Behind each way through choices there are caps and budgets that only it comes to.
        for place, happens in ways.values():
            for counts in _counts(machine, following):
                yield place._replace(counts=counts), happens
            for spent in _ledgers(machine, place, happens, following):
                yield place._replace(spent=spent), happens


def _chosen(
    machine: Machine,
    state: Work | Ask | Wait,
    here: Configuration,
    event: Ended | Elapsed,
    following: Sequence[Transition],
) -> Iterator[tuple[Configuration, Ended | Elapsed]]:
    """Give a place as it is, and with the values on which the guards of what may come next turn."""
    yield here, event
    decided = assignments(way.when for way in following if way.when is not None)
    for values in itertools.chain(decided, _sized(machine, following)):
        laid = merged(here.values, values)
        if isinstance(event, Ended) and isinstance(state, Work | Ask) and event.outcome == "success":
            # The attempt's own value is set by its event, whatever stood there before.
            event = event._replace(value=laid.get(state.value, event.value))
        yield here._replace(values=laid), event


def _events(machine: Machine, state: Work | Ask | Wait) -> Iterator[tuple[Ended | Elapsed, bool]]:
    """Give each event that can happen in `state`, and whether a retry's pause is under way then."""
    if isinstance(state, Wait):
        yield Elapsed(state.duration_us), False
        return
    uses = (((0, 0, 0), ""), ((1, 2, 3), ""), (None, "a message"))
    for label in state.labels or (None,):
        for use, said in uses:
            yield Ended("success", label, None, said, ("not heard",), use, 7), False
    if isinstance(state, Work) and state.steps > 1:
        yield Ended("success", use=(0, 0, 0), steps=state.steps), False
    ways = machine.outgoing[state.name]
    for outcome in dict.fromkeys(way.on for way in ways if way.on != "success"):
        complaints = ("a complaint", "another") if outcome == "invalid" else ("not heard",)
        for use, said in uses[1:]:
            yield Ended(outcome, None, "an output", said, complaints, use, 11, None, 0.25), False
    pauses = [way.pause for way in ways if way.pause is not None]
    for pause in pauses:
        for wish in (0, 1_000, pause.cap_us, pause.cap_us + 1):
            yield Ended("transient", message="busy", retry_after_us=wish, draw=_JUST_BELOW_ONE), False
        yield Elapsed(13), True


def _ways(
    machine: Machine, state: Work | Ask | Wait, event: Ended | Elapsed, *, pausing: bool
) -> tuple[Transition, ...]:
    """Give the ways that `event` may take out of `state`."""
    exceeded = machine.ways(state.name, "exceeded")
    if pausing:
        return exceeded
    if isinstance(event, Elapsed):
        return machine.ways(state.name, "success")
    return (*(way for way in machine.outgoing[state.name] if _is_on(way, event)), *exceeded)


def _is_on(way: Transition, event: Ended) -> bool:
    return (way.on, way.label) == (event.outcome, event.label) and way.on != "exceeded"


def _following(machine: Machine, ways: Iterable[Transition]) -> list[Transition]:
    """Give `ways`, and those that may be taken right after them: out of choices, and of what does not fit."""
    found = list(ways)
    seen = set(found)
    for way in found:
        target = machine.states[way.target]
        onward = machine.ways(way.target, "exceeded")
        if isinstance(target, Choice):
            onward = machine.outgoing[way.target]
        found += [each for each in onward if each not in seen]
        seen.update(onward)
    return found


def _read(machine: Machine, following: Iterable[Transition]) -> set[Names]:
    """Give the paths that are read on `following`, and read or cleared on entering where they lead."""
    found: set[Names] = set()
    for way in following:
        state = machine.states[way.target]
        templates = [template for _, template in state.arguments] if isinstance(state, Work | Ask) else []
        if isinstance(state, Work | Ask):
            found.add((state.value,))
        if isinstance(state, End):
            templates.append(state.output)
        found.update((r.root, *r.path) for template in templates for r in references(template))
        if way.when is not None:
            found.update((path.root, *path.path) for path in paths(way.when))
    return {names for names in found if names[0] != "error"}


def _sized(machine: Machine, following: Iterable[Transition]) -> Iterator[dict[str, Any]]:
    """Give lists of as many items as a state that is entered may run children for, and of one too many."""
    for way in following:
        state = machine.states[way.target]
        for _, template in state.arguments if isinstance(state, Work) else ():
            if isinstance(template, EachTemplate) and isinstance(template.over, Reference):
                for size in (template.at_most, template.at_most + 1):
                    value: Any = [f"item {number}" for number in range(size)]
                    for name in reversed((template.over.root, *template.over.path)):
                        value = {name: value}
                    yield value


def _counts(machine: Machine, following: Iterable[Transition]) -> Iterator[dict[str, int]]:
    """Give each counter that matters at just below its cap and at it, with the others at 0 or full."""
    following = list(following)
    below = {name for way in following for name in way.below}
    full = {name: machine.counters[name].cap for way in following for name in machine.resets[way.target]}
    full |= {name: machine.counters[name].cap for name in sorted(below)}
    yield full
    for name in sorted(below):
        for count in (full[name] - 1, full[name]):
            for others in ({}, full):
                yield {key: n for key, n in {**others, name: count}.items() if n}


def _ledgers(
    machine: Machine, here: Configuration, event: Ended | Elapsed, following: Iterable[Transition]
) -> Iterator[Spent]:
    """Give ledgers that leave exactly enough, or one too little, for what may come next."""
    used = _used(machine, here, event)
    for name in dict.fromkeys([here.state, *(way.target for way in following)]):
        state = machine.states[name]
        if not isinstance(state, Work | Wait):
            continue
        aside = Resources() if state.reserve else machine.reserve
        needs = [state.needs]
        if name == here.state:
            _, commands = semantics.step(machine, here, event)
            needs += [Resources(time_us=c.duration_us) for c in commands if isinstance(c, semantics.Pause)]
        for need in needs:
            yield from _around(machine.caps, need + aside + used)


def _around(caps: Caps, amount: Resources) -> Iterator[Spent]:
    """Give ledgers that leave exactly `amount`, a unit more and a unit less; of all, and of one resource.

    One resource stands out against the others in three ways: alone too little, alone enough, and too
    little where nothing else has been used.
    """
    snug = [
        None if cap is None else max(0, cap - need)
        for cap, need in zip(caps.amounts(), amount.amounts(), strict=True)
    ]
    for more in (-1, 0, 1):
        yield _ledger(snug, [more] * 5)
    for one in range(5):
        if snug[one] is not None:
            alone = [int(number == one) for number in range(5)]
            yield _ledger(snug, alone)
            yield _ledger(snug, [1 - more for more in alone])
            yield _ledger([left if more else None for left, more in zip(snug, alone, strict=True)], alone)


def _ledger(left: list[int | None], more: list[int]) -> Spent:
    """Give the ledger with these amounts and so much more of each; None is nothing."""
    return Spent(*(0 if a is None else max(0, a + b) for a, b in zip(left, more, strict=True)))


def _used(machine: Machine, here: Configuration, event: Ended | Elapsed) -> Resources:
    """Give what `event` puts on the ledger."""
    state = machine.states[here.state]
    if isinstance(state, Ask):
        return Resources()
    if isinstance(event, Elapsed) or not isinstance(state, Work):
        return Resources(time_us=event.elapsed_us)
    _, tool_calls, tokens, micro_usd, _ = state.cost.amounts()
    if event.use is not None:
        tool_calls, tokens, micro_usd = event.use
    return Resources(event.steps, tool_calls, tokens, micro_usd, event.elapsed_us)
