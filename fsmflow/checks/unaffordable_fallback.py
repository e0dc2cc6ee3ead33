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
from fsmflow.analysis.affordability import Approaches, Capped
from fsmflow.analysis.paths import written
from fsmflow.diagnostics import Diagnostic, Related, Severity
from fsmflow.machine import Transition, Work


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find the targets of ways out that a cap stands before on every way there, each resource by itself."""
    if analysis.guesses.any:
        return
    machine = analysis.machine
    for capped in Capped.of(machine):
        if not capped.affords_success:
            continue
        approaches = Approaches.of(machine, capped.index, failing=True)
        for name, amount in approaches.amounts.items():
            state = machine.states[name]
            if (
                name == machine.start
                or capped.affords(amount)
                or not isinstance(state, Work)
                or state.reserve
            ):
                continue
            path = approaches.path(name)
            if not _is_way_out(path[-1]) or not capped.affords(approaches.amounts[path[-1].source]):
                continue
            yield Diagnostic(
                "unaffordable-fallback",
                f"`{name}` can't be afforded when it is needed: with one attempt there, the cheapest way may "
                f"take {capped.written(amount)}; the cap is {capped.resource.written(capped.cap)}: "
                f"`{written(path)}`",
                analysis.route(path[-1]),
                Severity.WARNING,
                hint=f"mark `{name}` with `reserve: true`, or raise the cap to "
                f"{capped.enough_for(amount)} or more",
                related=(Related(f"`{name}` is an ordinary state", ("states", name)),),
            )


def _is_way_out(way: Transition) -> bool:
    return way.on != "success" or way.used_up is not None
