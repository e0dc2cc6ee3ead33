"""Reading values by dotted path, and comparing them: total functions for guards and arguments."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sized
from typing import Any


class Missing(LookupError):
    """A reference leads nowhere: nothing has set the value, or a part of the path is not there."""


def read(values: Mapping[str, Any], root: str, *path: str) -> Any:
    """Follow `path` from the value named `root`, through mapping keys and attributes.

    Raises:
        Missing: It leads nowhere.
    """
    if root not in values:
        raise Missing(f"${root} is not set")
    value = values[root]
    for depth, name in enumerate(path):
        value = _part(value, name)
        if value is _NOTHING:
            raise Missing(f"${'.'.join((root, *path[: depth + 1]))} is not there")
    return value


def each(
    values: Mapping[str, Any], items: Any, at_most: int, name: str, make: Callable[[Mapping[str, Any]], Any]
) -> list[Any]:
    """Make something of each item of a list, from the values with the item among them.

    Raises:
        Missing: It is no list, or one of more than `at_most` items.
    """
    if not isinstance(items, list | tuple):
        raise Missing(f"what is mapped over is no list but {type(items).__name__}")
    if len(items) > at_most:
        raise Missing(f"what is mapped over has {len(items):,} items, and may have {at_most:,} at most")
    return [make({**values, name: item}) for item in items]


def maybe(values: Mapping[str, Any], root: str, *path: str) -> Any:
    """Follow `path` as `read` does, giving None where it leads nowhere."""
    value = values.get(root)
    for name in path:
        value = _part(value, name)
        if value is _NOTHING:
            return None
    return value


_NOTHING = object()


def _part(value: Any, name: str) -> Any:
    try:
        if isinstance(value, Mapping):
            return value.get(name, _NOTHING)
        part = getattr(value, name, _NOTHING)
    except Exception:  # noqa: BLE001 - a value's own code may raise anything
        return _NOTHING
    # A method is no data: without this, `$answer.copy` would hand out code.
    return _NOTHING if callable(part) else part


def length(value: Any) -> int:
    """Give the length of a string, list or mapping; 0 of anything else."""
    try:
        return len(value) if isinstance(value, Sized) else 0
    except Exception:  # noqa: BLE001 - a value's own code may raise anything
        return 0


def lt(left: Any, right: Any) -> bool:
    """Tell whether `left < right`, of two numbers or two strings; other things are in no order."""
    return _compared(operator.lt, left, right)


def le(left: Any, right: Any) -> bool:
    """Tell whether `left <= right`, of two numbers or two strings."""
    return _compared(operator.le, left, right)


def gt(left: Any, right: Any) -> bool:
    """Tell whether `left > right`, of two numbers or two strings."""
    return _compared(operator.gt, left, right)


def ge(left: Any, right: Any) -> bool:
    """Tell whether `left >= right`, of two numbers or two strings."""
    return _compared(operator.ge, left, right)


def within(value: Any, items: tuple[Any, ...]) -> bool:
    """Tell whether `value` is the same as one of `items`."""
    return any(same(value, item) for item in items)


def same(left: Any, right: Any) -> bool:
    """Tell whether two values are equal; a truth value equals no number, nothing what can't be compared."""
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    try:
        return bool(left == right)
    except Exception:  # noqa: BLE001 - a value's own code may raise anything
        return False


def _compared(compare: Callable[[Any, Any], Any], left: Any, right: Any) -> bool:
    if not _comparable(left, right):
        return False
    try:
        return bool(compare(left, right))
    except Exception:  # noqa: BLE001 - a value's own code may raise anything
        return False


def _comparable(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return True
    return _is_number(left) and _is_number(right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
