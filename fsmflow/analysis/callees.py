"""The workflows that a workflow runs, and what it must know of each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from attrs import field, frozen

from fsmflow import spec
from fsmflow.analysis.kinds.annotations import NONE, union
from fsmflow.analysis.proving.counter_machine import METRICS
from fsmflow.expressions import Constant
from fsmflow.machine import Ask, Callee, Caps, End, State, Work
from fsmflow.source import Route
from fsmflow.typeexpr import TypeExpr

if TYPE_CHECKING:
    from fsmflow.analysis import Analysis

SUFFIXES = (".fsm.yaml", ".fsm.yml")
"""What the name of a spec's file ends in, after the workflow's name."""

MOST_FILES = 1_000
"""How many files are looked through for a spec that was meant."""

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
        circle: The workflows that run one another, in order and back to the first, if that is why.
        unpriced: The models that it asks, or a workflow that it runs, and of which it is not said what
            they charge.
        analysis: The workflow, compiled; None if it can't be had.
    """

    name: str
    path: Path
    callee: Callee | None = None
    trouble: Trouble = ""
    circle: tuple[str, ...] = ()
    unpriced: tuple[str, ...] = ()
    analysis: Analysis | None = field(default=None, eq=False, repr=False)


@frozen
class Call:
    """A place where a spec names a workflow that it runs."""

    state: str
    name: str
    route: Route


def calls(workflow: spec.Workflow) -> Iterator[Call]:
    """Give each place where a workflow runs another, in the order of the document."""
    for name, state in workflow.states.items():
        yield from calls_of(name, state)


def calls_of(name: str, state: spec.State) -> Iterator[Call]:
    """Give each place where a state names a workflow that it runs."""
    route = ("states", name)
    match state:
        case spec.Call(call=child):
            yield Call(name, child, (*route, "call"))
        case spec.Map(map=child):
            yield Call(name, child, (*route, "map"))
        case spec.Parallel(parallel=branches):
            for key, branch in branches.items():
                yield Call(name, branch.call, (*route, "parallel", key, "call"))


def spec_of(name: str, folder: Path | None) -> Path:
    """Give the place where the spec of a workflow is looked for: beside the one that runs it."""
    places = [(folder or Path()) / f"{name}{suffix}" for suffix in SUFFIXES]
    return next((place for place in places if os.path.lexists(place)), places[0])


def specs_in(folder: Path | None) -> Sequence[str]:
    """Give the names of the workflows whose specs stand in a folder, by their files, in order."""
    try:
        files = [] if folder is None else [each.name for each in islice(folder.iterdir(), MOST_FILES)]
    except OSError:
        return ()
    names = {file.removesuffix(suffix) for file in files for suffix in SUFFIXES if file.endswith(suffix)}
    return sorted(names)


def unpriced(analysis: Analysis) -> tuple[str, ...]:
    """Give the models that a workflow asks, or one that it runs, without saying what they charge."""
    workflow = analysis.workflow
    asked = [state.llm.model for state in workflow.states.values() if isinstance(state, spec.Llm)]
    own = [model for model in asked if model not in workflow.prices]
    return tuple(dict.fromkeys([*own, *(m for found in analysis.callees.values() for m in found.unpriced)]))


def callee_of(analysis: Analysis) -> Callee:
    """Say what a workflow that runs this one must know of it."""
    machine = analysis.machine
    states = machine.states.values()
    children = [callee for callees in map(_run, states) for callee in callees.values()]
    return Callee(
        name=machine.name,
        digest=machine.digest,
        input=machine.input,
        output=_output(analysis),
        most=_most(analysis),
        asks=any(isinstance(state, Ask) for state in states) or any(each.asks for each in children),
        acts=any(map(_acts, states)) or any(each.acts for each in children),
    )


def _output(analysis: Analysis) -> TypeExpr | None:
    """Give the type of what a run gives that ends well: null too, if one of those ends declares nothing.

    What an end does declare is held to the type by every run.
    """
    output = analysis.machine.output
    ends = [analysis.machine.states[name] for name in analysis.reachability.entered]
    given = [end.output for end in ends if isinstance(end, End) and end.kind in ("success", "degraded")]
    return output if output is None or Constant(None) not in given else union([output, NONE])


def _run(state: State) -> Mapping[str, Callee]:
    return state.children.callees if isinstance(state, Work) and state.children is not None else {}


def _acts(state: State) -> bool:
    return isinstance(state, Work) and state.effect in ("idempotent", "once") and state.key is None


def _most(analysis: Analysis) -> Caps:
    """Give the most that one run uses: its caps, or where it has none what is proved.

    A cap is more than what is proved only where its author left room: for attempts that a crash cuts off,
    say, which count too, and of which no proof knows.
    """
    caps = analysis.machine.caps.amounts()
    bounds = analysis.proof.bounds if None in caps else {}
    proved = (bounds[metric].upper if metric in bounds else None for metric in METRICS[1:])
    return Caps(*(bound if cap is None else cap for cap, bound in zip(caps, proved, strict=True)))
