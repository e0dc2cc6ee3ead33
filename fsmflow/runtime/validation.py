"""Holding a step's output to its declared type, through cattrs, with nothing coerced.

An output may already be an instance of its class, or plain data that structures into it. Classes
are attrs classes, dataclasses or pydantic models; what a class holds is held to its own
annotations too. cattrs is imported at first use.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

MAX_COMPLAINTS = 20

Validate = Callable[[Any], Any]
"""Gives the structured value, or raises `Rejected`."""


class Rejected(Exception):
    """A value does not fit its type; `complaints` says where and how."""

    def __init__(self, complaints: tuple[str, ...]) -> None:
        super().__init__("; ".join(complaints))
        self.complaints = complaints


_EXACT: dict[Any, tuple[type, ...]] = {int: (int,), str: (str,), bool: (bool,), float: (float, int)}


def validator(kind: Any) -> Validate | None:
    """Make the function that holds values to the type `kind`; None if anything will do."""
    if kind is Any or kind is object:
        return None
    if kind in _EXACT:
        return _exactly(kind)
    return _through_cattrs(kind)


def exact(kind: Any) -> type | None:
    """Give the class whose instances are of the type `kind` as they are; None if they need a closer look."""
    return kind if kind in (int, str, bool, float) else None


def _exactly(kind: type) -> Validate:
    def validate(value: Any) -> Any:
        if value.__class__ is kind:
            return value
        return _scalar(value, kind)

    def _scalar(value: Any, kind: type) -> Any:
        try:
            return _strict(value, kind)
        except TypeError as error:
            raise Rejected((str(error),)) from None

    return validate


def _through_cattrs(kind: Any) -> Validate:
    hook = _converter().get_structure_hook(kind)

    def validate(value: Any) -> Any:
        try:
            return hook(value, kind)
        except RecursionError:
            raise Rejected(("the value is nested too deeply",)) from None
        except Exception as error:  # noqa: BLE001 - a class's own validators may raise anything
            raise Rejected(tuple(_complaints(error))[:MAX_COMPLAINTS]) from None

    return validate


@cache
def _converter() -> Any:
    import attrs
    from cattrs import Converter
    from cattrs.gen import make_dict_structure_fn

    converter = Converter(forbid_extra_keys=True)
    for kind in _EXACT:
        converter.register_structure_hook(kind, _strict)
    converter.register_structure_hook(type(None), _strict)

    def is_list(kind: Any) -> bool:
        return typing.get_origin(kind) is list or kind is list

    def is_dict(kind: Any) -> bool:
        return typing.get_origin(kind) is dict or kind is dict

    def is_literal(kind: Any) -> bool:
        return typing.get_origin(kind) is typing.Literal

    def is_union(kind: Any) -> bool:
        return typing.get_origin(kind) in (typing.Union, types.UnionType)

    def is_pydantic(kind: Any) -> bool:
        return isinstance(kind, type) and hasattr(kind, "model_validate")

    def is_class(kind: Any) -> bool:
        return isinstance(kind, type) and (attrs.has(kind) or dataclasses.is_dataclass(kind))

    def list_of(kind: Any) -> Callable[[Any, Any], Any]:
        (item,) = typing.get_args(kind) or (Any,)
        hook = converter.get_structure_hook(item)

        def structure(value: Any, _: Any) -> Any:
            if not isinstance(value, list | tuple):
                raise TypeError(f"expected a list, found {_name(value)}")
            return _each(((f"[{i}]", v) for i, v in enumerate(value)), lambda v: hook(v, item), list)

        return structure

    def dict_of(kind: Any) -> Callable[[Any, Any], Any]:
        key_kind, item = typing.get_args(kind) or (str, Any)
        key_hook, hook = converter.get_structure_hook(key_kind), converter.get_structure_hook(item)

        def structure(value: Any, _: Any) -> Any:
            if not isinstance(value, Mapping):
                raise TypeError(f"expected a mapping, found {_name(value)}")
            keys = [key_hook(key, key_kind) for key in value]
            items = _each(((f"[{k!r}]", v) for k, v in value.items()), lambda v: hook(v, item), list)
            return dict(zip(keys, items, strict=True))

        return structure

    def literal_of(kind: Any) -> Callable[[Any, Any], Any]:
        choices = typing.get_args(kind)

        def structure(value: Any, _: Any) -> Any:
            # By type too: True and 1.0 equal 1.
            if any(value.__class__ is choice.__class__ and value == choice for choice in choices):
                return value
            raise ValueError(f"expected one of {', '.join(map(repr, choices))}, found {_shown(value)}")

        return structure

    def union_of(kind: Any) -> Callable[[Any, Any], Any]:
        members = [(m, converter.get_structure_hook(m)) for m in typing.get_args(kind)]

        def structure(value: Any, _: Any) -> Any:
            problems: list[str] = []
            for member, hook in members:
                try:
                    return hook(value, member)
                except Exception as error:  # noqa: BLE001 - another member may still fit
                    problems += _complaints(error)
            raise ValueError("fits none of its types: " + "; ".join(dict.fromkeys(problems)))

        return structure

    def pydantic_model(kind: Any) -> Callable[[Any, Any], Any]:
        def structure(value: Any, _: Any) -> Any:
            if isinstance(value, kind):
                value = value.model_dump(warnings=False)
            return kind.model_validate(value, strict=True)

        return structure

    def class_of(kind: Any) -> Callable[[Any, Any], Any]:
        from_mapping = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)
        fields = None

        def structure(value: Any, _: Any) -> Any:
            nonlocal fields
            if isinstance(value, kind):
                if fields is None:
                    fields = [(name, t, converter.get_structure_hook(t)) for name, t in _fields(kind).items()]
                hooks = {name: (t, hook) for name, t, hook in fields}
                _each(
                    ((f".{name}", (name, getattr(value, name))) for name in hooks),
                    lambda pair: hooks[pair[0]][1](pair[1], hooks[pair[0]][0]),
                    list,
                )
                return value
            if not isinstance(value, Mapping):
                raise TypeError(f"expected {kind.__name__} or a mapping, found {_name(value)}")
            return from_mapping(value, kind)

        return structure

    converter.register_structure_hook_factory(is_list, list_of)
    converter.register_structure_hook_factory(is_dict, dict_of)
    converter.register_structure_hook_factory(is_literal, literal_of)
    converter.register_structure_hook_factory(is_union, union_of)
    converter.register_structure_hook_factory(is_class, class_of)
    converter.register_structure_hook_factory(is_pydantic, pydantic_model)
    return converter


def _fields(kind: Any) -> dict[str, Any]:
    import attrs

    hints = typing.get_type_hints(kind)
    if attrs.has(kind):
        return {a.name: hints.get(a.name, Any) for a in attrs.fields(kind)}
    return {f.name: hints.get(f.name, Any) for f in dataclasses.fields(kind)}


class _Several(Exception):
    """Complaints about the parts of one value."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__("; ".join(complaints))
        self.complaints = complaints


