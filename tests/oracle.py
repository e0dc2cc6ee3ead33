"""What a machine can do, found by trying everything: no counter machine, no bound, no search under a bound.

Every attempt is ended in every way, with every amount from 0 to what it declares, of steps from 1; every
question gets every answer, and none; every pause is as short and as long as it can be. So it is for
machines with a few states and tiny amounts.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from fsmflow import semantics
from fsmflow.machine import Machine, Work
from fsmflow.runtime import Elapsed, Ended
from fsmflow.runtime.events import Event
from fsmflow.semantics import Attempt, Command, Finish, Question

JUST_BELOW_ONE = 1 - 2**-53

Totals = tuple[int, int, int, int, int, int]
Key = tuple[object, ...]


class TooLarge(Exception):
    """There are too many configurations to try them all."""


def worst(machine: Machine, *, most: int = 60_000) -> Totals | None:
    """Give the most that any run uses: transitions, steps, and the four resources; None if one has no end.

    Raises:
        TooLarge: There are more than `most` configurations.
    """
    advance = semantics.launch(machine, None)
    start = _key(machine, advance)
    begun: Totals = (len(advance.taken), 0, 0, 0, 0, 0)
    found: dict[Key, Totals | None] = {start: None}
    onward: list[tuple[Key, Iterator[tuple[Totals, semantics.Advance]], list[Totals]]] = [
        (start, _following(machine, advance), [])
    ]
    while onward:
        key, following, totals = onward[-1]
        step = next(following, None)
        if step is None:
            found[key] = tuple(max(column) for column in zip(*totals, strict=True)) if totals else (0,) * 6
            onward.pop()
            if onward:
                _, _, above = onward[-1]
                above[-1] = _sum(above[-1], found[key])
            continue
        used, after = step
        totals.append(used)
        target = _key(machine, after)
        if target not in found:
            if len(found) >= most:
                raise TooLarge
            found[target] = None
            onward.append((target, _following(machine, after), []))
        elif found[target] is None:
            return None
        else:
            totals[-1] = _sum(used, found[target])
    return _sum(begun, found[start])


def _sum(one: Totals, other: Totals | None) -> Totals:
    assert other is not None
    return tuple(a + b for a, b in zip(one, other, strict=True))  # type: ignore[return-value]


def _key(machine: Machine, advance: semantics.Advance) -> Key:
    """Give what the future of a run depends on: values aside, for guards are not in these machines."""
    now, (command,) = advance.configuration, advance.commands
    pause_us = command.duration_us if isinstance(command, semantics.Pause) else 0
    caps = machine.caps.amounts()
    spent = tuple(used if cap is not None else 0 for used, cap in zip(now.spent, caps, strict=True))
    return (
        now.state,
        now.pausing,
        pause_us,
        tuple(sorted((n, c) for n, c in now.counts.items() if c)),
        spent,
    )


def _following(machine: Machine, advance: semantics.Advance) -> Iterator[tuple[Totals, semantics.Advance]]:
    before = advance.configuration
    for event in _events(machine, advance.commands[0]):
        after = semantics.advance(machine, before, event)
        spent = (a - b for a, b in zip(after.configuration.spent, before.spent, strict=True))
        yield (len(after.taken), *spent), after  # type: ignore[misc]


def _events(machine: Machine, command: Command) -> Iterator[Event]:
    if isinstance(command, Finish):
        return
    if isinstance(command, semantics.Pause):
        yield Elapsed(command.duration_us)
        return
    if isinstance(command, Question):
        ways = machine.outgoing[command.state]
        yield from (Ended(on, label) for on, label in dict.fromkeys((way.on, way.label) for way in ways))
        return
    yield from _endings(machine, command)


def _endings(machine: Machine, command: Attempt) -> Iterator[Event]:
    """Give all the ways in which an attempt may end."""
    state = machine.states[command.state]
    assert isinstance(state, Work)
    ways = machine.outgoing[state.name]
    # Children see to their own time; the deadline of an attempt that runs them is the run's alone.
    longest = min((at for at in (command.deadline_us, state.timeout_us) if at is not None), default=0)
    by_run = command.deadline_us == longest and longest != state.timeout_us
    capped = [cap is not None for cap in machine.caps.amounts()]
    steps = range(1, state.steps + 1) if capped[0] else (state.steps,)
    amounts = [range(cost + 1) if capped[1 + n] else (cost,) for n, cost in enumerate(command.cost)]
    times = range(longest + 1) if capped[4] else (longest,)
    pause = next((way.pause for way in ways if way.pause is not None), None)
    wishes: tuple[int | None, ...] = (None,)
    if pause is not None and pause.retry_after:
        wishes = (None, pause.cap_us, pause.cap_us + 1)
    for took, *use in itertools.product(steps, *amounts):
        for elapsed in times:
            for on, label in dict.fromkeys((way.on, way.label) for way in ways):
                if on == "exceeded":
                    continue
                draws = (0.0, JUST_BELOW_ONE) if on == "transient" else (0.0,)
                for wish in wishes if on == "transient" else (None,):
                    for draw in draws:
                        yield Ended(on, label, None, "", (), tuple(use), elapsed, wish, draw, took)
        if by_run and capped[4] and state.effect != "once":
            yield Ended("exceeded", None, None, "", (), tuple(use), longest, steps=took)
