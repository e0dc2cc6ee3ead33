"""Where a spec names states, functions and types, with the place of each in the document."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from fsmflow import spec
from fsmflow.loading.names import forbidden_module, reference_flaw
from fsmflow.source import Route
from fsmflow.typeexpr import Generic, TypeExpr, TypeName, Union, parse_type


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
            yield choice.target, (*route, "choose", number)
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


def events(policy: spec.Policy, route: Route) -> Iterator[tuple[str, Route]]:
    """Give each event of a policy, with its place."""
    for key in ("never", "always", "before", "after", "visit"):
        event = getattr(policy, key)
        if event is not None:
            yield event, (*route, key)
    for index, event in enumerate(policy.between or ()):
        yield event, (*route, "between", index)


@frozen
class CodeName:
    """`module:name` of a function or a class, and its place."""

    module: str
    name: str
    route: Route

    def __str__(self) -> str:
        return f"{self.module}:{self.name}"


def functions(workflow: spec.Workflow) -> Iterator[CodeName]:
    """Give each step and each `accept` function that is named in a sound way."""
    for reference, route in _functions(workflow):
        if reference_flaw(reference) is None and forbidden_module(reference) is None:
            module, _, name = reference.partition(":")
            yield CodeName(module, name, route)


def _functions(workflow: spec.Workflow) -> Iterator[tuple[str, Route]]:
    for name, state in workflow.states.items():
        if isinstance(state, spec.Run):
            yield state.run, ("states", name, "run")
        for index, accept in enumerate(getattr(state, "accept", ())):
            yield accept, ("states", name, "accept", index)
    for profile, steps in workflow.profiles.items():
        for name, reference in steps.items():
            yield reference, ("profiles", profile, name)


def types(workflow: spec.Workflow) -> Iterator[tuple[str, Route]]:
    """Give each type as it is written."""
    for key, text in (("input", workflow.input), ("output", workflow.output)):
        if text is not None:
            yield text, (key,)
    for name, state in workflow.states.items():
        text = getattr(state, "gives", None)
        if text is not None:
            yield text, ("states", name, "gives")
        if isinstance(state, spec.Llm):
            for tool, takes in state.llm.tools.items():
                yield takes, ("states", name, "llm", "tools", tool)


def classes(workflow: spec.Workflow) -> Iterator[CodeName]:
    """Give each class in a type that can be read."""
    for text, route in types(workflow):
        try:
            found = parse_type(text)
        except ValueError:
            continue
        for kind in named_in(found):
            yield CodeName(kind.module, kind.name, route)


def named_in(type_: TypeExpr) -> Iterator[TypeName]:
    """Give each class that a type is made of, in order."""
    pending = [type_]
    while pending:
        match pending.pop():
            case TypeName(module=module) as kind if module:
                yield kind
            case Generic(arguments=parts) | Union(members=parts):
                pending.extend(reversed(parts))
