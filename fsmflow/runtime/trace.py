"""The trace of a run: every attempt's input and output under one W3C trace id."""

from __future__ import annotations

import base64
import json
import math
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TextIO

from fsmflow.runtime.events import Elapsed, Ended, Event

SCHEMA = "fsmflow.trace/1"
Sink = Callable[[dict[str, Any]], None]
"""Takes each trace event, as plain data, when it happens."""

_DEEPEST = 64
_LONGEST = 100_000


class Span(NamedTuple):
    """One attempt, pause or wait: where the run stood, what went in, and the event that came of it."""

    state: str
    visit: int
    attempt: int
    arguments: Any
    start_us: int
    event: Event

    @property
    def outcome(self) -> str:
        """The attempt's outcome; `elapsed` for a pause or a wait."""
        return self.event.outcome if isinstance(self.event, Ended) else "elapsed"

    @property
    def label(self) -> str | None:
        """The label of a labelled success."""
        return self.event.label if isinstance(self.event, Ended) else None

    @property
    def value(self) -> Any:
        """The attempt's output."""
        return self.event.value if isinstance(self.event, Ended) else None

    @property
    def elapsed_us(self) -> int:
        """How long it took, in microseconds."""
        return self.event.elapsed_us if isinstance(self.event, Ended | Elapsed) else 0


def new_trace_id() -> str:
    """Make a W3C trace id: 32 hex digits (W3C Trace Context §3.2.2.3)."""
    return secrets.token_hex(16)


def new_span_id() -> str:
    """Make a W3C span id: 16 hex digits (W3C Trace Context §3.2.2.4)."""
    return secrets.token_hex(8)


class JsonLines:
    """A sink that writes one JSON document a line, each flushed as it happens."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("w", encoding="utf-8", newline="\n")

    def __call__(self, event: dict[str, Any]) -> None:
        """Write `event` as one line."""
        self._file.write(json.dumps(event, ensure_ascii=False, allow_nan=False) + "\n")
        self._file.flush()

    def __enter__(self) -> JsonLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def plain(value: Any, depth: int = 0) -> Any:
    """Turn any value into data that JSON can hold, without ever running the value's own code for it.

    What JSON lacks is tagged: `{"$float": "nan"}`, `{"$bytes": …}`, `{"$map": [[key, value], …]}`,
    `{"$set": […]}`, `{"$repr": …}`. A mapping's own key that starts with `$` gets a second one.
    """
    if depth > _DEEPEST:
        return {"$repr": "…"}
    match value:
        case None | bool() | str():
            return value if not isinstance(value, str) else _text(value)
        case int():
            return int(value) if value.bit_length() < 1000 else {"$repr": hex(value)[:200]}
        case float():
            return float(value) if math.isfinite(value) else {"$float": str(float(value))}
        case bytes() | bytearray():
            return {"$bytes": base64.b64encode(bytes(value[:_LONGEST])).decode("ascii")}
        case Mapping():
            if all(isinstance(key, str) for key in value):
                return {
                    ("$" + key if key.startswith("$") else key): plain(item, depth + 1)
                    for key, item in value.items()
                }
            return {"$map": [[plain(k, depth + 1), plain(v, depth + 1)] for k, v in value.items()]}
        case set() | frozenset():
            return {"$set": sorted((plain(item, depth + 1) for item in value), key=repr)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: plain(item, depth + 1) for name, item in zip(value._fields, value, strict=True)}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    fields = _fields(value)
    if fields is not None:
        return {name: plain(getattr(value, name, None), depth + 1) for name in fields}
    return {"$repr": f"<{type(value).__module__}.{type(value).__qualname__}>"}


def _text(value: str) -> str:
    # A lone surrogate can't be written as UTF-8.
    return value[:_LONGEST].encode("utf-8", "backslashreplace").decode("utf-8")


def _fields(value: Any) -> Iterator[str] | None:
    """Give the field names of an attrs, dataclass or pydantic instance."""
    kind = type(value)
    if hasattr(kind, "__attrs_attrs__"):
        return iter([a.name for a in kind.__attrs_attrs__])
    for name in ("__dataclass_fields__", "model_fields"):
        found = getattr(kind, name, None)
        if isinstance(found, Mapping):
            return iter(list(found))
    return None
