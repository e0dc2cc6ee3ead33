"""Which counters still matter where: configurations that differ in others alone behave alike."""

from __future__ import annotations

from fsmflow.analysis.counter_machine import CounterMachine


def live_counters(machine: CounterMachine) -> tuple[frozenset[int], ...]:
    """Give, for each state, the counters whose value may be read before it is set back.

    Liveness by a backward search, as of variables in a program (Kildall, POPL 1973).
    """
    live: list[set[int]] = [set() for _ in machine.states]
    sources: list[list[int]] = [[] for _ in machine.states]
    for number, edge in enumerate(machine.edges):
        sources[edge.target].append(number)
        live[edge.source].update(c for c, lo, hi in edge.guards if lo > 0 or hi < machine.caps[c])
    pending = set(range(len(machine.states)))
    while pending:
        state = pending.pop()
        for number in sources[state]:
            edge = machine.edges[number]
            news = live[state].difference(edge.resets, live[edge.source])
            if news:
                live[edge.source] |= news
                pending.add(edge.source)
    return tuple(map(frozenset, live))
