"""Responses of bounded size: what an endpoint sends is read no further than any answer goes."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib import import_module
from typing import Any

from fsmflow.runtime.outcomes import Transient

_GZIP_OR_ZLIB = zlib.MAX_WBITS + 32

PLAIN = {"accept-encoding": "identity"}
"""The header of a request that is not to be answered with anything compressed."""

MOST_BYTES = 16 * 2**20
"""From how many bytes on a response is taken to have no end."""


def library_of(client: type) -> str:
    """Name the library that an HTTP client of this class comes from: one of those that are like httpx."""
    found = next(kind.__module__ for kind in client.__mro__ if kind.__module__.startswith("httpx"))
    return found.partition(".")[0]


def bounded(library: str) -> Callable[[Any], Awaitable[None]]:
    """Give the hook that has an HTTP client of this library read a response no further than it may go.

    It holds for what the client reads by itself too, such as the body of an error.
    """
    stream_of: Any = import_module(library).AsyncByteStream

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

    class Unpacked(Bounded):
        """A compressed body, unpacked no further than an answer goes: a few bytes may come to gigabytes."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            left, unpacking = MOST_BYTES, zlib.decompressobj(_GZIP_OR_ZLIB)
            async for packed in super().__aiter__():
                while packed:
                    try:
                        part = unpacking.decompress(packed, left + 1)
                    except zlib.error:
                        raise Transient("the answer is not compressed as it says it is") from None
                    left -= len(part)
                    if left < 0:
                        raise Transient("the answer goes on and on")
                    yield part
                    packed = unpacking.unconsumed_tail

    class Refused(Bounded):
        """A body that is compressed in a way that nobody asked for."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            raise Transient("the answer is compressed, which it was asked not to be")
            yield b""

    async def hook(response: Any) -> None:
        how = response.headers.get("content-encoding", "").strip().lower()
        if how in ("gzip", "x-gzip", "deflate"):
            # The library would unpack it in one go.
            del response.headers["content-encoding"]
            response.stream = Unpacked(response.stream)
        else:
            response.stream = (Bounded if how in ("", "identity") else Refused)(response.stream)

    return hook
