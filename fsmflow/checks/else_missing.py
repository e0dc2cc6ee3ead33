"""A capped edge that does not say where to go once its cap is reached.

Why is this bad?
    The cap will be reached some day, and that is the moment the workflow was least thought about.
    `retry` and `invalid` need no `else`: when used up they take the state's `fallback`.

What to do
    Add `else: STATE`.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft: {run: m:f, effect: none, success: check, fallback: failed}
      check:
        run: m:verdict            # -> Literal["yes", "no"]
        effect: none
        success:
          "yes": done
          "no": {to: draft, times: 2}  # error: else-missing
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


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find arms with `times` and without `else`."""
    for name, state in analysis.workflow.states.items():
        for arm, route in arms(state, ("states", name)):
            if isinstance(arm, spec.Target) and arm.times is not None and arm.else_ is None:
                often = "once" if arm.times == 1 else f"{arm.times:,} times"
                yield Diagnostic(
                    "else-missing",
                    f"this edge from `{name}` to `{arm.to}` may be taken {often}, and then leads nowhere",
                    route,
                    hint="add `else: STATE`",
                )
