"""Values as closed, tagged JSON: what a journal keeps of a run, and how it is read back.

Nothing but data comes out of a journal: no class is named in it, and no code is run for it. A value is
structured into its declared type again, as a step's output is; without a type it is plain data.
"""

from __future__ import annotations

import json
import math
from enum import Enum
from functools import lru_cache
from typing import Any

from fsmflow.analysis.traces.restoring import NAMED, Named, by_field, restored
from fsmflow.runtime.events import Elapsed, Ended, Event, Late, Lost
from fsmflow.runtime.instances import is_pydantic
from fsmflow.runtime.outcomes import describe
from fsmflow.runtime.trace import field_names

MAX_DEPTH = 64


class Unkeepable(ValueError):
    """A value that no journal can keep; the message names its type."""


def written(value: Any) -> str:
    """Write a value as JSON text, the same for the same value.

    Raises:
        Unkeepable: A part of it is no data, or it is nested too deeply.
    """
    return json_of(_plain(value, 0))


json_of = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode
"""Writes what is plain JSON already."""


def read(text: str) -> Any:
    """Read what `written` wrote.

    Raises:
        ValueError: It is no such text.
    """
    return restored(_loaded(text))


def read_by_field(text: str) -> Any:
    """Read what `written` wrote as a spec and a trace have it, each part under the name of its field.

    Raises:
        ValueError: It is no such text.
    """
    return restored(by_field(_loaded(text)))


def read_named(text: str) -> Any:
    """Read what `written` wrote as `read_by_field` does, so that it can be written again as it was.

    Raises:
        ValueError: It is no such text.
    """
    return restored(by_field(_loaded(text), remembers=True))


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("the text is nested too deeply") from error


_SCALARS = frozenset((type(None), bool, int, str))


def is_scalar(value: Any) -> bool:
    """Tell whether a value is one that JSON has a word for, and nothing inside it."""
    return type(value) in _SCALARS


