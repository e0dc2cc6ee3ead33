"""Waiting for a step that may not let go: it was cancelled, and cancelled again, and still it waits on.

A coroutine can't be stopped but by an exception, which it may swallow, again and again. It is driven by hand
here, so that it can be left where it is: it never runs again, and what waits for it goes on.
"""

from __future__ import annotations

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, TypeVar

from fsmflow.runtime import clock
from fsmflow.runtime.outcomes import describe

T = TypeVar("T")


def begun(awaitable: Awaitable[Any]) -> Coroutine[Any, Any, Any]:
    """Give what a step returned as a coroutine, which can be driven."""
    return awaitable if isinstance(awaitable, types.CoroutineType) else _awaited(awaitable)


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


async def finished(
    step: Coroutine[Any, Any, Any], outstanding: Callable[[], int], now: Callable[[], int]
) -> Any:
    """Wait until a step has finished, or was given up: see `going_on`."""
    try:
        waits_for = told(step.send, None)
    except StopIteration as done:
        return done.value
    return await going_on(step, waits_for, outstanding, now)


@types.coroutine
def going_on(
    step: Coroutine[Any, Any, Any], waits_for: Any, outstanding: Callable[[], int], now: Callable[[], int]
) -> Generator[Any, Any, Any]:
    """Wait for what a step waits for, and go on with it, until it has finished or is given up.

    Args:
        step: The step, as far as it has come.
        waits_for: What it waits for.
        outstanding: Gives how many cancellations of the task are outstanding. A step that makes timeouts of
            its own takes back what it cancelled itself.
        now: Gives the time in microseconds.

    Raises:
        asyncio.CancelledError: It was cancelled, and left; or was cancelled once more after it had time to
            leave, and was left.
    """
    since = clock.NEVER
    try:
        while True:
            try:
                sent = yield waits_for
            except GeneratorExit:
                step.close()
                raise
            except BaseException as error:
                waits_for = told(step.throw, error)
                if not isinstance(error, asyncio.CancelledError):
                    continue
                if outstanding() < 2:
                    since = now()
                elif now() - since > clock.AGAIN_US * 3 // 2:
                    _leave(step)
                    raise
            else:
                waits_for = told(step.send, sent)
    except StopIteration as done:
        return done.value


def _leave(step: Coroutine[Any, Any, Any]) -> None:
    """Have a step end where it waits; one that does not is dropped there."""
    try:
        step.close()
    except RuntimeError:
        # It has swallowed that too. Python says so once more when it is gone.
        return


def told(call: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """Call a step, which can't say that what waits for it is closed.

    Raises:
        RuntimeError: It raised `GeneratorExit`.
    """
    try:
        return call(*arguments, **named)
    except GeneratorExit as error:
        raise not_closed(error) from error


def not_closed(error: GeneratorExit) -> RuntimeError:
    """Give what is made of a `GeneratorExit` that a step raises, and that closes nothing but itself."""
    return RuntimeError(f"the step raised {describe(error)}")
