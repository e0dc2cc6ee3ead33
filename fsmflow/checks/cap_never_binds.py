"""A cap that is never in the way.

Why is this bad?
    The cap and its `else` look as if something were bounded, and are never reached. Most often
    another edge is the one that leads back, or another cap is reached first.

What to do
    Move the cap to the edge that leads back, lower it, or remove it.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:
        run: m:f
        effect: none
        success: {to: done, times: 2, else: failed}  # warning: cap-never-binds
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.proving.counting import structural
from fsmflow.analysis.proving.intervals import reach
from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.machine import Machine

MOST_COUNTERS = 60
"""Of how many counters the ranges are worked out; many loops through one another take long."""


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find capped transitions that lie on no cycle, or that are not come to again once they are used up."""
    machine = analysis.machine
    if analysis.guesses.any or not machine.counters:
        return
    never = _never_used_up(machine)
    # A cap that the loop itself sets back is spoken of as that.
    seen = {counter for loop in analysis.termination.loops for counter in loop.culprit.below}
    for way in machine.transitions:
        if not way.below or not seen.isdisjoint(way.below):
            continue
        once = not analysis.cycles.has(way)
        if not once and never.isdisjoint(way.below):
            continue
        seen.update(way.below)
        message = f"no way leads from `{way.target}` back to `{way.source}`: this edge is taken at most once"
        hint = "remove `times`, or cap the edge that leads back"
        if not once:
            (counter,) = never.intersection(way.below)
            cap = machine.counters[counter].cap
            times = "once" if cap == 1 else f"{cap} times"
            message = f"this cap is never in the way: no run asks for this edge again that took it {times}"
            hint = "remove `times`, or lower it"
        place = (*analysis.route(way)[:-1], "times")
        yield Diagnostic("cap-never-binds", message, place, Severity.WARNING, hint=hint)


def _never_used_up(machine: Machine) -> set[str]:
    """Give the counters that stand below their caps wherever a run asks for their edges."""
    if len(machine.counters) > MOST_COUNTERS:
        return set()
    counting = structural(machine)
    reached = reach(counting)
    asked: set[int] = set()
    used_up: set[int] = set()
    for edge in counting.edges:
        ranges = reached.ranges.get(edge.source)
        if ranges is None:
            continue
        for counter, _, _ in edge.guards:
            asked.add(counter)
            _, most = ranges.get(counter, (0, 0))
            if most >= counting.caps[counter]:
                used_up.add(counter)
    return {counting.counters[counter] for counter in asked - used_up}
