"""A step of which not even one attempt fits into the budget.

Why is this bad?
    An attempt begins only if all that it may cost fits under every cap, beside what is set aside
    for the reserve. This one never does, so the run goes to `exceeded` whenever it comes here. A state
    that runs other workflows needs what all of them may use, from the start.

What to do
    Raise the cap, or declare a smaller `cost`; run fewer children, or give their workflow smaller caps.

Example::

    fsmflow: 1
    workflow: sample
    budget: {tokens: 1000}
    states:
      draft:
        run: m:f
        effect: none
        cost: {tokens: 1500}  # error: attempt-above-cap
        success: each
        fallback: failed
      each:
        map: summarise            # which may take 1,500 tokens
        over: $input.parts
        at_most: 20  # error: attempt-above-cap
        with: {text: $item}
        success: done
        fallback: failed
      done: {end: success}
      failed: {end: failed}
"""

from __future__ import annotations

from collections.abc import Iterator

from fsmflow.analysis import Analysis
from fsmflow.analysis.affordability import unaffordable
from fsmflow.analysis.amounts import RESOURCES, Resource
from fsmflow.diagnostics import Diagnostic
from fsmflow.machine import Children
from fsmflow.source import Route


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find costs, and waits, that are greater than a cap."""
    for name, index, amount, aside in unaffordable(analysis.machine):
        resource, cap = RESOURCES[index], analysis.machine.caps.amounts()[index] or 0
        children = getattr(analysis.machine.states[name], "children", None)
        beside = f", of which {resource.written(aside)} is set aside" if aside else ""
        message = f"`{name}` may take {resource.written(amount)} at once"
        limit = f"the cap is {resource.written(cap)}{beside}"
        hint = "raise the cap, or lower this"
        if children is not None:
            message += f" ({_sum(children, index)})"
            names = " and ".join(dict.fromkeys(f"`{callee.name}`" for callee in children.callees.values()))
            fewer = "lower `at_most`, " if children.kind == "map" else ""
            hint = f"raise the cap, {fewer}or lower what {names} may use"
        route = _route(name, resource, children)
        key = children is not None and children.kind == "parallel"
        yield Diagnostic("attempt-above-cap", f"{message}; {limit}", route, key=key, hint=hint)


def _route(name: str, resource: Resource, children: Children | None) -> Route:
    if children is not None:
        return ("states", name, "at_most" if children.kind == "map" else children.kind)
    return ("states", name, "wait") if resource.key == "time" else ("states", name, "cost", resource.key)


def _sum(children: Children, index: int) -> str:
    """Say how what children may use comes about: `20 × 1,500 tokens`."""
    resource = RESOURCES[index]
    parts = [resource.written(callee.most.amounts()[index] or 0) for callee in children.callees.values()]
    if children.kind == "map":
        parts = [f"{children.at_most:,} × {parts[0]}"]
    return " + ".join([*parts, "its own"] if resource.key == "steps" else parts)
