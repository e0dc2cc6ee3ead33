"""A cattrs converter that takes what was written for what it is, and coerces nothing.

cattrs drives: it walks the classes of `fsmflow.spec` and gathers every error with its place.
The hooks here decide what each type may be written as. An error that they raise is a `Misfit`,
worded already and without a place; `fsmflow.loading.faults` adds that.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.cols import list_structure_factory, mapping_structure_factory
from cattrs.gen import make_dict_structure_fn, override

from fsmflow.diagnostics import nearest
from fsmflow.loading.names import name_flaw, shown
from fsmflow.loading.scalars import BadNumber, typed
from fsmflow.source import Real
from fsmflow.spec import KINDS, Arm, Duration, Money, Secret, State, Target

Hook = Callable[[Any, Any], Any]


class Misfit(Exception):
    """A piece of plain data is not what its place in the language takes."""

    def __init__(self, check: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.check = check
        self.message = message
        self.hint = hint


class KindMisfit(Misfit):
    """A mapping is no state, since not exactly one of its keys defines a kind."""

    def __init__(self, message: str, hint: str, found: list[str]) -> None:
        super().__init__("unknown-kind", message, hint)
        self.found = found


def key_of(attribute: str) -> str:
    """Give the key that the language has for an attribute."""
    return attribute.removesuffix("_")


def keys_of(cls: Any) -> dict[str, attrs.Attribute[Any]]:
    """Give the keys of a mapping of the language, in their order, with their attributes."""
    return _keys_of(cls)


@cache  # apart from `keys_of`, since to mypy a class from a union of them can't be hashed
def _keys_of(cls: type) -> dict[str, attrs.Attribute[Any]]:
    return {key_of(a.name): a for a in attrs.fields(attrs.resolve_types(cls))}


def without_none(type_: Any) -> Any:
    """Give `T` for `T | None`; null is how Python says that a key is left out, not a value."""
    if get_origin(type_) in (Union, types.UnionType) and types.NoneType in get_args(type_):
        return Union[tuple(t for t in get_args(type_) if t is not types.NoneType)]  # noqa: UP007 - made at run time
    return type_


@cache
def converter() -> Converter:
    """Give the converter of specs."""
    made = Converter(forbid_extra_keys=True, detailed_validation=True)
    made.register_structure_hook(str, _exactly(str, "a string"))
    made.register_structure_hook(int, _exactly(int, _PLAIN_TYPES[int]))
    made.register_structure_hook(bool, _exactly(bool, _PLAIN_TYPES[bool]))
    made.register_structure_hook_factory(_of(dict), _within(made, dict, "a mapping"))
    made.register_structure_hook_factory(_of(list), _within(made, list, "a list"))
    made.register_structure_hook_factory(_of(Literal), _literal)
    made.register_structure_hook_factory(_of(Union, types.UnionType), lambda t: _union(made, t))
    made.register_structure_hook_factory(attrs.has, lambda cls: _mapping(made, cls))
    made.register_structure_hook(Duration, _duration)
    made.register_structure_hook(Money, _money)
    return made


_PLAIN_TYPES = {int: "a whole number", bool: "true or false"}


def misfit(expected: str, data: Any, hint: str = "") -> Misfit:
    """Word that `data` is of another type than `expected`."""
    if isinstance(data, str) and expected == _PLAIN_TYPES.get(type(_unquoted(data))):
        hint = "write it without quotes"
    if data is None:
        hint = "leave the key out, or give it a value"
    return Misfit("wrong-type", f"expected {expected}, found {_described(data)}", hint)


def _unquoted(text: str) -> Any:
    try:
        return typed(text)
    except BadNumber:
        return text


def _described(data: Any) -> str:
    match data:
        case None:
            return "nothing (null)"
        case bool():
            return f"`{str(data).lower()}`"
        case int():
            return f"the whole number {data}" if abs(data) < 10**20 else "a huge whole number"
        case Real():
            return f"the number {shown(data.text)}"
        case str():
            return f'the string "{shown(data)}"'
        case list():
            return "a list"
        case dict():
            return "a mapping"
    return f"something that is no plain data ({type(data).__name__})"


def _of(*origins: Any) -> Callable[[Any], bool]:
    return lambda type_: get_origin(type_) in origins


def _exactly(type_: type, expected: str) -> Hook:
    def hook(data: Any, _: Any) -> Any:
        if type(data) is not type_:
            raise misfit(expected, data)
        return data

    return hook


def _within(made: Converter, container: type, expected: str) -> Callable[[Any], Hook]:
    """Let cattrs structure a container's items, once it is that container."""
    structurer: Any = list_structure_factory if container is list else mapping_structure_factory

    def factory(type_: Any) -> Hook:
        plain: Hook = structurer(type_, made)

        def hook(data: Any, _: Any) -> Any:
            if not isinstance(data, container):
                raise misfit(expected, data)
            return plain(data, type_)

        return hook

    return factory


