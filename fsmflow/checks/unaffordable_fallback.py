"""A way out to a step that can't be afforded once it is needed.

Why is this bad?
    What failed before has been paid for. If the attempts on the way used what they declare, there is no
    room left for even one attempt here, so the run goes to `exceeded` and the fallback is never tried.

What to do
    Mark the state `reserve: true`, so that its cost is set aside from the start; or raise the cap.

Example::

    fsmflow: 1
    workflow: sample
    budget: {tokens: 2000}
    states:
      draft:
        run: m:f
        effect: none
        cost: {tokens: 1500}
        success: done
        fallback: shorten  # warning: unaffordable-fallback
      shorten: {run: m:f, effect: none, cost: {tokens: 1000}, success: done, fallback: failed}
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.affordability import Approaches, happy_end, unaffordable
from fsmflow.analysis.amounts import RESOURCES
from fsmflow.analysis.paths import written
from fsmflow.diagnostics import Diagnostic, Related, Severity
from fsmflow.machine import Transition, Work


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find the targets of ways out that a cap stands before on every way there, each resource by itself."""
    if analysis.guesses.any:
        return
    machine = analysis.machine
    alone = {index for _, index, _, _ in unaffordable(machine)}
    for index, (resource, cap) in enumerate(zip(RESOURCES, machine.caps.amounts(), strict=True)):
        aside = machine.reserve.amounts()[index]
        if cap is None or index in alone or aside > cap:
            continue
        happy = Approaches.of(machine, index)
        best = happy_end(machine, happy)
        if best is not None and happy.amounts[best] + aside > cap:
            continue
        approaches = Approaches.of(machine, index, failing=True)
        for name, amount in approaches.amounts.items():
            state = machine.states[name]
            if name == machine.start or amount + aside <= cap or not isinstance(state, Work) or state.reserve:
                continue
            path = approaches.path(name)
            if not _is_way_out(path[-1]) or approaches.amounts[path[-1].source] + aside > cap:
                continue
            beside = f", with {resource.written(aside)} set aside" if aside else ""
            limit = f"the cap is {resource.written(cap)}"
            yield Diagnostic(
                "unaffordable-fallback",
                f"`{name}` can't be afforded when it is needed: with one attempt there, the cheapest way may "
                f"take {resource.written(amount)}{beside}; {limit}: `{written(path)}`",
                analysis.route(path[-1]),
                Severity.WARNING,
                hint=f"mark `{name}` with `reserve: true`, or raise the cap to "
                f"{resource.written(amount + aside)} or more",
                related=(Related(f"`{name}` is an ordinary state", ("states", name)),),
            )


def _is_way_out(way: Transition) -> bool:
    return way.on != "success" or way.used_up is not None
