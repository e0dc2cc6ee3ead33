"""How values become instances of classes: attrs classes, dataclasses and pydantic models.

An instance stays the very one that it is. What it holds is held to its class's annotations all the same:
a class need not have looked, and a field may have been changed since.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from fsmflow.runtime.complaints import each, named

Hook = Callable[[Any, Any], Any]
"""Structures a value into a type."""


def is_class(kind: Any) -> bool:
    """Tell whether a type is an attrs class or a dataclass, maybe one of so and so."""
    import attrs

    owner = typing.get_origin(kind) or kind
    return isinstance(owner, type) and (attrs.has(owner) or dataclasses.is_dataclass(owner))


def of_class(made: Any, kind: Any) -> Hook:
    """Make the hook of an attrs class or a dataclass."""
    from cattrs.gen import make_dict_structure_fn

    owner = typing.get_origin(kind) or kind
    left_open = getattr(kind, "__parameters__", ())
    # Of what nobody says of what type it is, anything will do.
    whole = kind[(Any,) * len(left_open)] if left_open else kind
    from_mapping = make_dict_structure_fn(whole, made, _cattrs_forbid_extra_keys=True)
    held = _Held(made, lambda: field_types(whole))

    def structure(value: Any, _: Any) -> Any:
        if isinstance(value, owner):
            return held.to_its_fields(value)
        if not isinstance(value, Mapping):
            raise TypeError(f"expected {owner.__name__} or a mapping, found {named(value)}")
        return from_mapping(value, whole)

    return structure


def field_types(kind: Any) -> dict[str, Any]:
    """Give the types of the fields of an attrs class or a dataclass, with what it is given put in."""
    import attrs

    owner, known = typing.get_origin(kind) or kind, type_variables(kind)
    hints = {name: filled(hint, known) for name, hint in typing.get_type_hints(owner).items()}
    if attrs.has(owner):
        return {a.name: hints.get(a.name, Any) for a in attrs.fields(owner)}
    return {f.name: hints.get(f.name, Any) for f in dataclasses.fields(owner)}


def type_variables(kind: Any) -> dict[Any, Any]:
    """Give what a class that is generic is given, by its type variables; `Self` is the class itself."""
    owner = typing.get_origin(kind)
    given = dict(zip(getattr(owner, "__parameters__", ()), typing.get_args(kind), strict=True))
    return {**given, typing.Self: kind}


def filled(kind: Any, known: Mapping[Any, Any]) -> Any:
    """Put what a generic class is given in the place of its type variables."""
    if isinstance(kind, typing.TypeVar):
        return known.get(kind, Any)
    if kind is typing.Self:
        return known.get(kind, kind)
    if _holds_self(kind):
        parts = tuple(filled(part, known) for part in typing.get_args(kind))
        made = typing.get_origin(kind)
        return typing.Union[parts] if made in _UNIONS else made[parts]  # noqa: UP007 - made at run time
    left_open = getattr(kind, "__parameters__", ())
    if isinstance(kind, type) or not left_open:
        return kind
    return kind[tuple(known.get(each, Any) for each in left_open)]


_UNIONS = (typing.Union, types.UnionType)


def _holds_self(kind: Any) -> bool:
    """Tell whether `Self` stands in a type, which counts among no type's variables."""
    return kind is typing.Self or any(map(_holds_self, typing.get_args(kind)))


class _Held:
    """Holds instances of one class to the annotations of their fields.

    These are looked at no sooner than there is an instance: a class may hold others of its own.
    """

    def __init__(self, made: Any, fields: Callable[[], Mapping[str, Any]]) -> None:
        self._made = made
        self._fields = fields
        self._hooks: dict[str, tuple[Any, Hook]] | None = None

    def to_its_fields(self, value: Any) -> Any:
        if self._hooks is None:
            self._hooks = {
                name: (kind, self._made.get_structure_hook(kind)) for name, kind in self._fields().items()
            }
        parts = ((f".{name}", (getattr(value, name), *of)) for name, of in self._hooks.items())
        each(parts, lambda part: part[2](part[0], part[1]))
        return value


def is_pydantic(kind: Any) -> bool:
    """Tell whether a type is a pydantic model."""
    return isinstance(kind, type) and hasattr(kind, "model_validate")


def of_pydantic(made: Any, kind: Any) -> Hook:
    """Make the hook of a pydantic model."""
    held = _Held(made, lambda: _known_fields(made, kind))

    def structure(value: Any, _: Any) -> Any:
        if isinstance(value, kind):
            # Not made anew of what it is written as: that may lack fields, or be taken for other ones.
            return held.to_its_fields(value)
        if _is_json(value):
            # Only of JSON does a strict model take a date, or a decimal, that is written as text.
            return kind.model_validate_json(json.dumps(value), strict=True)
        return kind.model_validate(value, strict=True)

    return structure


def _known_fields(made: Any, kind: Any) -> dict[str, Any]:
    """Give the fields of a pydantic model but for those of types that only pydantic knows."""
    from cattrs import StructureHandlerNotFoundError

    found: dict[str, Any] = {}
    for name, field in kind.model_fields.items():
        try:
            made.get_structure_hook(field.annotation)
        except StructureHandlerNotFoundError:
            continue
        found[name] = field.annotation
    return found


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
