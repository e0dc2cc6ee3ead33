"""Which counters still matter where: configurations that differ in others alone behave alike.

Liveness by a backward search, as of variables in a program (Kildall, POPL 1973).
"""

from __future__ import annotations

from fsmflow.analysis.graph import reverse_postorder
from fsmflow.analysis.proving.counter_machine import CounterMachine


def live_masks(machine: CounterMachine) -> list[int]:
    """Give, for each state, a number whose bit `c` is 1 if counter `c` may be read before it is set back.

    One number for a set of counters keeps 10,000 states with as many counters within memory.
    """
    reads, kept = [], []
    for edge in machine.edges:
        reads.append(sum(1 << c for c, lo, hi in edge.guards if lo > 0 or hi < machine.caps[c]))
        kept.append(~sum(1 << c for c in edge.resets))
    ahead = dict.fromkeys(onward(machine))
    order = [*ahead, *(state for state in range(len(machine.states)) if state not in ahead)][::-1]
    live = [0] * len(machine.states)
    changed = True
    while changed:
        changed = False
        for state in order:
            found = live[state]
            for number in machine.outgoing[state]:
                found |= reads[number] | live[machine.edges[number].target] & kept[number]
            if found != live[state]:
                live[state] = found
                changed = True
    return live


def live_counters(machine: CounterMachine) -> tuple[frozenset[int], ...]:
    """Give, for each state, the counters whose value may be read before it is set back."""
    return tuple(frozenset(bits(mask)) for mask in live_masks(machine))


def onward(machine: CounterMachine) -> list[int]:
    """Order what the start leads to so that, but for ways back, predecessors come first."""
    targets = {
        state: [machine.edges[number].target for number in machine.outgoing[state]]
        for state in range(len(machine.states))
    }
    return reverse_postorder(machine.start, targets)


def bits(mask: int) -> list[int]:
    """Give the places at which a number has a bit that is 1, ascending."""
    found: list[int] = []
    while mask:
        lowest = mask & -mask
        found.append(lowest.bit_length() - 1)
        mask ^= lowest
    return found
