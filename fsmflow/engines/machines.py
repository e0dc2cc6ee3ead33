"""A machine as text, read back: it travels with its runs, whatever becomes of its spec."""

from __future__ import annotations

import hashlib
import json
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

import attrs

from fsmflow import expressions, machine, typeexpr
from fsmflow.engines.rows import Corrupt, not_known
from fsmflow.machine import Machine, Work


class BadMachine(Corrupt, ValueError):
    """A text is no machine, or another one than it should be."""


def read_machine(text: str, digest: str) -> Machine:
    """Read what `fsmflow.machine.canonical` wrote: data alone, held to the classes of the machine.

    Args:
        text: The text.
        digest: The digest that the machine has.

    Raises:
        BadMachine: It is no machine, or one with another digest.
    """
    if hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() != digest:
        raise BadMachine(f"the machine {digest[:12]} is another one than its digest says")
    try:
        found = _read(json.loads(text), Machine)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise BadMachine(not_known(f"the machine {digest[:12]} can't be read ({error})")) from error
    if found.digest != digest:
        raise BadMachine(not_known(f"the machine {digest[:12]} would be written otherwise now"))
    return typing.cast(Machine, found)


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    spaces = {**vars(expressions), **vars(typeexpr), **vars(machine)}
    return typing.get_type_hints(cls, globalns=spaces)


def _read(data: Any, hint: Any) -> Any:
    """Read plain data as what `hint` says.

    Raises:
        ValueError, TypeError: It is something else.
    """
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return data
    if origin in (Union, types.UnionType):
        return _member(data, parts)
    if origin is Literal:
        if data not in parts:
            raise ValueError(f"{data!r:.40} is none of {parts}")
        return data
    if origin is tuple:
        if not isinstance(data, list):
            raise TypeError(f"expected a list, not {type(data).__name__}")
        if parts[-1] is Ellipsis:
            return tuple(_read(item, parts[0]) for item in data)
        return tuple(_read(item, part) for item, part in zip(data, parts, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(data, dict):
            raise TypeError(f"expected a mapping, not {type(data).__name__}")
        return {str(key): _read(item, parts[1]) for key, item in data.items()}
    if isinstance(hint, type) and attrs.has(hint):
        return _object(data, hint)
    if hint is float and type(data) is int:
        return float(data)
    if hint is types.NoneType or hint is None:
        hint = types.NoneType
    if type(data) is not hint:
        raise TypeError(f"expected {getattr(hint, '__name__', hint)}, not {type(data).__name__}")
    return data


def _member(data: Any, parts: tuple[Any, ...]) -> Any:
    """Read data as the one of several types that it says it is."""
    if isinstance(data, dict) and "is" in data:
        for part in parts:
            if isinstance(part, type) and part.__name__ == data["is"]:
                return _object(data, part)
        raise ValueError(f"{data['is']!r:.40} may not stand here")
    problems = []
    for part in parts:
        if isinstance(part, type) and attrs.has(part):
            continue
        try:
            return _read(data, part)
        except (ValueError, TypeError) as error:
            problems.append(str(error))
    raise TypeError("; ".join(problems))


def _object(data: Any, cls: type) -> Any:
    if not isinstance(data, dict) or data.get("is", cls.__name__) != cls.__name__:
        raise TypeError(f"expected a {cls.__name__}")
    hints = _hints(cls)
    given = {name: item for name, item in data.items() if name != "is"}
    found = {name: _read(item, hints[name]) for name, item in given.items()}
    # What is prose, or is not there, is no part of what a machine means.
    missing = {a.name for a in attrs.fields(cls) if a.default is attrs.NOTHING} - found.keys()
    return cls(**found, **{name: "" for name in missing if name == "title"})


def called(machine: Machine) -> list[tuple[str, str]]:
    """Give the workflows that a machine runs: name and digest."""
    children = [s.children for s in machine.states.values() if isinstance(s, Work) and s.children is not None]
    return [(callee.name, callee.digest) for each in children for callee in each.callees.values()]
