"""A state that no run can enter.

Why is this bad?
    It is drawn, reviewed and paid attention to, and does nothing. Most often an edge that should
    lead to it is missing or names another state.

What to do
    Lead an edge to the state, or remove it. `budget.exceeded` leads somewhere only if the budget
    caps something.

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

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic, Severity


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find states that nothing leads to from the start."""
    if analysis.guesses.any:
        # Where the way to it is misspelt, the state itself is in order.
        return
    for name in analysis.workflow.states:
        if name not in analysis.reachability.entered:
            yield Diagnostic(
                "unreachable-state",
                f"no run can enter `{name}`: nothing leads to it from `{analysis.machine.start}`",
                ("states", name),
                Severity.WARNING,
                key=True,
                hint="lead an edge to it, or remove it",
            )
