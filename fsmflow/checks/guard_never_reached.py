"""An arm of a choice that no run can take.

Why is this bad?
    Arms are tried in order. One that comes after an arm that always holds, or whose guard can only
    hold where an earlier one does too, is dead, and most often means that a bound is wrong.

What to do
    Put the narrower guard first, or remove the arm.

Example::

    fsmflow: 1
    workflow: sample
    states:
      enough:
        choose:
          - {when: input.score > 2, to: done}
          - {when: input.score > 5, to: great}  # error: guard-never-reached
          - {when: input.score < 1 and input.score > 1, to: great}  # error: guard-never-reached
          - {to: failed}
      done: {end: success}
      great: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.guards import Never, dead_arms
from fsmflow.diagnostics import Diagnostic, Related
from fsmflow.expressions import Guard, GuardError


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find arms whose guard holds only where an earlier arm is taken."""
    read = {(arm.state, arm.index): arm.guard for arm in analysis.reads.guards}
    choices: dict[str, list[Guard | GuardError | None]] = {
        name: [read.get((name, index)) for index in range(len(state.choose))]
        for name, state in analysis.workflow.states.items()
        if isinstance(state, spec.Choose)
    }
    for name, index, never in dead_arms(choices):
        yield _diagnostic(name, index, never)


def _diagnostic(name: str, index: int, never: Never) -> Diagnostic:
    route = ("states", name, "choose", index)
    if never.because is None:
        return Diagnostic("guard-never-reached", "this guard never holds", (*route, "when"))
    earlier = Related("this arm is taken first", ("states", name, "choose", never.because))
    message = f"this arm is never taken: where it could be, arm {never.because + 1} is"
    return Diagnostic("guard-never-reached", message, route, related=(earlier,))
