"""Which tool a model has called, where a state is entered: the label that led there says it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from fsmflow import spec
from fsmflow.analysis.reads import givers
from fsmflow.machine import Machine, Transition

Called = Mapping[str, Mapping[str, frozenset[str]]]
"""By state, and by the value that a call gives: the labels of the calls of which it may be one."""

MOST_WORK = 1_000_000
"""How many transitions are followed; past them every value may be what any of its tools takes."""


def called(workflow: spec.Workflow, machine: Machine) -> Called:
    """Follow each label of a model that calls tools, up to where the model is asked again."""
    found: dict[str, dict[str, frozenset[str]]] = defaultdict(dict)
    askers = _askers(workflow)
    if len(askers) * len(machine.transitions) > MOST_WORK:
        return {}
    for name, value in askers.items():
        for way in machine.outgoing[name]:
            if way.on == "success" and way.label is not None:
                for state in _ahead(machine, way):
                    labels = found[state].get(value, frozenset())
                    found[state][value] = labels | {way.label}
    return found


def _askers(workflow: spec.Workflow) -> Mapping[str, str]:
    """Give the states that alone give a value, and it the arguments of a tool."""
    askers = {}
    for value, names in givers(workflow).items():
        state = workflow.states[names[0]]
        if len(names) == 1 and isinstance(state, spec.Llm) and state.llm.tools:
            askers[names[0]] = value
    return askers


def _ahead(machine: Machine, way: Transition) -> Mapping[str, None]:
    """Give the states that a run can enter once it has taken `way`, until it is where that begins.

    That state is one of them: its arguments are read before its value is cleared.
    """
    seen = {way.target: None}
    pending = [way.target]
    while pending:
        state = pending.pop()
        for onward in machine.outgoing[state] if state != way.source else ():
            if onward.target not in seen:
                seen[onward.target] = None
                pending.append(onward.target)
    return seen
