"""A step that must never be repeated, and that does not say what to do when nobody knows if it happened.

Why is this bad?
    A timeout, a lost connection or a crash can leave it open whether a payment was made. Neither
    doing it again nor taking it for failed is right.

What to do
    Add `unknown: STATE`: a state that finds out, or hands over to a person.

Example::

    fsmflow: 1
    workflow: sample
    states:
      pay:  # error: unknown-missing
        run: m:f
        effect: once
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find steps with `effect: once` and without `unknown`."""
    for name, state in analysis.workflow.states.items():
        if isinstance(state, spec.Run | spec.Llm) and state.effect == "once" and state.unknown is None:
            yield Diagnostic(
                "unknown-missing",
                f"`{name}` does not say where to go when nobody can tell if it happened",
                ("states", name),
                key=True,
                hint="add `unknown: STATE`, which finds out or hands over",
            )
