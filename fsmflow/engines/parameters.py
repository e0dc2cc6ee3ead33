"""Whether the steps that stand in a spec's folder still take what the machine of a run gives them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from fsmflow.engines.workflows import Workflow
from fsmflow.machine import Work
from fsmflow.runtime.binding import profiles_of
from fsmflow.runtime.steps import Bound


def misfits(workflow: Workflow, bound: Mapping[str, Bound], profile: str | None) -> Iterator[str]:
    """Tell of steps, of a workflow and of those that it runs, that could not be called."""
    for name in workflow.machine.states:
        yield from misfits_of(workflow, bound, name)
    for callee in workflow.callees.values():
        own = profile if profile in profiles_of(callee.runner) else None
        yield from misfits(callee, callee.runner.bind(own), own)


def misfits_of(workflow: Workflow, bound: Mapping[str, Bound], name: str) -> Iterator[str]:
    """Tell if the step of a state could not be called."""
    state = workflow.machine.states[name]
    if isinstance(state, Work) and state.children is None:
        why = _why(bound[name].function, frozenset(argument for argument, _ in state.arguments))
        if why:
            yield f"`{state.call or name}` can't take what `{name}` gives it now: it {why}"


def _why(function: Callable[..., Any], given: frozenset[str]) -> str:
    """Say it of a function that may be one by which nothing can be looked up."""
    try:
        return _misfit(function, given)
    except TypeError:
        return _misfit.__wrapped__(function, given)


@lru_cache(maxsize=1_024)
def _misfit(function: Callable[..., Any], given: frozenset[str]) -> str:
    """Say why a function can't be called with arguments of these names; nothing if it can."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        # What is not written in Python does not always say.
        return ""
    named = [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters)
    unknown = set() if takes_any else given - {each.name for each in named}
    lacking = {each.name for each in named if each.default is each.empty} - given - {"ctx"}
    said = (("has no parameter", unknown), ("needs", lacking))
    return ", and ".join(
        f"{what} {', '.join(f'`{each}`' for each in sorted(names))}" for what, names in said if names
    )
