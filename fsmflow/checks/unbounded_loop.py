"""A cycle that no counter bounds.

Why is this bad?
    A run may go round for ever, so nothing can be said of what it costs. A cap on tokens, money or
    time does not help: an attempt may use none of them. `steps` would stop it, and then this is
    the warning `budget-only-termination`.

What to do
    Cap the edge that leads back: `{to: draft, times: 2, else: failed}`. A cap with `per: STATE` counts
    from 0 again whenever that state is entered; if the loop itself enters it, nothing is capped.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft: {run: m:f, effect: none, success: check, fallback: failed}
      check:
        run: m:verdict            # -> Literal["yes", "no"]
        effect: none
        success:
          "yes": done
          "no": draft  # error: unbounded-loop
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.paths import written
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find the loops that neither a counter nor the budget's steps bound."""
    if not analysis.termination.decided:
        yield Diagnostic(
            "unbounded-loop",
            "it can't be told whether every run ends: loops are nested too deep in one another",
            ("states",),
            key=True,
            hint="count caps per run rather than `per` a state",
        )
    for loop in analysis.termination.loops:
        if loop.budgeted:
            continue
        message = f"nothing bounds the loop `{written(loop.ways)}`"
        hint = "cap this edge with `times` and `else`"
        if loop.reset is not None:
            message += f": this edge is counted anew whenever `{loop.reset}` is entered, as the loop does"
            hint = "count it `per: run`"
        elif loop.culprit.kind == "invalid":
            hint = "say how often: `invalid: {times: 2}`"
        yield Diagnostic("unbounded-loop", message, analysis.route(loop.culprit), hint=hint)