def _each(parts: Any, structure: Callable[[Any], Any], collect: Callable[[Any], Any]) -> Any:
    """Structure every part, and complain about all that do not fit at once."""
    done, problems = [], []
    for where, part in parts:
        try:
            done.append(structure(part))
        except Exception as error:  # noqa: BLE001 - the parts' own validators may raise anything
            problems += [_under(where, complaint) for complaint in _complaints(error)]
            if len(problems) >= MAX_COMPLAINTS:
                break
    if problems:
        raise _Several(problems)
    return collect(done)


def _under(where: str, complaint: str) -> str:
    inner = complaint.partition(": ")
    if inner[0].startswith((".", "[")):
        return f"{where}{complaint}"
    return f"{where}: {complaint}"


def _complaints(error: BaseException) -> list[str]:
    """Flatten what cattrs, pydantic, our own hooks or a class's validators raised into sentences."""
    from cattrs import BaseValidationError, ForbiddenExtraKeysError

    if isinstance(error, Rejected | _Several):
        return list(error.complaints)
    if isinstance(error, ForbiddenExtraKeysError):
        return [f"unexpected {', '.join(sorted(map(repr, error.extra_fields)))}"]
    if isinstance(error, BaseValidationError):
        found: list[str] = []
        for inner in error.exceptions:
            notes = getattr(inner, "__notes__", ())
            name = next((n.name for n in notes if hasattr(n, "name")), None)
            index = next((n.index for n in notes if hasattr(n, "index")), None)
            where = f".{name}" if name is not None else f"[{index}]" if index is not None else ""
            if isinstance(inner, KeyError) and name is not None and inner.args == (name,):
                found.append(f"{where}: missing")
                continue
            found += [_under(where, c) if where else c for c in _complaints(inner)]
        return found
    if isinstance(error, KeyError):
        return [f"{error.args[0]!r} is missing" if error.args else "a key is missing"]
    errors = getattr(error, "errors", None)
    if callable(errors):
        return [
            "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in e["loc"]) + f": {e['msg']}"
            for e in errors()
        ]
    return [str(error) or type(error).__name__]


def _strict(value: Any, kind: Any) -> Any:
    found: Any = value
    if kind is type(None):
        if value is None:
            return None
        raise TypeError(f"expected null, found {_name(value)}")
    if isinstance(value, bool) is not (kind is bool) or not isinstance(value, _EXACT[kind]):
        raise TypeError(f"expected {_WORDS[kind]}, found {_name(value)}")
    return float(found) if kind is float else found


_WORDS = {int: "a whole number", str: "a string", bool: "true or false", float: "a number"}


def _shown(value: Any) -> str:
    return f"{value!r:.60}" if isinstance(value, str | int | float) else _name(value)


def _name(value: Any) -> str:
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
