"""Asking a person: the question that a run puts on a desk, and the event that comes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from fsmflow.runtime.calling import own
from fsmflow.runtime.clock import Deadline
from fsmflow.runtime.commands import Question
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.desk import Answer, Asked, Desk, token_of
from fsmflow.runtime.events import Ended
from fsmflow.runtime.hiding import Hiding
from fsmflow.runtime.interruption import Interruption
from fsmflow.runtime.journal import Unkept
from fsmflow.runtime.outcomes import Stop, describe
from fsmflow.runtime.run import Run, Unbound
from fsmflow.runtime.trace import plain
from fsmflow.runtime.validation import Validate
from fsmflow.runtime.values import same
from fsmflow.runtime.verdict import Replayed


class Asking(Protocol):
    """A compiled machine that asks people."""

    name: str

    def answers(self) -> Mapping[str, Validate | None]:
        """Give what holds the answers of people to their types, by state."""


async def answered(
    question: Question,
    run: Run,
    workflow: Asking,
    desk: Desk | None,
    deadline: Deadline,
    interruption: Interruption,
    finished: Callable[[Awaitable[Answer]], Awaitable[Answer]],
    hiding: Hiding | None = None,
) -> Ended:
    """Ask a person where `run` stands, and give the event that the answer is, or that there is none.

    Args:
        question: The question.
        run: The run, which has just begun to visit the state that asks.
        workflow: What the run is one of.
        desk: Where people are asked.
        deadline: Is set to when nobody waits any longer.
        interruption: Whether the run is told to stop.
        finished: Waits for a desk until it has finished, or is left.
        hiding: Says what the person is not shown, since it is secret.

    Raises:
        asyncio.CancelledError: The run was cancelled.
    """
    if isinstance(run.arguments, Unbound):
        return Ended("failure", message=run.arguments.reason)
    if desk is None:
        return Ended("failure", message="there is nobody to ask")
    asked = Asked(
        token=token_of(run.run_id, question.name, run.visit),
        workflow=workflow.name,
        run_id=run.run_id,
        trace_id=run.trace_id,
        state=question.name,
        visit=run.visit,
        question=question.text,
        role=question.role,
        shown=_shown(question.name, run.arguments, None if _is_trusted(desk) else hiding),
        labels=question.labels,
        gives=question.gives,
        timeout_us=question.timeout_us,
        validate=workflow.answers()[question.name],
        is_secret=hiding is not None and bool(hiding.marked(question.name, "output")),
    )
    try:
        answer = await finished(desk.ask(asked))
    except Replayed as again:
        return again.event
    except (Unkept, Stop, KeyboardInterrupt):
        raise
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError):
            if deadline.expired and deadline.acknowledge():
                return Ended("failure", message=f"nobody answered within {lasting(question.timeout_us or 0)}")
            if deadline.expired or interruption.outstanding() > 0:
                raise
        # A desk that fails leaves the question unanswered.
        return Ended("failure", message=f"the question could not be asked: {describe(error)}")
    if deadline.expired:
        # The answer came first, if only just.
        deadline.acknowledge()
    return _held(answer, asked)


def _held(answer: Answer, asked: Asked) -> Ended:
    """Hold what a desk gave to the question."""
    if not isinstance(answer, Answer):
        return Ended(
            "failure", message=f"the question could not be asked: {type(answer).__name__} is no answer"
        )
    # Where nothing is filled in, the label is the value.
    value = None if not asked.gives and same(answer.value, answer.label) else answer.value
    try:
        label, value = asked.answer(answer.label, value)
    except Rejected as rejected:
        return Ended("failure", message=f"what was answered is no answer: {rejected}")
    return Ended("success", label, value)


def _shown(name: str, arguments: dict[str, Any], hiding: Hiding | None) -> Mapping[str, Any]:
    """Give what a person sees: what is secret is not among it, wherever the question may be kept."""
    shown = own(arguments)
    if hiding is None:
        return shown
    written = plain(shown)
    hidden: Mapping[str, Any] = hiding.shown(name, written)
    return shown if hidden == written else hidden


def _is_trusted(desk: Desk) -> bool:
    """Tell whether a desk is no person's, but that of a replay, which knows it all."""
    return getattr(desk, "knows_secrets", False)


def lasting(us: int) -> str:
    """Word a length of time: `7 d`, `90 s`."""
    for unit, name in ((86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "min")):
        if us and us % unit == 0:
            return f"{us // unit} {name}"
    return f"{us / 1_000_000:g} s"
