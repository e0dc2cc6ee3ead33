"""Which states a run can visit more than once, and which transitions lie on a way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from fsmflow.analysis.graph import components, shortest_path
from fsmflow.machine import Machine, Transition


@frozen
class Cycles:
    """The cycles of a machine's visits, by what the graph alone allows.

    A retry and a re-ask stay in their visit and make no cycle. Neither does `exceeded`: where it
    leads is either an end or a region without loops, or a fault of its own.

    Attributes:
        revisited: The states that lie on a cycle.
    """

    revisited: frozenset[str]
    _component: Mapping[str, int] = field(repr=False)
    _ways: Mapping[str, Sequence[Transition]] = field(repr=False)

    @classmethod
    def of(cls, machine: Machine) -> Cycles:
        """Find the strongly connected components of the visits."""
        ways = {
            name: [way for way in found if not way.same_visit and way.kind != "exceeded"]
            for name, found in machine.outgoing.items()
        }
        edges = {name: [way.target for way in found] for name, found in ways.items()}
        component: dict[str, int] = {}
        revisited: set[str] = set()
        for number, group in enumerate(components(machine.states, edges)):
            component.update(dict.fromkeys(group, number))
            if len(group) > 1 or group[0] in edges[group[0]]:
                revisited.update(group)
        return cls(frozenset(revisited), component, ways)

    def has(self, way: Transition) -> bool:
        """Tell whether `way` may be taken more than once in a run."""
        if way.same_visit:
            return True
        return way.kind != "exceeded" and self._component[way.source] == self._component[way.target]

    def way_back(self, state: str) -> tuple[Transition, ...]:
        """Give a shortest way from `state`, which is revisited, back to itself."""
        path = shortest_path(state, (state,), self._ways)
        assert path is not None
        return path
