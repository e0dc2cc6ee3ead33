"""Finding the implementation of every step of a workflow, and of those that it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from fsmflow.runtime.children import Child, RunChildren
from fsmflow.runtime.commands import Children, Stage
from fsmflow.runtime.execution import Workflow
from fsmflow.runtime.steps import Bound, bind

Step = Callable[..., Any] | Bound | str
"""An implementation of a step: a function, `module:name`, or one that is ready to be called."""


class Bindable(Workflow, Protocol):
    """A compiled workflow whose steps are to be found."""

    folder: Path
    stages: Mapping[str, Stage]
    profiles: Mapping[str, Mapping[str, str]]

    @property
    def callees(self) -> Mapping[str, Bindable]:
        """The workflows that it runs."""

    def bind(
        self, profile: str | None = None, steps: Mapping[str, Step] | None = None
    ) -> Mapping[str, Bound]:
        """Find every step."""


def bind_all(workflow: Bindable, profile: str | None, steps: Mapping[str, Step]) -> Mapping[str, Bound]:
    """Find every step, accept function and type of a workflow, and make them ready to be called.

    Args:
        workflow: The workflow.
        profile: The profile whose implementations are used.
        steps: Implementations by state, or by the way to a state of a child.

    Raises:
        StepNotFound: One of them is not where the spec says.
        LookupError: There is no such profile, or no such state.
    """
    unknown = sorted(_unknown(workflow, steps))
    if unknown:
        raise LookupError(f"{workflow.name} has no step {', '.join(map(repr, unknown))}")
    own = {**_swapped(workflow, profile), **steps}
    found: dict[str, Bound] = {}
    for name, stage in workflow.stages.items():
        if stage.children is not None and name not in own:
            found[name] = _bind_children(workflow, stage.children, profile, _below(name, steps))
        else:
            found[name] = bind(stage, workflow.folder, own.get(name))
    # What its input, its output and its answers are held to is found now, and not in the middle of a run.
    workflow.types()
    workflow.answers()
    return found


def _below(name: str, steps: Mapping[str, Step]) -> dict[str, Step]:
    """Give the steps whose way leads through `name`, by what follows it."""
    return {way[len(name) + 1 :]: step for way, step in steps.items() if way.startswith(f"{name}.")}


def _unknown(workflow: Bindable, ways: Iterable[str]) -> Iterator[str]:
    """Give the ways that lead to no step."""
    for way in ways:
        name, dot, rest = way.partition(".")
        stage = workflow.stages.get(name)
        if stage is None or (dot and stage.children is None):
            yield way
        elif dot and stage.children is not None:
            callees = stage.children.callees
            key = next(iter(callees))
            if stage.children.kind == "parallel":
                key, _, rest = rest.partition(".")
            if key not in callees or any(_unknown(workflow.callees[callees[key].name], [rest])):
                yield way


def _swapped(workflow: Bindable, profile: str | None) -> Mapping[str, str]:
    if profile is None:
        return {}
    known = profiles_of(workflow)
    if profile not in known:
        there = ", ".join(sorted(known)) or "none"
        raise LookupError(f"{workflow.name} has no profile {profile!r}; it has: {there}")
    return workflow.profiles.get(profile, {})


def profiles_of(workflow: Bindable) -> set[str]:
    """Give the profiles that a workflow has, itself or in one that it runs."""
    return {*workflow.profiles, *(name for child in workflow.callees.values() for name in profiles_of(child))}


def _bind_children(
    workflow: Bindable, children: Children, profile: str | None, steps: Mapping[str, Step]
) -> Bound:
    """Make the step of a state that runs other workflows, whose steps are found now."""
    found: dict[str, Child] = {}
    for key, callee in children.callees.items():
        child = workflow.callees[callee.name]
        own = _below(key, steps) if children.kind == "parallel" else steps
        found[key] = Child(child, child.bind(profile if profile in profiles_of(child) else None, own))
    return Bound(RunChildren(children, found), "children", True, None, (), plain=False)
