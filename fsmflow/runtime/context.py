"""What a step can ask of the run that it is a part of."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from threading import RLock
from typing import Any, Protocol

from fsmflow.runtime.clock import NEVER
from fsmflow.runtime.commands import Stage
from fsmflow.runtime.gauge import WorstCase
from fsmflow.runtime.hiding import Ways
from fsmflow.runtime.outcomes import Breach, micro_usd
from fsmflow.runtime.run import WORDS, Run, Spent, written

MOST = 10**30
"""From where on an amount makes no sense."""


class Proved(Protocol):
    """A compiled machine, as a step sees it."""

    name: str
    secret: Mapping[str, Ways]

    def worst_case_left(self, run: Run) -> WorstCase:
        """Give the most that a run can still use."""


class StepContext:
    """The parameter `ctx` of a step: who is calling, what was wrong before, and the ledger.

    Attributes:
        run_id: The run's id.
        workflow: The workflow's name.
        trace_id: The run's W3C trace id.
        span_id: The span id of this attempt.
        state: The state's name.
        visit: Which visit to the state this is, from 1.
        attempt: Which attempt in this visit, from 1.
        feedback: Why outputs of this visit were rejected, oldest first.
    """

    __slots__ = (
        "_about",
        "_booked",
        "_charged",
        "_charging",
        "_core",
        "_cost",
        "_deadline_us",
        "_has_key",
        "_key",
        "_late",
        "_loop",
        "_most_steps",
        "_now",
        "_run",
        "_steps",
        "_tell",
        "attempt",
        "breach",
        "feedback",
        "run_id",
        "span_id",
        "state",
        "trace_id",
        "visit",
        "workflow",
    )

    def __init__(
        self,
        core: Proved,
        run: Run,
        stage: Stage,
        key: Any,
        span_id: str,
        now: Callable[[], int],
        deadline_us: int,
        late: Callable[[tuple[int, int, int]], None],
        tell: Callable[[str, str, str], None] | None = None,
        about: Callable[[str, dict[str, Any]], None] | None = None,
    ) -> None:
        self.workflow = core.name
        self.run_id = run.run_id
        self.trace_id = run.trace_id
        self.span_id = span_id
        self.state = stage.name
        self.visit = run.visits[stage.name]
        self.attempt = run.attempt
        self.feedback = run.feedback
        self.breach = ""
        self._cost = stage.cost
        self._most_steps = stage.steps
        self._charged: list[int | None] = [None, None, None]
        self._key = key
        self._has_key = stage.key is not None
        self._now = now
        self._deadline_us = deadline_us
        self._late = late
        self._booked: tuple[int, int, int] | None = None
        # Any thread may charge; one that holds it may run a finalizer that charges too.
        self._charging = RLock()
        self._steps: int | None = None
        self._tell = tell
        self._loop = None if tell is None else asyncio.get_running_loop()
        self._about = about
        self._core = core
        self._run = run

    @property
    def idempotency_key(self) -> str:
        """The key under which an outside system should know this effect, in hex.

        It is the same for every attempt of a visit, after a crash too; with `key` in the spec, it
        is the same wherever that value is the same.
        """
        what = ["key", self.workflow, self.state, self._key]
        if not self._has_key:
            what = ["run", self.run_id, self.state, self.visit]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode("ascii")).hexdigest()[:32]

    @property
    def worst_case_left(self) -> WorstCase:
        """The most that the run can still use, this attempt included: proved, not guessed.

        None stands for what nothing bounds. Without a certificate beside the runner, it is what the
        budget has left.
        """
        return self._core.worst_case_left(self._run)

    def time_left(self) -> float | None:
        """Give the seconds until this attempt is cut off; None if nothing will cut it off."""
        if self._deadline_us == NEVER:
            return None
        return max(0.0, (self._deadline_us - self._now()) / 1_000_000)

    def charge(
        self,
        *,
        tool_calls: int | None = None,
        tokens: int | None = None,
        usd: Decimal | int | float | str | None = None,
    ) -> None:
        """Put what was used on the run's ledger, from any thread. Charges of one attempt add up.

        A resource that is charged, were it 0, counts as charged; one that never is counts as declared.

        Args:
            tool_calls: Calls of tools.
            tokens: Tokens, read and written.
            usd: Dollars, rounded up to whole micro-dollars.

        Raises:
            Breach: The attempt has now used more than its state declares as its cost.
            ValueError: An amount is negative, or no whole number.
        """
        money = 0 if usd is None else micro_usd(usd)
        for name, amount in (("tool_calls", tool_calls), ("tokens", tokens)):
            if amount is not None and (type(amount) is not int or not 0 <= amount < MOST):
                raise ValueError(
                    f"{name} must be a sensible whole number that is not negative, not {amount!r}"
                )
        said = (tool_calls is not None, tokens is not None, usd is not None)
        with self._charging:
            before = self._beyond(self._booked)
            for i, amount in enumerate((tool_calls or 0, tokens or 0, money)):
                if said[i]:
                    self._charged[i] = (self._charged[i] or 0) + amount
            beyond = self._beyond(self._booked)
            if beyond != before:
                self._late((beyond[0] - before[0], beyond[1] - before[1], beyond[2] - before[2]))
            self._raise_if_over()

    def _raise_if_over(self) -> None:
        over = self._beyond(self._cost)
        if any(over):
            self.breach = "charged more than it declared: " + ", ".join(
                f"{WORDS[name]} {written(name, charged or 0)} of {written(name, cost)}"
                for name, charged, cost, excess in zip(_CHARGED, self._charged, self._cost, over, strict=True)
                if excess
            )
            raise Breach(self.breach)

    @property
    def is_watched(self) -> bool:
        """Whether somebody follows the run as it goes on, and so sees what `emit` gives."""
        return self._tell is not None

    def emit(self, text: str) -> None:
        """Show a part of the output as it comes, to whoever follows the run; the output stays what it is.

        It may be called from any thread; who follows the run is told on the run's event loop.
        """
        if self._tell is None or self._loop is None or self._booked is not None:
            return
        if asyncio._get_running_loop() is self._loop:  # noqa: SLF001 - the public name raises instead
            self._tell(self.state, self.span_id, text)
            return
        # A thread that was left behind may outlive the loop.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.emit, text)

    def note_model(self, **asked: Any) -> None:
        """Say in the trace which model is asked, and what it tells of its answer."""
        if self._about is not None and self._booked is None:
            self._about(self.span_id, asked)

    @property
    def secret(self) -> Ways:
        """The ways to what in this state's arguments and output no trace may hold."""
        return self._core.secret.get(self.state, ())

    def book(self, children: Iterable[Spent]) -> None:
        """Put on the ledger what the runs of children used, in the place of what was declared.

        Raises:
            Breach: They used more than was set aside for them.
        """
        spent = list(children)
        self._steps = sum(each.steps for each in spent)
        for number, name in enumerate(_CHARGED):
            self._charged[number] = sum(getattr(each, name) for each in spent)
        self._raise_if_over()

    @property
    def steps(self) -> int:
        """How many steps the attempt counts as; all that it may if nobody said."""
        return self._most_steps if self._steps is None else 1 + self._steps

    def book_late(self, use: tuple[int, int, int]) -> None:
        """Book what an attempt charged after it had ended, when it is replayed."""
        self._late(use)

    def _beyond(self, amounts: tuple[int, int, int] | None) -> tuple[int, int, int]:
        """Give what was charged beyond `amounts`: tool calls, tokens, micro-dollars; of none, nothing."""
        if amounts is None:
            return (0, 0, 0)
        over = [max(0, (c or 0) - amount) for c, amount in zip(self._charged, amounts, strict=True)]
        return (over[0], over[1], over[2])

    def close(self, *, cut: bool) -> tuple[int, int, int]:
        """End the attempt, and give what it used: tool calls, tokens, micro-dollars.

        What was declared and never charged counts in full, as does all of an attempt that was cut off; of
        children that were cut off it is known what they used. What is charged from now on, beyond that, is
        late.
        """
        in_full = cut and self._steps is None
        with self._charging:
            used = [
                cost if charged is None else max(charged, cost) if in_full else charged
                for charged, cost in zip(self._charged, self._cost, strict=True)
            ]
            self._booked = (used[0], used[1], used[2])
            return self._booked


_CHARGED = ("tool_calls", "tokens", "micro_usd")
