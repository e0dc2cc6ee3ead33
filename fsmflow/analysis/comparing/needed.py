"""What runs in flight still call, and the new version of their workflow does not.

A run keeps the machine that it began with, so that its states may go, and be renamed. But steps and prompts
are those that stand beside the spec now: what is taken away too early leaves such runs where they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from attrs import frozen

from fsmflow.machine import Machine, State, Work

Need = Literal["step", "accept", "prompt"]


@frozen
class Needed:
    """Something that has to stay for the sake of runs in flight.

    Attributes:
        what: A step or a function of `accept`, as `module:name`, or a file.
        kind: Which of them it is.
        state: The first state that calls for it.
    """

    what: str
    kind: Need
    state: str


def needed(old: Machine, entered: Iterable[str], new: Machine | None) -> Iterator[Needed]:
    """Give what the states of `old` that a run can enter call for, and no state of `new` does."""
    states = () if new is None else new.states.values()
    left = {what for state in states for what, _ in _called(state)}
    within = set(entered)
    for name, state in old.states.items():
        for what, kind in _called(state):
            if name in within and what not in left:
                left.add(what)
                yield Needed(what, kind, name)


def _called(state: State) -> Iterator[tuple[str, Need]]:
    if not isinstance(state, Work):
        return
    if state.call:
        yield state.call, "step"
    if state.model is not None:
        for prompt in (state.model.prompt, state.model.system):
            if prompt is not None:
                yield prompt, "prompt"
    for function in state.accept:
        yield function, "accept"
