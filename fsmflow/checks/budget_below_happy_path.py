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
from fsmflow.analysis.affordability import Approaches, happy_end, unaffordable
from fsmflow.analysis.amounts import RESOURCES
from fsmflow.analysis.paths import written
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find caps that the cheapest way to success breaks, each resource by itself."""
    if analysis.guesses.any:
        return
    machine = analysis.machine
    alone = {index for _, index, _, _ in unaffordable(machine)}
    for index, (resource, cap) in enumerate(zip(RESOURCES, machine.caps.amounts(), strict=True)):
        aside = machine.reserve.amounts()[index]
        if cap is None or index in alone or aside > cap:
            continue
        approaches = Approaches.of(machine, index)
        end = happy_end(machine, approaches)
        if end is None or approaches.amounts[end] + aside <= cap:
            continue
        amount = approaches.amounts[end]
        beside = f", with {resource.written(aside)} set aside" if aside else ""
        yield Diagnostic(
            "budget-below-happy-path",
            f"the cheapest way to success may take {resource.written(amount)}{beside}: "
            f"`{written(approaches.path(end), machine.start)}`",
            ("budget", resource.key),
            hint=f"raise the cap to {resource.written(amount + aside)} or more",
        )
