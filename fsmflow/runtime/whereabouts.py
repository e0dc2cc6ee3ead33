"""Where in an author's code a bug was met: what is looked for first, and no value tells."""

from __future__ import annotations

import sysconfig
from functools import lru_cache
from pathlib import Path, PurePath
from traceback import walk_tb

_OURS = Path(__file__).parent.parent
_INSTALLED = ("site-packages", "dist-packages")


def raised_at(error: BaseException) -> str:
    """Say where an exception was raised: `steps.py:12`; of what a library raises, where that was called.

    The file's folder is not told, so that a trace is the same on every machine. Nothing is told of code that
    stands in no file.
    """
    found = ""
    for frame, line in walk_tb(error.__traceback__):
        path = frame.f_code.co_filename
        if _is_an_authors(path):
            found = f"{PurePath(path).name}:{line}"
    return found


@lru_cache(maxsize=1_000)
def _is_an_authors(path: str) -> bool:
    """Tell whether a file is neither ours, nor Python's, nor that of a library that was installed."""
    parts = PurePath(path)
    if path.startswith("<") or any(name in parts.parts for name in _INSTALLED):
        return False
    return not any(parts.is_relative_to(folder) for folder in (_OURS, sysconfig.get_path("stdlib")))
