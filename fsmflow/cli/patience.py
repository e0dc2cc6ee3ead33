"""A word where a proof takes long, so that nobody takes it to hang."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from fsmflow.cli.pipes import say

AFTER_S = 10.0
"""After how many seconds it is said."""


@contextmanager
def patience(word: str, after_s: float = AFTER_S) -> Iterator[None]:
    """Say `word` on standard error if what is done within takes more than `after_s` seconds."""
    timer = Timer(after_s, say, [word], {"err": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
