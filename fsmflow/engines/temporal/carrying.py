"""One run, carried out inside a Temporal workflow: the machine's own meaning decides, and this does it.

It does with activities, timers and answers what the local driver does with steps, a clock and a desk. All
that could come out otherwise in a replay comes from Temporal: times, random numbers, and what activities say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, is_cancelled_exception

from fsmflow import semantics
from fsmflow.engines.keeping import event_read
from fsmflow.engines.machines import read_machine
from fsmflow.engines.spans import Begun, Child, Ending, Recorded, id_of
from fsmflow.engines.temporal import indexing
from fsmflow.engines.temporal.family import Family, Outcome, settle
from fsmflow.engines.temporal.ledger import booked, lost
from fsmflow.engines.temporal.orders import Order, Standing, put_down, taken_up
from fsmflow.engines.temporal.question import Asking
from fsmflow.engines.temporal.scope import needed, own_value
from fsmflow.engines.temporal.tasks import FIT, LACKING, UNREAD, UNREADY, WHERE, Done, Look, Task
from fsmflow.expressions import Constant
from fsmflow.machine import Ask, End, Machine, Work
from fsmflow.runtime.events import Elapsed, Ended, Event, Late, Lost
from fsmflow.runtime.run import Configuration, Error, Spent, Unbound
from fsmflow.runtime.trace import Span
from fsmflow.semantics import Advance, Attempt, Finish, Pause, Question

GRACE = timedelta(minutes=5)
"""How much longer than its deadline an activity may take, which cuts its attempt off itself."""

EVER = timedelta(days=3650)
"""How long an activity may take whose attempt nothing cuts off, as long as its worker is heard of."""

AGAIN = timedelta(seconds=10)
"""After how long an attempt is tried that no worker could make: there may be one by then that can."""

SELDOM = timedelta(minutes=15)
"""How long it is left alone at most, when it was tried in vain: no history holds tries without end."""

FIT_WITHIN = timedelta(minutes=1)

_ONCE = RetryPolicy(maximum_attempts=1)


class _Cut(Exception):
    """The time of whoever runs this run as a child is over."""


class Carrying:
    """One run.

    Attributes:
        order: What is to be carried out.
        machine: Its machine.
        now: Where it stands.
        recorded: What happened, since this history began.
        ending: How it ended, if it did.
        asking: The question that waits, if one does.
        started_us: When it began; None if that was in an earlier history.
        begun: What is under way, if anything is.
        unmade: Why no worker could make the attempt that is to be made; empty if none has said so.
    """

    def __init__(self, order: Order, machines: Mapping[str, str]) -> None:
        """Prepare."""
        self.order = order
        self.machines = machines
        self.machine: Machine = read_machine(machines[order.digest], order.digest)
        self.now = Configuration("", 0, 0, {}, {}, Spent(), {}, {})
        self.recorded: list[Recorded] = []
        self.ending: Ending | None = None
        self.asking: Asking | None = None
        self.started_us: int | None = None
        self.begun: Begun | None = None
        self.unmade = ""
        self._own: Mapping[str, Any] = {}
        self._lost = 0

    @property
    def children(self) -> tuple[Child, ...]:
        """The runs of other workflows that are under way, or are to be started."""
        return () if self.begun is None else self.begun.children

    async def carry_out(self, standing: Standing | None, values: Sequence[Any]) -> Outcome:
        """Carry the run out to its end, or to where its history gets too long.

        Args:
            standing: Where it stood when its last history ended; None if it is to begin.
            values: Its input, or the values that it had then.

        Raises:
            asyncio.CancelledError: It was cancelled; its ledger and its trace are whole.
            ContinueAsNewError: It goes on in a new history.
        """
        try:
            advance = await self._begun(values[0]) if standing is None else self._resumed(standing, values)
            if isinstance(advance, Outcome):
                return advance
            while not isinstance(command := advance.commands[0], Finish):
                event = await self._event(command)
                self.begun, self.unmade = None, ""
                self._turn_over(event)
                advance = self._follow(event)
            return await self._concluded(command)
        except _Cut:
            return self._stopped("cancelled", is_cut=True)
        except asyncio.CancelledError:
            outcome = self._stopped("cancelled")
            if self.order.parent_id:
                # Whoever runs this as a child is told what it used.
                return outcome
            raise

    async def _begun(self, given: Any) -> Advance | Outcome:
        """Begin, on an input that fits: that of a child is only looked at here."""
        self.started_us = _now_us()
        self.now = self.now._replace(values={"input": given})
        if self.order.parent_id and self.machine.input is not None:
            look = await self._look(Look(self.order.digest, "input"), given)
            if "complaints" in look:
                return Outcome.refused("; ".join(look["complaints"]))
            given = look["value"]
        before = self.now._replace(values={"input": given})
        return self._came(before, None, semantics.launch(self.machine, given))

    def _resumed(self, standing: Standing, values: Sequence[Any]) -> Advance:
        own, *rest = values
        self._own, self._lost = own, standing.lost
        self.now, event = taken_up(standing, rest)
        return self._follow(event)

    def _follow(self, event: Event) -> Advance:
        return self._came(self.now, event, semantics.advance(self.machine, self.now, event))

    def _came(self, before: Configuration, event: Event | None, advance: Advance) -> Advance:
        """Note where the run has come to."""
        self._own = own_value(self.machine, before, event, advance.configuration, self._own)
        self._lost = self._lost + 1 if isinstance(event, Lost) else 0
        self.now = advance.configuration
        return advance

    def _turn_over(self, event: Event) -> None:
        """Go on in a new history, if this one gets too long.

        Raises:
            ContinueAsNewError: It does.
        """
        about = workflow.info()
        long = about.get_current_history_length() >= self.order.longest_history
        if not (long or about.is_continue_as_new_suggested()):
            return
        if workflow.cancellation_reason() is not None or not workflow.all_handlers_finished():
            # Whoever cancels, or answers, is to hear what becomes of that; there is time enough.
            return
        standing, values = put_down(self.now, event, self._lost)
        workflow.continue_as_new(args=[self.order, self.machines, standing, self._own, *values])

    async def _event(self, command: semantics.Command) -> Event:
        """Do what the machine commands, and give what came of it."""
        if workflow.cancellation_reason() is not None:
            raise asyncio.CancelledError
        pause_us = command.duration_us if isinstance(command, Pause) else None
        self.begun = Begun(_now_us(), id_of(self.order.span_id, len(self.recorded)), pause_us)
        if isinstance(command, Pause):
            return await self._pause(command)
        if isinstance(command, Question):
            return await self._ask(command)
        assert isinstance(command, Attempt)
        if isinstance(command.arguments, Unbound):
            unbound = Ended("failure", message=command.arguments.reason, use=(0, 0, 0))
            return self._note(unbound, _now_us(), _new_id())
        left_us = self._left_us()
        if left_us is not None and left_us <= 0:
            raise _Cut
        state = self.machine.states[command.state]
        assert isinstance(state, Work)
        indexing.tell(self.order, self.machine, self.now, "running")
        if state.children is not None and state.name not in self._swapped:
            return await self._run_children(command, state, left_us)
        return await self._attempt(command, state, left_us)

    @property
    def _swapped(self) -> Mapping[str, str]:
        """The steps of the profile: in the place of a state's own, or of the workflows that it runs."""
        return self.order.swapped.get(self.order.digest, {})

    def _left_us(self) -> int | None:
        """Give how much time is left to whoever runs this run as a child."""
        left = self.order.left_us
        return None if left is None else left - self.now.spent.time_us

    async def _attempt(self, command: Attempt, state: Work, left_us: int | None) -> Event:
        """Have an attempt made, by whichever worker is free."""
        started = _now_us()
        scope = {**self.now.values, **self._own}
        names = tuple(name for name in needed(state) if name in scope)
        task = self._task(state, left_us, names)
        longest = [us for us in (command.deadline_us, left_us) if us is not None]
        within = timedelta(microseconds=min(longest)) + GRACE if longest else EVER
        tries = 0
        while True:
            try:
                said = await _whole(
                    workflow.start_activity(
                        _called(state),
                        args=[task, *(scope[name] for name in names)],
                        activity_id=self._name(),
                        summary=self._name(),
                        start_to_close_timeout=within,
                        heartbeat_timeout=timedelta(seconds=self.order.heartbeat_s),
                        retry_policy=_ONCE,
                        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
                    )
                )
            except ActivityError as error:
                if isinstance(error.cause, CancelledError):
                    # It was cancelled before a worker had begun.
                    raise asyncio.CancelledError from None
                if (why := _unmade(error.cause)) is not None:
                    self.unmade = why
                    await workflow.sleep(again(tries), summary=f"{self._name()}: {why}"[:200])
                    tries += 1
                    continue
                return self._note(lost(self.machine, command), started, _new_id())
            return self._done(Done(**said), started)

    def _task(self, state: Work, left_us: int | None, names: tuple[str, ...]) -> Task:
        order, now = self.order, self.now
        return Task(
            order.run_id,
            order.trace_id,
            order.digest,
            self._swapped,
            order.way,
            state.name,
            now.visit,
            now.attempt,
            now.counts,
            now.visits,
            now.spent._asdict(),
            now.feedback,
            left_us,
            order.heartbeat_s,
            names,
        )

    def _done(self, done: Done, started: int) -> Event:
        """Take over what an activity says of an attempt; when it began, only the server's clock can say."""
        for use in done.late:
            event = Late((use[0], use[1], use[2]))
            self._note(event, started, _new_id())
            self.now = semantics.advance(self.machine, self.now, event).configuration
        ended = event_read(done.event)
        assert isinstance(ended, Ended)
        model = dict(done.model)
        ended = ended._replace(value=done.value, where=model.pop(WHERE, ""))
        self._note(ended, started, done.span_id, model)
        self._stop_if(ended, is_cut=done.is_cut)
        return ended

    async def _run_children(self, command: Attempt, state: Work, left_us: int | None) -> Event:
        """Run other workflows, as workflows of their own."""
        span_id, started = _new_id(), _now_us()
        limits = [us for us in (command.deadline_us, left_us) if us is not None]
        family = Family(self.order, self.machines, self.machine, state, self.now, span_id, _new_id)
        self.begun = Begun(started, span_id, None, family.members)
        ended = await family.run(min(limits, default=None))
        is_ours = left_us is not None and (command.deadline_us is None or left_us < command.deadline_us)
        if family.is_cut and is_ours:
            ended = ended._replace(outcome="cancelled", message="the run was cancelled")
        self._note(ended, started, span_id, children=family.started)
        self._stop_if(ended, is_cut=family.is_cut and is_ours)
        return ended

    def _stop_if(self, ended: Ended, *, is_cut: bool) -> None:
        """End the run where it was cancelled or cut off, with what is known of its last attempt.

        Raises:
            asyncio.CancelledError: It was cancelled.
            _Cut: It was cut off.
        """
        if is_cut or ended.outcome == "cancelled" or workflow.cancellation_reason() is not None:
            self.now = booked(self.machine, self.now, ended)
            raise _Cut if is_cut else asyncio.CancelledError

    async def _pause(self, pause: Pause) -> Event:
        """Let time pass, by a timer that outlives every worker."""
        started, span_id, left_us = _now_us(), _new_id(), self._left_us()
        us = pause.duration_us if left_us is None else min(pause.duration_us, left_us)
        try:
            if us > 0:
                await workflow.sleep(timedelta(microseconds=us), summary=f"{self._name()}: pause")
        except asyncio.CancelledError:
            elapsed = Elapsed(min(us, _now_us() - started))
            self._note(elapsed, started, span_id)
            self.now = booked(self.machine, self.now, elapsed)
            raise
        # That the timer was seen later than it was due is the queue's doing, and on no ledger.
        elapsed = Elapsed(us)
        self._note(elapsed, started, span_id)
        if us < pause.duration_us:
            self.now = booked(self.machine, self.now, elapsed)
            raise _Cut
        return elapsed

    async def _ask(self, question: Question) -> Event:
        """Ask a person, and wait for a valid answer, or until nobody waits any longer."""
        state = self.machine.states[question.state]
        assert isinstance(state, Ask)
        started, span_id = _now_us(), _new_id()
        indexing.tell(self.order, self.machine, self.now, "waiting")
        self.asking = Asking.of(self.order, state, self.now, question, started)
        try:
            event = await self.asking.ended(self._name())
        except asyncio.CancelledError:
            self._asked(Ended("cancelled", message="the run was cancelled"), started, span_id)
            raise
        return self._asked(event, started, span_id)

    def _asked(self, event: Ended, started: int, span_id: str) -> Event:
        """Note how a question ended. One that a worker leaves as it stops has not: it waits for the next."""
        self.asking = None
        event = event._replace(use=(0, 0, 0), elapsed_us=event.elapsed_us or _now_us() - started)
        return self._note(event, started, span_id)

    async def _look(self, look: Look, value: Any) -> Mapping[str, Any]:
        """Have a value held to its type, by code that is not the machine's; by another worker if need be."""
        found, tries = await _looked(look, value), 0
        while LACKING in found:
            self.unmade = found[LACKING]
            await workflow.sleep(again(tries), summary=f"{look.what}: {self.unmade}"[:200])
            found, tries = await _looked(look, value, anywhere=True), tries + 1
        self.unmade = ""
        return found

    async def fitting_answer(self, value: Any) -> Mapping[str, Any]:
        """Hold what a person filled in to its type, who is told if the worker that is asked has it not."""
        assert self.asking is not None
        return await _looked(Look(self.order.digest, "answer", self.asking.state), value)

    async def _concluded(self, command: Finish) -> Outcome:
        """End: an output that is not there, or does not fit its type, fails the run."""
        state, output = self.machine.states[command.state], command.output
        assert isinstance(state, End)
        if isinstance(output, Unbound):
            return self._failed(command, "failure", f"the output leads nowhere: {output.reason}", (), None)
        if self.machine.output is not None and state.output != Constant(None):
            look = await self._look(Look(self.order.digest, "output"), output)
            if "complaints" in look:
                said = tuple(look["complaints"])
                reason = f"the output does not fit its type: {'; '.join(said)}"
                return self._failed(command, "invalid", reason, said, output)
            output = look["value"]
        return self._ended(command.state, command.kind, output)

    def _failed(
        self, command: Finish, outcome: str, reason: str, complaints: tuple[str, ...], value: Any
    ) -> Outcome:
        error = Error(command.state, outcome, reason, complaints, value)
        self.now = self.now._replace(values={**self.now.values, "error": error})
        return self._ended(command.state, "failed", None)

    def _ended(self, end: str, kind: str, output: Any) -> Outcome:
        self.ending = Ending(end, kind, output, _now_us())
        indexing.tell(self.order, self.machine, self.now, kind)
        return Outcome.of(end, kind, output, self.now)

    def _stopped(self, kind: str, *, is_cut: bool = False) -> Outcome:
        """End the run where it stands."""
        return self._ended(kind, kind, None)._replace(is_cut=is_cut)

    def _name(self) -> str:
        """Name what is under way: `draft#2.1` is the first attempt of the second visit to `draft`."""
        name = f"{self.now.state}#{self.now.visit}.{self.now.attempt}"
        return f"{name}+{self._lost}" if self._lost else name

    def _note(
        self,
        event: Event,
        start_us: int,
        span_id: str,
        model: Mapping[str, Any] | None = None,
        children: tuple[Child, ...] = (),
    ) -> Event:
        now = self.now
        span = Span(now.state, now.visit, now.attempt, now.arguments, start_us, event)
        if isinstance(event, Late):
            span = Span(now.state, 0, 0, {}, start_us, event)
        self.recorded.append(Recorded(span, span_id, model or {}, children))
        return event


