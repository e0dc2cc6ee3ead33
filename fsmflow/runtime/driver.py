"""The local driver: carries a machine's commands out on asyncio and feeds back what happened.

It owns every side of a run that is not pure: calling steps, clocks, deadlines, exceptions and
the trace. What a run means is decided by the machine alone.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from fsmflow.runtime.clock import Clock, Deadline
from fsmflow.runtime.context import StepContext
from fsmflow.runtime.events import Elapsed, Ended, Late
from fsmflow.runtime.outcomes import Breach, Invalid, Outcome, classify, describe
from fsmflow.runtime.run import Command, End, Pause, Run, Stage, Unbound
from fsmflow.runtime.steps import Bound
from fsmflow.runtime.trace import Span, new_span_id
from fsmflow.runtime.validation import Rejected

Observe = Callable[[Span, str], None]
"""Is told of each attempt, pause and wait when it is over, with its span id."""


class Core(Protocol):
    """A compiled machine, as the driver sees it."""

    name: str

    def begin(self, run: Run) -> Command:
        """Enter the first state."""

    def step(self, run: Run, event: Ended | Elapsed) -> Command:
        """Advance `run` by one event."""


class Driver:
    """Drives one run to its end."""

    __slots__ = ("_bound", "_clock", "_core", "_late", "_observe", "_random", "_run", "trace", "trace_id")

    def __init__(
        self,
        core: Core,
        run: Run,
        bound: Mapping[str, Bound],
        trace_id: str,
        *,
        clock: Clock,
        random: random.Random,
        observe: Observe | None = None,
    ) -> None:
        self.trace: list[Span] = []
        self.trace_id = trace_id
        self._core = core
        self._run = run
        self._bound = bound
        self._clock = clock
        self._random = random
        self._observe = observe
        self._late: list[tuple[int, int, int]] = []

    async def drive(self) -> End:
        """Carry commands out until the run ends.

        Raises:
            asyncio.CancelledError: The run's task was cancelled. The attempt that was under way is
                on the ledger and in the trace as `cancelled`.
        """
        deadline = self._clock.deadline()
        try:
            return await self._drive(deadline)
        finally:
            deadline.close()

    async def _drive(self, deadline: Deadline) -> End:
        run, core, clock = self._run, self._core, self._clock
        command = core.begin(run)
        while not isinstance(command, End):
            state, visit, attempt, arguments = run.state, run.visits[run.state], run.attempt, run.arguments
            started = clock.now()
            span_id = new_span_id() if self._observe is not None else ""
            event: Ended | Elapsed
            try:
                if isinstance(command, Stage):
                    event = await self._attempt(command, deadline, started, span_id)
                else:
                    assert isinstance(command, Pause)
                    await clock.sleep(command.duration_us)
                    event = Elapsed(clock.now() - started)
            except asyncio.CancelledError:
                self._cancelled(command, started, span_id)
                raise
            span = Span(state, visit, attempt, arguments, started, event)
            self.trace.append(span)
            if self._observe is not None:
                self._observe(span, span_id)
            command = core.step(run, event)
            if self._late:
                self._settle_late()
        return command

    async def _attempt(self, stage: Stage, deadline: Deadline, started: int, span_id: str) -> Ended:
        """Make one attempt and say how it ended."""
        run, clock = self._run, self._clock
        bound = self._bound[stage.name]
        arguments = run.arguments
        if isinstance(arguments, Unbound):
            return Ended("failure", message=arguments.reason, use=(0, 0, 0))
        within, by_run = _within(stage, run)
        at_us = None if within is None else started + within
        context: StepContext | None = None
        if bound.wants_context:
            context = StepContext(
                self._core.name, run, stage, self.trace_id, span_id, clock.now, at_us, self._late.append
            )
            arguments = {**arguments, "ctx": context}
        if at_us is not None:
            deadline.arm(at_us)
        error: BaseException | None = None
        value: Any = None
        try:
            if bound.mode == "async":
                value = await bound.function(**arguments)
            elif bound.mode == "inline":
                value = bound.function(**arguments)
            else:
                value = await in_thread(bound.function, arguments, stage.name)
        except asyncio.CancelledError as cancelled:
            if not deadline.acknowledge() and not _is_own():
                raise
            error = cancelled
        except Exception as raised:  # noqa: BLE001 - whatever a step raises is an outcome
            error = raised
        elapsed = clock.now() - started
        cut = deadline.expired
        if cut and not isinstance(error, asyncio.CancelledError):
            deadline.acknowledge()
        deadline.disarm()
        use = stage.full if context is None else context.close(cut=cut)
        if context is not None and context.breach:
            return Ended("failure", message=context.breach, use=use, elapsed_us=elapsed)
        if cut:
            return self._cut_off(stage, bound, by_run, elapsed, use)
        if error is not None:
            return self._raised(stage, error, elapsed, use)
        return _returned(stage, bound, value, run.arguments, elapsed, use)

    def _cut_off(
        self, stage: Stage, bound: Bound, by_run: bool, elapsed: int, use: tuple[int, int, int] | None
    ) -> Ended:
        seconds = elapsed / 1_000_000
        if stage.effect == "once":
            message = f"cut off after {seconds:.3g} s: nobody can tell if it happened"
            return Ended("unknown", message=message, use=use, elapsed_us=elapsed)
        if by_run:
            message = f"cut off after {seconds:.3g} s: the run has no time left"
            return Ended("exceeded", message=message, use=use, elapsed_us=elapsed)
        message = f"cut off after {seconds:.3g} s, its timeout"
        if bound.mode == "thread" and stage.effect != "none":
            # The thread can't be killed and may still act, so another attempt must not begin.
            message += "; its thread could not be stopped"
            return Ended("failure", message=message, use=use, elapsed_us=elapsed)
        return Ended("transient", message=message, use=use, elapsed_us=elapsed, draw=self._random.random())

    def _raised(
        self, stage: Stage, error: BaseException, elapsed: int, use: tuple[int, int, int] | None
    ) -> Ended:
        failure = classify(error)
        outcome = failure.outcome
        if stage.effect == "once" and failure.ambiguous:
            outcome = "unknown"
        draw = self._random.random() if outcome == "transient" else 0.0
        return Ended(
            outcome,
            None,
            None,
            failure.message,
            failure.complaints,
            use,
            elapsed,
            failure.retry_after_us,
            draw,
        )

    def _cancelled(self, command: Command, started: int, span_id: str) -> None:
        """Put an attempt that is cancelled from outside on the ledger, in full, and in the trace."""
        run = self._run
        elapsed = self._clock.now() - started
        event: Ended | Elapsed = Elapsed(elapsed)
        if isinstance(command, Stage):
            event = Ended("cancelled", message="the run was cancelled", use=command.full, elapsed_us=elapsed)
            run.steps += 1
            run.book(command.cost)
        run.time_us += elapsed
        span = Span(run.state, run.visits[run.state], run.attempt, run.arguments, started, event)
        self.trace.append(span)
        if self._observe is not None:
            self._observe(span, span_id)

    def _settle_late(self) -> None:
        """Book what abandoned attempts charged beyond what they had declared."""
        while self._late:
            event = Late(self._late.pop(0))
            self._run.book(event.use)
            self.trace.append(Span(self._run.state, 0, 0, {}, self._clock.now(), event))


def _within(stage: Stage, run: Run) -> tuple[int | None, bool]:
    """Give how long an attempt may take, and whether it is the run's own deadline that says so."""
    timeout = stage.timeout_us
    if stage.time_limit_us is None:
        return timeout, False
    left = stage.time_limit_us - run.time_us
    if timeout is None or left < timeout:
        return left, True
    return timeout, False


