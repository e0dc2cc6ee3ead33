"""The states of a machine: what each one does, without the ways out of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import assert_never

from fsmflow import machine as ir
from fsmflow import spec
from fsmflow.lowering.children import running
from fsmflow.lowering.secrets import declared
from fsmflow.lowering.templates import arguments_of, template, type_of
from fsmflow.machine import Callee, Resources
from fsmflow.source import Real
from fsmflow.typeexpr import TypeExpr, Union


def lowered(
    name: str, state: spec.State, prices: Mapping[str, spec.Price], callees: Mapping[str, Callee]
) -> ir.State:
    """Give what one state means."""
    title = state.title or ""
    match state:
        case spec.End():
            return ir.End(name=name, title=title, kind=state.end, output=template(state.output))
        case spec.Choose():
            return ir.Choice(name=name, title=title, reserve=state.reserve)
        case spec.Wait():
            return ir.Wait(name=name, title=title, reserve=state.reserve, duration_us=state.wait.microseconds)
        case spec.Ask():
            return _ask(name, title, state)
        case spec.Map() | spec.Parallel() | spec.Call():
            return running(name, title, state, callees)
        case spec.Run() | spec.Llm():
            return _work(name, title, state, prices)
        case _:
            assert_never(state)


def _ask(name: str, title: str, state: spec.Ask) -> ir.Ask:
    return ir.Ask(
        name=name,
        title=title,
        reserve=state.reserve,
        question=state.ask,
        role=state.role or "",
        arguments=arguments_of(state.show),
        value=state.as_ or name,
        gives=type_of(state.gives),
        labels=tuple(state.success) if isinstance(state.success, dict) else None,
        timeout_us=None if state.timeout is None else state.timeout.microseconds,
        secret=declared(state),
    )


def _work(name: str, title: str, state: spec.Run | spec.Llm, prices: Mapping[str, spec.Price]) -> ir.Work:
    model = _model(state, prices) if isinstance(state, spec.Llm) else None
    cost = state.cost
    return ir.Work(
        name=name,
        title=title,
        reserve=state.reserve,
        call=state.run if isinstance(state, spec.Run) else "",
        arguments=arguments_of(state.with_),
        value=state.as_ or name,
        gives=_gives(state),
        accept=tuple(state.accept),
        cost=Resources(
            tool_calls=cost.tool_calls,
            tokens=cost.tokens,
            micro_usd=cost.usd.micro_usd or (0 if model is None else _dearest(model, cost.tokens)),
        ),
        timeout_us=None if state.timeout is None else state.timeout.microseconds,
        effect=state.effect or (None if model is None else "none"),
        key=None if state.key is None else template(state.key),
        inline=isinstance(state, spec.Run) and state.inline,
        labels=tuple(state.success) if isinstance(state.success, dict) else None,
        model=model,
        secret=declared(state),
    )


def _gives(state: spec.Run | spec.Llm) -> TypeExpr | None:
    """Give the type of what a step gives; where a model calls tools, that of what any of them takes."""
    if not isinstance(state, spec.Llm) or not state.llm.tools:
        return type_of(state.output)
    kinds: dict[TypeExpr, None] = {}
    for text in state.llm.tools.values():
        kind = type_of(text)
        if kind is None:
            return None
        kinds |= dict.fromkeys(kind.members if isinstance(kind, Union) else (kind,))
    return Union(tuple(kinds)) if len(kinds) > 1 else next(iter(kinds))


def _model(state: spec.Llm, prices: Mapping[str, spec.Price]) -> ir.Model:
    asked, price = state.llm, prices.get(state.llm.model)
    heat = asked.temperature
    return ir.Model(
        model=asked.model,
        prompt=asked.prompt,
        system=asked.system,
        max_tokens=asked.max_tokens,
        temperature=None if heat is None else _decimal(heat),
        format=state.form,
        price=None if price is None else (price.input.micro_usd, price.output.micro_usd),
        tools=tuple((label, type_of(kind)) for label, kind in asked.tools.items()),
        options=tuple(
            (name, json.dumps(said, sort_keys=True)) for name, said in sorted(asked.options.items())
        ),
    )


def _decimal(number: int | Real) -> str:
    """Write a number as the shortest decimal text that is just as much."""
    exact = Decimal(number.text if isinstance(number, Real) else number)
    return f"{exact.normalize():f}"


def _dearest(model: ir.Model, tokens: int) -> int:
    """Give the most that `tokens` can cost, as many of them written as may be, rounded up."""
    if model.price is None:
        return 0
    read, written = model.price
    exact = tokens * read + min(tokens, model.max_tokens) * max(0, written - read)
    return -(-exact // 1_000_000)
