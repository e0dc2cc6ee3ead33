"""`budget.exceeded` leads to a state that can't be afforded.

Why is this bad?
    A run goes there when a cap leaves no room. An ordinary state there needs room itself, so the
    run would come straight back.

What to do
    Name an end, or a state that is marked `reserve: true`, whose cost is set aside from the start.

Example::

    fsmflow: 1
    workflow: sample
    budget:
      tokens: 1000
      exceeded: quote  # error: exceeded-not-safe, unbounded-loop
    states:
      draft: {run: m:f, effect: none, success: quote, fallback: failed}
      quote: {wait: 1s, success: done}
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic, Related


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find an `exceeded` that names neither an end nor a reserve state."""
    name = analysis.workflow.budget.exceeded
    state = analysis.workflow.states.get(name or "")
    if name is None or state is None or isinstance(state, spec.End) or getattr(state, "reserve", False):
        return
    if ("states", name) in analysis.damaged:
        # What it says of `reserve` may be what can't be read.
        return
    yield Diagnostic(
        "exceeded-not-safe",
        f"`{name}` is neither an end nor a reserve state, so nothing is set aside for it",
        ("budget", "exceeded"),
        hint=f"mark `{name}` with `reserve: true`, or name an end",
        related=(Related(f"`{name}` is an ordinary state", ("states", name)),),
    )