def _is_own() -> bool:
    """Tell whether a step raised the cancellation itself, with nobody having cancelled the run's task."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() == 0


def _returned(
    stage: Stage,
    bound: Bound,
    value: Any,
    arguments: Mapping[str, Any] | Unbound,
    elapsed: int,
    use: tuple[int, int, int] | None,
) -> Ended:
    """Validate what a step returned, and say how the attempt ended."""
    label: str | None = None
    if stage.labels is not None:
        if isinstance(value, Outcome):
            label, value = value
        elif not stage.gives:
            label = value
        else:
            complaint = f"expected Outcome(label, value), found {type(value).__name__}"
            return Ended("invalid", None, value, complaint, (complaint,), use, elapsed)
        if not isinstance(label, str) or label not in stage.labels:
            complaint = f"{label!r:.100} is no label of {stage.name}: expected " + ", ".join(stage.labels)
            return Ended("invalid", None, value, complaint, (complaint,), use, elapsed)
    try:
        if bound.validate is not None:
            value = bound.validate(value)
        complaints = _complaints(bound, value, arguments)
    except Rejected as rejected:
        complaints = rejected.complaints
    except Breach as breach:
        return Ended("failure", None, None, describe(breach), (), use, elapsed)
    except Exception as error:  # noqa: BLE001 - a bug in an accept function is a failure, never a retry
        return Ended("failure", None, None, f"accept: {describe(error)}", (), use, elapsed)
    if complaints:
        return Ended("invalid", None, value, "; ".join(complaints)[:500], complaints, use, elapsed)
    return Ended("success", label, value, "", (), use, elapsed)


def _complaints(bound: Bound, value: Any, arguments: Mapping[str, Any] | Unbound) -> tuple[str, ...]:
    found: list[str] = []
    for acceptor in bound.accept:
        assert not isinstance(arguments, Unbound)
        known = {name: arguments[name] for name in acceptor.takes if name in arguments}
        try:
            said = acceptor.function(value, **known)
        except Invalid as invalid:
            said = invalid.complaints or ("rejected",)
        if isinstance(said, str):
            said = (said,)
        elif said is False:
            said = ("rejected",)
        elif said is None or said is True:
            said = ()
        found += [str(complaint) for complaint in said]
    return tuple(found)


async def in_thread(function: Callable[..., Any], arguments: Mapping[str, Any], name: str) -> Any:
    """Call a sync function in a thread of its own.

    A thread can't be killed: when the caller is cancelled the thread is left behind, and what it
    returns is dropped. It is a daemon, so that it can't hold up the interpreter's exit, which the
    threads of an executor would.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(value: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(value)
        elif isinstance(error, StopIteration):
            future.set_exception(RuntimeError(f"the step raised {error!r}"))
        else:
            future.set_exception(error)

    def work() -> None:
        value, error = None, None
        try:
            value = context.run(function, **arguments)
        except BaseException as raised:  # noqa: BLE001 - carried over to the loop's thread
            error = raised
        try:
            loop.call_soon_threadsafe(settle, value, error)
        except RuntimeError:
            return  # The loop has closed: nobody waits for this result any more.

    threading.Thread(target=work, name=f"fsmflow-{name}", daemon=True).start()
    return await future
