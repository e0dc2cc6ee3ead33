"""The local driver: carries a machine's commands out on asyncio and feeds back what happened.

It puts all of that on the ledger, on record and in the trace, and keeps it where the run is kept. What a
run means is decided by the machine alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Protocol

from fsmflow.runtime.asking import Asking, answered
from fsmflow.runtime.attempts import Attempts
from fsmflow.runtime.calling import CONTAINERS, owned
from fsmflow.runtime.clock import NEVER
from fsmflow.runtime.commands import Command, End, Onward, Pause, Question, Stage
from fsmflow.runtime.complaints import Rejected
from fsmflow.runtime.context import Proved
from fsmflow.runtime.events import Elapsed, Ended, Late
from fsmflow.runtime.hiding import Hiding
from fsmflow.runtime.journal import Journal
from fsmflow.runtime.letting_go import Left, going_on
from fsmflow.runtime.log import RunLog
from fsmflow.runtime.outcomes import Stop
from fsmflow.runtime.run import Run
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.trace import Span, new_span_id
from fsmflow.runtime.unfinished import finished_value, is_unfinished
from fsmflow.runtime.verdict import cut_at, cut_off, is_cut_by_run
from fsmflow.runtime.world import World

_UNARMED = -1
"""No limit on time: there is no deadline that stays where it is."""


class Core(Asking, Proved, Protocol):
    """A compiled machine, as the driver sees it."""

    succeed: Mapping[str, Callable[[Run], Command]]
    resume: Mapping[str, Callable[[Run], Command]]

    def begin(self, run: Run) -> Command:
        """Enter the first state."""

    def go_on(self, run: Run, event: Ended) -> Command:
        """Go on from an attempt, or an answer, that is on the ledger."""


class Driver:
    """Drives one run to its end."""

    __slots__ = (
        "_attempts",
        "_bound",
        "_calling",
        "_clock",
        "_core",
        "_hiding",
        "_is_left",
        "_is_visiting",
        "_journal",
        "_log",
        "_run",
        "_started",
        "_world",
        "record",
    )

    def __init__(
        self,
        core: Core,
        run: Run,
        bound: Mapping[str, Bound],
        world: World,
        log: RunLog | None = None,
        journal: Journal | None = None,
        hiding: Hiding | None = None,
    ) -> None:
        self.record: list[Any] = []
        self._core = core
        self._run = run
        self._bound = bound
        self._world = world
        self._journal = journal
        self._clock = world.clock
        self._log = log
        self._hiding = hiding
        self._started = 0
        self._calling: Stage | None = None
        self._is_visiting = False
        self._is_left = False

    async def drive(self, first: Command | None = None) -> End:
        """Carry commands out until the run ends.

        Args:
            first: The command to go on with, of a run that is taken up; None begins at the start.

        Raises:
            asyncio.CancelledError: The run's task was cancelled. The attempt that was under way is
                on the ledger and in the trace: as `cancelled`, or if its effect may have happened all the
                same as `unknown`, or, if it still came to an end by itself, as it ended.
            KeyboardInterrupt: It came in while a step ran; likewise.
        """
        log = self._log
        tell = log.chunk if log is not None and self._world.live else None
        about = None if log is None else log.about
        self._attempts = Attempts(self._core, self._run, self._world, tell=tell, about=about)
        is_watched = self._journal is not None or log is not None
        try:
            command = self._core.begin(self._run) if first is None else first
            self._started = self._clock.now()
            while not isinstance(command, End):
                if isinstance(command, Stage):
                    command = await (self._visit(command) if is_watched else self._sprinted(command))
                elif isinstance(command, Onward):
                    command = command.enter(self._run)
                elif isinstance(command, Question):
                    command = await self._question(command)
                else:
                    command = await self._pause(command)
            self._settle_late()
            return command
        finally:
            self._attempts.close()

    async def _sprinted(self, stage: Stage) -> Command:
        """Make attempts, one after another, until something else is to be done, or a step was left."""
        sprint = self._sprint(stage)
        try:
            waits_for = sprint.send(None)
        except StopIteration as done:
            command: Command = done.value
            return command
        try:
            now, watch = self._clock.now, self._attempts.deadline.watch
            going = going_on(sprint, waits_for, self._unheard, now, watch, self._leave)
            # It may hold an error that holds this frame.
            del waits_for
            found: Command = await going
        except Left as left:
            assert self._calling is not None, "nothing else is left"
            self._is_left = False
            stage, started = self._calling, self._started
            bound = self._bound[stage.name]
            event = self._attempts.interrupted(stage, bound, started, stage.full, left.cancelled)
            self._settle_late()
            self._started = started + event.elapsed_us
            return self._conclude(stage, started, event)
        return found

    def _unheard(self) -> int:
        """Give how many cancellations are outstanding, while a sprint waits for a step itself."""
        return 0 if self._is_visiting else self._attempts.interruption.outstanding()

    def _leave(self) -> None:
        """Take what a sprint ends with from now on for no outcome: it is closed where it is."""
        self._is_left = True

    async def _sprint(self, command: Command) -> Command:
        """Make attempts, one after another, in a run that nobody keeps or watches.

        An async step that takes no context is called right here, and its success is not even made an
        event; whatever else comes of it, and any other step, is dealt with as in every run. A step begins
        when the one before it ended, so that the time between steps is on the ledger too.
        """
        run, record, attempts = self._run, self.record, self._attempts
        bindings, succeed, visits = self._bound, self._core.succeed, run.visits
        now, deadline, late = self._clock.now, attempts.deadline, attempts.late
        cancelling, before = attempts.interruption.cancelling, attempts.interruption.before
        started, at_us = self._started, NEVER
        armed_for: int | None = _UNARMED
        event: Ended | None
        while command.__class__ is Stage:
            stage: Stage = command
            name, arguments, full = stage.name, run.arguments, stage.full
            bound = bindings[name]
            if not bound.plain or arguments.__class__ is not dict:
                self._started, self._is_visiting = started, True
                command = await self._visit(stage)
                self._is_visiting = False
                started, armed_for = self._started, _UNARMED
                continue
            timeout_us = stage.timeout_us
            if timeout_us is not None or stage.time_limit_us is not armed_for:
                at_us = cut_at(stage, run, started)
                deadline.arm(at_us)
                # The run's own deadline never moves, since all time is on the ledger.
                armed_for = stage.time_limit_us if timeout_us is None else _UNARMED
            value = None
            try:
                value = await bound.call(arguments)
                if value.__class__ is not bound.exact and is_unfinished(value.__class__):
                    value = await finished_value(value)
                ended = now()
                if deadline.expired:
                    # The step swallowed the cancellation that cut it off.
                    raise asyncio.CancelledError
                if ended > at_us:
                    by_run, random = is_cut_by_run(stage, run), self._world.random
                    event = cut_off(stage, bound, ended - started, full, random, by_run=by_run)
                else:
                    if bound.validate is None:
                        if value.__class__ in CONTAINERS:
                            value = owned(value)
                    elif value.__class__ is not bound.exact:
                        value = bound.validate(value)
                    event = None
            except Rejected as rejected:
                said = rejected.complaints
                event = Ended("invalid", None, value, "; ".join(said)[:500], said, full, now() - started)
            except Stop:
                raise
            except BaseException as error:
                if self._is_left:
                    self._calling, self._started = stage, started
                    raise
                event = attempts.interrupted(stage, bound, started, full, error)
                armed_for = _UNARMED
            if event is None:
                follow, elapsed = succeed.get(name), ended - started
                if follow is not None and not late and cancelling() <= before:
                    record.append((name, visits[name], run.attempt, arguments, started, value, elapsed, full))
                    started = ended
                    run.steps += 1
                    run.time_us += elapsed
                    if full is not None:
                        run.book(full)
                    run.values[stage.value] = value
                    command = follow(run)
                    continue
                event = Ended("success", None, value, "", (), full, elapsed)
            self._settle_late()
            started += event.elapsed_us
            command = self._conclude(stage, started - event.elapsed_us, event)
        self._started = started
        return command

    async def _visit(self, stage: Stage) -> Command:
        """Make one attempt, whatever it takes, and give what follows from how it ended."""
        run, journal, started, attempts = self._run, self._journal, self._started, self._attempts
        if journal is not None:
            attempts.deadline.disarm()
            await journal.begin(run, "attempt", stage.timeout_us)
        span_id = self._begin_span(stage.name, started)
        event = await attempts.make(stage, self._bound[stage.name], started, span_id)
        # It came in while this attempt was under way, and so before what follows from it.
        self._settle_late()
        if journal is not None and not attempts.interruption.has_come:
            attempts.deadline.disarm()
            try:
                event = await journal.end(run, event)
            except asyncio.CancelledError as error:
                # What is being kept is kept all the same, and so it counts.
                attempts.interruption.cause = error
        started += attempts.asked_us
        self._started = started + event.elapsed_us
        return self._conclude(stage, started, event, span_id)

    def _conclude(self, stage: Stage, started: int, event: Ended, span_id: str = "") -> Command:
        """Put an attempt on record and on the ledger, and give what follows from how it ended."""
        run = self._run
        self._note(started, event, span_id)
        run.settle(stage, event)
        if self._attempts.interruption.has_come:
            # Also if the step has swallowed it.
            self._stop(event)
        return self._core.go_on(run, event)

    def _stop(self, event: Ended) -> NoReturn:
        """End the run where its caller has cancelled it, after `event`, which is on record.

        Raises:
            asyncio.CancelledError, KeyboardInterrupt: Always; the very one that came in, if no step has
                swallowed it.
        """
        if event.outcome != "cancelled":
            # What is known of the attempt counts, though nothing follows from it any more.
            self._core.go_on(self._run, event)
        interruption = self._attempts.interruption
        try:
            raise interruption.cause or asyncio.CancelledError
        finally:
            # It holds this frame, and so all of the run.
            interruption.cause = None

    async def _question(self, question: Question) -> Command:
        """Ask a person, and wait for the answer; the time that takes is not on the ledger."""
        run, now, attempts = self._run, self._clock.now, self._attempts
        deadline = attempts.deadline
        started, longest = now(), question.timeout_us
        deadline.disarm()
        if self._journal is not None:
            longest = await self._journal.begin(run, "question", longest, self._hiding)
        span_id = self._begin_span(question.name, started)
        deadline.arm(NEVER if longest is None else now() + longest)
        deadline.watch()
        holding = self._world.holding
        if holding is not None:
            holding.begin(started)
        try:
            desk, finished = self._world.desk, attempts.finished
            told = attempts.interruption
            event = await answered(question, run, self._core, desk, deadline, told, finished, self._hiding)
        except asyncio.CancelledError as error:
            attempts.interruption.cause = error
            event = Ended("cancelled", None, None, "the run was cancelled")
        deadline.disarm()
        if holding is not None:
            holding.end(now())
        self._settle_late()
        ended = now()
        event = event._replace(elapsed_us=ended - started, use=(0, 0, 0))
        if self._journal is not None and event.outcome != "cancelled":
            event = await self._journal.end(run, event)
        # Where the run was taken up, it began to ask before this process did.
        self._note(ended - event.elapsed_us, event, span_id)
        if event.outcome == "cancelled" or attempts.interruption.has_come:
            self._stop(event)
        self._started = now()
        return self._core.go_on(run, event)

    async def _pause(self, pause: Pause) -> Command:
        """Let time pass, and go on."""
        run, journal, started = self._run, self._journal, self._started
        self._attempts.deadline.disarm()
        left: int | None = pause.duration_us
        if journal is not None:
            left = await journal.begin(run, "pause", left)
        span_id = self._begin_span(run.state, started, pause.duration_us)
        try:
            await self._clock.sleep(left or 0)
        finally:
            ended = self._clock.now()
            self._settle_late()
            event = Elapsed(ended - started + pause.duration_us - (left or 0))
            run.time_us += event.elapsed_us
            self._note(ended - event.elapsed_us, event, span_id)
        if journal is not None:
            await journal.end(run, event)
        self._started = ended
        return self._core.resume[run.state](run)

    def _begin_span(self, state: str, started: int, pause_us: int | None = None) -> str:
        """Name the span that begins, if anybody watches, and tell of it if they want to know so soon."""
        if self._log is None:
            return ""
        span_id = new_span_id()
        if self._world.live:
            visit, attempt = self._run.visits[state], self._run.attempt
            self._log.starting(state, visit, attempt, started, span_id, pause_us)
        return span_id

    def _note(self, started: int, event: Ended | Elapsed, span_id: str) -> None:
        """Put on record, and in the trace, what has happened where the run stands."""
        run, state = self._run, self._run.state
        self._write(Span(state, run.visits[state], run.attempt, run.arguments, started, event), span_id)

    def _write(self, span: Span, span_id: str) -> None:
        """Put a span on record, and in the trace."""
        self.record.append(span)
        if self._log is not None:
            self._log.span(span, span_id)

    def _settle_late(self) -> None:
        """Book what was charged after its attempt had ended."""
        late = self._attempts.late
        while late:
            event = Late(late.pop(0))
            self._run.book(event.use)
            if self._journal is not None:
                self._journal.late(event)
            self._write(Span(self._run.state, 0, 0, {}, self._clock.now(), event), new_span_id())
