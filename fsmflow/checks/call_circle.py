"""Workflows that run one another in a circle.

Why is this bad?
    Each run would begin another one, and nothing says when that ends. What is set aside for a child is
    all that its own children may use, so there is no amount that would be enough.

What to do
    Write the repetition as a loop of states, with a cap, in one workflow; or let the innermost workflow
    give what it knows, and its caller decide whether to run it again.

Example::

    fsmflow: 1
    workflow: sample
    states:
      again:
        call: sample  # error: call-circle
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.callees import calls
from fsmflow.diagnostics import Diagnostic

MOST_SHOWN = 12
"""How many workflows of a circle are shown at most."""


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find workflows that are run, and that run their caller or themselves."""
    for call in calls(analysis.workflow):
        circle = analysis.callees[call.name].circle
        if circle:
            names = [f"`{name}`" for name in circle]
            if len(names) > MOST_SHOWN:
                names[MOST_SHOWN - 1 : -1] = [f"{len(names) - MOST_SHOWN:,} others"]
            yield Diagnostic(
                "call-circle",
                f"workflows run one another in a circle: {' → '.join(names)}",
                call.route,
                hint="repeat it by a loop of states, with a cap",
            )
