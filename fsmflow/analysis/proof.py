"""All that is proved of a machine: that every run ends, and what it can use at most.

It is proved twice. Without the budget the proof speaks of the workflow itself: its loops, its retries,
its ways out. Under the budget it speaks of what can really happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import floor
from typing import Literal

from attrs import evolve, frozen

from fsmflow.analysis.policies import Judgement, Refuted, judge
from fsmflow.analysis.proving.admission import RESOURCES
from fsmflow.analysis.proving.bounds import Bound, Effort, Form, bounds_of
from fsmflow.analysis.proving.counter_machine import METRICS, CounterMachine, Edge, Metric
from fsmflow.analysis.proving.counting import budgeted, structural
from fsmflow.analysis.proving.deciding import Lasso, Terminates, decide
from fsmflow.analysis.proving.flow import bound
from fsmflow.analysis.proving.intervals import Invariant
from fsmflow.analysis.proving.ranking import Ranking, edges_ahead, rank
from fsmflow.analysis.proving.stopping import Cap, caps_of
from fsmflow.analysis.proving.witness import realise
from fsmflow.machine import Machine, Transition

Ending = Literal["always", "for-these-caps", "by-budget-only", "no", "unknown"]

MOST_DECIDED = 50_000
"""How many configurations are unrolled to tell whether a machine ends."""

MOST_REPRICED = 60
"""How many states a machine may have of which every cap is priced."""


@frozen
class Cycle:
    """A run that can go on for ever: what it does first, and then again and again."""

    stem: tuple[Transition, ...]
    loop: tuple[Transition, ...]


@frozen
class CapPrice:
    """What one more turn of a capped edge can add to a bound, without the budget."""

    counter: str
    metric: Metric
    amount: int


@frozen
class Proof:
    """What is proved.

    Attributes:
        machine: The machine.
        terminates: Whether every run ends: whatever the caps of loops are, for these caps, only
            because the budget stops it, not at all, or it could not be told.
        structural: What is proved without the budget; None if nothing but the budget ends every run.
        budgeted: What is proved under the budget; None if nothing ends every run.
        cycle: A run that does not end, if there is one without the budget; unless the machine is
            said to end by its budget or not at all, guards over values may keep it from happening.
        prices: What one more turn of each capped edge can add, dearest first.
        caps: What each cap of the budget stops.
        judged: The counter machine that policies were judged on.
        policies: What is known of each policy, in order.
    """

    machine: Machine
    terminates: Ending
    structural: Form | None
    budgeted: Form | None
    cycle: Cycle | None
    prices: tuple[CapPrice, ...]
    caps: tuple[Cap, ...]
    judged: CounterMachine
    policies: tuple[Judgement, ...]

    @property
    def bounds(self) -> Mapping[Metric, Bound]:
        """The bounds under the budget; empty if nothing ends every run."""
        return {} if self.budgeted is None else self.budgeted.bounds

    @property
    def holds(self) -> bool:
        """Tell whether every run is proved to end, and no policy was refuted."""
        refuted = any(isinstance(each.verdict, Refuted) for each in self.policies)
        return self.budgeted is not None and not refuted


def prove(machine: Machine, effort: Effort | None = None) -> Proof:
    """Prove of `machine` what can be proved.

    Args:
        machine: The machine.
        effort: How long to search for exact values.
    """
    effort = effort or Effort()
    bare = structural(machine)
    ends = _ends(bare)
    ending, cycle = _ending(machine, ends), None
    if isinstance(ends, Lasso):
        cycle = Cycle(_ways(bare, ends.stem), _ways(bare, ends.cycle))
    alone = _form(machine, bare, ends, capped=False, effort=effort) if isinstance(ends, _Ends) else None
    caps = caps_of(machine, None if alone is None else alone.bounds)
    counting, under = _under_budget(machine, alone, caps, effort)
    if under is None and alone is not None:
        # The budget leads back into a loop: a machine that checks refuse.
        ending = "unknown"
    elif under is not None and alone is None:
        ending = "by-budget-only"
    elif isinstance(ends, Lasso):
        # Guards over values, or the budget, may keep it from happening.
        twice = (*ends.stem, *ends.cycle, *ends.cycle)
        if realise(machine, bare, twice, capped=True).whole:
            ending = "no"

    def is_real(path: tuple[int, ...]) -> bool:
        return realise(machine, counting, path, capped=True).whole

    return Proof(
        machine=machine,
        terminates=ending,
        structural=alone,
        budgeted=under,
        cycle=cycle,
        prices=() if alone is None else tuple(_prices(machine, alone, effort)),
        caps=caps,
        judged=counting,
        policies=judge(machine, counting, is_real=is_real),
    )


@frozen
class _Ends:
    """Why every run ends, and whether that holds whatever the caps are."""

    why: Terminates
    any_caps: bool


def _ends(counting: CounterMachine) -> _Ends | Lasso | None:
    """Tell whether every run ends; None if it can't be told."""
    ranking = rank(counting)
    if isinstance(ranking, Ranking):
        return _Ends(Terminates((), counting, edges_ahead(counting), ranking), any_caps=True)
    found = decide(counting, limit=MOST_DECIDED)
    return _Ends(found, any_caps=False) if isinstance(found, Terminates) else found


