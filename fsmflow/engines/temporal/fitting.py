"""Values in their types: what crosses is plain data, and what a step is given is structured again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fsmflow.analysis.traces.restoring import as_kept
from fsmflow.engines.keeping import Unkeepable, event_read, event_written
from fsmflow.engines.rows import Unfit, unfit
from fsmflow.engines.spans import secret_ways
from fsmflow.engines.workflows import Workflow
from fsmflow.machine import Machine
from fsmflow.runtime.commands import Children
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.events import Ended
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.validation import Validate

Fit = Callable[[str, str | None, Any], Any]
"""Structures what a state gives with a label, by the state's name, from plain data; raises `Rejected`."""


def fit_of(workflow: Workflow, bound: Mapping[str, Bound]) -> Fit:
    """Give what structures what the states of a workflow give."""
    runner = workflow.runner
    checks: dict[str, Validate | None] = dict(runner.answers())
    for name, stage in runner.stages.items():
        checks[name] = bound[name].validate
        if stage.children is not None and bound[name].mode == "children":
            checks[name] = _of_children(workflow, stage.children)

    def fit(state: str, label: str | None, value: Any) -> Any:
        check = checks[state]
        if label is not None and state in bound:
            check = bound[state].tools.get(label, check)
        return value if check is None else check(as_kept(value))

    return fit


def _of_children(workflow: Workflow, children: Children) -> Validate:
    """Give what structures what the workflows gave that a state has run: null where one gave nothing."""
    outputs = {
        key: workflow.callees[callee.name].runner.types()[1] for key, callee in children.callees.items()
    }

    def one(key: str, value: Any) -> Any:
        check = outputs[key]
        return value if check is None or value is None else check(value)

    def check(value: Any) -> Any:
        if children.kind == "parallel":
            return {key: one(key, item) for key, item in value.items()}
        (key,) = outputs
        return one(key, value) if children.kind == "call" else [one(key, item) for item in value]

    return check


def typed(
    workflow: Workflow, bound: Mapping[str, Bound], values: Mapping[str, Any], state: str
) -> dict[str, Any]:
    """Structure values into the types of what gives them, as `state` sees them.

    Raises:
        Unfit: One of them does not fit any more.
    """
    runner, fit = workflow.runner, fit_of(workflow, bound)
    by = {stage.value: name for name, stage in runner.stages.items()}
    by |= {question.value: name for name, question in runner.questions.items()}
    given, _ = runner.types()

    def one(name: str, value: Any) -> Any:
        try:
            if name == "input" and given is not None:
                return given(as_kept(value))
            return fit(by[name], _label(workflow.machine, by[name], state), value) if name in by else value
        except Rejected as rejected:
            raise _told(workflow.machine, by.get(name, "input"), rejected) from None

    return {name: one(name, value) for name, value in values.items()}


def _told(machine: Machine, giver: str, rejected: Rejected) -> Unfit:
    """Say that a value does not fit any more; what is wrong with it may repeat what is secret of it."""
    what = "the input" if giver == "input" else f"what `{giver}` gave then"
    return unfit(what, rejected, is_secret=bool(secret_ways(machine).get(giver)))


def _label(machine: Machine, giver: str, state: str) -> str | None:
    """Give the label with which one state leads straight to another, if there is just one."""
    labels = {way.label for way in machine.outgoing[giver] if way.target == state and way.on == "success"}
    return labels.pop() if len(labels) == 1 else None


def kept(event: Ended, state: str, fit: Fit) -> Ended:
    """Give an attempt's end as it will be read back; as a failure, if what it gave is no data."""
    try:
        again = event_read(event_written(event))
        assert isinstance(again, Ended)
        if again.outcome != "success":
            return again
        return again._replace(value=fit(state, again.label, again.value))
    except (Unkeepable, Rejected) as error:
        said = f"what it gave can't be kept: {error}"
        return event._replace(outcome="failure", label=None, value=None, message=said, draw=0.0)
