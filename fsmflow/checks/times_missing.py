"""`else` or `per` without `times`.

Why is this bad?
    Both speak of a cap that is not there: the edge is never used up, so its `else` is never taken.

What to do
    Add `times: N`, or remove `else` and `per`.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:
        run: m:f
        effect: none
        success: {to: done, else: failed}  # error: times-missing
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.mentions import arms
from fsmflow.diagnostics import Diagnostic
from fsmflow.source import Route


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find edges that speak of a cap and have none."""
    for name, state in analysis.workflow.states.items():
        for arm, route in arms(state, ("states", name)):
            if isinstance(arm, spec.Target):
                yield from _speaks_of_a_cap(arm, route)
        again = getattr(state, "invalid", None)
        if isinstance(again, spec.Invalid):
            yield from _speaks_of_a_cap(again, ("states", name, "invalid"))


def _speaks_of_a_cap(edge: spec.Target | spec.Invalid, route: Route) -> Iterator[Diagnostic]:
    if edge.times is not None:
        return
    for key, value in (("else", edge.else_), ("per", edge.per)):
        if value is not None:
            yield Diagnostic(
                "times-missing",
                f"`{key}` says nothing without `times`: this edge has no cap",
                (*route, key),
                key=True,
                hint=f"add `times: N`, or remove `{key}`",
            )
