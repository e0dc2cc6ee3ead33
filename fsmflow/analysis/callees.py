"""The workflows that a workflow runs, and what it must know of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from fsmflow import spec
from fsmflow.analysis.counter_machine import METRICS
from fsmflow.machine import Ask, Callee, Caps, State, Work
from fsmflow.source import Route

if TYPE_CHECKING:
    from fsmflow.analysis import Analysis

Trouble = Literal["", "missing", "misnamed", "faulty", "circle"]


@frozen
class Found:
    """What was found where a workflow is looked for that is to be run.

    Attributes:
        name: Its name.
        path: Its spec.
        callee: What is known of it; None if it can't be had.
        trouble: Why it can't be had: there is no such spec, it is the spec of
            another workflow, it has errors, or it runs its caller.
        circle: The workflows that run one another, in order, if that is why.
    """

    name: str
    path: Path
    callee: Callee | None = None
    trouble: Trouble = ""
    circle: tuple[str, ...] = ()


@frozen
class Call:
    """A place where a spec names a workflow that it runs."""

    state: str
    name: str
    route: Route


def calls(workflow: spec.Workflow) -> Iterator[Call]:
    """Give each place where a workflow runs another, in the order of the document."""
    for name, state in workflow.states.items():
        route = ("states", name)
        match state:
            case spec.Call():
                yield Call(name, state.call, (*route, "call"))
            case spec.Map():
                yield Call(name, state.map, (*route, "map"))
            case spec.Parallel():
                for key, branch in state.parallel.items():
                    yield Call(name, branch.call, (*route, "parallel", key, "call"))


def callee_of(analysis: Analysis) -> Callee:
    """Say what a workflow that runs this one must know of it."""
    machine = analysis.machine
    states = machine.states.values()
    children = [callee for callees in map(_run, states) for callee in callees.values()]
    return Callee(
        name=machine.name,
        digest=machine.digest,
        input=machine.input,
        output=machine.output,
        most=_most(analysis),
        asks=any(isinstance(state, Ask) for state in states) or any(each.asks for each in children),
        acts=any(map(_acts, states)) or any(each.acts for each in children),
    )


def _run(state: State) -> Mapping[str, Callee]:
    return state.children.callees if isinstance(state, Work) and state.children is not None else {}


def _acts(state: State) -> bool:
    return isinstance(state, Work) and state.effect in ("idempotent", "once") and state.key is None


def _most(analysis: Analysis) -> Caps:
    """Give the most that one run uses: its caps, or what is proved where that is less."""
    caps = analysis.machine.caps.amounts()
    bounds = analysis.proof.bounds
    found: list[int | None] = []
    for metric, cap in zip(METRICS[1:], caps, strict=True):
        proved = bounds[metric].upper if metric in bounds else None
        known = [amount for amount in (cap, proved) if amount is not None]
        found.append(min(known) if known else None)
    return Caps(*found)
