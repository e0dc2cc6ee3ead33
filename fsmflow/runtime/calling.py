"""Calling a step by what it is given: lists, mappings and sets belong to it alone.

A step that changed what it was given, or gave, would change, without a word, what other steps, its own retry
and the trace hold. Instances are passed on as they are: let their classes be frozen.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import FunctionType
from typing import Any

Call = Callable[[dict[str, Any]], Any]
"""Calls a step by its arguments, by name."""


def caller(function: Callable[..., Any]) -> Call:
    """Make what calls `function` by arguments of its own.

    One or two arguments are passed by position where the function's own code has just such parameters:
    by name, Python 3.11 takes three times as long.
    """
    match _parameters(function):
        case (name,):
            return _one(function, name)
        case (first, second):
            return _two(function, first, second)
    return lambda arguments: function(**own(arguments))


def _one(function: Callable[..., Any], name: str) -> Call:
    def call(arguments: dict[str, Any]) -> Any:
        if len(arguments) != 1 or name not in arguments:
            return function(**own(arguments))
        value = arguments[name]
        return function(owned(value) if value.__class__ in CONTAINERS else value)

    return call


def _two(function: Callable[..., Any], first: str, second: str) -> Call:
    def call(arguments: dict[str, Any]) -> Any:
        if len(arguments) != 2 or first not in arguments or second not in arguments:
            return function(**own(arguments))
        one, two = arguments[first], arguments[second]
        return function(
            owned(one) if one.__class__ in CONTAINERS else one,
            owned(two) if two.__class__ in CONTAINERS else two,
        )

    return call


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Give the names of parameters that can be passed by position; none where it may take others too.

    What a decorator says that it wraps is of no account: it may well take arguments by name alone.
    """
    if not isinstance(function, FunctionType):
        return ()
    code = function.__code__
    if code.co_kwonlyargcount or code.co_flags & (CO_VARARGS | CO_VARKEYWORDS):
        return ()
    return code.co_varnames[: code.co_argcount]


def own(arguments: dict[str, Any]) -> dict[str, Any]:
    """Give arguments whose lists, mappings and sets belong to the step alone."""
    for value in arguments.values():
        if value.__class__ in CONTAINERS:
            return {name: owned(value) for name, value in arguments.items()}
    return arguments


def owned(value: Any) -> Any:
    """Give a value whose lists, mappings and sets are nobody else's; one that holds itself stays as it is."""
    try:
        return _copied(value)
    except RecursionError:
        return value


CONTAINERS = frozenset({list, dict, set, tuple, bytearray})


def _copied(value: Any) -> Any:
    kind = value.__class__
    if kind is list or kind is tuple:
        return kind(map(_copied, value))
    if kind is dict:
        return {key: _copied(item) for key, item in value.items()}
    return kind(value) if kind in CONTAINERS else value
