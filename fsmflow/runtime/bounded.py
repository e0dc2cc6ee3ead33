"""Responses of bounded size: what an endpoint sends is read no further than any answer goes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import import_module
from typing import Any

from fsmflow.runtime.outcomes import Transient

MOST_BYTES = 16 * 2**20
"""From how many bytes on a response is taken to have no end."""


def bounded(client: type) -> Callable[[Any], Awaitable[None]]:
    """Give the hook that has an HTTP client of this class read a response no further than it may go.

    It holds for what the client reads by itself too, such as the body of an error.
    """
    library = next(kind.__module__ for kind in client.__mro__ if kind.__module__.startswith("httpx"))
    stream_of: Any = import_module(library.partition(".")[0]).AsyncByteStream

    class Bounded(stream_of):  # type: ignore[misc]  # found when it runs
        """A body that ends in an error where it goes on and on."""

        def __init__(self, stream: Any) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left = MOST_BYTES
            async for part in self._stream:
                left -= len(part)
                if left < 0:
                    raise Transient("the answer goes on and on")
                yield part

        async def aclose(self) -> None:
            """Close the body."""
            await self._stream.aclose()

    async def hook(response: Any) -> None:
        response.stream = Bounded(response.stream)

    return hook


def unwrapped(error: Exception) -> Exception:
    """Give what a client made another error of, if it was that a response went on and on."""
    return error.__cause__ if isinstance(error.__cause__, Transient) else error
