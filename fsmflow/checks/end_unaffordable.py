"""An end that a run without a failure gets to only if its steps use less than they declare.

Why is this bad?
    The cheapest way there already breaks a cap when every attempt uses what it may. Such a run goes to
    `exceeded` instead, although nothing failed, and another end is all that is ever seen of it.

What to do
    Raise the cap, lower what the steps on the way declare as their `cost`, or lead another way there.

Example::

    fsmflow: 1
    workflow: sample
    budget: {tokens: 2000}
    states:
      sort:
        run: m:verdict            # -> Literal["yes", "no"]
        effect: none
        cost: {tokens: 500}
        success: {"yes": brief, "no": study}
        fallback: failed
      study: {run: m:f, effect: none, cost: {tokens: 1500}, success: write, fallback: failed}
      write: {run: m:f, effect: none, cost: {tokens: 1000}, success: thorough, fallback: failed}
      brief: {end: success}
      thorough: {end: success}  # warning: end-unaffordable
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.affordability import Capped
from fsmflow.analysis.paths import written
from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.machine import End


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find ends, other than the cheapest of success, that a cap stands before, each resource by itself."""
    if analysis.guesses.any:
        return
    machine = analysis.machine
    for capped in Capped.of(machine):
        if not capped.affords_success:
            # That is said of the budget.
            continue
        for name, amount in capped.happy.amounts.items():
            if not isinstance(machine.states[name], End) or capped.affords(amount):
                continue
            yield Diagnostic(
                "end-unaffordable",
                f"the cheapest way to `{name}` may take {capped.written(amount)}; the cap is "
                f"{capped.resource.written(capped.cap)}: "
                f"`{written(capped.happy.path(name), machine.start)}`",
                ("states", name),
                Severity.WARNING,
                key=True,
                hint=f"raise the cap to {capped.enough_for(amount)} or more",
            )
