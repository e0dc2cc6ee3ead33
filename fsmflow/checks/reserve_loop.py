"""A loop among reserve states.

Why is this bad?
    What the reserve can use at most is set aside from the start, so it must be a fixed amount. A
    loop makes it as much as the loop goes round.

What to do
    Let reserve states only lead onward. `retry` and `invalid`, each with `times`, are counted in.

Example::

    fsmflow: 1
    workflow: sample
    budget: {steps: 10, exceeded: quote}
    states:
      draft: {run: m:f, effect: none, success: done, fallback: quote}
      quote:  # error: reserve-loop
        run: m:f
        effect: none
        reserve: true
        success: polish
        fallback: failed
      polish:
        run: m:verdict            # -> Literal["yes", "no"]
        effect: none
        reserve: true
        success:
          "yes": done
          "no": {to: quote, times: 2, else: failed}
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.graph import components, shortest_path
from fsmflow.analysis.paths import written
from fsmflow.diagnostics import Diagnostic
from fsmflow.machine import End, Transition


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find cycles of visits inside the reserve."""
    machine = analysis.machine
    region = [n for n, s in machine.states.items() if not isinstance(s, End) and s.reserve]
    ways: dict[str, list[Transition]] = {
        name: [
            way
            for way in machine.outgoing[name]
            if not way.same_visit and way.kind != "exceeded" and name not in analysis.guesses.states
        ]
        for name in region
    }
    edges = {name: [w.target for w in found if w.target in ways] for name, found in ways.items()}
    position = {name: number for number, name in enumerate(region)}
    for group in components(region, edges):
        first = min(group, key=position.__getitem__)
        if len(group) == 1 and first not in edges[first]:
            continue
        path = shortest_path(first, (first,), ways)
        assert path is not None
        yield Diagnostic(
            "reserve-loop",
            f"the reserve goes round: `{written(path)}`",
            ("states", first),
            key=True,
            hint="let reserve states only lead onward",
        )
