"""The language as a JSON Schema, so that editors complete and check specs while they are typed.

It is made from the classes of `fsmflow.spec` alone: their keys, types, help and examples. What a
schema can't say (that a target exists, say) is left to `check`. `markdownDescription` and `errorMessage`
are words of editors, which others pass over.
"""

from __future__ import annotations

import types
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from fsmflow import spec
from fsmflow.loading.conventions import (
    MAX_BRANCHES,
    MAX_CAP,
    MAX_FACTOR,
    MAX_ITEMS,
    MAX_TEMPERATURE,
    MAX_TIMES,
)
from fsmflow.loading.converter import key_of, keys_of, without_none
from fsmflow.loading.names import (
    MAX_PROSE,
    NAME_PATTERN,
    PARAMETER_PATTERN,
    REFERENCE_PATTERN,
    RESERVED_CHILDREN,
    RESERVED_LABELS,
    RESERVED_STATES,
    RULE,
    SAID_ELSEWHERE,
    SECRET_PATTERN,
)
from fsmflow.loading.structure import MAX_STATES
from fsmflow.runtime.prompts import MAX_PATH, PATH_PATTERN
from fsmflow.source import Real

_Schema = dict[str, Any]

_MODELS = (
    spec.Branch,
    spec.Budget,
    spec.ChooseArm,
    spec.Cost,
    spec.Invalid,
    spec.Model,
    spec.Policy,
    spec.Price,
    spec.Retry,
    spec.Target,
)
_DURATION = r"^[0-9]{1,12}(\.[0-9]{1,6})?(us|ms|s|min|h|d)$"
_MONEY = r"^[0-9]{1,12}(\.[0-9]{1,6})?$"
_REFERENCE: _Schema = {
    "type": "string",
    "pattern": f"^{REFERENCE_PATTERN}$",
    "errorMessage": "expected `module:name`",
}
_LABELS: _Schema = {"allOf": [{"$ref": "#/$defs/name"}, {"not": {"enum": sorted(RESERVED_LABELS)}}]}
_STATES: _Schema = {"allOf": [{"$ref": "#/$defs/name"}, {"not": {"enum": sorted(RESERVED_STATES)}}]}
_CHILDREN: _Schema = {"allOf": [{"$ref": "#/$defs/name"}, {"not": {"enum": sorted(RESERVED_CHILDREN)}}]}

_NAMES = {"name": NAME_PATTERN, "parameter": PARAMETER_PATTERN}
_TIMES = frozenset({"times", "at_most", "width", "tolerate"})


