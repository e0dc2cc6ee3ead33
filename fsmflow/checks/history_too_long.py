"""A run that may have more events than a run that outlives its process can.

Why is this bad?
    Such a run keeps what begins, and what comes of it, in a journal of at most 50,000 events: two for an
    attempt, for a pause and for a question. With the last of them it can't go on, wherever it stands, and
    no fallback is taken.

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

from collections import Counter
from collections.abc import Iterator
from math import floor, prod

from fsmflow.analysis import Analysis
from fsmflow.analysis.proving.counting import structural
from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.machine import Ask, Machine, Transition, Wait
from fsmflow.runtime.journal import MAX_EVENTS
from fsmflow.source import Route

MOST_MOVES = MAX_EVENTS // 2
"""How many transitions a run may take, if each is the end of something that began."""

MOST_COUNTERS = 60
"""Of how many counters the bound is worked out; many loops through one another take long."""

MOST_LEVELS = 30_000
"""Of how many counters, over how many states, it is worked out: states times counters."""


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find a workflow of which a run may take more transitions than its journal holds."""
    machine, steps = analysis.machine, analysis.machine.caps.steps
    loops = analysis.termination.loops
    if analysis.guesses.any or not analysis.termination.decided:
        return
    if loops:
        if steps is not None and steps > MOST_MOVES and all(loop.budgeted for loop in loops):
            yield _diagnostic("attempts", steps, ("budget", "steps"))
        return
    stopped = steps is not None and steps <= MOST_MOVES and not _moves_beside_steps(machine)
    if stopped or _is_large(machine) or _roughly(machine) <= MOST_MOVES:
        return
    most = _most(machine)
    if most is not None and most > MOST_MOVES:
        way = max(machine.transitions, key=lambda way: _cap(machine, way))
        yield _diagnostic("transitions", most, (*analysis.route(way)[:-1], "times"))


def _diagnostic(what: str, most: int, route: Route) -> Diagnostic:
    message = f"a run may take {most:,} {what}, and the journal of a durable one holds {MAX_EVENTS:,} events"
    hint = "lower the caps, or let a `call` or a `map` do the work: a child has a journal of its own"
    return Diagnostic("history-too-long", message, route, Severity.WARNING, hint=hint)


def _moves_beside_steps(machine: Machine) -> bool:
    """Tell whether there are states that no cap on steps stops, and that have events."""
    return any(isinstance(state, Ask | Wait) for state in machine.states.values())


def _is_large(machine: Machine) -> bool:
    """Tell whether the bound would take longer than a check should."""
    counters = len(machine.counters)
    return counters > MOST_COUNTERS or counters * len(machine.states) > MOST_LEVELS


def _roughly(machine: Machine) -> int:
    """Give no less than what a run can take, as if all loops stood in one another."""
    caps: Counter[str | None] = Counter()
    for counter in machine.counters.values():
        caps[counter.per] += counter.cap
    return len(machine.states) * prod(cap + 1 for cap in caps.values())


def _most(machine: Machine) -> int | None:
    """Give the most transitions that a run takes, without its budget; None if nothing is proved of them."""
    from fsmflow.analysis.proving.flow import bound
    from fsmflow.analysis.proving.intervals import Invariant
    from fsmflow.analysis.proving.ranking import Ranking, rank

    counting = structural(machine)
    ranking = rank(counting)
    if not isinstance(ranking, Ranking):
        return None
    return floor(bound(counting, "transitions", Invariant.of(counting).edges, ranking).bound)


def _cap(machine: Machine, way: Transition) -> int:
    return max((machine.counters[counter].cap for counter in way.below), default=0)
