"""A retry of a step that must never be repeated.

Why is this bad?
    `effect: once` says that doing it twice does harm: a payment, a message. A retry does it twice
    whenever the first attempt did it and only its answer was lost.

What to do
    Take `retry` away and handle the state's `unknown`; or, if the other side honours an idempotency
    key, say `effect: idempotent`.

Example::

    fsmflow: 1
    workflow: sample
    states:
      pay:
        run: m:f
        effect: once
        success: done
        retry: {times: 2}  # error: retry-on-once
        unknown: look
        fallback: failed
      done: {end: success}
      look: {end: handoff}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find retries of steps with `effect: once`."""
    for name, state in analysis.workflow.states.items():
        if isinstance(state, spec.Run | spec.Llm) and state.effect == "once" and state.retry is not None:
            yield Diagnostic(
                "retry-on-once",
                f"`{name}` must never be repeated, and would be retried",
                ("states", name, "retry"),
                key=True,
                hint="remove `retry`, or say `effect: idempotent` if the other side honours the key",
            )
