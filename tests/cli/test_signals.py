"""Signals that ask a command to stop, on loops that handle them and on those that do not."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from fsmflow.cli.signals import heed


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Put back what Python did at a signal."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("is_windows", [False, True], ids=["elsewhere", "windows"])
def test_a_signal_stops(is_windows: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be done at a signal is done on the loop, also where the loop itself handles none."""

    def refuse(*_: Any) -> None:
        raise NotImplementedError

    async def main() -> None:
        if is_windows:
            monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)
        stopping = asyncio.Event()
        heed(stopping.set, signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(stopping.wait(), 5)

    asyncio.run(main())
