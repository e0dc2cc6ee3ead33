"""Values of a trace for people: without the tags by which a trace tells what JSON has no word for."""

from __future__ import annotations

import json
from typing import Any

_DEEPEST = 64


def readable(value: Any, depth: int = 0) -> Any:
    """Give plain data as a person reads it; see `fsmflow.runtime.trace.plain` for what is tagged.

    A date is its text, a set its list, bytes are in base64 that says so. What it was is told no more: for
    programs a trace has its tags.
    """
    if depth > _DEEPEST:
        return value
    if isinstance(value, list):
        return [readable(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((tag, held),) = value.items()
        match tag, held:
            case (("$repr" | "$float"), str()):
                return held
            case "$bytes", str():
                return f"base64 {held}"
            case "$set", list():
                return readable(held, depth)
            case "$map", list() if all(isinstance(pair, list) and len(pair) == 2 for pair in held):
                return _mapping(held, depth)
    return {
        name.removeprefix("$") if name.startswith("$$") else name: readable(item, depth + 1)
        for name, item in value.items()
    }


def _mapping(pairs: list[list[Any]], depth: int) -> Any:
    """Give a mapping whose keys are no texts by what they look like, or its pairs where two look alike."""
    found = [(readable(key, depth + 1), readable(item, depth + 1)) for key, item in pairs]
    named = {
        key if isinstance(key, str) else json.dumps(key, ensure_ascii=False): item for key, item in found
    }
    return named if len(named) == len(found) else [list(pair) for pair in found]
