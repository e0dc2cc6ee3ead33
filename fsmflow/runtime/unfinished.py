"""What a step gives that is no value yet: what is to be awaited, or a generator that nobody goes through."""

from __future__ import annotations

import inspect
import types
from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Any

from fsmflow.runtime.outcomes import Permanent

_GENERATORS = (types.GeneratorType, types.AsyncGeneratorType)


@lru_cache(maxsize=256)
def is_unfinished(kind: type) -> bool:
    """Tell whether what is of this class is no value yet."""
    return issubclass(kind, (Awaitable, *_GENERATORS))


async def finished_value(given: Any) -> Any:
    """Give the value of what is none yet.

    Raises:
        Permanent: It is a generator.
    """
    while is_unfinished(given.__class__):
        if isinstance(given, _GENERATORS):
            raise Permanent("the step gave a generator, in which nothing has run yet: let it give a list")
        given = await given
    return given


def is_async(function: Callable[..., Any]) -> bool:
    """Tell whether to call this gives a coroutine."""
    return inspect.iscoroutinefunction(_called(function))


def is_generator(function: Callable[..., Any]) -> bool:
    """Tell whether to call this gives a generator, async or not."""
    called = _called(function)
    return inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called)


def _called(function: Callable[..., Any]) -> Any:
    """Give what runs when this is called."""
    while isinstance(function, partial):
        function = function.func
    if inspect.isroutine(function) or isinstance(function, type):
        return function
    # Not to see whether it can be called, as B004 takes it, but what is called then.
    return getattr(function, "__call__", function)  # noqa: B004
