"""References in a history to values that are kept apart: a codec of Temporal's.

(Hohpe & Woolf, "Enterprise Integration Patterns", 2003, Claim Check.)
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from fsmflow.engines.temporal.payloads import Payloads

LARGE = 8_192
"""From how many bytes on a value is kept apart."""

CLAIM = b"fsmflow/claim"
"""The encoding of a payload that stands for another one."""


class Claims(PayloadCodec):
    """Puts a reference in the place of each large payload, and the payload in the place of a reference."""

    def __init__(self, payloads: Payloads, *, large: int = LARGE) -> None:
        """Keep payloads of `large` bytes and more in `payloads`."""
        self._payloads = payloads
        self._large = large

    async def check(self) -> None:
        """See whether anything can be kept at all.

        Raises:
            OSError: It can't.
        """
        await asyncio.to_thread(self._payloads.put, hashlib.sha256(b"").hexdigest(), b"")

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Keep what is large."""
        return [
            await asyncio.to_thread(self._claim, p) if len(p.data) >= self._large else p for p in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Fetch what is kept.

        Raises:
            Lost: It is not there, or is not what was kept.
        """
        return [
            await asyncio.to_thread(self._fetched, p) if p.metadata.get("encoding") == CLAIM else p
            for p in payloads
        ]

    def _claim(self, payload: Payload) -> Payload:
        content = payload.SerializeToString(deterministic=True)
        name = hashlib.sha256(content).hexdigest()
        self._payloads.put(name, content)
        return Payload(metadata={"encoding": CLAIM}, data=name.encode("ascii"))

    def _fetched(self, payload: Payload) -> Payload:
        return Payload.FromString(self._payloads.get(payload.data.decode("ascii")))
