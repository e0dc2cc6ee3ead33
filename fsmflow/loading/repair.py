"""Edits that lead past faults, done to a copy of a document's tree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import field, frozen

from fsmflow.loading.faults import Cure, Drop, Put, Rename
from fsmflow.source import Route


@frozen
class Repaired:
    """A tree to structure next.

    Attributes:
        tree: The edited copy.
        written: Where a renamed key really stands, by the route it now has.
        damaged: Of what something was lost: a state, a policy, a profile, a top-level key.
    """

    tree: Any
    written: dict[Route, Route] = field(factory=dict)
    damaged: frozenset[Route] = frozenset()

    def origin(self, route: Route) -> Route:
        """Give the route in the text of what is at `route` in the tree."""
        for end in range(1, len(route) + 1):
            if route[:end] in self.written:
                route = self.written[route[:end]] + route[end:]
        return route


def repair(before: Repaired, cures: Iterable[Cure]) -> Repaired:
    """Do the edits; what `before` holds stays as it is."""
    fresh: dict[int, Any] = {}
    written, damaged = dict(before.written), set(before.damaged)
    tree = _own(before.tree, fresh)
    for cure in cures:
        parent: Any = tree
        for step in cure.route[:-1]:
            parent[step] = _own(parent[step], fresh)
            parent = parent[step]
        last = cure.route[-1]
        match cure:
            case Put(value=value):
                parent[last] = value
            case Drop():
                parent.pop(last, None)
            case Rename(key=key):
                parent[key] = parent.pop(last)
                written[(*cure.route[:-1], key)] = cure.route
        if not isinstance(cure, Rename):
            damaged.add(_piece(cure.route))
    return Repaired(tree, written, frozenset(damaged))


def _own(node: Any, fresh: dict[int, Any]) -> Any:
    """Give a copy of a container that may be edited: itself, if it is one already."""
    if id(node) in fresh:
        return node
    made = node.copy()
    fresh[id(made)] = made
    return made


def _piece(route: Route) -> Route:
    return route[:2] if route[0] in ("states", "policies", "profiles", "prices") else route[:1]
