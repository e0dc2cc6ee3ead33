"""A clock that skips every wait, and still lets real steps take their real time."""

from __future__ import annotations

import asyncio

from fsmflow.runtime.clock import NEVER, SystemClock, TimerDeadline


class SkippingClock(SystemClock):
    """The system's time, which jumps ahead when a run waits; a real timer keeps a real step's deadline."""

    __slots__ = ("_deadline", "offset_us")

    def __init__(self) -> None:
        self.offset_us = 0
        self._deadline: SkippingDeadline | None = None

    def now(self) -> int:  # type: ignore[override] # its own time is no longer the machine's alone
        """Give the time in microseconds: what passed, and what was skipped."""
        return SystemClock.now() + self.offset_us

    def deadline(self) -> SkippingDeadline:
        """Make the deadline of the run that the present task drives."""
        task = asyncio.current_task()
        assert task is not None, "a run is driven inside a task"
        self._deadline = SkippingDeadline(task, self)
        return self._deadline

    async def sleep(self, us: int) -> None:
        """Skip `us` microseconds, or what the deadline leaves of them."""
        deadline = self._deadline
        left = us if deadline is None else max(0, deadline.at_us - self.now())
        self.skip(min(us, left))
        if us > left and deadline is not None:
            deadline.expired = True
            raise asyncio.CancelledError

    def skip(self, us: int) -> None:
        """Let `us` microseconds have passed, whatever the deadline."""
        self.offset_us += us
        if self._deadline is not None:
            self._deadline.shift()


class SkippingDeadline(TimerDeadline):
    """A deadline that comes nearer by what is skipped."""

    def __init__(self, task: asyncio.Task[object], clock: SkippingClock) -> None:
        super().__init__(task)
        self._clock = clock
        self.at_us = NEVER

    def arm(self, at_us: int) -> None:
        """Cut the present attempt off at `at_us` of the skipping clock."""
        self.at_us = at_us
        super().arm(at_us if at_us == NEVER else at_us - self._clock.offset_us)

    def disarm(self) -> None:
        """Let what runs now run on."""
        self.at_us = NEVER
        super().disarm()

    def shift(self) -> None:
        """Set the timer anew, since time was skipped."""
        if self.at_us != NEVER:
            self.arm(self.at_us)
            self.watch()
