"""Values of classes that are given their types, or hold `Any` or `Self`: Hypothesis knows of none."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterator
from typing import Any

import attrs
from hypothesis import strategies as st

from fsmflow.runtime.instances import field_types, is_class
from fsmflow.runtime.keyed import is_keyed, keys_of
from fsmflow.testing.patterns import Above, is_managed, needs_help


def given_types(
    kind: Any, strategy: Callable[[Any, Above], st.SearchStrategy[Any]], above: Above = ()
) -> st.SearchStrategy[Any] | None:
    """Give a strategy for such a class; None if it is none, or Hypothesis manages.

    Args:
        kind: The type.
        strategy: Gives the strategy of the type of a field.
        above: What the type stands in.
    """
    if not is_class(kind) and not is_keyed(kind):
        return None
    owner = typing.get_origin(kind)
    if (owner is None and not needs_help(kind)) or is_managed(kind):
        return None
    needed: dict[str, st.SearchStrategy[Any]] = {}
    others: dict[str, st.SearchStrategy[Any]] = {}
    for name, field, is_needed in _fields(kind):
        (needed if is_needed else others)[name] = strategy(field, (*above, kind))
    return st.fixed_dictionaries(needed, optional=others).map(lambda given: (owner or kind)(**given))


def _fields(kind: Any) -> Iterator[tuple[str, Any, bool]]:
    """Give the name under which each field is given, its type, and whether it has no default."""
    if is_keyed(kind):
        for name, (field, is_needed) in keys_of(kind).items():
            yield name, field, is_needed
        return
    owner, types = typing.get_origin(kind) or kind, field_types(kind)
    if attrs.has(owner):
        for a in attrs.fields(owner):
            if a.init:
                yield a.alias or a.name, types[a.name], a.default is attrs.NOTHING
        return
    missing = dataclasses.MISSING
    for f in dataclasses.fields(owner):
        if f.init:
            yield f.name, types[f.name], f.default is missing and f.default_factory is missing
