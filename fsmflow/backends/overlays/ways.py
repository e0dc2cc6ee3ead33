"""Which edge of a diagram each transition of a machine is drawn as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from attrs import define, field, frozen

from fsmflow.analysis.traces.following import Followed
from fsmflow.analysis.traces.recording import Recording
from fsmflow.backends.diagram import Diagram, look_of
from fsmflow.backends.overlay import Way
from fsmflow.machine import Machine, Transition


@frozen
class Drawn:
    """The edges of one diagram, to be found by transition."""

    machine: Machine
    diagram: Diagram
    edges: frozenset[Way] = field(init=False)

    @edges.default
    def _edges(self) -> frozenset[Way]:
        return frozenset((edge.source, edge.target, edge.look) for edge in self.diagram.edges)

    def way(self, transition: Transition) -> Way | None:
        """Give the edge between states that a transition is drawn as; None where it has none of its own.

        Retries, re-asks and arms to their own state are words in it; what a used-up budget forces is
        the edge from any step.
        """
        source, target = transition.source, transition.target
        if source == target:
            return None
        if (source, target, "loop") in self.edges and transition.kind != "exceeded":
            return (source, target, "loop")
        look = look_of(self.machine, transition, (source, target, "success") in self.edges)
        return (source, target, look) if (source, target, look) in self.edges else None

    def is_budget(self, transition: Transition) -> bool:
        """Tell whether a transition is drawn as the edge from any step."""
        forced = transition.kind == "exceeded" and transition.target == self.diagram.exceeded
        return forced and self.way(transition) is None


@define
class Moves:
    """The moves of a run between states, in order: which edges they are drawn as, and when.

    Attributes:
        drawn: The diagram.
        edges: When each edge was taken.
        budget: When the edge from any step was.
        entered: How often each state was entered.
        left: How often each was left, by whatever way.
        count: How many moves there were.
    """

    drawn: Drawn
    edges: dict[Way, list[int]] = field(factory=dict)
    budget: list[int] = field(factory=list)
    entered: dict[str, int] = field(factory=dict)
    left: Counter[str] = field(factory=Counter)
    count: int = 0

    @classmethod
    def of(cls, drawn: Drawn, recording: Recording, followed: Followed) -> Moves:
        """Give the moves of a recorded run, as far as the machine explains it."""
        moves = cls(drawn)
        first = recording.stages[0].state if recording.stages else drawn.machine.start
        if followed.launch or first == drawn.machine.start:
            moves.start()
        for taken in (followed.launch, *followed.ways):
            moves.take(taken)
        return moves

    def start(self) -> None:
        """Enter the first state."""
        self._enter(self.drawn.machine.start)

    def take(self, transitions: Iterable[Transition]) -> None:
        """Take transitions."""
        for way in transitions:
            if way.same_visit:
                continue
            self.left[way.source] += 1
            self._enter(way.target)
            edge = self.drawn.way(way)
            if edge is not None:
                self.edges.setdefault(edge, []).append(self.count)
            elif self.drawn.is_budget(way):
                self.budget.append(self.count)

    def visits(self, recording: Recording) -> dict[str, int]:
        """Give how often the run entered each state; what no move explains is told by its stages."""
        seen = Counter(state for state, _ in {(stage.state, stage.visit) for stage in recording.stages})
        if recording.end is not None:
            seen[recording.end] += 1
        return {
            name: max(self.entered.get(name, 0), seen[name])
            for name in dict.fromkeys((*self.entered, *seen))
            if name in self.drawn.machine.states
        }

    def _enter(self, name: str) -> None:
        self.count += 1
        self.entered[name] = self.entered.get(name, 0) + 1
