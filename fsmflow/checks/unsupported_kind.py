"""A kind of state that can't be compiled yet.

Why is this bad?
    `ask`, `map`, `parallel` and `call` are part of the language, and nothing runs them so far.

What to do
    Write the state as a `run` step: a function that asks the person, or that calls the other workflow.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:
        call: other  # error: unsupported-kind
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

_SUPPORTED = (spec.Run, spec.Llm, spec.Choose, spec.Wait, spec.End)


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find states of the kinds that nothing runs."""
    kinds = {cls: kind for kind, cls in spec.KINDS.items()}
    for name, state in analysis.workflow.states.items():
        if not isinstance(state, _SUPPORTED):
            kind = kinds[type(state)]
            yield Diagnostic(
                "unsupported-kind",
                f"`{kind}` states can't be compiled yet",
                ("states", name, kind),
                key=True,
                hint="write it as a `run` step",
            )
