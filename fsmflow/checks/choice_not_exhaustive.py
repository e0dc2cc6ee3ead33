"""A choice whose last arm has a guard.

Why is this bad?
    If no guard holds, the run has nowhere to go.

What to do
    Let the last arm have no `when`: it is taken when no other holds.

Example::

    fsmflow: 1
    workflow: sample
    states:
      urgent:
        choose:
          - {when: input.days < 2, to: done}
          - {when: input.days >= 2, to: later}  # error: choice-not-exhaustive
      done: {end: success}
      later: {end: handoff}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find choices that may have no arm to take."""
    for name, state in analysis.workflow.states.items():
        if not isinstance(state, spec.Choose):
            continue
        route = ("states", name, "choose")
        if not state.choose:
            yield Diagnostic("choice-not-exhaustive", f"`{name}` has no arms", route)
        elif state.choose[-1].when is not None:
            yield Diagnostic(
                "choice-not-exhaustive",
                f"where no guard of `{name}` holds, the run has nowhere to go",
                (*route, len(state.choose) - 1, "when"),
                hint="add a last arm without `when`, or take this guard away",
            )
