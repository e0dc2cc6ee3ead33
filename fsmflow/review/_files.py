"""What files are called on a page that others read."""

from __future__ import annotations

from pathlib import PurePath

_TOLD = 2


def called(path: str) -> str:
    """Call a file as it was called; one with an absolute path by its last parts, not by where it is kept."""
    pure = PurePath(path)
    return "/".join(pure.parts[-_TOLD:]) if pure.is_absolute() else path
