"""Where people are asked: a run puts a question on a desk, and waits until somebody has answered it.

A desk is a port, as a clock is. `Inbox` holds questions in memory, for the code that started the run;
other desks reach a terminal, or other processes.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from fsmflow.runtime.complaints import Rejected, named
from fsmflow.runtime.outcomes import Permanent
from fsmflow.runtime.validation import Validate


class Answer(NamedTuple):
    """What a person answered: the label that was picked, and the value that was filled in."""

    label: str | None
    value: Any = None


class Asked(NamedTuple):
    """A question that waits for an answer.

    Attributes:
        token: What an answer must carry. It belongs to one visit of one run, so that an answer that comes
            late can't be taken for one to a later question.
        workflow: The workflow's name.
        run_id: The run's id.
        trace_id: The run's W3C trace id.
        state: The state that asks.
        visit: Which visit to it this is, from 1.
        question: The question.
        role: Who may answer; empty for anybody.
        shown: What the person sees.
        labels: What the person picks from; None if the answer is a value alone.
        gives: The type of what the person fills in, as the spec writes it; empty if nothing.
        timeout_us: How long an answer is waited for; None if for ever.
        validate: Holds what is filled in to that type; None if anything will do.
        is_secret: Whether what is filled in is secret, and so no refusal of it may say what it was.
    """

    token: str
    workflow: str
    run_id: str
    trace_id: str
    state: str
    visit: int
    question: str
    role: str
    shown: Mapping[str, Any]
    labels: tuple[str, ...] | None
    gives: str
    timeout_us: int | None
    validate: Validate | None = None
    is_secret: bool = False

    def answer(self, label: str | None = None, value: Any = None) -> Answer:
        """Make an answer to this question.

        Args:
            label: One of the labels; None where there are none.
            value: What is filled in, as plain data or structured; None where nothing is.

        Raises:
            Rejected: It is none of the labels, or the value does not fit its type.
        """
        # A desk may give anything, the code of which is not to be run.
        is_text = isinstance(label, str)
        said = "that" if self.is_secret else f"{label!r:.100}" if is_text else named(label)
        if self.labels is None and label is not None:
            raise Rejected((f"the answer is a value, of which {said} is no label",))
        if self.labels is not None and not (is_text and label in self.labels):
            raise Rejected((f"{said} is no answer: expected {', '.join(self.labels)}",))
        if not self.gives:
            if value is not None:
                raise Rejected(("nothing is to be filled in",))
            return Answer(label, label)
        if self.validate is None:
            return Answer(label, value)
        try:
            return Answer(label, self.validate(value))
        except Rejected:
            if not self.is_secret:
                raise
            raise Rejected((f"expected {self.gives}, and that is none",)) from None


def token_of(run_id: str, state: str, visit: int) -> str:
    """Make the token of a question: the same for the same visit, after a crash too."""
    what = json.dumps(["ask", run_id, state, visit])
    return hashlib.sha256(what.encode("ascii")).hexdigest()[:16]


class Desk(Protocol):
    """Brings questions before people."""

    async def ask(self, asked: Asked) -> Answer:
        """Ask, and wait for the answer; to be cancelled is to take the question back."""


class NoDesk(LookupError):
    """A workflow asks people, and nobody said how they can be reached."""


class NotWaiting(LookupError):
    """No question waits under this token: it is answered already, was taken back, or there never was one."""


class Inbox:
    """A desk in memory: who holds it lists what waits, and answers, from any thread and event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._looking: set[asyncio.Future[None]] = set()
        self._answering = threading.Lock()

    async def ask(self, asked: Asked) -> Answer:
        """Let a question wait until `answer` is called with its token.

        Raises:
            Permanent: It waits already: another run has the same id.
        """
        if asked.token in self._waiting:
            raise Permanent(f"another run of the id {asked.run_id!r} asks it already")
        waiting = _Waiting(asked)
        self._waiting[asked.token] = waiting
        for looking in list(self._looking):
            # Its loop may be another one, and over by now.
            with suppress(RuntimeError):
                looking.get_loop().call_soon_threadsafe(_look, looking)
        try:
            return await waiting.future
        except asyncio.CancelledError:
            with self._answering:
                self._waiting.pop(asked.token, None)
            if waiting.answer is None:
                raise
            # It was answered in time, if only just: whoever answered was told so.
            return waiting.answer
        finally:
            self._waiting.pop(asked.token, None)

    def waiting(self) -> tuple[Asked, ...]:
        """Give the questions that wait, the oldest first."""
        return tuple(each.asked for each in list(self._waiting.values()))

    async def next(self) -> Asked:
        """Wait until a question waits, and give the oldest."""
        while True:
            looking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._looking.add(looking)
            try:
                if waiting := self.waiting():
                    return waiting[0]
                await looking
            finally:
                self._looking.discard(looking)

    def answer(self, token: str, label: str | None = None, value: Any = None) -> None:
        """Answer a question; whether whoever answers may, as `Asked.role` says, is for the caller to see to.

        Args:
            token: The question's token.
            label: The label that is picked, if it has labels.
            value: What is filled in, if anything is.

        Raises:
            NotWaiting: No question waits under this token.
            Rejected: The answer is none of those that there are; the question still waits.
        """
        waiting = self._waiting.get(token)
        if waiting is None:
            raise NotWaiting(f"no question waits under {token!r}: it is answered, or was taken back")
        answer = waiting.asked.answer(label, value)
        with self._answering:
            # From here on it waits no more, so that a second answer is refused.
            if self._waiting.pop(token, None) is None:
                raise NotWaiting(f"no question waits under {token!r}: it has just been answered")
            waiting.answer = answer
        try:
            waiting.future.get_loop().call_soon_threadsafe(waiting.settle, answer)
        except RuntimeError as error:
            raise NotWaiting(
                f"no question waits under {token!r}: the event loop of its run is over"
            ) from error


def _look(looking: asyncio.Future[None]) -> None:
    """Have who waits for a question look again."""
    if not looking.done():
        looking.set_result(None)


class _Waiting:
    """A question that waits.

    Attributes:
        asked: The question.
        answer: Its answer, once there is one.
        future: Is done once whoever asked may be told of it.
    """

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.answer: Answer | None = None
        self.future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def settle(self, answer: Answer) -> None:
        """Tell whoever asked, if he still waits."""
        if not self.future.done():
            self.future.set_result(answer)
