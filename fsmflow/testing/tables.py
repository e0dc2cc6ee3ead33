"""What a machine promises of its runner's tables, and what a generated runner holds in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fsmflow import machine as ir
from fsmflow.analysis.proving.valuations import shaped
from fsmflow.expressions import Template, references
from fsmflow.machine import Machine, Resources, Work
from fsmflow.runtime import Callee, Children, Limits, Model, Question, Runner, Spent
from fsmflow.runtime.values import Missing
from fsmflow.semantics import resolve


def promised(machine: Machine) -> dict[str, Any]:
    """Say what must stand in the tables of the runner of `machine`."""
    return {
        "name": machine.name,
        "title": machine.title,
        "digest": machine.digest,
        "limits": Limits(*machine.caps.amounts()),
        "reserve": Spent(*machine.reserve.amounts()),
        "given": str(machine.input or ""),
        "gives": str(machine.output or ""),
        "certificate": f"{machine.name}.certificate.json",
        "profiles": {name: dict(steps) for name, steps in machine.profiles.items()},
        "stages": {s.name: _promised_of(machine, s) for s in machine.states.values() if isinstance(s, Work)},
        "questions": {s.name: _question(s) for s in machine.states.values() if isinstance(s, ir.Ask)},
        "secret": dict(_secret(machine)),
    }


def provided(machine: Machine, runner: Runner[Any, Any]) -> dict[str, Any]:
    """Say what stands in the tables of `runner`, the runner of `machine`."""
    return {
        "name": runner.name,
        "title": runner.title,
        "digest": runner.digest,
        "limits": runner.limits,
        "reserve": runner.reserve,
        "given": runner.given,
        "gives": runner.gives,
        "certificate": None if runner.gauge.path is None else runner.gauge.path.name,
        "profiles": {name: dict(steps) for name, steps in runner.profiles.items()},
        "stages": {
            name: {
                "call": stage.call,
                "value": stage.value,
                "gives": stage.gives,
                "accept": stage.accept,
                "labels": stage.labels,
                "cost": stage.cost,
                "timeout_us": stage.timeout_us,
                "time_limit_us": stage.time_limit_us,
                "effect": stage.effect,
                "keys": None
                if stage.key is None
                else [_tried(stage.key, values) for values in _keyed(machine.states.get(name))],
                "inline": stage.inline,
                "model": stage.model,
                "children": stage.children,
                "steps": stage.steps,
                "reserve": stage.reserve,
            }
            for name, stage in runner.stages.items()
        },
        "questions": dict(runner.questions),
        "secret": {name: {".".join(way) for way in ways} for name, ways in runner.secret.items()},
    }


def _promised_of(machine: Machine, state: Work) -> dict[str, Any]:
    aside = Resources() if state.reserve else machine.reserve
    key = state.key
    return {
        "call": state.call,
        "value": state.value,
        "gives": str(state.gives or ""),
        "accept": state.accept,
        "labels": state.labels,
        "cost": state.cost.amounts()[1:4],
        "timeout_us": state.timeout_us,
        "time_limit_us": None if machine.caps.time_us is None else machine.caps.time_us - aside.time_us,
        "effect": state.effect or "",
        "keys": None
        if key is None
        else [_tried(lambda values: resolve(key, values), values) for values in _keyed(state)],
        "inline": state.inline,
        "model": None if state.model is None else _asked(state.model),
        "children": None if state.children is None else _run(state.children),
        "steps": state.steps,
        "reserve": state.reserve,
    }


def _secret(machine: Machine) -> Iterator[tuple[str, set[str]]]:
    """Give the ways to what no trace may hold, by state, and for the input as `input`."""
    marked = {"input": machine.secret, **{s.name: getattr(s, "secret", ()) for s in machine.states.values()}}
    for name, ways in marked.items():
        if ways:
            yield name, set(ways)


def _run(children: ir.Children) -> Children:
    callees = {key: Callee(callee.name, callee.digest) for key, callee in children.callees.items()}
    return Children(children.kind, callees, children.width, children.tolerate)


def _question(state: ir.Ask) -> Question:
    return Question(
        state.name,
        state.question,
        state.value,
        state.role,
        str(state.gives or ""),
        state.labels,
        state.timeout_us,
    )


def _asked(model: ir.Model) -> Model:
    return Model(
        model.model,
        prompt=model.prompt,
        max_tokens=model.max_tokens,
        system=model.system or "",
        temperature=model.temperature or "",
        format=model.format,
        price=model.price,
        tools=tuple((label, str(kind)) for label, kind in model.tools),
        options={name: json.loads(said) for name, said in model.options} or None,
    )


def _keyed(state: Any) -> list[dict[str, Any]]:
    """Give values to make an idempotency key of: with all that it reads, and with nothing."""
    key: Template | None = getattr(state, "key", None)
    if key is None:
        return []
    return [shaped(((r.root, *r.path) for r in references(key)), "old"), {}]


def _tried(key: Any, values: Mapping[str, Any]) -> Any:
    try:
        return key(values)
    except (Missing, KeyError):
        return Missing
