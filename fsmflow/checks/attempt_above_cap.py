"""A step of which not even one attempt fits into the budget.

Why is this bad?
    An attempt begins only if all that it may cost fits under every cap, beside what is set aside
    for the reserve. This one never does, so the run goes to `exceeded` whenever it comes here.

What to do
    Raise the cap, or declare a smaller `cost`.

Example::

    fsmflow: 1
    workflow: sample
    budget: {tokens: 1000}
    states:
      draft:
        run: m:f
        effect: none
        cost: {tokens: 1500}  # error: attempt-above-cap
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.affordability import unaffordable
from fsmflow.analysis.amounts import RESOURCES
from fsmflow.diagnostics import Diagnostic
from fsmflow.source import Route


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find costs, and waits, that are greater than a cap."""
    for name, index, amount, aside in unaffordable(analysis.machine):
        resource, cap = RESOURCES[index], analysis.machine.caps.amounts()[index] or 0
        route: Route = ("states", name, "cost", resource.key)
        if resource.key == "time":
            route = ("states", name, "wait")
        beside = f", of which {resource.written(aside)} is set aside" if aside else ""
        message = f"`{name}` may take {resource.written(amount)} at once"
        limit = f"the cap is {resource.written(cap)}{beside}"
        yield Diagnostic(
            "attempt-above-cap", f"{message}; {limit}", route, hint="raise the cap, or lower this"
        )
