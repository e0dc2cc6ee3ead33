"""What a well-shaped workflow must keep to besides: names, references to code, titles, caps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from fsmflow import spec
from fsmflow.diagnostics import Diagnostic, Related
from fsmflow.loading.converter import key_of
from fsmflow.loading.names import (
    DEVICES,
    RESERVED_CHILDREN,
    RESERVED_LABELS,
    RESERVED_STATES,
    SAID_ELSEWHERE,
    forbidden_module,
    likely_name,
    name_flaw,
    parameter_flaw,
    prose_flaw,
    reference_flaw,
    shown,
)
from fsmflow.source import Route

MAX_TIMES = 1_000_000
MAX_ITEMS = 1_000
MAX_BRANCHES = 32
MAX_CAP = 10**12
MAX_DURATION = spec.Duration(366 * 86_400_000_000)
MAX_FACTOR = 1_000
MAX_TEMPERATURE = 2


def breaches(workflow: spec.Workflow) -> Iterator[Diagnostic]:
    """Give every convention that `workflow` breaks, in the order of the language."""
    yield from _name("workflow", workflow.workflow, ("workflow",), reserved=DEVICES)
    yield from _prose(workflow.title, ("title",))
    yield from _secret(workflow.secret, ("secret",))
    yield from _caps(workflow.budget, ("budget",))
    for model in workflow.prices:
        if flaw := prose_flaw(model):
            yield _bad_name("model", model, ("prices", model), flaw, key=True)
    for name, state in workflow.states.items():
        yield from _name("state", name, ("states", name), key=True, reserved=RESERVED_STATES)
        yield from _state(state, ("states", name))
    for index, policy in enumerate(workflow.policies):
        yield from _caps(policy, ("policies", index))
    for profile, steps in workflow.profiles.items():
        yield from _name("profile", profile, ("profiles", profile), key=True)
        for state_name, reference in steps.items():
            yield from _reference(reference, ("profiles", profile, state_name))


def _state(state: spec.State, route: Route) -> Iterator[Diagnostic]:
    yield from _prose(state.title, (*route, "title"))
    if not isinstance(state, spec.End):
        # What an end gives is the author's own data, whatever the numbers in it.
        yield from _caps(state, route)
    match state:
        case spec.Run():
            yield from _reference(state.run, (*route, "run"))
        case spec.Llm(llm=asked):
            if flaw := prose_flaw(asked.model) or (None if asked.model else "it is empty"):
                yield _bad_name("model", asked.model, (*route, "llm", "model"), flaw)
            yield from _caps(asked, (*route, "llm"))
            yield from _options(asked.options, (*route, "llm", "options"))
        case spec.Ask():
            yield from _question(state.ask, (*route, "ask"))
            yield from _parameters(state.show, (*route, "show"))
            if state.role is not None:
                yield from _name("role", state.role, (*route, "role"))
        case spec.Map():
            yield from _name("workflow", state.map, (*route, "map"), reserved=DEVICES)
            yield from _fan_out(state, route)
        case spec.Call():
            yield from _name("workflow", state.call, (*route, "call"), reserved=DEVICES)
        case spec.Parallel():
            yield from _branches(state.parallel, (*route, "parallel"))
        case spec.Choose():
            for index, arm in enumerate(state.choose):
                yield from _caps(arm, (*route, "choose", index))
    for index, accept in enumerate(getattr(state, "accept", ())):
        yield from _reference(accept, (*route, "accept", index))
    yield from _parameters(getattr(state, "with_", None) or {}, (*route, "with"))
    yield from _secret(getattr(state, "secret", False), (*route, "secret"))
    value = getattr(state, "as_", None)
    if value is not None:
        yield from _name("value", value, (*route, "as"), reserved=RESERVED_STATES)
    yield from _arms(state, route)


def _parameters(given: Mapping[str, Any], route: Route) -> Iterator[Diagnostic]:
    for parameter in given:
        if flaw := parameter_flaw(parameter):
            yield _bad_name("parameter", parameter, (*route, parameter), flaw, key=True)


def _options(options: Mapping[str, Any], route: Route) -> Iterator[Diagnostic]:
    """Check that what an endpoint is told besides is not told anyhow, and is the same in every run."""
    for name, said in options.items():
        place = (*route, name)
        if name in SAID_ELSEWHERE:
            message = f"`{name}` is no option"
            yield Diagnostic("reserved-name", message, place, key=True, hint=SAID_ELSEWHERE[name])
        elif flaw := parameter_flaw(name):
            yield _bad_name("parameter of the endpoint's", name, place, flaw, key=True)
        yield from _references(said, place)


def _references(said: Any, route: Route) -> Iterator[Diagnostic]:
    match said:
        case str() if said.startswith("$"):
            message = f"`{shown(said)}` is no reference here: an option is told as it is"
            hint = "what differs from run to run goes into the prompt, by `with`"
            yield Diagnostic("bad-value", message, route, hint=hint)
        case dict():
            for name, item in said.items():
                yield from _references(item, (*route, name))
        case list():
            for index, item in enumerate(said):
                yield from _references(item, (*route, index))


def _secret(secret: spec.Secret, route: Route) -> Iterator[Diagnostic]:
    """Check that fields which are secret are named, each once, in a way that can be followed."""
    if isinstance(secret, bool):
        return
    if not secret:
        hint = "leave it out, or write `secret: true` for all of it"
        yield Diagnostic("bad-value", "`secret` names no field", route, hint=hint)
    seen: set[str] = set()
    for index, way in enumerate(secret):
        flaws = (parameter_flaw(part) for part in way.split("."))
        if flaw := next((flaw for flaw in flaws if flaw), None):
            yield _bad_name("field", way, (*route, index), flaw)
        elif way in seen:
            message = f"`{shown(way)}` is named twice"
            yield Diagnostic("bad-value", message, (*route, index), hint="once is enough")
        seen.add(way)


def _question(text: str, route: Route) -> Iterator[Diagnostic]:
    if not text.strip():
        yield Diagnostic("bad-title", "`ask` asks nothing", route, hint="for example `ask: Pay this refund?`")
    yield from _prose(text, route)


def _fan_out(state: spec.Map, route: Route) -> Iterator[Diagnostic]:
    """Check that no more children run at a time, or may fail, than there are."""
    for key, number in (("width", state.width), ("tolerate", state.tolerate)):
        if 0 < state.at_most < number <= MAX_ITEMS:
            message = f"`{key}` is {number:,}, and `at_most` is {state.at_most:,}"
            able = "run at a time" if key == "width" else "fail"
            hint = f"at most `at_most` of them can {able}"
            most = Related("at most so many", (*route, "at_most"))
            yield Diagnostic("absurd-cap", message, (*route, key), hint=hint, related=(most,))


def _branches(branches: Mapping[str, spec.Branch], route: Route) -> Iterator[Diagnostic]:
    if not branches:
        hint = "for example `parallel: {web: {call: search_web}}`"
        yield Diagnostic("bad-value", "`parallel` runs at least one child", route, hint=hint)
    if len(branches) > MAX_BRANCHES:
        message = f"`parallel` runs at most {MAX_BRANCHES} children; this one has {len(branches):,}"
        hint = "`map` runs one workflow for each item of a list"
        yield Diagnostic("too-large", message, route, key=True, hint=hint)
    for key, branch in branches.items():
        yield from _name("child", key, (*route, key), key=True, reserved=RESERVED_CHILDREN)
        yield from _name("workflow", branch.call, (*route, key, "call"), reserved=DEVICES)
        yield from _parameters(branch.with_, (*route, key, "with"))


def _arms(state: spec.State, route: Route) -> Iterator[Diagnostic]:
    """Check the labels of success, and the caps of every way out."""
    success = getattr(state, "success", None)
    if isinstance(success, dict):
        if not success:
            yield Diagnostic("bad-value", "`success` has at least one label", (*route, "success"))
        for label, arm in success.items():
            place = (*route, "success", label)
            yield from _name("label", label, place, key=True, reserved=RESERVED_LABELS)
            yield from _caps(arm, place)
    for key in ("success", "retry", "invalid", "fallback", "unknown", "cost"):
        yield from _caps(getattr(state, key, None), (*route, key))


def _name(
    what: str, name: str, route: Route, *, key: bool = False, reserved: frozenset[str] = frozenset()
) -> Iterator[Diagnostic]:
    if name in reserved:
        why = "it is a device on Windows" if reserved is DEVICES else "it has a meaning of its own here"
        hint = f"{why}; choose another name"
        yield Diagnostic("reserved-name", f"`{name}` can't name a {what}", route, key=key, hint=hint)
    elif flaw := name_flaw(name):
        yield _bad_name(what, name, route, flaw, key=key, hint=likely_name(name))


def _bad_name(
    what: str, name: str, route: Route, flaw: str, *, key: bool = False, hint: str = ""
) -> Diagnostic:
    return Diagnostic("bad-name", f"`{shown(name)}` can't name a {what}: {flaw}", route, key=key, hint=hint)


def _prose(text: str | None, route: Route) -> Iterator[Diagnostic]:
    if text is not None and (flaw := prose_flaw(text)):
        hint = "it is one line of plain text, shown to people"
        yield Diagnostic("bad-title", f"`{route[-1]}` can't be shown: {flaw}", route, hint=hint)


def _reference(reference: str, route: Route) -> Iterator[Diagnostic]:
    if flaw := reference_flaw(reference):
        message = f"`{shown(reference)}` names no function: {flaw}"
        path, colon, name = reference.partition(":")
        module = re.split(r"[/\\]", path.removesuffix(".py"))[-1]
        meant = f"{module}:{name}" if colon else ":".join(reference.rsplit(".", 1))
        is_near = reference_flaw(meant) is None
        hint = f"did you mean `{meant}`?" if is_near else "for example `ask_docs:retrieve`"
        if reference_flaw(reference.rpartition(".")[0]) is None:
            hint = "a method has to be called by a function of its module: write a function that calls it"
        yield Diagnostic("bad-reference", message, route, hint=hint)
    elif module := forbidden_module(reference):
        hint = "write a function of your own that calls it, so that it can be reviewed"
        message = f"a step can't be a function of `{module}`"
        yield Diagnostic("forbidden-reference", message, route, hint=hint)


def _caps(owner: Any, route: Route) -> Iterator[Diagnostic]:
    """Check the numbers of one mapping of the language."""
    if not attrs.has(type(owner)):
        return
    least = 0 if isinstance(owner, spec.Cost) else 1
    times = MAX_ITEMS if isinstance(owner, spec.Map) else MAX_TIMES
    for attribute in attrs.fields(type(owner)):
        value = getattr(owner, attribute.name)
        # A default is ours, and is in order.
        if value is None or value == attribute.default or isinstance(value, bool | str):
            continue
        place = (*route, key_of(attribute.name))
        if (message := _absurdity(attribute.name, value, least, times)) is not None:
            yield Diagnostic("absurd-cap", message, place)


def _absurdity(name: str, value: Any, least: int, times: int) -> str | None:
    """Say what is wrong with a number, or give None; all else is in order. `times` is the most of a count."""
    match value:
        case spec.Duration():
            if value <= spec.Duration(0):
                return "a duration is more than nothing"
            if value > MAX_DURATION:
                return "a duration is at most 366d"
        case spec.Money():
            if value.micro_usd < least:
                return "a cap of zero allows nothing"
            if value.micro_usd > MAX_CAP * 1_000_000:
                return f"an amount is at most {MAX_CAP:,} dollars"
        case int() | float() if name == "temperature":
            if not 0 <= value <= MAX_TEMPERATURE:
                return f"`temperature` is from 0 to {MAX_TEMPERATURE}"
        case int() | float() if name == "factor":
            if not 1 <= value <= MAX_FACTOR:
                return f"`factor` is from 1 to {MAX_FACTOR:,}"
        case int():
            least = 0 if name == "tolerate" else least
            most = times if name in ("times", "at_most", "width", "tolerate") else MAX_CAP
            if value == 0 < least:
                return f"a cap of zero allows nothing; `{name}` is at least 1"
            if not least <= value <= most:
                return f"`{name}` is from {least} to {most:,}"
    return None
