"""The trace of a run: every attempt's input and output under one W3C trace id."""

from __future__ import annotations

import base64
import json
import math
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TextIO

from fsmflow.runtime.events import Elapsed, Ended, Event

SCHEMA = "fsmflow.trace/1"
Sink = Callable[[dict[str, Any]], None]
"""Takes each trace event, as plain data, when it happens."""

_DEEPEST = 64
_LONGEST = 100_000
_MOST_PARTS = 50_000
_MOST_TEXT = 2_000_000


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


def spans(record: Iterable[Any]) -> Iterator[Span]:
    """Give the spans of a record, in which a plain success is no `Span` but a bare tuple.

    It holds its state, visit, attempt, arguments, start, output, time taken, and use: a run whose trace
    nobody asks for makes no event of each attempt.
    """
    for item in record:
        if item.__class__ is Span:
            yield item
        else:
            state, visit, attempt, arguments, start_us, value, elapsed_us, use = item
            event = Ended("success", None, value, "", (), use, elapsed_us)
            yield Span(state, visit, attempt, arguments, start_us, event)


def new_span_id() -> str:
    """Make a W3C span id: 16 hex digits (W3C Trace Context §3.2.2.4)."""
    return os.urandom(8).hex()


class JsonLines:
    """A sink that writes one JSON document a line, each flushed as it happens."""

    def __init__(self, path: str | Path, *, is_private: bool = False) -> None:
        """Open a file.

        Args:
            path: The file; what stood in it is gone.
            is_private: Whether nobody but its owner may read it.

        Raises:
            OSError: It can't be written.
        """
        opener = _private if is_private else None
        self._file: TextIO = open(  # noqa: SIM115 - a path opens nothing in private
            path, "w", encoding="utf-8", errors="backslashreplace", newline="\n", opener=opener
        )

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


def _private(path: str, flags: int) -> int:
    """Open a file that only its owner may read, whoever could read it before."""
    # What stands in it must not be there for a moment in which others may read it.
    file = os.open(path, flags & ~os.O_TRUNC, 0o600)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        # A device or a pipe is everybody's.
        return file
    if hasattr(os, "fchmod"):
        os.fchmod(file, 0o600)
    os.ftruncate(file, 0)
    return file


def plain(value: Any) -> Any:
    """Turn any value into data that JSON can hold, without ever running the value's own code for it.

    What JSON lacks is tagged: `{"$float": "nan"}`, `{"$bytes": …}`, `{"$map": [[key, value], …]}`,
    `{"$set": […]}`, `{"$repr": …}`. A mapping's own key that starts with `$` gets a second one. What is
    too deep, too long or one part too many becomes `{"$repr": "…"}`, so that the result is of bounded size.
    """
    return _Plain().of(value, 0)


class NotWhole(ValueError):
    """A value can't be written down whole, so that others may look just like it; the message says why."""


def whole(value: Any) -> Any:
    """Turn a value into data as `plain` does, where that tells it from every other.

    Raises:
        NotWhole: Some of it would be left out.
    """
    making = _Plain()
    found = making.of(value, 0)
    if making.lost:
        raise NotWhole(making.lost)
    return found


_CUT = {"$repr": "…"}
_PLAIN_IN_TEXT = frozenset({Decimal, date, datetime, time, timedelta})
"""What says all of itself in text that runs no code of an author's."""


