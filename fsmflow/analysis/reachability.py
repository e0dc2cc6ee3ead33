"""Which states a run can enter, and from which of them it can still end."""

from __future__ import annotations

from attrs import frozen

from fsmflow.analysis.graph import ahead
from fsmflow.machine import End, Machine


@frozen
class Reachability:
    """States by whether a run can get there, and whether it can get out to an end.

    Guards and counters are not weighed: this is what the graph alone allows.

    Attributes:
        entered: The states that a run can enter.
        ending: The states from which an end can be reached, be it because a budget is exceeded.
        finishing: The states from which an end can be reached without a budget's help.
    """

    entered: frozenset[str]
    ending: frozenset[str]
    finishing: frozenset[str]

    @classmethod
    def of(cls, machine: Machine) -> Reachability:
        """Search forward from the start, and backward from the ends."""
        forward: dict[str, list[str]] = {name: [] for name in machine.states}
        backward: dict[str, list[str]] = {name: [] for name in machine.states}
        unforced: dict[str, list[str]] = {name: [] for name in machine.states}
        for way in machine.transitions:
            forward[way.source].append(way.target)
            backward[way.target].append(way.source)
            if way.kind != "exceeded":
                unforced[way.target].append(way.source)
        ends = [name for name, state in machine.states.items() if isinstance(state, End)]
        start = [machine.start] if machine.start in forward else []
        searches = ((start, forward), (ends, backward), (ends, unforced))
        return cls(*(frozenset(ahead(first, edges)) for first, edges in searches))
