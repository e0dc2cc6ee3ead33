"""From what the author said to what it means: names resolved, shorthands turned into transitions.

Lowering is total. Where a spec says something impossible, such as a target that is no state, it
takes the likeliest meaning and goes on, so that every check can still look at the whole machine;
each such repair is a fault that a check of its own reports, and nothing is built from it.
"""

from __future__ import annotations

from collections.abc import Mapping

from fsmflow import machine as ir
from fsmflow import spec
from fsmflow.expressions import Constant
from fsmflow.lowering.edges import Edges, Names
from fsmflow.lowering.reserve import longest_pauses, reserve
from fsmflow.lowering.secrets import of_input, spread
from fsmflow.lowering.states import lowered
from fsmflow.lowering.templates import template, type_of
from fsmflow.machine import BUILTIN_END, Callee, Caps, Machine

__all__ = ["longest_pauses", "lower", "template"]


def lower(workflow: spec.Workflow, callees: Mapping[str, Callee] | None = None) -> Machine:
    """Give the machine that a workflow means.

    Args:
        workflow: What the author said, with at least one state.
        callees: The workflows that it runs, by name. One that is not among them is taken to use nothing.
    """
    known = callees or {}
    states = {name: lowered(name, state, workflow.prices, known) for name, state in workflow.states.items()}
    names, caps = Names(states), _caps(workflow.budget)
    edges = Edges(names, _exceeded(workflow, names))
    for name, state in workflow.states.items():
        edges.leave(name, state, capped=caps != Caps())
    if any(t.target == BUILTIN_END for t in edges.transitions) and BUILTIN_END not in states:
        states[BUILTIN_END] = ir.End(
            name=BUILTIN_END, title="The budget left no other way.", kind="failed", output=Constant(None)
        )
    states, secret = spread(states, of_input(workflow.secret))
    return Machine(
        name=workflow.workflow,
        title=workflow.title or "",
        input=type_of(workflow.input),
        output=type_of(workflow.output),
        start=names.start(workflow.start),
        caps=caps,
        exceeded=edges.exceeded,
        reserve=reserve(states, edges.transitions, edges.counters),
        states=states,
        counters=edges.counters,
        transitions=tuple(edges.transitions),
        policies=tuple(p for p in map(_policy, workflow.policies) if p is not None),
        prices={m: (p.input.micro_usd, p.output.micro_usd) for m, p in workflow.prices.items()},
        profiles=workflow.profiles,
        secret=secret,
    )


def _caps(budget: spec.Budget) -> Caps:
    return Caps(
        steps=budget.steps,
        tool_calls=budget.tool_calls,
        tokens=budget.tokens,
        micro_usd=None if budget.usd is None else budget.usd.micro_usd,
        time_us=None if budget.time is None else budget.time.microseconds,
    )


def _exceeded(workflow: spec.Workflow, names: Names) -> str:
    chosen = workflow.budget.exceeded
    return BUILTIN_END if chosen is None else names.resolve(chosen)


def _policy(policy: spec.Policy) -> ir.Policy | None:
    between = None
    if policy.between is not None:
        if len(policy.between) != 2:
            return None
        between = (policy.between[0], policy.between[1])
    match policy:
        case spec.Policy(never=str(event), always=None, at_most=None, before=None, after=None, visit=None):
            return ir.Policy(pattern="never", event=event, between=between)
        case spec.Policy(never=None, always=str(event), at_most=None, before=None, after=None, visit=None):
            return ir.Policy(pattern="always", event=event, between=between)
        case spec.Policy(never=None, always=None, at_most=int(n), before=None, after=None, visit=str(event)):
            return ir.Policy(pattern="at_most", event=event, limit=n, between=between)
        case spec.Policy(never=None, always=None, at_most=None, before=str(e), after=None, visit=str(f)):
            return ir.Policy(pattern="before", event=e, visit=f, between=between)
        case spec.Policy(never=None, always=None, at_most=None, before=None, after=str(e), visit=str(f)):
            return ir.Policy(pattern="after", event=e, visit=f, between=between)
    return None
