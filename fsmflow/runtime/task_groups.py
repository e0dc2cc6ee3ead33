"""A flaw of `asyncio.TaskGroup` before Python 3.13: it does not take back what it has cancelled itself.

When a task of a group fails while the group waits for the others, it cancels the task that waits, so that
this wakes up, and swallows that. But the task still counts as cancelled (python/cpython#116720), as if its
caller had cancelled it.
"""

from __future__ import annotations

import asyncio
import sys
import types
from typing import Any

_IS_FLAWED = sys.version_info < (3, 13)
_WAITING = asyncio.TaskGroup.__aexit__.__code__


def woken_by(coroutine: Any) -> asyncio.TaskGroup | None:
    """Give the group that wakes a coroutine up by a cancellation, if a group in it does."""
    if not _IS_FLAWED:
        return None
    innermost = coroutine
    while isinstance(inner := _awaited(innermost), types.CoroutineType | types.GeneratorType):
        innermost = inner
    frame = getattr(innermost, "cr_frame", None)
    if frame is None or frame.f_code is not _WAITING:
        return None
    waiting = frame.f_locals
    group: Any = waiting["self"]
    # One that cancelled what stands in its block has taken that back before it waits.
    return group if group._parent_cancel_requested and waiting["et"] is None else None  # noqa: SLF001


def _awaited(coroutine: Any) -> Any:
    """Give what a coroutine waits for."""
    return getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)


def take_back() -> None:
    """Have the present task count one cancellation less."""
    task = asyncio.current_task()
    assert task is not None
    task.uncancel()
