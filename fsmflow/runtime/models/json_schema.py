"""The JSON Schema of a type: what a model is told that its answer must be.

It describes what `fsmflow.runtime.validation` takes. What it can't describe it leaves open, since the
answer is held to the type itself afterwards. It says more than a schema has to where endpoints insist:
what type values have, what is in a list, which properties an object has, and at its root that it is one.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections import abc
from collections.abc import Mapping, Sequence
from typing import Any

from fsmflow.runtime.instances import filled, is_class, type_variables
from fsmflow.runtime.keyed import is_keyed, is_named_tuple, keys_of

Schema = dict[str, Any]

_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    types.NoneType: {"type": "null"},
    None: {"type": "null"},
    list: {"type": "array", "items": {}},
    dict: {"type": "object", "properties": {}, "additionalProperties": {}},
}
_VALUES = (bool, str, int, float, types.NoneType)
_LISTS = (list, tuple, set, frozenset, abc.Sequence, abc.Set)


def json_schema(kind: Any) -> Schema:
    """Give the JSON Schema (2020-12) of `kind`; classes that hold themselves are referred to by name."""
    made = _Maker()
    schema = made.of(kind)
    reference = schema.get("$ref")
    if reference is not None:
        name = reference.rpartition("/")[2]
        schema = made.definitions[name]
        if reference not in made.referred:
            # A class that does not hold itself reads better where it stands alone.
            del made.definitions[name]
    return {**schema, "$defs": made.definitions} if made.definitions else schema


def is_object(schema: Schema) -> bool:
    """Tell whether all that `schema` describes are objects."""
    return bool(schema.get("type") == "object")


_KNOWN = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf"}
    | {"$ref", "$defs", "title", "description"}
)
"""What may stand in a schema that an endpoint is to hold a model to: some refuse all else."""


def is_strict(schema: Any) -> bool:
    """Tell whether an endpoint can hold a model to `schema` word for word.

    For that, each part has to have a type, each object has to list all of its properties, and require them,
    and nothing may stand beside a reference.
    """
    if not isinstance(schema, dict) or not schema.keys() <= _KNOWN:
        return False
    if not schema.keys() & {"type", "anyOf", "$ref"} or ("$ref" in schema and len(schema) > 1):
        return False
    properties = schema.get("properties", {})
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False or set(schema.get("required", ())) != set(properties)
    ):
        return False
    items = [schema.get("items", {})] if schema.get("type") == "array" else []
    held = (*properties.values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", ()), *items)
    return all(map(is_strict, held))


class _Maker:
    """Makes the schema of one type, and of the classes in it."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}
        self.referred: set[str] = set()
        self._names: dict[Any, str] = {}

    def of(self, kind: Any) -> Schema:
        if isinstance(kind, typing.Hashable) and kind in _PLAIN:
            return dict(_PLAIN[kind])
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Annotated, typing.Required, typing.NotRequired):
            return self.of(arguments[0])
        if origin is typing.Literal:
            return _one_of(arguments)
        if origin in (typing.Union, types.UnionType):
            return {"anyOf": [self.of(member) for member in arguments]}
        if origin in _LISTS or kind in _LISTS:
            return {"type": "array", **self._items(list(dict.fromkeys(arguments)))}
        if origin is dict:
            held = {"additionalProperties": self.of(arguments[1])} if arguments else {}
            return {**_PLAIN[dict], **held}
        named = getattr(kind, "__supertype__", None) or getattr(kind, "__value__", None)
        if named is not None:
            # What a `NewType`, or a type that is given a name, is another word for.
            return self.of(named)
        if is_class(kind):
            return self._class(origin or kind, kind, type_variables(kind))
        return self._class(kind, kind, {}) if isinstance(kind, type) else {}

    def _items(self, kinds: list[Any]) -> Schema:
        """Say what stands in a list: of a tuple the types of all its items, in whatever order."""
        told = [self.of(each) for each in kinds if each is not ...]
        if not told:
            return {"items": {}}
        return {"items": told[0] if len(told) == 1 else {"anyOf": told}}

    def _class(self, owner: type, kind: Any, known: Mapping[Any, Any]) -> Schema:
        if kind in self._names:
            reference = f"#/$defs/{self._names[kind]}"
            self.referred.add(reference)
            return {"$ref": reference}
        if issubclass(owner, enum.Enum):
            return _one_of([member.value for member in owner])
        scalar = next((base for base in (str, int, float) if issubclass(owner, base)), None)
        if scalar is not None:
            return dict(_PLAIN[scalar])
        described = getattr(owner, "model_json_schema", None)
        if callable(described):
            try:
                return self._described(described())
            except Exception:  # noqa: BLE001 - a model may hold what has no schema, and says so in its own way
                return {}
        fields = _fields(owner)
        if fields is None:
            return {}
        name = self._names[kind] = self._free(owner.__name__)
        self.definitions[name] = {}
        properties = {field: self.of(filled(part, known)) for field, (part, _) in fields.items()}
        required = [field for field, (_, is_required) in fields.items() if is_required]
        self.definitions[name] = {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }
        return {"$ref": f"#/$defs/{name}"}

    def _described(self, schema: Schema) -> Schema:
        """Take in the schema that a pydantic model gives of itself, with its definitions."""
        definitions = schema.pop("$defs", {})
        renamed = {f"#/$defs/{name}": f"#/$defs/{self._free(name)}" for name in definitions}
        for name, definition in definitions.items():
            self.definitions[renamed[f"#/$defs/{name}"].rpartition("/")[2]] = _renamed(definition, renamed)
        self.referred |= set(renamed.values())
        found: Schema = _renamed(schema, renamed)
        return found

    def _free(self, name: str) -> str:
        number, free = 1, name
        while free in self.definitions:
            number += 1
            free = f"{name}_{number}"
        self.definitions[free] = {}
        return free


def _one_of(values: Sequence[Any]) -> Schema:
    """Say that one of these values is meant, if they can stand in JSON."""
    kinds = [next((kind for kind in _VALUES if isinstance(each, kind)), None) for each in values]
    if None in kinds or any(isinstance(each, enum.Enum) for each in values):
        return {}
    named = list(dict.fromkeys(_PLAIN[kind]["type"] for kind in kinds))
    return {"type": named[0] if len(named) == 1 else named, "enum": list(values)}


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    if isinstance(schema, list):
        return [_renamed(each, names) for each in schema]
    if isinstance(schema, dict):
        return {
            key: names.get(each, each) if key == "$ref" and isinstance(each, str) else _renamed(each, names)
            for key, each in schema.items()
        }
    return schema


def _fields(kind: type) -> dict[str, tuple[Any, bool]] | None:
    """Give the fields of a class that can be made of them: their types, and whether each must be there.

    Fields with a default are asked for too, as endpoints want that; an answer may still leave them out.
    """
    try:
        if is_keyed(kind):
            return {
                name: (part, needed or is_named_tuple(kind)) for name, (part, needed) in keys_of(kind).items()
            }
        hints = typing.get_type_hints(kind, include_extras=True)
    except Exception:  # noqa: BLE001 - an annotation may name anything
        return None
    attributes = getattr(kind, "__attrs_attrs__", None)
    if attributes is None and dataclasses.is_dataclass(kind):
        attributes = dataclasses.fields(kind)
    if attributes is None:
        return None
    return {a.name: (hints.get(a.name, Any), True) for a in attributes if a.init}
