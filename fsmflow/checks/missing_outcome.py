"""An outcome that leads nowhere.

Why is this bad?
    Every step can fail, and a person may never answer. Where nothing is said about that, nobody has
    thought about it, and the run would fail without a word.

What to do
    Give the state a `fallback`; give an `ask` state a `timeout` too.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:  # error: missing-outcome
        run: m:f
        effect: none
        success: done
      done: {end: success}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find states that can fail or wait in vain without a way out."""
    for name, state in analysis.workflow.states.items():
        if isinstance(state, spec.Choose | spec.Wait | spec.End):
            continue
        if state.fallback is None:
            when = "nobody answers" if isinstance(state, spec.Ask) else "it can't succeed"
            yield Diagnostic(
                "missing-outcome",
                f"`{name}` does not say where to go when {when}",
                ("states", name),
                key=True,
                hint="add `fallback: STATE`",
            )
        if isinstance(state, spec.Ask) and state.timeout is None:
            yield Diagnostic(
                "missing-outcome",
                f"`{name}` does not say how long to wait for an answer",
                ("states", name),
                key=True,
                hint="add `timeout: 7d`, say; its `fallback` is taken then",
            )
