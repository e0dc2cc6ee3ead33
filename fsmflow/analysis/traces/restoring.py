"""What a trace holds, given back: values that JSON had no word for, and the events of its stages."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from fsmflow.analysis.traces.recording import CHARGED, Stage
from fsmflow.runtime.events import Elapsed, Ended, Event, Lost

_DEEPEST = 64

NAMED = "$named"
"""The tag, in a mapping that is kept under other names than its fields', under which those are told."""


class Named(dict[str, Any]):
    """A mapping under the names of its fields, which remembers under which others it is kept."""

    __slots__ = ("kept",)

    def __init__(self, items: Mapping[str, Any], kept: Mapping[str, str]) -> None:
        super().__init__(items)
        self.kept = kept


def event_of(stage: Stage) -> Event:
    """Give the event that a stage was."""
    if stage.kind in ("pause", "wait"):
        return Elapsed(stage.elapsed_us)
    if stage.outcome == "lost":
        return Lost(stage.elapsed_us)
    return Ended(
        outcome=stage.outcome,
        label=stage.label,
        value=restored(stage.output),
        message=stage.error,
        complaints=stage.complaints,
        use=amounts_of(stage.use),
        elapsed_us=stage.elapsed_us,
        retry_after_us=stage.retry_after_us,
        draw=stage.draw,
        steps=stage.steps,
        where=stage.where,
    )


def amounts_of(use: Mapping[str, int]) -> tuple[int, int, int]:
    """Give what was used, in the order of the runtime."""
    tool_calls, tokens, micro_usd = (use[name] for name in CHARGED)
    return (tool_calls, tokens, micro_usd)


def restored(value: Any, depth: int = 0) -> Any:
    """Give back what JSON had no word for, as far as its tags tell; see `fsmflow.runtime.trace.plain`."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, list):
        return [restored(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, held),) = value.items()
        try:
            match tag, held:
                case "$float", str():
                    return float(held)
                case "$bytes", str():
                    return base64.b64decode(held)
                case "$map", list():
                    return {key: restored(item, depth + 1) for key, item in held}
                case "$set", list():
                    return frozenset(held)
        except (ValueError, TypeError, binascii.Error):
            # The parts of a set or a key may be what nothing can be looked up by.
            return value
    found = {_bare(name): restored(item, depth + 1) for name, item in value.items() if name != NAMED}
    return Named(found, value.kept) if isinstance(value, Named) else found


def _bare(name: str) -> str:
    return name[1:] if name.startswith("$$") else name


def by_field(value: Any, depth: int = 0, *, remembers: bool = False) -> Any:
    """Give what is kept, tags and all, under the names of its fields, and be it as `Named` mappings."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, list):
        return [by_field(item, depth + 1, remembers=remembers) for item in value]
    if not isinstance(value, dict):
        return value
    names = value.get(NAMED, {})
    found = {
        names.get(key, key): by_field(item, depth + 1, remembers=remembers)
        for key, item in value.items()
        if key != NAMED
    }
    return Named(found, {name: key for key, name in names.items()}) if names and remembers else found


def as_kept(value: Any, depth: int = 0) -> Any:
    """Give data under the names that it is kept under, and is read by as what it was."""
    if depth > _DEEPEST:
        return value
    if isinstance(value, list):
        return [as_kept(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    kept = value.kept if isinstance(value, Named) else {}
    return {_bare(kept[k]) if k in kept else k: as_kept(item, depth + 1) for k, item in value.items()}
