"""What a run to success must at least be allowed to use, at full declared cost.

Amounts of one resource at a time. Attempts take time, but need not; only waits take it for certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from attrs import frozen

from fsmflow.machine import End, Machine, State, Transition, Wait, Work


@frozen
class HappyPath:
    """A cheapest way from the start to an end of success, and what it takes before the reserve."""

    path: tuple[Transition, ...]
    amount: int


def happy_path(machine: Machine, resource: int) -> HappyPath | None:
    """Find a cheapest way over successes alone (Dijkstra, 1959), if there is one at all.

    Args:
        machine: The machine.
        resource: The index of the resource in `Resources.amounts`.
    """
    if machine.start not in machine.states:
        return None
    position = {name: number for number, name in enumerate(machine.states)}
    best = {machine.start: _amount(machine.states[machine.start], resource)}
    came: dict[str, Transition] = {}
    queue = [(best[machine.start], position[machine.start], machine.start)]
    done: set[str] = set()
    while queue:
        amount, _, name = heappop(queue)
        if name in done:
            continue
        done.add(name)
        state = machine.states[name]
        if isinstance(state, End):
            if state.kind == "success":
                return HappyPath(_back(name, machine.start, came), amount)
            continue
        for way in machine.outgoing[name]:
            if way.on != "success" or way.used_up is not None or way.target in done:
                continue
            after = amount + _amount(machine.states[way.target], resource)
            if way.target not in best or after < best[way.target]:
                best[way.target] = after
                came[way.target] = way
                heappush(queue, (after, position[way.target], way.target))
    return None


def unaffordable(machine: Machine) -> Iterator[tuple[str, int, int, int]]:
    """Give each state of which one attempt is above a cap, beside the reserve.

    Each with the index of the resource, the amount, and what is set aside. Steps are left to
    `happy_path`: every attempt is one.
    """
    for name, state in machine.states.items():
        if isinstance(state, End):
            continue
        for index, (cap, aside) in enumerate(
            zip(machine.caps.amounts(), machine.reserve.amounts(), strict=True)
        ):
            # A reserve that is above the cap by itself is a fault of its own.
            aside = 0 if state.reserve else aside
            amount = _use(state)[index]
            if index and cap is not None and amount and aside <= cap < amount + aside:
                yield name, index, amount, aside


def _use(state: State) -> tuple[int, int, int, int, int]:
    match state:
        case Work(cost=cost):
            return (1, cost.tool_calls, cost.tokens, cost.micro_usd, 0)
        case Wait(duration_us=duration):
            return (0, 0, 0, 0, duration)
    return (0, 0, 0, 0, 0)


def _amount(state: State, resource: int) -> int:
    """Give what a state adds; in the reserve, nothing beyond what is set aside."""
    return 0 if isinstance(state, End) or state.reserve else _use(state)[resource]


def _back(end: str, start: str, came: dict[str, Transition]) -> tuple[Transition, ...]:
    path: list[Transition] = []
    while end != start:
        path.append(came[end])
        end = path[-1].source
    return tuple(reversed(path))
