"""The capped counter machine: the form of a machine that termination and worst cases are proved of.

What a machine does with values is gone from it: any arm of a choice may be taken. What is left is
exact: states, counters from 0 to their caps, and edges. An edge is enabled where each of its guards
`lo ≤ counter ≤ hi` holds; taking it adds 1 to some counters, then sets some back to 0, and uses up to
its weights. An edge that adds to a counter is guarded below that counter's cap.
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal, get_args

from attrs import define, field, frozen

from fsmflow.machine import Transition

Metric = Literal["transitions", "steps", "tool_calls", "tokens", "micro_usd", "microseconds"]

METRICS: tuple[Metric, ...] = get_args(Metric)
"""What a run is measured by: transitions taken, and what attempts and pauses use."""

Guard = tuple[int, int, int]
"""A counter, and the least and the greatest value that it may have."""

Weights = tuple[int, int, int, int, int, int]
"""The most that an edge uses of each of the `METRICS`."""

Valuation = tuple[int, ...]
"""The values of all counters."""


@frozen
class Edge:
    """One thing that can happen in a state, and where it leads.

    Attributes:
        source: The state that is left, or stayed in.
        target: The state that is entered.
        guards: What must hold of the counters; each counter at most once.
        increments: The counters that go up by 1, first.
        resets: The counters that go back to 0, then.
        weights: The most that this uses.
        way: The machine's transition that is taken.
        outcome: How the attempt ended that was made; None if none was.
        pause_us: The longest pause after it, in microseconds; a part of the weights.
    """

    source: int
    target: int
    guards: tuple[Guard, ...]
    increments: tuple[int, ...]
    resets: tuple[int, ...]
    weights: Weights
    way: Transition | None = field(default=None, eq=False)
    outcome: str | None = None
    pause_us: int = 0

    @property
    def label(self) -> str:
        """What happens, in a word: the label of a success, how the attempt ended, or `exceeded`."""
        if self.way is None:
            return ""
        if self.outcome is None and self.way.kind == "exceeded":
            return "exceeded"
        return self.way.label or self.outcome or self.way.on


@define(frozen=True, slots=False, eq=False)
class CounterMachine:
    """States, counters and edges by number, in the order of the machine that they come from.

    Attributes:
        states: The names of the states.
        start: The first state.
        counters: The names of the counters; each begins at 0.
        caps: The greatest value of each counter.
        edges: What can happen.
        endless: The states in which an attempt may take any time at all, so that time has no bound.
    """

    states: tuple[str, ...]
    start: int
    counters: tuple[str, ...]
    caps: tuple[int, ...]
    edges: tuple[Edge, ...]
    endless: frozenset[int] = frozenset()

    @cached_property
    def outgoing(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the edges that leave each state, in order."""
        found: list[list[int]] = [[] for _ in self.states]
        for number, edge in enumerate(self.edges):
            found[edge.source].append(number)
        return tuple(map(tuple, found))

    def is_enabled(self, edge: Edge, values: Valuation) -> bool:
        """Tell whether `edge` can be taken where the counters have `values`."""
        return all(lo <= values[counter] <= hi for counter, lo, hi in edge.guards)

    def after(self, edge: Edge, values: Valuation) -> Valuation:
        """Give the counters after `edge`."""
        if not edge.increments and not edge.resets:
            return values
        following = list(values)
        for counter in edge.increments:
            following[counter] += 1
        for counter in edge.resets:
            following[counter] = 0
        return tuple(following)
