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

from attrs import evolve

from fsmflow.analysis import Analysis
from fsmflow.analysis.affordability import unaffordable
from fsmflow.analysis.amounts import RESOURCES
from fsmflow.diagnostics import MAX_RELATED, Diagnostic, Related
from fsmflow.machine import Children, Work
from fsmflow.source import Route


def check(analysis: Analysis) -> Iterator[Diagnostic]:
    """Find costs, waits, and children together, that are greater than a cap."""
    # A cap that is too low for one state is so for others: one fault, most likely of the cap.
    told: dict[tuple[int, int], tuple[Diagnostic, list[Related]]] = {}
    for name, index, amount, aside in unaffordable(analysis.machine):
        resource, cap = RESOURCES[index], analysis.machine.caps.amounts()[index] or 0
        beside = f", of which {resource.written(aside)} is set aside" if aside else ""
        limit = f"the cap is {resource.written(cap)}{beside}"
        message = f"`{name}` may take {resource.written(amount)} at once"
        state = analysis.machine.states[name]
        if isinstance(state, Work) and state.children is not None:
            yield _of_children(name, state.children, index, message, limit)
            continue
        route: Route = ("states", name, "cost", resource.key)
        if resource.key == "time":
            route = ("states", name, "wait")
        found = Diagnostic(
            "attempt-above-cap", f"{message}; {limit}", route, hint="raise the cap, or lower this"
        )
        told.setdefault((index, aside), (found, []))[1].append(Related(message, route))
    for first, (_, *others) in told.values():
        yield evolve(first, related=tuple(others[:MAX_RELATED]))


def _of_children(name: str, children: Children, index: int, message: str, limit: str) -> Diagnostic:
    """Say how what children may use comes about: `20 × 1,500 tokens`."""
    resource, callees = RESOURCES[index], children.callees.values()
    parts = [resource.written(callee.most.amounts()[index] or 0) for callee in callees]
    key: str = children.kind
    fewer = ""
    if children.kind == "map":
        parts, key, fewer = [f"{children.at_most:,} × {parts[0]}"], "at_most", "lower `at_most`, "
    if resource.key == "steps":
        parts.append("its own")
    names = " and ".join(dict.fromkeys(f"`{callee.name}`" for callee in callees))
    return Diagnostic(
        "attempt-above-cap",
        f"{message} ({' + '.join(parts)}); {limit}",
        ("states", name, key),
        key=children.kind == "parallel",
        hint=f"raise the cap, {fewer}or lower what {names} may use",
    )
