"""A working state that may take any time, in a workflow with a cap on time.

Why is this bad?
    The attempt may take all the time that is left, and what the workflow takes at worst can't be
    told. For a reserve state, not even what must be set aside is known.

What to do
    Add `timeout`: the longest that one attempt may take. A state that runs other workflows takes as long
    as they do, so their steps need one.

Example::

    fsmflow: 1
    workflow: sample
    budget: {time: 1min}
    states:
      draft:  # error: missing-timeout
        run: m:f
        effect: none
        success: look
        fallback: failed
      look:
        call: slow  # error: missing-timeout
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.callees import calls
from fsmflow.diagnostics import Diagnostic


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find steps without `timeout`, and children without a bound, under a budget of time."""
    if analysis.workflow.budget.time is None:
        return
    for name, state in analysis.workflow.states.items():
        if isinstance(state, spec.Run | spec.Llm) and state.timeout is None:
            why = "so what must be set aside for it is not known" if state.reserve else "and time is capped"
            yield Diagnostic(
                "missing-timeout",
                f"`{name}` has no `timeout`, {why}",
                ("states", name),
                key=True,
                hint="add `timeout: 20s`, say",
            )
    for call in calls(analysis.workflow):
        found = analysis.callees[call.name]
        # Where not even its steps are bounded, `child-unbounded` tells that.
        most = None if found.callee is None else found.callee.most
        if most is not None and most.time_us is None and most.steps is not None:
            yield Diagnostic(
                "missing-timeout",
                f"what `{call.name}` takes has no bound, and time is capped",
                call.route,
                hint=f"give the steps of {found.path.as_posix()} a `timeout`",
            )
