"""Calling sync steps without holding up the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Mapping
from typing import Any

from fsmflow.runtime.outcomes import Transient, describe


async def in_thread(function: Callable[..., Any], arguments: Mapping[str, Any], name: str) -> Any:
    """Call a sync function in a thread of its own.

    A thread can't be killed: when the caller is cancelled the thread is left behind, and what it
    returns is dropped. It is a daemon, so that it can't hold up the interpreter's exit, which the
    threads of an executor would.

    Raises:
        Transient: No thread can be started.
    """
    loop = asyncio.get_running_loop()
    awaited: list[asyncio.Future[Any]] = [loop.create_future()]
    context = contextvars.copy_context()

    def settle(value: Any, error: BaseException | None) -> None:
        if not awaited or awaited[0].done():
            return
        (future,) = awaited
        if error is None:
            future.set_result(value)
        elif isinstance(error, StopIteration) or not isinstance(error, Exception | asyncio.CancelledError):
            # A future can't carry the first; `sys.exit` and the like would end more than the step.
            future.set_exception(RuntimeError(f"the step raised {describe(error)}"))
        else:
            future.set_exception(error)

    def work() -> None:
        value, error = None, None
        try:
            value = context.run(function, **arguments)
        except BaseException as raised:  # noqa: BLE001 - carried over to the loop's thread
            error = raised
        try:
            loop.call_soon_threadsafe(settle, value, error)
        except RuntimeError:
            pass  # The loop has closed: nobody waits for this result any more.
        finally:
            # By its traceback it holds this frame, which would hold it in turn.
            del error

    try:
        threading.Thread(target=work, name=f"fsmflow-{name}", daemon=True).start()
    except RuntimeError as error:
        # The machine is short of them, and nothing has begun.
        raise Transient(f"no thread could be started for it: {error}") from error
    try:
        return await awaited[0]
    finally:
        # Its error holds this frame too.
        awaited.clear()