def _mapping(made: Converter, cls: type) -> Hook:
    renamed = {a.name: override(rename=key) for key, a in keys_of(cls).items() if key != a.name}
    options: dict[str, Any] = {"_cattrs_forbid_extra_keys": True, **renamed}
    plain: Hook = make_dict_structure_fn(cls, made, **options)
    expected = "a mapping with keys such as " + ", ".join(f"`{key}`" for key in list(keys_of(cls))[:3])

    def hook(data: Any, _: Any) -> Any:
        if not isinstance(data, dict):
            raise misfit(expected, data, _spelt_out(data, cls))
        return plain(data, cls)

    return hook


def _spelt_out(data: Any, cls: type) -> str:
    """Word a hint for a count, or a state's name, where a mapping is wanted that has a key for it."""
    is_name = isinstance(data, str) and name_flaw(data) is None
    key = "to" if is_name else "times" if type(data) is int and data > 0 else None
    return f"did you mean `{{{key}: {data}}}`?" if key in keys_of(cls) else ""


def _literal(type_: Any) -> Hook:
    allowed = get_args(type_)

    def hook(data: Any, _: Any) -> Any:
        for value in allowed:
            if type(data) is type(value) and data == value:
                return value
        expected = " or ".join(f"`{value}`" for value in allowed)
        near = nearest(data, [str(value) for value in allowed]) if isinstance(data, str) else None
        hint = "" if near is None else f"did you mean `{near}`?"
        if near is not None and near == data:
            hint = "write it without quotes"
        raise Misfit("bad-value", f"expected {expected}, found {_described(data)}", hint)

    return hook


def _duration(data: Any, _: Any) -> Duration:
    if not isinstance(data, str):
        number = data.text if isinstance(data, Real) else data
        wrong = misfit("a duration such as 200ms, 5s or 2min", data)
        wrong.hint = f"give it a unit: {number}s" if type(data) in (int, Real) else wrong.hint
        raise wrong
    try:
        return Duration.parse(data)
    except ValueError as error:
        raise Misfit("bad-value", f"{error}, found {_described(data)}") from None


def _money(data: Any, _: Any) -> Money:
    if type(data) not in (int, Real, str):
        raise misfit("an amount in dollars such as 0.25", data)
    try:
        return Money.parse(data)
    except ValueError as error:
        raise Misfit("bad-value", f"{error}, found {_described(data)}") from None


def _union(made: Converter, type_: Any) -> Hook:
    """Tell the members of a union apart by what was written."""
    inner = without_none(type_)
    if get_origin(inner) not in (Union, types.UnionType):
        return lambda data, _: made.structure(data, inner)
    if inner == State:
        return lambda data, _: made.structure(data, _kind(data))
    members = get_args(inner)
    if set(members) == {int, Real}:
        return _number
    if inner == Secret:
        return lambda data, _: made.structure(data, _secret(data))
    labels = next((member for member in members if get_origin(member) is dict), None)
    assert set(get_args(Arm)) <= set(members), type_
    return lambda data, _: made.structure(data, _arm(data, labels))


def _number(data: Any, _: Any) -> int | Real:
    if type(data) not in (int, Real):
        raise misfit("a number", data)
    number: int | Real = data
    return number


def _secret(data: Any) -> Any:
    """Choose between all and some, which are named."""
    if isinstance(data, bool | list):
        return bool if isinstance(data, bool) else list[str]
    raise misfit("true, or a list of fields", data)


def _arm(data: Any, labels: Any) -> Any:
    """Choose between a state's name, a target, and (where `labels` is a type) targets by label."""
    if isinstance(data, str):
        return str
    if isinstance(data, dict):
        return Target if labels is None or "to" in data else labels
    wanted = "a state, as a name or as {to: name, times: 2}"
    raise misfit(wanted if labels is None else f"{wanted}, or one by each label", data)


def _kind(data: Any) -> type:
    """Choose a state's class by the one key that defines its kind."""
    if not isinstance(data, dict):
        raise misfit("a state, such as {run: module:name, success: done}", data)
    found = [key for key in data if key in KINDS]
    if len(found) == 1:
        return KINDS[found[0]]
    listed = ", ".join(f"`{kind}`" for kind in KINDS)
    if not found:
        raise KindMisfit(f"a state has one of the keys {listed}", _near_kind(data), found)
    both = " and ".join(f"`{key}`" for key in found)
    raise KindMisfit(f"a state is of one kind, and this has {both}", "make a state of each", found)


def _near_kind(data: dict[str, Any]) -> str:
    known = {key for cls in KINDS.values() for key in keys_of(cls)}
    for key in [key for key in data if key not in known][:20]:
        near = nearest(key, KINDS)
        if near is not None:
            return f"did you mean `{near}`?"
    return ""
