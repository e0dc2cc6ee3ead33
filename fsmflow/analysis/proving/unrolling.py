"""Unrolling: counters made part of the states, so that what depends on their values is exact."""

from __future__ import annotations

from collections import deque

from attrs import evolve

from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge


def unroll(machine: CounterMachine, counters: tuple[int, ...], *, limit: int) -> CounterMachine | None:
    """Give the machine whose states are those of `machine`, each with the exact values of some counters.

    A state is named `s|c=k|d=j`, in the order of `counters`. Counters keep their numbers, and edges their
    guards, narrowed to the value where it is known. Only what some values of the other counters could
    reach is there, in the order in which it is found, breadth first; the start comes first.

    Args:
        machine: The machine.
        counters: The counters to unroll.
        limit: The most states to make.

    Returns:
        The machine, or None if it has more than `limit` states.
    """
    start = (machine.start, (0,) * len(counters))
    numbers = {start: 0}
    origins: list[tuple[int, tuple[int, ...]]] = [start]
    pending = deque([start])
    edges: list[Edge] = []
    while pending:
        place = pending.popleft()
        state, values = place
        known = dict(zip(counters, values, strict=True))
        for number in machine.outgoing[state]:
            edge = machine.edges[number]
            if any(c in known and not lo <= known[c] <= hi for c, lo, hi in edge.guards):
                continue
            following = (
                edge.target,
                tuple(0 if c in edge.resets else known[c] + (c in edge.increments) for c in counters),
            )
            if following not in numbers:
                if len(numbers) >= limit:
                    return None
                numbers[following] = len(numbers)
                origins.append(following)
                pending.append(following)
            guards = tuple(
                (c, known[c], known[c]) if c in known else (c, lo, hi) for c, lo, hi in edge.guards
            )
            edges.append(evolve(edge, source=numbers[place], target=numbers[following], guards=guards))
    return CounterMachine(
        states=tuple(_name(machine, state, counters, values) for state, values in origins),
        start=0,
        counters=machine.counters,
        caps=machine.caps,
        edges=tuple(edges),
        endless=frozenset(n for n, (state, _) in enumerate(origins) if state in machine.endless),
    )


def _name(machine: CounterMachine, state: int, counters: tuple[int, ...], values: tuple[int, ...]) -> str:
    parts = (f"{machine.counters[c]}={value}" for c, value in zip(counters, values, strict=True))
    return "|".join((machine.states[state], *parts))
