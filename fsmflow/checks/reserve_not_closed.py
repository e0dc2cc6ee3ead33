"""A reserve state that leads out of the reserve.

Why is this bad?
    What the reserve states use is set aside from the start, so that the way out can always be
    afforded. A way from them to an ordinary state leads to work that nothing was set aside for.

What to do
    Let reserve states lead to one another and to ends only, or mark the target `reserve: true` too.

Example::

    fsmflow: 1
    workflow: sample
    budget: {steps: 10}
    states:
      draft: {run: m:f, effect: none, success: done, fallback: quote}
      quote:
        run: m:f
        effect: none
        reserve: true
        success: polish  # error: reserve-not-closed
        fallback: failed
      polish: {run: m:f, effect: none, success: done, fallback: failed}
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic, Related
from fsmflow.machine import End


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find transitions from reserve states to ordinary ones."""
    states = analysis.machine.states
    told: set[tuple[str, object]] = set()
    for way in analysis.machine.transitions:
        source, target = states[way.source], states[way.target]
        if isinstance(source, End) or isinstance(target, End) or not source.reserve or target.reserve:
            continue
        route = analysis.route(way)
        if way.kind == "exceeded" or way.source in analysis.guesses.states or (way.target, route) in told:
            continue
        told.add((way.target, route))
        yield Diagnostic(
            "reserve-not-closed",
            f"`{way.source}` is in the reserve, and leads to `{way.target}`, which is not",
            route,
            hint="lead to an end, or mark the target `reserve: true`",
            related=(Related(f"`{way.target}` is an ordinary state", ("states", way.target)),),
        )
