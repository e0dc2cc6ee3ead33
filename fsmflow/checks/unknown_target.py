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
from fsmflow.diagnostics import MAX_RELATED, Diagnostic, Related
from fsmflow.loading.names import shown


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find names of states that are none."""
    states = analysis.workflow.states
    for wrong in analysis.misspelt.values():
        if wrong.is_state:
            yield Diagnostic(
                "unknown-target",
                f"nothing names the state `{wrong.given}`, and `{shown(wrong.meant)}`, which "
                f"{len(wrong.places)} places name, is none",
                wrong.route,
                key=True,
                hint=f"did you mean `{shown(wrong.meant)}`?",
                related=tuple(Related("named here", place) for place in wrong.places[:MAX_RELATED]),
            )
    for name, route in targets(analysis.workflow):
        if name not in states and name not in analysis.misspelt:
            yield Diagnostic(
                "unknown-target", f"unknown state `{name}`", route, hint=analysis.hints.near(name, states)
            )
