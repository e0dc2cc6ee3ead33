"""The most that a run can use of each metric: a bound that is proved, and a run that comes up to it.

For each metric there is a potential, whose value at the start no run passes, and a witness, a run that
was played. Where they meet, the bound is exact; where they do not, it is an interval, and is said to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import floor

from attrs import define, evolve, field, frozen

from fsmflow.analysis.proving.counter_machine import METRICS, CounterMachine, Edge, Metric
from fsmflow.analysis.proving.deciding import Terminates
from fsmflow.analysis.proving.flow import Relaxation, bound
from fsmflow.analysis.proving.intervals import Invariant
from fsmflow.analysis.proving.maximum import maximum
from fsmflow.analysis.proving.potential import Potential
from fsmflow.analysis.proving.ranking import Stuck, rank
from fsmflow.analysis.proving.witness import Witness, realise
from fsmflow.machine import End, Machine, Work

MOST_LEVELS = 20_000
"""The greatest cap of a counter of a machine that is searched: each of its levels is told apart."""

_RESOURCE: Mapping[Metric, int] = {metric: number for number, metric in enumerate(METRICS[1:])}


@frozen
class Bound:
    """The most that a run can use of one metric; time in microseconds.

    Attributes:
        metric: The metric.
        upper: What no run passes; None if nothing bounds it.
        potential: What proves that, where no cap of the budget does; it may be above `upper` where an
            exhaustive search found less.
        witness: The run that uses the most, of those that were found.
        budget: The cap of the budget.
        endless: The states whose attempts may take any time, where that is why nothing bounds it.
    """

    metric: Metric
    upper: int | None
    potential: Potential | None
    witness: Witness | None
    budget: int | None = None
    endless: tuple[str, ...] = ()

    @property
    def lower(self) -> int:
        """What the witness uses."""
        return 0 if self.witness is None else self.witness.used(self.metric)

    @property
    def is_exact(self) -> bool:
        """Whether runs come up to the bound; a drawn pause comes up to less than a microsecond."""
        if self.upper is None or self.witness is None:
            return False
        drawn = self.witness.drawn_pauses if self.metric == "microseconds" else 0
        return self.lower + drawn >= self.upper


@frozen
class Form:
    """What is proved of a machine, with its budget or without.

    Attributes:
        counting: The counter machine that it was proved of.
        invariant: Which values counters have where, and which edges can be taken at all.
        ends: Why every run ends.
        any_caps: Whether that holds whatever the caps are.
        bounds: What a run can use at most.
    """

    counting: CounterMachine
    invariant: Invariant
    ends: Terminates
    any_caps: bool
    bounds: Mapping[Metric, Bound]


@frozen
class Effort:
    """How long to search.

    Attributes:
        most: How many configurations are looked at for one bound.
        longest: How many transitions of a run are played; what comes later is not claimed to happen.
        is_over: Tells whether time is up.
    """

    most: int = 200_000
    longest: int = 20_000
    is_over: Callable[[], bool] = lambda: False


def bounds_of(
    machine: Machine,
    counting: CounterMachine,
    invariant: Invariant,
    ends: Terminates,
    *,
    capped: bool,
    effort: Effort,
    known: Sequence[tuple[int, ...]] = (),
) -> Mapping[Metric, Bound]:
    """Bound every metric of a machine that ends.

    Args:
        machine: The machine.
        counting: The counter machine that it was lowered to.
        invariant: Its invariant.
        ends: Why it ends.
        capped: Whether the budget's caps hold.
        effort: How long to search for exact values.
        known: Paths that may be long, to begin with.
    """
    # An unrolled machine needs no invariant: only what is reachable is there.
    edges = ends.edges if ends.split else invariant.edges
    flows = Relaxation(ends.machine, edges, ends.ranking, ends.split)
    search = _Search(machine, counting, invariant, flows, capped, effort)
    for path in known:
        search.note(path)
    return {metric: search.bound(metric) for metric in METRICS}


@define
class _Search:
    """The search for all bounds of one machine; what is found for one metric may serve another."""

    machine: Machine
    counting: CounterMachine
    invariant: Invariant
    flows: Relaxation
    capped: bool
    effort: Effort
    witnesses: dict[tuple[int, ...], Witness] = field(factory=dict)

    def note(self, path: Sequence[int]) -> None:
        """Play a run along `path`, as far as one goes, and remember it."""
        path = path[: self.effort.longest]
        witness = realise(self.machine, self.counting, path, capped=self.capped)
        self.witnesses.setdefault(witness.path, witness)

    def bound(self, metric: Metric) -> Bound:
        cap = self._cap(metric)
        endless = self._endless() if metric == "microseconds" else ()
        if endless:
            if cap is None:
                return Bound(metric, None, None, self._best(metric), None, endless)
            self._stop(metric, cap)
            return Bound(metric, self._most(metric, cap), None, self._best(metric), cap)
        potential = self.flows.bound(metric)
        upper = floor(potential.bound)
        goal = upper if cap is None else min(upper, self._most(metric, cap))
        if cap is not None and upper > goal and self._falls_short(metric, goal):
            self._stop(metric, cap)
        searchable = max(self.counting.caps, default=0) <= MOST_LEVELS and not self.effort.is_over()
        if searchable and self._falls_short(metric, goal):
            most = self.effort.most if upper == goal else self.effort.most // 10
            found = maximum(potential, most=most, deadline=self.effort.is_over)
            self.note(_followed(self.counting, (potential.machine.edges[n] for n in found.path)))
            goal = min(goal, found.upper)
        return Bound(metric, goal, potential, self._best(metric), cap)

    def _cap(self, metric: Metric) -> int | None:
        if not self.capped or metric == "transitions":
            return None
        return self.machine.caps.amounts()[_RESOURCE[metric]]

    def _most(self, metric: Metric, cap: int) -> int:
        """Give the most that a cap lets a run use; what was set aside, only if a state uses it that may."""
        index = METRICS.index(metric)
        for number in self.invariant.edges:
            edge = self.counting.edges[number]
            state = self.machine.states[self.counting.states[edge.source]]
            used = edge.weights[index] or (metric == "microseconds" and edge.source in self.counting.endless)
            if not isinstance(state, End) and state.reserve and used:
                return cap
        return max(0, cap - self.machine.reserve.amounts()[_RESOURCE[metric]])

    def _endless(self) -> tuple[str, ...]:
        """Give the states that a run can enter and whose attempts nothing cuts off."""
        entered = sorted(self.counting.endless & self.invariant.ranges.keys())
        return tuple(self.counting.states[number] for number in entered)

    def _best(self, metric: Metric) -> Witness | None:
        """Give the run that uses the most; of equals, the one with the fewest transitions."""
        return max(self.witnesses.values(), key=lambda w: (w.used(metric), -len(w.entries)), default=None)

    def _falls_short(self, metric: Metric, goal: int) -> bool:
        return not Bound(metric, goal, None, self._best(metric)).is_exact

    def _stop(self, metric: Metric, cap: int) -> None:
        """Note runs that a cap stops, and what they still do then."""
        for path in list(self.witnesses):
            for stopped in _stopped(self.machine, self.counting, path, metric, cap):
                if not _is_path(self.counting, stopped):
                    continue
                target = self.counting.edges[stopped[-1]].target
                self.note((*stopped, *self._tail(target, metric)))

    def _tail(self, start: int, metric: Metric) -> tuple[int, ...]:
        """Give the dearest way on from a state that is entered for the first time, as far as is known."""
        onward = evolve(self.counting, start=start)
        ranking = rank(onward)
        if isinstance(ranking, Stuck) or not onward.outgoing[start]:
            return ()
        edges = Invariant.of(onward).edges
        if not edges:
            return ()
        return maximum(bound(onward, metric, edges, ranking), most=self.effort.most // 10).path


def _is_path(counting: CounterMachine, path: Sequence[int]) -> bool:
    """Tell whether the counters let all edges of a path be taken."""
    values = (0,) * len(counting.caps)
    for number in path:
        edge = counting.edges[number]
        if not counting.is_enabled(edge, values):
            return False
        values = counting.after(edge, values)
    return True


def _followed(counting: CounterMachine, edges: Iterable[Edge]) -> tuple[int, ...]:
    """Give the path of the machine itself that a path of an unrolling of it stands for."""
    path: list[int] = []
    state, values = counting.start, (0,) * len(counting.caps)
    for edge in edges:
        for number in counting.outgoing[state]:
            own = counting.edges[number]
            same = own.way is edge.way and (own.outcome, own.pause_us) == (edge.outcome, edge.pause_us)
            if same and counting.is_enabled(own, values):
                break
        else:
            raise AssertionError(f"no edge of {counting.states[state]} is the unrolled {edge.label}")
        path.append(number)
        state, values = own.target, counting.after(own, values)
    return tuple(path)


def _stopped(
    machine: Machine, counting: CounterMachine, path: Sequence[int], metric: Metric, cap: int
) -> Iterator[tuple[int, ...]]:
    """Give ways in which a cap may stop a run that goes along `path`, using all it may."""
    resource = _RESOURCE[metric]
    used = 0
    full = False
    for place, number in enumerate(path):
        edge = counting.edges[number]
        assert edge.way is not None
        state = machine.states[edge.way.source]
        if not isinstance(state, Work) or state.reserve:
            used += edge.weights[1 + resource]
            continue
        aside = machine.reserve.amounts()[resource]
        cost = edge.weights[1 + resource] - (edge.pause_us if metric == "microseconds" else 0)
        endless = metric == "microseconds" and state.timeout_us is None
        if used + cost + aside > cap or (endless and used + aside < cap):
            for other in _refusals(counting, edge, cut=metric == "microseconds"):
                yield (*path[:place], other)
            if full or metric == "microseconds":
                return
            # The attempt may use less than it declares, and so just fill the cap.
            full = bool(cost)
        used = min(used + edge.weights[1 + resource], cap - aside)


def _refusals(counting: CounterMachine, edge: Edge, *, cut: bool) -> Iterator[int]:
    """Give the edges by which the budget ends an attempt in place of `edge`, or does not begin it."""
    for number in counting.outgoing[edge.source]:
        other = counting.edges[number]
        assert other.way is not None
        if other.way.kind == "exceeded" and other.outcome == ("exceeded" if cut else None):
            yield number