def again(tries: int) -> timedelta:
    """Give after how long an attempt is tried again that no worker could make, so many times before."""
    return min(AGAIN * (1 << min(tries, 30)), SELDOM)


def _unmade(error: BaseException | None) -> str | None:
    """Say why an attempt was not made, and so counts for nothing; None if it may have been."""
    if not isinstance(error, ApplicationError):
        return None
    if error.type == UNREADY:
        return error.message
    # In histories from before this was told apart, it was taken to be lost.
    if error.message == UNREAD and workflow.patched("unread"):
        return str(error.cause or error.message)
    return None


async def _looked(look: Look, value: Any, *, anywhere: bool = False) -> Mapping[str, Any]:
    """Have a look taken by the worker that has the run in memory, or by any that is free."""
    how: Any = workflow.execute_activity if anywhere else workflow.execute_local_activity
    options = {"retry_policy": _ONCE} if anywhere else {}
    try:
        found: Mapping[str, Any] = await how(
            FIT,
            args=[look, value],
            start_to_close_timeout=FIT_WITHIN,
            summary=f"is the {look.what} one?",
            **options,
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise asyncio.CancelledError from None
        if anywhere:
            return {LACKING: str(error.cause or error)}
        raise
    return found


async def _whole(handle: workflow.ActivityHandle[Any]) -> Any:
    """Wait for what an activity says, also if the run is cancelled meanwhile, which the activity is told."""
    try:
        await asyncio.wait([handle])
    except asyncio.CancelledError:
        await settle()
        if not handle.done():
            handle.cancel()
    return await handle


def _called(state: Work) -> str:
    """Name what a state calls, for whoever looks at a history."""
    if state.model is not None:
        return f"llm {state.model.model}"
    return state.call or state.name


def _now_us() -> int:
    return workflow.time_ns() // 1000


def _new_id() -> str:
    return workflow.uuid4().hex[:16]
