"""Signals that ask a command to stop."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable

_HANG_UP = getattr(signal, "SIGHUP", None)

ENDINGS = (signal.SIGTERM,) if _HANG_UP is None else (signal.SIGTERM, _HANG_UP)
"""What asks a program to end that nobody interrupts: from another one, or as its terminal is closed."""


def heed(stop: Callable[[], object], *numbers: signal.Signals) -> None:
    """Have the running event loop call `stop` when one of these signals comes.

    Python hands signals to its main thread alone: a command that is called in another one does without.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in numbers:
        if number == _HANG_UP and signal.getsignal(number) is signal.SIG_IGN:
            # As `nohup` has it.
            continue
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:
            # No event loop of Windows handles signals, but Python does.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
