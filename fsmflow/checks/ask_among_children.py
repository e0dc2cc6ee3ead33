"""A person is asked by one of several children.

Why is this bad?
    Children of `map` and `parallel` run side by side, and all that they may use is kept for them until
    the last one has ended. One that waits for a person would keep it for days, and a person would be
    asked many questions at a time of which nobody has said who answers which.

What to do
    Ask in this workflow: before the children run, or after, with `show` for all of them. A workflow that a
    `call` state runs may ask.

Example::

    fsmflow: 1
    workflow: sample
    input: m:Question
    states:
      each:
        map: approve  # error: ask-among-children
        over: $input.tags
        at_most: 3
        with: {text: $item}
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
    """Find states that run several children, of which one asks, itself or by way of its own children."""
    for call in calls(analysis.workflow):
        callee = analysis.callees[call.name].callee
        if callee is None or not callee.asks or isinstance(analysis.workflow.states[call.state], spec.Call):
            continue
        yield Diagnostic(
            "ask-among-children",
            f"`{call.name}` asks a person, and is one of several children of `{call.state}`",
            call.route,
            hint="ask before they run or after, or run it by a `call` state",
        )
