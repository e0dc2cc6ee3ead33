"""Making attempts: a step is called with what it takes, for as long as it may, and what came of it is said.

Whatever a step returns, raises or swallows, its attempt ends as an event that the machine can judge.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from fsmflow.runtime.calling import own
from fsmflow.runtime.commands import Stage
from fsmflow.runtime.context import Proved, StepContext
from fsmflow.runtime.events import Ended
from fsmflow.runtime.held_time import HeldTime
from fsmflow.runtime.interruption import Interruption
from fsmflow.runtime.letting_go import finished, told
from fsmflow.runtime.outcomes import StepError, Stop
from fsmflow.runtime.run import Run, Unbound
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.threads import in_thread
from fsmflow.runtime.trace import NotWhole, whole
from fsmflow.runtime.unfinished import finished_value, is_unfinished
from fsmflow.runtime.verdict import Use, cancelled, cut_at, cut_off, is_cut_by_run, raised, returned
from fsmflow.runtime.world import World


class Attempts:
    """Makes the attempts of one run, in the task that it runs in.

    Attributes:
        deadline: By when the attempt under way is cut off.
        interruption: Whether the run is told to stop.
        late: What was charged after its attempt had ended, beyond what was booked of it.
        asked_us: For how long the children of the latest attempt asked people, which is on no budget.
    """

    __slots__ = (
        "_about",
        "_clock",
        "_core",
        "_is_over",
        "_run",
        "_tell",
        "_world",
        "asked_us",
        "deadline",
        "interruption",
        "late",
    )

    def __init__(
        self,
        core: Proved,
        run: Run,
        world: World,
        *,
        tell: Callable[[str, str, str], None] | None = None,
        about: Callable[[str, dict[str, Any]], None] | None = None,
    ) -> None:
        """Prepare to make attempts.

        Args:
            core: The compiled machine.
            run: The run.
            world: What it has around it.
            tell: Is told, by state and span id, each part of what a model says.
            about: Is told, by span id, what is known of the model that is asked.
        """
        self.deadline = world.clock.deadline()
        self.interruption = Interruption()
        self.late: list[tuple[int, int, int]] = []
        self.asked_us = 0
        self._core = core
        self._run = run
        self._world = world
        self._clock = world.clock
        self._tell = tell
        self._about = about
        self._is_over = False

    def charged_late(self, use: tuple[int, int, int]) -> None:
        """Take what was charged after its attempt had ended, from any thread."""
        self.late.append(use)
        if self._is_over:
            self._hand_on()

    def close(self) -> None:
        """Give everything back; the run is over."""
        self.deadline.close()
        self._is_over = True
        self._hand_on()

    def _hand_on(self) -> None:
        """Have whoever ran this as a child book what nobody has booked here."""
        book = self._world.late
        while book is not None and self.late:
            # Another thread may be at it too.
            with suppress(IndexError):
                book(self.late.pop(0))

    async def make(self, stage: Stage, bound: Bound, started: int, span_id: str) -> Ended:
        """Make an attempt where the run stands, from `started` on, and say how it ended.

        Raises:
            Stop: The driving of the run ends where it stands.
            BaseException: What keeps or watches a child's run failed: that is no outcome of anything in it.
        """
        run = self._run
        arguments = run.arguments
        self.asked_us = 0
        if isinstance(arguments, Unbound):
            return Ended("failure", message=arguments.reason, use=(0, 0, 0))
        at_us = cut_at(stage, run, started)
        context: StepContext | None = None
        given: Mapping[str, Any] = own(arguments)
        if bound.wants_context:
            try:
                key = None if stage.key is None else whole(stage.key(run.values))
            except LookupError as missing:
                return Ended("failure", message=f"key: {Unbound.of(missing).reason}", use=(0, 0, 0))
            except NotWhole as lost:
                said = f"key: it can't be told apart from others: {lost}"
                return Ended("failure", message=said, use=(0, 0, 0))
            context = StepContext(
                self._core,
                run,
                stage,
                key,
                span_id,
                self._clock.now,
                at_us,
                self.charged_late,
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
        deadline = self.deadline
        deadline.arm(at_us)
        error: BaseException | None = None
        value: Any = None
        try:
            if bound.mode == "async":
                value = await self.finished(bound.function(**given))
            elif bound.mode == "inline":
                value = told(bound.function, **given)
            elif bound.mode == "children":
                holding = HeldTime(self, deadline, at_us)
                deadline.watch()
                world = self._world._replace(holding=holding, late=self.charged_late)
                value = await bound.function(context, world, given)
            else:
                deadline.watch()
                value = await in_thread(bound.function, given, stage.name)
            if is_unfinished(value.__class__):
                value = await self.finished(finished_value(value))
        except asyncio.CancelledError as problem:
            use = stage.full if context is None else context.close(cut=True)
            if context is None or not context.breach:
                return self.interrupted(stage, bound, started, use, problem)
            error = problem
        except (Stop, GeneratorExit):
            raise
        except KeyboardInterrupt as problem:
            use = stage.full if context is None else context.close(cut=True)
            return self.interrupted(stage, bound, started, use, problem)
        except BaseException as problem:
            if bound.mode == "children" and not isinstance(problem, StepError):
                # No child says so, but what keeps or watches its run: that is no outcome.
                raise
            error = problem
        try:
            return self._judged(stage, bound, context, value, error, started, at_us)
        finally:
            # By its traceback it holds this frame, which would hold it in turn, with all that the step had.
            del error

    def _judged(
        self,
        stage: Stage,
        bound: Bound,
        context: StepContext | None,
        value: Any,
        error: BaseException | None,
        started: int,
        at_us: int,
    ) -> Ended:
        """Say how an attempt ended that gave a value, or raised."""
        run, deadline, random = self._run, self.deadline, self._world.random
        elapsed = self._elapsed(started)
        # A step that held up the event loop, or the driver, past its deadline was cut off by no timer.
        cut = deadline.expired or (error is None and started + elapsed > at_us)
        turned = error is not None and not cut and self.interruption.outstanding() > 0
        if deadline.expired:
            # The step swallowed the cancellation that cut it off, or broke its word before.
            deadline.acknowledge()
        use = stage.full if context is None else context.close(cut=cut or turned)
        if context is not None and context.breach:
            return Ended("failure", None, None, context.breach, (), use, elapsed)
        if cut:
            return cut_off(stage, bound, elapsed, use, random, by_run=is_cut_by_run(stage, run))
        if turned:
            # The step made another error of its caller's cancellation.
            return cancelled(stage, elapsed, use)
        if error is not None:
            return raised(stage, error, elapsed, use, random)
        assert isinstance(run.arguments, dict)
        return returned(stage, bound, value, run.arguments, elapsed, use)

    def interrupted(self, stage: Stage, bound: Bound, started: int, use: Use, error: BaseException) -> Ended:
        """Say how an attempt ended that raised, maybe since it was cancelled: by its deadline or its caller.

        If it was its caller, all that it declared counts, and an effect may have happened.
        """
        elapsed, random, interruption = self._elapsed(started), self._world.random, self.interruption
        if isinstance(error, KeyboardInterrupt):
            interruption.cause = error
        elif self.deadline.expired:
            if self.deadline.acknowledge():
                by_run = is_cut_by_run(stage, self._run)
                return cut_off(stage, bound, elapsed, use, random, by_run=by_run)
        elif interruption.outstanding() <= 0:
            # The step raised it itself.
            return raised(stage, error, elapsed, use, random)
        if isinstance(error, asyncio.CancelledError):
            interruption.cause = error
        return cancelled(stage, elapsed, use)

    def finished(self, step: Awaitable[Any]) -> Coroutine[Any, Any, Any]:
        """Wait until a step, or a desk, has finished, or has stayed for so long that it is left."""
        return finished(step, self.interruption.outstanding, self._clock.now, self.deadline.watch)

    def _elapsed(self, started: int) -> int:
        """Give how long an attempt has taken, without what its children asked people."""
        return self._clock.now() - started - self.asked_us

    def hold(self, at_us: int) -> None:
        """Stop counting time, and that of whoever runs this as a child, while a person is asked."""
        if self._world.holding is not None:
            self._world.holding.begin(at_us)

    def release(self, at_us: int, held_us: int) -> None:
        """Count time again, after `held_us` microseconds in which people were asked."""
        self.asked_us += held_us
        if self._world.holding is not None:
            self._world.holding.end(at_us)
