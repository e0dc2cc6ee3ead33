"""States that run other workflows: what is run on what, and what is set aside for it.

All that the children may use is declared beforehand, as a step declares its cost: the most of one run,
as often as there may be one. So siblings can never overspend together.
"""

from __future__ import annotations

from collections.abc import Mapping

from fsmflow import machine as ir
from fsmflow import spec
from fsmflow.expressions import ITEM, EachTemplate, Reference, Template
from fsmflow.lowering.secrets import declared
from fsmflow.lowering.templates import arguments_of, template
from fsmflow.machine import Callee, Children, Resources
from fsmflow.typeexpr import Generic, TypeExpr, TypeName, Union

_ANY = TypeName("", "Any")
_NONE = TypeName("", "None")


def running(
    name: str, title: str, state: spec.Map | spec.Parallel | spec.Call, callees: Mapping[str, Callee]
) -> ir.Work:
    """Give what a state means that runs children."""
    children, arguments, gives = _parts(state, callees)
    once = [callee.most.amounts() for callee in children.callees.values()]
    cost = Resources()
    for amounts in once:
        cost += Resources(*(amount or 0 for amount in amounts[:4]))
    times = [amounts[4] for amounts in once]
    known = [time for time in times if time is not None]
    rounds = -(-children.at_most // children.width)
    return ir.Work(
        name=name,
        title=title,
        reserve=state.reserve,
        call="",
        arguments=arguments,
        value=state.as_ or name,
        gives=gives,
        accept=(),
        cost=cost.scaled(children.at_most) if children.kind == "map" else cost,
        timeout_us=rounds * max(known) if known and len(known) == len(times) else None,
        effect=None,
        key=None,
        inline=False,
        labels=None,
        children=children,
        secret=declared(state),
    )


def _parts(
    state: spec.Map | spec.Parallel | spec.Call, callees: Mapping[str, Callee]
) -> tuple[Children, tuple[tuple[str, Template], ...], TypeExpr]:
    """Give the children, the arguments that they run on, and the type of what comes of it."""
    match state:
        case spec.Call():
            callee = _callee(state.call, callees)
            children = Children(kind="call", callees={state.call: callee}, at_most=1, width=1, tolerate=0)
            return children, arguments_of(state.with_), callee.output or _ANY
        case spec.Map():
            callee = _callee(state.map, callees)
            most = max(1, state.at_most)
            children = Children(
                kind="map",
                callees={state.map: callee},
                at_most=most,
                width=min(max(1, state.width), most),
                tolerate=state.tolerate,
            )
            item: Template = Reference(ITEM) if state.with_ is None else template(state.with_)
            each = EachTemplate(template(state.over), most, item)
            output = callee.output or _ANY
            if state.tolerate and output != _ANY:
                output = Union((output, _NONE)) if not isinstance(output, Union) else _nullable(output)
            return children, (("items", each),), Generic("list", (output,))
        case spec.Parallel():
            found = {key: _callee(branch.call, callees) for key, branch in state.parallel.items()}
            count = max(1, len(found))
            children = Children(kind="parallel", callees=found, at_most=count, width=count, tolerate=0)
            arguments = tuple((key, template(branch.with_)) for key, branch in state.parallel.items())
            return children, arguments, Generic("dict", (TypeName("", "str"), _ANY))


def _nullable(output: Union) -> Union:
    return output if _NONE in output.members else Union((*output.members, _NONE))


def _callee(name: str, callees: Mapping[str, Callee]) -> Callee:
    return callees.get(name) or Callee(name=name, digest="")
