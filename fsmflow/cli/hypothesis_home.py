"""Where Hypothesis keeps what it learns: not in the folder of who runs a command that only draws values."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_CHOSEN = "HYPOTHESIS_STORAGE_DIRECTORY"


@contextmanager
def elsewhere() -> Iterator[None]:
    """Have Hypothesis write to the user's cache, unless the user has chosen a folder for it.

    What it finds out of characters takes it two seconds, once. No run's outcome depends on what is there.
    """
    if os.environ.get(_CHOSEN):
        yield
        return
    from hypothesis.configuration import set_hypothesis_home_dir

    with _folder() as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)


@contextmanager
def _folder() -> Iterator[Path]:
    """Give a folder that can be written to; one that is gone afterwards, where there is no cache."""
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fsmflow" / "hypothesis"
        cache.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        # No home, or one that is closed.
        cache = None
    if cache is not None and os.access(cache, os.W_OK):
        yield cache
        return
    with TemporaryDirectory(prefix="fsmflow-") as folder:
        yield Path(folder)
