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
from fsmflow.analysis.affordability import Approaches, happy_end, unaffordable
from fsmflow.analysis.amounts import RESOURCES
from fsmflow.analysis.paths import written
from fsmflow.diagnostics import Diagnostic, Severity
from fsmflow.machine import End


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find ends, other than the cheapest of success, that a cap stands before, each resource by itself."""
    if analysis.guesses.any:
        return
    machine = analysis.machine
    alone = {index for _, index, _, _ in unaffordable(machine)}
    for index, (resource, cap) in enumerate(zip(RESOURCES, machine.caps.amounts(), strict=True)):
        aside = machine.reserve.amounts()[index]
        if cap is None or index in alone or aside > cap:
            continue
        approaches = Approaches.of(machine, index)
        best = happy_end(machine, approaches)
        if best is not None and approaches.amounts[best] + aside > cap:
            # Not even success can be afforded, which is said of the budget.
            continue
        for name, amount in approaches.amounts.items():
            if not isinstance(machine.states[name], End) or amount + aside <= cap:
                continue
            beside = f", with {resource.written(aside)} set aside" if aside else ""
            yield Diagnostic(
                "end-unaffordable",
                f"the cheapest way to `{name}` may take {resource.written(amount)}{beside}; the cap is "
                f"{resource.written(cap)}: `{written(approaches.path(name), machine.start)}`",
                ("states", name),
                Severity.WARNING,
                key=True,
                hint=f"raise the cap to {resource.written(amount + aside)} or more",
            )
