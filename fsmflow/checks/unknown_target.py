"""An edge that leads to a state that is not there.

Why is this bad?
    A run that took the edge would have nowhere to go. Most often a name is misspelt.

What to do
    Name a state of this workflow. `budget.exceeded`, `start`, `else` and `per` name states too.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:
        run: m:f
        effect: none
        success: dnoe  # error: unknown-target
        fallback: done
      done: {end: success}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.mentions import targets
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find names of states that are none."""
    states = analysis.workflow.states
    for name, route in targets(analysis.workflow):
        if name not in states:
            yield Diagnostic(
                "unknown-target", f"unknown state `{name}`", route, hint=analysis.hints.near(name, states)
            )
