"""The local driver: carries a machine's commands out on asyncio and feeds back what happened.

It owns every side of a run that is not pure: calling steps, clocks, deadlines, exceptions and
the trace. What a run means is decided by the machine alone.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, NoReturn, Protocol

from fsmflow.runtime.asking import Asking, answered
from fsmflow.runtime.calling import own
from fsmflow.runtime.clock import NEVER
from fsmflow.runtime.context import StepContext
from fsmflow.runtime.events import Elapsed, Ended, Late
from fsmflow.runtime.gauge import WorstCase
from fsmflow.runtime.held_time import HeldTime
from fsmflow.runtime.hiding import Hiding, Ways
from fsmflow.runtime.journal import Journal
from fsmflow.runtime.letting_go import Left, finished, going_on, told
from fsmflow.runtime.log import RunLog
from fsmflow.runtime.outcomes import StepError, Stop
from fsmflow.runtime.run import Command, End, Onward, Pause, Question, Run, Stage, Unbound
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.threads import in_thread
from fsmflow.runtime.trace import Span, new_span_id
from fsmflow.runtime.validation import Rejected
from fsmflow.runtime.verdict import Use, cancelled, cut_at, cut_off, is_cut_by_run, raised, returned
from fsmflow.runtime.world import World

_UNARMED = -1
"""No limit on time: there is no deadline that stays where it is."""


class Core(Asking, Protocol):
    """A compiled machine, as the driver sees it."""

    secret: Mapping[str, Ways]
    succeed: Mapping[str, Callable[[Run], Command]]
    resume: Mapping[str, Callable[[Run], Command]]

    def begin(self, run: Run) -> Command:
        """Enter the first state."""

    def go_on(self, run: Run, event: Ended) -> Command:
        """Go on from an attempt, or an answer, that is on the ledger."""

    def worst_case_left(self, run: Run) -> WorstCase:
        """Give the most that a run can still use."""


class Driver:
    """Drives one run to its end."""

    __slots__ = (
        "_about",
        "_asked_us",
        "_before",
        "_bound",
        "_calling",
        "_cancelling",
        "_clock",
        "_core",
        "_deadline",
        "_hiding",
        "_interruption",
        "_is_left",
        "_is_visiting",
        "_journal",
        "_late",
        "_observe",
        "_random",
        "_run",
        "_started",
        "_starting",
        "_tell",
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
        self._random = world.random
        self._observe = None if log is None else log.span
        self._starting = log.starting if log is not None and world.live else None
        self._about = None if log is None else log.about
        self._hiding = hiding
        self._tell = log.chunk if log is not None and world.live else None
        self._late: list[tuple[int, int, int]] = []
        self._before = 0
        self._asked_us = 0
        self._started = 0
        self._cancelling: Callable[[], int] = _never
        self._calling: Stage | None = None
        self._is_visiting = False
        self._interruption: asyncio.CancelledError | KeyboardInterrupt | None = None
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
        self._deadline = self._clock.deadline()
        self._cancelling = _cancellations()
        self._before = self._cancelling()
        is_watched = self._journal is not None or self._observe is not None
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
            self._deadline.close()

    async def _sprinted(self, stage: Stage) -> Command:
        """Make attempts, one after another, until something else is to be done, or a step was left."""
        sprint = self._sprint(stage)
        try:
            waits_for = sprint.send(None)
        except StopIteration as done:
            command: Command = done.value
            return command
        try:
            now, watch = self._clock.now, self._deadline.watch
            found: Command = await going_on(sprint, waits_for, self._unheard, now, watch, self._leave)
        except Left as left:
            assert self._calling is not None, "nothing else is left"
            self._is_left = False
            stage, started = self._calling, self._started
            event = self._interrupted(stage, self._bound[stage.name], started, stage.full, left.cancelled)
            self._settle_late()
            self._started = started + event.elapsed_us
            return self._conclude(stage, started, event)
        return found

    def _unheard(self) -> int:
        """Give how many cancellations are outstanding, while a sprint waits for a step itself."""
        return 0 if self._is_visiting else self._outstanding()

    def _leave(self) -> None:
        """Take what a sprint ends with from now on for no outcome: it is closed where it is."""
        self._is_left = True

    async def _sprint(self, command: Command) -> Command:
        """Make attempts, one after another, in a run that nobody keeps or watches.

        An async step that takes no context is called right here, and its success is not even made an
        event; whatever else comes of it, and any other step, is dealt with as in every run. A step begins
        when the one before it ended, so that the time between steps is on the ledger too.
        """
        run, record, deadline, late = self._run, self.record, self._deadline, self._late
        bindings, succeed, visits = self._bound, self._core.succeed, self._run.visits
        now, cancelling, before = self._clock.now, self._cancelling, self._before
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
                if value.__class__ is types.CoroutineType:
                    value = await value
                ended = now()
                if deadline.expired:
                    # The step swallowed the cancellation that cut it off.
                    raise asyncio.CancelledError
                if ended > at_us:
                    by_run = is_cut_by_run(stage, run)
                    event = cut_off(stage, bound, ended - started, full, self._random, by_run=by_run)
                else:
                    if bound.validate is not None and value.__class__ is not bound.exact:
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
                event = self._interrupted(stage, bound, started, full, error)
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
        run, journal, started = self._run, self._journal, self._started
        if journal is not None:
            self._deadline.disarm()
            await journal.begin(run, "attempt", stage.timeout_us)
        span_id = "" if self._observe is None else self._begin_span(stage.name, started)
        event = await self._attempt(stage, self._bound[stage.name], started, span_id)
        # It came in while this attempt was under way, and so before what follows from it.
        self._settle_late()
        if journal is not None and not self._is_interrupted:
            self._deadline.disarm()
            try:
                event = await journal.end(run, event)
            except asyncio.CancelledError as error:
                # What is being kept is kept all the same, and so it counts.
                self._interruption = error
        started += self._asked_us
        self._started = started + event.elapsed_us
        return self._conclude(stage, started, event, span_id)

    def _conclude(self, stage: Stage, started: int, event: Ended, span_id: str = "") -> Command:
        """Put an attempt on record and on the ledger, and give what follows from how it ended."""
        run = self._run
        span = Span(stage.name, run.visits[stage.name], run.attempt, run.arguments, started, event)
        self.record.append(span)
        if self._observe is not None:
            self._observe(span, span_id)
        run.settle(stage, event)
        if self._is_interrupted:
            # Also if the step has swallowed it.
            self._stop(event)
        return self._core.go_on(run, event)

    async def _attempt(self, stage: Stage, bound: Bound, started: int, span_id: str) -> Ended:
        """Bind what an attempt is given, and make it."""
        run, clock = self._run, self._clock
        arguments = run.arguments
        self._asked_us = 0
        if isinstance(arguments, Unbound):
            return Ended("failure", message=arguments.reason, use=(0, 0, 0))
        at_us = cut_at(stage, run, started)
        context: StepContext | None = None
        given: Mapping[str, Any] = own(arguments)
        if bound.wants_context:
            try:
                key = None if stage.key is None else stage.key(run.values)
            except LookupError as missing:
                return Ended("failure", message=f"key: {Unbound.of(missing).reason}", use=(0, 0, 0))
            context = StepContext(
                self._core,
                run,
                stage,
                key,
                span_id,
                clock.now,
                at_us,
                self._late.append,
                self._tell,
                self._about,
            )
            if bound.mode != "children":
                given = {**given, "ctx": context}
        event = await self._call(stage, bound, context, given, started, at_us)
        if stage.steps != 1:
            event = event._replace(steps=stage.steps if context is None else context.steps)
        return event

    async def _call(
        self,
        stage: Stage,
        bound: Bound,
        context: StepContext | None,
        given: Mapping[str, Any],
        started: int,
        at_us: int,
    ) -> Ended:
        """Call what makes the attempt, until its deadline, and say how it ended."""
        run, clock, deadline = self._run, self._clock, self._deadline
        deadline.arm(at_us)
        error: BaseException | None = None
        value: Any = None
        try:
            if bound.mode == "async":
                value = await self._finished(bound.function(**given))
            elif bound.mode == "inline":
                value = told(bound.function, **given)
            elif bound.mode == "children":
                holding = HeldTime(self, deadline, at_us)
                deadline.watch()
                value = await bound.function(context, self._world._replace(holding=holding), given)
            else:
                deadline.watch()
                value = await in_thread(bound.function, given, stage.name)
            if isinstance(value, types.CoroutineType):
                value = await self._finished(value)
        except asyncio.CancelledError as problem:
            use = stage.full if context is None else context.close(cut=True)
            if context is None or not context.breach:
                return self._interrupted(stage, bound, started, use, problem)
            error = problem
        except (Stop, GeneratorExit):
            raise
        except KeyboardInterrupt as problem:
            use = stage.full if context is None else context.close(cut=True)
            return self._interrupted(stage, bound, started, use, problem)
        except BaseException as problem:
            if bound.mode == "children" and not isinstance(problem, StepError):
                # No child says so, but what keeps or watches its run: that is no outcome.
                raise
            error = problem
        elapsed = clock.now() - started - self._asked_us
        # A step that held up the event loop, or the driver, past its deadline was cut off by no timer.
        cut = deadline.expired or (error is None and started + elapsed > at_us)
        turned = error is not None and not cut and self._outstanding() > 0
        if deadline.expired:
            # The step swallowed the cancellation that cut it off, or broke its word before.
            deadline.acknowledge()
        use = stage.full if context is None else context.close(cut=cut or turned)
        if context is not None and context.breach:
            return Ended("failure", None, None, context.breach, (), use, elapsed)
        if cut:
            return cut_off(stage, bound, elapsed, use, self._random, by_run=is_cut_by_run(stage, run))
        if turned:
            # The step made another error of its caller's cancellation.
            return cancelled(stage, elapsed, use)
        if error is not None:
            return raised(stage, error, elapsed, use, self._random)
        assert isinstance(run.arguments, dict)
        return returned(stage, bound, value, run.arguments, elapsed, use)

    def _interrupted(self, stage: Stage, bound: Bound, started: int, use: Use, error: BaseException) -> Ended:
        """Say how an attempt ended that raised, maybe since it was cancelled: by its deadline or its caller.

        If it was its caller, all that it declared counts, and an effect may have happened.
        """
        elapsed = self._clock.now() - started - self._asked_us
        if isinstance(error, KeyboardInterrupt):
            self._interruption = error
        elif self._deadline.expired:
            if self._deadline.acknowledge():
                by_run = is_cut_by_run(stage, self._run)
                return cut_off(stage, bound, elapsed, use, self._random, by_run=by_run)
        elif self._outstanding() <= 0:
            # The step raised it itself.
            return raised(stage, error, elapsed, use, self._random)
        if isinstance(error, asyncio.CancelledError):
            self._interruption = error
        return cancelled(stage, elapsed, use)

    def _outstanding(self) -> int:
        """Give how many cancellations have come in that nobody has taken back."""
        return self._cancelling() - self._before

    @property
    def _is_interrupted(self) -> bool:
        """Whether the caller has cancelled the run, or its user."""
        return self._interruption is not None or self._outstanding() > 0

    def _finished(self, step: Awaitable[Any]) -> Coroutine[Any, Any, Any]:
        """Wait until a step has finished, or has stayed for so long that it is left."""
        return finished(step, self._outstanding, self._clock.now, self._deadline.watch)

    def _stop(self, event: Ended) -> NoReturn:
        """End the run where its caller has cancelled it, after `event`, which is on record.

        Raises:
            asyncio.CancelledError, KeyboardInterrupt: Always; the very one that came in, if no step has
                swallowed it.
        """
        if event.outcome != "cancelled":
            # What is known of the attempt counts, though nothing follows from it any more.
            self._core.go_on(self._run, event)
        raise self._interruption or asyncio.CancelledError

    async def _question(self, question: Question) -> Command:
        """Ask a person, and wait for the answer; the time that takes is not on the ledger."""
        run, now, deadline = self._run, self._clock.now, self._deadline
        arguments, started, longest = run.arguments, now(), question.timeout_us
        deadline.disarm()
        if self._journal is not None:
            longest = await self._journal.begin(run, "question", longest)
        span_id = "" if self._observe is None else self._begin_span(question.name, started)
        deadline.arm(NEVER if longest is None else now() + longest)
        deadline.watch()
        holding = self._world.holding
        if holding is not None:
            holding.begin(started)
        try:
            event = await answered(question, run, self._core, self._world.desk, deadline, self._hiding)
        except asyncio.CancelledError as error:
            self._interruption = error
            event = Ended("cancelled", None, None, "the run was cancelled")
        deadline.disarm()
        if holding is not None:
            holding.end(now())
        self._settle_late()
        event = event._replace(elapsed_us=now() - started, use=(0, 0, 0))
        if self._journal is not None and event.outcome != "cancelled":
            event = await self._journal.end(run, event)
        entry = Span(question.name, run.visits[question.name], run.attempt, arguments, started, event)
        self.record.append(entry)
        if self._observe is not None:
            self._observe(entry, span_id)
        if event.outcome == "cancelled" or self._is_interrupted:
            self._stop(event)
        self._started = now()
        return self._core.go_on(run, event)

    def hold(self, at_us: int) -> None:
        """Stop counting time, and that of whoever runs this as a child, while a person is asked."""
        if self._world.holding is not None:
            self._world.holding.begin(at_us)

    def release(self, at_us: int, held_us: int) -> None:
        """Count time again, after `held_us` microseconds in which people were asked."""
        self._asked_us += held_us
        if self._world.holding is not None:
            self._world.holding.end(at_us)

    async def _pause(self, pause: Pause) -> Command:
        """Let time pass, and go on."""
        run, journal, started = self._run, self._journal, self._started
        self._deadline.disarm()
        left: int | None = pause.duration_us
        if journal is not None:
            left = await journal.begin(run, "pause", left)
        span_id = "" if self._observe is None else self._begin_span(run.state, started, pause.duration_us)
        try:
            await self._clock.sleep(left or 0)
        finally:
            ended = self._clock.now()
            self._settle_late()
            event = Elapsed(ended - started + pause.duration_us - (left or 0))
            self._note(started, span_id, event)
        if journal is not None:
            await journal.end(run, event)
        self._started = ended
        return self._core.resume[run.state](run)

    def _begin_span(self, state: str, started: int, pause_us: int | None = None) -> str:
        """Name the span that begins, and tell of it if anyone wants to know so soon."""
        span_id = new_span_id()
        if self._starting is not None:
            self._starting(state, self._run.visits[state], self._run.attempt, started, span_id, pause_us)
        return span_id

    def _note(self, started: int, span_id: str, event: Elapsed) -> None:
        """Put time that has passed on the ledger and in the trace."""
        run = self._run
        run.time_us += event.elapsed_us
        span = Span(run.state, run.visits[run.state], run.attempt, run.arguments, started, event)
        self.record.append(span)
        if self._observe is not None:
            self._observe(span, span_id)

    def _settle_late(self) -> None:
        """Book what abandoned attempts charged beyond what they had declared."""
        while self._late:
            event = Late(self._late.pop(0))
            self._run.book(event.use)
            if self._journal is not None:
                self._journal.late(event)
            span = Span(self._run.state, 0, 0, {}, self._clock.now(), event)
            self.record.append(span)
            if self._observe is not None:
                self._observe(span, new_span_id())


def _cancellations() -> Callable[[], int]:
    """Give what tells how often the present task was asked to cancel."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        # No event loop runs: a simulated clock drives a run that never waits for anything real.
        return _never
    return _never if task is None else task.cancelling


def _never() -> int:
    return 0
