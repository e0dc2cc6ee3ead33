"""Why a value does not fit its type, in sentences: where in it, what was expected, and what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

MOST = 20
"""How many complaints are made of one value."""


class Rejected(Exception):
    """A value does not fit its type; `complaints` says where and how."""

    def __init__(self, complaints: tuple[str, ...]) -> None:
        super().__init__(complaints)
        self.complaints = complaints

    def __str__(self) -> str:
        return "; ".join(self.complaints)


def each(parts: Iterable[tuple[str, Any]], structure: Callable[[Any], Any]) -> list[Any]:
    """Structure every part, by where it is, and complain about all that do not fit at once.

    Raises:
        Rejected: Some do not.
    """
    done, problems = [], []
    for where, part in parts:
        try:
            done.append(structure(part))
        except Exception as error:  # noqa: BLE001 - the parts' own validators may raise anything
            problems += [_under(where, complaint) for complaint in complaints_of(error)]
            if len(problems) >= MOST:
                break
    if problems:
        raise Rejected(tuple(problems))
    return done


def _under(where: str, complaint: str) -> str:
    if not where:
        return complaint
    inner = complaint.partition(": ")
    if inner[0].startswith((".", "[")):
        return f"{where}{complaint}"
    return f"{where}: {complaint}"


def complaints_of(error: BaseException) -> list[str]:
    """Flatten what cattrs, pydantic, our own hooks or a class's validators raised into sentences."""
    from cattrs import (
        AttributeValidationNote,
        BaseValidationError,
        ForbiddenExtraKeysError,
        IterableValidationNote,
    )

    if isinstance(error, Rejected):
        return list(error.complaints)
    if isinstance(error, ForbiddenExtraKeysError):
        return [f"unexpected {', '.join(sorted(map(repr, error.extra_fields)))}"]
    if isinstance(error, BaseValidationError):
        found: list[str] = []
        for inner in error.exceptions:
            notes = getattr(inner, "__notes__", ())
            name = next((n.name for n in notes if isinstance(n, AttributeValidationNote)), None)
            index = next((n.index for n in notes if isinstance(n, IterableValidationNote)), None)
            where = f".{name}" if name is not None else f"[{index}]" if index is not None else ""
            if isinstance(inner, KeyError) and name is not None and inner.args == (name,):
                found.append(f"{where}: missing")
                continue
            found += [_under(where, c) if where else c for c in complaints_of(inner)]
        return found
    if isinstance(error, KeyError):
        return [f"{error.args[0]!r} is missing" if error.args else "a key is missing"]
    try:
        return [_under(_place(each["loc"]), each["msg"]) for each in error.errors()]  # type: ignore[attr-defined]
    except Exception:  # noqa: BLE001 - it is none of pydantic's, whatever it has of that name
        return [_said(error)]


def _place(parts: Iterable[Any]) -> str:
    """Write where in a value pydantic finds a fault; nowhere, if it is the value itself."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


def _said(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001 - a broken __str__ must not hide the error it belongs to
        return type(error).__name__


def shown(value: Any) -> str:
    """Show a value that is short; of any other, say what it is."""
    return f"{value!r:.60}" if isinstance(value, str | int | float) else named(value)


def named(value: Any) -> str:
    """Say what a value is, in the words of data."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return "a whole number"
        case float():
            return "a number"
        case str():
            return "a string"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
    return f"a value of type {type(value).__name__}"
