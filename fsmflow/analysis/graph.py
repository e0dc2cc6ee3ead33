"""Searches of directed graphs of any depth: what can be come to, in which order, and how."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from fsmflow.machine import Transition

Node = TypeVar("Node", bound=Hashable)
Step = TypeVar("Step")


def components(nodes: Iterable[Node], edges: Mapping[Node, Sequence[Node]]) -> list[list[Node]]:
    """Give the strongly connected components (Tarjan, SIAM J. Computing 1, 1972), successors first.

    Nodes without an entry in `edges` have no successors.
    """
    index: dict[Node, int] = {}
    low: dict[Node, int] = {}
    open_nodes: dict[Node, None] = {}
    found: list[list[Node]] = []
    for root in nodes:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        open_nodes[root] = None
        pending: list[tuple[Node, Iterator[Node]]] = [(root, iter(edges.get(root, ())))]
        while pending:
            node, rest = pending[-1]
            following = next(rest, None)
            if following is None:
                pending.pop()
                if pending:
                    parent = pending[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == index[node]:
                    found.append(_close(node, open_nodes))
            elif following not in index:
                index[following] = low[following] = len(index)
                open_nodes[following] = None
                pending.append((following, iter(edges.get(following, ()))))
            elif following in open_nodes:
                low[node] = min(low[node], index[following])
    return found


def _close(node: Node, open_nodes: dict[Node, None]) -> list[Node]:
    """Take the component that `node` was the first of."""
    component: list[Node] = []
    while not component or component[-1] != node:
        component.append(open_nodes.popitem()[0])
    return component[::-1]


def ahead(start: Iterable[Node], edges: Mapping[Node, Iterable[Node]]) -> set[Node]:
    """Give what the nodes of `start` lead to, by however many edges; themselves too."""
    found = set(start)
    pending = list(found)
    while pending:
        for following in edges.get(pending.pop(), ()):
            if following not in found:
                found.add(following)
                pending.append(following)
    return found


def reverse_postorder(start: Node, edges: Mapping[Node, Sequence[Node]]) -> list[Node]:
    """Order what `start` leads to so that, but for ways back, predecessors come first."""
    order: list[Node] = []
    seen = {start}
    pending = [(start, iter(edges.get(start, ())))]
    while pending:
        node, rest = pending[-1]
        following = next((n for n in rest if n not in seen), None)
        if following is None:
            order.append(node)
            pending.pop()
        else:
            seen.add(following)
            pending.append((following, iter(edges.get(following, ()))))
    return order[::-1]


def steps_back(node: Node, start: Node, came: Mapping[Node, tuple[Node, Step]]) -> tuple[Step, ...]:
    """Give the steps from `start` to `node`, by what each node was come to from, and by which step."""
    path = []
    while node != start:
        node, step = came[node]
        path.append(step)
    return tuple(reversed(path))


def shortest_path(
    start: str, goals: Container[str], ways: Mapping[str, Iterable[Transition]]
) -> tuple[Transition, ...] | None:
    """Find the fewest transitions, at least one, from `start` to one of the `goals`.

    Breadth first; of equally short paths, the one whose transitions come first.
    """
    came: dict[str, Transition] = {}
    queue = [start]
    for name in queue:
        for way in ways.get(name, ()):
            if way.target in came:
                continue
            came[way.target] = way
            if way.target in goals:
                return _back(way.target, start, came)
            queue.append(way.target)
    return None


def _back(state: str, start: str, came: Mapping[str, Transition]) -> tuple[Transition, ...]:
    path = [came[state]]
    while path[-1].source != start:
        path.append(came[path[-1].source])
    return tuple(reversed(path))
