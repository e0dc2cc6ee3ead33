"""Which states every run to a state passes: the dominators of a machine's graph.

By the simple iteration of Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001).
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from fsmflow.analysis.graph import reverse_postorder
from fsmflow.machine import Machine


@frozen
class Dominators:
    """The tree of dominators, over the states that a run can enter by what the graph alone allows.

    Attributes:
        immediate: For each state, the last one that every run passes before it first comes there; the
            start has none.
    """

    immediate: Mapping[str, str]

    @classmethod
    def of(cls, machine: Machine) -> Dominators:
        """Find the dominators of every state that can be entered."""
        targets = {name: [way.target for way in ways] for name, ways in machine.outgoing.items()}
        order = reverse_postorder(machine.start, targets)
        place = {name: number for number, name in enumerate(order)}
        sources: list[list[int]] = [[] for _ in order]
        for name in order:
            for target in targets.get(name, ()):
                sources[place[target]].append(place[name])
        above = [0, *[-1] * (len(order) - 1)]
        changed = True
        while changed:
            changed = False
            for state in range(1, len(order)):
                known = [source for source in sources[state] if above[source] >= 0]
                meeting = known[0]
                for source in known[1:]:
                    meeting = _meeting(above, meeting, source)
                if above[state] != meeting:
                    above[state] = meeting
                    changed = True
        return cls({order[state]: order[above[state]] for state in range(1, len(order))})

    def passed(self, state: str) -> tuple[str, ...]:
        """Give the states that every run passes before it first comes to `state`, in that order."""
        found: list[str] = []
        while state in self.immediate:
            state = self.immediate[state]
            found.append(state)
        return tuple(reversed(found))


def _meeting(above: list[int], one: int, other: int) -> int:
    """Give the nearest state that is above both; above a state, numbers are lower."""
    while one != other:
        while one > other:
            one = above[one]
        while other > one:
            other = above[other]
    return one
