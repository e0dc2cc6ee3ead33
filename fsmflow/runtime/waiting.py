"""Waiting for tasks that are not to be left behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


async def all_done(tasks: set[asyncio.Task[Any]]) -> None:
    """Wait until all of `tasks` are done, also if their caller is cancelled, which reaches them all.

    That may happen again and again: a scope of anyio cancels until it is left. `asyncio.TaskGroup` waits so
    too, but counts as a cancellation of its caller what it made itself.

    Raises:
        asyncio.CancelledError: The caller was cancelled.
    """
    cancelled: asyncio.CancelledError | None = None
    pending = tasks
    while pending:
        try:
            _, pending = await asyncio.wait(pending)
        except asyncio.CancelledError as error:
            cancelled = error
            # To wait for what is done takes a turn of the loop too, in which the caller may be cancelled.
            pending = {task for task in pending if not task.done()}
            for task in pending:
                task.cancel()
    if cancelled is not None:
        raise cancelled


def first_error(tasks: Iterable[asyncio.Task[Any]]) -> BaseException | None:
    """Give what one of `tasks` raised, or nothing: all are done, and one that was cancelled raised nothing.

    Each is asked: of one that is not, asyncio would log what it raised, whenever it happens to be freed.
    """
    errors = [task.exception() for task in tasks if not task.cancelled()]
    return next(filter(None, errors), None)