def json_schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of a spec file."""
    kinds = {f"{kind}_state": _mapping(cls) for kind, cls in spec.KINDS.items()}
    definitions: _Schema = {name: {"type": "string", "pattern": f"^{rule}$"} for name, rule in _NAMES.items()}
    definitions["name"]["errorMessage"] = RULE
    definitions["duration"] = {
        "type": "string",
        "pattern": _DURATION,
        "examples": ["200ms", "5s", "2min"],
        "errorMessage": "expected a duration such as 200ms, 5s or 2min",
    }
    definitions["money"] = {
        "anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _MONEY}],
        "description": "An amount in US dollars, with at most six decimal places.",
        "errorMessage": "expected an amount in dollars with at most six decimal places, such as 0.25",
    }
    definitions |= {cls.__name__.lower(): _mapping(cls) for cls in _MODELS}
    definitions |= kinds
    definitions["state"] = {
        "type": "object",
        "description": "A state; one key says of which kind.",
        "oneOf": [{"$ref": f"#/$defs/{name}"} for name in kinds],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fsmflow workflow",
        **_mapping(spec.Workflow),
        "$defs": dict(sorted(definitions.items())),
    }


def _mapping(cls: type) -> _Schema:
    """Describe one class of the language."""
    keys = keys_of(cls)
    return {
        "type": "object",
        "description": " ".join((cls.__doc__ or "").split()),
        "properties": {key: _property(cls, attribute) for key, attribute in keys.items()},
        "required": [key for key, attribute in keys.items() if attribute.default is attrs.NOTHING],
        "additionalProperties": False,
    }


def _property(cls: type, attribute: attrs.Attribute[Any]) -> _Schema:
    """Describe one key: its type, what the type leaves open, and what an editor shows for it."""
    described = _narrowed(cls, key_of(attribute.name), _type(without_none(attribute.type)))
    described["description"] = attribute.metadata.get("help", "")
    if "`" in described["description"]:
        described["markdownDescription"] = described["description"]
    if examples := attribute.metadata.get("examples"):
        described["examples"] = list(examples)
    default = attribute.default
    if isinstance(default, bool | int | str):
        described["default"] = default
    elif isinstance(default, spec.Duration):
        described["default"] = str(default)
    return described


def _type(type_: Any) -> _Schema:
    """Describe a type of the classes of `fsmflow.spec`."""
    if type_ == spec.State:
        return {"$ref": "#/$defs/state"}
    if type_ == spec.Arm:
        return {"anyOf": [{"$ref": "#/$defs/name"}, {"$ref": "#/$defs/target"}]}
    if type_ == spec.Success:
        return {
            "anyOf": [
                {"$ref": "#/$defs/name"},
                {"$ref": "#/$defs/target"},
                {
                    "type": "object",
                    "propertyNames": _LABELS,
                    "additionalProperties": _type(spec.Arm),
                    "minProperties": 1,
                },
            ]
        }
    if type_ == int | Real:
        return {"type": "number"}
    if type_ == spec.Secret:
        fields = {"type": "array", "items": {"type": "string", "pattern": SECRET_PATTERN}}
        return {"anyOf": [{"type": "boolean"}, {**fields, "minItems": 1, "uniqueItems": True}]}
    origin, arguments = get_origin(type_), get_args(type_)
    assert origin not in (Union, types.UnionType), type_
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _type(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(arguments[1])}
    return _SIMPLE[type_] | {} if type_ in _SIMPLE else {"$ref": f"#/$defs/{type_.__name__.lower()}"}


_SIMPLE: dict[Any, _Schema] = {
    Any: {},
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    spec.Duration: {"$ref": "#/$defs/duration"},
    spec.Money: {"$ref": "#/$defs/money"},
}


def _narrowed(cls: type, key: str, described: _Schema) -> _Schema:
    """Add what a key's name says beyond its type: names, references, titles, bounds."""
    match key:
        case "title":
            described["maxLength"] = MAX_PROSE
        case "ask":
            described |= {"minLength": 1, "maxLength": MAX_PROSE}
        case "run":
            described = dict(_REFERENCE)
        case "accept":
            described["items"] = dict(_REFERENCE)
        case "workflow" | "map" | "call" | "to" | "else" | "per" | "start" | "exceeded" | "role":
            described = {"$ref": "#/$defs/name"}
        case "as":
            described = dict(_STATES)
        case "over":
            described["pattern"] = r"^\$[a-z]"
        case "options":
            told = {"not": {"enum": sorted(SAID_ELSEWHERE)}}
            described["propertyNames"] = {"allOf": [{"$ref": "#/$defs/parameter"}, told]}
        case "with" | "show":
            described["propertyNames"] = {"$ref": "#/$defs/parameter"}
        case "states":
            described |= {"propertyNames": _STATES, "minProperties": 1, "maxProperties": MAX_STATES}
        case "profiles":
            described["propertyNames"] = {"$ref": "#/$defs/name"}
            described["additionalProperties"]["additionalProperties"] = dict(_REFERENCE)
        case "parallel":
            described |= {"propertyNames": _CHILDREN, "minProperties": 1, "maxProperties": MAX_BRANCHES}
        case "factor":
            described |= {"minimum": 1, "maximum": MAX_FACTOR}
        case "temperature":
            described |= {"minimum": 0, "maximum": MAX_TEMPERATURE}
        case "model":
            described |= {"minLength": 1, "maxLength": MAX_PROSE}
        case "prompt" | "system":
            described |= {"pattern": PATH_PATTERN, "maxLength": MAX_PATH}
    if described.get("type") == "integer":
        least = 0 if cls is spec.Cost or key == "tolerate" else 1
        times = MAX_ITEMS if cls is spec.Map else MAX_TIMES
        most = times if key in _TIMES else MAX_CAP
        described |= {"minimum": least, "maximum": most}
    return described
