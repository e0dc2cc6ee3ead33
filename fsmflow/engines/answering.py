"""Which of the questions that wait in a run an answer is for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from fsmflow.diagnostics import did_you_mean
from fsmflow.runtime import NotWaiting


class _OfState(Protocol):
    @property
    def state(self) -> str: ...


Q = TypeVar("Q", bound=_OfState)


def asked_by(state: str, questions: Sequence[Q], run_id: str) -> Q:
    """Give the question that a state of a run asks, or of a workflow that it calls.

    Raises:
        NotWaiting: There is none; the message names the state that was meant, if there is one like it.
    """
    for each in questions:
        if each.state == state:
            return each
    hint = did_you_mean(state, {each.state for each in questions})
    raise NotWaiting(f"no question of `{state}` waits in {run_id}{': ' if hint else ''}{hint}")
