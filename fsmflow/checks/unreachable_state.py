"""A state that no run can enter.

Why is this bad?
    It is drawn, reviewed and paid attention to, and does nothing. Most often an edge that should
    lead to it is missing or names another state.

What to do
    Lead an edge to the state, or remove it. What only such a state leads to is told with it, since
    one edge may serve them all. `budget.exceeded` leads somewhere only if the budget caps something.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft: {run: m:f, effect: none, success: done, fallback: failed}
      check: {run: m:f, effect: none, success: done, fallback: failed}  # warning: unreachable-state
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fsmflow.analysis import Analysis
from fsmflow.analysis.graph import ahead, components
from fsmflow.diagnostics import Diagnostic, Severity

MOST_NAMED = 8


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find states that nothing leads to from the start, each with what lies beyond it."""
    if analysis.guesses.any:
        # Where the way to it is misspelt, the state itself is in order.
        return
    apart = [name for name in analysis.workflow.states if name not in analysis.reachability.entered]
    told: set[str] = set()
    for name in _first(analysis, apart):
        beyond = ahead([name], analysis.successors) - told - {name}
        others = [f"`{other}`" for other in apart if other in beyond]
        named = ", ".join(others[:MOST_NAMED]) + (", …" if len(others) > MOST_NAMED else "")
        yield Diagnostic(
            "unreachable-state",
            f"no run can enter `{name}`{f', or {named} beyond it' if others else ''}: "
            f"nothing leads to it from `{analysis.machine.start}`",
            ("states", name),
            Severity.WARNING,
            key=True,
            hint="lead an edge to it, or remove it",
        )
        told |= {name, *beyond}


def _first(analysis: Analysis, apart: Sequence[str]) -> Iterator[str]:
    """Give of the states that no run enters those that nothing leads to; of a circle, its first."""
    groups = components(apart, analysis.successors)
    part = {name: number for number, group in enumerate(groups) for name in group}
    ways = ((name, target) for name in part for target in analysis.successors.get(name, ()))
    entered = {part[target] for name, target in ways if part[name] != part[target]}
    given: set[int] = set()
    for name in apart:
        if part[name] not in entered and part[name] not in given:
            given.add(part[name])
            yield name
