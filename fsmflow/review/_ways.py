"""Which edge of a drawing each transition of a machine is part of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from fsmflow.backends.diagram import Diagram, Edge
from fsmflow.backends.overlay import Way
from fsmflow.backends.overlays.ways import Drawn
from fsmflow.machine import Machine, Transition

BUDGET = -1
"""The number of the one way from any step to where a run goes whose budget is used up."""


@frozen
class Ways:
    """The states and edges of a drawing, by number.

    Attributes:
        diagram: The drawing.
        drawn: Which edge each transition is drawn as.
        states: The number of each state that is drawn.
        edges: The number of each edge from one state to another.
    """

    diagram: Diagram
    drawn: Drawn
    states: Mapping[str, int]
    edges: Mapping[Way, int]

    @classmethod
    def of(cls, machine: Machine, diagram: Diagram) -> Ways:
        """Number what is drawn of `machine`."""
        return cls(
            diagram=diagram,
            drawn=Drawn(machine, diagram),
            states={node.name: number for number, node in enumerate(diagram.nodes)},
            edges={(e.source, e.target, e.look): number for number, e in enumerate(diagram.edges)},
        )

    def number(self, way: Transition) -> int | None:
        """Give the number of the edge that `way` is part of; None if it stays within its state."""
        edge = self.drawn.way(way)
        if edge is not None:
            return self.edges[edge]
        return BUDGET if self.drawn.is_budget(way) else None

    def numbers(self, ways: Iterable[Transition]) -> list[int]:
        """Give the numbers of the edges that `ways` are part of, in order."""
        found = map(self.number, ways)
        return [number for number in found if number is not None]

    def path(self, ways: Iterable[Transition]) -> dict[str, Any]:
        """Tell how often each state and each edge comes on a path."""
        ways = list(ways)
        names = [way.source for way in ways]
        if ways:
            names.append(ways[-1].target)
        entered = [name for at, name in enumerate(names) if at == 0 or not ways[at - 1].same_visit]
        visits = Counter(self.states[name] for name in entered if name in self.states)
        return {
            "states": [list(pair) for pair in sorted(visits.items())],
            "edges": [list(pair) for pair in sorted(Counter(self.numbers(ways)).items())],
        }

    def told(self) -> list[dict[str, Any]]:
        """Tell of each edge where it leads, and why it is taken."""
        return [
            {
                "source": self.states[edge.source],
                "target": self.states[edge.target],
                "look": edge.look,
                "why": _why(edge),
            }
            for edge in self.diagram.edges
        ]


def _why(edge: Edge) -> str:
    return " · ".join(" ".join(filter(None, (reason.text, reason.bound))) for reason in edge.reasons)
