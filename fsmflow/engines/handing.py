"""Work on the database of durable runs that is handed over to be done."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol, Self

Work = Callable[[sqlite3.Connection], Any]


class Joint(Protocol):
    """Work that is cheaper done together with its like than one after another."""

    def __call__(self, connection: sqlite3.Connection) -> Any:
        """Never called: see `together`."""

    @classmethod
    def together(cls, connection: sqlite3.Connection, works: Sequence[Self]) -> Sequence[Exception | None]:
        """Do several works, and give for each why it was refused: of one that was, nothing is done."""


class Handed:
    """Work that was handed over, and what came of it.

    Attributes:
        work: The work.
        found: What it gave, once it is committed.
        error: Why it was not done, if it was not.
    """

    __slots__ = ("_done", "error", "found", "work")

    def __init__(self, work: Work, done: asyncio.Future[None] | threading.Event | None = None) -> None:
        """Hand work over; who waits for it, if anyone does, waits for `done`."""
        self.work = work
        self.found: Any = None
        self.error: Exception | None = None
        self._done = done

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop of the task that waits; None if a thread does."""
        return self._done.get_loop() if isinstance(self._done, asyncio.Future) else None

    def outcome(self) -> Any:
        """Give what came of it."""
        if self.error is not None:
            raise self.error
        return self.found

    def tell(self) -> None:
        """Let whoever waits go on; in the thread of its loop."""
        if isinstance(self._done, threading.Event):
            self._done.set()
        elif self._done is not None and not self._done.done():
            self._done.set_result(None)