def _plain(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Unkeepable("a value that is nested more than 64 deep can't be kept")
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return value
    if isinstance(value, Enum):
        return _plain(value.value, depth + 1)
    # A class that derives from one of these is made again by the type that is declared.
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        number = float.__float__(value)
        return number if math.isfinite(number) else {"$float": float.__repr__(number)}
    if kind is list or (kind is tuple and not hasattr(value, "_fields")):
        return [_plain(item, depth + 1) for item in value]
    if kind is dict:
        return _mapping(value, depth)
    if kind is Named:
        held = _mapping(dict(value), depth)
        fields = {key: name for name, key in value.kept.items()}
        return {**{value.kept.get(name, name): item for name, item in held.items()}, NAMED: fields}
    if isinstance(value, bytes):
        import base64

        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if isinstance(value, set | frozenset):
        return {"$set": sorted((_plain(item, depth + 1) for item in value), key=repr)}
    if is_pydantic(kind):
        data, fields = _of_a_model(value)
        return _named(_plain(data, depth), fields)
    names = getattr(value, "_fields", None) if isinstance(value, tuple) else field_names(kind)
    if names is None:
        raise Unkeepable(f"a {kind.__module__}.{kind.__qualname__} can't be kept: it is no data")
    return _mapping({name: getattr(value, name) for name in names}, depth)


def _of_a_model(value: Any) -> tuple[Any, Any]:
    """Give what a pydantic model says it is written as: a date, say, or a decimal, as text.

    Returns:
        It, under the names that it is read by again, and under those of its fields.

    Raises:
        Unkeepable: It can't be written, or is another value once it is read again, as a `SecretStr` is.
    """
    kind = type(value)
    try:
        data = value.model_dump(mode="json", by_alias=True, warnings=False)
        fields = value.model_dump(mode="json", by_alias=False, warnings=False)
        is_the_same = kind.model_validate_json(json_of(data), strict=True) == value
    except Exception as error:
        raise Unkeepable(f"a {kind.__qualname__} can't be kept: {describe(error)}") from error
    if not is_the_same:
        raise Unkeepable(f"a {kind.__qualname__} can't be kept: read again it is another value")
    return data, fields


def _named(data: Any, fields: Any) -> Any:
    """Say of what is written under other names than its fields' which field each is: a spec names those."""
    match data, fields:
        case list(), list():
            return [_named(item, of_fields) for item, of_fields in zip(data, fields, strict=True)]
        case dict(), dict() if len(data) == len(fields):
            pairs = list(zip(data.items(), fields.items(), strict=True))
            found = {key: _named(item, of_field) for (key, item), (_, of_field) in pairs}
            names = {key: name for (key, _), (name, _) in pairs if key != name}
            return {**found, NAMED: names} if names else found
    return data


def _mapping(value: dict[Any, Any], depth: int) -> Any:
    if not all(type(name) is str for name in value):
        return {"$map": [[_plain(key, depth + 1), _plain(item, depth + 1)] for key, item in value.items()]}
    # A key that looks like a tag gets a second mark, so that data stays data.
    return {
        f"${name}" if name.startswith("$") else name: _plain(item, depth + 1) for name, item in value.items()
    }


_EVENTS: dict[str, type[Event]] = {"ended": Ended, "elapsed": Elapsed, "late": Late, "lost": Lost}
_KINDS = {kind: name for name, kind in _EVENTS.items()}


_REQUIRED = {kind: set(kind._fields) - set(kind._field_defaults) for kind in _KINDS}

quoted = lru_cache(maxsize=10_000)(json_of)
"""Writes a name: there are few, and they come again and again."""


def event_written(event: Event) -> str:
    """Write an event: what it says beyond what events of its kind say anyway.

    Raises:
        Unkeepable: What it gives is no data.
    """
    if isinstance(event, Ended):
        return _ended_written(event)
    said: dict[str, Any] = {"is": _KINDS[type(event)], **event._asdict()}
    return json_of(said)


def _ended_written(event: Ended) -> str:
    """Write the end of an attempt; put together by hand, since every step of every run waits for it."""
    outcome, label, value, message, complaints, use, elapsed_us, retry_after_us, draw, steps, where = event
    text = f'{{"is":"ended","outcome":{quoted(outcome)}'
    if label is not None:
        text += f',"label":{quoted(label)}'
    if type(value) is int:
        text += f',"value":{value}'
    elif value is not None:
        text += f',"value":{json_of(value if type(value) in _SCALARS else _plain(value, 1))}'
    if message:
        text += f',"message":{json_of(message)}'
    if complaints:
        text += f',"complaints":{json_of(_plain(complaints, 1))}'
    if use is not None:
        text += f',"use":[{use[0]},{use[1]},{use[2]}]'
    text += f',"elapsed_us":{elapsed_us}'
    if retry_after_us is not None:
        text += f',"retry_after_us":{retry_after_us}'
    if draw:
        text += f',"draw":{draw!r}'
    if where:
        text += f',"where":{json_of(where)}'
    return f'{text},"steps":{steps}}}' if steps != 1 else f"{text}}}"


def event_read(text: str, *, is_told: bool = False) -> Event:
    """Read an event; the value of an attempt is plain data.

    Args:
        text: What was written.
        is_told: Whether that is to be told, under the names of fields: see `read_by_field`.

    Raises:
        ValueError: It is no event.
    """
    found = by_field(_loaded(text)) if is_told else _loaded(text)
    if not isinstance(found, dict) or found.get("is") not in tuple(_EVENTS):
        raise ValueError("what is no event of a run")
    kind = _EVENTS[found.pop("is")]
    if not _REQUIRED[kind] <= found.keys() <= set(kind._fields):
        raise ValueError(f"an event of the kind {_KINDS[kind]!r} with other fields")
    if "value" in found:
        found["value"] = restored(found["value"], 1)
    for name in ("complaints", "use"):
        if isinstance(found.get(name), list):
            found[name] = tuple(found[name])
    return kind(**found)
