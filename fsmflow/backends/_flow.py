"""The shape of a machine: its spine, its loops and the order in which a reader meets its states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from fsmflow.machine import End, Machine, Transition

Pair = tuple[str, str]


def moves(machine: Machine) -> dict[str, tuple[Transition, ...]]:
    """Give the transitions of each state that lead to another one and that no budget forces."""
    return {
        name: tuple(t for t in ways if t.target != name and t.kind != "exceeded")
        for name, ways in machine.outgoing.items()
    }


def breadth_first(machine: Machine, ways: Mapping[str, Sequence[Transition]]) -> tuple[str, ...]:
    """Order the states breadth-first from the start; those that nothing reaches follow as declared."""
    order = {machine.start: None}
    queue = [machine.start]
    for name in queue:
        for way in ways[name]:
            if way.target not in order:
                order[way.target] = None
                queue.append(way.target)
    order.update(dict.fromkeys(machine.states))
    return tuple(order)


def spine(machine: Machine, ways: Mapping[str, Sequence[Transition]]) -> tuple[str, ...]:
    """Find the path of success: from the start, first-listed successes first, to an end of success.

    Where no end of success can be reached that way, it is the path to the first end that can.
    """
    fallback: tuple[str, ...] = (machine.start,)
    for path in _paths_to_ends(machine, ways):
        end = machine.states[path[-1]]
        if isinstance(end, End) and end.kind == "success":
            return path
        if len(fallback) == 1:
            fallback = path
    return fallback


def _paths_to_ends(machine: Machine, ways: Mapping[str, Sequence[Transition]]) -> Iterator[tuple[str, ...]]:
    """Walk the successes depth-first and give the path to each end, each state walked once."""
    walked = {machine.start}
    path = [machine.start]
    pending = [iter(ways[machine.start])]
    while pending:
        way = next((w for w in pending[-1] if w.kind == "success" and w.target not in walked), None)
        if way is None:
            pending.pop()
            path.pop()
            continue
        walked.add(way.target)
        path.append(way.target)
        pending.append(iter(ways[way.target]))
        if isinstance(machine.states[way.target], End):
            yield tuple(path)


def backward(
    order: Sequence[str], spine: Sequence[str], ways: Mapping[str, Sequence[Transition]]
) -> set[Pair]:
    """Find the pairs that lead back to a state passed on the way, walking the spine before all else.

    Without these pairs the machine has no cycle.
    """
    onward = dict(pairwise(spine))
    back: set[Pair] = set()
    open_states: set[str] = set()
    walked: set[str] = set()
    for root in order:
        pending: list[tuple[str, Iterator[str]]] = []
        entering: str | None = root if root not in walked else None
        while entering is not None or pending:
            if entering is not None:
                walked.add(entering)
                open_states.add(entering)
                targets = [way.target for way in ways[entering]]
                first = [onward[entering]] if entering in onward else []
                pending.append((entering, iter(first + targets)))
                entering = None
            name, targets_left = pending[-1]
            for target in targets_left:
                if target in open_states:
                    back.add((name, target))
                elif target not in walked:
                    entering = target
                    break
            else:
                open_states.discard(name)
                pending.pop()
    return back


def components(order: Sequence[str], ways: Mapping[str, Sequence[Transition]]) -> dict[str, int]:
    """Number the strongly connected components: states of one number can reach one another.

    Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1(2), 1972, without recursion.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    component: dict[str, int] = {}
    stack: list[str] = []
    for root in order:
        if root in index:
            continue
        pending: list[tuple[str, Iterator[Transition]]] = [(root, iter(ways[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        while pending:
            name, ways_left = pending[-1]
            for way in ways_left:
                target = way.target
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    pending.append((target, iter(ways[target])))
                    break
                if target not in component:
                    low[name] = min(low[name], index[target])
            else:
                pending.pop()
                if pending:
                    parent = pending[-1][0]
                    low[parent] = min(low[parent], low[name])
                if low[name] == index[name]:
                    while component.get(name) is None:
                        component[stack.pop()] = index[name]
    return component
