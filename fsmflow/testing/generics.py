"""Values of generic attrs classes and dataclasses that are given their types: Hypothesis knows of none."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from typing import Any

import attrs
from hypothesis import strategies as st

from fsmflow.runtime.instances import field_types, is_class
from fsmflow.testing.patterns import Above, is_managed


def given_types(
    kind: Any, strategy: Callable[[Any, Above], st.SearchStrategy[Any]], above: Above = ()
) -> st.SearchStrategy[Any] | None:
    """Give a strategy for a class that is given its types; None if it is none, or Hypothesis manages.

    Args:
        kind: The type.
        strategy: Gives the strategy of the type of a field.
        above: What the type stands in.
    """
    owner = typing.get_origin(kind)
    if owner is None or not is_class(kind) or is_managed(kind):
        return None
    types = field_types(kind)
    made = {name: strategy(types[field], (*above, kind)) for field, name in _needed(owner)}
    return st.builds(owner, **made)


def _needed(owner: Any) -> list[tuple[str, str]]:
    """Give the fields without a default, each with the name under which it is given."""
    if attrs.has(owner):
        return [
            (a.name, a.alias or a.name) for a in attrs.fields(owner) if a.init and a.default is attrs.NOTHING
        ]
    missing = dataclasses.MISSING
    fields = dataclasses.fields(owner)
    return [
        (f.name, f.name) for f in fields if f.init and f.default is missing and f.default_factory is missing
    ]
