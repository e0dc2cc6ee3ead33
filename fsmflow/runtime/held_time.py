"""What an attempt takes while its children ask people: that is on no budget."""

from __future__ import annotations

from typing import Protocol

from fsmflow.runtime.clock import NEVER, Deadline


class Holder(Protocol):
    """Whose time is held."""

    def hold(self, at_us: int) -> None:
        """Stop counting time."""

    def release(self, at_us: int, held_us: int) -> None:
        """Count time again, after `held_us` microseconds."""


class HeldTime:
    """The time of one attempt, which does not count while its children ask people.

    They may ask at once, side by side: time is held from the first question to the last answer.
    """

    __slots__ = ("_at_us", "_deadline", "_holder", "_open", "_since_us")

    def __init__(self, holder: Holder, deadline: Deadline, at_us: int) -> None:
        self._holder = holder
        self._deadline = deadline
        self._at_us = at_us
        self._open = 0
        self._since_us = 0

    def begin(self, at_us: int) -> None:
        """Let time pass uncounted from `at_us` on."""
        self._open += 1
        if self._open == 1:
            self._since_us = at_us
            self._deadline.disarm()
            self._holder.hold(at_us)

    def end(self, at_us: int) -> None:
        """Count again from `at_us` on."""
        self._open -= 1
        if self._open == 0:
            held_us = at_us - self._since_us
            self._at_us = min(NEVER, self._at_us + held_us)
            self._deadline.arm(self._at_us)
            self._deadline.watch()
            self._holder.release(at_us, held_us)
