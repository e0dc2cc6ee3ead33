"""A run that may have more events than a run that outlives its process can.

Why is this bad?
    Such a run keeps what begins, and what comes of it, in a journal of at most 50,000 events: two for an
    attempt, for a pause and for a question. With the last of them it can't go on, wherever it stands, and
    no fallback is taken. Of a large workflow the events are counted roughly, and too many of them rather
    than too few.

What to do
    Lower the caps of its loops, or `budget.steps`. A loop over many things is better a `map`, or a `call` in
    a loop: each child keeps a journal of its own. If the workflow is never run with `--durable`, excuse it
    by a comment.

Example::

    fsmflow: 1
    workflow: sample
    states:
      look:
        run: m:verdict            # -> Literal["yes", "no"]
        effect: none
        success:
          "yes": done
          "no":
            to: look
            times: 30000  # warning: history-too-long
            else: failed
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import floor

from attrs import evolve

from fsmflow.analysis import Analysis
from fsmflow.analysis.proving.admission import RESOURCES
from fsmflow.analysis.proving.counter_machine import CounterMachine, Edge
from fsmflow.analysis.proving.counting import STEPS, WAITS, budgeted, structural
from fsmflow.analysis.proving.estimate import estimate
from fsmflow.analysis.proving.ranking import Ranking, Stuck, rank
from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.machine import Ask, Choice, Machine, Transition, Wait
from fsmflow.runtime.journal import MAX_EVENTS
from fsmflow.source import Route

MOST_COUNTERS = 60
"""Of how many counters the bound is worked out; many loops through one another take long."""

MOST_STATES = 2_000
"""Of how many states it is worked out."""

MOST_LEVELS = 30_000
"""Of how many counters, over how many states, it is worked out: states times counters."""

_DEAREST = 4
"""How many events an attempt and the pause after it have."""


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find a workflow of which a run may have more events than its journal holds."""
    termination = analysis.termination
    if analysis.guesses.any or not termination.decided:
        return
    if not all(loop.budgeted for loop in termination.loops):
        return
    machine, steps = analysis.machine, analysis.machine.caps.steps
    if steps is not None and steps * _DEAREST <= MAX_EVENTS and not _moves_beside_steps(machine):
        return
    counting = _counting(machine)
    events = {number: _events(machine, edge) for number, edge in enumerate(counting.edges)}
    ranking = rank(counting)
    if isinstance(ranking, Stuck):
        # Its budget leads back into a loop, which is a fault of another kind.
        return
    roughly = min((estimate(counting, events, ranking), *_by_budget(counting, events)))
    if roughly <= MAX_EVENTS:
        return
    if _is_large(counting):
        yield _diagnostic(analysis, f"{roughly:,} events by a rough count")
        return
    most = _most(counting, events, ranking)
    if most > MAX_EVENTS:
        yield _diagnostic(analysis, f"{most:,} events")


def _diagnostic(analysis: Analysis, events: str) -> Diagnostic:
    message = f"a run may have {events}, and the journal of a durable one holds {MAX_EVENTS:,}"
    hint = "lower the caps, or let a `call` or a `map` do the work: a child has a journal of its own"
    return Diagnostic("history-too-long", message, _place(analysis), Severity.WARNING, hint=hint)


def _place(analysis: Analysis) -> Route:
    """Give the place of the highest cap; if a loop has none, that of the budget which ends it."""
    machine = analysis.machine
    if analysis.termination.loops:
        return ("budget", "time" if machine.caps.steps is None else "steps")
    way = max(machine.transitions, key=lambda way: _cap(machine, way))
    return (*analysis.route(way)[:-1], "times")


def _moves_beside_steps(machine: Machine) -> bool:
    """Tell whether there are states that no cap on steps stops, and that have events."""
    return any(isinstance(state, Ask | Wait) for state in machine.states.values())


def _cap(machine: Machine, way: Transition) -> int:
    return max((machine.counters[counter].cap for counter in way.below), default=0)


def _counting(machine: Machine) -> CounterMachine:
    caps = zip(RESOURCES, machine.caps.amounts(), strict=True)
    binding = [name for name, cap in caps if cap is not None]
    return budgeted(machine, binding, waits=True) if binding else structural(machine)


def _events(machine: Machine, edge: Edge) -> int:
    """Give how many events an edge stands for: two for what begins and ends, and two for a pause after it."""
    assert edge.way is not None
    refused = edge.outcome is None and edge.way.kind == "exceeded"
    if refused or isinstance(machine.states[edge.way.source], Choice):
        return 0
    return 2 if edge.way.pause is None or edge.way.kind == "exceeded" else _DEAREST


def _by_budget(counting: CounterMachine, events: Mapping[int, int]) -> Iterator[int]:
    """Give no less than a run can have if whatever spends of the budget for certain is as dear as can be."""
    spent = {number for number, name in enumerate(counting.counters) if name in (STEPS, WAITS)}
    between = {n: each for n, each in events.items() if spent.isdisjoint(counting.edges[n].increments)}
    ranking = rank(counting, between)
    if spent and isinstance(ranking, Ranking):
        turns = sum(counting.caps[number] for number in spent)
        yield turns * max(events.values()) + (turns + 1) * estimate(counting, between, ranking)


def _is_large(counting: CounterMachine) -> bool:
    """Tell whether the bound would take longer than a check should."""
    counters, states = len(counting.counters), len(counting.states)
    return states > MOST_STATES or counters > MOST_COUNTERS or counters * states > MOST_LEVELS


def _most(counting: CounterMachine, events: Mapping[int, int], ranking: Ranking) -> int:
    """Give the most events that a run has."""
    from fsmflow.analysis.proving.flow import bound
    from fsmflow.analysis.proving.intervals import Invariant

    edges = (evolve(edge, weights=(events[n], *edge.weights[1:])) for n, edge in enumerate(counting.edges))
    counted = evolve(counting, edges=tuple(edges))
    return floor(bound(counted, "transitions", Invariant.of(counted).edges, ranking).bound)
