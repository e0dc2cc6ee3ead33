"""A question that leaves nothing to answer.

Why is this bad?
    Whoever is asked could only nod, and nobody could tell later what was meant by it.

What to do
    Give `success` a label for each answer, `{approve: pay, refuse: tell}`; or say with `gives` of which
    type what the person fills in is. One label says at least what it is that is done by answering.

Example::

    fsmflow: 1
    workflow: sample
    states:
      approve:  # error: answer-missing
        ask: Pay this refund?
        timeout: 7d
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
    """Find questions without labels and without a type of the answer."""
    for name, state in analysis.workflow.states.items():
        if isinstance(state, spec.Ask) and state.gives is None and not isinstance(state.success, dict):
            yield Diagnostic(
                "answer-missing",
                f"`{name}` asks, and there is nothing to answer",
                ("states", name),
                key=True,
                hint="add labels, `success: {yes: STATE, no: STATE}`, or `gives`",
            )
