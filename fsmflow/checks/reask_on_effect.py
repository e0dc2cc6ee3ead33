"""A re-ask of a step that acts.

Why is this bad?
    `invalid` calls the step again because its output was rejected. Its effect has happened by then,
    so it happens again, or, with an idempotency key, the same rejected output comes back.

What to do
    Part the step in two: one that acts, and one before it that makes and checks what is acted on. Or
    lead elsewhere: `invalid: {to: STATE}`.

Example::

    fsmflow: 1
    workflow: sample
    states:
      pay:
        run: m:f
        effect: idempotent
        success: done
        invalid: {times: 2}  # error: reask-on-effect
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
    """Find re-asks of acting states."""
    for name, state in analysis.workflow.states.items():
        if not isinstance(state, spec.Run | spec.Llm) or state.effect not in ("idempotent", "once"):
            continue
        if state.invalid is not None and state.invalid.to in (None, name):
            yield Diagnostic(
                "reask-on-effect",
                f"`{name}` acts, and would act again for each output that is rejected",
                ("states", name, "invalid"),
                key=True,
                hint="let another step make and check what this one acts on",
            )
