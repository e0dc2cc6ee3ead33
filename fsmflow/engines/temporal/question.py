"""A question that waits inside a workflow: which answers are taken, and what comes of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from fsmflow.engines.temporal.orders import Order
from fsmflow.machine import Ask
from fsmflow.runtime.asking import lasting
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.desk import Asked, token_of
from fsmflow.runtime.events import Ended
from fsmflow.runtime.run import Configuration, Unbound
from fsmflow.semantics import Question

NOT_WAITING = "NotWaiting"
"""The type of the error of an answer that no question waits for."""

REJECTED = "Rejected"
"""The type of the error of an answer that is none; its details are what is wrong with it."""


class Said(NamedTuple):
    """What a person answered."""

    label: str | None
    value: Any


class Asking:
    """One question.

    Attributes:
        asked: What it asks, and what answers there are.
        state: The state that asks.
        since_us: Since when it waits.
        answer: What was answered, if anything was.
    """

    def __init__(self, asked: Asked, since_us: int, unbound: str) -> None:
        """Prepare to ask, unless what is to be shown could not be bound."""
        self.asked = asked
        self.since_us = since_us
        self.state = asked.state
        self.answer: Said | None = None
        self._unbound = unbound

    @classmethod
    def of(cls, order: Order, state: Ask, now: Configuration, question: Question, since_us: int) -> Asking:
        """Make the question that a run asks where it stands."""
        unbound = question.arguments.reason if isinstance(question.arguments, Unbound) else ""
        asked = Asked(
            token=token_of(order.run_id, state.name, now.visit),
            workflow="",
            run_id=order.run_id,
            trace_id=order.trace_id,
            state=state.name,
            visit=now.visit,
            question=state.question,
            role=state.role,
            shown={} if isinstance(question.arguments, Unbound) else question.arguments,
            labels=state.labels,
            gives="" if state.gives is None else str(state.gives),
            timeout_us=question.timeout_us,
            is_secret="output" in state.secret,
        )
        return cls(asked, since_us, unbound)

    async def ended(self, name: str) -> Ended:
        """Wait for an answer, and give the event that it is, or that there is none.

        Raises:
            asyncio.CancelledError: The run was cancelled.
        """
        if self._unbound:
            return Ended("failure", message=self._unbound)
        us = self.asked.timeout_us
        try:
            await workflow.wait_condition(
                lambda: self.answer is not None,
                timeout=None if us is None else timedelta(microseconds=us),
                timeout_summary=f"{name}: until nobody waits any longer",
            )
        except TimeoutError:
            return Ended("failure", message=f"nobody answered within {lasting(us or 0)}", elapsed_us=us or 0)
        assert self.answer is not None
        return Ended("success", *self.answer)

    def check(self, token: str, label: str | None, value: Any) -> None:
        """Hold an answer to the question, but for the type of what is filled in.

        Raises:
            ApplicationError: It is for another question, comes too late, or is none of the answers.
        """
        if token != self.asked.token or self.answer is not None or self._unbound:
            raise not_waiting(token)
        try:
            self.asked.answer(label, value)
        except Rejected as rejected:
            raise refused(rejected.complaints) from None


def not_waiting(token: str) -> ApplicationError:
    """Make the error of an answer that no question waits for."""
    said = f"no question waits under {token!r}: it is answered, or was taken back"
    return ApplicationError(said, type=NOT_WAITING)


def refused(complaints: tuple[str, ...]) -> ApplicationError:
    """Make the error of an answer that is none."""
    return ApplicationError("; ".join(complaints), *complaints, type=REJECTED)
