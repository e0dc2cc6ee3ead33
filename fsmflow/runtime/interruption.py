"""Whether a run is told to stop: its caller has cancelled the task that it runs in, or its user has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Interruption:
    """The interruption of one run, which has come or has not.

    Attributes:
        cancelling: Gives how often the task was asked to cancel.
        before: How often it had been when the run began: that is none of its business.
        cause: What came in: `asyncio.CancelledError`, or `KeyboardInterrupt`.
    """

    __slots__ = ("before", "cancelling", "cause")

    def __init__(self) -> None:
        self.cancelling = _cancellations()
        self.before = self.cancelling()
        self.cause: asyncio.CancelledError | KeyboardInterrupt | None = None

    def outstanding(self) -> int:
        """Give how many cancellations have come in that nobody has taken back."""
        return self.cancelling() - self.before

    @property
    def has_come(self) -> bool:
        """Whether the run was interrupted, also if a step has swallowed it."""
        return self.cause is not None or self.outstanding() > 0


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
