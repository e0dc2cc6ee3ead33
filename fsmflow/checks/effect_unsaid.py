"""A step that may be repeated, and that does not say what it does to the world.

Why is this bad?
    A retry, a re-ask and a loop all call the step again. Whether that is harmless, nobody can see.

What to do
    Say `effect: none` (it reads, computes, or asks a model), `idempotent` (it acts, and honours the
    idempotency key) or `once` (it must never be repeated).

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:
        run: m:f
        success: done
        retry: {times: 2}  # warning: effect-unsaid
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.source import Route


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find repeated steps without `effect`."""
    for name, state in analysis.workflow.states.items():
        if not isinstance(state, spec.Run) or state.effect is not None:
            continue
        route: Route = ("states", name)
        how = "visited again"
        if state.retry is not None:
            route, how = (*route, "retry"), "retried"
        elif state.invalid is not None and state.invalid.to is None:
            route, how = (*route, "invalid"), "asked again"
        elif name not in analysis.cycles.revisited or analysis.guesses.any:
            continue
        yield Diagnostic(
            "effect-unsaid",
            f"`{name}` may be {how}, and does not say what it does to the world",
            route,
            Severity.WARNING,
            key=True,
            hint="add `effect: none`, `idempotent` or `once`",
        )
