"""A child of which nothing says how much it may use at most.

Why is this bad?
    All that a child may use is set aside before it starts. Where nothing bounds that, nothing can be set
    aside, and no cap of this workflow would hold.

What to do
    Give the child a `budget` with a cap on what is missing, or cap its loops. What it takes in time is
    bounded by the timeouts of its steps; `missing-timeout` speaks of that.

Example::

    fsmflow: 1
    workflow: sample
    budget: {steps: 20}
    states:
      look:
        call: endless  # error: child-unbounded
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.amounts import RESOURCES
from fsmflow.analysis.callees import calls
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find children whose steps, or whose use of something that is capped here, has no bound."""
    caps = analysis.machine.caps.amounts()
    for call in calls(analysis.workflow):
        callee = analysis.callees[call.name].callee
        if callee is None:
            continue
        # Steps are what everything else hangs on, capped or not.
        unbounded = [
            resource.key
            for resource, cap, most in zip(RESOURCES, caps, callee.most.amounts(), strict=True)
            if most is None and resource.key != "time" and (cap is not None or resource.key == "steps")
        ]
        if unbounded:
            yield Diagnostic(
                "child-unbounded",
                f"nothing bounds what `{call.name}` may use: {', '.join(f'`{key}`' for key in unbounded)}",
                call.route,
                hint=f"add a cap to its `budget`: `{unbounded[0]}: …`",
            )
