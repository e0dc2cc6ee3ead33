"""The workflows of cases, compiled, each once."""

from __future__ import annotations

from fsmflow.engines.workflows import Workflow
from tests.conformance.case import Case
from tests.conformance.script import HERE


def workflow(case: Case) -> Workflow:
    """Compile a case's workflow, and those that it runs."""
    key = (case.machine.digest, *(machine.digest for machine in case.children.values()))
    if key not in _WORKFLOWS:
        made: dict[str, Workflow] = {}
        for name, machine in case.children.items():
            made[name] = Workflow.of_machine(machine, HERE, dict(made))
        _WORKFLOWS[key] = Workflow.of_machine(case.machine, HERE, made)
    return _WORKFLOWS[key]


_WORKFLOWS: dict[tuple[str, ...], Workflow] = {}
