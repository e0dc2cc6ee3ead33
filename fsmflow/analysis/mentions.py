"""Where a spec names states: every edge, way out, scope and policy, with its place in the document."""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow import spec
from fsmflow.source import Route


def targets(workflow: spec.Workflow) -> Iterator[tuple[str, Route]]:
    """Give each name of a state that an edge, `else`, `per`, `start` or `exceeded` mentions."""
    if workflow.start is not None:
        yield workflow.start, ("start",)
    if workflow.budget.exceeded is not None:
        yield workflow.budget.exceeded, ("budget", "exceeded")
    for name, state in workflow.states.items():
        yield from _of_state(state, ("states", name))


def arms(state: spec.State, route: Route) -> Iterator[tuple[spec.Arm, Route]]:
    """Give each arm of `state` that leads somewhere on success, fallback or unknown, and its place."""
    if isinstance(state, spec.Choose):
        for number, choice in enumerate(state.choose):
            target = spec.Target(to=choice.to, times=choice.times, else_=choice.else_, per=choice.per)
            yield target, (*route, "choose", number)
        return
    success = getattr(state, "success", None)
    if isinstance(success, dict):
        for label, arm in success.items():
            yield arm, (*route, "success", label)
    elif success is not None:
        yield success, (*route, "success")
    for key in ("fallback", "unknown"):
        arm = getattr(state, key, None)
        if arm is not None:
            yield arm, (*route, key)


def _of_state(state: spec.State, route: Route) -> Iterator[tuple[str, Route]]:
    for arm, place in arms(state, route):
        yield from _of_arm(arm, place)
    for key in ("retry", "invalid"):
        again: spec.Retry | spec.Invalid | None = getattr(state, key, None)
        if again is None:
            continue
        if isinstance(again, spec.Invalid) and again.to is not None:
            yield again.to, (*route, key, "to")
        if again.else_ is not None:
            yield again.else_, (*route, key, "else")
        if again.per not in (None, "run"):
            yield again.per or "", (*route, key, "per")


def _of_arm(arm: spec.Arm, route: Route) -> Iterator[tuple[str, Route]]:
    if isinstance(arm, str):
        yield arm, route
        return
    yield arm.to, (*route, "to")
    if arm.else_ is not None:
        yield arm.else_, (*route, "else")
    if arm.per not in (None, "run"):
        yield arm.per or "", (*route, "per")
