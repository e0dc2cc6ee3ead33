"""Where large values are kept: a history then holds a reference to each, not the value.

A reference is the hash of what it stands for, so that a value is kept once however often it is passed on,
and one that is not what was kept is noticed. (Hohpe & Woolf, "Enterprise Integration Patterns", Claim Check.)
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

LARGE = 8_192
"""From how many bytes on a value is kept apart."""

CLAIM = b"fsmflow/claim"
"""The encoding of a payload that stands for another one."""


class Lost(RuntimeError):
    """A payload is not kept, or is not what was kept."""


class Payloads(Protocol):
    """Keeps bytes under their hash. What is kept is never changed."""

    def put(self, name: str, content: bytes) -> None:
        """Keep `content`, whose SHA-256 in hex is `name`; to keep it again changes nothing."""

    def get(self, name: str) -> bytes:
        """Give what is kept under `name`.

        Raises:
            Lost: It is not there, or is not what was kept.
        """


class Folder:
    """Keeps payloads as files of one folder, which all workers and clients must reach."""

    def __init__(self, path: Path) -> None:
        """Make the folder, if there is none.

        Raises:
            OSError: It can't be made.
        """
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def put(self, name: str, content: bytes) -> None:
        """Keep `content`: for good once this returns."""
        place = self._place(name)
        if place.exists():
            return
        place.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # Two that keep the same do each other no harm: a rename is all or nothing.
        Path(file.name).replace(place)

    def get(self, name: str) -> bytes:
        """Give what is kept under `name`."""
        try:
            content = self._place(name).read_bytes()
        except FileNotFoundError:
            raise Lost(f"the payload {name[:12]}… is not in {self.path}") from None
        if hashlib.sha256(content).hexdigest() != name:
            raise Lost(f"the payload {name[:12]}… in {self.path} is not what was kept")
        return content

    def _place(self, name: str) -> Path:
        return self.path / name[:2] / name


class Claims(PayloadCodec):
    """Puts a reference in the place of each large payload, and the payload in the place of a reference."""

    def __init__(self, payloads: Payloads, *, large: int = LARGE) -> None:
        """Keep payloads of `large` bytes and more in `payloads`."""
        self._payloads = payloads
        self._large = large

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
