"""Random events, drawn near the edges: ledgers that just fill a cap, pauses that just fit."""

from __future__ import annotations

from random import Random

from fsmflow.machine import Ask, Machine, Resources, Wait, Work
from fsmflow.runtime import Configuration, Elapsed, Ended, Late, Lost
from fsmflow.runtime.events import Event
from fsmflow.semantics import Advance, Attempt, Command, Finish, Pause, Question
from tests.strategies import plain

_OUTCOMES = ("success",) * 5 + ("transient",) * 3 + ("invalid",) * 2 + ("failure", "exceeded", "unknown")


def draw_event(random: Random, machine: Machine, now: Configuration, command: Command) -> Event:
    """Draw something that can happen while `command` is being carried out."""
    assert not isinstance(command, Finish)
    if random.random() < 0.02:
        return Late((random.randint(0, 2), random.randint(0, 400), 0))
    if isinstance(command, Question):
        return answer(random, machine, command)
    if isinstance(command, Attempt) and random.random() < 0.02:
        return Lost(random.choice((0, 1_000)))
    if not isinstance(command, Attempt):
        return Elapsed(command.duration_us + random.choice((0, 0, 0, 50, _edge(random, machine, now, 4))))
    return _ended(random, machine, now, command)


def honest(random: Random, machine: Machine, advance: Advance) -> Event:
    """Draw what may happen next: an attempt uses no more than its cost, its timeout and the time left."""
    command = advance.commands[0]
    if isinstance(command, Pause):
        return Elapsed(command.duration_us)
    if isinstance(command, Question):
        return answer(random, machine, command)
    assert isinstance(command, Attempt)
    state = machine.states[command.state]
    assert isinstance(state, Work)
    # Children end in their own time; the deadline is the run's alone.
    ends = [at for at in (command.deadline_us, state.timeout_us) if at is not None]
    longest = min(ends, default=1_000_000)
    possible = {way.on for way in machine.outgoing[state.name]}
    if command.deadline_us is None or state.timeout_us == longest:
        possible.discard("exceeded")
    outcome = random.choice(sorted(possible))
    most = random.random() < 0.5
    use = tuple(cost if most else random.randint(0, cost) for cost in command.cost)
    return Ended(
        outcome,
        label=random.choice(state.labels) if outcome == "success" and state.labels else None,
        value=plain(random),
        use=use,
        elapsed_us=longest if outcome == "exceeded" or most else random.randint(0, longest),
        retry_after_us=random.choice((None, None, 10**9)),
        draw=random.choice((0.0, 0.999)),
        steps=state.steps if most else random.randint(1, state.steps),
    )


def answer(random: Random, machine: Machine, question: Question) -> Ended:
    """Draw what a person says, or that nobody did."""
    state = machine.states[question.state]
    assert isinstance(state, Ask)
    elapsed = random.choice((0, 1_000, 10**9))
    if random.random() < 0.3:
        return Ended("failure", message="nobody answered in time", elapsed_us=elapsed)
    label = random.choice(state.labels) if state.labels else None
    return Ended("success", label, label if state.gives is None else plain(random), elapsed_us=elapsed)


def _ended(random: Random, machine: Machine, now: Configuration, attempt: Attempt) -> Ended:
    state = machine.states[attempt.state]
    assert isinstance(state, Work)
    possible = {way.on for way in machine.outgoing[state.name]}
    outcome = random.choice([outcome for outcome in _OUTCOMES if outcome in possible])
    longest = 1_000_000 if attempt.deadline_us is None else max(attempt.deadline_us, 0)
    elapsed = random.choice((0, random.randint(0, longest), longest, _edge(random, machine, now, 4)))
    return Ended(
        outcome,
        label=random.choice(state.labels) if outcome == "success" and state.labels else None,
        value=plain(random),
        message=random.choice(("", "a message")),
        complaints=tuple(f"complaint {n}" for n in range(random.randint(0, 2)) if outcome == "invalid"),
        use=_use(random, machine, now, attempt),
        elapsed_us=elapsed,
        retry_after_us=_wish(random, machine, now, state, elapsed) if outcome == "transient" else None,
        draw=random.choice((0.0, random.random(), 0.999)),
        steps=_steps(random, machine, now, state),
    )


def _steps(random: Random, machine: Machine, now: Configuration, state: Work) -> int:
    """Give how many steps an attempt was: all that its children may use, few, or about what fills a cap."""
    if state.steps == 1:
        return 1
    near = max(1, min(state.steps, _edge(random, machine, now, 0)))
    return random.choice((1, state.steps, near, random.randint(1, state.steps)))


def _use(
    random: Random, machine: Machine, now: Configuration, attempt: Attempt
) -> tuple[int, int, int] | None:
    charged = random.choice((None, None, attempt.cost, (0, 0, 0), "near"))
    if charged != "near":
        return charged
    one = random.randint(1, 3)
    return tuple(
        _edge(random, machine, now, n) if n == one else cost for n, cost in enumerate(attempt.cost, 1)
    )


def _edge(random: Random, machine: Machine, now: Configuration, resource: int) -> int:
    """Give an amount that leaves exactly enough of a resource for a state to come, or one off."""
    cap = machine.caps.amounts()[resource]
    if cap is None:
        return 0
    name = random.choice([now.state, *(way.target for way in machine.outgoing[now.state])])
    state = machine.states[name]
    need = Resources()
    if isinstance(state, Work):
        need = state.cost + Resources(steps=1, time_us=1)
    elif isinstance(state, Wait):
        need = Resources(time_us=state.duration_us)
    aside = Resources() if getattr(state, "reserve", True) else machine.reserve
    room = cap - now.spent[resource] - (need + aside).amounts()[resource]
    return max(0, room + random.choice((-1, 0, 0, 1)))


def _wish(random: Random, machine: Machine, now: Configuration, state: Work, elapsed: int) -> int | None:
    """Give what a server may ask for: about the longest pause, or about the time that is left."""
    pauses = [way.pause for way in machine.ways(state.name, "transient") if way.pause is not None]
    wishes: list[int | None] = [None, None, 0, 10**9]
    wishes += [pause.cap_us + more for pause in pauses for more in (-1, 0, 1)]
    if machine.caps.time_us is not None:
        aside = 0 if state.reserve else machine.reserve.time_us
        left = machine.caps.time_us - now.spent.time_us - elapsed - aside
        wishes += [max(0, left + more) for more in (-1, 0, 1)]
    return random.choice(wishes)
