"""What a machine means: `step`, a pure function from a configuration and an event to the next.

This is the reference that the generated runner and the `transitions` machine are held to. It
reads the machine as data and favours plainness over speed. Nothing here sleeps, reads a clock,
draws a random number or catches a step's exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, assert_never

from fsmflow import machine as ir
from fsmflow.expressions import (
    ITEM,
    All,
    Always,
    AnyOf,
    Compare,
    Constant,
    DictTemplate,
    EachTemplate,
    Guard,
    Length,
    ListTemplate,
    Not,
    Operand,
    Path,
    Reference,
    Template,
    Truth,
    Value,
    Within,
)
from fsmflow.machine import Ask, Choice, Machine, Resources, Transition, Wait, Work
from fsmflow.runtime.backoff import Backoff
from fsmflow.runtime.events import Elapsed, Ended, Event, Late, Lost
from fsmflow.runtime.run import Configuration, Error, Limits, Spent, Unbound, shortfall
from fsmflow.runtime.values import Missing, each, ge, gt, le, length, lt, maybe, read, same, within


class Attempt(NamedTuple):
    """The command to start an attempt; it is cut off after `deadline_us` if that is not None."""

    state: str
    attempt: int
    arguments: dict[str, Any] | Unbound
    cost: tuple[int, int, int]
    deadline_us: int | None


class Question(NamedTuple):
    """The command to ask a person, who is waited for until `timeout_us` if that is not None."""

    state: str
    arguments: dict[str, Any] | Unbound
    timeout_us: int | None


class Pause(NamedTuple):
    """The command to let time pass."""

    duration_us: int


class Finish(NamedTuple):
    """The command to finish in the end `state`, giving `output`."""

    state: str
    kind: ir.EndKind
    output: Any


class Endless(ValueError):
    """Choices and refusals lead round and round, and the world never gets to act."""


Passed = set[tuple[str, tuple[tuple[str, int], ...]]]
"""Where a run went on at once, by state and counters: out of a choice, or since there was no room."""


Command = Attempt | Question | Pause | Finish


class Advance(NamedTuple):
    """How a run went on: where it stands now, what the world must do, and the transitions it took."""

    configuration: Configuration
    commands: tuple[Command, ...]
    taken: tuple[Transition, ...] = ()


def begin(machine: Machine, given: Any) -> tuple[Configuration, tuple[Command, ...]]:
    """Start a run on the input `given`."""
    configuration, commands, _ = launch(machine, given)
    return configuration, commands


def launch(machine: Machine, given: Any) -> Advance:
    """Do what `begin` does, and tell the transitions that were taken too: out of choices, at once."""
    blank = Configuration("", 0, 0, {}, {}, Spent(), {"input": given}, {})
    return _enter(machine, blank, machine.start, (), ())


def step(
    machine: Machine, configuration: Configuration, event: Event
) -> tuple[Configuration, tuple[Command, ...]]:
    """Advance a run by one event.

    Returns:
        The next configuration, and the commands that the world must carry out for it.

    Raises:
        ValueError: The event can't happen in this configuration.
    """
    following, commands, _ = advance(machine, configuration, event)
    return following, commands


def advance(machine: Machine, configuration: Configuration, event: Event) -> Advance:
    """Do what `step` does, and tell the transitions that were taken too.

    Raises:
        ValueError: The event can't happen in this configuration.
    """
    state = machine.states[configuration.state]
    match event:
        case Late():
            return Advance(configuration._replace(spent=_booked(configuration.spent, event.use)), ())
        case Lost() if isinstance(state, Work) and not configuration.pausing:
            spent = configuration.spent._replace(steps=configuration.spent.steps + state.steps)
            now = configuration._replace(spent=_booked(spent, _use(state)))
            return _attempt(machine, _after(now, event.elapsed_us), state, ())
        case Elapsed():
            later = _after(configuration, event.elapsed_us)
            if isinstance(state, Wait):
                return _take(machine, later, machine.ways(state.name, "success"), Ended("success"))
            if isinstance(state, Work) and configuration.pausing:
                again = later._replace(pausing=False, attempt=configuration.attempt + 1)
                return _attempt(machine, again, state, ())
        case Ended() if isinstance(state, Work) and not configuration.pausing:
            return _ended(machine, configuration, state, event)
        case Ended(outcome="success" | "failure") if isinstance(state, Ask):
            now = _given(configuration, state, event)
            return _take(machine, now, machine.ways(state.name, _outcome(event.outcome), event.label), event)
    raise ValueError(f"{type(event).__name__} can't happen in state {configuration.state!r}")


def _ended(machine: Machine, configuration: Configuration, state: Work, event: Ended) -> Advance:
    spent = configuration.spent._replace(steps=configuration.spent.steps + event.steps)
    spent = _booked(spent, _use(state) if event.use is None else event.use)
    now = _after(configuration._replace(spent=spent), event.elapsed_us)
    if event.outcome == "exceeded":
        return _exceed(machine, now, state, ())
    now = _given(now, state, event)
    return _take(machine, now, machine.ways(state.name, _outcome(event.outcome), event.label), event)


def _given(now: Configuration, state: Work | Ask, event: Ended) -> Configuration:
    """Set the value that a success gives."""
    if event.outcome != "success":
        return now
    return now._replace(values={**now.values, state.value: event.value})


def _outcome(outcome: str) -> ir.Outcome:
    match outcome:
        case "success" | "transient" | "invalid" | "failure" | "unknown":
            return outcome
    raise ValueError(f"{outcome!r} is no outcome of an attempt")


def _take(machine: Machine, now: Configuration, ways: Iterable[Transition], event: Ended) -> Advance:
    """Take the first transition that is enabled: count it, record a way out, and enter or stay."""
    for way in ways:
        if not _is_open(machine, now, way):
            continue
        if way.pause is not None:
            pause = _pause(machine, now, way, event)
            if pause is None:
                continue
            state = machine.states[way.source]
            assert isinstance(state, Work)
            if not _room(machine, now, state):
                return _exceed(machine, now, state, ())
            waiting = _counted(now, way.below)._replace(pausing=True)
            return Advance(waiting, (Pause(pause),), (way,))
        now = _counted(now, way.below)
        if way.same_visit:
            again = now._replace(attempt=now.attempt + 1, feedback=now.feedback + event.complaints)
            state = machine.states[way.source]
            assert isinstance(state, Work)
            return _attempt(machine, again, state, (way,))
        if way.kind != "success" or way.used_up is not None:
            now = _failed(now, way, event)
        return _enter(machine, now, way.target, event.complaints if way.feedback else (), (way,))
    raise ValueError(f"{event.label or event.outcome!r} leads nowhere from {now.state!r}")


def _failed(now: Configuration, way: Transition, event: Ended) -> Configuration:
    """Record the way out that is being taken, for `$error`."""
    reason = f"{way.used_up} was taken as often as it may be" if way.used_up else ""
    rejected = event.value if event.outcome == "invalid" else None
    what = event.label or event.outcome
    error = Error(now.state, what, event.message or reason, event.complaints, rejected)
    return now._replace(values={**now.values, "error": error})


def _enter(
    machine: Machine,
    now: Configuration,
    name: str,
    feedback: tuple[str, ...],
    taken: tuple[Transition, ...],
    passed: Passed | None = None,
) -> Advance:
    """Enter states until one of them needs the world to act.

    Raises:
        Endless: Choices and refusals lead round to where the run was already, and so for ever.
    """
    while True:
        visits = {**now.visits, name: now.visits.get(name, 0) + 1}
        counts = {key: count for key, count in now.counts.items() if key not in machine.resets[name]}
        now = now._replace(
            state=name,
            visit=visits[name],
            attempt=1,
            visits=visits,
            counts=counts,
            arguments={},
            feedback=feedback,
            pausing=False,
        )
        state = machine.states[name]
        match state:
            case Work() | Ask():
                arguments = _arguments(state, now.values)
                values = {key: value for key, value in now.values.items() if key != state.value}
                now = now._replace(arguments=arguments, values=values)
                if isinstance(state, Work):
                    return _attempt(machine, now, state, taken, passed)
                return Advance(now, (Question(name, arguments, state.timeout_us),), taken)
            case Wait():
                if not _room(machine, now, state):
                    return _exceed(machine, now, state, taken, passed)
                return Advance(now, (Pause(state.duration_us),), taken)
            case ir.End():
                return Advance(now, (Finish(name, state.kind, _output(state, now.values)),), taken)
            case Choice():
                passed = _past(now, passed)
                way = _choose(machine, now, state)
                now = _counted(now, way.below)
                if way.used_up is not None:
                    now = _failed(now, way, Ended("success", way.label))
                name, feedback, taken = way.target, (), (*taken, way)
            case _:
                assert_never(state)


def _past(now: Configuration, passed: Passed | None) -> Passed:
    """Add where a run stands to where it went on at once."""
    passed = set() if passed is None else passed
    place = (now.state, tuple(sorted(now.counts.items())))
    if place in passed:
        raise Endless(f"choices and refusals lead from {now.state!r} back to it for ever")
    passed.add(place)
    return passed


def _choose(machine: Machine, now: Configuration, state: Choice) -> Transition:
    """Find the arm whose guard holds first, then its first way that is not used up."""
    for way in machine.successes(state.name):
        if way.when is None or holds(way.when, now.values):
            ways = machine.ways(state.name, "success", way.label)
            return next(each for each in ways if _is_open(machine, now, each))
    raise ValueError(f"no arm of {state.name!r} holds")


def _is_open(machine: Machine, now: Configuration, way: Transition) -> bool:
    return all(now.counts.get(name, 0) < machine.counters[name].cap for name in way.below)


def _attempt(
    machine: Machine,
    now: Configuration,
    state: Work,
    taken: tuple[Transition, ...],
    passed: Passed | None = None,
) -> Advance:
    """Start an attempt, if every cap leaves room for it beside the reserve."""
    if not _room(machine, now, state):
        return _exceed(machine, now, state, taken, passed)
    deadline = state.timeout_us if state.children is None else None
    if machine.caps.time_us is not None:
        left = machine.caps.time_us - now.spent.time_us - _reserve(machine, state).time_us
        deadline = left if deadline is None else min(deadline, left)
    return Advance(now, (Attempt(state.name, now.attempt, now.arguments, _use(state), deadline),), taken)


def _exceed(
    machine: Machine,
    now: Configuration,
    state: Work | Wait,
    taken: tuple[Transition, ...],
    passed: Passed | None = None,
) -> Advance:
    passed = _past(now, passed)
    (way,) = machine.ways(state.name, "exceeded")
    limits = Limits(*machine.caps.amounts())
    reserve = Spent(*_reserve(machine, state).amounts())
    needs = Spent(*state.needs.amounts())
    error = Error(now.state, "exceeded", shortfall(now.spent, limits, reserve, needs))
    now = now._replace(values={**now.values, "error": error})
    return _enter(machine, now, way.target, (), (*taken, way), passed)


def _room(machine: Machine, now: Configuration, state: Work | Wait) -> bool:
    """Tell whether what the state needs fits under every cap, beside the reserve."""
    needs, aside = state.needs.amounts(), _reserve(machine, state).amounts()
    return all(
        cap is None or used + need + kept <= cap
        for cap, used, need, kept in zip(machine.caps.amounts(), now.spent, needs, aside, strict=True)
    )


def _pause(machine: Machine, now: Configuration, way: Transition, event: Ended) -> int | None:
    """Give the pause before this retry; None if it is too long to be waited for."""
    state = machine.states[way.source]
    assert way.pause is not None
    assert isinstance(state, Work)
    backoff = Backoff(
        way.pause.first_us,
        way.pause.factor,
        way.pause.cap_us,
        way.pause.jitter == "full",
        way.pause.retry_after,
    )
    pause = backoff.pause(now.counts.get(way.below[0], 0) + 1, event.draw, event.retry_after_us)
    if pause is None or machine.caps.time_us is None:
        return pause
    left = machine.caps.time_us - now.spent.time_us - _reserve(machine, state).time_us
    return pause if pause < left else None


def _reserve(machine: Machine, state: Work | Wait) -> Resources:
    return Resources() if state.reserve else machine.reserve


def _use(state: Work) -> tuple[int, int, int]:
    return (state.cost.tool_calls, state.cost.tokens, state.cost.micro_usd)


def _booked(spent: Spent, use: tuple[int, int, int]) -> Spent:
    return spent._replace(
        tool_calls=spent.tool_calls + use[0], tokens=spent.tokens + use[1], micro_usd=spent.micro_usd + use[2]
    )


def _after(now: Configuration, elapsed_us: int) -> Configuration:
    return now._replace(spent=now.spent._replace(time_us=now.spent.time_us + elapsed_us))


def _counted(now: Configuration, names: tuple[str, ...]) -> Configuration:
    counts = dict(now.counts)
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return now._replace(counts=counts)


def _arguments(state: Work | Ask, values: dict[str, Any]) -> dict[str, Any] | Unbound:
    try:
        return {name: resolve(template, values) for name, template in state.arguments}
    except Missing as missing:
        return Unbound(str(missing))


def _output(state: ir.End, values: dict[str, Any]) -> Any:
    try:
        return resolve(state.output, values)
    except Missing as missing:
        return Unbound(str(missing))


def resolve(template: Template, values: Mapping[str, Any]) -> Any:
    """Fill the references in `template`.

    Raises:
        Missing: One of them leads nowhere.
    """
    match template:
        case Constant(value=value):
            return value
        case Reference(root=root, path=path, or_null=True):
            return maybe(values, root, *path)
        case Reference(root=root, path=path):
            return read(values, root, *path)
        case ListTemplate(items=items):
            return [resolve(item, values) for item in items]
        case DictTemplate(items=pairs):
            return {key: resolve(item, values) for key, item in pairs}
        case EachTemplate(over=over, at_most=most, item=item):
            made = item
            return each(values, resolve(over, values), most, ITEM, lambda inner: resolve(made, inner))
        case _:
            assert_never(template)


_ORDER = {"<": lt, "<=": le, ">": gt, ">=": ge}


def holds(guard: Guard, values: dict[str, Any]) -> bool:
    """Tell whether `guard` holds: total, whatever the values are."""
    match guard:
        case Always(value=value):
            return value
        case Truth(of=path):
            return maybe(values, path.root, *path.path) is True
        case Not(operand=operand):
            return not holds(operand, values)
        case All(operands=operands):
            return all(holds(operand, values) for operand in operands)
        case AnyOf(operands=operands):
            return any(holds(operand, values) for operand in operands)
        case Within(left=left, items=items):
            return within(_operand(left, values), items)
        case Compare(operator=("==" | "!=") as sign, left=left, right=right):
            return same(_operand(left, values), _operand(right, values)) is (sign == "==")
        case Compare(operator=sign, left=left, right=right):
            return _ORDER[sign](_operand(left, values), _operand(right, values))
        case _:
            assert_never(guard)


def _operand(operand: Operand, values: dict[str, Any]) -> Any:
    match operand:
        case Value(value=value):
            return value
        case Path(root=root, path=path):
            return maybe(values, root, *path)
        case Length(of=path):
            return length(maybe(values, path.root, *path.path))
        case _:
            assert_never(operand)
