"""Which values a step's arguments are made of: they cross as data, and are structured and read again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fsmflow.expressions import references
from fsmflow.machine import Ask, Machine, Work
from fsmflow.runtime.events import Ended, Event
from fsmflow.runtime.run import Configuration


def needed(state: Work) -> tuple[str, ...]:
    """Give the names of the values that an attempt takes, for its arguments and its key, in order."""
    return tuple(dict.fromkeys(_named(state)))


def _named(state: Work) -> Iterator[str]:
    for _, template in state.arguments:
        yield from (each.root for each in references(template))
    if state.key is not None:
        yield from (each.root for each in references(state.key))


def own_value(
    machine: Machine, before: Configuration, event: Event | None, now: Configuration, kept: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Give the value of the present state as it was when the state was entered, if it had one.

    Entering clears it once the arguments are read, which may be made of it.

    Args:
        machine: The machine.
        before: Where the run stood.
        event: What happened then.
        now: Where it stands.
        kept: What this gave before.
    """
    state = machine.states[now.state]
    if not isinstance(state, Work | Ask):
        return {}
    entered = sum(
        now.visits.get(name, 0) - before.visits.get(name, 0)
        for name, each in machine.states.items()
        if isinstance(each, Work | Ask) and each.value == state.value
    )
    if not entered:
        return kept
    values = dict(before.values)
    last = machine.states.get(before.state)
    if isinstance(event, Ended) and event.outcome == "success" and isinstance(last, Work | Ask):
        values[last.value] = event.value
    # A state that was entered on the way, and could not begin, has cleared it before.
    return {state.value: values[state.value]} if entered == 1 and state.value in values else {}
