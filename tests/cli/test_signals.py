"""Signals that ask a command to stop, on loops that handle them and on those that do not."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from fsmflow.cli.signals import ENDINGS, heed


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Put back what Python did at a signal."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_no_signal_comes_to_a_thread() -> None:
    """Off the main thread, where Python hands out no signals, a command does without."""

    async def main() -> None:
        heed(lambda: None, signal.SIGTERM)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, main()).result()


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no terminal hangs up here")
@pytest.mark.parametrize("before", [signal.SIG_DFL, signal.SIG_IGN], ids=["", "nohup"])
def test_who_is_told_to_ignore_that_a_terminal_hangs_up_does(before: signal.Handlers) -> None:
    """A run stops when its terminal hangs up, but not under `nohup`."""
    kept = signal.signal(signal.SIGHUP, before)
    told: list[bool] = []

    async def main() -> None:
        heed(lambda: told.append(True), *ENDINGS)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL:
            signal.raise_signal(signal.SIGHUP)
            await asyncio.sleep(0.01)

    try:
        asyncio.run(main())
    finally:
        signal.signal(signal.SIGHUP, kept)

    assert told == [True] * (before is signal.SIG_DFL)


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
