"""A clock that skips every wait, and still lets real steps take their real time.

What a run skips passes for that run alone. The runs of children that go on beside one another, each in a task
of its own, do not wait for one another; who runs them waits for the one that takes longest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar

from fsmflow.runtime.clock import NEVER, SystemClock, TimerDeadline


class _Flow:
    """The time of one task: of a run, and of those that it runs one after another.

    Attributes:
        task: The task; None before the first run begins.
        above: The flow that this one began in.
        offset_us: How far it is ahead of real time.
        reached_us: How far those that began in it have come.
        deadlines: Those of its runs that are under way.
    """

    def __init__(self, clock: SkippingClock, task: asyncio.Task[object] | None, above: _Flow | None) -> None:
        self.clock = clock
        self.task = task
        self.above = above
        self.offset_us: int = 0 if above is None else above.offset_us
        self.reached_us = 0
        self.deadlines: list[SkippingDeadline] = []

    def now(self) -> int:
        return SystemClock.now() + self.offset_us

    def skip(self, us: int) -> None:
        self.offset_us += us
        for deadline in self.deadlines:
            deadline.shift()

    def within(self) -> Iterator[SkippingDeadline]:
        """Give the deadlines of all runs that wait for what happens here."""
        yield from self.deadlines
        if self.above is not None:
            yield from self.above.within()


_FLOW: ContextVar[_Flow | None] = ContextVar("_FLOW", default=None)
"""The flow of whoever asks: threads are given that of the task which started them."""


class SkippingClock(SystemClock):
    """The system's time, which jumps ahead when a run waits; a real timer keeps a real step's deadline."""

    __slots__ = ("_first",)

    def __init__(self) -> None:
        self._first = _Flow(self, None, None)

    @property
    def _flow(self) -> _Flow:
        flow = _FLOW.get()
        return self._first if flow is None or flow.clock is not self else flow

    def now(self) -> int:  # type: ignore[override] # its own time is no longer the machine's alone
        """Give the time in microseconds: what passed, and what was skipped."""
        flow = self._flow
        if flow.reached_us > flow.offset_us and _task() is flow.task:
            # It waited for those that began in it.
            flow.skip(flow.reached_us - flow.offset_us)
        return flow.now()

    def deadline(self) -> SkippingDeadline:
        """Make the deadline of the run that the present task drives."""
        task, flow = _task(), self._flow
        assert task is not None, "a run is driven inside a task"
        if flow.task is None:
            flow.task = task
        elif flow.task is not task:
            flow = _Flow(self, task, flow)
        _FLOW.set(flow)
        return SkippingDeadline(task, flow)

    async def sleep(self, us: int) -> None:
        """Skip `us` microseconds, or what the deadlines leave of them."""
        flow = self._flow
        now = self.now()
        nearest = min(flow.within(), key=lambda deadline: deadline.at_us, default=None)
        if nearest is None or now + us <= nearest.at_us:
            self.skip(us)
            return
        self.skip(max(0, nearest.at_us - now))
        nearest.cut()
        await asyncio.get_running_loop().create_future()

    def skip(self, us: int) -> None:
        """Let `us` microseconds have passed, whatever the deadline."""
        self._flow.skip(us)


def _task() -> asyncio.Task[object] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        # A step in a thread of its own.
        return None


class SkippingDeadline(TimerDeadline):
    """A deadline that comes nearer by what is skipped."""

    def __init__(self, task: asyncio.Task[object], flow: _Flow) -> None:
        super().__init__(task)
        self._flow = flow
        self.at_us = NEVER
        flow.deadlines.append(self)

    def arm(self, at_us: int) -> None:
        """Cut the present attempt off at `at_us` of the skipping clock."""
        self.at_us = at_us
        super().arm(at_us if at_us == NEVER else at_us - self._flow.offset_us)

    def disarm(self) -> None:
        """Let what runs now run on."""
        self.at_us = NEVER
        super().disarm()

    def shift(self) -> None:
        """Set the timer anew, since time was skipped."""
        if self.at_us != NEVER and not self.expired:
            self.arm(self.at_us)
            self.watch()

    def cut(self) -> None:
        """Cut the present attempt off here and now."""
        self.disarm()
        self.expired = True
        self._fired += 1
        self._task.cancel()

    def close(self) -> None:
        """Give the timer back; the run is over, and has come as far as it has."""
        super().close()
        self.at_us = NEVER
        self._flow.deadlines.remove(self)
        above = self._flow.above
        if above is not None:
            above.reached_us = max(above.reached_us, self._flow.offset_us)
