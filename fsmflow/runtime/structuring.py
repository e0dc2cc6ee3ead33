"""How plain data becomes a value of a type, with nothing coerced: cattrs, with a hook for each kind of type.

What is of the type already is held to it too. cattrs and attrs are imported at first use.
"""

from __future__ import annotations

import enum
import types
import typing
from collections import abc
from collections.abc import Iterable, Mapping
from functools import cache, partial
from typing import Any

from fsmflow.runtime.calling import owned
from fsmflow.runtime.complaints import complaints_of, each, named, shown
from fsmflow.runtime.instances import Hook, is_class, is_pydantic, of_class, of_pydantic
from fsmflow.runtime.keyed import is_keyed, of_keyed

EXACT: dict[Any, tuple[type, ...]] = {
    int: (int,),
    str: (str,),
    bool: (bool,),
    float: (float, int),
    bytes: (bytes,),
}
"""The types that are told by their class alone, and the classes of what they take."""


@cache
def converter() -> Any:
    """Give the converter that knows how each kind of type is structured."""
    from cattrs import Converter

    made = Converter(forbid_extra_keys=True)
    for kind in (*EXACT, type(None)):
        # Which also gets the classes that derive from it.
        made.register_structure_hook(kind, scalar)
    made.register_structure_hook_func(_is_enum, _member)
    made.register_structure_hook_func(lambda kind: kind in (Any, object), lambda value, _: owned(value))
    for is_such, hook in (
        (_is_collection, _collection),
        (_is_tuple, _tuple),
        (_is_dict, _dict),
        (_is_literal, _literal),
        (_is_union, _union),
        (is_keyed, of_keyed),
        (is_class, of_class),
        (is_pydantic, of_pydantic),
    ):
        made.register_structure_hook_factory(is_such, partial(hook, made))
    return made


def strict(value: Any, kind: Any) -> Any:
    """Hold a value to a type of `EXACT`, or to null.

    Raises:
        TypeError: It is of another one.
    """
    found: Any = value
    if kind is type(None):
        if value is None:
            return None
        raise TypeError(f"expected null, found {named(value)}")
    if isinstance(value, bool) is not (kind is bool) or not isinstance(value, EXACT[kind]):
        raise TypeError(f"expected {_WORDS[kind]}, found {named(value)}")
    try:
        return float(found) if kind is float else found
    except OverflowError:
        raise TypeError("expected a number, found one that is too large for it") from None


_WORDS = {int: "a whole number", str: "a string", bool: "true or false", float: "a number", bytes: "bytes"}


def scalar(value: Any, kind: Any) -> Any:
    """Hold a value to a type of `EXACT`, to null, or to a class that derives from one of these.

    Raises:
        TypeError, ValueError: It does not fit.
    """
    if kind in EXACT or kind is type(None):
        return strict(value, kind)
    if _is_enum(kind):
        return _member(value, kind)
    base = next(each for each in EXACT if issubclass(kind, each))
    return value if isinstance(value, kind) else kind(strict(value, base))


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, enum.Enum)


def _member(value: Any, kind: Any) -> Any:
    if isinstance(value, kind):
        return value
    for member in kind:
        # By type too, as of a literal.
        if value.__class__ is member.value.__class__ and value == member.value:
            return member
    raise ValueError(f"expected {_one_of(member.value for member in kind)}, found {shown(value)}")


_COLLECTIONS: dict[Any, Any] = {
    list: list,
    set: set,
    frozenset: frozenset,
    tuple: tuple,
    abc.Sequence: tuple,
    abc.Set: frozenset,
}


def _is_collection(kind: Any) -> bool:
    return (typing.get_origin(kind) or kind) in _COLLECTIONS


def _collection(made: Any, kind: Any) -> Hook:
    item = (typing.get_args(kind) or (Any,))[0]
    hook, make = made.get_structure_hook(item), _COLLECTIONS[typing.get_origin(kind) or kind]
    known = (list, tuple, set, frozenset) if make in (set, frozenset) else (list, tuple)

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, known):
            raise TypeError(f"expected a list, found {named(value)}")
        found = each(((f"[{i}]", v) for i, v in enumerate(value)), lambda v: hook(v, item))
        return found if make is list else make(found)

    return structure


def _is_tuple(kind: Any) -> bool:
    """Tell whether a type is that of tuples of so many items, each of a type of its own."""
    return typing.get_origin(kind) is tuple and ... not in typing.get_args(kind)


def _tuple(made: Any, kind: Any) -> Hook:
    items = [(item, made.get_structure_hook(item)) for item in typing.get_args(kind)]

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise TypeError(f"expected a list, found {named(value)}")
        if len(value) != len(items):
            raise ValueError(f"expected {len(items)} items, found {len(value)}")
        parts = ((f"[{i}]", (v, *of)) for i, (v, of) in enumerate(zip(value, items, strict=True)))
        return tuple(each(parts, lambda part: part[2](part[0], part[1])))

    return structure


def _is_dict(kind: Any) -> bool:
    return typing.get_origin(kind) is dict or kind is dict


def _dict(made: Any, kind: Any) -> Hook:
    key_kind, item = typing.get_args(kind) or (str, Any)
    key_hook, hook = made.get_structure_hook(key_kind), made.get_structure_hook(item)

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, Mapping):
            raise TypeError(f"expected a mapping, found {named(value)}")
        keys = [key_hook(key, key_kind) for key in value]
        items = each(((f"[{k!r}]", v) for k, v in value.items()), lambda v: hook(v, item))
        return dict(zip(keys, items, strict=True))

    return structure


def _is_literal(kind: Any) -> bool:
    return typing.get_origin(kind) is typing.Literal


def _literal(_: Any, kind: Any) -> Hook:
    choices = typing.get_args(kind)

    def structure(value: Any, _: Any) -> Any:
        # By type too: True and 1.0 equal 1.
        if any(value.__class__ is choice.__class__ and value == choice for choice in choices):
            return value
        raise ValueError(f"expected {_one_of(choices)}, found {shown(value)}")

    return structure


def _one_of(choices: Iterable[Any]) -> str:
    return f"one of {', '.join(map(repr, choices))}"


def _is_union(kind: Any) -> bool:
    return typing.get_origin(kind) in (typing.Union, types.UnionType)


def _union(made: Any, kind: Any) -> Hook:
    members = [(member, made.get_structure_hook(member)) for member in typing.get_args(kind)]

    def structure(value: Any, _: Any) -> Any:
        problems: list[str] = []
        for member, hook in members:
            try:
                return hook(value, member)
            except Exception as error:  # noqa: BLE001 - another member may still fit
                problems += complaints_of(error)
        raise ValueError("fits none of its types: " + "; ".join(dict.fromkeys(problems)))

    return structure
