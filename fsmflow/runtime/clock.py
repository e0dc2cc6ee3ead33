"""Time as a collaborator: the system's clock, and the deadline of the attempt that is under way."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Deadline(Protocol):
    """The one deadline of a run, moved from attempt to attempt."""

    expired: bool

    def arm(self, at_us: int) -> None:
        """Cut the present attempt off at `at_us`, by cancelling it, if it is watched by then."""

    def watch(self) -> None:
        """Heed the time from now on: the present attempt waits. One that never does can't be cancelled."""

    def disarm(self) -> None:
        """Let what runs now run on."""

    def acknowledge(self) -> bool:
        """Tell whether a cancellation was this deadline's alone, and if so take it back."""

    def close(self) -> None:
        """Give everything back; the run is over."""


class Clock(Protocol):
    """What a driver asks of time."""

    def now(self) -> int:
        """Give the time in microseconds, from any fixed point, never going back."""

    def wall_ns(self) -> int:
        """Give the time since 1970 in nanoseconds, for traces."""

    async def sleep(self, us: int) -> None:
        """Let `us` microseconds pass."""

    def deadline(self) -> Deadline:
        """Make the deadline of the run that the present task drives."""


class SystemClock:
    """The time of the machine that this runs on."""

    __slots__ = ()

    @staticmethod
    def now() -> int:
        """Give the monotonic time in microseconds."""
        return time.monotonic_ns() // 1000

    @staticmethod
    def wall_ns() -> int:
        """Give the time since 1970 in nanoseconds."""
        return time.time_ns()

    async def sleep(self, us: int) -> None:
        """Let `us` microseconds pass."""
        await asyncio.sleep(us / 1_000_000)

    def deadline(self) -> TimerDeadline:
        """Make the deadline of the run that the present task drives."""
        task = asyncio.current_task()
        assert task is not None, "a run is driven inside a task"
        return TimerDeadline(task)


NEVER = 1 << 62
"""A time that no clock reaches, in microseconds."""

AGAIN_US = 1_000_000
"""How long a step may take to leave once it is cancelled, before it is cancelled again."""


class TimerDeadline:
    """A deadline kept by one lazy timer of the event loop.

    Arming it for each attempt would cost a timer an attempt. An attempt that never waits needs none, and
    the timer is left alone as long as it fires no later than it must; when it finds that the deadline has
    moved, it sets itself anew. A step that swallows its cancellation and waits on is cancelled again and
    again.
    """

    __slots__ = ("_at_us", "_before", "_fired", "_handle", "_handle_us", "_loop", "_task", "expired")

    def __init__(self, task: asyncio.Task[object]) -> None:
        self.expired = False
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._at_us = NEVER
        self._handle: asyncio.TimerHandle | None = None
        self._handle_us = NEVER
        # Cancellations of the task that were swallowed before this run are none of its business.
        self._before = task.cancelling()
        self._fired = 0

    def arm(self, at_us: int) -> None:
        """Cancel the task at `at_us` of the monotonic clock, unless moved before, if it is watched."""
        self._at_us = at_us
        self.expired = False

    def watch(self) -> None:
        """Have a timer that fires no later than it must."""
        if self._at_us < self._handle_us:
            self._set(self._at_us)

    def disarm(self) -> None:
        """Let what runs now run on."""
        self._at_us = NEVER

    def close(self) -> None:
        """Give the timer back; the run is over."""
        self._at_us = NEVER
        if self._handle is not None:
            self._handle.cancel()
            self._handle, self._handle_us = None, NEVER

    def acknowledge(self) -> bool:
        """Take the deadline's own cancellation back; false if someone else cancelled the task too."""
        if not self.expired:
            return False
        self._at_us = NEVER
        while self._fired:
            self._fired -= 1
            self._task.uncancel()
        return self._task.cancelling() <= self._before

    def _set(self, at_us: int) -> None:
        if self._handle is not None:
            self._handle.cancel()
        delay = max(0, at_us - time.monotonic_ns() // 1000) / 1_000_000
        self._handle_us = at_us
        self._handle = self._loop.call_later(delay, self._fire)

    def _fire(self) -> None:
        self._handle, self._handle_us = None, NEVER
        if self._at_us == NEVER:
            return
        now = time.monotonic_ns() // 1000
        if now >= self._at_us:
            self.expired = True
            self._fired += 1
            self._task.cancel()
            self._at_us = now + AGAIN_US
        self._set(self._at_us)
