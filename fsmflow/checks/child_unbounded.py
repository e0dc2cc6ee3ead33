"""A child of which nothing says how much it may use at most, or that may use more than any cap.

Why is this bad?
    All that a child may use is set aside before it starts. Where nothing bounds that, nothing can be set
    aside, and no cap of this workflow would hold. Children of children multiply: three times a thousand
    are a thousand million.

What to do
    Give the child a `budget` with a cap on what is missing, or cap its loops; let it run fewer children.
    What it takes in time is bounded by the timeouts of its steps; `missing-timeout` speaks of that.

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
from fsmflow.analysis.amounts import RESOURCES, Resource
from fsmflow.analysis.callees import calls
from fsmflow.diagnostics import Diagnostic
from fsmflow.loading.conventions import MAX_CAP

MOST = {"steps": MAX_CAP, "tool_calls": MAX_CAP, "tokens": MAX_CAP, "usd": MAX_CAP * 10**6, "time": 10**18}
"""The most of each resource that one child may use: as much as a cap may say; for time, 30,000 years."""


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find children whose use of something has no sensible bound, and would be taken for nothing."""
    for call in calls(analysis.workflow):
        callee = analysis.callees[call.name].callee
        for resource, most in zip(RESOURCES, () if callee is None else callee.most.amounts(), strict=False):
            if most is None and resource.key != "time":
                message = f"nothing bounds the {_worded(resource)} that `{call.name}` may use"
            elif most is not None and most > MOST[resource.key]:
                message = f"`{call.name}` may use {resource.written(most)}, which is beyond all caps"
            else:
                continue
            hint = f"add a cap to its `budget`: `{resource.key}: …`"
            yield Diagnostic("child-unbounded", message, call.route, hint=hint)
            break


def _worded(resource: Resource) -> str:
    return "money" if resource.key == "usd" else resource.key.replace("_", " ")
