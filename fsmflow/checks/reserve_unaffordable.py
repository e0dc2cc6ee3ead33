"""A reserve that is dearer than the budget.

Why is this bad?
    The worst case of the reserve states is set aside from the start. If that is more than a cap
    allows, no step before it can ever begin.

What to do
    Raise the cap, or make the reserve cheaper: fewer retries, a shorter `timeout`, a smaller `cost`.

Example::

    fsmflow: 1
    workflow: sample
    budget:
      tokens: 1000  # error: reserve-unaffordable
      exceeded: quote
    states:
      draft: {run: m:f, effect: none, success: done, fallback: quote}
      quote:
        run: m:f
        effect: none
        reserve: true
        cost: {tokens: 600}
        success: done
        invalid: {times: 1}
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.amounts import RESOURCES
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find caps that the reserve alone breaks."""
    machine = analysis.machine
    for resource, cap, aside in zip(
        RESOURCES, machine.caps.amounts(), machine.reserve.amounts(), strict=True
    ):
        # An attempt outside the reserve needs some time, too.
        if cap is not None and aside and aside + (resource.key == "time") > cap:
            yield Diagnostic(
                "reserve-unaffordable",
                f"the reserve may take {resource.written(aside)}; the cap is {resource.written(cap)}",
                ("budget", resource.key),
                hint="raise the cap, or make the reserve states cheaper",
            )
