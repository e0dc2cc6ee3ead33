"""A state that a run can enter, and from which no end can be reached.

Why is this bad?
    The run can only go round until its budget stops it; it never gives anything.

What to do
    Lead one of the ways out of these states to an end.

Example::

    fsmflow: 1
    workflow: sample
    budget: {steps: 10}
    states:
      draft: {run: m:f, effect: none, success: done, fallback: again}
      again:  # error: no-way-to-end
        run: m:f
        effect: none
        success: rest
        fallback: rest
      rest: {wait: 1s, success: again}  # warning: budget-only-termination
      done: {end: success}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.graph import components
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find the components that a run can enter and that nothing leads out of."""
    facts = analysis.reachability
    trapped = {n for n in analysis.machine.states if n in facts.entered and n not in facts.finishing}
    if not trapped or analysis.guesses.any:
        return
    edges = {
        name: [way.target for way in analysis.machine.outgoing[name] if way.kind != "exceeded"]
        for name in trapped
    }
    position = {name: number for number, name in enumerate(analysis.machine.states)}
    for group in components(sorted(trapped, key=position.__getitem__), edges):
        members = set(group)
        if any(target not in members for name in group for target in edges[name]):
            continue
        first, *others = sorted(group, key=position.__getitem__)
        along = f", only {', '.join(f'`{name}`' for name in others[:8])}" if others else ""
        along += ", …" if len(others) > 8 else ""
        yield Diagnostic(
            "no-way-to-end",
            f"no end can be reached from `{first}`{along}",
            ("states", first),
            key=True,
            hint="lead one of its ways out to an end",
        )
