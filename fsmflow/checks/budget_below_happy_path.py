"""A budget that the shortest way to success may already break.

Why is this bad?
    Even if every step succeeds at its first attempt, a run whose steps use what they declare never
    gets to an end of success.

What to do
    Raise the cap, or lower what the steps declare as their `cost`.

Example::

    fsmflow: 1
    workflow: sample
    budget:
      tokens: 2000  # error: budget-below-happy-path
    states:
      draft: {run: m:f, effect: none, cost: {tokens: 1500}, success: check, fallback: failed}
      check: {run: m:f, effect: none, cost: {tokens: 1000}, success: done, fallback: failed}
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.affordability import Capped
from fsmflow.analysis.paths import written
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find caps that the cheapest way to success breaks, each resource by itself."""
    if analysis.guesses.any:
        return
    machine = analysis.machine
    for capped in Capped.of(machine):
        end = capped.happy_end
        if end is None or capped.affords_success:
            continue
        amount = capped.happy.amounts[end]
        yield Diagnostic(
            "budget-below-happy-path",
            f"the cheapest way to success may take {capped.written(amount)}: "
            f"`{written(capped.happy.path(end), machine.start)}`",
            ("budget", capped.resource.key),
            hint=f"raise the cap to {capped.enough_for(amount)} or more",
        )
