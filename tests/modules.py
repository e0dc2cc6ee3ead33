"""Modules of steps that a test writes, and writes anew."""

from __future__ import annotations

from importlib.util import cache_from_source
from pathlib import Path


def write_module(path: Path, code: str) -> None:
    """Write a module's code so that it is what the next import finds.

    Python tells by size and by second whether what it compiled before is still of the code that stands there.
    """
    path.write_text(code)
    Path(cache_from_source(str(path))).unlink(missing_ok=True)
