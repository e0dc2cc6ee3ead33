"""How a path through a machine is written in a message: `retrieve → (fallback) → quote`."""

from __future__ import annotations

from collections.abc import Sequence

from fsmflow.machine import Transition

MAX_SHOWN = 24
"""How many transitions of a path are written out; of a longer one, its beginning and its end."""


def written(path: Sequence[Transition], start: str = "") -> str:
    """Write a path of transitions; one without any is just its `start`."""
    if not path:
        return start
    if len(path) <= MAX_SHOWN:
        return path[0].source + "".join(map(_leg, path))
    half = MAX_SHOWN // 2
    left_out = f" → … ({len(path) - 2 * half:,} more) …"
    return path[0].source + "".join([*map(_leg, path[:half]), left_out, *map(_leg, path[-half:])])


def _leg(way: Transition) -> str:
    if way.used_up is not None:
        return f" → (else) → {way.target}"
    if way.kind == "success":
        return f" → {way.target}"
    return f" → ({way.kind}) → {way.target}"
