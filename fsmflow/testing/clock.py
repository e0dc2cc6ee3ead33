"""A clock whose time passes only when something sleeps."""

from __future__ import annotations

import asyncio


class SimulatedClock:
    """Time that starts at 0 and jumps: no test sleeps, and every run takes the same time each time.

    It drives one run at a time. Sleeping past the deadline of the attempt that is under way stops at
    the deadline and cancels the sleeper, as a timer of the event loop would.
    """

    def __init__(self) -> None:
        self._now = 0
        self._deadline = SimulatedDeadline()

    def now(self) -> int:
        """Give the time in microseconds."""
        return self._now

    def wall_ns(self) -> int:
        """Give the time in nanoseconds: simulated time begins in 1970."""
        return self._now * 1000

    def deadline(self) -> SimulatedDeadline:
        """Give the deadline that sleeping heeds."""
        return self._deadline

    async def sleep(self, us: int) -> None:
        """Let `us` microseconds pass, or what the deadline leaves of them."""
        until, at_us = self._now + us, self._deadline.at_us
        if at_us is not None and until > at_us:
            self._now = max(self._now, at_us)
            self._deadline.expired, self._deadline.at_us = True, None
            raise asyncio.CancelledError
        self._now = until


class SimulatedDeadline:
    """The deadline of a simulated clock."""

    def __init__(self) -> None:
        self.at_us: int | None = None
        self.expired = False

    def arm(self, at_us: int) -> None:
        """Cut sleep off at `at_us`."""
        self.at_us, self.expired = at_us, False

    def watch(self) -> None:
        """Nothing waits but what sleeps."""

    def disarm(self) -> None:
        """Let sleep last."""
        self.at_us = None

    def acknowledge(self) -> bool:
        """Take the cancellation back."""
        self.at_us = None
        return True

    def close(self) -> None:
        """Let sleep last."""
        self.at_us = None