class _Plain:
    """Makes one value plain, while its allowance of parts and of text lasts.

    Attributes:
        parts: How many parts may still come.
        text: How much text.
        lost: What was left out last; empty if nothing was.
    """

    def __init__(self) -> None:
        self.parts = _MOST_PARTS
        self.text = _MOST_TEXT
        self.lost = ""

    def of(self, value: Any, depth: int) -> Any:
        self.parts -= 1
        if depth > _DEEPEST or self.parts < 0 or self.text < 0:
            self.lost = "it is too large"
            return dict(_CUT)
        kind = type(value)
        if value is None or kind is bool:
            return value
        if isinstance(value, str):
            return self.written(value)
        if isinstance(value, int):
            whole = int.__int__(value)
            if whole.bit_length() < 1000:
                return whole
            self.lost = "it is too large"
            return {"$repr": f"a number of {whole.bit_length()} bits"}
        if isinstance(value, float):
            number = float.__float__(value)
            return number if math.isfinite(number) else {"$float": float.__repr__(number)}
        if isinstance(value, bytes | bytearray):
            taken = bytes(memoryview(value)[:_LONGEST])
            self.take(len(taken))
            return {"$bytes": base64.b64encode(taken).decode("ascii")}
        if isinstance(value, dict):
            return self.mapping(dict.items(value), depth)
        if isinstance(value, list):
            return self.each(list.__iter__(value), depth)
        if isinstance(value, tuple):
            names = kind.__dict__.get("_fields")
            items = tuple.__iter__(value)
            if not isinstance(names, tuple) or len(names) != tuple.__len__(value):
                return self.each(items, depth)
            return self.mapping(zip(names, items, strict=True), depth)
        if isinstance(value, set):
            return {"$set": sorted(self.each(set.__iter__(value), depth), key=repr)}
        if isinstance(value, frozenset):
            return {"$set": sorted(self.each(frozenset.__iter__(value), depth), key=repr)}
        if isinstance(value, Enum):
            return self.of(object.__getattribute__(value, "_value_"), depth + 1)
        if kind in _PLAIN_IN_TEXT or _is_uuid(kind):
            return {"$repr": str(value)}
        names = field_names(kind)
        if names is not None:
            return self.mapping(((name, _stored(value, name)) for name in names), depth)
        self.lost = f"of {kind.__qualname__} it is not known what it holds"
        return {"$repr": f"<{kind.__module__}.{kind.__qualname__}>"}

    def take(self, length: int) -> None:
        """Take some text, which was cut if it is of the longest."""
        self.text -= length
        if length == _LONGEST:
            self.lost = "it is too large"

    def each(self, items: Iterable[Any], depth: int) -> list[Any]:
        found = []
        for item in items:
            found.append(self.of(item, depth + 1))
            if self.parts < 0:
                break
        return found

    def mapping(self, items: Iterable[tuple[Any, Any]], depth: int) -> dict[str, Any]:
        pairs = []
        named: dict[str, Any] = {}
        for key, item in items:
            pair = [self.of(key, depth + 1), self.of(item, depth + 1)]
            pairs.append(pair)
            if isinstance(key, str):
                name = pair[0] if isinstance(pair[0], str) else "…"
                named["$" + name if name.startswith("$") else name] = pair[1]
            if self.parts < 0:
                break
        return named if len(named) == len(pairs) else {"$map": pairs}

    def written(self, text: str) -> str:
        taken = str.__getitem__(text, slice(_LONGEST))
        self.take(len(taken))
        # A lone surrogate can't be written as UTF-8.
        return str.encode(taken, "utf-8", "backslashreplace").decode("utf-8")


def _is_uuid(kind: type) -> bool:
    """Tell whether this is the class of UUIDs; where nobody has loaded its module there are none."""
    known = sys.modules.get("uuid")
    return known is not None and kind is known.UUID


def field_names(kind: type) -> tuple[str, ...] | None:
    """Give the field names of an attrs class, dataclass or pydantic model."""
    for owner in kind.__mro__:
        attributes = owner.__dict__.get("__attrs_attrs__")
        if isinstance(attributes, tuple):
            return tuple(a.name for a in attributes)
        # Before 2.10, pydantic's had the last of these names.
        for name in ("__dataclass_fields__", "__pydantic_fields__", "model_fields"):
            fields = owner.__dict__.get(name)
            if isinstance(fields, dict):
                return tuple(fields)
    return None


def _stored(value: Any, name: str) -> Any:
    """Read a field where it is stored; null if it was never set, or is computed."""
    try:
        return object.__getattribute__(value, name)
    except Exception:  # noqa: BLE001 - a value must be written down, whatever its properties do
        return None
