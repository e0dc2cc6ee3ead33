"""A cycle that only the budget stops.

Why is this bad?
    A run that goes round ends where `budget.exceeded` says, after all that the budget allows was
    spent on going round. The loop itself has no way out that was thought about.

What to do
    Cap the edge that leads back: `{to: draft, times: 2, else: failed}`.

Example::

    fsmflow: 1
    workflow: sample
    budget: {steps: 20}
    states:
      draft: {run: m:f, effect: none, success: check, fallback: failed}
      check:
        run: m:verdict            # -> Literal["yes", "no"]
        effect: none
        success:
          "yes": done
          "no": draft  # warning: budget-only-termination
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.paths import written
from fsmflow.diagnostics import Diagnostic, Severity


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find the loops that no counter bounds and that a cap of the budget ends all the same."""
    for loop in analysis.termination.loops:
        if not loop.budgeted:
            continue
        message = f"only the budget stops the loop `{written(loop.ways)}`"
        hint = "cap this edge with `times` and `else`"
        if loop.reset is not None:
            message += f": this edge is counted anew whenever `{loop.reset}` is entered, as the loop does"
            hint = "count it `per: run`"
        yield Diagnostic(
            "budget-only-termination", message, analysis.route(loop.culprit), Severity.WARNING, hint=hint
        )
