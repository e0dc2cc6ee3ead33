"""`unknown` on a step whose outcome is never unknown.

Why is this bad?
    Only a step with `effect: once` takes `unknown`; for any other the way out is dead, and a reader
    believes in a precaution that is not there.

What to do
    Say `effect: once`, if the step must never be repeated; else remove `unknown`.

Example::

    fsmflow: 1
    workflow: sample
    states:
      pay:
        run: m:f
        effect: idempotent
        success: done
        unknown: failed  # warning: unknown-unused
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic, Severity


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find steps with `unknown` and an effect other than `once`."""
    for name, state in analysis.workflow.states.items():
        if isinstance(state, spec.Run | spec.Llm) and state.unknown is not None and state.effect != "once":
            yield Diagnostic(
                "unknown-unused",
                f"`{name}` never takes `unknown`: its effect is not `once`",
                ("states", name, "unknown"),
                Severity.WARNING,
                key=True,
                hint="say `effect: once`, or remove `unknown`",
            )
