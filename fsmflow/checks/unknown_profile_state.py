"""A profile that swaps the step of a state that is not there, or that calls no step.

Why is this bad?
    The profile does less than it says: a test that believes itself offline would call the real step.

What to do
    Name a `run` state of this workflow.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft: {run: m:f, effect: none, success: done, fallback: failed}
      done: {end: success}
      failed: {end: failed}
    profiles:
      offline:
        darft: m:f  # error: unknown-profile-state
        done: m:f  # error: unknown-profile-state
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.diagnostics import Diagnostic
from fsmflow.loading.names import shown


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find entries of profiles that swap nothing."""
    states = analysis.workflow.states
    working = [name for name, state in states.items() if isinstance(state, spec.Run | spec.Llm)]
    for profile, steps in analysis.workflow.profiles.items():
        for name in steps:
            if name in working or name in analysis.misspelt or ("states", name) in analysis.damaged:
                continue
            message = f"`{name}` calls no step" if name in states else f"unknown state `{shown(name)}`"
            route = ("profiles", profile, name)
            hint = analysis.hints.near(name, working)
            yield Diagnostic("unknown-profile-state", message, route, key=True, hint=hint)
