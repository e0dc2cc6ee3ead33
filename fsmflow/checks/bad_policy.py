"""A policy that says nothing: no pattern, two patterns, or an event that can't happen.

Why is this bad?
    The rule is believed to be kept, and nothing is held to it.

What to do
    Write exactly one of `{never: E}`, `{always: E}`, `{at_most: N, visit: E}`, `{before: E, visit: F}` and
    `{after: E, visit: F}`, each with an optional `between: [E, F]`. An event is a state, or
    `state.outcome`: a label, `success`, `retry`, `invalid`, `fallback`, `unknown` or `exceeded`.

Example::

    fsmflow: 1
    workflow: sample
    states:
      draft: {run: m:f, effect: none, success: done, fallback: failed}
      done: {end: success}
      failed: {end: failed}
    policies:
      - {never: dnoe}  # error: bad-policy
      - {never: draft.retry}  # error: bad-policy
      - {at_most: 3}  # error: bad-policy
      - {never: done, always: failed}  # error: bad-policy
      - {never: done, between: [draft]}  # error: bad-policy
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from fsmflow import spec
from fsmflow.analysis import Analysis
from fsmflow.analysis.mentions import events
from fsmflow.diagnostics import Diagnostic
from fsmflow.loading.names import shown
from fsmflow.source import Route

_PATTERNS = ("never", "always", "at_most", "before", "after")


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find policies that are not one pattern over events that can happen."""
    outcomes = {
        name: {way.name for way in ways} | {way.kind for way in ways}
        for name, ways in analysis.machine.outgoing.items()
    }
    for index, policy in enumerate(analysis.workflow.policies):
        route: Route = ("policies", index)
        yield from _shape(policy, route)
        for event, place in events(policy, route):
            yield from _event(analysis, event, place, outcomes)


def _shape(policy: spec.Policy, route: Route) -> Iterator[Diagnostic]:
    chosen = [name for name in _PATTERNS if getattr(policy, name) is not None]
    if len(chosen) != 1:
        found = "none" if not chosen else " and ".join(f"`{name}`" for name in chosen)
        expected = ", ".join(f"`{name}`" for name in _PATTERNS)
        yield Diagnostic(
            "bad-policy", f"a policy has one pattern, and this has {found}", route, hint=expected
        )
    elif chosen[0] in ("never", "always"):
        if policy.visit is not None:
            message = f"`{chosen[0]}` takes no `visit`"
            yield Diagnostic("bad-policy", message, (*route, "visit"), key=True, hint="name the event once")
    elif policy.visit is None:
        message = f"`{chosen[0]}` needs `visit`"
        yield Diagnostic("bad-policy", message, route, hint="add `visit: STATE`")
    if policy.between is not None and len(policy.between) != 2:
        message = f"`between` takes two events, and this has {len(policy.between)}"
        yield Diagnostic("bad-policy", message, (*route, "between"), hint="from the first until the second")


def _event(
    analysis: Analysis, event: str, route: Route, outcomes: dict[str, set[str]]
) -> Iterator[Diagnostic]:
    states = analysis.workflow.states
    name, dot, outcome = event.partition(".")
    if name in analysis.misspelt or ("states", name) in analysis.damaged:
        # What is wrong there is told there.
        return
    if name not in states:
        hint = analysis.hints.near(name, states)
        yield Diagnostic("bad-policy", f"unknown state `{shown(name)}`", route, hint=hint)
    elif dot and outcome not in outcomes[name] and outcome not in _labels(analysis, states[name]):
        message = f"`{name}` is never left by `{shown(outcome)}`"
        yield Diagnostic("bad-policy", message, route, hint=analysis.hints.near(outcome, outcomes[name]))


def _labels(analysis: Analysis, state: spec.State) -> Collection[str]:
    """Give the labels that a state is to have arms for: one that has none is told there."""
    match state:
        case spec.Run(run=step, success=dict()):
            signature = analysis.values.signature(step)
            return () if signature is None else signature.labels or ()
        case spec.Llm(success=dict()):
            return state.llm.tools
    return ()
