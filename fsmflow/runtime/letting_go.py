"""Waiting for a step that may not let go: it was cancelled, and cancelled again, and still it waits on.

A coroutine can't be stopped but by an exception, which it may swallow, again and again. It is driven by hand
here, so that it can be left where it is: it never runs again, and what waited for it goes on.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, TypeVar

from fsmflow.runtime import clock
from fsmflow.runtime.outcomes import describe
from fsmflow.runtime.task_groups import take_back, woken_by

T = TypeVar("T")

_IGNORED = "ignored GeneratorExit"


class Left(BaseException):
    """A coroutine was left where it waits.

    Attributes:
        cancelled: What it had swallowed last.
    """

    def __init__(self, cancelled: BaseException) -> None:
        super().__init__("it was left where it waits")
        self.cancelled = cancelled


async def finished(
    step: Awaitable[Any],
    outstanding: Callable[[], int],
    now: Callable[[], int],
    waiting: Callable[[], None],
) -> Any:
    """Wait until a step has finished, or was left: see `going_on`.

    Raises:
        RuntimeError: It raised `GeneratorExit`, which would say that what waits for it is closed.
    """
    awaited = _awaited(step)
    # When it is left, nothing else may hold it: it is gone at once, while there is a loop to wait in.
    del step
    try:
        waits_for = told(awaited.send, None)
    except StopIteration as done:
        return done.value
    try:
        going = going_on(awaited, waits_for, outstanding, now, waiting)
        # It may hold an error that holds this frame.
        del waits_for
        return await going
    except Left as left:
        raise left.cancelled from None


async def _awaited(step: Awaitable[Any]) -> Any:
    return await step


@types.coroutine
def going_on(
    coroutine: Coroutine[Any, Any, Any],
    waits_for: Any,
    outstanding: Callable[[], int],
    now: Callable[[], int],
    waiting: Callable[[], None],
    closing: Callable[[], None] | None = None,
) -> Generator[Any, Any, Any]:
    """Wait for what a coroutine waits for, and go on with it, until it has finished or is left.

    It is left when it is cancelled once more after it had time to leave by itself.

    Args:
        coroutine: The coroutine, as far as it has come.
        waits_for: What it waits for.
        outstanding: Gives how many cancellations of the task are outstanding. A step that makes timeouts of
            its own takes back what it cancelled itself.
        now: Gives the time in microseconds.
        waiting: Is told whenever it waits.
        closing: Is told before it is closed.

    Raises:
        Left: It was left.
    """
    since: int | None = None
    group: asyncio.TaskGroup | None = None
    try:
        while True:
            waiting()
            try:
                yield waits_for
            except GeneratorExit:
                if closing is not None:
                    closing()
                coroutine.close()
                raise
            except BaseException as error:  # noqa: BLE001 - it is the coroutine's, whatever it is
                if isinstance(error, asyncio.CancelledError):
                    before, group = group, woken_by(coroutine)
                    if group is not None and group is not before:
                        take_back()
                count = outstanding()
                # What is waited for may hold the error, and that holds this frame.
                waits_for = None
                waits_for = told(coroutine.throw, error)
                if since is None:
                    since = now()
                elif 0 < count <= outstanding() and now() - since > clock.AGAIN_US * 3 // 2:
                    if closing is not None:
                        closing()
                    _close(coroutine)
                    raise Left(error) from None
            else:
                waits_for = told(coroutine.send, None)
            if since is not None and outstanding() <= 0:
                # It has taken back what it had cancelled itself.
                since = None
    except StopIteration as done:
        return done.value


_closing = threading.RLock()
"""Held while a hook stands in the place of Python's own, of which all threads have but one."""


def _close(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Have a coroutine end where it waits, and say nothing of what in it does not even end then."""
    with _closing:
        before = sys.unraisablehook

        def other(unraisable: sys.UnraisableHookArgs) -> None:
            if _IGNORED not in str(unraisable.exc_value):
                before(unraisable)

        sys.unraisablehook = other
        try:
            coroutine.close()
        except RuntimeError as error:
            if _IGNORED not in str(error):
                raise
        finally:
            sys.unraisablehook = before


def told(call: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """Call a step, which can't say that what waits for it is closed.

    Raises:
        RuntimeError: It raised `GeneratorExit`.
    """
    try:
        return call(*arguments, **named)
    except GeneratorExit as error:
        raise RuntimeError(f"the step raised {describe(error)}") from error
    finally:
        # An error that is thrown in, and comes out again, holds this frame.
        del arguments
