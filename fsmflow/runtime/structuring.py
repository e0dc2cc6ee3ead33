"""How plain data becomes a value of a type, with nothing coerced: cattrs, with a hook for each kind of type.

What is of the type already is held to it too. cattrs and attrs are imported at first use.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from fsmflow.runtime.complaints import complaints_of, each, named, shown

Hook = Callable[[Any, Any], Any]
"""Structures a value into a type."""

EXACT: dict[Any, tuple[type, ...]] = {int: (int,), str: (str,), bool: (bool,), float: (float, int)}
"""The types that are told by their class alone, and the classes of what they take."""


@cache
def converter() -> Any:
    """Give the converter that knows how each kind of type is structured."""
    from cattrs import Converter

    made = Converter(forbid_extra_keys=True)
    for kind in (*EXACT, type(None)):
        made.register_structure_hook(kind, strict)
    for is_such, hook in (
        (_is_list, _list),
        (_is_dict, _dict),
        (_is_literal, _literal),
        (_is_union, _union),
        (_is_class, _class),
        (_is_pydantic, _pydantic),
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


_WORDS = {int: "a whole number", str: "a string", bool: "true or false", float: "a number"}


def _is_list(kind: Any) -> bool:
    return typing.get_origin(kind) is list or kind is list


def _list(made: Any, kind: Any) -> Hook:
    (item,) = typing.get_args(kind) or (Any,)
    hook = made.get_structure_hook(item)

    def structure(value: Any, _: Any) -> Any:
        if not isinstance(value, list | tuple):
            raise TypeError(f"expected a list, found {named(value)}")
        return each(((f"[{i}]", v) for i, v in enumerate(value)), lambda v: hook(v, item))

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
        raise ValueError(f"expected one of {', '.join(map(repr, choices))}, found {shown(value)}")

    return structure


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


def _is_class(kind: Any) -> bool:
    import attrs

    return isinstance(kind, type) and (attrs.has(kind) or dataclasses.is_dataclass(kind))


def _class(made: Any, kind: Any) -> Hook:
    from cattrs.gen import make_dict_structure_fn

    from_mapping = make_dict_structure_fn(kind, made, _cattrs_forbid_extra_keys=True)
    hooks: dict[str, tuple[Any, Hook]] = {}

    def structure(value: Any, _: Any) -> Any:
        if isinstance(value, kind):
            if not hooks:
                # Not before there is an instance: a class may hold others of its own.
                hooks.update((name, (t, made.get_structure_hook(t))) for name, t in _fields(kind).items())
            parts = ((f".{name}", (getattr(value, name), *of)) for name, of in hooks.items())
            each(parts, lambda part: part[2](part[0], part[1]))
            return value
        if not isinstance(value, Mapping):
            raise TypeError(f"expected {kind.__name__} or a mapping, found {named(value)}")
        return from_mapping(value, kind)

    return structure


def _fields(kind: Any) -> dict[str, Any]:
    import attrs

    hints = typing.get_type_hints(kind)
    if attrs.has(kind):
        return {a.name: hints.get(a.name, Any) for a in attrs.fields(kind)}
    return {f.name: hints.get(f.name, Any) for f in dataclasses.fields(kind)}


def _is_pydantic(kind: Any) -> bool:
    return isinstance(kind, type) and hasattr(kind, "model_validate")


def _pydantic(_: Any, kind: Any) -> Hook:
    def structure(value: Any, _: Any) -> Any:
        if isinstance(value, kind):
            value = value.model_dump(warnings=False, by_alias=True)
        elif _is_json(value):
            # Only of JSON does a strict model take a date, or a decimal, that is written as text.
            return kind.model_validate_json(json.dumps(value), strict=True)
        return kind.model_validate(value, strict=True)

    return structure


def _is_json(value: Any) -> bool:
    """Tell whether JSON has a word for all of a value, so that nothing of it changes once it is written."""
    match value:
        case str() | bool() | int() | None:
            return True
        case float():
            return math.isfinite(value)
        case list():
            return all(map(_is_json, value))
        case dict():
            return all(type(key) is str and _is_json(item) for key, item in value.items())
    return False