def _ending(machine: Machine, ends: _Ends | Lasso | None) -> Ending:
    if not isinstance(ends, _Ends):
        return "unknown"
    # Of a counter that is capped at 0 the edges are no part of what was ranked.
    whatever = ends.any_caps and all(counter.cap for counter in machine.counters.values())
    return "always" if whatever else "for-these-caps"


def _form(
    machine: Machine,
    counting: CounterMachine,
    ends: _Ends,
    *,
    capped: bool,
    effort: Effort,
    known: Iterable[tuple[int, ...]] = (),
) -> Form:
    invariant = Invariant.of(counting)
    bounds = bounds_of(
        machine, counting, invariant, ends.why, capped=capped, effort=effort, known=tuple(known)
    )
    return Form(counting, invariant, ends.why, ends.any_caps, bounds)


def _under_budget(
    machine: Machine, alone: Form | None, caps: Iterable[Cap], effort: Effort
) -> tuple[CounterMachine, Form | None]:
    """Bound runs under the budget; give what that was proved of, and the proof if every run ends."""
    names = dict(zip(METRICS[1:], RESOURCES, strict=True))
    stopping = frozenset(names[cap.metric] for cap in caps if cap.stops != "never")
    if alone is not None and not stopping:
        return alone.counting, _with_budgets(machine, alone)
    counting = budgeted(machine, stopping, waits=alone is None)
    ends = _ends(counting)
    if not isinstance(ends, _Ends):
        return counting, None
    known = () if alone is None else _translated(alone, counting)
    return counting, _form(machine, counting, ends, capped=True, effort=effort, known=known)


def _with_budgets(machine: Machine, alone: Form) -> Form:
    """Give the proof of a machine whose budget never stands in the way."""
    caps = dict(zip(METRICS[1:], machine.caps.amounts(), strict=True))
    bounds = {metric: evolve(bound, budget=caps.get(metric)) for metric, bound in alone.bounds.items()}
    return evolve(alone, bounds=bounds)


def _translated(alone: Form, counting: CounterMachine) -> Iterator[tuple[int, ...]]:
    """Give the witnesses found without the budget as paths of the machine that has it."""
    numbers = {_identity(edge): number for number, edge in enumerate(counting.edges)}
    for path in dict.fromkeys(b.witness.path for b in alone.bounds.values() if b.witness is not None):
        keys = [_identity(alone.counting.edges[number]) for number in path]
        if all(key in numbers for key in keys):
            yield tuple(numbers[key] for key in keys)


def _identity(edge: Edge) -> tuple[int, str | None, int]:
    return id(edge.way), edge.outcome, edge.pause_us


def _prices(machine: Machine, alone: Form, effort: Effort) -> Iterator[CapPrice]:
    """Give what one more turn of each capped edge adds to the bound on what the workflow is dear in."""
    metrics: tuple[Metric, ...] = ("micro_usd", "tokens", "tool_calls")
    metric: Metric = next((m for m in metrics if alone.bounds[m].upper), "steps")
    counting = alone.counting
    if len(counting.states) > MOST_REPRICED:
        return
    now = bound(alone.ends.machine, metric, alone.ends.edges, alone.ends.ranking, alone.ends.split)
    found: list[CapPrice] = []
    for number in sorted({term.counter for term in now.terms if term.price}):
        if effort.is_over():
            break
        counter = machine.counters[counting.counters[number]]
        raised = {**machine.counters, counter.name: evolve(counter, cap=counter.cap + 1)}
        longer = structural(evolve(machine, counters=raised))
        ranking = rank(longer)
        if isinstance(ranking, Ranking):
            then = bound(longer, metric, Invariant.of(longer).edges, ranking)
            found.append(CapPrice(counter.name, metric, floor(then.bound) - floor(now.bound)))
    yield from sorted(found, key=lambda price: -price.amount)


def _ways(counting: CounterMachine, path: Iterable[int]) -> tuple[Transition, ...]:
    ways = (counting.edges[number].way for number in path)
    return tuple(way for way in ways if way is not None)
