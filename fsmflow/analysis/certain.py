"""The machine as far as its author wrote it: what is shown of a spec that is at fault.

Where the spec names a state that is none, or no state at all, lowering makes a way up. That serves the
checks; a reader would take it for what somebody meant.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve

from fsmflow import spec
from fsmflow.analysis.mentions import targets
from fsmflow.machine import Machine, Transition
from fsmflow.source import Route


def certain(
    workflow: spec.Workflow, machine: Machine, place: Callable[[Transition], Route | None]
) -> Machine:
    """Leave out the ways that were made up, and the states that only those lead to.

    Args:
        workflow: What the author said.
        machine: What was made of it.
        place: Tells where a way is written; None where nothing is, so that it goes by `fallback`.
    """
    wrong = {route for name, route in targets(workflow) if name not in workflow.states}

    def is_written(way: Transition) -> bool:
        at = place(way) or ("states", way.source, "fallback")
        stands = way.target in workflow.states and not any(route[: len(at)] == at for route in wrong)
        return stands or way.same_visit or way.kind == "exceeded"

    ways = tuple(way for way in machine.transitions if is_written(way))
    kept = {*workflow.states, machine.start, *(way.target for way in ways)}
    states = {name: state for name, state in machine.states.items() if name in kept}
    return evolve(machine, states=states, transitions=ways)
