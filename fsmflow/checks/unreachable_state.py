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

from collections.abc import Iterator, Mapping, Sequence

from fsmflow.analysis import Analysis
from fsmflow.analysis.graph import components
from fsmflow.diagnostics import Diagnostic, Severity

MOST_NAMED = 8


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find states that nothing leads to from the start, each with what lies beyond it."""
    if analysis.guesses.any:
        # Where the way to it is misspelt, the state itself is in order.
        return
    states, entered = analysis.workflow.states, analysis.reachability.entered
    position = {name: number for number, name in enumerate(states) if name not in entered}
    ways = {name: [to for to in analysis.successors.get(name, ()) if to in position] for name in position}
    told: set[str] = set()
    for name in _first(ways):
        told.add(name)
        beyond = sorted(_beyond(name, ways, told), key=position.__getitem__)
        named = ", ".join(f"`{other}`" for other in beyond[:MOST_NAMED])
        named += ", …" if len(beyond) > MOST_NAMED else ""
        yield Diagnostic(
            "unreachable-state",
            f"no run can enter `{name}`{f', or {named} beyond it' if beyond else ''}: "
            f"nothing leads to it from `{analysis.machine.start}`",
            ("states", name),
            Severity.WARNING,
            key=True,
            hint="lead an edge to it, or remove it",
        )


def _first(ways: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Give the states that no other leads to; of a circle to which none does, its first."""
    groups = components(ways, ways)
    part = {name: number for number, group in enumerate(groups) for name in group}
    entered = {part[to] for name in ways for to in ways[name] if part[name] != part[to]}
    for name in ways:
        if part[name] not in entered:
            entered.add(part[name])
            yield name


def _beyond(name: str, ways: Mapping[str, Sequence[str]], told: set[str]) -> Iterator[str]:
    """Give what a state leads to and was not told before; now it is."""
    pending = [name]
    while pending:
        for to in ways[pending.pop()]:
            if to not in told:
                told.add(to)
                pending.append(to)
                yield to
