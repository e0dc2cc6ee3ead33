"""What a success of a state gives, in the place of its step: held to its type, or made up.

What children give side by side is of no type that a spec could write: of each child, it is the child's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fsmflow.runtime import Question, Rejected, Runner, Stage, StepNotFound
from fsmflow.runtime.complaints import each, named
from fsmflow.runtime.steps import resolve_type
from fsmflow.runtime.validation import Validate, validator

MadeUp = Callable[[Mapping[str, Any]], Any]
"""Gives the simplest output that fits, for some arguments."""


def given_with(stage: Stage | Question, label: str | None) -> str:
    """Give the type of what a success gives with a label: that of a tool, if a model chooses from tools."""
    if not isinstance(stage, Stage) or stage.model is None or not stage.model.tools:
        return stage.gives
    return dict(stage.model.tools)[label or (stage.labels or ())[0]]


def holding(stage: Stage | Question, gives: str, runner: Runner[Any, Any]) -> Validate | None:
    """Give what holds outputs of a state to their type; None if there is none, or it can't be imported."""
    if not gives:
        return None
    try:
        if _is_parallel(stage):
            return _side_by_side(stage, runner)
        return validator(resolve_type(gives, runner.folder))
    except StepNotFound:
        return None


def made_up(stage: Stage | Question, label: str | None, runner: Runner[Any, Any]) -> MadeUp:
    """Give what makes up the simplest outputs: one for each child, where a state runs several.

    Raises:
        NoValues: Hypothesis can't make one.
    """
    if not isinstance(stage, Stage) or stage.children is None or stage.children.kind == "call":
        value = _simplest(given_with(stage, label), runner.folder)
        return lambda _: value
    outputs = {
        key: _simplest(runner.callees[callee.name].gives or "Any", runner.callees[callee.name].folder)
        for key, callee in stage.children.callees.items()
    }
    if stage.children.kind == "parallel":
        return lambda _: dict(outputs)
    (output,) = outputs.values()
    return lambda arguments: [output for _ in arguments["items"]]


def _is_parallel(stage: Stage | Question) -> bool:
    return isinstance(stage, Stage) and stage.children is not None and stage.children.kind == "parallel"


def _side_by_side(stage: Stage | Question, runner: Runner[Any, Any]) -> Validate:
    """Give what holds the outputs of children to the types of each."""
    assert isinstance(stage, Stage)
    assert stage.children is not None
    is_tolerant = stage.children.tolerate > 0
    kinds = {key: runner.callees[callee.name].types()[1] for key, callee in stage.children.callees.items()}

    def validate(outputs: Any) -> Any:
        if not isinstance(outputs, Mapping):
            raise Rejected((f"expected a mapping, found {named(outputs)}",))
        strange = sorted(repr(key) for key in outputs if key not in kinds)
        if strange:
            raise Rejected((f"unexpected {', '.join(strange)}",))

        def one(key: str) -> Any:
            if key not in outputs:
                raise Rejected(("missing",))
            check, output = kinds[key], outputs[key]
            return output if check is None or (output is None and is_tolerant) else check(output)

        return dict(zip(kinds, each(((f".{key}", key) for key in kinds), one), strict=True))

    return validate


def _simplest(gives: str, folder: Path) -> Any:
    if not gives:
        return None
    # Hypothesis is slow to import, and few plans need it.
    from fsmflow.testing.drawing import simplest
    from fsmflow.testing.plans import values_of

    return simplest(values_of(gives, folder))
