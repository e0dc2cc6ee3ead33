"""Signals that ask a command to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable


def heed(stop: Callable[[], object], *numbers: signal.Signals) -> None:
    """Have the running event loop call `stop` when one of these signals comes."""
    loop = asyncio.get_running_loop()
    for number in numbers:
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:
            # No event loop of Windows handles signals, but Python does.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
