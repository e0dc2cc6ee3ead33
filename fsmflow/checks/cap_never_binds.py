"""A cap on an edge that a run can take only once.

Why is this bad?
    The cap and its `else` look as if something were bounded, and are never reached. Most often
    another edge is the one that leads back.

What to do
    Move the cap to the edge that leads back, or remove it.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft:
        run: m:f
        effect: none
        success: {to: done, times: 2, else: failed}  # warning: cap-never-binds
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic, Severity


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find capped transitions that lie on no cycle."""
    if analysis.guesses.any:
        return
    seen: set[str] = set()
    for way in analysis.machine.transitions:
        if not way.below or analysis.cycles.has(way) or not seen.isdisjoint(way.below):
            continue
        seen.update(way.below)
        yield Diagnostic(
            "cap-never-binds",
            f"no way leads from `{way.target}` back to `{way.source}`: this edge is taken at most once",
            (*analysis.route(way)[:-1], "times"),
            Severity.WARNING,
            hint="remove `times`, or cap the edge that leads back",
        )
